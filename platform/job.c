/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One child and its record. The end of a job is the end of its main child plus the end of its
 * streams, which a background process may hold open for as long as it lives; so after the child's
 * end the streams get a short time of grace and are then declared ended, while their pipes go on
 * being emptied elsewhere. The child is reaped by pidfd, never by a number that could have been
 * used again; a process group is signalled only while its leader is not reaped, for the same
 * reason.
 */

#include "platform/job.h"

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/job-private.h"
#include "platform/jobgroup.h"
#include "platform/seccomplog.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DRAIN_US = 150 * 1000,
    KIB = 1024, /* unit of ru_maxrss, getrusage(2) */
    ASK_US = 50 * 1000,
    ASK_TIMES = 40,
};

/* linux/pidfd.h of Linux 6.15, which knows how a process that is not our child has ended. */
typedef struct {
    guint64 mask;
    guint64 cgroup;
    guint32 ids[11];
    gint32 exit_code;
} PidfdInfo;

#define PIDFD_INFO_EXIT ((guint64)1 << 3)
#define PIDFD_GET_INFO  _IOWR(0xFF, 11, PidfdInfo)

static const char *const reason_words[TN_JOB_REASON_N] = {
    [TN_JOB_EXIT] = "exit",       [TN_JOB_SIGNAL] = "signal",
    [TN_JOB_TIMEOUT] = "timeout", [TN_JOB_OUTPUT_LIMIT] = "output-limit",
    [TN_JOB_OOM] = "oom",         [TN_JOB_SECCOMP] = "seccomp",
    [TN_JOB_KILLED] = "killed",   [TN_JOB_EXIT_UNKNOWN] = "exit-unknown",
    [TN_JOB_LOST] = "lost",
};

static void
notify_waiters(TnJob *job, guint events)
{
    GList *link = job->waiters.head;

    while (link != NULL) {
        TnJobWaiter *waiter = link->data;

        link = link->next;
        if (!job->info.ended && (waiter->events & events) == 0)
            continue;
        g_queue_unlink(&job->waiters, &waiter->link);
        g_queue_push_tail_link(&job->firing, &waiter->link);
        waiter->queue = &job->firing;
    }
    while ((link = g_queue_pop_head_link(&job->firing)) != NULL) {
        TnJobWaiter *waiter = link->data;

        waiter->queue = NULL;
        waiter->notify(waiter);
    }
}

static void
end_stream(TnJobStream *stream)
{
    if (stream->ended)
        return;
    stream->ended = TRUE;
    tn_watch_close(&stream->watch, &stream->fd);
}

static void
let_stream_linger(TnJobStream *stream)
{
    if (stream->ended)
        return;
    stream->ended = TRUE;
    tn_watch_remove(&stream->watch);
    stream->job->host->linger(stream->job->host->data, tn_fd_steal(&stream->fd));
}

/* Reads what is there, at most a turn's worth, and ends the stream where it is at its end. */
static void
read_stream(TnJobStream *stream)
{
    if (stream->ended)
        return;
    switch (tn_capture_read(stream->capture, stream->fd, stream->job->host->scratch)) {
    case TN_CAPTURE_AGAIN:
        if (stream->job->draining)
            let_stream_linger(stream);
        break;
    case TN_CAPTURE_MORE:
        break;
    case TN_CAPTURE_STOP:
        tn_watch_remove(&stream->watch);
        break;
    case TN_CAPTURE_END:
        end_stream(stream);
        break;
    }
}

static gboolean
have_streams_ended(const TnJob *job)
{
    return job->streams[TN_JOB_STDOUT].ended && job->streams[TN_JOB_STDERR].ended;
}

static gint64
take_earlier(gint64 a, gint64 b)
{
    if (a == 0 || (b != 0 && b < a))
        return b;
    return a;
}

static void handle_timer(TnJob *job);

