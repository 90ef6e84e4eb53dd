/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/writeback.h"

#include <glib.h>

/*
 * A file of this side that is written as a whole or not at all: its bytes gather beside it, and
 * take its place at the end. All calls may block on the disk.
 */

typedef struct {
    char *path;
    char *temp; /* beside it; NULL when there is nothing to clean up */
    int fd;
    TnWriteback *writeback;
    gint64 size;              /* bytes that are there */
    GChecksum *digest;        /* of them; NULL when not asked for */
    gboolean is_partial_kept; /* an interrupted copy stays, to be resumed */
} TnLocalFile;

/* Begins PATH. WORD (may be NULL) names what is copied: an earlier try with the same word goes on
 * where it ended, and file->size says where. Errors: TN_FAILURE_LOCAL. */
gboolean tn_localfile_begin(TnLocalFile *file, const char *path, const char *word, gboolean checks,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds bytes at the end. Errors: TN_FAILURE_LOCAL. */
gboolean tn_localfile_append(TnLocalFile *file, const guint8 *bytes, gsize size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Sets mode and time (each only when >= 0), syncs, and puts the file in its place. Errors:
 * TN_FAILURE_EXISTS with KEEPS_EXISTING when PATH is there already; TN_FAILURE_LOCAL. */
gboolean tn_localfile_commit(TnLocalFile *file, gint64 mode, gint64 mtime_ns,
                             gboolean keeps_existing, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Closes FILE and, if it was not committed, removes what has gathered. */
void tn_localfile_clear(TnLocalFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnLocalFile, tn_localfile_clear)
