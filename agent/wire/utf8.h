/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One character of UTF-8, read strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 * glib's own reader wants NUL-ended text and says nothing about the length of what is ill-formed.
 */

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
    if (lead < 0xc2 || lead > 0xf4)
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
