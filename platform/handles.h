/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/openfile.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * Open files with a number and an owner. A number belongs to the channel it was opened through
 * (hosts such as Proxmox open one connection per command), is never used twice, and is found by
 * its own channel only. Main thread only. A remote file is closed by a thread of its own, for close
 * may wait for its server; what close says is lost then.
 */

typedef struct {
    gint64 number;
    const char *channel; /* interned */
    int fd;
    TnOpenFlags flags;
    gboolean is_remote; /* set by whoever adds it: its file system may never answer */
    TnOpenPlan *plan;
    const char *mode; /* one of fopen's, interned; set by whoever adds it, else NULL */
    gint64 used_us;   /* when it was last found, of tn_clock_monotonic_us() */
    gpointer grant;   /* what keeps the permission alive; freed with the handle */
    GDestroyNotify free_grant;
    guint64 read_bytes; /* read so far, for the plan's max_read_bytes */
} TnHandle;

typedef struct TnHandles TnHandles;

/* An empty table. */
TnHandles *tn_handles_new(void);
/* Closes every file. Accepts NULL. */
void tn_handles_free(TnHandles *handles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnHandles, tn_handles_free)

/* How many files are open. */
guint tn_handles_count(const TnHandles *handles);

/* Enters an open file; takes FD, a reference to PLAN and GRANT (freed by FREE_GRANT). CHANNEL must
 * be interned. The handle is borrowed from HANDLES. */
TnHandle *tn_handles_add(TnHandles *handles, gint64 number, const char *channel, int take_fd,
                         TnOpenFlags flags, const TnOpenPlan *plan, gpointer take_grant,
                         GDestroyNotify free_grant);

/* The handle, borrowed; NULL when CHANNEL has none of that number. */
TnHandle *tn_handles_find(const TnHandles *handles, gint64 number, const char *channel);

/* Forgets and closes all that were last used before BEFORE_US. Returns when the longest unused of
 * the others was used, 0 when there are none. */
gint64 tn_handles_sweep(TnHandles *handles, gint64 before_us);

/* Forgets HANDLE; returns its file, which the caller owns. */
int tn_handles_take(TnHandles *handles, TnHandle *handle);

/* Forgets HANDLE and closes its file, whatever close(2) says: after an error the descriptor is gone
 * too (close(2), "Dealing with error returns"). Returns 0 or close's errno. */
int tn_handles_remove(TnHandles *handles, TnHandle *handle);
