/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words and numbers of /proc. scanf() would take signs, hexadecimal floats, overflow and NUL for
 * numbers; here a word is a number as a whole or it is none.
 */

#include "platform/scan.h"

#include <string.h>

enum {
    /* Longest number with a point that is taken: 20 digits and a fraction (CPU pressure, load). */
    DOUBLE_WORD_BYTES = 48
};

gboolean
tn_scan_line(TnScan *text, TnScan *ret_line)
{
    const char *newline;

    if (text->at >= text->end)
        return FALSE;
    newline = memchr(text->at, '\n', (gsize)(text->end - text->at));
    ret_line->at = text->at;
    ret_line->end = newline != NULL ? newline : text->end;
    text->at = newline != NULL ? newline + 1 : text->end;
    return TRUE;
}

gboolean
tn_scan_word(TnScan *line, TnScan *ret_word)
{
    while (line->at < line->end && g_ascii_isspace(*line->at))
        line->at++;
    if (line->at == line->end)
        return FALSE;
    ret_word->at = line->at;
    while (line->at < line->end && !g_ascii_isspace(*line->at))
        line->at++;
    ret_word->end = line->at;
    return TRUE;
}

gboolean
tn_scan_is(const TnScan *word, const char *text)
{
    gsize size = strlen(text);

    return (gsize)(word->end - word->at) == size && memcmp(word->at, text, size) == 0;
}

gboolean
tn_scan_to_u64(const TnScan *word, guint base, guint64 *ret_value)
{
    guint64 value = 0;

    if (word->at == word->end)
        return FALSE;
    for (const char *at = word->at; at < word->end; at++) {
        int digit = base == 16 ? g_ascii_xdigit_value(*at) : g_ascii_digit_value(*at);

        if (digit < 0 || value > (G_MAXUINT64 - (guint64)digit) / base)
            return FALSE;
        value = value * base + (guint64)digit;
    }
    *ret_value = value;
    return TRUE;
}

gboolean
tn_scan_u64(TnScan *line, guint64 *ret_value)
{
    TnScan word;

    return tn_scan_word(line, &word) && tn_scan_to_u64(&word, 10, ret_value);
}

gboolean
tn_scan_to_double(const TnScan *word, double *ret_value)
{
    char text[DOUBLE_WORD_BYTES];
    gsize size = (gsize)(word->end - word->at);
    guint points = 0;

    if (size == 0 || size >= sizeof(text) || !g_ascii_isdigit(*word->at))
        return FALSE;
    for (gsize i = 0; i < size; i++) {
        points += word->at[i] == '.';
        if (word->at[i] != '.' && !g_ascii_isdigit(word->at[i]))
            return FALSE;
    }
    if (points > 1)
        return FALSE;
    memcpy(text, word->at, size);
    text[size] = '\0';
    *ret_value = g_ascii_strtod(text, NULL);
    return TRUE;
}

char *
tn_scan_dup(const TnScan *word)
{
    return g_utf8_make_valid(word->at, word->end - word->at);
}
