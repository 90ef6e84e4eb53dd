/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"
#include "policy/policy.h"

#include <gio/gio.h>

/*
 * A listener that the service manager has made (sd_listen_fds(3)): exactly one, as descriptor 3.
 */
#define TN_ACTIVATION_FD 3

/* Takes the descriptor, sets it close-on-exec and non-blocking, and serves it by its family as
 * unix-listen or vsock-listen. Errors: G_IO_ERROR when it does not listen or is of another
 * family. */
TnChannel *tn_channel_activation_open(const TnPolicyHolder *policy, const TnChannelHandler *handler,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
