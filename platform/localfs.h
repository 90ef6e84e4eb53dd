/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Which file systems answer from this machine, so that reading from them takes no longer than its
 * disks do. What another machine or a program serves may never answer. A file system is known once
 * somebody who may block has looked at it; it is remembered by its device number, which another one
 * may get when it is gone, so a wrong yes is possible, and a no only costs time.
 * Sources: statfs(2) and linux/magic.h, statx(2).
 */

typedef struct TnLocalFs TnLocalFs;

/* Knows none. */
TnLocalFs *tn_localfs_new(void);
/* Accepts NULL. */
void tn_localfs_free(TnLocalFs *local);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnLocalFs, tn_localfs_free)

/* TRUE when the file system of FD (O_PATH will do) is known to be local. Does not block. */
gboolean tn_localfs_knows(const TnLocalFs *local, int fd);

/* Remembers that the file system of FD is local; FD is of one that tn_localfs_test() found so. Does
 * not block. */
void tn_localfs_learn(TnLocalFs *local, int fd);

/* TRUE when the file system of FD is of a kind that is local. Asks the file system: may block, from
 * any thread. */
gboolean tn_localfs_test(int fd);
