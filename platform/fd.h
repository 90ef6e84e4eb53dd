/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <gio/gio.h>
#include <glib.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * Descriptors with owners, and errors from errno in one wording. Nothing here logs.
 */

/* Local owner of a descriptor: closes it when the scope ends, unless stolen. Initialise to -1. */
#define tn_autofd __attribute__((cleanup(tn_fd_clear)))

/* Closes *FD if it is >= 0 and sets it to -1; keeps errno. May run after fork. */
static inline void
tn_fd_clear(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Hands over the descriptor: returns *FD and sets it to -1. */
static inline int
tn_fd_steal(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* Sets ERROR to a G_IO_ERROR whose code fits SAVED_ERRNO and whose text is "FORMAT: strerror";
 * always returns FALSE so that callers can `return tn_error_from_errno(...)`. */
gboolean tn_error_from_errno(GError **error, int saved_errno, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Reads a whole file of at most LIMIT bytes below DIR_FD (AT_FDCWD and absolute paths allowed),
 * O_RDONLY|O_CLOEXEC|O_NOCTTY. Works for files of /proc and /sys, whose size is not known before.
 * The text is NUL-ended behind its last byte; *RET_SIZE (may be NULL) does not count that NUL.
 * Errors: G_IO_ERROR from errno; G_IO_ERROR_MESSAGE_TOO_LARGE beyond LIMIT. May block on disk. */
gboolean tn_fd_read_file(int dir_fd, const char *path, gsize limit, char **ret_text,
                         gsize *ret_size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads from FD to its end, at most LIMIT bytes; otherwise as tn_fd_read_file(). NAME is for the
 * error text. FD stays open and its offset is then at the end. */
gboolean tn_fd_read_all(int fd, const char *name, gsize limit, char **ret_text, gsize *ret_size,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes all of DATA, going on after EINTR and short writes. Errors: G_IO_ERROR from errno (also
 * WOULD_BLOCK on a non-blocking descriptor, when some bytes may have been written). */
gboolean tn_fd_write_all(int fd, const void *data, gsize size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
