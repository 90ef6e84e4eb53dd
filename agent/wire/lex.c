/* SPDX-License-Identifier: Apache-2.0 */

/*
 * RFC 8259, byte by byte or megabyte by megabyte, into a token table.
 *
 * - It can stop behind every byte. Long things (strings, numbers) go on where they stopped; short
 *   ones (an escape, a character, a keyword) are looked at again from their beginning, which is
 *   at most WORD_MAX bytes.
 * - The stack of open containers is in the tokens themselves: `next` of an open one is its parent.
 * - What it says depends on the bytes alone, never on how they were cut into pieces: each error is
 *   found at the first byte that cannot be right, and a limit counts bytes of the message.
 * - Words are qemu-ga's where it has one for the case.
 */

#include "agent/wire/lex.h"

#include "agent/wire/lexstring.h"
#include "agent/wire/pages.h"

#include <string.h>

enum {
    WORD_MAX = 32,    /* letters of a keyword that are waited for and shown */
    LINEAR_KEYS = 16, /* members of an object up to which keys are compared one by one */
    FEW_TOKENS = 128, /* capacity that is kept between messages */
    NONE = G_MAXINT32 /* instead of the token of an open container */
};

typedef enum {
    STATE_VALUE,       /* a value must come: at the top, behind ':', behind ',' in an array */
    STATE_FIRST_VALUE, /* behind '[' */
    STATE_KEY,         /* behind ',' in an object */
    STATE_FIRST_KEY,   /* behind '{' */
    STATE_COLON,       /* behind a key */
    STATE_NEXT,        /* behind a value in a container */
    STATE_STRING,
    STATE_NUMBER,
    STATE_DONE,
} State;

typedef enum {
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INTEGER,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_MARK,
    NUMBER_SIGN,
    NUMBER_EXPONENT,
    NUMBER_N,
    NUMBER_END = NUMBER_N, /* the byte is no part of the number */
    NUMBER_BAD,            /* the number must not end here */
} NumberState;

/* BYTE begins no token that may stand here. WHY is said of what is a token at all. */
static TnStep
refuse(TnLexer *lexer, uint8_t byte, const char *why)
{
    if (g_ascii_islower((char)byte) || g_ascii_isdigit((char)byte) ||
        (byte != '\0' && byte < 0x80 && strchr("\"-[]{},:", byte) != NULL))
        return tn_lexer_fail(lexer, why);
    return tn_lexer_fail_stray(lexer, "", "", 0, byte);
}

/* NULL when the message has its full number of tokens; why is set then. */
static TnToken *
push_token(TnLexer *lexer, TnTokenType type)
{
    TnToken *token = NULL;

    if (lexer->n_tokens == lexer->limits.n_tokens) {
        (void)tn_lexer_fail(lexer, "JSON token count limit exceeded");
        return NULL;
    }
    if (lexer->n_tokens == lexer->token_capacity) {
        guint capacity = lexer->token_capacity == 0 ? FEW_TOKENS : lexer->token_capacity * 2;

        lexer->tokens = tn_pages_resize(lexer->tokens, lexer->token_capacity * sizeof(TnToken),
                                        capacity * sizeof(TnToken));
        lexer->token_capacity = capacity;
    }
    token = &lexer->tokens[lexer->n_tokens++];
    *token = (TnToken){
        .type = (uint8_t)type,
        .start = (uint32_t)lexer->read,
        .next = lexer->n_tokens,
    };
    return token;
}

static TnToken *
push_value(TnLexer *lexer, TnTokenType type)
{
    if (lexer->open != NONE && lexer->tokens[lexer->open].type == TN_TOKEN_ARRAY)
        lexer->tokens[lexer->open].n_children++;
    return push_token(lexer, type);
}

static TnStep
end_value(TnLexer *lexer)
{
    lexer->state = lexer->open == NONE ? STATE_DONE : STATE_NEXT;
    return TN_STEP_ON;
}

static TnStep
open_container(TnLexer *lexer, TnTokenType type)
{
    guint index = lexer->n_tokens;
    TnToken *token = NULL;

    if (lexer->depth == lexer->limits.depth)
        return tn_lexer_fail(lexer, "JSON nesting depth limit exceeded");
    token = push_value(lexer, type);
    if (token == NULL)
        return TN_STEP_FAILED;

    token->next = lexer->open;
    lexer->open = index;
    lexer->depth++;
    lexer->read++;
    lexer->state = type == TN_TOKEN_ARRAY ? STATE_FIRST_VALUE : STATE_FIRST_KEY;
    return TN_STEP_ON;
}

