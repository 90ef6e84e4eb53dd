/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop around a job. It sits in one held request (tenon-exec-read) whenever nothing is to be
 * done; news on our side, input or a signal, wake it through an epoll descriptor. Input is never
 * read further ahead than one piece, so that a slow program slows down whoever writes to us.
 */

#include "client/pump.h"

#include "client/duration.h"
#include "client/failure.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define PIECE_BYTES ((gsize)512 << 10)
#define WINDOW_MIN  ((gsize)64 << 10)
#define HELD_MS     5000                        /* cut to what the way to the agent allows */
#define RETURN_US   G_GINT64_CONSTANT(30000000) /* for an agent that restarts */
#define CROWDED_MS  10 /* until the program is offered input again that it had no room for */

typedef struct {
    TnFollow *follow;
    const TnPumpOptions *options;
    int signal_fd;
    int epoll_fd;
    guint8 *input; /* read from stdin, not taken yet */
    gsize input_size;
    gsize piece;                /* room of input */
    gsize window;               /* offered at once: what is not taken was sent in vain */
    gboolean is_stdin_pollable; /* a plain file is always readable and cannot be watched */
    gboolean is_stdin_watched;
    gboolean is_stdin_open; /* our side: more may come */
    gboolean is_job_open;   /* the job's side: wants to be told of the end */
    gboolean is_crowded;
    int signal;
    guint n_signals;
} Pump;

static void
clear_pump(Pump *pump)
{
    tn_dial_set_wake(pump->follow->agent, -1);
    if (pump->signal_fd >= 0)
        close(pump->signal_fd);
    if (pump->epoll_fd >= 0)
        close(pump->epoll_fd);
    g_free(pump->input);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pump, clear_pump)

static void
fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void
tn_pump_block_signals(gboolean shall_block)
{
    sigset_t set;

    fill_signals(&set);
    (void)pthread_sigmask(shall_block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static gboolean
open_pump(Pump *pump, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t set;

    fill_signals(&set);
    pump->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    pump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (pump->signal_fd < 0 || pump->epoll_fd < 0 ||
        epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, pump->signal_fd, &event) != 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "watch for signals: %s",
                    g_strerror(errno));
        return FALSE;
    }
    if (pump->options->stdin_fd >= 0) {
        pump->is_stdin_open = TRUE;
        pump->is_job_open = TRUE;
        pump->is_stdin_pollable =
            epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, pump->options->stdin_fd, &event) == 0;
        pump->is_stdin_watched = pump->is_stdin_pollable;
        pump->piece = MIN(PIECE_BYTES, tn_dial_get_piece(pump->follow->agent));
        pump->window = MIN(pump->piece, WINDOW_MIN);
        pump->input = g_malloc(pump->piece);
    }
    tn_dial_set_wake(pump->follow->agent, pump->epoll_fd);
    return TRUE;
}

/* Input wakes us only while there is room for it. */
static void
watch_stdin(Pump *pump, gboolean shall_watch)
{
    struct epoll_event event = {.events = shall_watch ? EPOLLIN : 0};

    if (!pump->is_stdin_pollable || pump->is_stdin_watched == shall_watch)
        return;
    pump->is_stdin_watched = shall_watch;
    /* Without events a closed pipe would still be told (EPOLLHUP), over and over. */
    (void)epoll_ctl(pump->epoll_fd, shall_watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
                    pump->options->stdin_fd, &event);
}

static gboolean
is_stdin_ready(const Pump *pump)
{
    GPollFD fd = {.fd = pump->options->stdin_fd, .events = G_IO_IN};

    return !pump->is_stdin_pollable || g_poll(&fd, 1, 0) > 0;
}

