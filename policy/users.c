/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Look-ups in the user and group tables, with buffers that grow up to a limit.
 */

#include "policy/users.h"

#include "policy/policy.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

enum {
    BUFFER_BYTES = 4096,
    BUFFER_LIMIT_BYTES = 1024 * 1024
};

void
tn_user_clear(TnUser *user)
{
    g_clear_pointer(&user->name, g_free);
    g_clear_pointer(&user->home, g_free);
    g_clear_pointer(&user->shell, g_free);
}

static void
fill_user(const struct passwd *entry, TnUser *user)
{
    const char *shell = entry->pw_shell;

    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->name = g_strdup(entry->pw_name);
    user->home = g_strdup(entry->pw_dir);
    user->shell = g_strdup(shell != NULL && shell[0] != '\0' ? shell : "/bin/sh");
}

/* Asks by NAME, or by UID when NAME is NULL. FALSE when there is no entry. */
static gboolean
look_up(const char *name, uid_t uid, TnUser *ret_user)
{
    g_autofree char *buffer = NULL;
    struct passwd entry;
    struct passwd *found = NULL;
    gsize size = BUFFER_BYTES;
    int failure;

    do {
        size *= 2;
        buffer = g_realloc(buffer, size);
        failure = name != NULL ? getpwnam_r(name, &entry, buffer, size, &found)
                               : getpwuid_r(uid, &entry, buffer, size, &found);
    } while (failure == ERANGE && size < BUFFER_LIMIT_BYTES);
    if (failure != 0 || found == NULL)
        return FALSE;
    fill_user(found, ret_user);
    return TRUE;
}

void
tn_user_describe(uid_t uid, TnUser *ret_user)
{
    if (look_up(NULL, uid, ret_user))
        return;
    ret_user->uid = uid;
    ret_user->gid = (gid_t)uid;
    ret_user->name = g_strdup_printf("%u", uid);
    ret_user->home = g_strdup("/");
    ret_user->shell = g_strdup("/bin/sh");
}

gboolean
tn_user_find(const char *name, TnUser *ret_user, GError **error)
{
    guint64 uid;

    if (look_up(name, 0, ret_user))
        return TRUE;
    /* (uid_t)-1 means "leave it as it is" to setresuid(2). */
    if (g_ascii_string_to_unsigned(name, 10, 0, (guint64)G_MAXUINT32 - 1, &uid, NULL)) {
        tn_user_describe((uid_t)uid, ret_user);
        return TRUE;
    }
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, "there is no user %.64s", name);
    return FALSE;
}

gboolean
tn_user_find_group(const char *name, gid_t *ret_gid, GError **error)
{
    g_autofree char *buffer = NULL;
    struct group entry;
    struct group *found = NULL;
    gsize size = BUFFER_BYTES;
    guint64 gid;
    int failure;

    do {
        size *= 2;
        buffer = g_realloc(buffer, size);
        failure = getgrnam_r(name, &entry, buffer, size, &found);
    } while (failure == ERANGE && size < BUFFER_LIMIT_BYTES);
    if (failure == 0 && found != NULL) {
        *ret_gid = found->gr_gid;
        return TRUE;
    }
    if (g_ascii_string_to_unsigned(name, 10, 0, (guint64)G_MAXUINT32 - 1, &gid, NULL)) {
        *ret_gid = (gid_t)gid;
        return TRUE;
    }
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, "there is no group %.64s", name);
    return FALSE;
}
