/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/lexer.h"

/*
 * The grammar of one message: RFC 8259, resumable at every byte, without recursion. frame.c owns
 * the bytes and decides where a message begins; nobody else uses this.
 */

typedef enum {
    TN_LEX_MORE,   /* all bytes were looked at, or wait for their successors; the message goes on */
    TN_LEX_DONE,   /* the message ends at lexer->read */
    TN_LEX_RESYNC, /* a byte 0xFF stands at lexer->read */
    TN_LEX_FAILED, /* lexer->why tells; the offending piece stands at lexer->read */
} TnLexResult;

/* An empty lexer; end with tn_lex_clear. */
void tn_lex_init(TnLexer *lexer, const TnFrameLimits *limits);
/* Frees what the lexer holds. */
void tn_lex_clear(TnLexer *lexer);
/* Begins a new message; the tokens of the last one are void. */
void tn_lex_restart(TnLexer *lexer);
/* Frees a token table that is larger than most messages need; only between messages. */
void tn_lex_trim(TnLexer *lexer);
/* Hands the token table over, to be freed by tn_pages_resize with *RET_CAPACITY tokens as its old
 * size; only when a message is complete. */
TnToken *tn_lex_steal_tokens(TnLexer *lexer, guint *ret_capacity);

/* Goes on with the message whose first byte (no white space) is BYTES[0] and of which SIZE bytes
 * have arrived, never fewer than before. Strings are decoded in place. Linear in the new bytes. */
TnLexResult tn_lex_run(TnLexer *lexer, char *bytes, gsize size);
