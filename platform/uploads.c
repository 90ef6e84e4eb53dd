/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uploads. The hidden file is ".tenon-TOKEN" in the target's directory, created O_EXCL, 0600 until
 * it is finished. Its record, STATE/uploads/TOKEN, is a key file with the target's path and is
 * written before the hidden file exists: whatever is killed in between leaves a record without a
 * file, never a file without a record.
 *
 * What was received is what the hidden file holds: its size is the offset to resume at. What
 * is synced before the end is for speed alone: a machine that loses power loses an unfinished
 * upload, not a file.
 */

#include "platform/uploads.h"
#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TOKEN_BYTES = 16,
    HASH_PIECE_BYTES = 256 * 1024,
    RECORD_LIMIT_BYTES = 16384,
};

#define KEEP_NS               (G_GINT64_CONSTANT(86400) * 1000000000)
#define RECORD_GROUP          "upload"
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
    TnWriteback *writeback; /* NULL until something is written */
    gint64 size;
    gint64 mode;
    gint64 uid;
    gint64 gid;
    mode_t create_mode;
    guint64 max_bytes;
    gboolean must_be_new;
    gboolean sparse;
    gboolean busy;
};

struct TnUploads {
    GMutex lock;
    GHashTable *by_number; /* of TnUpload, keyed by its number */
    int records_fd;
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
is_token(const char *text)
{
    for (guint i = 0; i < TOKEN_BYTES * 2; i++)
        if (!g_ascii_isxdigit(text[i]) || g_ascii_isupper(text[i]))
            return FALSE;
    return text[TOKEN_BYTES * 2] == '\0';
}

static char *
make_token(void)
{
    guint8 bytes[TOKEN_BYTES];
    char *token = g_malloc(TOKEN_BYTES * 2 + 1);

    /* Cannot fail or block for so few bytes once the machine is up (getrandom(2)). */
    while (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        continue;
    for (guint i = 0; i < TOKEN_BYTES; i++)
        g_snprintf(token + (gsize)i * 2, 3, "%02x", bytes[i]);
    return token;
}

/* Removes the hidden file that a record names, and the record. The directory is opened anew by its
 * path; only a file with the record's own random name can go. */
static void
remove_stale(TnUploads *uploads, const char *token)
{
    g_autoptr(GKeyFile) record = g_key_file_new();
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    g_autofree char *hidden = g_strconcat(".tenon-", token, NULL);
    gsize size = 0;

    if (tn_fd_read_file(uploads->records_fd, token, RECORD_LIMIT_BYTES, &text, &size, NULL) &&
        g_key_file_load_from_data(record, text, size, G_KEY_FILE_NONE, NULL) &&
        (path = g_key_file_get_string(record, RECORD_GROUP, "path", NULL)) != NULL) {
        g_autofree char *dir = g_path_get_dirname(path);
        tn_autofd int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (dir_fd >= 0)
            (void)unlinkat(dir_fd, hidden, 0);
    }
    (void)unlinkat(uploads->records_fd, token, 0);
}

static gboolean
is_live(TnUploads *uploads, const char *token)
{
    GHashTableIter iter;
    gpointer upload;

    g_hash_table_iter_init(&iter, uploads->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &upload))
        if (strcmp(((TnUpload *)upload)->token, token) == 0)
            return TRUE;
    return FALSE;
}

/* Uploads that nobody came back to for a day, those of this agent included. */
static void
remove_old(TnUploads *uploads)
{
    tn_autofd int fd = openat(uploads->records_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GDir) dir = fd >= 0 ? g_dir_open(path, 0, NULL) : NULL;
    gint64 now_ns = tn_clock_realtime_ns();
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        struct stat st;

        if (!is_token(name) || is_live(uploads, name) ||
            fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (now_ns - (gint64)st.st_mtim.tv_sec * 1000000000 > KEEP_NS)
            remove_stale(uploads, name);
    }
}

TnUploads *
tn_uploads_new(const char *state_dir, GError **error)
{
    g_autofree char *path = g_build_filename(state_dir, "uploads", NULL);
    g_autoptr(TnUploads) uploads = NULL;
    tn_autofd int fd = -1;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        tn_error_from_errno(error, errno, "mkdir '%s'", path);
        return NULL;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        tn_error_from_errno(error, errno, "open '%s'", path);
        return NULL;
    }
    uploads = g_new0(TnUploads, 1);
    g_mutex_init(&uploads->lock);
    uploads->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_upload);
    uploads->records_fd = tn_fd_steal(&fd);
    remove_old(uploads);
    return g_steal_pointer(&uploads);
}