static gboolean
read_stdin(Pump *pump, GError **error)
{
    ssize_t n = 0;

    if (!pump->is_stdin_open || pump->input_size > 0 || !is_stdin_ready(pump))
        return TRUE;
    n = read(pump->options->stdin_fd, pump->input, pump->piece);
    if (n > 0) {
        pump->input_size = (gsize)n;
    } else if (n == 0) {
        pump->is_stdin_open = FALSE;
    } else if (errno != EINTR && errno != EAGAIN) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "read standard input: %s",
                    g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

/* Offers the program what was read. One that has closed its input, or has ended, is no failure:
 * its end will tell. */
static gboolean
write_job(Pump *pump, GError **error)
{
    g_autoptr(GError) write_error = NULL;
    gsize offered = MIN(pump->input_size, pump->window);
    gboolean shall_close = !pump->is_stdin_open && offered == pump->input_size;
    gsize taken = 0;

    pump->is_crowded = FALSE;
    if (!pump->is_job_open || (pump->input_size == 0 && !shall_close))
        return TRUE;
    if (!tn_follow_write(pump->follow, pump->input, offered, shall_close, &taken, &write_error)) {
        if (tn_failure_get_exit_code(write_error) >= 124) {
            g_propagate_error(error, g_steal_pointer(&write_error));
            return FALSE;
        }
        pump->is_job_open = FALSE;
        pump->is_stdin_open = FALSE;
        pump->input_size = 0;
        return TRUE;
    }
    pump->is_crowded = taken < offered;
    pump->window = taken == offered ? MIN(2 * pump->window, pump->piece) : MAX(taken, WINDOW_MIN);
    pump->window = MIN(pump->window, pump->piece);
    pump->input_size -= taken;
    memmove(pump->input, pump->input + taken, pump->input_size);
    if (shall_close && !pump->is_crowded)
        pump->is_job_open = FALSE;
    return TRUE;
}

static gboolean
end_job(Pump *pump, GError **error)
{
    gboolean is_first = pump->n_signals <= 1;
    g_autoptr(GError) signal_error = NULL;

    if (!tn_follow_signal(pump->follow, is_first ? "TERM" : "KILL",
                          is_first ? pump->options->grace_us : -1, &signal_error) &&
        tn_failure_get_exit_code(signal_error) == 125) {
        g_propagate_error(error, g_steal_pointer(&signal_error));
        return FALSE;
    }
    return TRUE;
}

static gboolean
take_signals(Pump *pump, GError **error)
{
    struct signalfd_siginfo info;

    while (read(pump->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        pump->signal = (int)info.ssi_signo;
        pump->n_signals++;
        if (pump->options->kills && !end_job(pump, error))
            return FALSE;
    }
    return TRUE;
}

/* The agent should have ended it before; this is for one that did not. */
static gboolean
watch_time(Pump *pump, GError **error)
{
    if (!tn_deadline_is_over(pump->options->end_us))
        return TRUE;
    tn_follow_kill(pump->follow);
    g_set_error(error, TN_FAILURE, TN_FAILURE_TIMEOUT,
                "timed out, and the agent did not end the program (job %" G_GINT64_FORMAT ")",
                pump->follow->job);
    return FALSE;
}

static gint64
choose_wait(const Pump *pump)
{
    int left_ms = tn_deadline_get_poll_ms(pump->options->end_us);
    gint64 wait_ms = HELD_MS;

    if (!pump->options->follows)
        wait_ms = 0;
    else if (pump->is_crowded)
        wait_ms = CROWDED_MS;
    else if (pump->is_job_open && (pump->input_size > 0 || !pump->is_stdin_open ||
                                   !pump->is_stdin_pollable || is_stdin_ready(pump)))
        wait_ms = 0;
    return left_ms < 0 ? wait_ms : MIN(wait_ms, left_ms);
}

static gboolean
turn_pump(Pump *pump, GError **error)
{
    if (!read_stdin(pump, error) || !write_job(pump, error))
        return FALSE;
    watch_stdin(pump, pump->is_stdin_open && pump->input_size == 0);
    return tn_follow_read(pump->follow, choose_wait(pump), error) && take_signals(pump, error) &&
           watch_time(pump, error);
}

static gboolean
may_come_back(const GError *error)
{
    return g_error_matches(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST) ||
           g_error_matches(error, TN_FAILURE, TN_FAILURE_AGENT_ABSENT);
}

/* One turn; a lost connection is made anew and the turn counts as done: every request says where it
 * left off, so that nothing is lost or doubled when it is made again. */
static gboolean
turn_or_return(Pump *pump, GError **error)
{
    g_autoptr(GError) turn_error = NULL;

    if (turn_pump(pump, &turn_error))
        return TRUE;
    if (!may_come_back(turn_error) || !tn_dial_again(pump->follow->agent, RETURN_US, NULL)) {
        g_propagate_error(error, g_steal_pointer(&turn_error));
        return FALSE;
    }
    return TRUE;
}

static gboolean
is_done(const Pump *pump)
{
    const TnFollow *follow = pump->follow;

    if (pump->signal != 0 && !pump->options->kills)
        return TRUE;
    return follow->is_drained ||
           (!pump->options->follows && follow->has_read && !follow->has_ended &&
            follow->next[TN_STREAM_OUT] >= follow->total[TN_STREAM_OUT] &&
            follow->next[TN_STREAM_ERR] >= follow->total[TN_STREAM_ERR]);
}

gboolean
tn_pump_run(TnFollow *follow, const TnPumpOptions *options, int *ret_signal, GError **error)
{
    g_auto(Pump) pump = {.follow = follow, .options = options, .signal_fd = -1, .epoll_fd = -1};
    g_autoptr(GError) turn_error = NULL;

    *ret_signal = 0;
    if (!open_pump(&pump, error))
        return FALSE;
    while (!is_done(&pump)) {
        if (turn_or_return(&pump, &turn_error))
            continue;
        /* Nobody reads along any more. */
        if (options->kills && !follow->has_ended)
            tn_follow_kill(follow);
        g_propagate_error(error, g_steal_pointer(&turn_error));
        return FALSE;
    }
    *ret_signal = pump.signal;
    return TRUE;
}
