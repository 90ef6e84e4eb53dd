/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/*
 * Which file a program's name means, and the environment it gets. No setting of the host takes
 * part in either, unless the caller hands it in.
 */

/* Where bare names are looked up; a PATH from the wire is never used. */
#define TN_PROGRAM_SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The absolute path of the program NAME. One with a slash is taken as it is (relative to the
 * agent's directory), a bare one looked up in SEARCH_PATH as execvp(3) does. Errors, worded as
 * glib words a failed spawn: TN_POLICY_ERROR_NOT_FOUND. Blocks on path look-up only. */
char *tn_program_find(const char *name, const char *search_path, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Sets ERROR to glib's text of a program that cannot be started; returns FALSE. */
gboolean tn_program_fail(const char *name, int saved_errno, GError **error);

/* PATH HOME USER LOGNAME SHELL LANG of the user UID; free with g_strfreev. A user without an entry
 * gets "/" and "/bin/sh" and the number as name. May block on NSS. Source: getpwuid_r(3). */
char **tn_program_default_env(uid_t uid, const char *search_path);

/* A copy of ENV without the names that the dynamic loader obeys (LD_*). */
char **tn_program_filter_env(const char *const *env);
