/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"
#include "agent/dispatch.h"

#include <glib.h>

/*
 * Peers at work: bytes to messages to calls to replies, for all peers of the agent at once. Each
 * peer has its own framer and queue, so none waits for another; the only thing they share is the
 * memory that begun requests may take together. Main thread only; nothing here blocks.
 */

typedef struct TnSessions TnSessions;

/* MAX_BEGUN_BYTES: what the begun requests of all peers may hold together; beyond it reading pauses
 * for all but the oldest of them (requests up to 64 KiB still pass). DISPATCH must outlive it. */
TnSessions *tn_sessions_new(TnDispatch *dispatch, guint64 max_begun_bytes);
/* Drops all calls and frees all peers. Accepts NULL. */
void tn_sessions_free(TnSessions *sessions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSessions, tn_sessions_free)

/* Serves PEER, which is taken, until it ends. */
void tn_sessions_add(TnSessions *sessions, TnPeer *take_peer);

/* The peers that are served now. */
guint tn_sessions_get_n_peers(const TnSessions *sessions);
/* Ends what is under way, for an agent that becomes another program: requests that have begun are
 * read to their end and answered (held answers come at once), no other is begun. DONE is called
 * once, from the main loop: when nothing is under way, or nobody has taken anything for 2 s, or
 * after 10 s. */
void tn_sessions_drain(TnSessions *sessions, void (*done)(gpointer data), gpointer data);
/* Takes a drain back, before or after its end: requests are begun again. DONE is not called any
 * more. */
void tn_sessions_resume(TnSessions *sessions);
/* TRUE when no request and no reply is under way, not even in part. */
gboolean tn_sessions_is_quiet(const TnSessions *sessions);
/* TRUE when a reply has been written in part only: its other half would meet the next agent. */
gboolean tn_sessions_is_mid_reply(const TnSessions *sessions);
