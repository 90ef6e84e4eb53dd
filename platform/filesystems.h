/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/statfs.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The mounted file systems that people mean: where, on what, and how full.
 */

typedef enum {
    TN_FILESYSTEMS_ON_DISKS, /* those with a block device, once each, as qemu-ga has them */
    TN_FILESYSTEMS_ALL,      /* also network, FUSE, overlay, zfs, and each btrfs subvolume */
} TnFilesystemsWhich;

/* One file system. Strings are UTF-8 with U+FFFD for what is not, save PATH, which has the kernel's
 * bytes. NAME is the kernel's name of the device, or what was mounted where there is none. DISKS
 * are TnDiskAddress, never NULL. SPACE is valid when HAS_SPACE; NOT_RESPONDING: the question about
 * it hangs. */
typedef struct {
    char *name;
    char *mountpoint;
    char *type;
    char *source;
    char *root; /* NULL: the whole file system is mounted; else which part of it */
    GPtrArray *disks;
    TnSpace space;
    bool has_space;
    bool has_files;
    bool read_only;
    bool not_responding;
    char *path;
    guint64 device;
} TnFilesystem;

/* Frees FILESYSTEM and what it holds; NULL is fine. */
void tn_filesystems_free_one(TnFilesystem *filesystem);

/* Reads the mount table and sysfs below ROOT_FD; the first mount of each device counts, and for
 * ON_DISKS the latest mount comes first. SPACE is not asked yet. The caller owns the array and its
 * elements. Time grows with the number of mounts. Errors: those of tn_mounts_read(). */
GPtrArray *tn_filesystems_read(int root_fd, TnFilesystemsWhich which, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Told once, on the main thread, when what is to be had about the spaces is there. */
typedef void (*TnFilesystemsDone)(GPtrArray *filesystems, gpointer data);

/* Fills in the spaces of FILESYSTEMS (borrowed until DONE). Local ones are asked at once with
 * tn_statfs_read(); if that is all there are, TRUE is returned and DONE is not called. Else FALSE:
 * the others go through STATFS, and DONE is called from the main loop within LIMIT_MS. */
gboolean tn_filesystems_ask(GPtrArray *filesystems, TnStatfs *statfs, guint limit_ms,
                            TnFilesystemsDone done, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
