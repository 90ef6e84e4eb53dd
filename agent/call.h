/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"
#include "agent/message.h"
#include "agent/registry.h"
#include "agent/reply.h"

#include <glib.h>
#include <stddef.h>

/*
 * One request on its way, as sessions and workers see it (commands see agent/command.h), and its
 * inside, which is private to call.c and dispatch.c.
 *
 * References: the session (or dispatch, before it hands the call over), a handler that deferred,
 * a worker. The last one out gives the memory back to dispatch. Counted on the main thread only.
 */

/* What a call must know of the peer that it came from. Owned by the session; must live until all
 * calls that name it are dropped. */
typedef struct {
    const char *channel;     /* interned: the port or the listener */
    gsize reply_limit_bytes; /* G_MAXSIZE: none */
    gboolean is_serial;
    /* A call that tn_dispatch_request() returned without a reply has one now. Never called from
     * within tn_dispatch_request(), and not for calls that were dropped. */
    void (*answered)(TnCall *call, gpointer data);
    gpointer data;
} TnPeerLink;

/* Borrowed from CALL; NULL while it is pending. */
TnReply *tn_call_get_reply(TnCall *call);
/* TRUE when the next request may be dispatched while CALL is pending. */
gboolean tn_call_is_overlapping(const TnCall *call);
/* Tells the handler, once, that somebody waits; it may answer before this returns. */
void tn_call_hurry(TnCall *call);
/* Ends the session's interest, also in a call that is pending: it hurries, and its answer is
 * thrown away. CALL is invalid afterwards for the session. */
void tn_call_drop(TnCall *call);

/* For the worker, see TnDispatchConfig.submit: runs the handler, on any thread. */
void tn_call_work(TnCall *call);
/* Makes the reply from what the handler left, on the main thread. CALL is invalid afterwards for
 * the worker. */
void tn_call_end_work(TnCall *call);

/* What follows is private to call.c and dispatch.c. */

enum {
    TN_CALL_INLINE_BYTES = 256 /* args and results up to that need no allocation */
};

typedef enum {
    TN_CALL_RUNNING,  /* in the gates or in the handler, on the main thread */
    TN_CALL_DEFERRED, /* the handler has kept it */
    TN_CALL_WORKING,  /* in a worker */
    TN_CALL_ANSWERED,
} TnCallPhase;

/* A message that outlives its frame; shared by a call and by the bytes stolen from it. */
typedef struct {
    gatomicrefcount n_refs;
    TnMessage message;
} TnHeldMessage;

/* What a call asks its dispatcher for. */
typedef struct {
    /* Makes the reply, once; TAKE_ERROR NULL: from the result. */
    void (*answer)(TnCall *call, GError *take_error);
    /* Takes CALL to a worker; answers it if there is none. */
    void (*submit)(TnCall *call);
    /* Takes the memory of a call that has ended. */
    void (*release)(TnCall *call);
    /* NULL, or why ENTRY would not be let in now. */
    const char *(*explain_disabled)(gpointer owner, const TnRegistryEntry *entry);
} TnCallOps;

struct TnCall {
    guint n_refs;
    TnCallPhase phase;
    const TnCallOps *ops;
    gpointer owner; /* the dispatcher */
    const TnRegistry *registry;
    const TnRegistryEntry *entry; /* NULL until it is known */

    TnPeerLink *link; /* NULL when nobody waits any more */
    const char *channel;
    gsize reply_limit_bytes;
    gboolean is_serial;

    TnFrame *frame; /* this and MESSAGE: NULL once the request's turn is over */
    TnMessage *message;
    TnHeldMessage *held;
    TnRequest request;
    char *id; /* rendered; NULL: none */

    void *args;
    void *result;
    TnGrant *grant;
    TnHandler work;         /* NULL: the command's; see tn_call_go_on() */
    TnHandler end;          /* NULL: none */
    gboolean has_succeeded; /* what a worker left, with ERROR */
    GError *error;

    TnCallHurry hurry;
    gpointer hurry_data;

    GString *out;        /* where a reply may go at once */
    gboolean is_written; /* the reply is complete in OUT */
    TnReply reply;
    _Alignas(max_align_t) char space[TN_CALL_INLINE_BYTES];
};

/* Sets up CALL, memory of any content, with one reference. */
void tn_call_init(TnCall *call, TnPeerLink *link);
TnCall *tn_call_ref(TnCall *call);
void tn_call_unref(TnCall *call);

/* Zeroed args and result for the command of CALL. */
void tn_call_make_room(TnCall *call);
/* Runs the handler on the main thread and answers, unless it kept the call or went on elsewhere. */
void tn_call_run(TnCall *call);
/* Ends CALL, of which WORK may have left something, with TAKE_ERROR or, when that is NULL, as its
 * END says. */
void tn_call_end(TnCall *call, GError *take_error);
/* Takes the request's memory away from the frame if args point into it. */
void tn_call_keep_message(TnCall *call);
