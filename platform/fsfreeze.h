/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>

/*
 * Freezing the file systems that stand on disks, in an order that cannot deadlock, and thawing
 * exactly those again, also after the agent was killed: what is about to be frozen stands in a
 * journal first. Sources: ioctl_fsfreeze(2) (FIFREEZE, FITHAW), statfs(2).
 */

/* What is done to the machine; a test has its own. As system calls: -1 with errno set. */
typedef struct {
    int (*open)(const char *path); /* a mount point; the descriptor is the caller's */
    int (*freeze)(int fd);
    int (*thaw)(int fd);
} TnFsfreezeOps;

/* This machine's. */
extern const TnFsfreezeOps tn_fsfreeze_ops;

typedef enum {
    TN_FREEZE_WAITING,
    TN_FREEZE_BEGUN, /* in a journal only: nobody knows whether it came to it */
    TN_FREEZE_DONE,
    TN_FREEZE_SKIPPED, /* cannot be frozen, or was frozen by somebody else */
} TnFreezeState;

/* One file system. NAME is the kernel's name of its device. */
typedef struct {
    char *path;
    char *name;
    int fd; /* -1: not open */
    guint level;
    TnFreezeState state;
} TnFreezeItem;

/* The file systems to freeze, in that order: latest mount first, but always one that stands on a
 * file (loop devices, also below device mapper and md) before the one that holds the file. Those of
 * FUSE are left out, since the program behind them may stand on what is frozen. WANTED (NULL: all)
 * are mount points as the kernel has them, a slash at the end aside; those that are none are added
 * to *RET_UNKNOWN (of char *, the caller's; may be NULL). The caller owns the array of
 * TnFreezeItem. Errors: those of tn_mounts_read(). */
GPtrArray *tn_fsfreeze_list(int root_fd, const char *const *wanted, GPtrArray **ret_unknown,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens every item, before the first is frozen. Errors: from errno, "failed to open M: E". */
gboolean tn_fsfreeze_open(GPtrArray *items, const TnFsfreezeOps *ops, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* A record of what is being frozen, in a file that should lie on tmpfs. */
typedef struct TnFreezeJournal TnFreezeJournal;

/* Begins the journal FILE for ITEMS, replacing an old one. On anything but tmpfs or ramfs all items
 * are noted at once as begun, since the file's own file system may freeze. Errors: from errno. */
TnFreezeJournal *tn_fsfreeze_journal_new(const char *file, const GPtrArray *items, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_fsfreeze_journal_free(TnFreezeJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnFreezeJournal, tn_fsfreeze_journal_free)
/* What FILE says may be frozen, in the order of freezing; empty when there is no such file or
 * nothing in it. The caller owns the array. */
GPtrArray *tn_fsfreeze_journal_read(const char *file);

/* Freezes the open ITEMS in their order; may block while file systems flush. Those that cannot be
 * frozen, or are already, are skipped. *RET_N: how many were frozen. Errors: from errno, "failed to
 * freeze M: E"; those before it are then still frozen. */
gboolean tn_fsfreeze_freeze(GPtrArray *items, TnFreezeJournal *journal, const TnFsfreezeOps *ops,
                            guint *ret_n, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Thaws, in the reverse order, what ITEMS say was begun or done; closes them. Returns how many were
 * frozen. */
guint tn_fsfreeze_thaw(GPtrArray *items, const TnFsfreezeOps *ops);

/* Thaws everything in tn_fsfreeze_list() as often as it is frozen, whoever froze it. Returns how
 * many file systems needed it. */
guint tn_fsfreeze_thaw_all(int root_fd, const TnFsfreezeOps *ops);
