/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that may log in. The work is done with the user's own rights (platform/sshkeys.h), so that
 * nothing a user put into the home directory leads elsewhere. Keys are lines to us: what sshd makes
 * of them is sshd's.
 */
#include "commands/ssh.h"

#include "platform/account.h"
#include "platform/sshkeys.h"

typedef struct {
    char *username;
    char **keys;
    bool reset;
} KeysArgs;

typedef struct {
    char **keys;
} Keys;

static TnAccount *
find_account(TnCall *call, const KeysArgs *args, GError **error)
{
    const TnPolicySettings *settings = tn_grant_get_settings(tn_call_get_grant(call));

    return tn_account_find(args->username, settings->account_system, error);
}

static gboolean
run_get(TnCall *call, const void *data, void *result, GError **error)
{
    g_autoptr(TnAccount) user = find_account(call, data, error);
    Keys *answer = result;

    if (user == NULL)
        return FALSE;
    answer->keys = tn_sshkeys_read(user, error);
    return answer->keys != NULL;
}

static gboolean
run_add(TnCall *call, const void *data, void *result, GError **error)
{
    const KeysArgs *args = data;
    g_autoptr(TnAccount) user = find_account(call, args, error);

    return user != NULL &&
           tn_sshkeys_add(user, (const char *const *)args->keys, args->reset, error);
}

static gboolean
run_remove(TnCall *call, const void *data, void *result, GError **error)
{
    const KeysArgs *args = data;
    g_autoptr(TnAccount) user = find_account(call, args, error);

    return user != NULL && tn_sshkeys_remove(user, (const char *const *)args->keys, error);
}

#define USERNAME_ROW                                                          \
    {                                                                         \
        "username", TN_STRING(KeysArgs, username, .flags = TN_FIELD_REQUIRED, \
                              .doc = "whose authorized_keys")                 \
    }
#define KEYS_ROW                                                                                   \
    {                                                                                              \
        "keys",                                                                                    \
            TN_STRV(KeysArgs, keys, .flags = TN_FIELD_REQUIRED, .doc = "lines of authorized_keys") \
    }

static const TnField get_args[] = {
    USERNAME_ROW,
    {0},
};

static const TnField add_args[] = {
    USERNAME_ROW,
    KEYS_ROW,
    {"reset", TN_BOOL(KeysArgs, reset, .doc = "no others stay")},
    {0},
};

static const TnField remove_args[] = {
    USERNAME_ROW,
    KEYS_ROW,
    {0},
};

static const TnField keys_fields[] = {
    {"keys", TN_STRV(Keys, keys, .flags = TN_FIELD_REQUIRED, .doc = "in the file's order")},
    {0},
};

static const TnField keys_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = keys_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-ssh-get-authorized-keys",
        .group = "@info-users",
        .args = get_args,
        .args_size = sizeof(KeysArgs),
        .result = &keys_result,
        .result_size = sizeof(Keys),
        .run = run_get,
        .flags = TN_COMMAND_BLOCKING,
        .since = "5.2",
        .doc = "The keys that may log in as a user.",
    },
    {
        .name = "guest-ssh-add-authorized-keys",
        .group = "@account",
        .args = add_args,
        .args_size = sizeof(KeysArgs),
        .run = run_add,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "5.2",
        .doc = "Lets keys log in as a user.",
    },
    {
        .name = "guest-ssh-remove-authorized-keys",
        .group = "@account",
        .args = remove_args,
        .args_size = sizeof(KeysArgs),
        .run = run_remove,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "5.2",
        .doc = "Takes keys away from a user.",
    },
    {0},
};

const TnModule tn_ssh_module = {
    .name = "ssh",
    .commands = commands,
};
