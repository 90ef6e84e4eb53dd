/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of jobs and how long records stay. Ended records stand in two queues, those that were
 * read and those that were not, each in the order of the end; what must go is taken from the head
 * of the first, then of the second. Expiry is a one-shot timer that is armed only while there are
 * ended records.
 */

#include "platform/jobs.h"

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/grouplimits.h"
#include "platform/jobgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum {
    LINGER_MAX = 256,             /* pipes that are emptied for processes nobody waits for */
    TRIM_US = 2 * G_USEC_PER_SEC, /* then a burst is over */
};

/* In force until the first tn_jobs_set_limits. */
static const TnJobsLimits default_limits = {
    .max_children = 128,
    .max_output_bytes = 64 * 1024 * 1024,
    .keep_count = 128,
    .keep_bytes = 32 * 1024 * 1024,
    .keep_us = 10 * 60 * G_USEC_PER_SEC,
};

/* A record in the table. */
typedef struct Entry Entry;

struct Entry {
    TnJob *job;
    TnJobs *jobs;
    gint64 number;
    gboolean running; /* was started; stays TRUE after the end */
    Entry *older;     /* the next older record with the same pid */
    GList link;       /* in read or unread */
    GQueue *queue;
    gint64 keep_us;
    gint64 timeout_us;
    gint64 grace_us;
    TnJobStarted started; /* NULL: was called */
    gpointer data;
};

/* A pipe that outlives its job. */
typedef struct {
    TnWatch watch;
    TnJobs *jobs;
    GList link;
    int fd;
} Linger;

typedef struct {
    GSource source;
    TnJobs *jobs;
} ExpirySource;

struct TnJobs {
    TnSpawner *spawner;
    TnJobHost host;
    TnWatchSet *set;
    TnJobsNumber take_number;
    gpointer number_data;
    TnJobsLimits limits;
    TnCapturePool pool;
    guint n_running;       /* being started or running */
    GHashTable *by_number; /* gint64 -> Entry, owned */
    GHashTable *by_pid;    /* pid -> newest Entry */
    GQueue read;
    GQueue unread;
    guint64 read_bytes; /* held by those in read */
    GQueue lingering;
    gint64 last_end_us;
    ExpirySource *expiry;
};

static gpointer
make_pid_key(gint64 pid)
{
    return GSIZE_TO_POINTER((gsize)pid);
}

static void
unlink_pid(TnJobs *jobs, Entry *entry)
{
    gpointer key = make_pid_key(tn_job_get_info(entry->job)->pid);
    Entry *newest = g_hash_table_lookup(jobs->by_pid, key);

    if (newest == entry) {
        if (entry->older != NULL)
            g_hash_table_insert(jobs->by_pid, key, entry->older);
        else
            g_hash_table_remove(jobs->by_pid, key);
        return;
    }
    while (newest != NULL && newest->older != entry)
        newest = newest->older;
    if (newest != NULL)
        newest->older = entry->older;
}

static void
leave_queue(TnJobs *jobs, Entry *entry)
{
    if (entry->queue == NULL)
        return;
    if (entry->queue == &jobs->read)
        jobs->read_bytes -= tn_job_get_held_bytes(entry->job);
    g_queue_unlink(entry->queue, &entry->link);
    entry->queue = NULL;
}

static void
enter_queue(TnJobs *jobs, Entry *entry, GQueue *queue)
{
    entry->link = (GList){.data = entry};
    entry->queue = queue;
    g_queue_push_tail_link(queue, &entry->link);
    if (queue == &jobs->read)
        jobs->read_bytes += tn_job_get_held_bytes(entry->job);
}

/* Frees ENTRY. */
static void
remove_entry(TnJobs *jobs, Entry *entry)
{
    leave_queue(jobs, entry);
    unlink_pid(jobs, entry);
    g_hash_table_remove(jobs->by_number, &entry->number);
}

static void
free_entry(gpointer data)
{
    Entry *entry = data;

    tn_job_unref(entry->job);
    g_free(entry);
}

static Entry *
get_head(const GQueue *queue)
{
    return queue->head != NULL ? queue->head->data : NULL;
}

static gint64
get_expiry_us(const Entry *entry)
{
    return tn_job_get_info(entry->job)->ended_us + entry->keep_us;
}

/* Removes what is too old; the earliest expiry of the others, or 0. Times of keeping differ, so
 * the queues are not in the order of expiry; they are short. */
