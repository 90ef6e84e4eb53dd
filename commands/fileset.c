/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names and attributes of files: thin rows over platform/filetree.
 */

#include "commands/fileset.h"
#include "platform/filetree.h"

enum {
    DEFAULT_DIRECTORY_MODE = 0755,
};

static const char *const exists_words[] = {"replace", "fail", NULL};

enum {
    EXISTS_REPLACE,
    EXISTS_FAIL,
};

typedef struct {
    char *path;
    char *to;
    bool parents;
    bool recursive;
    int exists;
    int64_t mode;
    bool has_mode;
    char *user;
    char *group;
    int64_t mtime_ns;
    bool has_mtime;
} SetArgs;

#define PATH_ROW                                                                                 \
    {                                                                                            \
        "path", TN_STRING(SetArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH, \
                          .doc = "absolute path")                                                \
    }
#define MODE_ROW                                                                             \
    {                                                                                        \
        "mode", TN_INT(SetArgs, mode, TN_PRESENT(SetArgs, has_mode), .min = 0, .max = 07777, \
                       .doc = "permission bits")                                             \
    }

static const TnField mkdir_args[] = {
    PATH_ROW,
    {"parents", TN_BOOL(SetArgs, parents, .doc = "make those above it as well; may exist")},
    MODE_ROW,
    {0},
};

static const TnField remove_args[] = {
    PATH_ROW,
    {"recursive", TN_BOOL(SetArgs, recursive, .doc = "a directory with all below it")},
    {0},
};

static const TnField rename_args[] = {
    PATH_ROW,
    {"to", TN_STRING(SetArgs, to, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_TO,
                     .doc = "the new path, on the same file system")},
    {"exists", TN_ENUM(SetArgs, exists, .words = exists_words,
                       .doc = "what to do when the new path exists: replace (default) or fail")},
    {0},
};

static const TnField set_args[] = {
    PATH_ROW,
    MODE_ROW,
    {"user", TN_STRING(SetArgs, user, .doc = "owner, by name or number")},
    {"group", TN_STRING(SetArgs, group, .doc = "group, by name or number")},
    {"mtime-ns",
     TN_INT(SetArgs, mtime_ns, TN_PRESENT(SetArgs, has_mtime), .doc = "last change, since 1970")},
    {0},
};

static gboolean
word_failure(gboolean ok, const char *verb, const SetArgs *args, GError **error)
{
    if (!ok)
        g_prefix_error(error, "failed to %s '%s': ", verb, args->path);
    return ok;
}

static gboolean
run_mkdir(TnCall *call, const void *data, void *result, GError **error)
{
    const SetArgs *args = data;
    const TnOpenPlan *plan = tn_grant_get_open_plan(tn_call_get_grant(call));
    mode_t mode = args->has_mode ? (mode_t)args->mode : DEFAULT_DIRECTORY_MODE;

    return word_failure(tn_filetree_mkdir(plan, args->parents, mode, error), "make", args, error);
}

static gboolean
run_remove(TnCall *call, const void *data, void *result, GError **error)
{
    const SetArgs *args = data;
    const TnOpenPlan *plan = tn_grant_get_open_plan(tn_call_get_grant(call));

    return word_failure(tn_filetree_remove(plan, args->recursive, error), "remove", args, error);
}

static gboolean
run_rename(TnCall *call, const void *data, void *result, GError **error)
{
    const SetArgs *args = data;
    TnGrant *grant = tn_call_get_grant(call);

    return word_failure(tn_filetree_rename(tn_grant_get_open_plan(grant),
                                           tn_grant_get_to_plan(grant), args->exists == EXISTS_FAIL,
                                           error),
                        "rename", args, error);
}

static gboolean
run_set(TnCall *call, const void *data, void *result, GError **error)
{
    const SetArgs *args = data;
    const TnOpenPlan *plan = tn_grant_get_open_plan(tn_call_get_grant(call));
    gint64 uid = args->user != NULL ? tn_filetree_find_uid(args->user) : -1;
    gint64 gid = args->group != NULL ? tn_filetree_find_gid(args->group) : -1;

    if ((args->user != NULL && uid < 0) || (args->group != NULL && gid < 0)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NOT_FOUND, "%s '%s' does not exist",
                    args->user != NULL && uid < 0 ? "user" : "group",
                    args->user != NULL && uid < 0 ? args->user : args->group);
        return FALSE;
    }
    return word_failure(tn_filetree_set(plan, args->has_mode ? args->mode : -1, uid, gid,
                                        args->has_mtime ? args->mtime_ns : G_MININT64, error),
                        "change", args, error);
}

#define SET_COMMAND(wire_name, table, handler, text)                                            \
    {                                                                                           \
        .name = wire_name, .group = "@file-write", .args = table, .args_size = sizeof(SetArgs), \
        .run = handler, .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING, .since = "0.1",      \
        .doc = text,                                                                            \
    }

static const TnCommand fileset_commands[] = {
    SET_COMMAND("tenon-file-mkdir", mkdir_args, run_mkdir, "make a directory"),
    SET_COMMAND("tenon-file-remove", remove_args, run_remove, "remove a file or directory"),
    SET_COMMAND("tenon-file-rename", rename_args, run_rename, "rename a file"),
    SET_COMMAND("tenon-file-set", set_args, run_set, "set mode, owner or time of a file"),
    {0},
};

const TnModule tn_fileset_module = {
    .name = "fileset",
    .commands = fileset_commands,
};
