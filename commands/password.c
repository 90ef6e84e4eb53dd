/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords, through chpasswd(8), which knows the system's hashes and PAM. The secret goes through
 * a pipe: never into an argument, a variable or a message; our copy is wiped.
 */
#include "commands/password.h"

#include "platform/account.h"
#include "platform/helper.h"

#include <string.h>
#include <unistd.h>

/* Hashing may be made slow on purpose, and PAM may ask a server. */
#define LIMIT_US (30 * G_USEC_PER_SEC)

typedef struct {
    char *username;
    TnBytes password;
    bool crypted;
} PasswordArgs;

static gboolean
refuse(GError **error, const char *text)
{
    g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, text);
    return FALSE;
}

static gboolean
check(const PasswordArgs *args, GError **error)
{
    const TnBytes *password = &args->password;

    if (password->size > 0 && (memchr(password->data, '\n', password->size) != NULL ||
                               memchr(password->data, '\0', password->size) != NULL))
        return refuse(error, "forbidden characters in raw password");
    if (strpbrk(args->username, "\n:") != NULL)
        return refuse(error, "forbidden characters in username");
    return TRUE;
}

static const char *
find_program(void)
{
    static const char *const paths[] = {"/usr/sbin/chpasswd", "/sbin/chpasswd", "/usr/bin/chpasswd",
                                        "/bin/chpasswd"};

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    return paths[0];
}

static gboolean
run_set_password(TnCall *call, const void *data, void *result, GError **error)
{
    const PasswordArgs *args = data;
    const TnPolicySettings *settings = tn_grant_get_settings(tn_call_get_grant(call));
    const char *argv[] = {find_program(), args->crypted ? "-e" : NULL, NULL};
    g_autoptr(TnAccount) user = NULL;
    g_autoptr(GBytes) input = NULL;
    gsize name_size;
    gsize size;
    char *line;
    gboolean ok;

    if (!check(args, error))
        return FALSE;
    user = tn_account_find(args->username, settings->account_system, error);
    if (user == NULL)
        return FALSE;
    name_size = strlen(args->username);
    size = name_size + args->password.size + 2;
    line = g_malloc(size);
    memcpy(line, args->username, name_size);
    line[name_size] = ':';
    if (args->password.size > 0)
        memcpy(line + name_size + 1, args->password.data, args->password.size);
    line[size - 1] = '\n';
    input = g_bytes_new_take(line, size);
    ok = tn_helpers_must_run(tn_call_get_context(call)->helpers, "set-password", argv, input,
                             LIMIT_US, "set user password", error);
    explicit_bzero(line, size);
    if (args->password.size > 0)
        explicit_bzero(args->password.data, args->password.size);
    return ok;
}

static const TnField password_args[] = {
    {"username", TN_STRING(PasswordArgs, username, .flags = TN_FIELD_REQUIRED)},
    {"password", TN_BYTES(PasswordArgs, password, .flags = TN_FIELD_REQUIRED | TN_FIELD_SECRET,
                          .doc = "without a newline")},
    {"crypted", TN_BOOL(PasswordArgs, crypted, .flags = TN_FIELD_REQUIRED,
                        .doc = "the password is a hash as shadow(5) has it")},
    {0},
};

static const TnCommand commands[] = {
    {
        .name = "guest-set-user-password",
        .group = "@account",
        .args = password_args,
        .args_size = sizeof(PasswordArgs),
        .run = run_set_password,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "2.3",
        .doc = "Sets the password of a user.",
    },
    {0},
};

const TnModule tn_password_module = {
    .name = "password",
    .commands = commands,
};
