/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Thin GSources: one descriptor, one ready time, or a set of signals. glib's own prepare and check
 * do all the work (both are NULL), so a turn of the loop costs no call into this file but the
 * dispatch itself. Knows nothing of what it watches.
 */

#include "platform/loop.h"

#include "platform/fd.h"

#include <signal.h>
#include <sys/signalfd.h>

struct TnWatch {
    GSource source;
    int fd;
    GIOCondition condition;
    gpointer tag; /* NULL while the condition is 0 */
    TnWatchFunc func;
    gpointer data;
};

struct TnTimer {
    GSource source;
    TnTimerFunc func;
    gpointer data;
};

struct TnSignals {
    int fd;
    TnWatch *watch;
    TnSignalFunc func;
    gpointer data;
};

static gboolean
dispatch_watch(GSource *source, GSourceFunc func, gpointer data)
{
    TnWatch *watch = (TnWatch *)source;
    GIOCondition ready = watch->tag == NULL ? 0 : g_source_query_unix_fd(source, watch->tag);

    if (ready != 0)
        watch->func(ready, watch->data);
    return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer(GSource *source, GSourceFunc func, gpointer data)
{
    TnTimer *timer = (TnTimer *)source;

    g_source_set_ready_time(source, -1);
    timer->func(timer->data);
    return G_SOURCE_CONTINUE;
}

static void
dispatch_signals(GIOCondition ready, gpointer data)
{
    TnSignals *signals = data;
    struct signalfd_siginfo info;

    if (read(signals->fd, &info, sizeof info) == (gssize)sizeof info)
        signals->func((int)info.ssi_signo, signals->data);
}

TnWatch *
tn_watch_new(int fd, GIOCondition condition, int priority, TnWatchFunc func, gpointer data)
{
    static GSourceFuncs funcs = {.dispatch = dispatch_watch};
    TnWatch *watch = (TnWatch *)g_source_new(&funcs, sizeof *watch);

    watch->fd = fd;
    watch->func = func;
    watch->data = data;
    g_source_set_priority(&watch->source, priority);
    g_source_set_can_recurse(&watch->source, TRUE);
    tn_watch_set(watch, condition);
    g_source_attach(&watch->source, NULL);
    return watch;
}

void
tn_watch_set(TnWatch *watch, GIOCondition condition)
{
    if (watch->condition == condition)
        return;
    watch->condition = condition;
    if (condition == 0) {
        g_source_remove_unix_fd(&watch->source, watch->tag);
        watch->tag = NULL;
    } else if (watch->tag == NULL) {
        watch->tag = g_source_add_unix_fd(&watch->source, watch->fd, condition);
    } else {
        g_source_modify_unix_fd(&watch->source, watch->tag, condition);
    }
}

void
tn_watch_free(TnWatch *watch)
{
    if (watch == NULL)
        return;
    g_source_destroy(&watch->source);
    g_source_unref(&watch->source);
}

TnTimer *
tn_timer_new(int priority, TnTimerFunc func, gpointer data)
{
    static GSourceFuncs funcs = {.dispatch = dispatch_timer};
    TnTimer *timer = (TnTimer *)g_source_new(&funcs, sizeof *timer);

    timer->func = func;
    timer->data = data;
    g_source_set_priority(&timer->source, priority);
    /* Not recursive: glib then skips waking itself when the time is taken back in dispatch. */
    g_source_attach(&timer->source, NULL);
    return timer;
}

void
tn_timer_set(TnTimer *timer, gint64 at_us)
{
    g_source_set_ready_time(&timer->source, at_us);
}

gboolean
tn_timer_is_set(const TnTimer *timer)
{
    /* glib's accessor reads one number, but takes a mutable source. */
    union {
        const TnTimer *readable;
        GSource *source;
    } both = {.readable = timer};

    return g_source_get_ready_time(both.source) >= 0;
}

void
tn_timer_free(TnTimer *timer)
{
    if (timer == NULL)
        return;
    g_source_destroy(&timer->source);
    g_source_unref(&timer->source);
}

TnSignals *
tn_signals_new(const int *wanted, TnSignalFunc func, gpointer data, GError **error)
{
    tn_autofd int fd = -1;
    sigset_t set;

    sigemptyset(&set);
    for (gsize i = 0; wanted[i] != 0; i++)
        sigaddset(&set, wanted[i]);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        tn_error_from_errno(error, errno, "create a descriptor for signals");
        return NULL;
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);

    TnSignals *signals = g_new0(TnSignals, 1);
    signals->func = func;
    signals->data = data;
    signals->fd = tn_fd_steal(&fd);
    signals->watch = tn_watch_new(signals->fd, G_IO_IN, TN_LOOP_SIGNAL, dispatch_signals, signals);
    return signals;
}

void
tn_signals_free(TnSignals *signals)
{
    if (signals == NULL)
        return;
    tn_watch_free(signals->watch);
    tn_fd_clear(&signals->fd);
    g_free(signals);
}
