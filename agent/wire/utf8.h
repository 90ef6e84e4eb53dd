/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One character of UTF-8, read strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 * glib's own reader wants NUL-ended text and says nothing about the length of what is ill-formed.
 */

/* Whether a character of two bytes or more can begin with LEAD. */
static inline gboolean
tn_utf8_is_lead(uint8_t lead)
{
    return lead >= 0xc2 && lead <= 0xf4;
}

/* Reads the character that begins at TEXT, of which SIZE >= 1 bytes exist. Returns its length, 1 to
 * 4, and stores it; or the negative length, -1 to -3, of the longest beginning of a well-formed
 * sequence that stands there (at least one byte), when what stands there is ill-formed or cut off.
 * Source: Unicode 15, table 3-7 and the practice of "maximal subparts" below it. */
static inline int
tn_utf8_read(const uint8_t *text, size_t size, uint32_t *ret_char)
{
    uint8_t lead = text[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    uint32_t value = 0;
    int length = 0;

    if (lead < 0x80) {
        *ret_char = lead;
        return 1;
    }
    if (!tn_utf8_is_lead(lead))
        return -1;

    length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    value = lead & (0xffu >> (length + 1));
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;

    for (int i = 1; i < length; i++) {
        if ((size_t)i == size || text[i] < low || text[i] > high)
            return -i;
        value = value << 6 | (text[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *ret_char = value;
    return length;
}

/* Writes CHARACTER (U+0000 to U+10FFFF) to TEXT and returns its length, 1 to 4. */
static inline int
tn_utf8_write(uint32_t character, uint8_t *text)
{
    if (character < 0x80) {
        text[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        text[0] = (uint8_t)(0xc0 | character >> 6);
        text[1] = (uint8_t)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        text[0] = (uint8_t)(0xe0 | character >> 12);
        text[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
        text[2] = (uint8_t)(0x80 | (character & 0x3f));
        return 3;
    }
    text[0] = (uint8_t)(0xf0 | character >> 18);
    text[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    text[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    text[3] = (uint8_t)(0x80 | (character & 0x3f));
    return 4;
}
