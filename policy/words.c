/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words and quotes. Strict on purpose: an escape that is not one of four, a quote that does not
 * end or a tail that looks like a comment is an error, since each has meant something else to
 * somebody.
 */

#include "policy/words.h"

#include "policy/policy.h"

#include <string.h>

static gboolean
fail(GError **error, const char *message)
{
    g_set_error_literal(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, message);
    return FALSE;
}

/* TEXT stands behind a backslash; FALSE when that is no escape. *RET_LENGTH bytes were taken. */
static gboolean
decode_escape(const char *text, char *ret_byte, gsize *ret_length)
{
    *ret_length = 1;
    switch (text[0]) {
    case '"':
    case '\\':
        *ret_byte = text[0];
        return TRUE;
    case 'n':
        *ret_byte = '\n';
        return TRUE;
    case 'x':
        if (!g_ascii_isxdigit(text[1]) || !g_ascii_isxdigit(text[2]))
            return FALSE;
        *ret_length = 3;
        *ret_byte = (char)(g_ascii_xdigit_value(text[1]) * 16 + g_ascii_xdigit_value(text[2]));
        return *ret_byte != '\0';
    default:
        return FALSE;
    }
}

gboolean
tn_words_unquote(const char **cursor, GString *out, GError **error)
{
    const char *at = *cursor + 1;

    while (*at != '"') {
        char byte = *at;
        gsize length = 1;

        if (byte == '\0')
            return fail(error, "the quote does not end");
        if (byte == '\\') {
            if (!decode_escape(at + 1, &byte, &length)) {
                *cursor = at;
                return fail(error, "unknown escape; there are \\\" \\\\ \\n \\xHH");
            }
            length++;
        }
        g_string_append_c(out, byte);
        at += length;
    }
    *cursor = at + 1;
    return TRUE;
}

gboolean
tn_words_check_inline(const char *text, gsize *ret_offset, GError **error)
{
    gboolean quoted = FALSE;

    for (gsize i = 0; text[i] != '\0'; i++) {
        if (text[i] == '\\' && quoted && text[i + 1] != '\0') {
            i++;
            continue;
        }
        if (text[i] == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (text[i] == ';' || (text[i] == '#' && (i == 0 || text[i - 1] == ' '))) {
            *ret_offset = i;
            return fail(error, "inline comment? put it on a line of its own, or quote the word");
        }
    }
    return TRUE;
}

/* One word from **CURSOR, which is no blank. */
static char *
take_word(const char **cursor, GError **error)
{
    g_autoptr(GString) word = g_string_new(NULL);

    while (**cursor != '\0' && **cursor != ' ') {
        if (**cursor == '"') {
            if (!tn_words_unquote(cursor, word, error))
                return NULL;
            continue;
        }
        g_string_append_c(word, **cursor);
        (*cursor)++;
    }
    return g_string_free(g_steal_pointer(&word), FALSE);
}

GPtrArray *
tn_words_split(const char *text, gsize *ret_offset, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    const char *cursor = text;

    for (;;) {
        char *word;

        cursor += strspn(cursor, " ");
        if (*cursor == '\0')
            return g_steal_pointer(&words);
        word = take_word(&cursor, error);
        if (word == NULL) {
            *ret_offset = (gsize)(cursor - text);
            return NULL;
        }
        g_ptr_array_add(words, word);
    }
}
