/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <sys/types.h>

/* One account of the user database: what getpwnam_r(3) says of it. */
typedef struct {
    char *name;
    uid_t uid;
    gid_t gid;
    char *home;
} TnAccount;

/* Looks NAME up; may block on a directory service. Accounts with a uid below 1000 are refused
 * unless ALLOW_SYSTEM (policy's account-system). Errors: G_IO_ERROR_NOT_FOUND "no such user 'N'",
 * PERMISSION_DENIED, or from errno. Free with tn_account_free. */
TnAccount *tn_account_find(const char *name, gboolean allow_system, GError **error);
/* Accepts NULL. */
void tn_account_free(TnAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAccount, tn_account_free)
