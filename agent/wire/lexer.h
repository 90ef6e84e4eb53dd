/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/keys.h"
#include "agent/wire/token.h"

#include <glib.h>

/*
 * The state of the lexer and what its parts (lex.c for the structure, lexstring.c for strings) say
 * to each other.
 */

/* Bytes of the longest error text, its NUL included. */
#define TN_LEXER_WHY_BYTES 96

typedef struct {
    TnFrameLimits limits;
    TnToken *tokens;
    guint token_capacity;
    guint n_tokens;
    guint open;  /* token of the innermost container that is open; its `next` is its parent */
    guint depth; /* containers that are open */
    gsize read;  /* offset of the first byte that was not looked at */
    gsize write; /* in a string: where its next decoded byte goes; never behind read */
    uint8_t state;
    uint8_t number_state;
    gboolean is_key;
    TnKeys keys;
    char why[TN_LEXER_WHY_BYTES];
} TnLexer;

/* What one step found. */
typedef enum {
    TN_STEP_ON,   /* go on with the next */
    TN_STEP_MORE, /* the bytes are used up */
    TN_STEP_RESYNC,
    TN_STEP_FAILED,
} TnStep;

/* The byte that stands in no JSON text: QMP's sentinel. */
#define TN_LEXER_SENTINEL 0xff

/* Sets the text of the error, for which WHY is all there is to say. */
TnStep tn_lexer_fail(TnLexer *lexer, const char *why);
/* BYTE cannot follow what was taken in of a token: QUOTE and then SIZE bytes at PIECE. When it is
 * the sentinel, that is no error. */
TnStep tn_lexer_fail_stray(TnLexer *lexer, const char *quote, const char *piece, gsize size,
                           uint8_t byte);
/* All SIZE bytes of the message are used up and it goes on: an error when it must not. */
TnStep tn_lexer_wait(TnLexer *lexer, gsize size);
/* A sentinel was found at offset AT. */
TnStep tn_lexer_resync(TnLexer *lexer, gsize at);
