/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/job.h"

/*
 * What a job is made of: for job.c, which runs it, and jobsave.c, which hands it to another process
 * and takes it back.
 */

typedef struct {
    TnJob *job;
    int fd;
    TnWatch watch;
    TnCapture *capture; /* NULL: not captured */
    TnCaptureFull full;
    gboolean ended;
} TnJobStream;

/* TnJobDeadlines, monotonic; 0: none. */
typedef struct {
    gint64 timeout_us;
    gint64 kill_us;
    gint64 drain_us;
    gint64 ask_us; /* look again how a child that is not ours has ended */
} TnJobDeadlines;

typedef struct {
    GSource source;
    TnJob *job;
} TnJobTimer;

struct TnJob {
    guint refs;
    const TnJobHost *host;
    TnJobInfo info;
    int pidfd; /* -1: not begun, or reaped */
    int group; /* directory of its control group; -1: none */
    TnWatch exit_watch;
    TnCaptureBudget budget;
    TnJobStream streams[TN_JOB_N_STREAMS];
    TnFeed feed;
    gboolean reaped;
    gboolean draining; /* the time of grace is over */
    gboolean killing;
    TnJobReason kill_reason;
    gboolean kills_on_overflow;
    gboolean is_filtered;
    gint64 grace_us;
    guint n_asked; /* times that ask_us came */
    TnJobDeadlines deadlines;
    TnJobTimer *timer; /* NULL until the first deadline */
    gpointer charge;
    TnJobRelease release_charge;
    GQueue waiters;
    GQueue firing; /* those that are being told */
};

/* Watches what JOB holds and arms its timer: it was just made or restored. Errors: G_IO_ERROR from
 * errno. */
gboolean tn_job_watch_all(TnJob *job, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A feed of its own, which tells waiters of progress. */
void tn_job_set_feed(TnJob *job, int take_fd);
