/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where requests come from. A channel is the port or the listener; a peer is one byte stream on it:
 * the port's only one, or one per connection. What differs between kinds stands in two tables of
 * functions (TnChannelOps, TnPeerOps), filled by agent/channel-*.c; a session knows only this file.
 *
 * A channel outlives its peers. Everything here belongs to the main thread and never blocks.
 */

typedef struct TnChannel TnChannel;
typedef struct TnPeer TnPeer;

typedef enum {
    TN_PEER_READABLE = 1 << 0, /* tn_peer_read may have something, or has the end */
    TN_PEER_WRITABLE = 1 << 1, /* what could not be written may go now */
    TN_PEER_HANGUP = 1 << 2,   /* the other side is closed; what it sent before can be read */
    TN_PEER_LOST = 1 << 3,     /* serial: no host for so long that its replies are void */
} TnPeerEvents;

/* What tn_peer_read and tn_peer_write return instead of a number of bytes. */
enum {
    TN_PEER_AGAIN = -1, /* nothing now; an event will tell */
    TN_PEER_END = -2,   /* read: the end, or an error; write: nobody reads any more */
    TN_PEER_AWAY = -3,  /* read, serial: the host has gone, another may come. Half a request is
                           void. Said once each time, then it is AGAIN. */
};

/* Told by the peer; may free it with tn_peer_free. */
typedef void (*TnPeerFunc)(TnPeerEvents events, gpointer data);

typedef struct {
    /* Up to SIZE bytes, > 0, or one of the above. */
    gssize (*read)(TnPeer *peer, void *buffer, gsize size);
    gssize (*write)(TnPeer *peer, const void *data, gsize size);
    /* Which events are wanted from now on. A level-triggered peer reports READABLE as long as there
     * is something; an edge-triggered one reports all events once and ignores this. */
    void (*want)(TnPeer *peer, TnPeerEvents events);
    void (*free)(TnPeer *peer);
} TnPeerOps;

struct TnPeer {
    const TnPeerOps *ops;
    TnChannel *channel;
    gboolean is_edge; /* read until AGAIN, or remember that more is there */
    TnPeerFunc func;  /* set by who took the peer, before the loop turns */
    gpointer data;
};

/* How the channel speaks to who opened it. */
typedef struct {
    /* A new peer, which is taken; end it with tn_peer_free. */
    void (*arrived)(TnPeer *take_peer, gpointer data);
    /* The channel is over (its port is gone); WHY is borrowed. Free it, but not from here. */
    void (*ended)(TnChannel *channel, const char *why, gpointer data);
    gpointer data;
} TnChannelHandler;

typedef struct {
    void (*free)(TnChannel *channel);
    /* A second descriptor of the stream (close-on-exec), for the program that the agent becomes, or
     * -1; the caller owns it. NULL: its peers come again. */
    int (*keep)(TnChannel *channel);
} TnChannelOps;

struct TnChannel {
    const TnChannelOps *ops;
    const char *name;        /* interned */
    gsize reply_limit_bytes; /* G_MAXSIZE: none */
    gboolean is_serial;
    TnChannelHandler handler;
};

/* Fills the common part; NAME is interned. */
void tn_channel_init(TnChannel *channel, const TnChannelOps *ops, const char *name,
                     gboolean is_serial, const TnChannelHandler *handler);

/* As TnPeerOps.read. */
static inline gssize
tn_peer_read(TnPeer *peer, void *buffer, gsize size)
{
    return peer->ops->read(peer, buffer, size);
}

/* As TnPeerOps.write. */
static inline gssize
tn_peer_write(TnPeer *peer, const void *data, gsize size)
{
    return peer->ops->write(peer, data, size);
}

/* As TnPeerOps.want. */
static inline void
tn_peer_want(TnPeer *peer, TnPeerEvents events)
{
    peer->ops->want(peer, events);
}

/* Closes the stream. */
static inline void
tn_peer_free(TnPeer *peer)
{
    if (peer != NULL)
        peer->ops->free(peer);
}

/* All its peers must be freed before. Accepts NULL. */
static inline void
tn_channel_free(TnChannel *channel)
{
    if (channel != NULL)
        channel->ops->free(channel);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnChannel, tn_channel_free)
