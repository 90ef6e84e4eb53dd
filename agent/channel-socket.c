/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connections are level-triggered: a short read means that the socket is empty, so that a request
 * costs one recv and its reply one send. One connection is accepted per turn of the loop; when
 * descriptors run out, accepting pauses instead of spinning on a listener that stays readable.
 */

#include "agent/channel-socket.h"

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/loop.h"

#include <sys/socket.h>

enum {
    PAUSE_US = G_USEC_PER_SEC, /* after accept found no free descriptor */
};

typedef struct {
    TnChannel base;
    TnSocketSetup setup;
    int fd;
    TnWatch *watch;
    TnTimer *resume;
    guint n_peers;
    gboolean is_short; /* the last accept failed: it was said */
} Listener;

typedef struct {
    TnPeer base;
    int fd;
    TnWatch *watch;
} Connection;

static gssize
read_connection(TnPeer *peer, void *buffer, gsize size)
{
    Connection *connection = (Connection *)peer;
    gssize n;

    do
        n = recv(connection->fd, buffer, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    return n < 0 && errno == EAGAIN ? TN_PEER_AGAIN : TN_PEER_END;
}

static gssize
write_connection(TnPeer *peer, const void *data, gsize size)
{
    Connection *connection = (Connection *)peer;
    gssize n;

    do
        n = send(connection->fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN ? TN_PEER_AGAIN : TN_PEER_END;
}

static void
want_connection(TnPeer *peer, TnPeerEvents events)
{
    Connection *connection = (Connection *)peer;
    GIOCondition condition = 0;

    if (events & TN_PEER_READABLE)
        condition |= G_IO_IN;
    if (events & TN_PEER_WRITABLE)
        condition |= G_IO_OUT;
    if (events & TN_PEER_HANGUP)
        condition |= G_IO_HUP;
    tn_watch_set(connection->watch, condition);
}

static void
resume_listener(gpointer data)
{
    Listener *listener = data;

    tn_watch_set(listener->watch, listener->n_peers < TN_SOCKET_PEERS ? G_IO_IN : 0);
}

static void
free_connection(TnPeer *peer)
{
    Connection *connection = (Connection *)peer;
    Listener *listener = (Listener *)peer->channel;

    tn_watch_free(connection->watch);
    tn_fd_clear(&connection->fd);
    g_free(connection);
    listener->n_peers--;
    resume_listener(listener);
}

static void
watch_connection(GIOCondition ready, gpointer data)
{
    Connection *connection = data;
    TnPeerEvents events = 0;

    if (ready & G_IO_IN)
        events |= TN_PEER_READABLE;
    if (ready & G_IO_OUT)
        events |= TN_PEER_WRITABLE;
    if (ready & (G_IO_HUP | G_IO_ERR))
        events |= TN_PEER_HANGUP;
    connection->base.func(events, connection->base.data);
}

static void
add_connection(Listener *listener, int fd)
{
    static const TnPeerOps ops = {
        .read = read_connection,
        .write = write_connection,
        .want = want_connection,
        .free = free_connection,
    };
    Connection *connection = g_new0(Connection, 1);

    connection->base.ops = &ops;
    connection->base.channel = &listener->base;
    connection->fd = fd;
    connection->watch = tn_watch_new(fd, G_IO_IN, TN_LOOP_IO, watch_connection, connection);
    listener->n_peers++;
    listener->base.handler.arrived(&connection->base, listener->base.handler.data);
}

static void
accept_connection(GIOCondition ready, gpointer data)
{
    Listener *listener = data;
    tn_autofd int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    g_autofree char *why = NULL;

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            if (!listener->is_short)
                g_warning("accept on '%s': %s; trying again, now and then", listener->base.name,
                          g_strerror(errno));
            listener->is_short = TRUE;
            tn_watch_set(listener->watch, 0);
            tn_timer_set(listener->resume, tn_clock_monotonic_us() + PAUSE_US);
        }
        return;
    }
    listener->is_short = FALSE;
    if (listener->setup.check != NULL &&
        !listener->setup.check(fd, listener->setup.check_data, &why)) {
        g_warning("connection to '%s' refused: %s", listener->base.name, why);
        return;
    }
    add_connection(listener, tn_fd_steal(&fd));
    if (listener->n_peers >= TN_SOCKET_PEERS)
        tn_watch_set(listener->watch, 0);
}

static void
free_listener(TnChannel *channel)
{
    Listener *listener = (Listener *)channel;

    tn_watch_free(listener->watch);
    tn_timer_free(listener->resume);
    tn_fd_clear(&listener->fd);
    if (listener->setup.closed != NULL)
        listener->setup.closed(listener->setup.closed_data);
    g_free(listener);
}

TnChannel *
tn_channel_socket_new(int listen_fd, const TnSocketSetup *setup, const TnChannelHandler *handler)
{
    static const TnChannelOps ops = {.free = free_listener};
    Listener *listener = g_new0(Listener, 1);

    tn_channel_init(&listener->base, &ops, setup->name, FALSE, handler);
    listener->setup = *setup;
    listener->setup.name = listener->base.name;
    listener->fd = listen_fd;
    listener->watch = tn_watch_new(listen_fd, G_IO_IN, TN_LOOP_IO, accept_connection, listener);
    listener->resume = tn_timer_new(TN_LOOP_IO, resume_listener, listener);
    return &listener->base;
}
