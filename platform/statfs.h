/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * How full a file system is, asked so that nobody waits for one whose server is gone: such a
 * question hangs in the kernel, without limit, and takes its thread with it.
 */

/* Bytes and files as statvfs(3) counts them: USED is what cannot be allocated by anyone, TOTAL what
 * users without privileges share, TOTAL_PRIVILEGED the whole. */
typedef struct {
    uint64_t used_bytes;
    uint64_t total_bytes;
    uint64_t total_privileged_bytes;
    uint64_t files;
    uint64_t files_free;
    bool read_only;
} TnSpace;

/* How a question ended. */
typedef enum {
    TN_STATFS_WAITING,
    TN_STATFS_DONE,
    TN_STATFS_FAILED,  /* the kernel refused to tell */
    TN_STATFS_STALLED, /* no answer in time, now or when last asked */
} TnStatfsState;

/* One question of a batch and, afterwards, its answer. DEVICE tells file systems apart; PATH, a
 * mount point, is borrowed until the batch is done. */
typedef struct {
    guint64 device;
    const char *path;
    TnStatfsState state;
    TnSpace space;
} TnStatfsItem;

/* tn_statfs_read(), or what a test has in its place. Runs in a thread. */
typedef gboolean (*TnStatfsRead)(const char *path, TnSpace *ret_space);
/* Told once, on the main thread, when all items have an answer or the time is over. */
typedef void (*TnStatfsDone)(GArray *items, gpointer data);

typedef struct TnStatfs TnStatfs;

/* Asks about PATH here and now (statvfs(3)); may block without limit. */
gboolean tn_statfs_read(const char *path, TnSpace *ret_space) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE for types that answer from memory, without a server or a process behind them; any type not
 * known is FALSE. */
gboolean tn_statfs_is_local(const char *type);

/* The threads that wait; the caller owns the value and uses it on the main thread only. */
TnStatfs *tn_statfs_new(TnStatfsRead read);
/* Batches under way are dropped without being told; threads that hang are left behind and touch
 * nothing of the caller's. NULL is fine. */
void tn_statfs_free(TnStatfs *statfs);

/* Asks about all ITEMS (of TnStatfsItem, consumed; handed to DONE, which need not free it) at once,
 * each in a thread of its own, and waits at most LIMIT_MS. While a question about a device has no
 * answer no second thread asks it: the batch joins it, and if it is older than LIMIT_MS the item is
 * STALLED without any waiting. DONE is always called from the main loop, never from here. At most
 * 64 threads in all; items beyond them are STALLED. */
void tn_statfs_ask(TnStatfs *statfs, GArray *items, guint limit_ms, TnStatfsDone done,
                   gpointer data);

/* The number of threads that wait for an answer now. */
guint tn_statfs_count_threads(const TnStatfs *statfs);
