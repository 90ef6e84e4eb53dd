/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

/*
 * A listening stream socket of any family, and its connections: all are served at once.
 */

/* Whether the other end of FD may speak to the agent; if not, *RET_WHY is a text for the log (the
 * caller owns it). */
typedef gboolean (*TnSocketCheck)(int fd, gconstpointer data, char **ret_why);

typedef struct {
    const char *name; /* of the channel, copied */
    TnSocketCheck check;
    gconstpointer check_data;
    void (*closed)(gpointer data); /* after the listener was closed; may be NULL */
    gpointer closed_data;
} TnSocketSetup;

/* Most connections of one listener; others wait in its backlog. */
#define TN_SOCKET_PEERS 256

/* Takes LISTEN_FD, which listens and is non-blocking; SETUP is copied. Never fails. */
TnChannel *tn_channel_socket_new(int listen_fd, const TnSocketSetup *setup,
                                 const TnChannelHandler *handler);
