/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/account.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * A user's ~/.ssh/authorized_keys, read and changed with that user's own rights below the pinned
 * home directory: no link is followed, so a user cannot lead the agent to somebody else's file.
 * Lines are kept as they are, comments, options and order included. All functions ask the user
 * database and the disk, so they may block; they may run on any thread.
 * Sources: sshd(8) (AUTHORIZED_KEYS FILE FORMAT), openat(2), setfsuid(2), rename(2).
 *
 * Errors are G_IO_ERROR: INVALID_ARGUMENT "invalid OpenSSH public key: 'K'"; PERMISSION_DENIED for
 * a home, directory or file that is a link or not the user's own; else from errno.
 */

/* The keys in their order, without comments and blank lines; a missing file is an error. The caller
 * owns the list. */
char **tn_sshkeys_read(const TnAccount *user, GError **error);

/* Appends those of KEYS that are not there yet; with RESET the file holds KEYS alone afterwards.
 * Makes .ssh (0700) and the file (0600) when they are missing; an existing file keeps its mode. */
gboolean tn_sshkeys_add(const TnAccount *user, const char *const *keys, gboolean reset,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes every line that equals one of KEYS. A missing file is success. */
gboolean tn_sshkeys_remove(const TnAccount *user, const char *const *keys, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
