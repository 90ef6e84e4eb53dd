/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The distribution's name card, as os-release(5) defines it.
 */

/* One string per variable that the agent reports; NULL: not in the file. An empty value is "".
 * All are valid UTF-8. Owned by the struct. */
typedef struct {
    char *id;
    char *name;
    char *pretty_name;
    char *version;
    char *version_id;
    char *variant;
    char *variant_id;
} TnOsRelease;

/* Frees what OS holds and empties it; an all-zero struct is fine. */
void tn_osrelease_clear(TnOsRelease *os);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnOsRelease, tn_osrelease_clear)

/* Fills *RET_OS, which it overwrites without freeing, from SIZE bytes of TEXT (no NUL needed).
 * Never fails: a line that is not a shell assignment (os-release(5)) loses only itself, later lines
 * win, bytes that are not UTF-8 become U+FFFD, unknown variables are ignored. Values may be quoted
 * either way; without quotes they end at white space or `;`, as a shell would cut them. */
void tn_osrelease_parse(const char *text, gsize size, TnOsRelease *ret_os);

/* Reads /etc/os-release, or where that cannot be read /usr/lib/os-release, below ROOT_FD; or only
 * OVERRIDE if that is not NULL. *RET_OS is overwritten without freeing, and the caller clears it.
 * Errors: G_IO_ERROR from errno for the last file tried; MESSAGE_TOO_LARGE above 64 KiB. */
gboolean tn_osrelease_read(int root_fd, const char *override, TnOsRelease *ret_os, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
