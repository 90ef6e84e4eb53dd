/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Sources of the main loop (GMainContext, the default one). A watch is cheaper than
 * g_unix_fd_add(): it may recurse, so glib leaves its descriptor in the poll set while the callback
 * runs (else each dispatch costs two writes and a read of glib's own eventfd), and its condition
 * can change without a new source.
 *
 * Everything here belongs to the main thread, tn_timer_set() excepted.
 */

/* Who goes first when several are ready. glib dispatches the highest ready priority only, so a
 * signal is never behind a busy peer. */
enum {
    TN_LOOP_SIGNAL = G_PRIORITY_HIGH,
    TN_LOOP_IO = G_PRIORITY_DEFAULT,
    TN_LOOP_LATER = G_PRIORITY_DEFAULT_IDLE, /* when nobody else is ready */
};

typedef struct TnWatch TnWatch;
typedef struct TnTimer TnTimer;

/* READY holds what poll(2) said; G_IO_HUP and G_IO_ERR come unasked. May free its watch. */
typedef void (*TnWatchFunc)(GIOCondition ready, gpointer data);
typedef void (*TnTimerFunc)(gpointer data);

/* Calls FUNC whenever FD has one of CONDITION (level-triggered). FD is borrowed: close it after
 * tn_watch_free. PRIORITY is one of TN_LOOP_*. */
TnWatch *tn_watch_new(int fd, GIOCondition condition, int priority, TnWatchFunc func,
                      gpointer data);
/* Changes the condition. 0 takes the descriptor out of the poll set, so that not even a hang-up
 * wakes the loop. Costs nothing when it is the same. */
void tn_watch_set(TnWatch *watch, GIOCondition condition);
/* Accepts NULL; the callback does not run again, also when called from it. */
void tn_watch_free(TnWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnWatch, tn_watch_free)

/* A one-shot timer, off until tn_timer_set. */
TnTimer *tn_timer_new(int priority, TnTimerFunc func, gpointer data);
/* Fires once at AT_US of tn_clock_monotonic_us() (0: at the next turn of the loop), -1: off. A
 * timer that is armed gets the new time. May be called from any thread. */
void tn_timer_set(TnTimer *timer, gint64 at_us);
/* TRUE from tn_timer_set until it has fired or was turned off. */
gboolean tn_timer_is_set(const TnTimer *timer);
void tn_timer_free(TnTimer *timer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnTimer, tn_timer_free)

/* Blocks the WANTED signals (ended by 0) in this thread and those started later, and calls FUNC for
 * each that arrives (signalfd(2)): no handler runs between two instructions. A child must empty its
 * signal mask itself. NULL and G_IO_ERROR when the kernel has no descriptor left. */
typedef void (*TnSignalFunc)(int signal_number, gpointer data);
typedef struct TnSignals TnSignals;
TnSignals *tn_signals_new(const int *wanted, TnSignalFunc func, gpointer data, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_signals_free(TnSignals *signals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSignals, tn_signals_free)
