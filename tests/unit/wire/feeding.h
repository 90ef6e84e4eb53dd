/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/frame.h"

#include <string.h>

/*
 * What the tests and fuzz targets of the framer share: bytes in, in pieces, and a text that says
 * everything that came out, so that two ways of cutting the same input can be compared.
 */

/* Gives SIZE bytes to FRAME, which must be between two calls of next that gave TN_FRAME_MORE. */
static inline void
feed_bytes(TnFrame *frame, const char *bytes, gsize size)
{
    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size);

        g_assert(n > 0);
        memcpy(place, bytes, n);
        tn_frame_commit(frame, n);
        bytes += n;
        size -= n;
    }
}

/* Gives PIECE N times. */
static inline void
feed_repeated(TnFrame *frame, const char *piece, gsize n)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < n; i++)
        g_string_append(text, piece);
    feed_bytes(frame, text->str, text->len);
}

/* One token: n f t N S A O for its type, what it holds, and the index behind it. */
static inline void
describe_token(GString *out, const TnMessage *message, guint index)
{
    const TnToken *token = &message->tokens[index];

    g_string_append_c(out, "nftNSAO"[token->type]);
    if ((token->flags & TN_TOKEN_HAS_NUL) != 0)
        g_string_append_c(out, '0');
    if ((token->flags & TN_TOKEN_IS_INTEGER) != 0)
        g_string_append_c(out, 'i');
    if (token->type == TN_TOKEN_ARRAY || token->type == TN_TOKEN_OBJECT) {
        g_string_append_printf(out, "%u", token->n_children);
    } else if (token->type == TN_TOKEN_NUMBER || token->type == TN_TOKEN_STRING) {
        g_string_append_c(out, '(');
        g_string_append_len(out, message->bytes + token->start, (gssize)token->length);
        g_string_append_c(out, ')');
    }
    g_string_append_printf(out, ">%u ", token->next);
}

/* Appends all that waits in FRAME to OUT: tokens and "; " for each message, "! " and its text for
 * each error. VERDICT, unless NULL, gets an m or e each. */
static inline void
describe_results(TnFrame *frame, GString *out, GString *verdict)
{
    for (;;) {
        TnMessage message = {0};
        const char *why = NULL;
        TnFrameResult result = tn_frame_next(frame, &message, &why);

        if (result == TN_FRAME_MORE)
            return;
        if (verdict != NULL)
            g_string_append_c(verdict, result == TN_FRAME_MESSAGE ? 'm' : 'e');
        if (result == TN_FRAME_ERROR) {
            g_string_append_printf(out, "! %s ", why);
            continue;
        }
        for (guint i = 0; i < message.n_tokens; i++)
            describe_token(out, &message, i);
        g_string_append(out, "; ");
    }
}