static gint64
expire_queue(TnJobs *jobs, GQueue *queue, gint64 now)
{
    gint64 next = 0;
    GList *link = queue->head;

    while (link != NULL) {
        Entry *entry = link->data;
        gint64 expiry = get_expiry_us(entry);

        link = link->next;
        if (expiry <= now)
            remove_entry(jobs, entry);
        else if (next == 0 || expiry < next)
            next = expiry;
    }
    return next;
}

static gint64
take_earlier(gint64 a, gint64 b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Spare memory goes back TRIM_US after the last end of a child; when that is, or 0. */
static gint64
trim_spare(TnJobs *jobs, gint64 now)
{
    if (jobs->pool.spare == NULL)
        return 0;
    if (jobs->last_end_us + TRIM_US > now)
        return jobs->last_end_us + TRIM_US;
    tn_capture_pool_trim(&jobs->pool);
    return 0;
}

static void
expire_records(TnJobs *jobs)
{
    gint64 now = tn_clock_monotonic_us();
    gint64 read = expire_queue(jobs, &jobs->read, now);
    gint64 unread = expire_queue(jobs, &jobs->unread, now);
    gint64 next = take_earlier(trim_spare(jobs, now), take_earlier(read, unread));

    g_source_set_ready_time(&jobs->expiry->source, next != 0 ? next : -1);
}

static gboolean
dispatch_expiry(GSource *source, GSourceFunc callback, gpointer data)
{
    expire_records(((ExpirySource *)source)->jobs);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs expiry_funcs = {.dispatch = dispatch_expiry};

/* Records without output cost next to nothing and stay. */
static void
remove_first_with_bytes(TnJobs *jobs)
{
    Entry *entry = get_head(&jobs->read);

    while (tn_job_get_held_bytes(entry->job) == 0)
        entry = entry->link.next->data;
    remove_entry(jobs, entry);
}

static void
trim_records(TnJobs *jobs)
{
    while (jobs->read.length + jobs->unread.length > jobs->limits.keep_count)
        remove_entry(jobs, jobs->read.length > 0 ? get_head(&jobs->read) : get_head(&jobs->unread));
    while (jobs->read_bytes > jobs->limits.keep_bytes)
        remove_first_with_bytes(jobs);
}

/* Output of the past makes room for that of the present: what was read goes before a new child
 * would lose bytes. */
static void
make_room(TnJobs *jobs)
{
    while (jobs->read_bytes > 0 && jobs->pool.held_bytes > jobs->pool.limit_bytes / 2)
        remove_first_with_bytes(jobs);
}

static void
handle_ended(gpointer data, TnJob *job)
{
    TnJobs *jobs = data;
    gint64 number = tn_job_get_info(job)->number;
    Entry *entry = g_hash_table_lookup(jobs->by_number, &number);
    gint64 next;
    gint64 ready;

    jobs->n_running--;
    if (entry == NULL)
        return;
    enter_queue(jobs, entry, &jobs->unread);
    jobs->last_end_us = tn_job_get_info(job)->ended_us;
    next = MIN(get_expiry_us(entry), jobs->last_end_us + TRIM_US);
    ready = g_source_get_ready_time(&jobs->expiry->source);
    if (ready < 0 || ready > next)
        g_source_set_ready_time(&jobs->expiry->source, next);
    trim_records(jobs);
}

static void
free_linger(Linger *linger)
{
    tn_watch_close(&linger->watch, &linger->fd);
    g_queue_unlink(&linger->jobs->lingering, &linger->link);
    g_free(linger);
}

static void
handle_lingering(TnWatch *watch, guint32 events)
{
    Linger *linger = TN_WATCH_OWNER(watch, Linger, watch);
    ssize_t n = read(linger->fd, linger->jobs->host.scratch, TN_CAPTURE_SCRATCH_BYTES);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        free_linger(linger);
}

static void
add_linger(gpointer data, int take_fd)
{
    TnJobs *jobs = data;
    Linger *linger = g_new0(Linger, 1);

    linger->jobs = jobs;
    linger->fd = take_fd;
    linger->link.data = linger;
    g_queue_push_tail_link(&jobs->lingering, &linger->link);
    if (!tn_watch_add(jobs->set, &linger->watch, take_fd, EPOLLIN, handle_lingering, NULL))
        free_linger(linger);
    else if (jobs->lingering.length > LINGER_MAX)
        free_linger(jobs->lingering.head->data);
}

TnJobs *
tn_jobs_new(TnSpawner *spawner, GMainContext *context, TnJobsNumber take_number, gpointer data,
            GError **error)
{
    g_autoptr(TnWatchSet) set = tn_watch_set_new(context, error);
    TnJobs *jobs;

    if (set == NULL)
        return NULL;
    jobs = g_new0(TnJobs, 1);
    jobs->spawner = spawner;
    jobs->set = g_steal_pointer(&set);
    jobs->take_number = take_number;
    jobs->number_data = data;
    jobs->host = (TnJobHost){
        .context = context,
        .set = jobs->set,
        .pool = &jobs->pool,
        .group_parent = tn_jobgroup_open_parent(),
        .scratch = g_malloc(TN_CAPTURE_SCRATCH_BYTES),
        .data = jobs,
        .ended = handle_ended,
        .linger = add_linger,
    };
    jobs->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_entry);
    jobs->by_pid = g_hash_table_new(NULL, NULL);
    g_queue_init(&jobs->read);
    g_queue_init(&jobs->unread);
    g_queue_init(&jobs->lingering);
    tn_jobs_set_limits(jobs, &default_limits);
    jobs->expiry = (ExpirySource *)g_source_new(&expiry_funcs, sizeof(ExpirySource));
    jobs->expiry->jobs = jobs;
    g_source_set_name(&jobs->expiry->source, "job records");
    g_source_attach(&jobs->expiry->source, context);
    tn_jobgroup_sweep(jobs->host.group_parent);
    tn_grouplimits_restore(jobs->host.group_parent);
    return jobs;
}

void
tn_jobs_stop(TnJobs *jobs)
{
    GHashTableIter iter;
    gpointer value;

    if (jobs == NULL)
        return;
    g_hash_table_iter_init(&iter, jobs->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_autoptr(GError) error =
            g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "the agent is ending");
        Entry *entry = value;

        if (entry->started == NULL)
            continue;
        g_hash_table_iter_steal(&iter);
        entry->started(entry->data, NULL, TN_CHILD_STEP_N, error);
        free_entry(entry);
    }
}

