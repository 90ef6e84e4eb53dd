/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"
#include "policy/policy.h"

#include <gio/gio.h>

/*
 * vsock-listen. Only machines that the policy in force names are served; vsock(7). POLICY must
 * outlive the channel.
 */

/* PLACE is CID:PORT, both decimal. Errors: G_IO_ERROR_INVALID_ARGUMENT for another text, else from
 * errno. */
TnChannel *tn_channel_vsock_open(const char *place, const TnPolicyHolder *policy,
                                 const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Takes FD, a listening socket of family AF_VSOCK that somebody else has bound. */
TnChannel *tn_channel_vsock_adopt(int fd, const char *name, const TnPolicyHolder *policy,
                                  const TnChannelHandler *handler);
