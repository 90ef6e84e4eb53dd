/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values to pure ASCII JSON text. Whatever bytes come in, the text that goes out is printable
 * ASCII: one raw byte above 0x7e or one control character would end libvirt's channel.
 * It does not know objects or lists; their brackets and separators belong to the caller.
 */

#include "agent/wire/text.h"

#include "agent/wire/plain.h"
#include "agent/wire/utf8.h"

#include <math.h>

enum {
    DIGITS_MAX = 20, /* of 2^64 - 1 */
    FIRST_SUPPLEMENTARY = 0x10000,
    REPLACEMENT = 0xfffd
};

/* The length of the run at the beginning of TEXT that goes out as it is. */
static gsize
span_plain(const uint8_t *text, gsize size)
{
    gsize span = tn_plain_span(text, size);
    /* Input may hold it, output may not. */
    const uint8_t *delete = memchr(text, 0x7f, span);

    return delete != NULL ? (gsize)(delete - text) : span;
}

static void
append_unit(GString *text, guint unit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escape[] = {'\\',
                           'u',
                           digits[unit >> 12 & 15],
                           digits[unit >> 8 & 15],
                           digits[unit >> 4 & 15],
                           digits[unit & 15]};

    tn_text_append(text, escape, sizeof escape);
}

static char
find_short_escape(uint32_t character)
{
    switch (character) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void
append_escaped(GString *text, uint32_t character)
{
    char escape = find_short_escape(character);

    if (escape != 0) {
        g_string_append_c(text, '\\');
        g_string_append_c(text, escape);
    } else if (character < FIRST_SUPPLEMENTARY) {
        append_unit(text, character);
    } else {
        character -= FIRST_SUPPLEMENTARY;
        append_unit(text, 0xd800 + (character >> 10));
        append_unit(text, 0xdc00 + (character & 0x3ff));
    }
}

void
tn_text_append_string(GString *text, const char *value, gssize size)
{
    gsize n_bytes = size < 0 ? strlen(value) : (gsize)size;
    const uint8_t *bytes = (const uint8_t *)value;
    gsize at = 0;

    g_string_append_c(text, '"');
    while (at < n_bytes) {
        gsize span = span_plain(bytes + at, n_bytes - at);
        uint32_t character = 0;
        int length = 0;

        tn_text_append(text, value + at, span);
        at += span;
        if (at == n_bytes)
            break;

        length = tn_utf8_read(bytes + at, n_bytes - at, &character);
        append_escaped(text, length > 0 ? character : REPLACEMENT);
        at += (gsize)ABS(length);
    }
    g_string_append_c(text, '"');
}

void
tn_text_append_uint(GString *text, uint64_t value)
{
    char digits[DIGITS_MAX];
    gsize at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    tn_text_append(text, digits + at, sizeof digits - at);
}

void
tn_text_append_int(GString *text, int64_t value)
{
    if (value < 0) {
        g_string_append_c(text, '-');
        /* Negated as unsigned: -INT64_MIN is no int64. */
        tn_text_append_uint(text, 0 - (uint64_t)value);
    } else {
        tn_text_append_uint(text, (uint64_t)value);
    }
}

void
tn_text_append_double(GString *text, double value)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    /* JSON has no word for what is not finite. */
    if (!isfinite(value))
        value = 0;
    g_string_append(text, g_ascii_formatd(digits, sizeof digits, "%.17g", value));
}
