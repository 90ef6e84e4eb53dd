/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uploads. The hidden file is ".tenon-TOKEN" in the target's directory, created O_EXCL, 0600 until
 * it is finished. Its record (platform/uploadrecords.h) is written before the hidden file exists:
 * whatever is killed in between leaves a record without a file, never a file without a record.
 *
 * What was received is what the hidden file holds: its size is the offset to resume at. What
 * is synced before the end is for speed alone: a machine that loses power loses an unfinished
 * upload, not a file.
 */

#include "platform/uploads.h"
#include "platform/fd.h"
#include "platform/uploadrecords.h"
#include "platform/writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    HASH_PIECE_BYTES = 256 * 1024,
};

#define RENAME_NOREPLACE_FLAG 1u /* RENAME_NOREPLACE, renameat2(2) */

struct TnUpload {
    gint64 number;
    TnOpenPlan *plan;
    const char *channel;
    char *token;
    char *path;   /* the target, as asked for */
    char *name;   /* its last component */
    char *hidden; /* the hidden file's name */
    int dir_fd;   /* pinned directory of both */
    int fd;
    TnWriteback *writeback;
    gint64 size;
    gint64 mode;
    gint64 uid;
    gint64 gid;
    mode_t create_mode;
    guint64 max_bytes;
    gboolean must_be_new;
    gboolean sparse;
    gboolean is_remote; /* its file system may never answer */
    gboolean busy;
};

struct TnUploads {
    GMutex lock;           /* never held while a target's file system is asked: it may not answer */
    GHashTable *by_number; /* of TnUpload, keyed by its number */
    GHashTable *taken;     /* a set of tokens whose files are being opened or removed */
    TnUploadRecords *records;
};

static void
free_upload(gpointer data)
{
    TnUpload *upload = data;

    if (upload == NULL)
        return;
    tn_writeback_free(upload->writeback);
    tn_fd_clear(&upload->fd);
    tn_fd_clear(&upload->dir_fd);
    tn_open_plan_unref(upload->plan);
    g_free(upload->token);
    g_free(upload->path);
    g_free(upload->name);
    g_free(upload->hidden);
    g_free(upload);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnUpload, free_upload)

static gboolean
fail(GError **error, int code, const char *path, const char *why)
{
    g_set_error(error, G_IO_ERROR, code, "upload of '%s': %s", path, why);
    return FALSE;
}

static gboolean
fail_with_errno(GError **error, const char *path, int saved_errno)
{
    return fail(error, (int)g_io_error_from_errno(saved_errno), path, g_strerror(saved_errno));
}

static gboolean
fail_busy(const char *path, GError **error)
{
    return fail(error, G_IO_ERROR_BUSY, path, "another request works on it");
}

/* The lock is held. */
static TnUpload *
find_token(TnUploads *uploads, const char *token)
{
    GHashTableIter iter;
    gpointer upload;

    g_hash_table_iter_init(&iter, uploads->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &upload))
        if (strcmp(((TnUpload *)upload)->token, token) == 0)
            return upload;
    return NULL;
}

/* FALSE when somebody has TOKEN already. The lock is held. */
static gboolean
take_token(TnUploads *uploads, const char *token)
{
    return find_token(uploads, token) == NULL && g_hash_table_add(uploads->taken, g_strdup(token));
}

static void
give_token_back(TnUploads *uploads, const char *token)
{
    g_mutex_lock(&uploads->lock);
    g_hash_table_remove(uploads->taken, token);
    g_mutex_unlock(&uploads->lock);
}

/* FALSE when somebody works with it, who may be waiting for its file system. */
static gboolean
take_old(TnUploads *uploads, const char *token)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);

    return take_token(uploads, token);
}

/* Uploads that nobody came back to for a day, those of this agent included. */
static void
remove_old(TnUploads *uploads)
{
    g_autoptr(GPtrArray) old = tn_upload_records_list_old(uploads->records);

    for (guint i = 0; i < old->len; i++) {
        if (!take_old(uploads, old->pdata[i]))
            continue;
        tn_upload_records_remove_with_file(uploads->records, old->pdata[i]);
        give_token_back(uploads, old->pdata[i]);
    }
}

TnUploads *
tn_uploads_new(const char *state_dir, GError **error)
{
    g_autoptr(TnUploadRecords) records = tn_upload_records_new(state_dir, error);
    TnUploads *uploads = NULL;

    if (records == NULL)
        return NULL;
    uploads = g_new0(TnUploads, 1);
    g_mutex_init(&uploads->lock);
    uploads->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_upload);
    uploads->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uploads->records = g_steal_pointer(&records);
    remove_old(uploads);
    return uploads;
}

