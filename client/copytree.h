/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/copy.h"

#include <glib.h>

/*
 * Copies a directory with all below it. What cannot be copied is told and left out, and the rest
 * goes on. Sockets, devices and pipes are left out in both directions, links on the way up.
 */

/* Tells that PATH was left out, and why. */
typedef void (*TnCopyTreeReport)(gpointer data, const char *path, const char *why);

typedef struct {
    TnCopyTreeReport report;
    gpointer report_data;
    guint n_copied;
    guint n_failed;
} TnCopyTree;

/* Copies the directory REMOTE of the guest to LOCAL, which is made if need be. Whatever the guest
 * calls its files, nothing is written outside LOCAL. Errors: those that end everything, such as a
 * lost agent or a directory LOCAL that cannot be made. */
gboolean tn_copytree_down(TnCopy *copy, TnCopyTree *tree, const char *remote, const char *local,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Copies the directory LOCAL to REMOTE of the guest. */
gboolean tn_copytree_up(TnCopy *copy, TnCopyTree *tree, const char *local, const char *remote,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
