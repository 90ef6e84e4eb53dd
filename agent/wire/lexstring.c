/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strings: the one part of a message that is ever large, so runs of plain bytes are found by the
 * widest instructions at hand, and nothing is copied unless an escape stood before it.
 * Decoded text is never longer than its source, so it is written over it.
 */

#include "agent/wire/lexstring.h"

#include "agent/wire/plain.h"
#include "agent/wire/utf8.h"

#include <string.h>

enum {
    UNIT_BYTES = 6 /* of an escape such as \u20AC */
};

static uint8_t
find_escaped(uint8_t letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Reads \uXXXX at TEXT. Returns how many bytes are right: UNIT_BYTES when all are. */
static gsize
read_unit(const uint8_t *text, gsize size, guint *ret_unit)
{
    guint unit = 0;
    gsize at = 0;

    for (; at < MIN(size, UNIT_BYTES); at++) {
        int digit = g_ascii_xdigit_value((char)text[at]);

        if (at < 2 ? text[at] != (uint8_t) "\\u"[at] : digit < 0)
            return at;
        if (at >= 2)
            unit = unit << 4 | (guint)digit;
    }
    *ret_unit = unit;
    return at;
}

/* The escape at lexer->read is wrong at its byte BAD. */
static TnStep
fail_unit(TnLexer *lexer, const uint8_t *text, gsize bad)
{
    const char *escape = (const char *)text + lexer->read;
    int shown = (int)MIN(bad + 1, UNIT_BYTES);

    if (text[lexer->read + bad] == TN_LEXER_SENTINEL)
        return tn_lexer_resync(lexer, lexer->read + bad);
    g_snprintf(lexer->why, sizeof lexer->why,
               "JSON parse error, %.*s is not a valid Unicode character", shown, escape);
    return TN_STEP_FAILED;
}

static TnStep
take_unit(TnLexer *lexer, uint8_t *text, gsize size)
{
    const uint8_t *escape = text + lexer->read;
    gsize available = size - lexer->read;
    guint character = 0;
    guint low = 0;
    gsize n_read = read_unit(escape, available, &character);

    if (n_read < UNIT_BYTES)
        return n_read == available ? tn_lexer_wait(lexer, size) : fail_unit(lexer, text, n_read);
    if (character >= 0xdc00 && character <= 0xdfff)
        return fail_unit(lexer, text, UNIT_BYTES - 1);
    if (character >= 0xd800 && character <= 0xdbff) {
        n_read += read_unit(escape + n_read, available - n_read, &low);
        if (n_read < UNIT_BYTES * 2)
            return n_read == available ? tn_lexer_wait(lexer, size)
                                       : fail_unit(lexer, text, n_read);
        if (low < 0xdc00 || low > 0xdfff)
            return fail_unit(lexer, text, UNIT_BYTES - 1);
        character = 0x10000 + ((character & 0x3ff) << 10) + (low & 0x3ff);
    }

    if (character == 0)
        lexer->tokens[lexer->n_tokens - 1].flags |= TN_TOKEN_HAS_NUL;
    lexer->read += n_read;
    lexer->write += (gsize)tn_utf8_write(character, text + lexer->write);
    return TN_STEP_ON;
}

static TnStep
take_escape(TnLexer *lexer, uint8_t *text, gsize size)
{
    uint8_t letter = 0;
    uint8_t byte = 0;

    if (size - lexer->read < 2)
        return tn_lexer_wait(lexer, size);
    letter = text[lexer->read + 1];
    if (letter == 'u')
        return take_unit(lexer, text, size);
    if (letter == TN_LEXER_SENTINEL)
        return tn_lexer_resync(lexer, lexer->read + 1);

    byte = find_escaped(letter);
    if (byte == 0)
        return tn_lexer_fail(lexer, "JSON parse error, invalid escape sequence in string");
    lexer->read += 2;
    text[lexer->write++] = byte;
    return TN_STEP_ON;
}

/* All characters at lexer->read that are not ASCII. */
static TnStep
take_characters(TnLexer *lexer, uint8_t *text, gsize size)
{
    static const char why[] = "JSON parse error, invalid UTF-8 sequence in string";

    while (lexer->read < size && text[lexer->read] >= 0x80) {
        const uint8_t *place = text + lexer->read;
        uint32_t character = 0;
        int length = tn_utf8_read(place, size - lexer->read, &character);

        if (length < 0) {
            gsize bad = lexer->read + (gsize)-length;

            if (*place == TN_LEXER_SENTINEL)
                return TN_STEP_RESYNC;
            if (!tn_utf8_is_lead(*place))
                return tn_lexer_fail(lexer, why);
            if (bad == size)
                return tn_lexer_wait(lexer, size);
            return text[bad] == TN_LEXER_SENTINEL ? tn_lexer_resync(lexer, bad)
                                                  : tn_lexer_fail(lexer, why);
        }
        for (int i = 0; i < length; i++)
            text[lexer->write++] = text[lexer->read++];
    }
    return TN_STEP_ON;
}

TnStep
tn_lexstring_walk(TnLexer *lexer, char *bytes, gsize size)
{
    uint8_t *text = (uint8_t *)bytes;
    TnStep step = TN_STEP_ON;

    while (step == TN_STEP_ON) {
        gsize run = tn_plain_span(text + lexer->read, size - lexer->read);
        uint8_t byte = 0;

        if (lexer->write != lexer->read)
            memmove(text + lexer->write, text + lexer->read, run);
        lexer->read += run;
        lexer->write += run;
        if (lexer->read == size)
            return tn_lexer_wait(lexer, size);

        byte = text[lexer->read];
        if (byte == '"') {
            TnToken *token = &lexer->tokens[lexer->n_tokens - 1];

            token->length = (uint32_t)(lexer->write - token->start);
            lexer->read++;
            return TN_STEP_ON;
        }
        if (byte == '\\') {
            step = take_escape(lexer, text, size);
        } else if (byte >= 0x80) {
            step = take_characters(lexer, text, size);
        } else {
            gsize start = lexer->tokens[lexer->n_tokens - 1].start;

            return tn_lexer_fail_stray(lexer, "\"", bytes + start, lexer->write - start, byte);
        }
    }
    return step;
}