void
tn_uploads_free(TnUploads *uploads)
{
    if (uploads == NULL)
        return;
    g_hash_table_unref(uploads->by_number);
    tn_fd_clear(&uploads->records_fd);
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
    g_autoptr(GKeyFile) record = g_key_file_new();
    g_autofree char *text = NULL;
    gsize size = 0;
    tn_autofd int fd = -1;

    g_key_file_set_string(record, RECORD_GROUP, "path", upload->path);
    g_key_file_set_int64(record, RECORD_GROUP, "size", upload->size);
    g_key_file_set_int64(record, RECORD_GROUP, "mode", upload->mode);
    g_key_file_set_int64(record, RECORD_GROUP, "uid", upload->uid);
    g_key_file_set_int64(record, RECORD_GROUP, "gid", upload->gid);
    g_key_file_set_boolean(record, RECORD_GROUP, "must-be-new", upload->must_be_new);
    g_key_file_set_boolean(record, RECORD_GROUP, "sparse", upload->sparse);
    text = g_key_file_to_data(record, &size, NULL);
    fd = openat(uploads->records_fd, upload->token, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_with_errno(error, upload->path, errno);
    return tn_fd_write_all(fd, text, size, error);
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
    upload->hidden = g_strconcat(".tenon-", token, NULL);
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
    if (!write_record(uploads, upload, error)) {
        (void)unlinkat(uploads->records_fd, upload->token, 0);
        return FALSE;
    }
    upload->fd = open_hidden(upload, O_CREAT | O_EXCL);
    if (upload->fd < 0) {
        int saved = errno;

        (void)unlinkat(uploads->records_fd, upload->token, 0);
        return fail_with_errno(error, upload->path, saved);
    }
    return TRUE;
}

/* Goes on with an upload of an earlier agent: what its record says must fit what is asked. */
static gboolean
resume_upload(TnUploads *uploads, TnUpload *upload, GError **error)
{
    g_autoptr(GKeyFile) record = g_key_file_new();
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    gsize size = 0;
    struct stat st;

    if (!tn_fd_read_file(uploads->records_fd, upload->token, RECORD_LIMIT_BYTES, &text, &size,
                         NULL) ||
        !g_key_file_load_from_data(record, text, size, G_KEY_FILE_NONE, NULL))
        return fail(error, G_IO_ERROR_NOT_FOUND, upload->path, "no such upload to resume");
    path = g_key_file_get_string(record, RECORD_GROUP, "path", NULL);
    if (g_strcmp0(path, upload->path) != 0)
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

static TnUpload *
find_token(TnUploads *uploads, const char *token, const char *path)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, uploads->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        TnUpload *upload = value;

        if (strcmp(upload->token, token) == 0)
            return strcmp(upload->path, path) == 0 ? upload : NULL;
    }
    return NULL;
}

/* The token of an upload that must be there, NULL when one is to be begun. A caller that chose its
 * token before it asked may not know whether its request arrived. */
static const char *
find_earlier(TnUploads *uploads, const TnUploadRequest *request)
{
    struct stat record;

    if (request->resume != NULL)
        return request->resume;
    if (request->token == NULL ||
        fstatat(uploads->records_fd, request->token, &record, AT_SYMLINK_NOFOLLOW) < 0)
        return NULL;
    /* An agent was killed while it made the record; it had made nothing else. */
    if (record.st_size == 0 && unlinkat(uploads->records_fd, request->token, 0) == 0)
        return NULL;
    return request->token;
}

static gboolean
open_locked(TnUploads *uploads, const TnUploadRequest *request, TnUpload **ret_upload,
            GError **error)
{
    const TnOpenSpec *spec = tn_open_plan_get_spec(request->plan);
    g_autoptr(TnUpload) upload = NULL;
    g_autofree char *token = NULL;
    const char *earlier = NULL;

    if (request->resume != NULL && !is_token(request->resume))
        return fail(error, G_IO_ERROR_NOT_FOUND, spec->path, "no such upload to resume");
    if (request->token != NULL && !is_token(request->token))
        return fail(error, G_IO_ERROR_INVALID_ARGUMENT, spec->path,
                    "a token is 32 lower-case hexadecimal digits");
    earlier = find_earlier(uploads, request);
    if (earlier != NULL) {
        TnUpload *live = find_token(uploads, earlier, spec->path);

        if (live != NULL && live->busy)
            return fail(error, G_IO_ERROR_BUSY, spec->path, "another request works on it");
        /* Whoever has the token has the upload, through whichever channel it comes back. */
        if (live != NULL) {
            live->channel = request->channel;
            *ret_upload = live;
            return TRUE;
        }
    }
    if (earlier != NULL)
        token = g_strdup(earlier);
    else
        token = request->token != NULL ? g_strdup(request->token) : make_token();
    upload = prepare_upload(request, token, error);
    if (upload == NULL || !check_target(upload, spec->may_create, spec->may_write, error))
        return FALSE;
    if (earlier != NULL ? !resume_upload(uploads, upload, error)
                        : !begin_upload(uploads, upload, error))
        return FALSE;
    *ret_upload = upload;
    g_hash_table_replace(uploads->by_number, &upload->number, upload);
    upload = NULL;
    return TRUE;
}

gboolean
tn_uploads_open(TnUploads *uploads, const TnUploadRequest *request, gint64 *ret_number,
                char **ret_token, gint64 *ret_offset, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&uploads->lock);
    TnUpload *upload = NULL;
    struct stat st;

    remove_old(uploads);
    if (!open_locked(uploads, request, &upload, error))
        return FALSE;
    if (fstat(upload->fd, &st) != 0)
        return fail_with_errno(error, upload->path, errno);
    *ret_number = upload->number;
    *ret_token = g_strdup(upload->token);
    *ret_offset = st.st_size;
    return TRUE;
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
        fail(error, G_IO_ERROR_BUSY, upload->path, "another request works on it");
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

static void
give_back(TnUploads *uploads, TnUpload *upload)
{
    g_mutex_lock(&uploads->lock);
    upload->busy = FALSE;
    g_mutex_unlock(&uploads->lock);
}

static void
forget(TnUploads *uploads, TnUpload *upload)
{
    (void)unlinkat(uploads->records_fd, upload->token, 0);
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
    if (upload->writeback == NULL)
        upload->writeback = tn_writeback_new(upload->fd);
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