void
tn_jobs_free(TnJobs *jobs)
{
    if (jobs == NULL)
        return;
    while (jobs->lingering.length > 0)
        free_linger(jobs->lingering.head->data);
    g_hash_table_unref(jobs->by_number);
    g_hash_table_unref(jobs->by_pid);
    g_source_destroy(&jobs->expiry->source);
    g_source_unref(&jobs->expiry->source);
    tn_capture_pool_trim(&jobs->pool);
    tn_fd_clear(&jobs->host.group_parent);
    tn_watch_set_free(jobs->set);
    g_free(jobs->host.scratch);
    g_free(jobs);
}

void
tn_jobs_set_limits(TnJobs *jobs, const TnJobsLimits *limits)
{
    jobs->limits = *limits;
    jobs->pool.limit_bytes = limits->max_output_bytes;
}

/* Descriptors of one start: the child's ends and ours. */
typedef struct {
    int child[3];
    int ours[3];
} Pipes;

static void
clear_pipes(Pipes *pipes)
{
    for (int i = 0; i < 3; i++) {
        tn_fd_clear(&pipes->child[i]);
        tn_fd_clear(&pipes->ours[i]);
    }
}

/* Our end does not block. Neither end is 0 to 2: the spawner's /dev/null, opened at the start,
 * stands above and the agent never closes its standard streams. */
static gboolean
open_pipe(Pipes *pipes, int stream, GError **error)
{
    int ends[2];
    int ours = stream == STDIN_FILENO ? 1 : 0;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        int saved = errno;

        g_set_error_literal(error, G_IO_ERROR, (int)g_io_error_from_errno(saved),
                            g_strerror(saved)); /* glib's words */
        return FALSE;
    }
    pipes->child[stream] = ends[1 - ours];
    pipes->ours[stream] = ends[ours];
    if (fcntl(pipes->ours[stream], F_SETFL, O_NONBLOCK) < 0)
        return tn_error_from_errno(error, errno, "fcntl");
    return TRUE;
}

