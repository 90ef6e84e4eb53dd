/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A write is decoded in place and handed to the kernel as a whole after its last character was
 * checked, so a bad character leaves nothing half written, and a full disk is told by the write
 * that met it.
 */

#include "commands/filetransfer.h"
#include "commands/filebulk.h"
#include "platform/fd.h"
#include "platform/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEFAULT_READ_BYTES = 4096,
};

static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};

/* Wraps an errno in qemu-ga's words: "failed to read file: No space left on device". */
static gboolean
fail_with(GError **error, const char *what, int saved_errno)
{
    g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(saved_errno), "%s: %s", what,
                g_strerror(saved_errno));
    return FALSE;
}

static gboolean
end_remote(TnCall *call, const void *args, void *data_result, GError **error)
{
    TnTransfer *result = data_result;

    tn_fd_clear(&result->remote.fd);
    tn_open_plan_unref(result->remote.plan);
    return *error == NULL;
}

/* Lets WORK have its own descriptor of HANDLE's file, in a worker. WORK closes it: that may wait
 * too. */
static gboolean
go_remote(TnCall *call, const TnHandle *handle, TnHandler work, GError **error)
{
    TnRemoteFile *remote = &((TnTransfer *)tn_call_get_result(call))->remote;

    remote->fd = fcntl(handle->fd, F_DUPFD_CLOEXEC, 0);
    if (remote->fd < 0)
        return fail_with(error, "failed to reach file", errno);
    remote->flags = handle->flags;
    remote->plan = tn_open_plan_ref(handle->plan);
    return tn_call_go_on(call, work, end_remote);
}

/* In a worker; the close of a file on a server says what became of what was written. */
static gboolean
work_close(TnCall *call, const void *args, void *data_result, GError **error)
{
    TnTransfer *result = data_result;
    int fd = tn_fd_steal(&result->remote.fd);

    return close(fd) == 0 || fail_with(error, "failed to close handle", errno);
}

/* How much of COUNT this reply may carry: the channel's limit and the rule's. */
static gboolean
get_read_size(TnCall *call, const TnHandle *handle, const TnHandleArgs *args, guint64 *ret_size,
              GError **error)
{
    const TnOpenSpec *spec = tn_open_plan_get_spec(handle->plan);
    gint64 count = args->has_count ? args->count : DEFAULT_READ_BYTES;
    guint64 size;

    if (count < 0 || count > TN_FILE_READ_LIMIT_BYTES) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "value '%" G_GINT64_FORMAT "' is invalid for argument count", count);
        return FALSE;
    }
    size = tn_filebulk_fit(call, (guint64)count);
    if (spec->max_read_bytes != 0) {
        guint64 left = spec->max_read_bytes - MIN(spec->max_read_bytes, handle->read_bytes);

        if (left == 0 && size > 0)
            return fail_with(error, "failed to read file", EFBIG);
        size = MIN(size, left);
    }
    *ret_size = size;
    return TRUE;
}

static gboolean
work_read(TnCall *call, const void *args, void *data_result, GError **error)
{
    TnTransfer *result = data_result;
    const TnRemoteFile *remote = &result->remote;
    int why = 0;

    result->data = tn_filebulk_load(remote->fd, remote->offset, remote->size, &result->count,
                                    &result->eof, &why);
    tn_fd_clear(&result->remote.fd);
    return result->data != NULL || fail_with(error, "failed to read file", why);
}

gboolean
tn_filetransfer_read(TnCall *call, TnHandle *handle, const TnHandleArgs *args, gint64 offset,
                     GError **error)
{
    TnTransfer *result = tn_call_get_result(call);
    guint64 size = 0;
    int why = 0;

    if (!get_read_size(call, handle, args, &size, error))
        return FALSE;
    if (handle->is_remote) {
        size = MIN(size, TN_FILEBULK_LOAD_BYTES);
        handle->read_bytes += size;
        result->remote.offset = offset;
        result->remote.size = size;
        return go_remote(call, handle, work_read, error);
    }
    result->data = tn_filebulk_new(handle->fd, offset, size, &result->count, &result->eof, &why);
    if (result->data == NULL)
        return fail_with(error, "failed to read file", why);
    handle->read_bytes += size;
    return TRUE;
}

