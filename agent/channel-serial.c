/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether a host is there is learnt from three places: EPOLLHUP, a read that returns 0, and data.
 * They may contradict each other for a moment, because the interrupt for the first data of a new
 * host may come before the message that it has connected: then the request is readable while the
 * port is still hung up, and the reply cannot be written yet (EAGAIN). So
 * - the first read of 0 after a host was there means that it has gone: half a request is void;
 * - data that come while it is away are a new host's (PRESUMED), and are not void;
 * - replies are kept until the port has been hung up for GRACE_US without a break, or since the
 *   last data; then one LOST. All waiting is for edges and this one timer.
 * Source: drivers/char/virtio_console.c (port_fops_poll, _read, _write), epoll(7).
 */

#include "agent/channel-serial.h"

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/loop.h"

#include <fcntl.h>
#include <sys/epoll.h>

enum {
    GRACE_US = G_USEC_PER_SEC,
    RETRY_US = G_USEC_PER_SEC,          /* between two tries to open a port that is not there */
    RETRY_MOST_US = 5 * G_USEC_PER_SEC, /* after some tries */
};

typedef enum {
    HOST_HERE,
    HOST_PRESUMED,
    HOST_AWAY,
} Host;

typedef struct Serial Serial;

typedef struct {
    TnPeer base;
    Serial *serial;
    int fd;
    int epoll_fd;
    TnWatch *watch;
    TnTimer *grace;
    Host host;
} Port;

struct Serial {
    TnChannel base;
    char *path;
    TnSerialSetup setup;
    Port *port;
    TnTimer *retry;
    gint64 opened_us;
    gint64 delay_us;
};

static void
start_grace(Port *port)
{
    if (!tn_timer_is_set(port->grace))
        tn_timer_set(port->grace, tn_clock_monotonic_us() + GRACE_US);
}

static void
set_host(Port *port, Host host)
{
    port->host = host;
    if (host == HOST_HERE && tn_timer_is_set(port->grace))
        tn_timer_set(port->grace, -1);
    if (host == HOST_PRESUMED)
        tn_timer_set(port->grace, tn_clock_monotonic_us() + GRACE_US);
    if (host == HOST_AWAY)
        start_grace(port);
}

static gssize
note_no_host(Port *port)
{
    gboolean was_here = port->host == HOST_HERE;

    if (!was_here)
        return TN_PEER_AGAIN;
    set_host(port, HOST_AWAY);
    return TN_PEER_AWAY;
}

static gssize
read_port(TnPeer *peer, void *buffer, gsize size)
{
    Port *port = (Port *)peer;
    gssize n;

    do
        n = read(port->fd, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        if (port->host == HOST_AWAY)
            set_host(port, HOST_PRESUMED);
        return n;
    }
    if (n == 0 && !port->serial->setup.zero_is_end)
        return note_no_host(port);
    return n < 0 && errno == EAGAIN ? TN_PEER_AGAIN : TN_PEER_END;
}

static gssize
write_port(TnPeer *peer, const void *data, gsize size)
{
    Port *port = (Port *)peer;
    gssize n;

    do
        n = write(port->fd, data, size);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    if (n == 0 || errno == EAGAIN) {
        /* A reply that comes when the host is long gone gets its grace too. */
        if (port->host == HOST_AWAY)
            set_host(port, HOST_AWAY);
        return TN_PEER_AGAIN;
    }
    return TN_PEER_END;
}

static void
want_port(TnPeer *peer, TnPeerEvents events)
{
    /* All edges are reported, whatever is wanted. */
}

