/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The six file verbs of qemu-ga, and what keeps their handles: a number for each open file, until
 * it is closed, unused for long, or no longer allowed.
 */

#include "commands/file.h"
#include "agent/state.h"
#include "commands/filetransfer.h"
#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/loop.h"
#include "platform/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    TnHandles *handles;
    const TnModuleContext *context;
    TnTimer *idle; /* fires when the longest unused handle may have to be closed */
} FileModule;

typedef struct {
    char *path;
    char *mode;
} OpenArgs;

static const TnField open_args[] = {
    {"path", TN_STRING(OpenArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH,
                       .doc = "file to open")},
    {"mode", TN_STRING(OpenArgs, mode, .subject = TN_SUBJECT_MODE,
                       .doc = "one of fopen's modes; r when absent")},
    {0},
};

#define HANDLE_ROW                                                         \
    {                                                                      \
        "handle", TN_INT(TnHandleArgs, handle, .flags = TN_FIELD_REQUIRED, \
                         .doc = "number that guest-file-open returned")    \
    }

static const TnField handle_args[] = {
    HANDLE_ROW,
    {0},
};

static const TnField read_args[] = {
    HANDLE_ROW,
    {"count", TN_INT(TnHandleArgs, count, TN_PRESENT(TnHandleArgs, has_count),
                     .doc = "bytes to read at most; 4096 when absent")},
    {0},
};

static const TnField read_at_args[] = {
    HANDLE_ROW,
    {"offset",
     TN_INT(TnHandleArgs, offset, .flags = TN_FIELD_REQUIRED, .min = 0,
            .max = G_MAXINT64 - TN_FILE_READ_LIMIT_BYTES, .doc = "where to begin, in bytes")},
    {"count", TN_INT(TnHandleArgs, count, TN_PRESENT(TnHandleArgs, has_count),
                     .doc = "bytes to read at most; 4096 when absent")},
    {0},
};

