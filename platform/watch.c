/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One epoll descriptor as one source. A callback may remove watches whose events stand in the same
 * batch, so removal blanks them there.
 */

#include "platform/watch.h"

#include "platform/fd.h"

#include <errno.h>

enum {
    BATCH = 64
};

typedef struct {
    GSource source;
    TnWatchSet *set;
} WatchSource;

struct TnWatchSet {
    int epoll_fd;
    WatchSource *source;
    struct epoll_event batch[BATCH];
    int n_batch;
};

static gboolean
dispatch_source(GSource *source, GSourceFunc callback, gpointer data)
{
    TnWatchSet *set = ((WatchSource *)source)->set;

    set->n_batch = epoll_wait(set->epoll_fd, set->batch, BATCH, 0);
    for (int i = 0; i < set->n_batch; i++) {
        TnWatch *watch = set->batch[i].data.ptr;

        if (watch != NULL)
            watch->ready(watch, set->batch[i].events);
    }
    set->n_batch = 0;
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch_source};

TnWatchSet *
tn_watch_set_new(GMainContext *context, GError **error)
{
    tn_autofd int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    TnWatchSet *set;

    if (epoll_fd < 0) {
        tn_error_from_errno(error, errno, "epoll_create1");
        return NULL;
    }
    set = g_new0(TnWatchSet, 1);
    set->epoll_fd = tn_fd_steal(&epoll_fd);
    set->source = (WatchSource *)g_source_new(&source_funcs, sizeof(WatchSource));
    set->source->set = set;
    g_source_set_name(&set->source->source, "watches");
    g_source_set_can_recurse(&set->source->source, TRUE); /* saves two writes per dispatch */
    g_source_add_unix_fd(&set->source->source, set->epoll_fd, G_IO_IN);
    g_source_attach(&set->source->source, context);
    return set;
}

void
tn_watch_set_free(TnWatchSet *set)
{
    if (set == NULL)
        return;
    g_source_destroy(&set->source->source);
    g_source_unref(&set->source->source);
    tn_fd_clear(&set->epoll_fd);
    g_free(set);
}

gboolean
tn_watch_add(TnWatchSet *set, TnWatch *watch, int fd, guint32 events, TnWatchReady ready,
             GError **error)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return tn_error_from_errno(error, errno, "epoll_ctl");
    *watch = (TnWatch){.set = set, .fd = fd, .ready = ready};
    return TRUE;
}

void
tn_watch_remove(TnWatch *watch)
{
    TnWatchSet *set = watch->set;

    if (set == NULL)
        return;
    /* Closing the descriptor would not do: a child that was cloned meanwhile holds a duplicate up
     * to its exec, and epoll goes on reporting as long as any exists. */
    epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = 0; i < set->n_batch; i++)
        if (set->batch[i].data.ptr == watch)
            set->batch[i].data.ptr = NULL;
    watch->set = NULL;
}

void
tn_watch_close(TnWatch *watch, int *fd)
{
    tn_watch_remove(watch);
    tn_fd_clear(fd);
}
