/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * One line on stderr that tells how far a copy is, rewritten in place; nothing where stderr is no
 * terminal.
 */

typedef struct {
    char *name;
    gint64 total; /* < 0: unknown */
    gint64 first; /* done before this try */
    gint64 done;
    gint64 start_us;
    gint64 shown_us;
    gboolean is_shown;
} TnProgress;

/* Begins with NAME (copied, escaped). IS_WANTED FALSE keeps it silent. */
void tn_progress_begin(TnProgress *progress, const char *name, gint64 total, gint64 done,
                       gboolean is_wanted);
/* Tells that DONE bytes are there. */
void tn_progress_update(TnProgress *progress, gint64 done);
/* Ends the line with NOTE (may be NULL) behind the figures. */
void tn_progress_end(TnProgress *progress, const char *note);