static const TnField write_args[] = {
    HANDLE_ROW,
    {"buf-b64", TN_BYTES(TnHandleArgs, data, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {"count", TN_INT(TnHandleArgs, count, TN_PRESENT(TnHandleArgs, has_count),
                     .doc = "bytes to write; all of them when absent")},
    {0},
};

static const char *const whence_words[] = {"set", "cur", "end", NULL};

static const TnField seek_args[] = {
    HANDLE_ROW,
    {"offset", TN_INT(TnHandleArgs, offset, .flags = TN_FIELD_REQUIRED, .doc = "where to")},
    {"whence",
     TN_INT_OR_ENUM(TnHandleArgs, whence, .flags = TN_FIELD_REQUIRED, .words = whence_words,
                    .type_name = "GuestFileWhence", .doc = "0 or set, 1 or cur, 2 or end")},
    {0},
};

typedef struct {
    int64_t number;
    int fd; /* what a worker opened; else -1 */
    TnOpenFlags flags;
    bool is_remote;
} NumberResult;

static const TnField number_result = {"return",
                                      TN_INT(NumberResult, number, .flags = TN_FIELD_REQUIRED)};

static const TnField read_fields[] = {
    {"buf-b64", TN_BULK(TnTransfer, data, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {"count", TN_INT(TnTransfer, count, .flags = TN_FIELD_REQUIRED, .doc = "bytes that were read")},
    {"eof", TN_BOOL(TnTransfer, eof, .flags = TN_FIELD_REQUIRED,
                    .doc = "the read met the end of the file")},
    {0},
};

static const TnField write_fields[] = {
    {"count",
     TN_INT(TnTransfer, count, .flags = TN_FIELD_REQUIRED, .doc = "bytes that were written")},
    {"eof", TN_BOOL(TnTransfer, eof, .flags = TN_FIELD_REQUIRED, .doc = "always false")},
    {0},
};

static const TnField seek_fields[] = {
    {"position",
     TN_INT(TnTransfer, position, .flags = TN_FIELD_REQUIRED, .doc = "from the beginning")},
    {"eof", TN_BOOL(TnTransfer, eof, .flags = TN_FIELD_REQUIRED, .doc = "always false")},
    {0},
};

static const TnField read_result = {"return", .type = TN_TYPE_OBJECT, .fields = read_fields};
static const TnField write_result = {"return", .type = TN_TYPE_OBJECT, .fields = write_fields};
static const TnField seek_result = {"return", .type = TN_TYPE_OBJECT, .fields = seek_fields};

static gint64
get_idle_us(const FileModule *module)
{
    return tn_policy_get_settings(tn_policy_holder_get(module->context->policy))->handle_idle_us;
}

/* Closes what was not used for long, and looks again when the next might have to go. */
static void
close_idle(gpointer data)
{
    FileModule *module = data;
    gint64 idle_us = get_idle_us(module);
    gint64 oldest_us = 0;

    if (idle_us == 0)
        return;
    oldest_us = tn_handles_sweep(module->handles, tn_clock_monotonic_us() - idle_us);
    tn_timer_set(module->idle, oldest_us == 0 ? -1 : oldest_us + idle_us + 1);
}

/* A reload may have taken the rule away by which the file was opened. */
static gboolean
is_revoked(TnCall *call, const TnHandle *handle)
{
    const TnAction action = {
        .command = "guest-file-open",
        .group = "@file-read",
        .channel = handle->channel,
        .path = tn_open_plan_get_spec(handle->plan)->path,
        .mode = handle->mode,
    };

    return !tn_grant_would_allow(tn_call_get_grant(call), &action);
}

static TnHandle *
find_any_handle(TnCall *call, gint64 number, GError **error)
{
    const FileModule *module = tn_call_get_module(call);
    TnHandle *handle = tn_handles_find(module->handles, number, tn_call_get_channel(call));

    if (handle == NULL)
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NOT_FOUND,
                    "handle '%" G_GINT64_FORMAT "' has not been found", number);
    return handle;
}

/* One whose file may be used still. */
static TnHandle *
find_handle(TnCall *call, gint64 number, GError **error)
{
    FileModule *module = tn_call_get_module(call);
    TnHandle *handle = find_any_handle(call, number, error);

    if (handle == NULL || !is_revoked(call, handle))
        return handle;
    (void)tn_handles_remove(module->handles, handle);
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                "handle '%" G_GINT64_FORMAT
                "' was closed: the policy no longer allows its file: Permission denied",
                number);
    return NULL;
}

static const char *
get_mode(const OpenArgs *args)
{
    return args->mode != NULL ? args->mode : "r";
}

static gboolean
fail_to_open(const OpenArgs *args, const GError *why, GError **error)
{
    g_set_error(error, why->domain, why->code, "failed to open file '%s' (mode: '%s'): %s",
                args->path, get_mode(args), why->message);
    return FALSE;
}

static gboolean
check_room(TnCall *call, const OpenArgs *args, GError **error)
{
    const FileModule *module = tn_call_get_module(call);
    guint max = tn_policy_get_settings(tn_policy_holder_get(module->context->policy))->max_handles;

    if (tn_handles_count(module->handles) < max)
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_BUSY,
                "failed to open file '%s' (mode: '%s'): Too many open files: at most %u handles",
                args->path, get_mode(args), max);
    return FALSE;
}

/* Makes a handle of RESULT's file, which it takes. */
static gboolean
add_handle(TnCall *call, const OpenArgs *args, NumberResult *result, GError **error)
{
    FileModule *module = tn_call_get_module(call);
    TnGrant *grant = tn_call_get_grant(call);
    tn_autofd int fd = tn_fd_steal(&result->fd);
    TnHandle *handle = NULL;
    gint64 number = 0;

    if (!check_room(call, args, error) ||
        !tn_state_take_number(module->context->state, &number, error))
        return FALSE;
    result->number = number;
    handle = tn_handles_add(module->handles, number, tn_call_get_channel(call), tn_fd_steal(&fd),
                            result->flags, tn_grant_get_open_plan(grant), tn_grant_ref(grant),
                            (GDestroyNotify)tn_grant_unref);
    handle->mode = g_intern_string(get_mode(args));
    handle->is_remote = result->is_remote;
    if (!tn_timer_is_set(module->idle))
        close_idle(module);
    return TRUE;
}

/* In a worker. */
static gboolean
work_open(TnCall *call, const void *args, void *data_result, GError **error)
{
    NumberResult *result = data_result;
    g_autoptr(GError) why = NULL;

    result->fd =
        tn_open_plan_open(tn_grant_get_open_plan(tn_call_get_grant(call)), result->flags, &why);
    if (result->fd < 0)
        return fail_to_open(args, why, error);
    result->is_remote = !tn_localfs_test(result->fd);
    return TRUE;
}

static gboolean
end_open(TnCall *call, const void *args, void *data_result, GError **error)
{
    NumberResult *result = data_result;

    if (*error != NULL)
        return FALSE;
    if (!result->is_remote)
        tn_localfs_learn(tn_call_get_context(call)->local, result->fd);
    return add_handle(call, args, result, error);
}

static gboolean
run_open(TnCall *call, const void *data, void *data_result, GError **error)
{
    const OpenArgs *args = data;
    NumberResult *result = data_result;
    g_autoptr(GError) why = NULL;

    if (!tn_open_flags_parse(get_mode(args), &result->flags)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "invalid file open mode '%s'", get_mode(args));
        return FALSE;
    }
    if (!check_room(call, args, error))
        return FALSE;
    result->fd = tn_open_plan_open_now(tn_grant_get_open_plan(tn_call_get_grant(call)),
                                       result->flags, tn_call_get_context(call)->local, &why);
    if (result->fd == TN_OPEN_MIGHT_BLOCK)
        return tn_call_go_on(call, work_open, end_open);
    return result->fd >= 0 ? add_handle(call, args, result, error) : fail_to_open(args, why, error);
}

