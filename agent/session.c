/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One peer: read, frame, dispatch, reply, in turns, until nothing can go on (work_on). Everything
 * that happens (an event of the peer, an answer of a call, room in the budget) sets a flag and
 * works on; what may be read or written next is derived from the state once, at the end (settle).
 *
 * Invariants:
 * - Replies leave in the order of their requests: a reply is written into `out` at once only when
 *   no call is queued before it.
 * - While bytes wait that the peer did not take, nothing more is read from it or dispatched, so a
 *   peer that never reads holds a bounded amount of memory and costs no CPU.
 * - `out` holds at most OUT_BYTES and one piece more.
 * Does not know what a request says, nor what kind of stream the peer is beyond TnPeer.is_edge.
 */

#include "agent/session.h"

#include "agent/budget.h"
#include "platform/clock.h"
#include "platform/loop.h"

#include <malloc.h>
#include <string.h>

enum {
    READ_BYTES = 256 * 1024,       /* per turn of the loop, so that others get theirs */
    WRITE_BYTES = 1024 * 1024,     /* likewise */
    OUT_BYTES = 256 * 1024,        /* replies gathered before they are written */
    OUT_KEPT_BYTES = 16 * 1024,    /* a larger buffer is given back after the burst */
    CALLS = 1024,                  /* overlapping calls of one peer */
    BURST_BYTES = 128 * 1024,      /* so much at once is worth giving memory back afterwards */
    ROOMY_BYTES = 1024 * 1024,     /* while the others hold less, one may take more than it needs */
    TRIM_US = G_USEC_PER_SEC / 2,  /* after the last burst */
    DRAIN_US = 2 * G_USEC_PER_SEC, /* without a byte that anybody took */
    DRAIN_MOST_US = 10 * G_USEC_PER_SEC, /* whatever they take */
};

typedef struct {
    TnSessions *all;
    GList link;
    TnPeer *peer;
    TnPeerLink peer_link;
    TnFrame *frame;
    TnBudgetShare share;
    GString *out;
    gsize n_sent;         /* of out */
    gsize n_written;      /* in this turn of the loop */
    gboolean is_partly;   /* the peer has taken a part of what was written last */
    GQueue calls;         /* TnCall, in the order of their requests */
    guint n_exclusive;    /* of them: those that nothing may overlap */
    TnTimer *again;       /* edge-triggered peers only: goes on without an event */
    gboolean is_readable; /* more may be there to read */
    gboolean is_blocked;  /* the last write was not taken as a whole */
    gboolean is_ended;    /* no more input will come */
    gboolean is_hung_up;  /* a hang-up was seen: it is not to be watched for again */
    gboolean is_skipping; /* after a malformed request, until it ends somehow */
    gboolean is_mute;     /* nobody reads: replies are thrown away */
    gboolean is_busy;     /* work_on is running */
    gboolean is_again;    /* something happened while it was */
} Session;

struct TnSessions {
    TnDispatch *dispatch;
    TnBudget *budget;
    GQueue sessions;
    TnTimer *trim;
    gint64 last_burst_us;
    TnTimer *drain;        /* looks whether it is quiet; NULL: not draining */
    gint64 drain_until_us; /* as long as nobody takes anything */
    gint64 drain_end_us;
    void (*drained)(gpointer data);
    gpointer drained_data;
};

static void
note_burst(TnSessions *all)
{
    all->last_burst_us = tn_clock_coarse_us();
    if (!tn_timer_is_set(all->trim))
        tn_timer_set(all->trim, all->last_burst_us + TRIM_US);
}

static gsize
get_unsent(const Session *session)
{
    return session->out->len - session->n_sent;
}

static void
trim_memory(gpointer data)
{
    TnSessions *all = data;
    gint64 due_us = all->last_burst_us + TRIM_US;

    if (tn_clock_monotonic_us() < due_us) {
        tn_timer_set(all->trim, due_us);
        return;
    }
    for (GList *link = all->sessions.head; link != NULL; link = link->next) {
        Session *session = link->data;

        if (session->share.bytes == 0)
            tn_frame_trim(session->frame);
        if (get_unsent(session) == 0 && session->out->allocated_len > OUT_KEPT_BYTES) {
            g_string_free(session->out, TRUE);
            session->out = g_string_new(NULL);
        }
    }
    malloc_trim(0);
}

