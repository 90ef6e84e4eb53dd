/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A pool of our own instead of GThreadPool, which can neither tell that all its threads hang nor
 * be left behind at exit. One lock; results come back through a list and a timer source that any
 * thread may set off. Knows nothing of calls: it carries a pointer.
 *
 * The pool is counted: each thread holds a reference, so a thread that comes back after
 * tn_workers_free finds a closed pool and leaves.
 */

#include "agent/worker.h"

#include "platform/clock.h"
#include "platform/loop.h"

enum {
    IDLE_THREADS = 1, /* kept for the next time; the others end */
};

typedef struct {
    TnWorkerFunc run;
    TnWorkerFunc done;
    gpointer data;
} Job;

struct TnWorkers {
    gint n_refs;
    guint max_threads;
    TnTimer *finished; /* set off by threads; main thread frees it */

    GMutex lock; /* all below */
    GCond wake;
    gboolean closed;
    guint n_threads;
    guint n_idle;
    gint64 last_start_us; /* when a thread last took a job */
    GQueue waiting;
    GQueue done;
};

static void
unref_workers(TnWorkers *workers)
{
    if (!g_atomic_int_dec_and_test(&workers->n_refs))
        return;
    g_queue_clear_full(&workers->waiting, g_free);
    g_queue_clear_full(&workers->done, g_free);
    g_cond_clear(&workers->wake);
    g_mutex_clear(&workers->lock);
    g_free(workers);
}

/* The next job, or NULL when this thread should end. Called and left with the lock held. */
static Job *
take_job(TnWorkers *workers)
{
    while (!workers->closed && g_queue_is_empty(&workers->waiting)) {
        if (workers->n_idle >= IDLE_THREADS)
            return NULL;
        workers->n_idle++;
        g_cond_wait(&workers->wake, &workers->lock);
        workers->n_idle--;
    }
    if (workers->closed)
        return NULL;
    workers->last_start_us = tn_clock_monotonic_us();
    return g_queue_pop_head(&workers->waiting);
}

static gpointer
run_thread(gpointer data)
{
    TnWorkers *workers = data;
    Job *job;

    g_mutex_lock(&workers->lock);
    while ((job = take_job(workers)) != NULL) {
        g_mutex_unlock(&workers->lock);
        job->run(job->data);
        g_mutex_lock(&workers->lock);
        g_queue_push_tail(&workers->done, job);
        if (!workers->closed)
            tn_timer_set(workers->finished, 0);
    }
    workers->n_threads--;
    g_mutex_unlock(&workers->lock);
    unref_workers(workers);
    return NULL;
}

static void
finish_jobs(gpointer data)
{
    TnWorkers *workers = data;
    Job *job;

    for (;;) {
        g_mutex_lock(&workers->lock);
        job = g_queue_pop_head(&workers->done);
        g_mutex_unlock(&workers->lock);
        if (job == NULL)
            return;
        job->done(job->data);
        g_free(job);
    }
}

TnWorkers *
tn_workers_new(guint max_threads)
{
    TnWorkers *workers = g_new0(TnWorkers, 1);

    workers->n_refs = 1;
    workers->max_threads = max_threads > 0 ? max_threads : TN_WORKER_THREADS;
    g_mutex_init(&workers->lock);
    g_cond_init(&workers->wake);
    g_queue_init(&workers->waiting);
    g_queue_init(&workers->done);
    workers->finished = tn_timer_new(TN_LOOP_IO, finish_jobs, workers);
    return workers;
}

void
tn_workers_free(TnWorkers *workers)
{
    if (workers == NULL)
        return;
    g_mutex_lock(&workers->lock);
    workers->closed = TRUE;
    tn_timer_free(workers->finished);
    workers->finished = NULL;
    g_cond_broadcast(&workers->wake);
    g_mutex_unlock(&workers->lock);
    unref_workers(workers);
}

/* Called with the lock held. */
static gboolean
has_room(TnWorkers *workers)
{
    gboolean full = workers->n_threads >= workers->max_threads && workers->n_idle == 0;

    if (!full)
        return TRUE;
    if (g_queue_get_length(&workers->waiting) >= TN_WORKER_WAITING)
        return FALSE;
    return tn_clock_monotonic_us() - workers->last_start_us < TN_WORKER_STUCK_US;
}

gboolean
tn_workers_run(TnWorkers *workers, TnWorkerFunc run, TnWorkerFunc done, gpointer data)
{
    gboolean accepted;
    gboolean start = FALSE;

    g_mutex_lock(&workers->lock);
    accepted = has_room(workers);
    if (accepted) {
        Job *job = g_new0(Job, 1);

        job->run = run;
        job->done = done;
        job->data = data;
        g_queue_push_tail(&workers->waiting, job);
        /* Idle threads that were woken already have not left the wait yet: compare counts. */
        start = g_queue_get_length(&workers->waiting) > workers->n_idle &&
                workers->n_threads < workers->max_threads;
        if (start) {
            workers->n_threads++;
            workers->last_start_us = tn_clock_monotonic_us();
        } else {
            g_cond_signal(&workers->wake);
        }
    }
    g_mutex_unlock(&workers->lock);

    if (start) {
        g_atomic_int_inc(&workers->n_refs);
        g_thread_unref(g_thread_new("tenon-worker", run_thread, workers));
    }
    return accepted;
}
