/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * Reads a file of the guest from front to back, with several requests under way. From an agent with
 * tenon-file-get every piece is checked to be of the same version of the file, and a lost
 * connection is made anew; a stock agent's guest-file-read gives neither.
 */

/* Takes the next bytes. Errors: whatever it likes; they end the reading. */
typedef gboolean (*TnFetchSink)(gpointer data, const guint8 *bytes, gsize size, GError **error);

typedef struct {
    const char *path;
    const char *version; /* the file must still have it; NULL: any, but the same to the end */
    gint64 offset;       /* where to begin; moves on with every piece that the sink took */
    TnFetchSink sink;
    gpointer sink_data;
    gboolean is_plain; /* set when the agent is a stock one */
} TnFetch;

/* Reads to the end of the file. Errors: those of tn_dial_send; TN_FAILURE_CHANGED; the sink's. */
gboolean tn_fetch_run(TnAgent *agent, TnFetch *fetch, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Largest number of raw bytes that one answer should carry on the way from AGENT. */
gsize tn_fetch_get_piece(const TnAgent *agent);

/* TRUE for a failure after which the same request may be made on a new connection. */
gboolean tn_fetch_may_retry(const GError *error);
