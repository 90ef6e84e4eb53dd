/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Bytes to messages: a strict, streaming RFC 8259 lexer without recursion that keeps a token
 * table. It is sans-I/O: the caller reads straight into its buffer (reserve, commit) and takes
 * complete messages out (next). Source: RFC 8259; QMP's 0xFF sentinel (qemu docs, qmp-spec).
 *
 * - A message is one top-level JSON value; nothing needs to separate messages, and an object is
 *   handed out as soon as its closing brace has arrived. White space is space, \t, \r, \n.
 * - Strings are checked (UTF-8, no raw control characters, paired surrogates) and their escapes
 *   are decoded in place, so that a token is a byte span of the buffer.
 * - Object keys are unique; numbers follow RFC 8259's grammar; int64 is exact.
 * - 0xFF between or inside messages ends whatever was begun, silently.
 * - After an error the input is skipped up to and including the next newline or 0xFF (or until
 *   tn_frame_reset), so a malformed line costs exactly one error.
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
    gpointer block; /* owner of bytes and tokens; private to frame.c */
} TnMessage;

typedef struct {
    gsize message_bytes; /* largest message, in bytes of its text */
    guint depth;         /* containers within each other, the outermost included */
    guint n_tokens;
} TnFrameLimits;

#define TN_FRAME_MESSAGE_BYTES (64u << 20)
#define TN_FRAME_DEPTH         1024
#define TN_FRAME_TOKENS        262144

typedef enum {
    TN_FRAME_MORE,    /* no complete message: reserve, read, commit, ask again */
    TN_FRAME_MESSAGE, /* one message was handed out */
    TN_FRAME_ERROR,   /* a malformed message was dropped; ask again */
} TnFrameResult;

typedef struct TnFrame TnFrame;

/* Limits as of TN_FRAME_* when LIMITS is NULL. Free with tn_frame_free. */
TnFrame *tn_frame_new(const TnFrameLimits *limits);
void tn_frame_free(TnFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnFrame, tn_frame_free)

/* Room for at least 4 KiB of input, as much as is cheap (up to 1 MiB when a message is long):
 * the caller reads up to *RET_ROOM bytes into the returned place and then commits what came. The
 * place is valid until the next call on FRAME. Invalidates the message that was handed out last,
 * unless it was detached. */
char *tn_frame_reserve(TnFrame *frame, gsize *ret_room);
void tn_frame_commit(TnFrame *frame, gsize n_bytes);

/* The next message or error. *RET_MESSAGE borrows from FRAME until the next call of reserve, next
 * or reset. *RET_WHY (TN_FRAME_ERROR only) is a static text without prefix, such as "duplicate
 * key". Linear in the bytes that were not looked at yet: nothing is scanned twice. */
TnFrameResult tn_frame_next(TnFrame *frame, TnMessage *ret_message, const char **ret_why);

/* Makes the message that was handed out last its own owner (the frame goes on with a fresh buffer
 * into which the bytes behind the message are copied); end with tn_message_clear. */
void tn_frame_detach(TnFrame *frame, TnMessage *message);
void tn_message_clear(TnMessage *message);

/* Forgets all input, a skip after an error included: the peer has gone. Gives memory back. */
void tn_frame_reset(TnFrame *frame);

/* Bytes held for a message that has begun but not ended; 0 between messages. */
gsize tn_frame_get_begun_bytes(const TnFrame *frame);
/* TRUE when bytes other than white space wait behind the last message. */
gboolean tn_frame_has_input(const TnFrame *frame);
/* Gives the buffers beyond a small one back to the kernel; call after a burst. */
void tn_frame_trim(TnFrame *frame);

/* Index of the value of member NAME of the object token OBJECT, or 0 when there is none. */
guint tn_message_find(const TnMessage *message, guint object, const char *name);
/* The exact value of a number token; FALSE when it is no integer or does not fit. */
gboolean tn_message_get_int64(const TnMessage *message, guint token, int64_t *ret_value);
gboolean tn_message_get_uint64(const TnMessage *message, guint token, uint64_t *ret_value);
/* The value of any number token, rounded as strtod does in the C locale. */
double tn_message_get_double(const TnMessage *message, guint token);
/* NUL-ends the string token in place and returns it (borrowed). The caller has looked at
 * TN_TOKEN_HAS_NUL before. */
const char *tn_message_get_string(const TnMessage *message, guint token);