/* A large buffer is kept for the rest of the burst: bringing in its pages anew for each piece of a
 * bulk reply would cost more than the encoding. */
static void
empty_out(Session *session)
{
    session->n_sent = 0;
    session->is_partly = FALSE;
    g_string_truncate(session->out, 0);
    if (session->out->allocated_len > OUT_KEPT_BYTES)
        note_burst(session->all);
}

/* Ends the interest in CALL, which is the first of the queue. */
static void
drop_first_call(Session *session)
{
    TnCall *call = g_queue_pop_head(&session->calls);

    if (!tn_call_is_overlapping(call))
        session->n_exclusive--;
    tn_call_drop(call);
}

/* Throws away all replies, those to come included. */
static void
drop_output(Session *session)
{
    while (!g_queue_is_empty(&session->calls))
        drop_first_call(session);
    empty_out(session);
    session->is_blocked = FALSE;
}

/* Somebody waits: behind all calls but the last, and behind that too if ALL. */
static void
hurry_calls(Session *session, gboolean all)
{
    gboolean was_busy = session->is_busy;

    /* A call that is answered from within then only sets a flag, and the queue stays. */
    session->is_busy = TRUE;
    for (GList *link = session->calls.head; link != NULL; link = link->next) {
        if (all || link->next != NULL)
            tn_call_hurry(link->data);
    }
    session->is_busy = was_busy;
}

static void
note_budget(Session *session)
{
    gsize begun = tn_frame_get_begun_bytes(session->frame);

    if (begun != session->share.bytes) {
        if (begun > BURST_BYTES || session->share.bytes > BURST_BYTES)
            note_burst(session->all);
        tn_budget_set(session->all->budget, &session->share, begun);
    }
}

/* Moves what is ready of the first calls into out; TRUE if it could do anything. */
static gboolean
fill_out(Session *session)
{
    gboolean moved = FALSE;
    TnCall *call;

    while ((call = g_queue_peek_head(&session->calls)) != NULL && get_unsent(session) < OUT_BYTES) {
        TnReply *reply = tn_call_get_reply(call);

        if (reply == NULL)
            break;
        moved = TRUE;
        if (tn_reply_fill(reply, session->out, OUT_BYTES - get_unsent(session)))
            drop_first_call(session);
    }
    return moved;
}

/* A peer that does not take its replies gets no further ones. On a serial port they gather as far
 * as OUT_BYTES all the same: what hosts that have left had asked for would otherwise be answered
 * one by one, each after a grace of its own. */
static gboolean
may_answer(const Session *session)
{
    return (!session->is_blocked || session->peer->is_edge) && get_unsent(session) < OUT_BYTES &&
           session->calls.length < CALLS;
}

static gboolean
may_dispatch(const Session *session)
{
    return may_answer(session) && session->n_exclusive == 0;
}

/* Dispatches what is complete, as far as it may; TRUE if it was anything. */
static gboolean
dispatch_input(Session *session)
{
    TnDispatch *dispatch = session->all->dispatch;
    gboolean any = FALSE;

    while (may_dispatch(session)) {
        GString *out = g_queue_is_empty(&session->calls) ? session->out : NULL;
        const char *why = NULL;
        TnCall *call = NULL;
        TnMessage message;
        TnFrameResult result = tn_frame_next(session->frame, &message, &why);

        if (result == TN_FRAME_MORE)
            break;
        any = TRUE;
        session->is_skipping = result == TN_FRAME_ERROR;
        if (result == TN_FRAME_MESSAGE)
            call =
                tn_dispatch_request(dispatch, &session->peer_link, session->frame, &message, out);
        else
            call = tn_dispatch_malformed(dispatch, &session->peer_link, why, out);
        if (call != NULL) {
            g_queue_push_tail(&session->calls, call);
            if (!tn_call_is_overlapping(call))
                session->n_exclusive++;
        }
    }
    return any;
}

