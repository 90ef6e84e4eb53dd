/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * One reply line that is produced piece by piece, so that file contents and captured output are
 * never in memory as a whole. Main thread only.
 */

typedef struct TnReply TnReply;

/* Appends about MAX bytes more of the line to OUT (at least one, at most MAX plus one piece of bulk
 * data and the text around it), and returns TRUE when the line is complete; then no further call
 * is allowed. A silent reply appends nothing and is complete at once. Does not block beyond a read
 * of local data. */
gboolean tn_reply_fill(TnReply *reply, GString *out, gsize max);
