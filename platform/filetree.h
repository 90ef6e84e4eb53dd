/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/openfile.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * Changing names and attributes below a plan's pinned directory. All functions may block on disk;
 * errors are G_IO_ERROR with strerror's text alone, as in openfile.h.
 * Sources: mkdirat(2), unlinkat(2), renameat2(2), fchmodat(2), utimensat(2).
 */

/* Makes the directory with MODE, and with PARENTS also those above it (an existing directory is
 * fine then). Links among the parents are not followed below a rule's directory. */
gboolean tn_filetree_mkdir(const TnOpenPlan *plan, gboolean parents, mode_t mode, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Removes a file, link or empty directory; with RECURSIVE a whole tree, of which other mounts are
 * left alone (an error). Links are removed, not followed. */
gboolean tn_filetree_remove(const TnOpenPlan *plan, gboolean recursive, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Renames within one file system; NO_REPLACE: an existing target is an error. */
gboolean tn_filetree_rename(const TnOpenPlan *from, const TnOpenPlan *to, gboolean no_replace,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets what is not -1 (MTIME_NS: G_MININT64 for unchanged); owner before mode. A link is not
 * followed: it is refused. */
gboolean tn_filetree_set(const TnOpenPlan *plan, gint64 mode, gint64 uid, gint64 gid,
                         gint64 mtime_ns, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The number of a user or group that is given by name or number; -1 when there is none. Asks the
 * user database, which may block. */
gint64 tn_filetree_find_uid(const char *user);
gint64 tn_filetree_find_gid(const char *group);