/* TRUE when everything was taken (or nobody reads any more). */
static gboolean
write_out(Session *session)
{
    while (!session->is_mute && get_unsent(session) > 0) {
        gssize n;

        if (session->n_written >= WRITE_BYTES) {
            session->is_blocked = TRUE; /* until the next turn */
            return FALSE;
        }
        n = tn_peer_write(session->peer, session->out->str + session->n_sent, get_unsent(session));
        if (n == TN_PEER_AGAIN) {
            /* What was taken must not stay: more is put behind the rest as it goes. */
            session->is_partly = session->is_partly || session->n_sent > 0;
            g_string_erase(session->out, 0, (gssize)session->n_sent);
            session->n_sent = 0;
            session->is_blocked = TRUE;
            return FALSE;
        }
        if (n < 0) {
            session->is_mute = TRUE;
        } else {
            session->n_sent += (gsize)n;
            session->n_written += (gsize)n;
        }
    }
    session->is_blocked = FALSE;
    if (session->is_mute)
        drop_output(session);
    else
        empty_out(session);
    return TRUE;
}

/* Dispatches and replies until neither can go on. */
static void
answer_input(Session *session)
{
    gboolean moved;

    do {
        moved = dispatch_input(session);
        moved = fill_out(session) || moved;
        if (get_unsent(session) > 0 && (!moved || get_unsent(session) >= OUT_BYTES)) {
            if (session->is_blocked || !write_out(session))
                return;
            moved = TRUE;
        } else if (session->is_mute && !g_queue_is_empty(&session->calls)) {
            drop_output(session);
            moved = TRUE;
        }
    } while (moved);
}

static gboolean
may_read(Session *session)
{
    if (session->is_ended || !may_answer(session))
        return FALSE;
    if (session->all->drain != NULL && tn_frame_get_begun_bytes(session->frame) == 0)
        return FALSE;
    /* One request is read ahead, to know that somebody waits. */
    if (session->n_exclusive > 0 && tn_frame_has_input(session->frame))
        return FALSE;
    return tn_budget_get_room(session->all->budget, &session->share) > 0;
}

/* The host has gone, and half a request with it. */
static void
forget_input(Session *session)
{
    tn_frame_reset(session->frame);
    session->is_skipping = FALSE;
    note_budget(session);
}

static gboolean
begins_request(const char *text, gsize size)
{
    static const char head[] = "{\"execute\"";
    gsize n = 0;

    for (gsize i = 0; i < size && n < sizeof head - 1; i++) {
        if (text[i] == head[n])
            n++;
        else if (n > 1 || !g_ascii_isspace(text[i]))
            return FALSE;
    }
    return n == sizeof head - 1;
}

/* A host that closes a serial port and the next that opens it may both have done so before the
 * agent looks: then nothing but the data tells. Data of two hosts never share a buffer of the
 * virtqueue, so they never come in one read; and a read that opens with {"execute" cannot go on
 * with a string, nor with any arguments that a command has. What was begun before it is void. */
static void
commit_input(Session *session, char *place, gsize size)
{
    if (session->peer_link.is_serial && (session->share.bytes > 0 || session->is_skipping) &&
        begins_request(place, size)) {
        g_autofree char *copy = g_memdup2(place, size);
        gsize room;

        forget_input(session);
        for (gsize n = 0; n < size; n += room) {
            place = tn_frame_reserve(session->frame, &room);
            room = MIN(room, size - n);
            memcpy(place, copy + n, room);
            tn_frame_commit(session->frame, room);
        }
        return;
    }
    tn_frame_commit(session->frame, size);
}

static void
end_input(Session *session)
{
    session->is_ended = TRUE;
    session->is_readable = FALSE;
    forget_input(session);
    hurry_calls(session, TRUE);
}

/* One read. TRUE: something came and there may be more to do. */
static gboolean
read_input(Session *session, gsize *budget)
{
    gsize room;
    gsize wanted;
    char *place;
    gssize n;

    if (!session->is_readable || *budget == 0 || !may_read(session))
        return FALSE;
    tn_frame_set_roomy(session->frame,
                       tn_budget_get_others(session->all->budget, &session->share) < ROOMY_BYTES);
    place = tn_frame_reserve(session->frame, &room);
    wanted = MIN(room, tn_budget_get_room(session->all->budget, &session->share));
    n = tn_peer_read(session->peer, place, wanted);
    if (n > 0) {
        commit_input(session, place, (gsize)n);
        *budget -= MIN(*budget, (gsize)n);
        /* A level-triggered stream that gave less than asked is empty, or will say so. */
        if (!session->peer->is_edge && (gsize)n < wanted)
            session->is_readable = FALSE;
        return TRUE;
    }
    session->is_readable = FALSE;
    if (n == TN_PEER_AWAY) {
        forget_input(session);
        hurry_calls(session, TRUE);
    } else if (n != TN_PEER_AGAIN) {
        end_input(session);
    }
    return FALSE;
}

