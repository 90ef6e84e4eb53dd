/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/watch.h"

#include <glib.h>

/*
 * The writing end of a child's standard input. Takes bytes and writes them as the child reads; a
 * child that does not read costs nothing but the bytes, and one that is gone ends the feed. Main
 * thread only; SIGPIPE must be ignored in the agent.
 */

typedef struct {
    TnWatchSet *set;
    TnWatch watch;
    int fd;        /* -1: closed */
    GQueue pieces; /* of GBytes, the first one written up to AT */
    gsize at;
    guint64 total;                   /* bytes that were taken over in all */
    gsize waiting;                   /* of them those that are not written yet */
    gboolean finished;               /* closes when everything is written */
    void (*progress)(gpointer data); /* may be NULL: bytes went out, or the child closed its end */
    gpointer data;
} TnFeed;

/* Takes the descriptor, which must be non-blocking. Nothing is watched before tn_feed_start. */
void tn_feed_init(TnFeed *feed, int *take_fd);

/* Writes what it can at once (also before the child runs: a pipe takes 64 KiB) and watches the
 * descriptor while bytes are left. Errors: G_IO_ERROR from errno. */
gboolean tn_feed_start(TnFeed *feed, TnWatchSet *set, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds bytes, which are dropped when the child has closed its end; a reference is taken, nothing is
 * copied. */
void tn_feed_push(TnFeed *feed, GBytes *bytes);

/* No more bytes will come: closes the descriptor once all are written. */
void tn_feed_finish(TnFeed *feed);

/* Closes and releases at once; the struct may be used as before tn_feed_init. May be called
 * twice. */
void tn_feed_clear(TnFeed *feed);