static void
watch_port(GIOCondition ready, gpointer data)
{
    Port *port = data;
    struct epoll_event event;
    TnPeerEvents events = 0;

    if (epoll_wait(port->epoll_fd, &event, 1, 0) < 1)
        return;
    /* A session that is waiting to write does not read, so the timer starts here already. */
    if (event.events & EPOLLHUP)
        start_grace(port);
    else
        set_host(port, HOST_HERE);
    /* What a hang-up means, the next read tells. */
    if (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        events |= TN_PEER_READABLE;
    if (event.events & EPOLLOUT)
        events |= TN_PEER_WRITABLE;
    if (events != 0)
        port->base.func(events, port->base.data);
}

static void
end_grace(gpointer data)
{
    Port *port = data;

    port->host = HOST_AWAY;
    port->base.func(TN_PEER_LOST, port->base.data);
}

static void
clear_port(Port *port)
{
    tn_watch_free(port->watch);
    tn_timer_free(port->grace);
    tn_fd_clear(&port->epoll_fd);
    tn_fd_clear(&port->fd);
    g_free(port);
}

/* The session has seen the end: the port was unplugged, or its line hung up. */
static void
free_port(TnPeer *peer)
{
    Port *port = (Port *)peer;
    Serial *serial = port->serial;
    gint64 now_us = tn_clock_monotonic_us();

    clear_port(port);
    serial->port = NULL;
    if (serial->retry == NULL)
        return; /* the channel itself is being freed */
    /* Once at once, and then slower and slower unless it stays open. */
    if (now_us - serial->opened_us > RETRY_MOST_US)
        serial->delay_us = 0;
    if (serial->setup.reopens && serial->delay_us == 0)
        g_warning("channel '%s' is gone; waiting for it", serial->path);
    tn_timer_set(serial->retry, serial->delay_us > 0 ? now_us + serial->delay_us : 0);
    serial->delay_us = MIN(serial->delay_us + RETRY_US, RETRY_MOST_US);
}

static gboolean
watch_edges(int fd, int *ret_epoll_fd, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    tn_autofd int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return tn_error_from_errno(error, errno, "watch the port");
    *ret_epoll_fd = tn_fd_steal(&epoll_fd);
    return TRUE;
}

/* The port as it was left open, the first time; else a new opening. */
static int
take_stream(Serial *serial, GError **error)
{
    int kept_fd = serial->setup.kept_fd;

    serial->setup.kept_fd = 0;
    return kept_fd > 0 ? kept_fd : serial->setup.open(serial->path, error);
}

static gboolean
open_port(Serial *serial, GError **error)
{
    static const TnPeerOps ops = {
        .read = read_port,
        .write = write_port,
        .want = want_port,
        .free = free_port,
    };
    tn_autofd int fd = take_stream(serial, error);
    int epoll_fd = -1;

    if (fd < 0 || !watch_edges(fd, &epoll_fd, error))
        return FALSE;

    Port *port = g_new0(Port, 1);
    port->base.ops = &ops;
    port->base.channel = &serial->base;
    port->base.is_edge = TRUE;
    port->serial = serial;
    port->fd = tn_fd_steal(&fd);
    port->epoll_fd = epoll_fd;
    port->grace = tn_timer_new(TN_LOOP_IO, end_grace, port);
    port->watch = tn_watch_new(epoll_fd, G_IO_IN, TN_LOOP_IO, watch_port, port);
    serial->port = port;
    serial->opened_us = tn_clock_monotonic_us();
    serial->base.handler.arrived(&port->base, serial->base.handler.data);
    return TRUE;
}

static void
retry_port(gpointer data)
{
    Serial *serial = data;
    g_autoptr(GError) error = NULL;

    if (!serial->setup.reopens && serial->opened_us > 0) {
        serial->base.handler.ended(&serial->base, "the port is gone", serial->base.handler.data);
        return;
    }
    if (open_port(serial, &error)) {
        g_message("channel '%s' opened", serial->path);
        return;
    }
    if (!serial->setup.waits && serial->opened_us == 0) {
        serial->base.handler.ended(&serial->base, error->message, serial->base.handler.data);
        return;
    }
    g_debug("%s; trying again", error->message);
    serial->delay_us = MIN(serial->delay_us + RETRY_US, RETRY_MOST_US);
    tn_timer_set(serial->retry, tn_clock_monotonic_us() + serial->delay_us);
}

static void
free_serial(TnChannel *channel)
{
    Serial *serial = (Serial *)channel;

    g_clear_pointer(&serial->retry, tn_timer_free);
    if (serial->port != NULL)
        clear_port(serial->port);
    g_free(serial->path);
    g_free(serial);
}

static int
keep_serial(TnChannel *channel)
{
    const Serial *serial = (const Serial *)channel;

    return serial->port != NULL ? fcntl(serial->port->fd, F_DUPFD_CLOEXEC, 3) : -1;
}

TnChannel *
tn_channel_serial_open(const char *path, const TnSerialSetup *setup,
                       const TnChannelHandler *handler, GError **error)
{
    static const TnChannelOps ops = {.free = free_serial, .keep = keep_serial};
    g_autoptr(GError) open_error = NULL;
    Serial *serial = g_new0(Serial, 1);

    tn_channel_init(&serial->base, &ops, path, TRUE, handler);
    serial->path = g_strdup(path);
    serial->setup = *setup;
    serial->retry = tn_timer_new(TN_LOOP_IO, retry_port, serial);
    if (setup->not_before_us > tn_clock_monotonic_us()) {
        tn_timer_set(serial->retry, setup->not_before_us);
        return &serial->base;
    }
    if (open_port(serial, &open_error))
        return &serial->base;
    if (setup->waits) {
        g_warning("%s; waiting for it", open_error->message);
        serial->delay_us = RETRY_US;
        tn_timer_set(serial->retry, tn_clock_monotonic_us() + RETRY_US);
        return &serial->base;
    }
    free_serial(&serial->base);
    g_propagate_error(error, g_steal_pointer(&open_error));
    return NULL;
}
