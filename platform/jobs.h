/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/job.h"
#include "platform/spawner.h"

#include <glib.h>

/*
 * All jobs of the agent: they are started here, found by pid or number, and their records kept for
 * a while after their end. Main thread only.
 */

typedef struct TnJobs TnJobs;

/* How much is kept; from the policy in force. */
typedef struct {
    guint max_children;       /* running at the same time */
    guint64 max_output_bytes; /* held by all jobs together; what comes beyond is lost */
    guint keep_count;         /* records of ended jobs */
    guint64 keep_bytes;       /* in records that were read; unread output is not given up for
                                 it, max_output_bytes bounds that */
    gint64 keep_us;           /* after the end */
} TnJobsLimits;

typedef enum {
    TN_JOB_OUTPUT_NULL, /* /dev/null */
    TN_JOB_OUTPUT_CAPTURE,
    TN_JOB_OUTPUT_MERGE, /* stderr only: into stdout */
} TnJobOutput;

/* What is to be started. All borrowed but the charge. */
typedef struct {
    const TnSpawnPlan *plan;
    const char *channel; /* interned */
    const char *name;    /* NULL: none */
    TnJobOutput out;
    TnJobOutput err;
    TnCaptureFull on_full;
    guint64 limit_bytes; /* see TnCaptureBudget; the plan's own limit counts, too */
    guint64 reserved_bytes;
    gboolean has_input;  /* FALSE: /dev/null */
    GBytes *input;       /* may be NULL */
    gboolean keep_open;  /* more input will come through tn_job_get_feed */
    gboolean is_grouped; /* all that it starts may have to be ended; so it is with a time limit */
    gint64 keep_us;      /* 0: as the limits say */
    gboolean has_grace;  /* grace_us counts if it is less than the plan's */
    gint64 grace_us;
    gpointer charge; /* taken by a start that succeeds; released when the child has ended */
    TnJobRelease release_charge;
} TnJobSpec;

/* The next number, > 0, which no job ever had. */
typedef gboolean (*TnJobsNumber)(gpointer data, gint64 *ret_number, GError **error);

/* SPAWNER is borrowed; at the end it is freed first, so that no answer comes for jobs that are
 * gone. CONTEXT NULL: the default one. Errors: G_IO_ERROR from errno. */
TnJobs *tn_jobs_new(TnSpawner *spawner, GMainContext *context, TnJobsNumber take_number,
                    gpointer data, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The spawner has been freed: starts that wait for it fail now. NULL is allowed. */
void tn_jobs_stop(TnJobs *jobs);
/* Children live on; their pipes are closed. No job may be referenced any more. NULL is allowed. */
void tn_jobs_free(TnJobs *jobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnJobs, tn_jobs_free)

/* Takes effect at the next start or end of a job. */
void tn_jobs_set_limits(TnJobs *jobs, const TnJobsLimits *limits);

/* JOB (borrowed, in the table from now on) runs, or it is NULL and ERROR (borrowed) says why not;
 * STEP as in TnSpawnOutcome. */
typedef void (*TnJobStarted)(gpointer data, TnJob *job, TnChildStep step, const GError *error);

/* Starts a child. STARTED is called exactly once, later, if this returns TRUE. Does not block.
 * Errors: G_IO_ERROR_BUSY when max_children run, G_IO_ERROR from errno for pipes, in glib's words;
 * what take_number fails with. */
gboolean tn_jobs_start(TnJobs *jobs, const TnJobSpec *spec, TnJobStarted started, gpointer data,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Borrowed; NULL when CHANNEL has no such job. Of several with one pid the newest is found. */
TnJob *tn_jobs_find_pid(TnJobs *jobs, const char *channel, gint64 pid);
TnJob *tn_jobs_find_number(TnJobs *jobs, const char *channel, gint64 number);

/* All jobs of CHANNEL (NULL: of all), oldest first; each with a reference. */
GPtrArray *tn_jobs_list(TnJobs *jobs, const char *channel);

/* What tn_job_restore needs. */
const TnJobHost *tn_jobs_get_host(const TnJobs *jobs);
/* Enters a job that another process had. */
void tn_jobs_adopt(TnJobs *jobs, TnJob *take_job);

/* Its end was told to a client: from now on the record goes before those that nobody has asked
 * for. May free the job. */
void tn_jobs_mark_read(TnJobs *jobs, TnJob *job);

/* Removes the record of an ended job; may free it. FALSE when it still runs. */
gboolean tn_jobs_forget(TnJobs *jobs, TnJob *job);