static void
free_session(Session *session)
{
    TnSessions *all = session->all;

    while (!g_queue_is_empty(&session->calls))
        drop_first_call(session);
    tn_budget_set(all->budget, &session->share, 0);
    g_queue_unlink(&all->sessions, &session->link);
    tn_timer_free(session->again);
    tn_frame_free(session->frame);
    g_string_free(session->out, TRUE);
    tn_peer_free(session->peer);
    g_free(session);
}

/* Says what is wanted next, or ends a session that is through. */
static void
settle(Session *session)
{
    gboolean idle = g_queue_is_empty(&session->calls) && get_unsent(session) == 0;
    TnPeerEvents events = 0;

    if (session->is_ended && idle) {
        free_session(session);
        return;
    }
    if (may_read(session))
        events |= TN_PEER_READABLE;
    if (session->is_blocked)
        events |= TN_PEER_WRITABLE;
    if (events == 0 && !session->is_hung_up)
        events = TN_PEER_HANGUP;
    tn_peer_want(session->peer, events);
    if (session->again != NULL && ((session->is_readable && (events & TN_PEER_READABLE)) ||
                                   session->n_written >= WRITE_BYTES))
        tn_timer_set(session->again, 0);
}

/* Progress gives time, and may have been the last. */
static void
note_drain(const Session *session)
{
    TnSessions *all = session->all;

    if (all->drain == NULL)
        return;
    if (session->n_written > 0)
        all->drain_until_us = MIN(tn_clock_monotonic_us() + DRAIN_US, all->drain_end_us);
    tn_timer_set(all->drain, 0);
}

/* Does all that can be done now. May free SESSION. */
static void
work_on(Session *session)
{
    gsize budget = READ_BYTES;

    session->is_again = TRUE;
    if (session->is_busy)
        return;
    session->is_busy = TRUE;
    session->n_written = 0;
    do {
        session->is_again = FALSE;
        answer_input(session);
        note_budget(session);
        if (!g_queue_is_empty(&session->calls))
            hurry_calls(session, tn_frame_has_input(session->frame) || session->all->drain != NULL);
    } while (session->is_again || read_input(session, &budget));
    session->is_busy = FALSE;
    note_drain(session);
    settle(session);
}

static void
go_on(gpointer data)
{
    Session *session = data;

    session->is_blocked = FALSE;
    work_on(session);
}

static void
note_answer(TnCall *call, gpointer data)
{
    work_on(data);
}

static void
note_events(TnPeerEvents events, gpointer data)
{
    Session *session = data;

    if (events & TN_PEER_LOST) {
        forget_input(session);
        drop_output(session);
    }
    if (events & TN_PEER_READABLE)
        session->is_readable = TRUE;
    if (events & TN_PEER_WRITABLE)
        session->is_blocked = FALSE;
    if (events & TN_PEER_HANGUP) {
        session->is_hung_up = TRUE;
        session->is_readable = !session->is_ended;
        session->is_blocked = FALSE; /* the next write fails and tells */
        hurry_calls(session, TRUE);
    }
    work_on(session);
}

static Session *
find_waiting(const TnSessions *all)
{
    for (const GList *link = all->sessions.head; link != NULL; link = link->next) {
        Session *session = link->data;

        if (session->share.woken)
            return session;
    }
    return NULL;
}

/* Work on one session may free any: the search begins anew each time. */
static void
work_on_woken(TnSessions *all)
{
    Session *session;

    while ((session = find_waiting(all)) != NULL) {
        session->share.woken = FALSE;
        work_on(session);
    }
}

