/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <glib.h>

/*
 * Where the facts are read: every well-known path ("/proc/stat") is opened below one descriptor,
 * so that a test hands over a captured tree and the agent hands over the machine itself.
 */

/* The root of this machine; paths are then opened as they are. */
#define TN_SYSROOT_HOST AT_FDCWD

/* Opens the directory PATH as a root for the functions below; the caller owns the descriptor
 * (>= 0). On failure -1, G_IO_ERROR from errno. "/" gives a descriptor too, not TN_SYSROOT_HOST.
 * openat2(2), so a symlink inside the tree cannot lead out of it; on kernels before 5.6 it can. */
int tn_sysroot_new(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens the absolute PATH below ROOT_FD with open(2) FLAGS, O_CLOEXEC and O_NOCTTY added. Returns
 * the descriptor, which the caller owns, or -1 with errno set: for callers that try many files and
 * word no error of their own. Never blocks on a FIFO if FLAGS has O_NONBLOCK. */
int tn_sysroot_open(int root_fd, const char *path, int flags) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the whole file PATH of at most LIMIT bytes below ROOT_FD, see tn_fd_read_all(). */
gboolean tn_sysroot_read_file(int root_fd, const char *path, gsize limit, char **ret_text,
                              gsize *ret_size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The names in the directory PATH below ROOT_FD, as for tn_sysroot_open(), those that begin with a
 * dot left out, shorter ones first, then by letter, as the kernel numbers its devices; at most
 * LIMIT of them. The caller owns the array. NULL with errno set when it cannot be opened. */
GPtrArray *tn_sysroot_list(int root_fd, const char *path, guint limit) G_GNUC_WARN_UNUSED_RESULT;

/* Reads one attribute of /sys or one line of /proc: the first line of the file, without the white
 * space around it, NUL-ended, into BUFFER of SIZE bytes. DIR_FD is a root with an absolute NAME,
 * or any directory with a relative one. Returns its length, or -1 with errno set; EMSGSIZE when
 * the file does not fit the buffer and EBADMSG when the line holds a NUL or is empty, so that
 * noise is left out and never cut. */
gssize tn_sysroot_read_attr(int dir_fd, const char *name, char *buffer, gsize size)
    G_GNUC_WARN_UNUSED_RESULT;

/* As tn_sysroot_read_attr() for an unsigned number in BASE (10 or 16, with or without 0x), digits
 * only; FALSE when there is no such file or it says anything else. */
gboolean tn_sysroot_read_u64(int dir_fd, const char *name, guint base, guint64 *ret_value)
    G_GNUC_WARN_UNUSED_RESULT;

/* The device number of what a directory of /sys describes: its attribute "dev", "254:16". FALSE,
 * with nothing set, when there is none or it says anything else. */
gboolean tn_sysroot_read_devno(int root_fd, const char *directory, guint *ret_major,
                               guint *ret_minor) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the symlink NAME (as above) into BUFFER, NUL-ended. Returns its length, or -1 with errno
 * set; ENAMETOOLONG when it does not fit. */
gssize tn_sysroot_read_link(int dir_fd, const char *name, char *buffer, gsize size)
    G_GNUC_WARN_UNUSED_RESULT;
