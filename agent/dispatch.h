/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/call.h"
#include "agent/registry.h"
#include "agent/reply.h"
#include "agent/wire/frame.h"

#include <glib.h>

/*
 * One request through the gates to its handler, and exactly one reply back. Main thread only, save
 * for tn_call_work(). Nothing here blocks; handlers of BLOCKING commands are given to a worker.
 *
 * What a session does with it:
 *   - The next request of a peer is dispatched when the last call has been answered and dropped, or
 *     while all that are pending are overlapping (tn_call_is_overlapping). Replies go out in the
 *     order of the requests.
 *   - tn_dispatch_request() writes a reply that is ready at once into OUT and returns NULL. If
 *     something must be sent before it (a pending call), OUT is NULL and every reply comes as a
 * call.
 *   - A call that is returned has its reply already (tn_call_get_reply; one with bulk data) or gets
 *     it later, which TnPeerLink.answered tells. Fill from the reply until it is complete, then
 *     tn_call_drop().
 *   - Input that arrives while a call is pending: tn_call_hurry(). Peer gone: tn_call_drop().
 */

typedef struct TnDispatch TnDispatch;

/* What the dispatcher needs; all of it must outlive the dispatcher and its calls. */
typedef struct {
    TnRegistry *registry; /* started */
    TnPolicyHolder *policy;
    /* Whether file systems are frozen now; NULL: never. */
    gboolean (*is_frozen)(gpointer data);
    /* Takes CALL of a BLOCKING command to a thread, where tn_call_work() runs, and afterwards calls
     * tn_call_end_work() on the main thread; both exactly once. FALSE: it was not taken, and
     * neither is called. NULL: such calls run at once. */
    gboolean (*submit)(TnCall *call, gpointer data);
    gpointer data; /* for both */
} TnDispatchConfig;

/* CONFIG is copied. */
TnDispatch *tn_dispatch_new(const TnDispatchConfig *config);
/* NULL is accepted. Calls that are pending stay valid for those who hold them, but have no answer
 * any more. */
void tn_dispatch_free(TnDispatch *dispatch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnDispatch, tn_dispatch_free)

/* Runs the request in MESSAGE, which FRAME has handed out and which must not be used afterwards
 * (it may have been detached from FRAME). NULL: answered to the end, the line (or nothing, for a
 * silent command) was appended to OUT. Else a call that the session must end with tn_call_drop().
 * With OUT NULL always a call. */
TnCall *tn_dispatch_request(TnDispatch *dispatch, TnPeerLink *link, TnFrame *frame,
                            TnMessage *message, GString *out) G_GNUC_WARN_UNUSED_RESULT;

/* The answer to input that was no message: WHY is what tn_frame_next() said. As above. */
TnCall *tn_dispatch_malformed(TnDispatch *dispatch, TnPeerLink *link, const char *why, GString *out)
    G_GNUC_WARN_UNUSED_RESULT;
