/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/token.h"

#include <glib.h>

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
 * - A number or keyword at the top level is complete when white space, punctuation or a quote
 *   follows it.
 * - After an error the input is skipped up to and including the next newline or 0xFF (or until
 *   tn_frame_reset), so a malformed line costs exactly one error.
 */

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
/* Whether a buffer that grows may be faster at the cost of up to 2 MiB more memory (pages.h); not
 * so at first. */
void tn_frame_set_roomy(TnFrame *frame, gboolean roomy);

/* The next message or error. *RET_MESSAGE borrows from FRAME until the next call of reserve, next
 * or reset. *RET_WHY (TN_FRAME_ERROR only) is the whole text for the error's `desc`, in qemu-ga's
 * words, such as "JSON parse error, duplicate key"; below 100 bytes, not always UTF-8, valid until
 * the next error. Linear in the bytes that were not looked at yet: nothing is scanned twice. */
TnFrameResult tn_frame_next(TnFrame *frame, TnMessage *ret_message, const char **ret_why);

/* Makes the message that was handed out last its own owner (a small one is copied; of a large one
 * the frame gives the buffers away); end with tn_message_clear. */
void tn_frame_detach(TnFrame *frame, TnMessage *message);

/* Takes the memory of a detached MESSAGE that nobody reads any more, for the next one that is
 * detached: whoever detaches many large ones would else pay for the first touch of each page of
 * each. Ends MESSAGE. */
void tn_frame_recycle(TnFrame *frame, TnMessage *message);

/* Forgets all input, a skip after an error included: the peer has gone. Gives memory back. */
void tn_frame_reset(TnFrame *frame);

/* Bytes held for a message that has begun but not ended; 0 between messages. */
gsize tn_frame_get_begun_bytes(const TnFrame *frame);
/* TRUE when bytes other than white space wait behind the last message. */
gboolean tn_frame_has_input(const TnFrame *frame);
/* Gives the buffers beyond a small one back to the kernel; call after a burst. Invalidates the
 * message that was handed out last, unless it was detached. */
void tn_frame_trim(TnFrame *frame);
