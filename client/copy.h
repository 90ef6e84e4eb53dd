/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * Copies one file between this side and a guest, with its mode and time. Trees are verb-cp's
 * affair.
 */

typedef struct {
    TnAgent *agent;
    gboolean keeps_existing;
    gboolean resumes;
    gboolean checks;
    gboolean shows_progress;
    gint64 mode; /* < 0: as the source's */
    const char *user;
    const char *group;
    gboolean is_plain;      /* set when the agent is a stock one */
    gboolean is_mtime_lost; /* set when the time could not be kept */
} TnCopy;

/* What is known of a file of the guest. */
typedef struct {
    char *type; /* "file", "directory", "link" and so on */
    char *version;
    char *target; /* of a link */
    gint64 size;
    gint64 mode;
    gint64 mtime_ns;
} TnCopyStat;

/* Frees what STAT owns. */
void tn_copy_stat_clear(TnCopyStat *stat);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnCopyStat, tn_copy_stat_clear)

/* Asks for PATH; with FOLLOWS through links. Errors: those of tn_dial_send. */
gboolean tn_copy_stat(TnAgent *agent, const char *path, gboolean follows, TnCopyStat *ret_stat,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Copies REMOTE of the guest to LOCAL. STAT (may be NULL: a stock agent) is that of REMOTE. */
gboolean tn_copy_down(TnCopy *copy, const char *remote, const TnCopyStat *stat, const char *local,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Copies LOCAL, a file, to REMOTE of the guest. */
gboolean tn_copy_up(TnCopy *copy, const char *local, const char *remote, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