static TnStep
close_container(TnLexer *lexer)
{
    TnToken *token = &lexer->tokens[lexer->open];

    lexer->open = token->next;
    lexer->depth--;
    lexer->read++;
    token->next = lexer->n_tokens;
    return end_value(lexer);
}

/* The key that was read last is the last token. */
static gboolean
is_new_key(TnLexer *lexer, const char *bytes)
{
    const TnToken *tokens = lexer->tokens;
    guint key = lexer->n_tokens - 1;
    guint n_members = tokens[lexer->open].n_children;
    guint other = lexer->open + 1;

    if (n_members > LINEAR_KEYS + 1)
        return tn_keys_add(&lexer->keys, tokens, bytes, lexer->open, key);

    for (; other != key; other = tokens[other + 1].next) {
        if (tokens[other].length == tokens[key].length &&
            memcmp(bytes + tokens[other].start, bytes + tokens[key].start, tokens[key].length) == 0)
            return FALSE;
    }
    /* The first key that makes the object a large one brings all before it along. */
    if (n_members == LINEAR_KEYS + 1) {
        for (other = lexer->open + 1; other != key; other = tokens[other + 1].next)
            (void)!tn_keys_add(&lexer->keys, tokens, bytes, lexer->open, other);
        (void)!tn_keys_add(&lexer->keys, tokens, bytes, lexer->open, key);
    }
    return TRUE;
}

static TnStep
walk_string(TnLexer *lexer, char *bytes, gsize size)
{
    TnStep step = tn_lexstring_walk(lexer, bytes, size);

    if (step != TN_STEP_ON)
        return step;
    if (!lexer->is_key)
        return end_value(lexer);

    lexer->tokens[lexer->open].n_children++;
    lexer->state = STATE_COLON;
    if (!is_new_key(lexer, bytes))
        return tn_lexer_fail(lexer, "JSON parse error, duplicate key");
    return TN_STEP_ON;
}

static TnStep
begin_string(TnLexer *lexer, char *bytes, gsize size, gboolean is_key)
{
    TnToken *token =
        is_key ? push_token(lexer, TN_TOKEN_STRING) : push_value(lexer, TN_TOKEN_STRING);

    if (token == NULL)
        return TN_STEP_FAILED;
    token->start++;
    lexer->read++;
    lexer->write = lexer->read;
    lexer->is_key = is_key;
    lexer->state = STATE_STRING;
    return walk_string(lexer, bytes, size);
}

static NumberState
step_number(NumberState state, uint8_t byte)
{
    /* what follows on: a digit 0, another digit, a point, a sign, e or E, anything else */
    static const uint8_t next[NUMBER_N][6] = {
        [NUMBER_MINUS] = {NUMBER_ZERO, NUMBER_INTEGER, NUMBER_BAD, NUMBER_BAD, NUMBER_BAD,
                          NUMBER_BAD},
        [NUMBER_ZERO] = {NUMBER_BAD, NUMBER_BAD, NUMBER_POINT, NUMBER_END, NUMBER_MARK, NUMBER_END},
        [NUMBER_INTEGER] = {NUMBER_INTEGER, NUMBER_INTEGER, NUMBER_POINT, NUMBER_END, NUMBER_MARK,
                            NUMBER_END},
        [NUMBER_POINT] = {NUMBER_FRACTION, NUMBER_FRACTION, NUMBER_BAD, NUMBER_BAD, NUMBER_BAD,
                          NUMBER_BAD},
        [NUMBER_FRACTION] = {NUMBER_FRACTION, NUMBER_FRACTION, NUMBER_END, NUMBER_END, NUMBER_MARK,
                             NUMBER_END},
        [NUMBER_MARK] = {NUMBER_EXPONENT, NUMBER_EXPONENT, NUMBER_BAD, NUMBER_SIGN, NUMBER_BAD,
                         NUMBER_BAD},
        [NUMBER_SIGN] = {NUMBER_EXPONENT, NUMBER_EXPONENT, NUMBER_BAD, NUMBER_BAD, NUMBER_BAD,
                         NUMBER_BAD},
        [NUMBER_EXPONENT] = {NUMBER_EXPONENT, NUMBER_EXPONENT, NUMBER_END, NUMBER_END, NUMBER_END,
                             NUMBER_END},
    };
    guint column = 5;

    if (byte >= '0' && byte <= '9')
        column = byte == '0' ? 0 : 1;
    else if (byte == '.')
        column = 2;
    else if (byte == '+' || byte == '-')
        column = 3;
    else if (byte == 'e' || byte == 'E')
        column = 4;
    return (NumberState)next[state][column];
}

