/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * Writes a file of the guest. Through tenon-file-put the bytes gather beside the target, which is
 * replaced as a whole at the end or not at all; a lost connection goes on where it broke. A stock
 * agent writes in place.
 */

/* Gives up to MAX bytes at OFFSET; 0 at the end, -1 with ERROR. Offsets only go back where
 * can_seek says so. */
typedef gssize (*TnStoreSource)(gpointer data, gint64 offset, guint8 *buffer, gsize max,
                                GError **error);

typedef struct {
    const char *path;
    gint64 size;     /* < 0: unknown. So for the next two */
    gint64 mode;     /* permission bits */
    gint64 mtime_ns; /* kept when >= 0 */
    const char *user;
    const char *group;
    gboolean keeps_existing; /* fails where the target is there already */
    gboolean checks;         /* compares digests before the target is replaced */
    gboolean can_seek;
    const char *token; /* of an earlier try to go on with; may be NULL */
    TnStoreSource source;
    gpointer source_data;
    void (*report)(gpointer data, gint64 done); /* may be NULL */
    /* Is given the token of this try before the first byte is sent; then a failed upload is left
     * for a later one. NULL: it is dropped. */
    void (*keep_token)(gpointer data, const char *token);
    gboolean is_plain;      /* set when the agent is a stock one */
    gboolean is_mtime_lost; /* set: it is there, with another time */
    gint64 written;         /* set: bytes of the whole file */
} TnStore;

/* Writes everything. On failure the target is as it was (but for a stock agent), and unless TOKEN
 * is set nothing is left over where the agent still answers. Errors: those of tn_dial_send, the
 * source's; TN_FAILURE_CHANGED when the source ends before SIZE; TN_FAILURE_NO_SUCH_COMMAND when a
 * stock agent cannot do what was asked for. */
gboolean tn_store_run(TnAgent *agent, TnStore *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;