static gboolean
dispatch_timer(GSource *source, GSourceFunc callback, gpointer data)
{
    handle_timer(((TnJobTimer *)source)->job);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = {.dispatch = dispatch_timer};

static void
arm_timer(TnJob *job)
{
    gint64 next = take_earlier(take_earlier(job->deadlines.timeout_us, job->deadlines.kill_us),
                               take_earlier(job->deadlines.drain_us, job->deadlines.ask_us));

    if (job->timer == NULL) {
        if (next == 0)
            return;
        job->timer = (TnJobTimer *)g_source_new(&timer_funcs, sizeof(TnJobTimer));
        job->timer->job = job;
        g_source_attach(&job->timer->source, job->host->context);
    }
    g_source_set_ready_time(&job->timer->source, next != 0 ? next : -1);
}

static void
finish_job(TnJob *job)
{
    job->info.ended = TRUE;
    job->info.ended_us = tn_clock_monotonic_us();
    job->deadlines = (TnJobDeadlines){0};
    arm_timer(job);
    tn_feed_clear(&job->feed);
    if (job->group >= 0) {
        tn_fd_clear(&job->group);
        tn_jobgroup_remove(job->host->group_parent, job->info.number);
    }
    if (job->release_charge != NULL)
        job->release_charge(g_steal_pointer(&job->charge), job);
    job->release_charge = NULL;
    job->host->ended(job->host->data, job);
}

static void
handle_output(TnWatch *watch, guint32 events)
{
    TnJobStream *stream = TN_WATCH_OWNER(watch, TnJobStream, watch);
    g_autoptr(TnJob) job = tn_job_ref(stream->job);

    read_stream(stream);
    if (job->kills_on_overflow && tn_capture_get_dropped(stream->capture) > 0)
        tn_job_kill(job, TN_JOB_OUTPUT_LIMIT, SIGKILL, 0);
    if (job->reaped && !job->info.ended && have_streams_ended(job))
        finish_job(job);
    notify_waiters(job, TN_JOB_EVENT_OUTPUT);
}

/* To all that the job has started: its control group, or without one its session, which was made
 * with a process group of the same number that its leader cannot leave. */
static void
signal_group(const TnJob *job, int signal)
{
    if (job->group >= 0)
        tn_jobgroup_signal(job->group, signal);
    else if (!job->reaped && job->info.pid > 0)
        kill(-job->info.pid, signal);
}

static void
record_end(TnJob *job, const siginfo_t *status, const struct rusage *usage)
{
    gboolean exited = status->si_code == CLD_EXITED;

    job->info.ended_ns = tn_clock_realtime_ns();
    job->info.exit_code = exited ? status->si_status : 0;
    job->info.signal = exited ? 0 : status->si_status;
    job->info.reason = exited ? TN_JOB_EXIT : TN_JOB_SIGNAL;
    if (job->is_filtered && job->info.signal == SIGSYS)
        job->info.reason = TN_JOB_SECCOMP;
    if (job->info.signal == SIGKILL && tn_jobgroup_ran_out_of_memory(job->group))
        job->info.reason = TN_JOB_OOM;
    if (job->killing)
        job->info.reason = job->kill_reason;
    if (job->info.reason == TN_JOB_SECCOMP)
        job->info.denied_call = tn_seccomplog_find(job->info.pid, &job->info.denied_arch);
    job->info.cpu_us = (gint64)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * G_USEC_PER_SEC +
                       usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    job->info.peak_bytes = (guint64)usage->ru_maxrss * KIB;
}

static void
begin_drain(TnJob *job)
{
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        read_stream(&job->streams[i]);
    if (have_streams_ended(job)) {
        finish_job(job);
        return;
    }
    job->deadlines = (TnJobDeadlines){.drain_us = tn_clock_monotonic_us() + DRAIN_US};
    arm_timer(job);
}

/* TRUE: STATUS says how it ended, as far as anybody knows. */
static gboolean
look_at_stranger(TnJob *job, siginfo_t *status)
{
    PidfdInfo info = {.mask = PIDFD_INFO_EXIT};

    if (ioctl(job->pidfd, PIDFD_GET_INFO, &info) == 0 && (info.mask & PIDFD_INFO_EXIT) != 0) {
        gboolean exited = WIFEXITED(info.exit_code);

        status->si_code = exited ? CLD_EXITED : CLD_KILLED;
        status->si_status = exited ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code);
        return TRUE;
    }
    /* The kernel tells it once the new parent has reaped the child, which takes a moment. */
    return ++job->n_asked > ASK_TIMES;
}

