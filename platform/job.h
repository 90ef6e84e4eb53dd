/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/capture.h"
#include "platform/child.h"
#include "platform/feed.h"

#include <glib.h>
#include <sys/types.h>

/*
 * One child and its record: its streams, its end, its time limit. The record outlives the child
 * until platform/jobs.h lets it go. Main thread only.
 */

typedef struct TnJob TnJob; /* counted */

/* Why a job ended. The words of the wire stand in tn_job_reason_word(). */
typedef enum {
    TN_JOB_EXIT,
    TN_JOB_SIGNAL,
    TN_JOB_TIMEOUT,
    TN_JOB_OUTPUT_LIMIT,
    TN_JOB_OOM,
    TN_JOB_SECCOMP,
    TN_JOB_KILLED,       /* by tn_job_kill */
    TN_JOB_EXIT_UNKNOWN, /* ended while nobody watched, and the kernel does not tell how */
    TN_JOB_LOST,         /* may still run; this agent has no hold of it */
    TN_JOB_REASON_N,
} TnJobReason;

/* What is known of a job. */
typedef struct {
    gint64 number;
    pid_t pid;
    const char *channel; /* interned */
    char *name;          /* NULL: none */
    char *path;
    gint64 started_ns; /* since the epoch */
    gint64 started_us; /* monotonic */
    /* The child has ended, and so has the short wait for what it left in its pipes. Everything
     * below is set from then on. */
    gboolean ended;
    gint64 ended_ns;
    gint64 ended_us;
    TnJobReason reason;
    int exit_code; /* when signal is 0 */
    int signal;
    char *denied_call; /* TN_JOB_SECCOMP: which call, where the kernel's log says it; or NULL */
    const char *denied_arch; /* static; with DENIED_CALL */
    gint64 cpu_us;           /* user and system, waited-for descendants included */
    guint64 peak_bytes;      /* largest resident size of a process of it */
} TnJobInfo;

/* Gives CHARGE back. JOB has ended and tells how; NULL when that is not known. */
typedef void (*TnJobRelease)(gpointer charge, const TnJob *job);

typedef enum {
    TN_JOB_STDOUT,
    TN_JOB_STDERR,
    TN_JOB_N_STREAMS,
} TnJobStreamIndex;

TnJob *tn_job_ref(TnJob *job);
void tn_job_unref(TnJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnJob, tn_job_unref)

/* Borrowed; changes as the job goes on. */
const TnJobInfo *tn_job_get_info(const TnJob *job);

/* The word of REASON that goes out, such as "exit-unknown". Static. */
const char *tn_job_reason_word(TnJobReason reason);

/* The captured stream; NULL when it was not captured (merged: all is in TN_JOB_STDOUT). Borrowed
 * from the job. */
const TnCapture *tn_job_get_capture(const TnJob *job, TnJobStreamIndex index);
/* No more bytes will be captured from that stream. TRUE also when it was not captured. */
gboolean tn_job_has_stream_ended(const TnJob *job, TnJobStreamIndex index);
/* A reader has what is below OFFSET: in mode TN_CAPTURE_WAIT it is given up, and a stream that
 * waited for room is read again. Else nothing changes. */
void tn_job_acknowledge(TnJob *job, TnJobStreamIndex index, guint64 offset);
/* TRUE when a stream in mode TN_CAPTURE_WAIT is full and waits for its reader. */
gboolean tn_job_is_stream_waiting(const TnJob *job, TnJobStreamIndex index);
/* User and system time so far, or in all once it has ended. While it runs, that of the main child
 * alone. */
gint64 tn_job_get_cpu_us(const TnJob *job);
/* All bytes that the record holds. */
guint64 tn_job_get_held_bytes(const TnJob *job);

/* Standard input while it is open for more; NULL once it was finished or the child has ended. */
TnFeed *tn_job_get_feed(TnJob *job);
/* Bytes that it has taken over so far; also after its end. */
guint64 tn_job_get_input_total(const TnJob *job);

/* Sends SIGNAL to the child, or with TREE to its whole session as far as it can be reached. Errors:
 * G_IO_ERROR from errno; NOT_FOUND when it has ended. */
gboolean tn_job_signal(TnJob *job, int signal, gboolean tree, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* SIGNAL to the whole tree now, KILL after GRACE_US; the job ends with REASON. A kill that is under
 * way keeps its reason and the nearer end. Does nothing when the job has ended. */
void tn_job_kill(TnJob *job, TnJobReason reason, int signal, gint64 grace_us);

typedef enum {
    TN_JOB_EVENT_OUTPUT = 1 << 0, /* bytes were captured, or a stream has ended */
    TN_JOB_EVENT_INPUT = 1 << 1,  /* the child has read, or closed its standard input */
    TN_JOB_EVENT_ALL = ~0,        /* the job has ended */
} TnJobEvents;

/* Waiting for a job. Embedded in its owner, all zero before. */
typedef struct TnJobWaiter TnJobWaiter;

struct TnJobWaiter {
    GList link;
    GQueue *queue; /* NULL: does not wait */
    guint events;  /* TnJobEvents; the end always counts */
    /* Called once, when one of the events has come about; no longer waiting then. */
    void (*notify)(TnJobWaiter *waiter);
};

/* WAITER is borrowed until it was notified or tn_job_unwait. */
void tn_job_wait(TnJob *job, TnJobWaiter *waiter);
/* Does nothing when WAITER does not wait. */
void tn_job_unwait(TnJobWaiter *waiter);

/*
 * For platform/jobs.c alone: how a job comes to be.
 */

/* What all jobs share. */
typedef struct {
    GMainContext *context;
    TnWatchSet *set;
    TnCapturePool *pool;
    int group_parent; /* see jobgroup.h; -1: none */
    uint8_t *scratch; /* TN_CAPTURE_SCRATCH_BYTES */
    gpointer data;
    void (*ended)(gpointer data, TnJob *job);
    /* A pipe that something else than the child still holds open: must be read and thrown away,
     * or that something would block or die. Takes FD. */
    void (*linger)(gpointer data, int take_fd);
} TnJobHost;

/* A job without a child. HOST is borrowed and outlives it. INFO is taken over with its strings. */
TnJob *tn_job_new(const TnJobHost *host, const TnJobInfo *take_info);
/* Makes it capture FD (taken); before tn_job_begin. BUDGET is copied at the first call. */
void tn_job_add_stream(TnJob *job, TnJobStreamIndex index, TnCaptureFull full,
                       const TnCaptureBudget *budget, int take_fd);
/* Makes it feed FD (taken); before tn_job_begin. */
TnFeed *tn_job_add_feed(TnJob *job, int take_fd);
/* Makes a control group for it; before tn_job_begin. The group's directory, borrowed; -1: there is
 * none. */
int tn_job_add_group(TnJob *job);
/* The child runs: PIDFD is taken, TIMEOUT_US (0: none) counts from now. Errors: G_IO_ERROR from
 * errno; the job must be dropped then. */
gboolean tn_job_begin(TnJob *job, pid_t pid, int take_pidfd, gint64 timeout_us, gint64 grace_us,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the job's plan says of its end: whether a stream that loses bytes ends it, and whether
 * SIGSYS means that a filter did. */
void tn_job_set_rules(TnJob *job, gboolean kills_on_overflow, gboolean is_filtered);
/* What is released as soon as the child has ended. */
void tn_job_set_charge(TnJob *job, gpointer charge, TnJobRelease release);
/* Closes all descriptors and forgets the child, which lives on. */
void tn_job_abandon(TnJob *job);
