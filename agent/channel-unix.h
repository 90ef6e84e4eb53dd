/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

#include <gio/gio.h>

/*
 * unix-listen. The socket has mode 0600, and a client is served if it runs as root, as the agent's
 * own user or as CLIENT_UID (-1: nobody else); SO_PEERCRED, unix(7).
 */

/* Binds PATH. As qemu-ga does, a socket that is there already is replaced, whoever listens on it;
 * anything else stays and is an error. The socket is removed when the channel is freed, unless
 * another has taken its place. Errors: G_IO_ERROR from errno, worded as qemu-ga's. */
TnChannel *tn_channel_unix_open(const char *path, gint64 client_uid,
                                const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Takes FD, a listening socket of family AF_UNIX that somebody else has bound. */
TnChannel *tn_channel_unix_adopt(int fd, const char *name, gint64 client_uid,
                                 const TnChannelHandler *handler);
