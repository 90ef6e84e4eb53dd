/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * One JSON value as a table of tokens over its text, and how to read it.
 */

typedef enum {
    TN_TOKEN_NULL,
    TN_TOKEN_FALSE,
    TN_TOKEN_TRUE,
    TN_TOKEN_NUMBER,
    TN_TOKEN_STRING,
    TN_TOKEN_ARRAY,
    TN_TOKEN_OBJECT,
} TnTokenType;

typedef enum {
    TN_TOKEN_HAS_NUL = 1 << 0,    /* a string that holds U+0000 (decoded to a NUL byte) */
    TN_TOKEN_IS_INTEGER = 1 << 1, /* a number without fraction and exponent (any size) */
} TnTokenFlags;

typedef struct {
    uint8_t type;        /* TnTokenType */
    uint8_t flags;       /* TnTokenFlags */
    uint32_t start;      /* offset in the message's bytes; of a string: behind its quote */
    uint32_t length;     /* bytes; of a string: decoded, without quotes; of a container: 0 */
    uint32_t n_children; /* array: elements; object: members */
    uint32_t next;       /* index of the first token behind this one and all below it */
} TnToken;

/* One message. Token 0 is the top-level value. The children of an object are pairs: the key's
 * token (a string) and the value's token with all below it. Every string is followed by a byte
 * that its user may overwrite (its closing quote stood there), so it can be NUL-ended in place. */
typedef struct {
    char *bytes;
    const TnToken *tokens;
    guint n_tokens;
    gpointer block; /* owner of bytes and tokens; private to token.c */
} TnMessage;

typedef struct {
    gsize message_bytes; /* largest message, in bytes of its text */
    guint depth;         /* containers within each other, the outermost included */
    guint n_tokens;
} TnFrameLimits;

#define TN_FRAME_MESSAGE_BYTES (64u << 20)
#define TN_FRAME_DEPTH         1024
#define TN_FRAME_TOKENS        262144

/* Ends a message; frees it when it was detached. */
void tn_message_clear(TnMessage *message);

/* Makes MESSAGE the owner of BYTES and TOKENS, both from tn_pages_resize with these capacities. */
void tn_message_own(TnMessage *message, char *bytes, gsize capacity, TnToken *tokens,
                    guint token_capacity);

/* Ends a detached message as tn_message_clear() does, but gives its bytes, from tn_pages_resize
 * with *RET_CAPACITY, to the caller. NULL when it was not detached. */
char *tn_message_steal_bytes(TnMessage *message, gsize *ret_capacity);

/* Index of the value of member NAME of the object token OBJECT, or 0 when there is none. */
guint tn_message_find(const TnMessage *message, guint object, const char *name);
/* The exact value of a number token; FALSE when it is no integer or does not fit. */
gboolean tn_message_get_int64(const TnMessage *message, guint token, int64_t *ret_value);
/* The same for an unsigned one. */
gboolean tn_message_get_uint64(const TnMessage *message, guint token, uint64_t *ret_value);
/* The value of any number token, rounded as strtod does in the C locale. */
double tn_message_get_double(const TnMessage *message, guint token);
/* NUL-ends the string token in place and returns it (borrowed). The caller has looked at
 * TN_TOKEN_HAS_NUL before. */
const char *tn_message_get_string(const TnMessage *message, guint token);