static void
work_on_all(TnSessions *all)
{
    for (GList *link = all->sessions.head; link != NULL; link = link->next)
        ((Session *)link->data)->share.woken = TRUE;
    work_on_woken(all);
}

static void
wake_sessions(gpointer data)
{
    TnSessions *all = data;
    Session *session;

    for (GList *link = all->sessions.head; link != NULL; link = link->next) {
        session = link->data;
        session->share.woken = session->share.waiting;
        session->share.waiting = FALSE;
    }
    work_on_woken(all);
}

TnSessions *
tn_sessions_new(TnDispatch *dispatch, guint64 max_begun_bytes)
{
    TnSessions *all = g_new0(TnSessions, 1);

    all->dispatch = dispatch;
    all->budget = tn_budget_new(max_begun_bytes, wake_sessions, all);
    all->trim = tn_timer_new(TN_LOOP_LATER, trim_memory, all);
    g_queue_init(&all->sessions);
    return all;
}

void
tn_sessions_free(TnSessions *sessions)
{
    if (sessions == NULL)
        return;
    while (!g_queue_is_empty(&sessions->sessions))
        free_session(g_queue_peek_head(&sessions->sessions));
    tn_timer_free(sessions->trim);
    tn_timer_free(sessions->drain);
    tn_budget_free(sessions->budget);
    g_free(sessions);
}

void
tn_sessions_add(TnSessions *sessions, TnPeer *take_peer)
{
    Session *session = g_new0(Session, 1);

    session->all = sessions;
    session->link.data = session;
    session->peer = take_peer;
    session->peer_link.channel = take_peer->channel->name;
    session->peer_link.reply_limit_bytes = take_peer->channel->reply_limit_bytes;
    session->peer_link.is_serial = take_peer->channel->is_serial;
    session->peer_link.answered = note_answer;
    session->peer_link.data = session;
    session->frame = tn_frame_new(NULL);
    session->out = g_string_new(NULL);
    g_queue_init(&session->calls);
    if (take_peer->is_edge)
        session->again = tn_timer_new(TN_LOOP_IO, go_on, session);
    take_peer->func = note_events;
    take_peer->data = session;
    g_queue_push_tail_link(&sessions->sessions, &session->link);
}

guint
tn_sessions_get_n_peers(const TnSessions *sessions)
{
    return sessions->sessions.length;
}

gboolean
tn_sessions_is_mid_reply(const TnSessions *sessions)
{
    for (const GList *link = sessions->sessions.head; link != NULL; link = link->next) {
        const Session *session = link->data;

        if (session->is_partly)
            return TRUE;
    }
    return FALSE;
}

gboolean
tn_sessions_is_quiet(const TnSessions *sessions)
{
    for (const GList *link = sessions->sessions.head; link != NULL; link = link->next) {
        Session *session = link->data;

        if (!g_queue_is_empty(&session->calls) || get_unsent(session) > 0 || session->is_partly ||
            session->is_skipping || tn_frame_get_begun_bytes(session->frame) > 0)
            return FALSE;
    }
    return TRUE;
}

static void
check_drained(gpointer data)
{
    TnSessions *all = data;
    void (*drained)(gpointer data) = all->drained;

    if (drained == NULL)
        return;
    if (tn_sessions_is_quiet(all) || tn_clock_monotonic_us() >= all->drain_until_us) {
        all->drained = NULL;
        drained(all->drained_data);
        return;
    }
    tn_timer_set(all->drain, all->drain_until_us);
}

void
tn_sessions_drain(TnSessions *sessions, void (*done)(gpointer data), gpointer data)
{
    if (sessions->drain != NULL)
        return;
    sessions->drain = tn_timer_new(TN_LOOP_LATER, check_drained, sessions);
    sessions->drain_until_us = tn_clock_monotonic_us() + DRAIN_US;
    sessions->drain_end_us = tn_clock_monotonic_us() + DRAIN_MOST_US;
    sessions->drained = done;
    sessions->drained_data = data;
    work_on_all(sessions);
    tn_timer_set(sessions->drain, 0);
}

void
tn_sessions_resume(TnSessions *sessions)
{
    g_clear_pointer(&sessions->drain, tn_timer_free);
    sessions->drained = NULL;
    work_on_all(sessions);
}
