/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * What a file is, as a plain struct, and the entries of a directory. Sources: stat(2), readdir(3),
 * getpwuid_r(3).
 */

typedef struct {
    const char *type; /* file, directory, link, fifo, socket, char, block, unknown; static */
    guint64 size;
    guint mode; /* permission and set-id bits */
    guint uid;
    guint gid;
    char *user;  /* NULL when uid has no name */
    char *group; /* the same */
    gint64 mtime_ns;
    char *version; /* opaque: changes when the file does */
    char *target;  /* of a link; NULL else */
} TnFileStat;

/* Releases what ST owns; ST itself stays. */
void tn_filestat_clear(TnFileStat *st);

/* What FD refers to (an O_PATH descriptor is fine). Asks the user database, which may block.
 * Errors: G_IO_ERROR from errno. RET_ST must be zeroed; end with tn_filestat_clear. */
gboolean tn_filestat_read(int fd, TnFileStat *ret_st, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The opaque version word of ST: device, inode, change time and size. Owned by the caller. */
char *tn_filestat_make_version(const struct stat *st);

typedef struct {
    char *name; /* bytes as they are */
    const char *type;
    guint64 size;
    guint mode;
    gint64 mtime_ns;
} TnDirEntry;

/* Accepts NULL. */
void tn_dir_entry_free(TnDirEntry *entry);

/* At most MAX entries of the directory FD behind the name AFTER (NULL: from the beginning), in byte
 * order, without . and ..; *RET_MORE says that there are more. Entries that vanish meanwhile are
 * left out. Elements are TnDirEntry. Time and memory are linear in the size of the directory, of
 * which at most a million names are taken (TOO_MANY_LINKS beyond). Blocks on disk. */
GPtrArray *tn_filestat_list(int fd, const char *after, guint max, gboolean *ret_more,
                            GError **error);
