/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeding standard input. The descriptor is watched only while bytes wait, so that an idle pipe
 * wakes nobody, and is closed at the first error: EPIPE says that nobody will ever read again. A
 * level-triggered EPOLLERR that is not acted on would be a busy loop.
 */

#include "platform/feed.h"

#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    PIPE_DEFAULT_BYTES = 64 * 1024, /* pipe(7) */
    PIPE_LARGE_BYTES = 1024 * 1024, /* fs.pipe-max-size by default */
};

static void
drop_pieces(TnFeed *feed)
{
    GBytes *bytes;

    while ((bytes = g_queue_pop_head(&feed->pieces)) != NULL)
        g_bytes_unref(bytes);
    feed->at = 0;
    feed->waiting = 0;
}

static void
close_feed(TnFeed *feed)
{
    tn_watch_close(&feed->watch, &feed->fd);
    drop_pieces(feed);
}

/* Writes until the pipe is full. */
static void
write_pieces(TnFeed *feed)
{
    while (feed->pieces.length > 0) {
        gsize size;
        const char *data = g_bytes_get_data(feed->pieces.head->data, &size);
        ssize_t n = write(feed->fd, data + feed->at, size - feed->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            close_feed(feed);
            return;
        }
        feed->at += (gsize)n;
        feed->waiting -= (gsize)n;
        if (feed->at == size) {
            g_bytes_unref(g_queue_pop_head(&feed->pieces));
            feed->at = 0;
        }
    }
    if (feed->finished)
        close_feed(feed);
    else
        tn_watch_remove(&feed->watch);
}

static void
handle_ready(TnWatch *watch, guint32 events)
{
    TnFeed *feed = TN_WATCH_OWNER(watch, TnFeed, watch);

    write_pieces(feed);
    if (feed->progress != NULL)
        feed->progress(feed->data);
}

/* Without a watch the bytes would wait for ever, so they are given up then, as when the child had
 * closed its end. */
static void
watch_waiting(TnFeed *feed)
{
    if (feed->fd < 0 || feed->set == NULL || feed->watch.set != NULL || feed->waiting == 0)
        return;
    if (!tn_watch_add(feed->set, &feed->watch, feed->fd, EPOLLOUT, handle_ready, NULL))
        close_feed(feed);
}

void
tn_feed_init(TnFeed *feed, int *take_fd)
{
    *feed = (TnFeed){.fd = tn_fd_steal(take_fd)};
    g_queue_init(&feed->pieces);
}

gboolean
tn_feed_start(TnFeed *feed, TnWatchSet *set, GError **error)
{
    feed->set = set;
    if (feed->fd < 0 || feed->waiting == 0)
        return TRUE;
    return tn_watch_add(set, &feed->watch, feed->fd, EPOLLOUT, handle_ready, error);
}

void
tn_feed_push(TnFeed *feed, GBytes *bytes)
{
    gsize size = g_bytes_get_size(bytes);

    feed->total += size;
    if (feed->fd < 0 || size == 0)
        return;
    if (size > PIPE_DEFAULT_BYTES && feed->waiting == 0)
        fcntl(feed->fd, F_SETPIPE_SZ, PIPE_LARGE_BYTES); /* failure (quota) costs speed only */
    g_queue_push_tail(&feed->pieces, g_bytes_ref(bytes));
    feed->waiting += size;
    if (feed->pieces.length == 1)
        write_pieces(feed);
    watch_waiting(feed);
}

void
tn_feed_finish(TnFeed *feed)
{
    feed->finished = TRUE;
    if (feed->fd >= 0 && feed->waiting == 0)
        close_feed(feed);
}

void
tn_feed_clear(TnFeed *feed)
{
    close_feed(feed);
    feed->set = NULL;
    feed->progress = NULL;
}
