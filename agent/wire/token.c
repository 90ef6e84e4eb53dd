/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading a token table: members by name, numbers by value. It trusts the table (lex.c made it) and
 * nothing about the values in it.
 */

#include "agent/wire/token.h"

#include "agent/wire/pages.h"

#include <string.h>

/* What a detached message owns. */
typedef struct {
    char *bytes;
    gsize capacity;
    TnToken *tokens;
    guint token_capacity;
} Block;

void
tn_message_own(TnMessage *message,
               char *bytes /* NOLINT(readability-non-const-parameter): it becomes the owner */,
               gsize capacity, TnToken *tokens, guint token_capacity)
{
    Block *block = g_new(Block, 1);

    *block = (Block){
        .bytes = bytes,
        .capacity = capacity,
        .tokens = tokens,
        .token_capacity = token_capacity,
    };
    message->tokens = tokens;
    message->block = block;
}

void
tn_message_clear(TnMessage *message)
{
    Block *block = message->block;

    if (block != NULL) {
        (void)tn_pages_resize(block->bytes, block->capacity, 0);
        (void)tn_pages_resize(block->tokens, block->token_capacity * sizeof(TnToken), 0);
        g_free(block);
    }
    *message = (TnMessage){0};
}

char *
tn_message_steal_bytes(TnMessage *message, gsize *ret_capacity)
{
    Block *block = message->block;
    char *bytes = NULL;

    if (block != NULL) {
        bytes = g_steal_pointer(&block->bytes);
        *ret_capacity = block->capacity;
        block->capacity = 0;
    }
    tn_message_clear(message);
    return bytes;
}

guint
tn_message_find(const TnMessage *message, guint object, const char *name)
{
    const TnToken *tokens = message->tokens;
    gsize size = strlen(name);
    guint key = object + 1;

    for (guint i = 0; i < tokens[object].n_children; i++) {
        if (tokens[key].length == size &&
            memcmp(message->bytes + tokens[key].start, name, size) == 0)
            return key + 1;
        key = tokens[key + 1].next;
    }
    return 0;
}

/* The magnitude and sign of an integer token; FALSE when it is no uint64. */
static gboolean
read_integer(const TnMessage *message, guint index, uint64_t *ret_value, gboolean *ret_is_negative)
{
    const TnToken *token = &message->tokens[index];
    const char *digits = message->bytes + token->start;
    gsize at = 0;
    uint64_t value = 0;

    if (token->type != TN_TOKEN_NUMBER || (token->flags & TN_TOKEN_IS_INTEGER) == 0)
        return FALSE;
    *ret_is_negative = digits[0] == '-';
    for (at = *ret_is_negative ? 1 : 0; at < token->length; at++) {
        uint64_t digit = (uint64_t)(digits[at] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return FALSE;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return TRUE;
}

gboolean
tn_message_get_int64(const TnMessage *message, guint token, int64_t *ret_value)
{
    uint64_t value = 0;
    gboolean is_negative = FALSE;

    if (!read_integer(message, token, &value, &is_negative))
        return FALSE;
    if (value > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return FALSE;
    /* Modulo 2^64, as gcc and clang define it: -2^63 has no positive counterpart. */
    *ret_value = (int64_t)(is_negative ? 0 - value : value);
    return TRUE;
}

gboolean
tn_message_get_uint64(const TnMessage *message, guint token, uint64_t *ret_value)
{
    uint64_t value = 0;
    gboolean is_negative = FALSE;

    if (!read_integer(message, token, &value, &is_negative) || (is_negative && value != 0))
        return FALSE;
    *ret_value = value;
    return TRUE;
}

double
tn_message_get_double(const TnMessage *message, guint token)
{
    /* What follows a number is never a part of one, so it needs no NUL. */
    return g_ascii_strtod(message->bytes + message->tokens[token].start, NULL);
}

const char *
tn_message_get_string(const TnMessage *message, guint token)
{
    char *string = message->bytes + message->tokens[token].start;

    string[message->tokens[token].length] = '\0';
    return string;
}
