/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host files, written beside their place and renamed. The temporary name is hidden; a resumable one
 * is made from the word that names the copy, so that another try finds it and no other does.
 */

#include "client/localfile.h"

#include "client/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S    G_GINT64_CONSTANT(1000000000)
#define TRIES       100
#define READ_BYTES  ((gsize)256 << 10)
#define WORD_DIGITS 16

static gboolean
set_local_error(const char *verb, const char *path, GError **error)
{
    g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "%s '%s': %s", verb, path, g_strerror(errno));
    return FALSE;
}

static char *
make_temp_name(const char *path, const char *word)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);

    return g_strdup_printf("%s/.%.200s.tenon-%s", directory, base, word);
}

static gboolean
open_fresh(TnLocalFile *file, GError **error)
{
    for (guint i = 0; i < TRIES; i++) {
        g_autofree char *word = g_strdup_printf("%08x%08x", g_random_int(), g_random_int());

        g_free(file->temp);
        file->temp = make_temp_name(file->path, word);
        file->fd = open(file->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file->fd >= 0)
            return TRUE;
        if (errno != EEXIST)
            break;
    }
    (void)set_local_error("create", file->path, error);
    g_clear_pointer(&file->temp, g_free);
    return FALSE;
}

/* What is there already counts for the digest too. */
static gboolean
read_earlier(TnLocalFile *file, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(READ_BYTES);
    ssize_t n = 0;

    while ((n = read(file->fd, buffer, READ_BYTES)) > 0) {
        if (file->digest != NULL)
            g_checksum_update(file->digest, buffer, n);
        file->size += n;
    }
    return n == 0 || set_local_error("read", file->temp, error);
}

static gboolean
open_resumed(TnLocalFile *file, const char *word, GError **error)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, word, -1);
    struct stat st;

    digest[WORD_DIGITS] = '\0';
    file->temp = make_temp_name(file->path, digest);
    file->is_partial_kept = TRUE;
    file->fd = open(file->temp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0 || fstat(file->fd, &st) != 0)
        return set_local_error("open", file->temp, error);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "'%s' is not a file of ours", file->temp);
        return FALSE;
    }
    return read_earlier(file, error);
}

gboolean
tn_localfile_begin(TnLocalFile *file, const char *path, const char *word, gboolean checks,
                   GError **error)
{
    *file = (TnLocalFile){.path = g_strdup(path), .fd = -1};
    if (checks)
        file->digest = g_checksum_new(G_CHECKSUM_SHA256);
    if (word == NULL ? !open_fresh(file, error) : !open_resumed(file, word, error))
        return FALSE;
    file->writeback = tn_writeback_new(file->fd);
    return TRUE;
}

gboolean
tn_localfile_append(TnLocalFile *file, const guint8 *bytes, gsize size, GError **error)
{
    gint64 before = file->size;

    if (file->digest != NULL)
        g_checksum_update(file->digest, bytes, (gssize)size);
    while (size > 0) {
        ssize_t n = write(file->fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return set_local_error("write", file->path, error);
        bytes += n;
        size -= (gsize)n;
        file->size += n;
    }
    tn_writeback_note(file->writeback, before, file->size);
    return TRUE;
}

static gboolean
set_attributes(const TnLocalFile *file, gint64 mode, gint64 mtime_ns, GError **error)
{
    struct timespec times[] = {{.tv_nsec = UTIME_OMIT},
                               {.tv_sec = mtime_ns / NS_PER_S, .tv_nsec = mtime_ns % NS_PER_S}};
    mode_t mask = umask(0);
    /* Whoever owns the guest's file must not make a set-id program here. */
    mode_t bits = mode >= 0 ? (mode_t)(mode & 0777) : 0666 & ~mask;

    (void)umask(mask);
    if (fchmod(file->fd, bits) != 0)
        return set_local_error("set the mode of", file->path, error);
    if (mtime_ns >= 0 && futimens(file->fd, times) != 0)
        return set_local_error("set the time of", file->path, error);
    return TRUE;
}

static gboolean
sync_directory(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean is_synced = FALSE;

    if (fd < 0)
        return set_local_error("open", directory, error);
    /* Some file systems cannot sync a directory and need not. */
    is_synced = fsync(fd) == 0 || errno == EINVAL || set_local_error("sync", directory, error);
    close(fd);
    return is_synced;
}

gboolean
tn_localfile_commit(TnLocalFile *file, gint64 mode, gint64 mtime_ns, gboolean keeps_existing,
                    GError **error)
{
    if (!set_attributes(file, mode, mtime_ns, error))
        return FALSE;
    errno = tn_writeback_sync(file->writeback, file->fd);
    if (errno != 0 && errno != EINVAL)
        return set_local_error("sync", file->path, error);
    if (renameat2(AT_FDCWD, file->temp, AT_FDCWD, file->path,
                  keeps_existing ? RENAME_NOREPLACE : 0) != 0) {
        if (errno != EEXIST)
            return set_local_error("rename to", file->path, error);
        g_set_error(error, TN_FAILURE, TN_FAILURE_EXISTS, "'%s' is there already", file->path);
        return FALSE;
    }
    g_clear_pointer(&file->temp, g_free);
    return sync_directory(file->path, error);
}

void
tn_localfile_clear(TnLocalFile *file)
{
    g_clear_pointer(&file->writeback, tn_writeback_free);
    if (file->fd >= 0 && file->path != NULL)
        close(file->fd);
    file->fd = -1;
    if (file->temp != NULL && !file->is_partial_kept)
        (void)unlink(file->temp);
    g_clear_pointer(&file->temp, g_free);
    g_clear_pointer(&file->path, g_free);
    g_clear_pointer(&file->digest, g_checksum_free);
}