void
tn_uploads_free(TnUploads *uploads)
{
    if (uploads == NULL)
        return;
    g_hash_table_unref(uploads->by_number);
    g_hash_table_unref(uploads->taken);
    tn_upload_records_free(uploads->records);
    g_mutex_clear(&uploads->lock);
    g_free(uploads);
}

guint
tn_uploads_count(TnUploads *uploads)
{
    guint n;

    g_mutex_lock(&uploads->lock);
    n = g_hash_table_size(uploads->by_number);
    g_mutex_unlock(&uploads->lock);
    return n;
}

static gboolean
write_record(TnUploads *uploads, const TnUpload *upload, GError **error)
{
    const TnUploadRecord record = {
        .path = upload->path,
        .size = upload->size,
        .mode = upload->mode,
        .uid = upload->uid,
        .gid = upload->gid,
        .must_be_new = upload->must_be_new,
        .sparse = upload->sparse,
    };

    return tn_upload_records_add(uploads->records, upload->token, &record, error);
}

/* What a new upload and a resumed one have in common: the pinned directory and the names. */
static TnUpload *
prepare_upload(const TnUploadRequest *request, const char *token, GError **error)
{
    const TnOpenSpec *spec = tn_open_plan_get_spec(request->plan);
    g_autoptr(TnUpload) upload = g_new0(TnUpload, 1);
    g_autoptr(GError) why = NULL;

    upload->fd = -1;
    upload->plan = tn_open_plan_ref(request->plan);
    upload->number = request->number;
    upload->channel = request->channel;
    upload->token = g_strdup(token);
    upload->path = g_strdup(spec->path);
    upload->hidden = tn_upload_token_get_file(token);
    upload->size = request->size;
    upload->mode = request->mode;
    upload->uid = request->uid >= 0 || !spec->as_user ? request->uid : (gint64)spec->uid;
    upload->gid = request->gid >= 0 || !spec->as_user ? request->gid : (gint64)spec->gid;
    upload->create_mode = spec->create_mode;
    upload->max_bytes = spec->max_size_bytes;
    upload->must_be_new = request->must_be_new;
    upload->sparse = request->sparse;
    upload->dir_fd = tn_open_plan_open_parent(request->plan, &upload->name, &why);
    if (upload->dir_fd < 0) {
        fail(error, why->code, spec->path, why->message);
        return NULL;
    }
    return g_steal_pointer(&upload);
}

