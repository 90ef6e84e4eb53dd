/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs: small things with files of the guest: ls, stat, mkdir, rm, mv, sha256. They need an agent
 * with the tenon-file commands; a stock one answers that it does not know them.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <string.h>

#define NS_PER_S G_GINT64_CONSTANT(1000000000)

typedef struct {
    gboolean has_parents;
    gboolean is_recursive;
    gboolean keeps_existing;
    const char *mode;
} FsOptions;

static const TnOption fs_options[] = {
    {"parents", 'p', TN_OPTION_FLAG, offsetof(FsOptions, has_parents), NULL,
     "mkdir: make the directories above as well"},
    {"mode", 0, TN_OPTION_STRING, offsetof(FsOptions, mode), "MODE",
     "mkdir: permission bits in octal"},
    {"recursive", 'r', TN_OPTION_FLAG, offsetof(FsOptions, is_recursive), NULL,
     "rm: a directory with all below it"},
    {"no-clobber", 'n', TN_OPTION_FLAG, offsetof(FsOptions, keeps_existing), NULL,
     "mv: fail if the target is there already"},
    {0},
};

typedef struct {
    const TnInvocation *invocation;
    const FsOptions *options;
    TnAgent *agent;
    char *path;
} Fs;

static void
clear_fs(Fs *fs)
{
    g_clear_pointer(&fs->agent, tn_dial_close);
    g_free(fs->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fs, clear_fs)

static TnAnswer *
ask_path(const Fs *fs, const char *command, guint *ret_at, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new(command);

    tn_ask_add_string(ask, "path", fs->path);
    return tn_dial_send(fs->agent, ask, 10 * TN_DIAL_ANSWER_US, ret_at, error);
}

static void
add_attributes(TnTable *table, const TnAnswer *answer, guint entry)
{
    g_autofree char *mode = NULL;
    g_autofree char *time = NULL;
    gint64 value = 0;

    tn_table_add(table, tn_answer_get_string(answer, entry, "type"));
    if (tn_answer_get_int(answer, entry, "mode", &value))
        mode = g_strdup_printf("%04o", (guint)(value & 07777));
    tn_table_add(table, mode);
    if (tn_answer_get_int(answer, entry, "size", &value))
        tn_table_add_int(table, value);
    else
        tn_table_add(table, NULL);
    if (tn_answer_get_int(answer, entry, "mtime-ns", &value)) {
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(value / NS_PER_S);

        time = date == NULL ? NULL : g_date_time_format(date, "%Y-%m-%d %H:%M:%S");
    }
    tn_table_add(table, time);
}

static gboolean
list_page(const Fs *fs, TnTable *table, char **after, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-list");
    g_autoptr(TnAnswer) answer = NULL;
    gboolean has_more = FALSE;
    guint entries = 0;
    guint entry = 0;
    guint iter = 0;
    guint at = 0;

    tn_ask_add_string(ask, "path", fs->path);
    if (*after != NULL)
        tn_ask_add_string(ask, "after", *after);
    g_clear_pointer(after, g_free);
    answer = tn_dial_send(fs->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    (void)tn_answer_get_bool(answer, at, "more", &has_more);
    entries = tn_answer_find(answer, at, "entries");
    while (entries != 0 && (entry = tn_answer_next(answer, entries, &iter)) != 0) {
        const char *name = tn_answer_get_string(answer, entry, "name");

        if (fs->invocation->globals->is_json) {
            tn_print_answer(stdout, answer, entry);
        } else {
            add_attributes(table, answer, entry);
            tn_table_add(table, name);
        }
        g_free(*after);
        *after = g_strdup(name);
    }
    if (!has_more)
        g_clear_pointer(after, g_free);
    return TRUE;
}

/* With JSON one object a line: a list may be long. */
static int
run_ls(const Fs *fs, GError **error)
{
    static const char *const heads[] = {"TYPE", "MODE", ">SIZE", "MODIFIED (UTC)", "NAME", NULL};
    g_autoptr(TnTable) table = tn_table_new(heads);
    g_autofree char *after = NULL;

    do {
        if (!list_page(fs, table, &after, error))
            return -1;
    } while (after != NULL);
    if (!fs->invocation->globals->is_json)
        tn_table_print(table, stdout);
    return 0;
}

static int
run_stat(const Fs *fs, GError **error)
{
    static const char *const heads[] = {"TYPE",  "MODE", ">SIZE", "MODIFIED (UTC)",
                                        "OWNER", "NAME", NULL};
    guint at = 0;
    g_autoptr(TnAnswer) answer = ask_path(fs, "tenon-file-stat", &at, error);
    g_autoptr(TnTable) table = tn_table_new(heads);
    g_autofree char *owner = NULL;
    gint64 uid = -1;
    gint64 gid = -1;

    if (answer == NULL)
        return -1;
    if (fs->invocation->globals->is_json) {
        tn_print_answer(stdout, answer, at);
        return 0;
    }
    (void)tn_answer_get_int(answer, at, "uid", &uid);
    (void)tn_answer_get_int(answer, at, "gid", &gid);
    owner = g_strdup_printf("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, uid, gid);
    add_attributes(table, answer, at);
    tn_table_add(table, owner);
    tn_table_add(table, fs->path);
    tn_table_print(table, stdout);
    return 0;
}

static int
run_mkdir(const Fs *fs, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-mkdir");
    g_autoptr(TnAnswer) answer = NULL;
    gint64 mode = -1;
    guint at = 0;

    if (!tn_verb_parse_mode(fs->options->mode, &mode, error))
        return -1;
    tn_ask_add_string(ask, "path", fs->path);
    if (fs->options->has_parents)
        tn_ask_add_bool(ask, "parents", TRUE);
    if (mode >= 0)
        tn_ask_add_int(ask, "mode", mode);
    answer = tn_dial_send(fs->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer == NULL ? -1 : 0;
}

static int
run_rm(const Fs *fs, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-remove");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_string(ask, "path", fs->path);
    if (fs->options->is_recursive)
        tn_ask_add_bool(ask, "recursive", TRUE);
    answer = tn_dial_send(fs->agent, ask, 10 * TN_DIAL_ANSWER_US, &at, error);
    return answer == NULL ? -1 : 0;
}

/* The target may be written with its endpoint, which must be the same. */
static int
run_mv(const Fs *fs, GError **error)
{
    const char *to = fs->invocation->args[2];
    g_autofree char *endpoint = NULL;
    g_autofree char *path = NULL;
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-rename");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (tn_endpoint_split(to, &endpoint, &path)) {
        if (strcmp(endpoint, tn_dial_get_endpoint(fs->agent)->text) != 0) {
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                                "mv stays within one guest; use cp");
            return -1;
        }
        to = path;
    }
    tn_ask_add_string(ask, "path", fs->path);
    tn_ask_add_string(ask, "to", to);
    tn_ask_add_string(ask, "exists", fs->options->keeps_existing ? "fail" : "replace");
    answer = tn_dial_send(fs->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer == NULL ? -1 : 0;
}

static int
run_sha256(const Fs *fs, GError **error)
{
    guint at = 0;
    g_autoptr(TnAnswer) answer = ask_path(fs, "tenon-file-hash", &at, error);
    const char *digest = NULL;
    g_autofree char *safe = NULL;

    if (answer == NULL)
        return -1;
    if (fs->invocation->globals->is_json) {
        tn_print_answer(stdout, answer, at);
        return 0;
    }
    digest = tn_answer_get_string(answer, at, "sha256");
    safe = tn_print_escape(digest == NULL ? "-" : digest);
    printf("%s  %s\n", safe, fs->path);
    return 0;
}

static const struct {
    const char *name;
    guint n_args; /* its own name included */
    int (*run)(const Fs *fs, GError **error);
} actions[] = {
    {"ls", 2, run_ls}, {"stat", 2, run_stat}, {"mkdir", 2, run_mkdir},
    {"rm", 2, run_rm}, {"mv", 3, run_mv},     {"sha256", 2, run_sha256},
};

static int
run_fs(const TnInvocation *invocation, GError **error)
{
    g_auto(Fs) fs = {.invocation = invocation, .options = invocation->options};
    guint n_args = g_strv_length(invocation->args);

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i].name, invocation->args[0]) != 0 || actions[i].n_args != n_args)
            continue;
        fs.agent = tn_verb_open_path(invocation, invocation->args[1], &fs.path, error);
        return fs.agent == NULL ? -1 : actions[i].run(&fs, error);
    }
    g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                        "write fs ls|stat|mkdir|rm|sha256 ENDPOINT:/PATH or fs mv ENDPOINT:/FROM "
                        "/TO");
    return -1;
}

const TnVerb tn_verb_fs = {
    .name = "fs",
    .synopsis = "ls|stat|mkdir|rm|mv|sha256 ENDPOINT:/PATH [TO]",
    .doc = "look at and change files of the guest",
    .options = fs_options,
    .options_size = sizeof(FsOptions),
    .n_args_min = 2,
    .n_args_max = 3,
    .run = run_fs,
};
