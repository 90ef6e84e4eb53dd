/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Directories of policy files: /usr/lib/tenon/policy.d, /run/tenon/policy.d, /etc/tenon/policy.d.
 * A file of a later directory replaces one of the same name, a symlink to /dev/null masks it, and
 * all are read in the order of their names. What could have been written by anybody but root is an
 * error, as is a name that looks like a policy and is none.
 */

typedef struct {
    char *path;
    char *text;
    gsize size;
} TnDropin;

/* Where presets are installed; a symlink to a file there is followed, and no other. */
#define TN_DROPIN_PRESETS_DIR TN_DATADIR "/tenon/presets"

/* Reads the built-in directories, or only DIR when it is not NULL: that may belong to the agent's
 * own user, and its parents are not looked at. An array of TnDropin, empty when nobody wrote a
 * policy. Errors: TN_POLICY_ERROR_INVALID, with the path. Blocks on disk. */
GPtrArray *tn_dropin_load(const char *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
