/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One place that turns "/proc/stat" into a descriptor. On the machine itself this is open(2) and
 * nothing else; below a tree it is openat2(2) with RESOLVE_IN_ROOT, since captured trees hold
 * absolute symlinks (/etc/os-release on many systems) that must stay inside.
 *
 * Nothing here is cached.
 */

#include "platform/sysroot.h"

#include "platform/fd.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    OPENAT2_TRIES = 64,
};

static const char *
skip_slashes(const char *path)
{
    while (*path == '/')
        path++;
    return *path == '\0' ? "." : path;
}

int
tn_sysroot_new(const char *path, GError **error)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        tn_error_from_errno(error, errno, "open '%s'", path);
    return fd;
}

int
tn_sysroot_open(int root_fd, const char *path, int flags)
{
    /* openat2 refuses what O_PATH would ignore. */
    int all = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY);
    struct open_how how = {.flags = (guint64)(guint)all, .resolve = RESOLVE_IN_ROOT};
    int fd = -1;

    if (root_fd == TN_SYSROOT_HOST)
        return open(path, all);
    /* EAGAIN: a rename or mount anywhere on the machine crossed the walk (openat2(2)). */
    for (guint tries = 0; tries < OPENAT2_TRIES; tries++) {
        fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd < 0 && errno == ENOSYS)
        fd = openat(root_fd, skip_slashes(path), all);
    return fd;
}

gboolean
tn_sysroot_read_file(int root_fd, const char *path, gsize limit, char **ret_text, gsize *ret_size,
                     GError **error)
{
    tn_autofd int fd = tn_sysroot_open(root_fd, path, O_RDONLY | O_NONBLOCK);

    if (fd < 0)
        return tn_error_from_errno(error, errno, "open '%s'", path);
    return tn_fd_read_all(fd, path, limit, ret_text, ret_size, error);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    const char *left = *(const char *const *)a;
    const char *right = *(const char *const *)b;
    gsize n_left = strlen(left);
    gsize n_right = strlen(right);

    /* vdb before vdaa, sda2 before sda10: shorter first, then by letter. */
    if (n_left != n_right)
        return n_left < n_right ? -1 : 1;
    return strcmp(left, right);
}

GPtrArray *
tn_sysroot_list(int root_fd, const char *path, guint limit)
{
    tn_autofd int fd = tn_sysroot_open(root_fd, path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    GPtrArray *names;

    if (dir == NULL)
        return NULL;
    tn_fd_steal(&fd);
    names = g_ptr_array_new_with_free_func(g_free);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while (names->len < limit && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    closedir(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static int
open_attr(int dir_fd, const char *name)
{
    if (*name == '/')
        return tn_sysroot_open(dir_fd, name, O_RDONLY | O_NONBLOCK);
    return openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static gssize
read_start(int fd, char *buffer, gsize size)
{
    gsize filled = 0;

    for (;;) {
        ssize_t n = read(fd, buffer + filled, size - filled);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        filled += (gsize)n;
        /* sysfs gives an attribute in one read; a second read would only say 0. A whole buffer is
         * the exception, since then nobody knows what follows. */
        if (n == 0 || filled < size)
            return (gssize)filled;
        errno = EMSGSIZE;
        return -1;
    }
}

gssize
tn_sysroot_read_attr(int dir_fd, const char *name, char *buffer, gsize size)
{
    tn_autofd int fd = open_attr(dir_fd, name);
    gssize n = fd < 0 ? -1 : read_start(fd, buffer, size);
    gsize start = 0;
    gsize end;
    const char *newline;

    if (n < 0)
        return -1;
    newline = memchr(buffer, '\n', (gsize)n);
    end = newline != NULL ? (gsize)(newline - buffer) : (gsize)n;
    while (end > 0 && g_ascii_isspace(buffer[end - 1]))
        end--;
    while (start < end && g_ascii_isspace(buffer[start]))
        start++;
    if (start == end || memchr(buffer, '\0', end) != NULL) {
        errno = EBADMSG;
        return -1;
    }
    memmove(buffer, buffer + start, end - start);
    buffer[end - start] = '\0';
    return (gssize)(end - start);
}

gboolean
tn_sysroot_read_u64(int dir_fd, const char *name, guint base, guint64 *ret_value)
{
    char text[64];
    const char *digits = text;

    if (tn_sysroot_read_attr(dir_fd, name, text, sizeof(text)) < 0)
        return FALSE;
    if (base == 16 && g_ascii_strncasecmp(text, "0x", 2) == 0)
        digits += 2;
    return g_ascii_string_to_unsigned(digits, base, 0, G_MAXUINT64, ret_value, NULL);
}

gboolean
tn_sysroot_read_devno(int root_fd, const char *directory, guint *ret_major, guint *ret_minor)
{
    g_autofree char *file = g_strconcat(directory, "/dev", NULL);
    char text[64];
    guint64 major;
    guint64 minor;
    char *colon;

    if (tn_sysroot_read_attr(root_fd, file, text, sizeof(text)) < 0)
        return FALSE;
    colon = strchr(text, ':');
    if (colon == NULL)
        return FALSE;
    *colon = '\0';
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &major, NULL) ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT32, &minor, NULL))
        return FALSE;
    *ret_major = (guint)major;
    *ret_minor = (guint)minor;
    return TRUE;
}

gssize
tn_sysroot_read_link(int dir_fd, const char *name, char *buffer, gsize size)
{
    tn_autofd int link_fd = -1;
    ssize_t n;

    if (*name == '/' && dir_fd != TN_SYSROOT_HOST) {
        link_fd = tn_sysroot_open(dir_fd, name, O_PATH | O_NOFOLLOW);
        if (link_fd < 0)
            return -1;
        n = readlinkat(link_fd, "", buffer, size);
    } else {
        n = readlinkat(dir_fd, name, buffer, size);
    }
    if (n < 0)
        return -1;
    if ((gsize)n == size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    buffer[n] = '\0';
    return n;
}