/* Whether BYTE may follow a number or keyword that is a message of its own. */
static gboolean
is_delimiter(uint8_t byte)
{
    return byte != '\0' && strchr(" \t\r\n\"[]{},:", byte) != NULL;
}

static TnStep
walk_number(TnLexer *lexer, const char *bytes, gsize size)
{
    TnToken *token = &lexer->tokens[lexer->n_tokens - 1];
    NumberState state = (NumberState)lexer->number_state;
    NumberState next = NUMBER_END;
    uint8_t byte = 0;

    for (; lexer->read < size; lexer->read++) {
        byte = (uint8_t)bytes[lexer->read];
        next = step_number(state, byte);
        if (next >= NUMBER_END)
            break;
        state = next;
    }
    lexer->number_state = (uint8_t)state;
    if (lexer->read == size)
        return tn_lexer_wait(lexer, size);

    token->length = (uint32_t)(lexer->read - token->start);
    if (byte == TN_LEXER_SENTINEL)
        return TN_STEP_RESYNC;
    if (next == NUMBER_BAD || (lexer->open == NONE && !is_delimiter(byte)))
        return tn_lexer_fail_stray(lexer, "", bytes + token->start, token->length, byte);
    if (state == NUMBER_ZERO || state == NUMBER_INTEGER)
        token->flags |= TN_TOKEN_IS_INTEGER;
    return end_value(lexer);
}

static TnStep
begin_number(TnLexer *lexer, const char *bytes, gsize size)
{
    char first = bytes[lexer->read];

    if (push_value(lexer, TN_TOKEN_NUMBER) == NULL)
        return TN_STEP_FAILED;
    lexer->number_state = first == '-' ? NUMBER_MINUS : NUMBER_INTEGER;
    if (first == '0')
        lexer->number_state = NUMBER_ZERO;
    lexer->read++;
    lexer->state = STATE_NUMBER;
    return walk_number(lexer, bytes, size);
}

static TnStep
take_word(TnLexer *lexer, const char *bytes, gsize size)
{
    static const char words[][6] = {
        [TN_TOKEN_NULL] = "null",
        [TN_TOKEN_FALSE] = "false",
        [TN_TOKEN_TRUE] = "true",
    };
    const char *word = bytes + lexer->read;
    gsize available = MIN(size - lexer->read, WORD_MAX);
    gsize length = 0;

    while (length < available && g_ascii_islower(word[length]))
        length++;
    if (lexer->read + length == size && length < WORD_MAX)
        return tn_lexer_wait(lexer, size);
    if (length < WORD_MAX && (uint8_t)word[length] == TN_LEXER_SENTINEL)
        return tn_lexer_resync(lexer, lexer->read + length);

    for (guint type = 0; type < G_N_ELEMENTS(words); type++) {
        TnToken *token = NULL;

        if (strlen(words[type]) != length || memcmp(words[type], word, length) != 0)
            continue;
        if (lexer->open == NONE && !is_delimiter((uint8_t)word[length]))
            return tn_lexer_fail_stray(lexer, "", word, length, (uint8_t)word[length]);
        token = push_value(lexer, (TnTokenType)type);
        if (token == NULL)
            return TN_STEP_FAILED;
        token->length = (uint32_t)length;
        lexer->read += length;
        return end_value(lexer);
    }
    g_snprintf(lexer->why, sizeof lexer->why, "JSON parse error, invalid keyword '%.*s'",
               (int)length, word);
    return TN_STEP_FAILED;
}

static TnStep
begin_value(TnLexer *lexer, char *bytes, gsize size, uint8_t byte)
{
    if (byte == '"')
        return begin_string(lexer, bytes, size, FALSE);
    if (byte == '{')
        return open_container(lexer, TN_TOKEN_OBJECT);
    if (byte == '[')
        return open_container(lexer, TN_TOKEN_ARRAY);
    if (byte == '-' || g_ascii_isdigit((char)byte))
        return begin_number(lexer, bytes, size);
    if (g_ascii_islower((char)byte))
        return take_word(lexer, bytes, size);
    return refuse(lexer, byte, "JSON parse error, expecting value");
}

