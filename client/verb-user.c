/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user: a user's password and SSH keys. A password comes by standard input only: on a command line
 * everybody could read it.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/run.h"
#include "client/verb.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD_MAX_BYTES 4096
#define ARGS_MAX           1000

typedef struct {
    gboolean is_stdin;
    gboolean is_crypted;
    gboolean is_reset;
} UserOptions;

static const TnOption user_options[] = {
    {"stdin", 0, TN_OPTION_FLAG, offsetof(UserOptions, is_stdin), NULL,
     "passwd: read the password from the first line of standard input"},
    {"crypted", 0, TN_OPTION_FLAG, offsetof(UserOptions, is_crypted), NULL,
     "passwd: it is crypted already"},
    {"reset", 0, TN_OPTION_FLAG, offsetof(UserOptions, is_reset), NULL,
     "ssh-key add: remove all other keys"},
    {0},
};

typedef struct {
    TnAgent *agent;
    const TnInvocation *invocation;
    const UserOptions *options;
    const char *user;
    char **keys; /* ends in NULL */
} User;

/* The first line of stdin without its newline; wiped by the caller. */
static gboolean
read_password(char *line, gsize room, GError **error)
{
    gsize size = 0;

    if (fgets(line, (int)room, stdin) == NULL)
        line[0] = '\0';
    size = strlen(line);
    if (size > 0 && line[size - 1] == '\n')
        line[--size] = '\0';
    if (size > 0 && size + 1 < room)
        return TRUE;
    g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                        size == 0 ? "standard input holds no password"
                                  : "the password is too long");
    return FALSE;
}

static int
run_passwd(const User *user, GError **error)
{
    char line[PASSWORD_MAX_BYTES];
    g_autoptr(TnAsk) ask = tn_ask_new("guest-set-user-password");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (!user->options->is_stdin) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "passwd takes the password from standard input: say --stdin");
        return -1;
    }
    if (!read_password(line, sizeof(line), error))
        return -1;
    tn_ask_add_string(ask, "username", user->user);
    tn_ask_add_bytes(ask, "password", (const guint8 *)line, strlen(line));
    tn_ask_add_bool(ask, "crypted", user->options->is_crypted);
    explicit_bzero(line, sizeof(line));
    answer = tn_dial_send(user->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer == NULL ? -1 : 0;
}

static int
run_ls(const User *user, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-ssh-get-authorized-keys");
    g_autoptr(TnAnswer) answer = NULL;
    guint keys = 0;
    guint entry = 0;
    guint iter = 0;
    guint at = 0;

    tn_ask_add_string(ask, "username", user->user);
    answer = tn_dial_send(user->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return -1;
    if (user->invocation->globals->is_json) {
        tn_print_answer(stdout, answer, at);
        return 0;
    }
    keys = tn_answer_find(answer, at, "keys");
    while (keys != 0 && (entry = tn_answer_next(answer, keys, &iter)) != 0) {
        const char *key = tn_answer_get_text(answer, entry);
        g_autofree char *safe = key == NULL ? NULL : tn_print_escape(key);

        if (safe != NULL)
            printf("%s\n", safe);
    }
    return 0;
}

/* Keys from the command line, or from standard input, one a line, where there are none. */
static char **
collect_keys(const User *user)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autofree char *line = NULL;
    size_t room = 0;

    for (char **key = user->keys; *key != NULL; key++)
        g_ptr_array_add(keys, g_strdup(*key));
    while (user->keys[0] == NULL && keys->len < ARGS_MAX && getline(&line, &room, stdin) >= 0) {
        if (*g_strstrip(line) != '\0' && line[0] != '#')
            g_ptr_array_add(keys, g_strdup(line));
    }
    g_ptr_array_add(keys, NULL);
    return (char **)g_ptr_array_steal(keys, NULL);
}

static int
change_keys(const User *user, gboolean is_add, GError **error)
{
    g_auto(GStrv) keys = collect_keys(user);
    g_autoptr(TnAsk) ask =
        tn_ask_new(is_add ? "guest-ssh-add-authorized-keys" : "guest-ssh-remove-authorized-keys");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (keys[0] == NULL) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE, "no key was given");
        return -1;
    }
    if (!tn_run_check_texts("key", (const char *const *)keys, error))
        return -1;
    tn_ask_add_string(ask, "username", user->user);
    tn_ask_add_strings(ask, "keys", (const char *const *)keys);
    if (is_add && user->options->is_reset)
        tn_ask_add_bool(ask, "reset", TRUE);
    answer = tn_dial_send(user->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer == NULL ? -1 : 0;
}

static int
run_add(const User *user, GError **error)
{
    return change_keys(user, TRUE, error);
}

static int
run_rm(const User *user, GError **error)
{
    return change_keys(user, FALSE, error);
}

static const struct {
    const char *words[3];
    gboolean takes_keys;
    int (*run)(const User *user, GError **error);
} actions[] = {
    {{"passwd", NULL}, FALSE, run_passwd},
    {{"ssh-key", "ls", NULL}, FALSE, run_ls},
    {{"ssh-key", "add", NULL}, TRUE, run_add},
    {{"ssh-key", "rm", NULL}, TRUE, run_rm},
};

/* Number of words of the action that ARGS begin with; 0: they do not. */
static guint
match_words(const char *const *words, char **args)
{
    guint n = 0;

    while (words[n] != NULL && args[n] != NULL && strcmp(words[n], args[n]) == 0)
        n++;
    return words[n] == NULL ? n : 0;
}

static int
run_user(const TnInvocation *invocation, GError **error)
{
    guint n_args = g_strv_length(invocation->args);

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        guint n = match_words(actions[i].words, invocation->args);
        User user = {.invocation = invocation, .options = invocation->options};
        int status = 0;

        if (n == 0 || n_args < n + 2 || (n_args > n + 2 && !actions[i].takes_keys))
            continue;
        user.user = invocation->args[n + 1];
        user.keys = invocation->args + n + 2;
        user.agent = tn_verb_open_endpoint(invocation, invocation->args[n], error);
        if (user.agent == NULL)
            return -1;
        status = actions[i].run(&user, error);
        tn_dial_close(user.agent);
        return status;
    }
    g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                        "write user passwd --stdin ENDPOINT USER, or user ssh-key ls|add|rm "
                        "ENDPOINT USER [KEY...]");
    return -1;
}

const TnVerb tn_verb_user = {
    .name = "user",
    .synopsis = "passwd|ssh-key ls|ssh-key add|ssh-key rm ENDPOINT USER [KEY...]",
    .doc = "set a user's password, look at and change SSH keys",
    .options = user_options,
    .options_size = sizeof(UserOptions),
    .n_args_min = 3,
    .n_args_max = ARGS_MAX,
    .run = run_user,
};
