/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * A job of tenon's agent as its reader sees it: started here or found, read from byte offsets so
 * that nothing is lost or doubled, written to, signalled. Source: tenon-exec and its kin.
 */

typedef enum {
    TN_STREAM_OUT,
    TN_STREAM_ERR,
    TN_STREAM_N,
} TnStream;

typedef struct {
    const char *path;
    const char *const *args; /* argv[1..], ends in NULL; may be NULL */
    const char *const *env;  /* NAME=value, on top of the agent's; may be NULL */
    const char *cwd;         /* NULL: the agent's choice, as are the next two */
    const char *user;
    const char *name;
    const guint8 *input; /* given to the program at once; NULL: none */
    gsize input_size;
    gboolean opens_stdin; /* written to later; not together with input */
    gboolean is_detached; /* nobody reads along: the last bytes are kept, the program never waits */
    gint64 timeout_us;    /* the agent ends it then; < 0: never. So for the next two */
    gint64 grace_us;      /* from TERM to KILL */
    gint64 keep_us;       /* its record, after its end */
} TnJobSpec;

/* Takes bytes of one stream. Errors: whatever it likes; they end the reading. */
typedef gboolean (*TnFollowSink)(gpointer data, TnStream stream, const guint8 *bytes, gsize size,
                                 GError **error);

typedef struct {
    TnAgent *agent;
    TnFollowSink sink;
    gpointer sink_data;
    gint64 job;
    gint64 pid;               /* 0: unknown */
    gint64 next[TN_STREAM_N]; /* offset of the first byte that was not read yet */
    gint64 lost[TN_STREAM_N]; /* bytes that were dropped before they could be read */
    gint64 total[TN_STREAM_N];
    gboolean is_at_end[TN_STREAM_N]; /* nothing more will come */
    gboolean has_read;               /* an answer with its state has come */
    gboolean has_ended;
    gboolean is_drained; /* has ended, and everything was read */
    int exit_code;       /* -1: none */
    int signal;          /* 0: none */
    char *reason;        /* of the end, such as "exit"; NULL before */
    gint64 written;      /* bytes of stdin that the agent has taken */
} TnFollow;

/* Frees what FOLLOW owns; the job goes on. */
void tn_follow_clear(TnFollow *follow);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnFollow, tn_follow_clear)

/* Starts SPEC; the answer waits up to WAIT_MS for the end of the program and then holds its output
 * too, so that a short program is one exchange. agent, sink and sink_data of FOLLOW are set before.
 * Errors: those of tn_dial_send; TN_FAILURE_NO_SUCH_COMMAND from an agent without jobs;
 * TN_FAILURE_USAGE for texts that are not UTF-8. */
gboolean tn_follow_start(TnFollow *follow, const TnJobSpec *spec, gint64 wait_ms, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Finds the job that WORD means: its number, or the name of a job, of which a running one is taken
 * first and then the newest. Errors: TN_FAILURE_NO_SUCH_JOB; those of tn_dial_send. */
gboolean tn_follow_find(TnFollow *follow, const char *word, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Reads what there is, at most one answer full; waits up to WAIT_MS for something. */
gboolean tn_follow_read(TnFollow *follow, gint64 wait_ms, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives the program SIZE bytes of stdin, of which *RET_TAKEN were taken, and with SHALL_CLOSE the
 * end of it once all are. */
gboolean tn_follow_write(TnFollow *follow, const guint8 *data, gsize size, gboolean shall_close,
                         gsize *ret_taken, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sends SIGNAL (a name or a number) to the job's whole tree; after GRACE_US (< 0: never) KILL. */
gboolean tn_follow_signal(TnFollow *follow, const char *signal, gint64 grace_us, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Sends KILL to the tree as well as it can be done: for a way out that has its own error. */
void tn_follow_kill(TnFollow *follow);

/* The exit code that stands for the end of the job, or a failure: TN_FAILURE_TIMEOUT,
 * TN_FAILURE_LOST when the end is not known. */
gboolean tn_follow_get_status(const TnFollow *follow, int *ret_status, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