static gboolean
check_write(int fd, TnOpenFlags flags, const TnOpenSpec *spec, guint64 count, GError **error)
{
    struct stat st;

    /* The flag is looked at again: F_SETFL through another descriptor of ours must not undo it. */
    if (spec->append_only && (fcntl(fd, F_GETFL) & O_APPEND) == 0)
        return fail_with(error, "failed to write to file", EPERM);
    if (spec->max_size_bytes == 0)
        return TRUE;
    if (fstat(fd, &st) != 0)
        return fail_with(error, "failed to write to file", errno);
    if (S_ISREG(st.st_mode)) {
        gint64 at =
            (flags & TN_OPEN_APPEND) != 0 ? (gint64)st.st_size : (gint64)lseek(fd, 0, SEEK_CUR);

        if (at < 0 || (guint64)at > spec->max_size_bytes ||
            count > spec->max_size_bytes - (guint64)at)
            return fail_with(error, "failed to write to file", EFBIG);
    }
    return TRUE;
}

static gboolean
write_to(int fd, TnOpenFlags flags, const TnOpenPlan *plan, const TnHandleArgs *args,
         TnTransfer *result, GError **error)
{
    gsize count = args->has_count ? (gsize)args->count : args->data.size;
    gsize done = 0;

    if (!check_write(fd, flags, tn_open_plan_get_spec(plan), count, error))
        return FALSE;
    while (done < count) {
        ssize_t n = write(fd, args->data.data + done, count - done);

        if (n < 0 && errno == EINTR)
            continue;
        /* A full pipe has taken what it could: that is the true count. A full disk is an error
         * even when a part fitted: hosts do not look at the count. */
        if (n < 0 && errno == EAGAIN && done > 0)
            break;
        if (n < 0)
            return fail_with(error, "failed to write to file", errno);
        done += (gsize)n;
    }
    result->count = (gint64)done;
    return TRUE;
}

static gboolean
work_write(TnCall *call, const void *args, void *data_result, GError **error)
{
    TnTransfer *result = data_result;
    const TnRemoteFile *remote = &result->remote;
    gboolean ok = write_to(remote->fd, remote->flags, remote->plan, args, result, error);

    tn_fd_clear(&result->remote.fd);
    return ok;
}

gboolean
tn_filetransfer_write(TnCall *call, TnHandle *handle, const TnHandleArgs *args, GError **error)
{
    if (args->has_count && (args->count < 0 || (guint64)args->count > args->data.size)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "value '%" G_GINT64_FORMAT "' is invalid for argument count", args->count);
        return FALSE;
    }
    if (handle->is_remote)
        return go_remote(call, handle, work_write, error);
    return write_to(handle->fd, handle->flags, handle->plan, args, tn_call_get_result(call), error);
}

static gboolean
seek_to(int fd, const TnHandleArgs *args, TnTransfer *result, GError **error)
{
    off_t position = lseek(fd, args->offset, whences[args->whence]);

    if (position < 0)
        return fail_with(error, "failed to seek file", errno);
    result->position = position;
    return TRUE;
}

/* The end of a remote file is known to its server. */
static gboolean
work_seek(TnCall *call, const void *args, void *data_result, GError **error)
{
    TnTransfer *result = data_result;
    gboolean ok = seek_to(result->remote.fd, args, result, error);

    tn_fd_clear(&result->remote.fd);
    return ok;
}

gboolean
tn_filetransfer_seek(TnCall *call, TnHandle *handle, const TnHandleArgs *args, GError **error)
{
    if (args->whence < 0 || args->whence >= (int64_t)G_N_ELEMENTS(whences)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "invalid whence code %" G_GINT64_FORMAT, args->whence);
        return FALSE;
    }
    if (tn_open_plan_get_spec(handle->plan)->append_only)
        return fail_with(error, "failed to seek file", EPERM);
    if (handle->is_remote)
        return go_remote(call, handle, work_seek, error);
    return seek_to(handle->fd, args, tn_call_get_result(call), error);
}

gboolean
tn_filetransfer_close(TnCall *call, TnHandles *handles, TnHandle *handle, GError **error)
{
    TnTransfer *result = tn_call_get_result(call);
    int why;

    if (handle->is_remote) {
        result->remote.fd = tn_handles_take(handles, handle);
        return tn_call_go_on(call, work_close, end_remote);
    }
    why = tn_handles_remove(handles, handle);
    return why == 0 || fail_with(error, "failed to close handle", why);
}
