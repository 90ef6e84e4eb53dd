/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"
#include "policy/policy.h"

#include <gio/gio.h>

/*
 * unix-listen. The socket has mode 0600, and a client is served if it runs as root, as the agent's
 * own user or as a user that the policy in force names; SO_PEERCRED, unix(7). POLICY must outlive
 * the channel.
 */

/* Binds PATH. As qemu-ga does, a socket that is there already is replaced, whoever listens on it;
 * anything else stays and is an error. The socket is removed when the channel is freed, unless
 * another has taken its place. Errors: G_IO_ERROR from errno, worded as qemu-ga's. */
TnChannel *tn_channel_unix_open(const char *path, const TnPolicyHolder *policy,
                                const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Takes FD, a listening socket of family AF_UNIX that somebody else has bound. */
TnChannel *tn_channel_unix_adopt(int fd, const char *name, const TnPolicyHolder *policy,
                                 const TnChannelHandler *handler);
