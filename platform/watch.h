/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/epoll.h>

/*
 * Many descriptors behind one source of the main loop: an epoll descriptor, so that the cost of a
 * turn is that of the descriptors which are ready and not of all that are watched, and adding one
 * costs a system call and no allocation. Level-triggered. Main thread only.
 * Source: epoll(7).
 */

typedef struct TnWatchSet TnWatchSet;
typedef struct TnWatch TnWatch;

/* EVENTS are EPOLL* bits. May remove this watch and any other, and free what holds them. */
typedef void (*TnWatchReady)(TnWatch *watch, guint32 events);

/* The struct of TYPE that WATCH is the MEMBER of. */
#define TN_WATCH_OWNER(watch, type, member) \
    ((type *)(void *)((char *)(watch)-G_STRUCT_OFFSET(type, member)))

/* Embedded in its owner; all zero before tn_watch_add. */
struct TnWatch {
    TnWatchSet *set; /* NULL: not watched */
    int fd;
    TnWatchReady ready;
};

/* CONTEXT NULL: the default one. Errors: G_IO_ERROR from errno. */
TnWatchSet *tn_watch_set_new(GMainContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* No watch may be left in it. NULL is allowed. */
void tn_watch_set_free(TnWatchSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnWatchSet, tn_watch_set_free)

/* Calls READY whenever one of EVENTS, EPOLLERR or EPOLLHUP holds for FD, which stays the caller's
 * and must be open until tn_watch_remove. Errors: G_IO_ERROR from errno (ENOSPC, ENOMEM). */
gboolean tn_watch_add(TnWatchSet *set, TnWatch *watch, int fd, guint32 events, TnWatchReady ready,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Does nothing when WATCH is not watched. */
void tn_watch_remove(TnWatch *watch);
/* The same, and closes the descriptor; *FD becomes -1. */
void tn_watch_close(TnWatch *watch, int *fd);