static gboolean
open_pipes(Pipes *pipes, const TnJobSpec *spec, GError **error)
{
    if (spec->has_input && !open_pipe(pipes, STDIN_FILENO, error))
        return FALSE;
    if (spec->out == TN_JOB_OUTPUT_CAPTURE && !open_pipe(pipes, STDOUT_FILENO, error))
        return FALSE;
    if (spec->err == TN_JOB_OUTPUT_CAPTURE && !open_pipe(pipes, STDERR_FILENO, error))
        return FALSE;
    if (spec->err == TN_JOB_OUTPUT_MERGE && pipes->child[STDOUT_FILENO] >= 0) {
        pipes->child[STDERR_FILENO] = fcntl(pipes->child[STDOUT_FILENO], F_DUPFD_CLOEXEC, 3);
        if (pipes->child[STDERR_FILENO] < 0)
            return tn_error_from_errno(error, errno, "dup");
    }
    return TRUE;
}

static TnJob *
create_job(TnJobs *jobs, const TnJobSpec *spec, gint64 number, Pipes *pipes)
{
    const TnSpawnSpec *program = tn_spawn_plan_get_spec(spec->plan);
    TnCaptureBudget budget = {
        .pool = &jobs->pool,
        .limit_bytes = spec->limit_bytes,
        .reserved_bytes = spec->reserved_bytes,
        .stream_max_bytes = program->output_max_bytes,
    };
    TnJobInfo info = {
        .number = number,
        .channel = spec->channel,
        .name = g_strdup(spec->name),
        .path = g_strdup(program->program_fd >= 0 ? program->argv[0] : program->path),
        .started_ns = tn_clock_realtime_ns(),
        .started_us = tn_clock_monotonic_us(),
    };
    TnJob *job = tn_job_new(&jobs->host, &info);

    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        if (pipes->ours[1 + i] >= 0)
            tn_job_add_stream(job, (TnJobStreamIndex)i, spec->on_full, &budget,
                              tn_fd_steal(&pipes->ours[1 + i]));
    if (pipes->ours[STDIN_FILENO] >= 0) {
        TnFeed *feed = tn_job_add_feed(job, tn_fd_steal(&pipes->ours[STDIN_FILENO]));

        if (spec->input != NULL)
            tn_feed_push(feed, spec->input);
        if (!spec->keep_open)
            tn_feed_finish(feed);
    }
    return job;
}

static void
fail_start(Entry *entry, TnJobStarted started, TnChildStep step, const GError *error)
{
    gpointer data = entry->data;

    tn_job_abandon(entry->job);
    tn_jobgroup_remove(entry->jobs->host.group_parent, entry->number);
    entry->jobs->n_running--;
    g_hash_table_remove(entry->jobs->by_number, &entry->number);
    started(data, NULL, step, error);
}

static void
handle_spawned(gpointer data, const TnSpawnOutcome *outcome)
{
    Entry *entry = data;
    TnJobs *jobs = entry->jobs;
    TnJobStarted started = entry->started;
    gpointer key = make_pid_key(outcome->pid);
    g_autoptr(GError) error = NULL;

    entry->started = NULL;
    if (outcome->error != NULL) {
        fail_start(entry, started, outcome->step, outcome->error);
        return;
    }
    if (!tn_job_begin(entry->job, outcome->pid, outcome->pidfd, entry->timeout_us, entry->grace_us,
                      &error)) {
        /* It cannot be watched, so it must not run. */
        tn_job_kill(entry->job, TN_JOB_KILLED, SIGKILL, 0);
        fail_start(entry, started, TN_CHILD_STEP_N, error);
        return;
    }
    entry->older = g_hash_table_lookup(jobs->by_pid, key);
    g_hash_table_insert(jobs->by_pid, key, entry);
    entry->running = TRUE;
    started(entry->data, entry->job, TN_CHILD_STEP_N, NULL);
}

static Entry *
create_entry(TnJobs *jobs, const TnJobSpec *spec, TnJob *take_job)
{
    const TnSpawnSpec *program = tn_spawn_plan_get_spec(spec->plan);
    Entry *entry = g_new0(Entry, 1);

    entry->job = take_job;
    entry->jobs = jobs;
    entry->number = tn_job_get_info(take_job)->number;
    entry->keep_us = spec->keep_us > 0 ? spec->keep_us : jobs->limits.keep_us;
    entry->timeout_us = program->timeout_us;
    entry->grace_us = program->grace_us;
    if (spec->has_grace)
        entry->grace_us = MIN(entry->grace_us, spec->grace_us);
    g_hash_table_insert(jobs->by_number, &entry->number, entry);
    return entry;
}

