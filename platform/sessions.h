/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/logind.h"

#include <glib.h>

/* A user who is logged in; LOGIN_TIME is that of the earliest session, in seconds since 1970. */
typedef struct {
    char *user;
    double login_time;
} TnSession;

/* Frees SESSION and what it holds; NULL is fine. */
void tn_sessions_free_one(TnSession *session);

/* tn_logind_load(), or what a test has in its place. */
typedef gboolean (*TnLogindLoad)(TnLogindOps *ret_ops);

/* The users logged in, one entry each, in order of first appearance: from /var/run/utmp below
 * ROOT_FD, or where there is no such file from what LOAD loads (NULL: then nobody). Names are UTF-8
 * with U+FFFD for what is not. The caller owns the array and its elements. A utmp that cannot be
 * read for another reason is an error (G_IO_ERROR from errno), a cut last record is left out, above
 * 16 MiB it is MESSAGE_TOO_LARGE. */
GPtrArray *tn_sessions_read(int root_fd, TnLogindLoad load, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
