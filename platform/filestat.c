/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stat and readdir as plain structs. Links are told, never followed: that is the open's business.
 */

#include "platform/filestat.h"
#include "platform/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum {
    NAME_BUFFER_BYTES = 16384, /* for getpwuid_r; a longer record counts as no name */
    NAMES_MAX = 1000000,
};

static const char *
get_type(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFIFO:
        return "fifo";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
        return "char";
    case S_IFBLK:
        return "block";
    default:
        return "unknown";
    }
}

static gint64
get_ns(const struct timespec *time)
{
    return (gint64)time->tv_sec * 1000000000 + time->tv_nsec;
}

void
tn_filestat_clear(TnFileStat *st)
{
    g_clear_pointer(&st->user, g_free);
    g_clear_pointer(&st->group, g_free);
    g_clear_pointer(&st->version, g_free);
    g_clear_pointer(&st->target, g_free);
}

char *
tn_filestat_make_version(const struct stat *st)
{
    return g_strdup_printf("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
                           "x-%" G_GINT64_MODIFIER "x",
                           (guint64)st->st_dev, (guint64)st->st_ino, (guint64)get_ns(&st->st_ctim),
                           (guint64)st->st_size);
}

static char *
find_user(uid_t uid)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct passwd record;
    struct passwd *found = NULL;

    if (getpwuid_r(uid, &record, buffer, NAME_BUFFER_BYTES, &found) != 0 || found == NULL)
        return NULL;
    return g_strdup(found->pw_name);
}

static char *
find_group(gid_t gid)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct group record;
    struct group *found = NULL;

    if (getgrgid_r(gid, &record, buffer, NAME_BUFFER_BYTES, &found) != 0 || found == NULL)
        return NULL;
    return g_strdup(found->gr_name);
}

gboolean
tn_filestat_read(int fd, TnFileStat *ret_st, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return tn_error_from_errno(error, errno, "stat");
    ret_st->type = get_type(st.st_mode);
    ret_st->size = (guint64)st.st_size;
    ret_st->mode = st.st_mode & 07777;
    ret_st->uid = st.st_uid;
    ret_st->gid = st.st_gid;
    ret_st->user = find_user(st.st_uid);
    ret_st->group = find_group(st.st_gid);
    ret_st->mtime_ns = get_ns(&st.st_mtim);
    ret_st->version = tn_filestat_make_version(&st);
    if (S_ISLNK(st.st_mode)) {
        char target[PATH_MAX];
        /* The empty name reads the link that an O_PATH descriptor holds (readlink(2)). */
        ssize_t n = readlinkat(fd, "", target, sizeof target);

        if (n >= 0)
            ret_st->target = g_strndup(target, (gsize)n);
    }
    return TRUE;
}

void
tn_dir_entry_free(TnDirEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->name);
    g_free(entry);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names behind AFTER, sorted. */
static GPtrArray *
read_names(DIR *dir, const char *after, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const struct dirent *entry;

    errno = 0;
    /* The stream is this call's own; readdir is safe then (readdir(3)). */
    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (after != NULL && strcmp(entry->d_name, after) <= 0)
            continue;
        if (names->len >= NAMES_MAX) {
            tn_error_from_errno(error, EMLINK, "list");
            return NULL;
        }
        g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    if (errno != 0) {
        tn_error_from_errno(error, errno, "list");
        return NULL;
    }
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

GPtrArray *
tn_filestat_list(int fd, const char *after, guint max, gboolean *ret_more, GError **error)
{
    g_autoptr(GPtrArray) entries =
        g_ptr_array_new_with_free_func((GDestroyNotify)tn_dir_entry_free);
    g_autoptr(GPtrArray) names = NULL;
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;

    if (dir == NULL) {
        tn_error_from_errno(error, errno, "list");
        tn_fd_clear(&own);
        return NULL;
    }
    names = read_names(dir, after, error);
    for (guint i = 0; names != NULL && i < names->len && entries->len < max; i++) {
        struct stat st;
        TnDirEntry *entry;

        if (fstatat(fd, names->pdata[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        entry = g_new0(TnDirEntry, 1);
        entry->name = g_steal_pointer(&names->pdata[i]);
        entry->type = get_type(st.st_mode);
        entry->size = (guint64)st.st_size;
        entry->mode = st.st_mode & 07777;
        entry->mtime_ns = get_ns(&st.st_mtim);
        g_ptr_array_add(entries, entry);
        *ret_more = i + 1 < names->len;
    }
    closedir(dir);
    if (names == NULL)
        return NULL;
    if (entries->len == 0)
        *ret_more = FALSE;
    return g_steal_pointer(&entries);
}
