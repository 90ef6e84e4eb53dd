/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/encode.h"

#include <glib.h>

/*
 * One reply line that is produced piece by piece, so that file contents and captured output are
 * never in memory as a whole. Main thread only.
 */

/* Private to reply.c and call.c; it stands inside a call. */
typedef struct {
    GString *text; /* what comes before the next bulk piece, or the whole line */
    gsize n_taken; /* of text */
    gboolean has_encoder;
    TnEncoder encoder;
    TnBulk *bulk;    /* in work; borrowed from the result */
    guint8 carry[3]; /* bulk bytes that wait for their base64 group */
    guint n_carry;
    const char *id; /* borrowed */
} TnReply;

/* Appends about MAX bytes more of the line to OUT (at least one, at most MAX plus one piece of bulk
 * data and the text around it), and returns TRUE when the line is complete; then no further call
 * is allowed. A silent reply appends nothing and is complete at once. Does not block beyond a read
 * of local data. */
gboolean tn_reply_fill(TnReply *reply, GString *out, gsize max) G_GNUC_WARN_UNUSED_RESULT;

/* Appends a success line for VALUE at BASE to LINE. TRUE: that was all. FALSE: it holds bulk data;
 * what comes behind the text so far was begun in REPLY and comes by tn_reply_fill(). BASE and ID
 * (rendered text or NULL) must outlive REPLY then. */
gboolean tn_reply_begin(TnReply *reply, GString *line, gboolean delimited, const TnField *value,
                        const void *base, const char *id) G_GNUC_WARN_UNUSED_RESULT;

/* Releases what REPLY owns; a zeroed one is fine. */
void tn_reply_clear(TnReply *reply);