static TnStep
begin_key(TnLexer *lexer, char *bytes, gsize size, uint8_t byte)
{
    if (byte == '"')
        return begin_string(lexer, bytes, size, TRUE);
    if (byte == ',' || byte == ':' || byte == ']' || byte == '}')
        return tn_lexer_fail(lexer, "JSON parse error, expecting value");
    return refuse(lexer, byte, "JSON parse error, key is not a string in object");
}

static TnStep
take_colon(TnLexer *lexer, uint8_t byte)
{
    if (byte != ':')
        return refuse(lexer, byte, "JSON parse error, missing : in object pair");
    lexer->read++;
    lexer->state = STATE_VALUE;
    return TN_STEP_ON;
}

static TnStep
take_separator(TnLexer *lexer, uint8_t byte)
{
    gboolean is_array = lexer->tokens[lexer->open].type == TN_TOKEN_ARRAY;

    if (byte == (is_array ? ']' : '}'))
        return close_container(lexer);
    if (byte != ',')
        return refuse(lexer, byte,
                      is_array ? "JSON parse error, expected separator in list"
                               : "JSON parse error, expected separator in dict");
    lexer->read++;
    lexer->state = is_array ? STATE_VALUE : STATE_KEY;
    return TN_STEP_ON;
}

static gboolean
is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static TnStep
walk_structure(TnLexer *lexer, char *bytes, gsize size)
{
    uint8_t byte = 0;

    while (lexer->read < size && is_space(bytes[lexer->read]))
        lexer->read++;
    if (lexer->read == size)
        return tn_lexer_wait(lexer, size);

    byte = (uint8_t)bytes[lexer->read];
    switch ((State)lexer->state) {
    case STATE_FIRST_VALUE:
        return byte == ']' ? close_container(lexer) : begin_value(lexer, bytes, size, byte);
    case STATE_FIRST_KEY:
        return byte == '}' ? close_container(lexer) : begin_key(lexer, bytes, size, byte);
    case STATE_KEY:
        return begin_key(lexer, bytes, size, byte);
    case STATE_COLON:
        return take_colon(lexer, byte);
    case STATE_NEXT:
        return take_separator(lexer, byte);
    case STATE_VALUE:
    case STATE_STRING:
    case STATE_NUMBER:
    case STATE_DONE:
        break;
    }
    return begin_value(lexer, bytes, size, byte);
}

TnLexResult
tn_lex_run(TnLexer *lexer, char *bytes, gsize size)
{
    TnStep step = TN_STEP_ON;

    size = MIN(size, lexer->limits.message_bytes);
    if (lexer->state == STATE_STRING)
        step = walk_string(lexer, bytes, size);
    else if (lexer->state == STATE_NUMBER)
        step = walk_number(lexer, bytes, size);
    while (step == TN_STEP_ON && lexer->state != STATE_DONE)
        step = walk_structure(lexer, bytes, size);

    switch (step) {
    case TN_STEP_MORE:
        return TN_LEX_MORE;
    case TN_STEP_RESYNC:
        return TN_LEX_RESYNC;
    case TN_STEP_FAILED:
        return TN_LEX_FAILED;
    case TN_STEP_ON:
        break;
    }
    return TN_LEX_DONE;
}

void
tn_lex_init(TnLexer *lexer, const TnFrameLimits *limits)
{
    *lexer = (TnLexer){.limits = *limits};
    tn_lex_restart(lexer);
}

void
tn_lex_clear(TnLexer *lexer)
{
    lexer->tokens = tn_pages_resize(lexer->tokens, lexer->token_capacity * sizeof(TnToken), 0);
    lexer->token_capacity = 0;
    tn_keys_clear(&lexer->keys);
}

void
tn_lex_restart(TnLexer *lexer)
{
    lexer->n_tokens = 0;
    lexer->open = NONE;
    lexer->depth = 0;
    lexer->read = 0;
    lexer->write = 0;
    lexer->state = STATE_VALUE;
    if (lexer->keys.slots != NULL)
        tn_keys_clear(&lexer->keys);
}

TnToken *
tn_lex_steal_tokens(TnLexer *lexer, guint *ret_capacity)
{
    *ret_capacity = lexer->token_capacity;
    lexer->token_capacity = 0;
    return g_steal_pointer(&lexer->tokens);
}

void
tn_lex_trim(TnLexer *lexer)
{
    if (lexer->token_capacity > FEW_TOKENS)
        tn_lex_clear(lexer);
}
