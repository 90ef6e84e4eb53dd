/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The mount table, as /proc/self/mountinfo has it (proc(5)).
 */

/* One mount. The strings are the kernel's bytes with its octal escapes undone, so they may hold
 * anything but NUL; they live as long as the table. */
typedef struct {
    guint major;
    guint minor;
    const char *root; /* what part of the file system is mounted */
    const char *point;
    const char *options; /* of this mount, such as ro */
    const char *type;
    const char *source;
    const char *super_options; /* of the file system */
} TnMount;

typedef struct TnMounts TnMounts;

/* Reads /proc/self/mountinfo below ROOT_FD; the caller owns the table. Time grows with its size and
 * nothing else. Errors: G_IO_ERROR from errno; MESSAGE_TOO_LARGE above 64 MiB. */
TnMounts *tn_mounts_read(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same from TEXT of SIZE bytes, which is g_malloc'd, consumed and written to. A line that does
 * not have its ten fields is left out. Never fails. */
TnMounts *tn_mounts_parse(char *take_text, gsize size);

/* Frees the table; NULL is fine. */
void tn_mounts_free(TnMounts *mounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnMounts, tn_mounts_free)

/* The mounts in the table's order, oldest first; INDEX below tn_mounts_count(). Borrowed. */
guint tn_mounts_count(const TnMounts *mounts);
const TnMount *tn_mounts_get(const TnMounts *mounts, guint index);

/* TRUE if the comma-separated OPTIONS hold WORD itself ("ro" is not in "errors=remount-ro"). */
gboolean tn_mounts_has_option(const char *options, const char *word);
