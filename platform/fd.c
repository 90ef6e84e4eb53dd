/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Descriptor helpers. Reads grow their buffer instead of trusting st_size, which is 0 for /proc
 * and a page for /sys whatever the content.
 */

#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
    READ_STEP_BYTES = 4096,
    FIRST_BYTES = 2048
};

gboolean
tn_error_from_errno(GError **error, int saved_errno, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(saved_errno), "%s: %s", what,
                g_strerror(saved_errno));
    return FALSE;
}

/* One read that is begun again; a negative errno when it failed. */
static ssize_t
read_some(int fd, char *place, gsize room)
{
    ssize_t n;

    do
        n = read(fd, place, room);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Room for another read behind SIZE bytes; what has outgrown FIRST moves out of it. */
static char *
make_room(char *text, const char *first, gsize size, gsize *room)
{
    if (*room - size > (text != NULL ? READ_STEP_BYTES : FIRST_BYTES / 2))
        return text;
    *room = MAX(*room * 2, (gsize)READ_STEP_BYTES * 2);
    if (text != NULL)
        return g_realloc(text, *room);
    text = g_malloc(*room);
    memcpy(text, first, size);
    return text;
}

gboolean
tn_fd_read_all(int fd, const char *name, gsize limit, char **ret_text, gsize *ret_size,
               GError **error)
{
    /* Most files are small: they need one block of their size. */
    char first[FIRST_BYTES];
    g_autofree char *text = NULL;
    gsize room = sizeof first;
    gsize size = 0;

    for (;;) {
        char *place = text != NULL ? text : first;
        ssize_t n = read_some(fd, place + size, room - size - 1);

        if (n < 0)
            return tn_error_from_errno(error, (int)-n, "read '%s'", name);
        if (n == 0)
            break;
        size += (gsize)n;
        if (size > limit) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                        "read '%s': more than %" G_GSIZE_FORMAT " bytes", name, limit);
            return FALSE;
        }
        text = make_room(text, first, size, &room);
    }
    if (text == NULL) {
        text = g_malloc(size + 1);
        memcpy(text, first, size);
    }
    text[size] = '\0';
    *ret_text = g_steal_pointer(&text);
    if (ret_size != NULL)
        *ret_size = size;
    return TRUE;
}

gboolean
tn_fd_read_file(int dir_fd, const char *path, gsize limit, char **ret_text, gsize *ret_size,
                GError **error)
{
    tn_autofd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return tn_error_from_errno(error, errno, "open '%s'", path);
    return tn_fd_read_all(fd, path, limit, ret_text, ret_size, error);
}

gboolean
tn_fd_write_all(int fd, const void *data, gsize size, GError **error)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tn_error_from_errno(error, errno, "write");
        at += n;
        size -= (gsize)n;
    }
    return TRUE;
}