/* Would the finished file be allowed to take the target's place? Asked at both ends. */
static gboolean
check_target(const TnUpload *upload, gboolean may_create, gboolean may_write, GError **error)
{
    struct stat st;

    if (fstatat(upload->dir_fd, upload->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return fail_with_errno(error, upload->path, errno);
        return may_create || fail_with_errno(error, upload->path, EACCES);
    }
    if (upload->must_be_new)
        return fail_with_errno(error, upload->path, EEXIST);
    if (S_ISDIR(st.st_mode))
        return fail_with_errno(error, upload->path, EISDIR);
    return may_write || fail_with_errno(error, upload->path, EACCES);
}

static int
open_hidden(const TnUpload *upload, int flags)
{
    TnFsIdentity before = tn_open_plan_enter(upload->plan);
    int fd = openat(upload->dir_fd, upload->hidden, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);

    tn_open_plan_leave(&before);
    return fd;
}

static gboolean
begin_upload(TnUploads *uploads, TnUpload *upload, GError **error)
{
    if (!write_record(uploads, upload, error))
        return FALSE;
    upload->fd = open_hidden(upload, O_CREAT | O_EXCL);
    if (upload->fd < 0) {
        int saved = errno;

        tn_upload_records_remove(uploads->records, upload->token);
        return fail_with_errno(error, upload->path, saved);
    }
    return TRUE;
}

/* Goes on with an upload of an earlier agent: what its record says must fit what is asked. */
static gboolean
resume_upload(TnUploads *uploads, TnUpload *upload, GError **error)
{
    g_autofree char *path = tn_upload_records_get_path(uploads->records, upload->token);
    struct stat st;

    if (path == NULL)
        return fail(error, G_IO_ERROR_NOT_FOUND, upload->path, "no such upload to resume");
    if (strcmp(path, upload->path) != 0)
        return fail(error, G_IO_ERROR_NOT_FOUND, upload->path, "the token is that of another file");
    upload->fd = open_hidden(upload, 0);
    if (upload->fd < 0 && errno == ENOENT) /* killed between record and file */
        upload->fd = open_hidden(upload, O_CREAT | O_EXCL);
    if (upload->fd < 0)
        return fail_with_errno(error, upload->path, errno);
    if (fstat(upload->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return fail(error, G_IO_ERROR_FAILED, upload->path, "its hidden file was tampered with");
    return TRUE;
}

/* Finds out which upload REQUEST means: a live one, which is then busy, or a token, which is then
 * taken, of one that is to be begun or (*RET_IS_EARLIER) gone on with. */
static gboolean
choose_upload(TnUploads *uploads, const TnUploadRequest *request, TnUpload **ret_live,
              char **ret_token, gboolean *ret_is_earlier, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);
    const char *path = tn_open_plan_get_spec(request->plan)->path;
    const char *wanted = request->resume != NULL ? request->resume : request->token;
    g_autofree char *token = wanted != NULL ? g_strdup(wanted) : tn_upload_token_make();
    TnUpload *live = find_token(uploads, token);

    if (live != NULL && strcmp(live->path, path) != 0)
        return fail(error, G_IO_ERROR_NOT_FOUND, path, "the token is that of another file");
    if (live != NULL ? live->busy : !take_token(uploads, token))
        return fail_busy(path, error);
    if (live == NULL) {
        /* A caller that chose its token may not know whether its request arrived. */
        *ret_is_earlier = request->resume != NULL || tn_upload_records_has(uploads->records, token);
        *ret_token = g_steal_pointer(&token);
        return TRUE;
    }
    /* Whoever has the token has the upload, through whichever channel it comes back. */
    live->channel = request->channel;
    live->busy = TRUE;
    *ret_live = live;
    return TRUE;
}

/* Opens the files of a token that is taken. */
static TnUpload *
open_upload(TnUploads *uploads, const TnUploadRequest *request, const char *token,
            gboolean is_earlier, GError **error)
{
    const TnOpenSpec *spec = tn_open_plan_get_spec(request->plan);
    g_autoptr(TnUpload) upload = prepare_upload(request, token, error);

    if (upload == NULL || !check_target(upload, spec->may_create, spec->may_write, error))
        return NULL;
    if (is_earlier ? !resume_upload(uploads, upload, error) : !begin_upload(uploads, upload, error))
        return NULL;
    upload->is_remote = !tn_localfs_test(upload->fd);
    upload->writeback = tn_writeback_new(upload->fd);
    upload->busy = TRUE;
    return g_steal_pointer(&upload);
}

static gboolean
check_tokens(const TnUploadRequest *request, GError **error)
{
    const char *path = tn_open_plan_get_spec(request->plan)->path;

    if (request->resume != NULL && !tn_upload_token_is(request->resume))
        return fail(error, G_IO_ERROR_NOT_FOUND, path, "no such upload to resume");
    if (request->token != NULL && !tn_upload_token_is(request->token))
        return fail(error, G_IO_ERROR_INVALID_ARGUMENT, path,
                    "a token is 32 lower-case hexadecimal digits");
    return TRUE;
}

static void
give_back(TnUploads *uploads, TnUpload *upload)
{
    g_mutex_lock(&uploads->lock);
    upload->busy = FALSE;
    g_mutex_unlock(&uploads->lock);
}

gboolean
tn_uploads_open(TnUploads *uploads, const TnUploadRequest *request, gint64 *ret_number,
                char **ret_token, gint64 *ret_offset, GError **error)
{
    TnUpload *upload = NULL;
    g_autofree char *token = NULL;
    gboolean is_earlier = FALSE;
    gboolean ok;
    struct stat st;

    remove_old(uploads);
    if (!check_tokens(request, error) ||
        !choose_upload(uploads, request, &upload, &token, &is_earlier, error))
        return FALSE;
    if (upload == NULL) {
        upload = open_upload(uploads, request, token, is_earlier, error);
        g_mutex_lock(&uploads->lock);
        g_hash_table_remove(uploads->taken, token);
        if (upload != NULL)
            g_hash_table_replace(uploads->by_number, &upload->number, upload);
        g_mutex_unlock(&uploads->lock);
    }
    if (upload == NULL)
        return FALSE;
    ok = fstat(upload->fd, &st) == 0 || fail_with_errno(error, upload->path, errno);
    if (ok) {
        *ret_number = upload->number;
        *ret_token = g_strdup(upload->token);
        *ret_offset = st.st_size;
    }
    give_back(uploads, upload);
    return ok;
}

/* The upload, marked busy; give_back() ends that. */
static TnUpload *
take_upload(TnUploads *uploads, gint64 number, const char *channel, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);
    TnUpload *upload = g_hash_table_lookup(uploads->by_number, &number);

    if (upload == NULL || upload->channel != channel) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                    "upload '%" G_GINT64_FORMAT "' has not been found", number);
        return NULL;
    }
    if (upload->busy) {
        fail_busy(upload->path, error);
        return NULL;
    }
    upload->busy = TRUE;
    return upload;
}

