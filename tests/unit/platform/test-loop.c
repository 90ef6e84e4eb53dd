/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    int fd;
    guint n_calls;
    GIOCondition last;
    TnWatch *watch;
    TnTimer *timer;
    gint64 fired_us;
    int last_signal;
    gboolean free_in_callback;
} Seen;

static void
note_ready(GIOCondition ready, gpointer data)
{
    Seen *seen = data;
    char byte;

    seen->n_calls++;
    seen->last = ready;
    if (ready & G_IO_IN)
        (void)!read(seen->fd, &byte, 1);
    if (seen->free_in_callback)
        g_clear_pointer(&seen->watch, tn_watch_free);
}

static void
note_fired(gpointer data)
{
    Seen *seen = data;

    seen->n_calls++;
    seen->fired_us = tn_clock_monotonic_us();
}

static void
note_signal(int number, gpointer data)
{
    Seen *seen = data;

    seen->last_signal = number;
}

static void
turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
test_watch_calls_when_ready(void **state)
{
    Seen seen = {0};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    seen.fd = fds[0];
    seen.watch = tn_watch_new(fds[0], G_IO_IN, TN_LOOP_IO, note_ready, &seen);
    turn();
    assert_int_equal(seen.n_calls, 0);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    turn();
    assert_int_equal(seen.n_calls, 2); /* level-triggered: once per byte read */
    tn_watch_free(seen.watch);
    close(fds[0]);
    close(fds[1]);
}

static void
test_watch_without_condition_is_deaf_to_hangup(void **state)
{
    Seen seen = {0};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    seen.fd = fds[0];
    seen.watch = tn_watch_new(fds[0], G_IO_IN, TN_LOOP_IO, note_ready, &seen);
    tn_watch_set(seen.watch, 0);
    close(fds[1]);
    turn();
    assert_int_equal(seen.n_calls, 0);
    seen.free_in_callback = TRUE;
    tn_watch_set(seen.watch, G_IO_IN);
    turn();
    assert_int_equal(seen.n_calls, 1);
    assert_true(seen.last & G_IO_HUP);
    close(fds[0]);
}

static void
test_timer_fires_once_in_time(void **state)
{
    Seen seen = {0};
    gint64 due_us = tn_clock_monotonic_us() + 20000;

    seen.timer = tn_timer_new(TN_LOOP_IO, note_fired, &seen);
    assert_false(tn_timer_is_set(seen.timer));
    tn_timer_set(seen.timer, due_us);
    assert_true(tn_timer_is_set(seen.timer));
    while (seen.n_calls == 0)
        g_main_context_iteration(NULL, TRUE);
    assert_true(seen.fired_us >= due_us);
    assert_false(tn_timer_is_set(seen.timer));
    turn();
    assert_int_equal(seen.n_calls, 1);
    tn_timer_set(seen.timer, 0);
    tn_timer_set(seen.timer, -1);
    turn();
    assert_int_equal(seen.n_calls, 1);
    tn_timer_free(seen.timer);
}

static void
test_signal_goes_before_a_busy_watch(void **state)
{
    const int wanted[] = {SIGUSR1, 0};
    Seen busy = {0};
    Seen seen = {0};
    int fds[2];
    TnSignals *signals = tn_signals_new(wanted, note_signal, &seen, NULL);

    assert_non_null(signals);
    assert_int_equal(pipe(fds), 0);
    busy.fd = fds[1];
    busy.watch = tn_watch_new(fds[1], G_IO_OUT, TN_LOOP_IO, note_ready, &busy); /* always ready */
    raise(SIGUSR1);
    g_main_context_iteration(NULL, FALSE);
    assert_int_equal(seen.last_signal, SIGUSR1);
    assert_int_equal(busy.n_calls, 0);
    tn_watch_free(busy.watch);
    tn_signals_free(signals);
    close(fds[0]);
    close(fds[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch_calls_when_ready),
        cmocka_unit_test(test_watch_without_condition_is_deaf_to_hangup),
        cmocka_unit_test(test_timer_fires_once_in_time),
        cmocka_unit_test(test_signal_goes_before_a_busy_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
