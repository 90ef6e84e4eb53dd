/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * Users and groups by name, looked up when a policy is compiled and never during a request: NSS may
 * ask the network. Sources: getpwnam_r(3), getgrnam_r(3).
 */

typedef struct {
    uid_t uid;
    gid_t gid;
    char *name;
    char *home;
    char *shell;
} TnUser;

/* Frees the contents of USER, not USER. */
void tn_user_clear(TnUser *user);

/* The user named NAME; a plain number is a uid. Errors: TN_POLICY_ERROR_INVALID. May block. */
gboolean tn_user_find(const char *name, TnUser *ret_user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The user UID; one without an entry gets the number as name, "/" and "/bin/sh". */
void tn_user_describe(uid_t uid, TnUser *ret_user);
/* The group named NAME; a plain number is a gid. Errors as above. */
gboolean tn_user_find_group(const char *name, gid_t *ret_gid, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