char *
tn_uploads_get_path(TnUploads *uploads, gint64 number, const char *channel)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);
    const TnUpload *upload = g_hash_table_lookup(uploads->by_number, &number);

    return upload != NULL && upload->channel == channel ? g_strdup(upload->path) : NULL;
}

gboolean
tn_uploads_is_remote(TnUploads *uploads, gint64 number, const char *channel)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);
    const TnUpload *upload = g_hash_table_lookup(uploads->by_number, &number);

    return upload != NULL && upload->channel == channel && upload->is_remote;
}

static void
forget(TnUploads *uploads, TnUpload *upload)
{
    tn_upload_records_remove(uploads->records, upload->token);
    g_mutex_lock(&uploads->lock);
    g_hash_table_remove(uploads->by_number, &upload->number);
    g_mutex_unlock(&uploads->lock);
}

static gboolean
write_upload(TnUpload *upload, gint64 offset, const void *data, gsize size, gint64 *ret_end,
             GError **error)
{
    const char *at = data;
    const gint64 before = offset;
    struct stat st;
    guint64 end;

    if (fstat(upload->fd, &st) != 0)
        return fail_with_errno(error, upload->path, errno);
    if (offset < 0 || offset > G_MAXINT64 - (gint64)size)
        return fail_with_errno(error, upload->path, EINVAL);
    end = (guint64)offset + size;
    if (offset > st.st_size && !upload->sparse) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "upload of '%s': offset %" G_GINT64_FORMAT
                    " leaves a gap behind %" G_GINT64_FORMAT,
                    upload->path, offset, (gint64)st.st_size);
        return FALSE;
    }
    if ((upload->max_bytes != 0 && end > upload->max_bytes) ||
        (upload->size >= 0 && end > (guint64)upload->size))
        return fail_with_errno(error, upload->path, EFBIG);
    while (size > 0) {
        ssize_t n = pwrite(upload->fd, at, size, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_with_errno(error, upload->path, errno);
        at += n;
        offset += n;
        size -= (gsize)n;
    }
    tn_writeback_note(upload->writeback, before, offset);
    *ret_end = MAX((gint64)end, (gint64)st.st_size);
    return TRUE;
}

gboolean
tn_uploads_write(TnUploads *uploads, gint64 number, const char *channel, gint64 offset,
                 const void *data, gsize size, gint64 *ret_end, GError **error)
{
    TnUpload *upload = take_upload(uploads, number, channel, error);
    gboolean ok;

    if (upload == NULL)
        return FALSE;
    ok = write_upload(upload, offset, data, size, ret_end, error);
    give_back(uploads, upload);
    return ok;
}

char *
tn_sha256_of_fd(int fd, gint64 offset, gint64 length, gint64 *ret_bytes, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guint8 *piece = g_malloc(HASH_PIECE_BYTES);
    gint64 left = length >= 0 ? length : G_MAXINT64;
    gint64 bytes = 0;

    while (left > 0) {
        ssize_t n = pread(fd, piece, (gsize)MIN(left, HASH_PIECE_BYTES), offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            tn_error_from_errno(error, errno, "read");
            return NULL;
        }
        if (n == 0)
            break;
        g_checksum_update(sum, piece, n);
        offset += n;
        left -= n;
        bytes += n;
    }
    if (ret_bytes != NULL)
        *ret_bytes = bytes;
    return g_strdup(g_checksum_get_string(sum));
}

