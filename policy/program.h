/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"
#include "policy/users.h"

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

/* PATH HOME USER LOGNAME SHELL LANG of USER; free with g_strfreev. */
char **tn_program_default_env(const TnUser *user, const char *search_path);

/* Sets PAIR ("NAME=VALUE") in the NULL-ended *ENV, replacing an entry of the same name. */
void tn_program_set_env(char ***env, const char *pair);

/* A copy of ENV without the names that the dynamic loader obeys (LD_*). */
char **tn_program_filter_env(const char *const *env);

/* Which program PATH (absolute) is: the real path of its directory, then its own name as it is, so
 * that /bin/df and /usr/bin/df are one and two names of busybox are two. NULL with errno set when
 * there is no such directory. Blocks on path look-up. */
char *tn_program_identify(const char *path);

/* Whether anybody but root could put another program in the place of IDENTITY (absolute) before it
 * runs: NULL if not, else a static text. Asked before each spawn in mode locked; only root could
 * then change what was judged. */
const char *tn_program_why_untrusted(const char *identity);

/* The opened file PATH, which has the SHA-256 DIGEST (hexadecimal), so that what was hashed is what
 * runs. -1 with *RET_WHY (static) if it is another, above 256 MiB, or a script: its interpreter
 * would open it again by its name. Blocks on disk. */
int tn_program_open_hashed(const char *path, const char *digest, const char **ret_why)
    G_GNUC_WARN_UNUSED_RESULT;
