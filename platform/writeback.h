/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A file that goes to its disk while it grows, so that the sync at its end finds little left to do
 * and its maker is not slowed down by dirty pages (which the kernel does to whoever has many).
 * Needs nothing but glib and the kernel; both sides of a copy use it.
 *
 * From one thread at a time. Except for tn_writeback_sync nothing here blocks or fails: what could
 * not be done ahead is done by that one, which nobody is spared.
 * Sources: sync_file_range(2), fdatasync(2).
 */

typedef struct TnWriteback TnWriteback;

/* For the file behind FD, of which a duplicate is kept. NULL when there is no descriptor left. */
TnWriteback *tn_writeback_new(int fd);

/* The bytes from BEFORE to AFTER have been written: hands them to the disk, in steps of some MiB,
 * and every few steps has a thread of its own tell the disk to keep them. Accepts NULL. */
void tn_writeback_note(TnWriteback *writeback, gint64 before, gint64 after);

/* fsync(FD), after a sync that is under way; FD is the file that WRITEBACK (NULL: none) is for.
 * Returns 0, or the errno of the first of all its syncs that failed: the kernel tells an error to
 * one of them only. Blocks on the disk. */
int tn_writeback_sync(TnWriteback *writeback, int fd) G_GNUC_WARN_UNUSED_RESULT;

/* Does not wait: a sync that is under way ends by itself. Accepts NULL. */
void tn_writeback_free(TnWriteback *writeback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnWriteback, tn_writeback_free)