/* Everything that can be wrong with what has come is found before anything changes. */
static gboolean
check_content(TnUpload *upload, const char *sha256, gboolean want_digest, gint64 *ret_size,
              char **ret_sha256, GError **error)
{
    g_autofree char *digest = NULL;
    struct stat st;

    if (fstat(upload->fd, &st) != 0)
        return fail_with_errno(error, upload->path, errno);
    /* A file that ends in a hole: its last bytes were never sent. */
    if (upload->sparse && upload->size > st.st_size) {
        if (ftruncate(upload->fd, upload->size) != 0 || fstat(upload->fd, &st) != 0)
            return fail_with_errno(error, upload->path, errno);
    }
    if (upload->size >= 0 && st.st_size != upload->size) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                    "upload of '%s': %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes have come",
                    upload->path, (gint64)st.st_size, upload->size);
        return FALSE;
    }
    if (sha256 != NULL || want_digest) {
        digest = tn_sha256_of_fd(upload->fd, 0, -1, NULL, error);
        if (digest == NULL)
            return FALSE;
    }
    if (sha256 != NULL && g_ascii_strcasecmp(sha256, digest) != 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "upload of '%s': its sha256 is %s, not %s", upload->path, digest, sha256);
        return FALSE;
    }
    *ret_size = st.st_size;
    *ret_sha256 = g_steal_pointer(&digest);
    return TRUE;
}

static gboolean
set_owner_and_mode(const TnUpload *upload, GError **error)
{
    mode_t mode = upload->create_mode;
    gint64 uid = upload->uid;
    gint64 gid = upload->gid;
    struct stat old;

    if (fstatat(upload->dir_fd, upload->name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(old.st_mode)) {
        mode = old.st_mode & 07777;
        uid = uid >= 0 ? uid : (gint64)old.st_uid;
        gid = gid >= 0 ? gid : (gint64)old.st_gid;
    }
    if (upload->mode >= 0)
        mode = (mode_t)upload->mode & 07777;
    /* Owner first: chown clears set-id bits (chown(2)). */
    if ((uid >= 0 || gid >= 0) && fchown(upload->fd, uid >= 0 ? (uid_t)uid : (uid_t)-1,
                                         gid >= 0 ? (gid_t)gid : (gid_t)-1) != 0)
        return fail_with_errno(error, upload->path, errno);
    if (fchmod(upload->fd, mode) != 0)
        return fail_with_errno(error, upload->path, errno);
    return TRUE;
}

static gboolean
move_into_place(const TnUpload *upload, GError **error)
{
    TnFsIdentity before = tn_open_plan_enter(upload->plan);
    int how;

    if (!upload->must_be_new)
        how = renameat(upload->dir_fd, upload->hidden, upload->dir_fd, upload->name);
    else
        how = (int)syscall(SYS_renameat2, upload->dir_fd, upload->hidden, upload->dir_fd,
                           upload->name, RENAME_NOREPLACE_FLAG);
    tn_open_plan_leave(&before);
    return how == 0 || fail_with_errno(error, upload->path, errno);
}

static gboolean
sync_directory(const TnUpload *upload, GError **error)
{
    tn_autofd int fd = openat(upload->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || fail_with_errno(error, upload->path, errno);
}

gboolean
tn_uploads_finish(TnUploads *uploads, gint64 number, const char *channel, const char *sha256,
                  gboolean want_digest, gboolean sync, gint64 *ret_size, char **ret_sha256,
                  GError **error)
{
    TnUpload *upload = take_upload(uploads, number, channel, error);
    g_autofree char *digest = NULL;
    gint64 size = 0;
    gboolean ok;

    if (upload == NULL)
        return FALSE;
    ok = check_content(upload, sha256, want_digest, &size, &digest, error) &&
         check_target(upload, TRUE, TRUE, error) && set_owner_and_mode(upload, error);
    if (ok && sync) {
        int why = tn_writeback_sync(upload->writeback, upload->fd);

        ok = why == 0 || fail_with_errno(error, upload->path, why);
    }
    ok = ok && move_into_place(upload, error);
    if (!ok) {
        give_back(uploads, upload);
        return FALSE;
    }
    /* The file is in place; that its directory could not be synced is told, not undone. */
    ok = !sync || sync_directory(upload, error);
    forget(uploads, upload);
    if (ok) {
        *ret_size = size;
        *ret_sha256 = g_steal_pointer(&digest);
    }
    return ok;
}

gboolean
tn_uploads_drop(TnUploads *uploads, gint64 number, const char *channel, GError **error)
{
    TnUpload *upload = take_upload(uploads, number, channel, error);

    if (upload == NULL)
        return FALSE;
    if (unlinkat(upload->dir_fd, upload->hidden, 0) != 0 && errno != ENOENT) {
        fail_with_errno(error, upload->path, errno);
        give_back(uploads, upload);
        return FALSE;
    }
    forget(uploads, upload);
    return TRUE;
}
