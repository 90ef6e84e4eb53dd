/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/ask.h"
#include "client/conn.h"

#include <glib.h>
#include <stdio.h>

/*
 * One agent as its user sees it: ask for a command, get its return value or a failure. Holds the
 * deadline of the whole undertaking. Everything blocks until its deadline at the latest.
 */

typedef struct TnAgent TnAgent;

typedef struct {
    const char *endpoint;      /* as tn_endpoint_parse takes it */
    const char *libvirt_uri;   /* NULL: libvirt's default */
    gint64 timeout_us;         /* for everything together; < 0: none */
    gint64 connect_timeout_us; /* until the agent answers for the first time */
    gint64 wait_agent_us;      /* goes on trying that long; < 0: tries once */
    const char *trace_path;    /* file that every request and reply is appended to; NULL: none */
} TnDialOptions;

/* Reaches the agent and makes sure that it answers; the texts of OPTIONS outlive it. Errors: those
 * of tn_conn_open and tn_conn_hello; TN_FAILURE_TIMEOUT when the time for everything is over. Free
 * with tn_dial_close.
 */
TnAgent *tn_dial_open(const TnDialOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void tn_dial_close(TnAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAgent, tn_dial_close)

/* The agent may take as long as --timeout allows (else without end). */
#define TN_DIAL_PATIENT (-1)
/* The usual time for one answer. */
#define TN_DIAL_ANSWER_US (G_GINT64_CONSTANT(60) * G_USEC_PER_SEC)

/* Sends ASK and waits at most ANSWER_US (TN_DIAL_PATIENT: no limit of its own) for the answer.
 * *RET_AT is the token of the return value in the returned reply. Errors: what the agent answered
 * (tn_failure_new_from_guest); TN_FAILURE_TIMEOUT when the time for everything is over;
 * TN_FAILURE_AGENT_ABSENT when this one answer did not come; others of tn_conn_exchange. */
TnAnswer *tn_dial_send(TnAgent *agent, TnAsk *ask, gint64 answer_us, guint *ret_at, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* As tn_dial_send with a command without arguments. */
TnAnswer *tn_dial_simple(TnAgent *agent, const char *command, guint *ret_at, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Sends ASK without waiting for its answer, which tn_dial_finish gives; several may be under way,
 * and are finished in the order of their beginning. Where the way carries one at a time, the
 * request waits here. Errors: those of tn_dial_send; then, as after a failure of tn_dial_finish
 * that the agent did not answer itself, nothing is under way any more. */
gboolean tn_dial_begin(TnAgent *agent, TnAsk *ask, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The answer to the oldest request that is under way; as tn_dial_send. */
TnAnswer *tn_dial_finish(TnAgent *agent, gint64 answer_us, guint *ret_at, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Frees ANSWER (NULL is allowed), so that the next large one costs no fresh memory. */
void tn_dial_recycle(TnAgent *agent, TnAnswer *take_answer);
/* Takes and forgets the answers to all that is under way. */
void tn_dial_abandon(TnAgent *agent);
/* How many requests are worth having under way at once. */
guint tn_dial_get_depth(const TnAgent *agent);

/* Sends TEXT as it stands and gives the whole reply, an error object included. Through libvirt an
 * agent's error is a failure, since its class is lost on the way. */
TnAnswer *tn_dial_send_raw(TnAgent *agent, const GString *text, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Reaches the agent anew after the connection was lost, trying for at most LIMIT_US; the deadline
 * and the wake descriptor stay. Errors: those of tn_dial_open. */
gboolean tn_dial_again(TnAgent *agent, gint64 limit_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As tn_conn_set_wake. */
void tn_dial_set_wake(TnAgent *agent, int fd);

/* Gives US more time for everything; with US < 0 there is no limit any more. For a command that
 * watches the user's time by itself. */
void tn_dial_extend(TnAgent *agent, gint64 us);

/* Until when everything has to be done. */
gint64 tn_dial_get_deadline(const TnAgent *agent);
/* The time for everything, as given; < 0: none. */
gint64 tn_dial_get_timeout(const TnAgent *agent);
const TnEndpoint *tn_dial_get_endpoint(const TnAgent *agent);
/* Limits of the way there. */
gsize tn_dial_get_request_max(const TnAgent *agent);
gsize tn_dial_get_reply_max(const TnAgent *agent);
/* Largest number of raw bytes that a request can carry as base64 beside its other arguments. */
gsize tn_dial_get_piece(const TnAgent *agent);
gint64 tn_dial_get_wait_max_ms(const TnAgent *agent);
