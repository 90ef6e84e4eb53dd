/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files on their way in. Only put runs on the main thread: it decodes in place and writes to the
 * page cache. Beginning and finishing look at users, digest and sync, so a worker does them;
 * platform/uploads keeps two requests for one upload apart.
 */

#include "commands/fileput.h"
#include "agent/state.h"
#include "platform/filetree.h"
#include "platform/uploads.h"

#include <string.h>

typedef struct {
    TnUploads *uploads; /* NULL: the state directory cannot be used, why says it */
    GError *why;
    const TnModuleContext *context;
} PutModule;

static const char *const exists_words[] = {"replace", "fail", NULL};

enum {
    EXISTS_REPLACE,
    EXISTS_FAIL,
};

typedef struct {
    char *path;
    int64_t size;
    bool has_size;
    int64_t mode;
    bool has_mode;
    char *user;
    char *group;
    int exists;
    char *resume;
    char *token;
    bool sparse;
} PutOpenArgs;

static const TnField put_open_args[] = {
    {"path", TN_STRING(PutOpenArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH,
                       .doc = "the file that is to be made or replaced")},
    {"size", TN_INT(PutOpenArgs, size, TN_PRESENT(PutOpenArgs, has_size), .min = 0,
                    .max = G_MAXINT64, .doc = "its size in bytes, checked at the end")},
    {"mode", TN_INT(PutOpenArgs, mode, TN_PRESENT(PutOpenArgs, has_mode), .min = 0, .max = 07777,
                    .doc = "permission bits; those of the replaced file when absent")},
    {"user", TN_STRING(PutOpenArgs, user, .doc = "owner, by name or number")},
    {"group", TN_STRING(PutOpenArgs, group, .doc = "group, by name or number")},
    {"exists", TN_ENUM(PutOpenArgs, exists, .words = exists_words,
                       .doc = "what to do when the file exists: replace it (default) or fail")},
    {"resume", TN_STRING(PutOpenArgs, resume, .doc = "token of an earlier try")},
    {"token", TN_STRING(PutOpenArgs, token,
                        .doc = "32 lower-case hexadecimal digits of the caller's choice: an upload "
                               "of this token is resumed if there is one, else begun")},
    {"sparse", TN_BOOL(PutOpenArgs, sparse, .doc = "gaps are fine and become holes")},
    {0},
};

typedef struct {
    int64_t upload;
    char *token;
    int64_t offset;
} PutOpenResult;

static const TnField put_open_fields[] = {
    {"upload", TN_INT(PutOpenResult, upload, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"token",
     TN_STRING(PutOpenResult, token, .flags = TN_FIELD_REQUIRED, .doc = "what resumes it later")},
    {"offset", TN_INT(PutOpenResult, offset, .flags = TN_FIELD_REQUIRED,
                      .doc = "how many bytes are there already")},
    {0},
};

static const TnField put_open_result = {"return", .type = TN_TYPE_OBJECT,
                                        .fields = put_open_fields};

typedef struct {
    int64_t upload;
    int64_t offset;
    TnBytes data;
    char *sha256;
    bool digest;
    bool sync;
    bool has_sync;
} PutArgs;

#define UPLOAD_ROW                                                    \
    {                                                                 \
        "upload", TN_INT(PutArgs, upload, .flags = TN_FIELD_REQUIRED, \
                         .doc = "number that put-open returned")      \
    }

static const TnField put_args[] = {
    UPLOAD_ROW,
    {"offset",
     TN_INT(PutArgs, offset, .flags = TN_FIELD_REQUIRED, .doc = "where the bytes belong")},
    {"buf-b64", TN_BYTES(PutArgs, data, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {0},
};

static const TnField put_close_args[] = {
    UPLOAD_ROW,
    {"sha256", TN_STRING(PutArgs, sha256, .doc = "what the whole file must digest to")},
    {"digest", TN_BOOL(PutArgs, digest, .doc = "return the digest")},
    {"sync", TN_BOOL(PutArgs, sync, TN_PRESENT(PutArgs, has_sync),
                     .doc = "have file and directory on disk before the answer (default)")},
    {0},
};

static const TnField put_drop_args[] = {
    UPLOAD_ROW,
    {0},
};

typedef struct {
    int64_t offset;
    int64_t size;
    char *sha256;
} PutResult;

static const TnField put_fields[] = {
    {"offset", TN_INT(PutResult, offset, .flags = TN_FIELD_REQUIRED, .doc = "the file's end now")},
    {0},
};

static const TnField put_close_fields[] = {
    {"size", TN_INT(PutResult, size, .flags = TN_FIELD_REQUIRED, .doc = "bytes of the file")},
    {"sha256", TN_STRING(PutResult, sha256, .doc = "lower-case hex, where asked for")},
    {0},
};

static const TnField put_result = {"return", .type = TN_TYPE_OBJECT, .fields = put_fields};
static const TnField put_close_result = {"return", .type = TN_TYPE_OBJECT,
                                         .fields = put_close_fields};

static TnUploads *
get_uploads(TnCall *call, GError **error)
{
    PutModule *module = tn_call_get_module(call);

    if (module->uploads == NULL)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "uploads are not possible: %s",
                    module->why->message);
    return module->uploads;
}

/* The number of a user or group; -1 when none was asked for. */
static gboolean
find_id(const char *what, const char *name, gint64 (*find)(const char *), gint64 *ret_id,
        GError **error)
{
    *ret_id = name != NULL ? find(name) : -1;
    if (name == NULL || *ret_id >= 0)
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NOT_FOUND, "%s '%s' does not exist", what,
                name);
    return FALSE;
}

static gboolean
run_put_open(TnCall *call, const void *data, void *data_result, GError **error)
{
    PutModule *module = tn_call_get_module(call);
    const PutOpenArgs *args = data;
    PutOpenResult *result = data_result;
    TnUploads *uploads = get_uploads(call, error);
    TnUploadRequest request = {
        .plan = tn_grant_get_open_plan(tn_call_get_grant(call)),
        .channel = tn_call_get_channel(call),
        .resume = args->resume,
        .token = args->token,
        .size = args->has_size ? args->size : -1,
        .mode = args->has_mode ? args->mode : -1,
        .must_be_new = args->exists == EXISTS_FAIL,
        .sparse = args->sparse,
    };

    return uploads != NULL &&
           find_id("user", args->user, tn_filetree_find_uid, &request.uid, error) &&
           find_id("group", args->group, tn_filetree_find_gid, &request.gid, error) &&
           tn_state_take_number(module->context->state, &request.number, error) &&
           tn_uploads_open(uploads, &request, &result->upload, &result->token, &result->offset,
                           error);
}

/* A reload may have taken the rule away by which the upload was begun. It can still be dropped. */
static gboolean
check_granted(TnCall *call, TnUploads *uploads, gint64 number, GError **error)
{
    g_autofree char *path = tn_uploads_get_path(uploads, number, tn_call_get_channel(call));
    const TnAction action = {
        .command = "tenon-file-put-open",
        .group = "@file-write",
        .channel = tn_call_get_channel(call),
        .path = path,
    };

    if (path == NULL || tn_grant_would_allow(tn_call_get_grant(call), &action))
        return TRUE;
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                "upload '%" G_GINT64_FORMAT
                "': the policy no longer allows its file: Permission denied",
                number);
    return FALSE;
}