static gboolean
run_close(TnCall *call, const void *data, void *result, GError **error)
{
    FileModule *module = tn_call_get_module(call);
    const TnHandleArgs *args = data;
    TnHandle *handle = find_any_handle(call, args->handle, error);

    return handle != NULL && tn_filetransfer_close(call, module->handles, handle, error);
}

static gboolean
run_read(TnCall *call, const void *data, void *result, GError **error)
{
    const TnHandleArgs *args = data;
    TnHandle *handle = find_handle(call, args->handle, error);

    return handle != NULL && tn_filetransfer_read(call, handle, args, -1, error);
}

static gboolean
run_read_at(TnCall *call, const void *data, void *result, GError **error)
{
    const TnHandleArgs *args = data;
    TnHandle *handle = find_handle(call, args->handle, error);

    return handle != NULL && tn_filetransfer_read(call, handle, args, args->offset, error);
}

static gboolean
run_write(TnCall *call, const void *data, void *result, GError **error)
{
    const TnHandleArgs *args = data;
    TnHandle *handle = find_handle(call, args->handle, error);

    return handle != NULL && tn_filetransfer_write(call, handle, args, error);
}

static gboolean
run_seek(TnCall *call, const void *data, void *result, GError **error)
{
    const TnHandleArgs *args = data;
    TnHandle *handle = find_handle(call, args->handle, error);

    return handle != NULL && tn_filetransfer_seek(call, handle, args, error);
}

static gboolean
run_flush(TnCall *call, const void *data, void *result, GError **error)
{
    const TnHandleArgs *args = data;

    /* Every write has reached the kernel already. */
    return find_handle(call, args->handle, error) != NULL;
}

static gpointer
create_file_module(const TnModuleContext *context)
{
    FileModule *module = g_new0(FileModule, 1);

    module->handles = tn_handles_new();
    module->context = context;
    module->idle = tn_timer_new(TN_LOOP_LATER, close_idle, module);
    return module;
}

static void
destroy_file_module(gpointer data)
{
    FileModule *module = data;

    tn_timer_free(module->idle);
    tn_handles_free(module->handles);
    g_free(module);
}

static const TnCommand file_commands[] = {
    {
        .name = "guest-file-open",
        .group = "@file-read",
        .args = open_args,
        .args_size = sizeof(OpenArgs),
        .result = &number_result,
        .result_size = sizeof(NumberResult),
        .run = run_open,
        .flags = TN_COMMAND_MUTATES,
        .since = "0.1",
        .doc = "open a file and return its handle",
    },
    {
        .name = "guest-file-close",
        .group = "@file-read",
        .args = handle_args,
        .args_size = sizeof(TnHandleArgs),
        .result_size = sizeof(TnTransfer), /* for run_close alone */
        .run = run_close,
        .since = "0.1",
        .doc = "close a handle",
    },
    {
        .name = "guest-file-read",
        .group = "@file-read",
        .args = read_args,
        .args_size = sizeof(TnHandleArgs),
        .result = &read_result,
        .result_size = sizeof(TnTransfer),
        .run = run_read,
        .since = "0.1",
        .doc = "read from a handle",
    },
    {
        .name = "tenon-file-read-at",
        .group = "@file-read",
        .args = read_at_args,
        .args_size = sizeof(TnHandleArgs),
        .result = &read_result,
        .result_size = sizeof(TnTransfer),
        .run = run_read_at,
        .since = "0.1",
        .doc = "read from an offset without moving the handle",
    },
    {
        .name = "guest-file-write",
        .group = "@file-write",
        .args = write_args,
        .args_size = sizeof(TnHandleArgs),
        .result = &write_result,
        .result_size = sizeof(TnTransfer),
        .run = run_write,
        .flags = TN_COMMAND_MUTATES,
        .since = "0.1",
        .doc = "write to a handle",
    },
    {
        .name = "guest-file-seek",
        .group = "@file-read",
        .args = seek_args,
        .args_size = sizeof(TnHandleArgs),
        .result = &seek_result,
        .result_size = sizeof(TnTransfer),
        .run = run_seek,
        .since = "0.1",
        .doc = "move a handle's position",
    },
    {
        .name = "guest-file-flush",
        .group = "@file-read",
        .args = handle_args,
        .args_size = sizeof(TnHandleArgs),
        .run = run_flush,
        .since = "0.1",
        .doc = "write a handle's buffers out; they are always empty",
    },
    {0},
};

const TnModule tn_file_module = {
    .name = "file",
    .commands = file_commands,
    .create = create_file_module,
    .destroy = destroy_file_module,
};