gboolean
tn_jobs_start(TnJobs *jobs, const TnJobSpec *spec, TnJobStarted started, gpointer data,
              GError **error)
{
    const TnSpawnSpec *plan;
    Pipes pipes = {.child = {-1, -1, -1}, .ours = {-1, -1, -1}};
    gint64 number;
    int group = -1;
    Entry *entry;

    if (jobs->n_running >= jobs->limits.max_children) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, "%u programs are running", jobs->n_running);
        return FALSE;
    }
    if (!jobs->take_number(jobs->number_data, &number, error))
        return FALSE;
    make_room(jobs);
    if (!open_pipes(&pipes, spec, error)) {
        clear_pipes(&pipes);
        return FALSE;
    }
    entry = create_entry(jobs, spec, create_job(jobs, spec, number, &pipes));
    entry->started = started;
    entry->data = data;
    tn_job_set_charge(entry->job, spec->charge, spec->release_charge);
    plan = tn_spawn_plan_get_spec(spec->plan);
    tn_job_set_rules(entry->job, plan->kills_on_overflow, plan->confine.filters[0] != NULL);
    jobs->n_running++;
    if (spec->is_grouped || entry->timeout_us > 0 || plan->group.is_wanted)
        group = tn_job_add_group(entry->job);
    tn_spawner_start_in(jobs->spawner, spec->plan, pipes.child, group, handle_spawned, entry);
    return TRUE;
}

const TnJobHost *
tn_jobs_get_host(const TnJobs *jobs)
{
    return &jobs->host;
}

void
tn_jobs_adopt(TnJobs *jobs, TnJob *take_job)
{
    const TnJobInfo *info = tn_job_get_info(take_job);
    gpointer key = make_pid_key(info->pid);
    Entry *entry = g_new0(Entry, 1);

    entry->job = take_job;
    entry->jobs = jobs;
    entry->number = info->number;
    entry->keep_us = jobs->limits.keep_us;
    entry->running = TRUE;
    g_hash_table_insert(jobs->by_number, &entry->number, entry);
    entry->older = g_hash_table_lookup(jobs->by_pid, key);
    g_hash_table_insert(jobs->by_pid, key, entry);
    jobs->n_running++;
    if (info->ended)
        handle_ended(jobs, take_job);
}

TnJob *
tn_jobs_find_pid(TnJobs *jobs, const char *channel, gint64 pid)
{
    const Entry *entry = NULL;

    if (pid > 0 && pid <= G_MAXINT)
        entry = g_hash_table_lookup(jobs->by_pid, make_pid_key(pid));
    while (entry != NULL && tn_job_get_info(entry->job)->channel != channel)
        entry = entry->older;
    return entry != NULL ? entry->job : NULL;
}

static Entry *
find_entry(const TnJobs *jobs, const char *channel, gint64 number)
{
    Entry *entry = g_hash_table_lookup(jobs->by_number, &number);

    if (entry == NULL || !entry->running || tn_job_get_info(entry->job)->channel != channel)
        return NULL;
    return entry;
}

TnJob *
tn_jobs_find_number(TnJobs *jobs, const char *channel, gint64 number)
{
    const Entry *entry = find_entry(jobs, channel, number);

    return entry != NULL ? entry->job : NULL;
}

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
    const TnJob *const *first = a;
    const TnJob *const *second = b;
    gint64 x = tn_job_get_info(*first)->number;
    gint64 y = tn_job_get_info(*second)->number;

    return x < y ? -1 : x > y;
}

static void
unref_job(gpointer data)
{
    tn_job_unref(data);
}

GPtrArray *
tn_jobs_list(TnJobs *jobs, const char *channel)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(unref_job);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, jobs->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Entry *entry = value;

        if (entry->running && (channel == NULL || tn_job_get_info(entry->job)->channel == channel))
            g_ptr_array_add(list, tn_job_ref(entry->job));
    }
    g_ptr_array_sort(list, compare_numbers);
    return list;
}

void
tn_jobs_mark_read(TnJobs *jobs, TnJob *job)
{
    const TnJobInfo *info = tn_job_get_info(job);
    Entry *entry = find_entry(jobs, info->channel, info->number);

    if (entry == NULL || entry->queue != &jobs->unread)
        return;
    leave_queue(jobs, entry);
    enter_queue(jobs, entry, &jobs->read);
    trim_records(jobs);
}

gboolean
tn_jobs_forget(TnJobs *jobs, TnJob *job)
{
    const TnJobInfo *info = tn_job_get_info(job);
    Entry *entry = find_entry(jobs, info->channel, info->number);

    if (entry != NULL && entry->queue == NULL)
        return FALSE;
    if (entry != NULL)
        remove_entry(jobs, entry);
    return TRUE;
}