static void
end_child(TnJob *job, const siginfo_t *status, const struct rusage *usage)
{
    record_end(job, status, usage);
    job->reaped = TRUE;
    tn_watch_close(&job->exit_watch, &job->pidfd);
    begin_drain(job);
    notify_waiters(job, TN_JOB_EVENT_OUTPUT);
}

/* A child that another process started, which was an agent before this one. */
static void
handle_stranger(TnJob *job)
{
    siginfo_t status = {.si_code = CLD_EXITED};
    struct rusage usage = {0};

    tn_watch_remove(&job->exit_watch);
    if (look_at_stranger(job, &status)) {
        gboolean known = job->n_asked <= ASK_TIMES;

        job->deadlines.ask_us = 0;
        if (!known) {
            job->killing = TRUE;
            job->kill_reason = TN_JOB_EXIT_UNKNOWN;
        }
        end_child(job, &status, &usage);
        return;
    }
    job->deadlines.ask_us = tn_clock_monotonic_us() + ASK_US;
    arm_timer(job);
}

static void
handle_exit(TnWatch *watch, guint32 events)
{
    g_autoptr(TnJob) job = tn_job_ref(TN_WATCH_OWNER(watch, TnJob, exit_watch));
    siginfo_t status = {0};
    struct rusage usage = {0};

    /* Looked at first and reaped after the group was killed: until then its number is taken. */
    if (job->killing)
        signal_group(job, SIGKILL);
    if (syscall(SYS_waitid, P_PIDFD, job->pidfd, &status, WEXITED | WNOHANG, &usage) < 0)
        handle_stranger(job);
    else if (status.si_pid != 0)
        end_child(job, &status, &usage);
}

/* The time of grace is over: streams without an end get one now. A stream that waits for room
 * keeps what stands in its pipe until its reader has it. */
static void
end_drain(TnJob *job)
{
    job->draining = TRUE;
    for (int i = 0; i < TN_JOB_N_STREAMS; i++) {
        TnJobStream *stream = &job->streams[i];

        read_stream(stream);
        if (!stream->ended && stream->watch.set != NULL)
            let_stream_linger(stream); /* something goes on writing without a pause */
    }
    finish_job(job);
}

static void
handle_timer(TnJob *found)
{
    g_autoptr(TnJob) job = tn_job_ref(found);
    gint64 now = tn_clock_monotonic_us();

    if (job->deadlines.ask_us != 0 && job->deadlines.ask_us <= now) {
        handle_stranger(job);
    } else if (job->deadlines.drain_us != 0 && job->deadlines.drain_us <= now) {
        end_drain(job);
        notify_waiters(job, TN_JOB_EVENT_OUTPUT);
    } else if (job->deadlines.kill_us != 0 && job->deadlines.kill_us <= now) {
        job->deadlines.kill_us = 0;
        signal_group(job, SIGKILL);
    } else if (job->deadlines.timeout_us != 0 && job->deadlines.timeout_us <= now) {
        tn_job_kill(job, TN_JOB_TIMEOUT, SIGTERM, job->grace_us);
    }
    arm_timer(job);
}

