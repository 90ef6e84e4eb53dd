/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records of uploads. A record without a hidden file is harmless, a hidden file without a record
 * would stay for ever: so the record comes first and goes last.
 */

#include "platform/uploadrecords.h"

#include "platform/clock.h"
#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TOKEN_BYTES = 16,
    RECORD_LIMIT_BYTES = 16384,
};

#define KEEP_NS (G_GINT64_CONSTANT(86400) * 1000000000)
#define GROUP   "upload"

struct TnUploadRecords {
    int fd; /* of the directory */
};

gboolean
tn_upload_token_is(const char *text)
{
    for (guint i = 0; i < TOKEN_BYTES * 2; i++)
        if (!g_ascii_isxdigit(text[i]) || g_ascii_isupper(text[i]))
            return FALSE;
    return text[TOKEN_BYTES * 2] == '\0';
}

char *
tn_upload_token_make(void)
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

char *
tn_upload_token_get_file(const char *token)
{
    return g_strconcat(".tenon-", token, NULL);
}

TnUploadRecords *
tn_upload_records_new(const char *state_dir, GError **error)
{
    g_autofree char *path = g_build_filename(state_dir, "uploads", NULL);
    TnUploadRecords *records = NULL;
    int fd;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        tn_error_from_errno(error, errno, "mkdir '%s'", path);
        return NULL;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        tn_error_from_errno(error, errno, "open '%s'", path);
        return NULL;
    }
    records = g_new0(TnUploadRecords, 1);
    records->fd = fd;
    return records;
}

void
tn_upload_records_free(TnUploadRecords *records)
{
    if (records == NULL)
        return;
    tn_fd_clear(&records->fd);
    g_free(records);
}

gboolean
tn_upload_records_add(TnUploadRecords *records, const char *token, const TnUploadRecord *record,
                      GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    gsize size = 0;
    tn_autofd int fd = -1;

    g_key_file_set_string(file, GROUP, "path", record->path);
    g_key_file_set_int64(file, GROUP, "size", record->size);
    g_key_file_set_int64(file, GROUP, "mode", record->mode);
    g_key_file_set_int64(file, GROUP, "uid", record->uid);
    g_key_file_set_int64(file, GROUP, "gid", record->gid);
    g_key_file_set_boolean(file, GROUP, "must-be-new", record->must_be_new);
    g_key_file_set_boolean(file, GROUP, "sparse", record->sparse);
    text = g_key_file_to_data(file, &size, NULL);
    fd = openat(records->fd, token, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && tn_fd_write_all(fd, text, size, error))
        return TRUE;
    if (fd < 0)
        return tn_error_from_errno(error, errno, "upload of '%s'", record->path);
    g_prefix_error(error, "upload of '%s': ", record->path);
    tn_upload_records_remove(records, token);
    return FALSE;
}

gboolean
tn_upload_records_has(TnUploadRecords *records, const char *token)
{
    struct stat st;

    if (fstatat(records->fd, token, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return FALSE;
    return st.st_size > 0 || unlinkat(records->fd, token, 0) != 0;
}

char *
tn_upload_records_get_path(TnUploadRecords *records, const char *token)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!tn_fd_read_file(records->fd, token, RECORD_LIMIT_BYTES, &text, &size, NULL) ||
        !g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, NULL))
        return NULL;
    return g_key_file_get_string(file, GROUP, "path", NULL);
}

void
tn_upload_records_remove(TnUploadRecords *records, const char *token)
{
    (void)unlinkat(records->fd, token, 0);
}

void
tn_upload_records_remove_with_file(TnUploadRecords *records, const char *token)
{
    g_autofree char *path = tn_upload_records_get_path(records, token);

    if (path != NULL) {
        g_autofree char *dir = g_path_get_dirname(path);
        g_autofree char *hidden = tn_upload_token_get_file(token);
        tn_autofd int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (dir_fd >= 0)
            (void)unlinkat(dir_fd, hidden, 0);
    }
    tn_upload_records_remove(records, token);
}

GPtrArray *
tn_upload_records_list_old(TnUploadRecords *records)
{
    GPtrArray *old = g_ptr_array_new_with_free_func(g_free);
    tn_autofd int fd = openat(records->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GDir) dir = fd >= 0 ? g_dir_open(path, 0, NULL) : NULL;
    gint64 now_ns = tn_clock_realtime_ns();
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        struct stat st;

        if (tn_upload_token_is(name) && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            now_ns - (gint64)st.st_mtim.tv_sec * 1000000000 > KEEP_NS)
            g_ptr_array_add(old, g_strdup(name));
    }
    return old;
}
