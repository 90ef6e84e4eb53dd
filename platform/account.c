/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accounts by name. Asked anew each time: users come and go.
 */

#include "platform/account.h"
#include "platform/fd.h"

#include <pwd.h>

enum {
    RECORD_LIMIT_BYTES = 65536,
    FIRST_ORDINARY_UID = 1000, /* login.defs(5), UID_MIN */
};

TnAccount *
tn_account_find(const char *name, gboolean allow_system, GError **error)
{
    g_autofree char *buffer = g_malloc(RECORD_LIMIT_BYTES);
    struct passwd record;
    struct passwd *found = NULL;
    int why = getpwnam_r(name, &record, buffer, RECORD_LIMIT_BYTES, &found);
    TnAccount *account;

    if (found == NULL && why != 0) {
        tn_error_from_errno(error, why, "failed to look up user '%s'", name);
        return NULL;
    }
    if (found == NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no such user '%s'", name);
        return NULL;
    }
    if (!allow_system && found->pw_uid < FIRST_ORDINARY_UID) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                    "user '%s' is a system account, which account-system = no protects", name);
        return NULL;
    }
    account = g_new0(TnAccount, 1);
    account->name = g_strdup(found->pw_name);
    account->uid = found->pw_uid;
    account->gid = found->pw_gid;
    account->home = g_strdup(found->pw_dir);
    return account;
}

void
tn_account_free(TnAccount *account)
{
    if (account == NULL)
        return;
    g_free(account->name);
    g_free(account->home);
    g_free(account);
}