TnJob *
tn_job_new(const TnJobHost *host, const TnJobInfo *take_info)
{
    TnJob *job = g_new0(TnJob, 1);
    int no_fd = -1;

    job->refs = 1;
    job->host = host;
    job->info = *take_info;
    job->pidfd = -1;
    job->group = -1;
    tn_feed_init(&job->feed, &no_fd);
    g_queue_init(&job->waiters);
    g_queue_init(&job->firing);
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        job->streams[i] = (TnJobStream){.job = job, .fd = -1, .ended = TRUE};
    return job;
}

void
tn_job_add_stream(TnJob *job, TnJobStreamIndex index, TnCaptureFull full,
                  const TnCaptureBudget *budget, int take_fd)
{
    TnJobStream *stream = &job->streams[index];

    if (job->budget.limit_bytes == 0)
        job->budget = *budget;
    stream->fd = take_fd;
    stream->ended = FALSE;
    stream->full = full;
    stream->capture = tn_capture_new(full, &job->budget, (guint)index);
}

static void
handle_progress(gpointer data)
{
    g_autoptr(TnJob) job = tn_job_ref(data);

    notify_waiters(job, TN_JOB_EVENT_INPUT);
}

void
tn_job_set_feed(TnJob *job, int take_fd)
{
    tn_feed_init(&job->feed, &take_fd);
    job->feed.progress = handle_progress;
    job->feed.data = job;
}

TnFeed *
tn_job_add_feed(TnJob *job, int take_fd)
{
    tn_job_set_feed(job, take_fd);
    return &job->feed;
}

gboolean
tn_job_watch_all(TnJob *job, GError **error)
{
    if (job->pidfd >= 0 &&
        !tn_watch_add(job->host->set, &job->exit_watch, job->pidfd, EPOLLIN, handle_exit, error))
        return FALSE;
    for (int i = 0; i < TN_JOB_N_STREAMS; i++) {
        TnJobStream *stream = &job->streams[i];

        if (!stream->ended && !tn_watch_add(job->host->set, &stream->watch, stream->fd, EPOLLIN,
                                            handle_output, error))
            return FALSE;
    }
    arm_timer(job);
    return tn_feed_start(&job->feed, job->host->set, error);
}

gboolean
tn_job_begin(TnJob *job, pid_t pid, int take_pidfd, gint64 timeout_us, gint64 grace_us,
             GError **error)
{
    job->info.pid = pid;
    job->pidfd = take_pidfd;
    job->grace_us = grace_us;
    if (timeout_us > 0)
        job->deadlines.timeout_us = tn_clock_monotonic_us() + timeout_us;
    return tn_job_watch_all(job, error);
}

int
tn_job_add_group(TnJob *job)
{
    job->group = tn_jobgroup_create(job->host->group_parent, job->info.number);
    return job->group;
}

void
tn_job_set_rules(TnJob *job, gboolean kills_on_overflow, gboolean is_filtered)
{
    job->kills_on_overflow = kills_on_overflow;
    job->is_filtered = is_filtered;
}

void
tn_job_set_charge(TnJob *job, gpointer charge, TnJobRelease release)
{
    job->charge = charge;
    job->release_charge = release;
}

void
tn_job_abandon(TnJob *job)
{
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        end_stream(&job->streams[i]);
    tn_watch_close(&job->exit_watch, &job->pidfd);
    tn_fd_clear(&job->group);
    tn_feed_clear(&job->feed);
    job->deadlines = (TnJobDeadlines){0};
    arm_timer(job);
}

TnJob *
tn_job_ref(TnJob *job)
{
    job->refs++;
    return job;
}

void
tn_job_unref(TnJob *job)
{
    if (job == NULL || --job->refs > 0)
        return;
    tn_job_abandon(job);
    if (job->timer != NULL) {
        g_source_destroy(&job->timer->source);
        g_source_unref(&job->timer->source);
    }
    if (job->release_charge != NULL)
        job->release_charge(job->charge, NULL);
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        tn_capture_free(job->streams[i].capture);
    g_free(job->info.name);
    g_free(job->info.denied_call);
    g_free(job->info.path);
    g_free(job);
}

const TnJobInfo *
tn_job_get_info(const TnJob *job)
{
    return &job->info;
}