static gboolean
put_bytes(TnCall *call, const void *data, void *data_result, GError **error)
{
    const PutArgs *args = data;
    PutResult *result = data_result;
    TnUploads *uploads = get_uploads(call, error);

    return uploads != NULL && check_granted(call, uploads, args->upload, error) &&
           tn_uploads_write(uploads, args->upload, tn_call_get_channel(call), args->offset,
                            args->data.data, args->data.size, &result->offset, error);
}

/* At once to a disk of this machine, whose write ends in memory; in a worker to what is served. */
static gboolean
run_put(TnCall *call, const void *data, void *result, GError **error)
{
    const PutArgs *args = data;
    const PutModule *module = tn_call_get_module(call);

    if (module->uploads != NULL &&
        tn_uploads_is_remote(module->uploads, args->upload, tn_call_get_channel(call)))
        return tn_call_go_on(call, put_bytes, NULL);
    return put_bytes(call, data, result, error);
}

static gboolean
run_put_close(TnCall *call, const void *data, void *data_result, GError **error)
{
    const PutArgs *args = data;
    PutResult *result = data_result;
    TnUploads *uploads = get_uploads(call, error);

    return uploads != NULL && check_granted(call, uploads, args->upload, error) &&
           tn_uploads_finish(uploads, args->upload, tn_call_get_channel(call), args->sha256,
                             args->digest, !args->has_sync || args->sync, &result->size,
                             &result->sha256, error);
}

static gboolean
run_put_drop(TnCall *call, const void *data, void *result, GError **error)
{
    const PutArgs *args = data;
    TnUploads *uploads = get_uploads(call, error);

    return uploads != NULL &&
           tn_uploads_drop(uploads, args->upload, tn_call_get_channel(call), error);
}

static gpointer
create_put_module(const TnModuleContext *context)
{
    PutModule *module = g_new0(PutModule, 1);

    module->context = context;
    if (context->state_dir != NULL)
        module->uploads = tn_uploads_new(context->state_dir, &module->why);
    else
        g_set_error_literal(&module->why, G_IO_ERROR, G_IO_ERROR_FAILED, "no state directory");
    return module;
}

static void
destroy_put_module(gpointer data)
{
    PutModule *module = data;

    tn_uploads_free(module->uploads);
    g_clear_error(&module->why);
    g_free(module);
}

static const TnCommand fileput_commands[] = {
    {
        .name = "tenon-file-put-open",
        .group = "@file-write",
        .args = put_open_args,
        .args_size = sizeof(PutOpenArgs),
        .result = &put_open_result,
        .result_size = sizeof(PutOpenResult),
        .run = run_put_open,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "begin an upload, or go on with one",
    },
    {
        .name = "tenon-file-put",
        .group = "@file-write",
        .args = put_args,
        .args_size = sizeof(PutArgs),
        .result = &put_result,
        .result_size = sizeof(PutResult),
        .run = run_put,
        .since = "0.1",
        .doc = "add bytes to an upload",
    },
    {
        .name = "tenon-file-put-close",
        .group = "@file-write",
        .args = put_close_args,
        .args_size = sizeof(PutArgs),
        .result = &put_close_result,
        .result_size = sizeof(PutResult),
        .run = run_put_close,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "check an upload and rename it into place",
    },
    {
        .name = "tenon-file-put-drop",
        .group = "@file-write",
        .args = put_drop_args,
        .args_size = sizeof(PutArgs),
        .run = run_put_drop,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "throw an upload away",
    },
    {0},
};

const TnModule tn_fileput_module = {
    .name = "fileput",
    .commands = fileput_commands,
    .create = create_put_module,
    .destroy = destroy_put_module,
};