const char *
tn_job_reason_word(TnJobReason reason)
{
    return reason < TN_JOB_REASON_N ? reason_words[reason] : "exit-unknown";
}

const TnCapture *
tn_job_get_capture(const TnJob *job, TnJobStreamIndex index)
{
    return job->streams[index].capture;
}

gboolean
tn_job_has_stream_ended(const TnJob *job, TnJobStreamIndex index)
{
    return job->streams[index].ended;
}

void
tn_job_acknowledge(TnJob *job, TnJobStreamIndex index, guint64 offset)
{
    TnJobStream *stream = &job->streams[index];

    if (stream->capture == NULL || stream->full != TN_CAPTURE_WAIT)
        return;
    tn_capture_forget(stream->capture, offset);
    if (stream->ended || stream->watch.set != NULL)
        return;
    /* It had stopped for want of room. Without a watch nobody would ever read it again. */
    if (!tn_watch_add(job->host->set, &stream->watch, stream->fd, EPOLLIN, handle_output, NULL))
        end_stream(stream);
    else if (job->draining)
        read_stream(stream); /* no event would tell that nothing more is there */
}

gboolean
tn_job_is_stream_waiting(const TnJob *job, TnJobStreamIndex index)
{
    const TnJobStream *stream = &job->streams[index];

    return !stream->ended && stream->fd >= 0 && stream->watch.set == NULL;
}

gint64
tn_job_get_cpu_us(const TnJob *job)
{
    clockid_t clock;
    struct timespec used;

    if (job->reaped || job->pidfd < 0)
        return job->info.cpu_us;
    if (clock_getcpuclockid(job->info.pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (gint64)used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

guint64
tn_job_get_held_bytes(const TnJob *job)
{
    return job->budget.held_bytes[TN_JOB_STDOUT] + job->budget.held_bytes[TN_JOB_STDERR];
}

TnFeed *
tn_job_get_feed(TnJob *job)
{
    return job->feed.fd >= 0 && !job->feed.finished ? &job->feed : NULL;
}

guint64
tn_job_get_input_total(const TnJob *job)
{
    return job->feed.total;
}

gboolean
tn_job_signal(TnJob *job, int signal, gboolean tree, GError **error)
{
    if (job->pidfd < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the process has ended");
        return FALSE;
    }
    if (tree && job->group >= 0) {
        tn_jobgroup_signal(job->group, signal);
        return TRUE;
    }
    if (tree && kill(-job->info.pid, signal) == 0)
        return TRUE;
    if (syscall(SYS_pidfd_send_signal, job->pidfd, signal, NULL, 0) < 0)
        return tn_error_from_errno(error, errno, "signal %d", signal);
    return TRUE;
}

void
tn_job_kill(TnJob *job, TnJobReason reason, int signal, gint64 grace_us)
{
    gint64 due_us = tn_clock_monotonic_us() + MAX(grace_us, 0);

    if (job->reaped)
        return;
    if (!job->killing)
        job->kill_reason = reason;
    job->killing = TRUE;
    job->deadlines.timeout_us = 0;
    signal_group(job, signal);
    signal_group(job, SIGCONT); /* a stopped process takes no other signal */
    if (signal == SIGKILL)
        job->deadlines.kill_us = 0;
    else
        job->deadlines.kill_us = take_earlier(job->deadlines.kill_us, due_us);
    arm_timer(job);
}

void
tn_job_wait(TnJob *job, TnJobWaiter *waiter)
{
    g_assert(waiter->queue == NULL);
    waiter->link = (GList){.data = waiter};
    waiter->queue = &job->waiters;
    g_queue_push_tail_link(&job->waiters, &waiter->link);
}

void
tn_job_unwait(TnJobWaiter *waiter)
{
    if (waiter->queue == NULL)
        return;
    g_queue_unlink(waiter->queue, &waiter->link);
    waiter->queue = NULL;
}
