/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which kind of channel a configuration means. The kinds do not know each other, and of them only
 * this file knows that there are five.
 */

#include "agent/channels.h"

#include "agent/channel-activation.h"
#include "agent/channel-isa.h"
#include "agent/channel-unix.h"
#include "agent/channel-virtio.h"
#include "agent/channel-vsock.h"

TnChannel *
tn_channels_open(const TnConfig *config, const TnPolicyHolder *policy, gint64 not_before_us,
                 const TnChannelHandler *handler, GError **error)
{
    switch (config->method) {
    case TN_METHOD_VIRTIO:
        return tn_channel_virtio_open(config->path, config->retry_path, config->port_fd,
                                      not_before_us, handler, error);
    case TN_METHOD_ISA:
        return tn_channel_isa_open(config->path, config->retry_path, config->port_fd, handler,
                                   error);
    case TN_METHOD_UNIX:
        return tn_channel_unix_open(config->path, policy, handler, error);
    case TN_METHOD_VSOCK:
        return tn_channel_vsock_open(config->path, policy, handler, error);
    case TN_METHOD_ACTIVATION:
        return tn_channel_activation_open(policy, handler, error);
    }
    g_assert_not_reached();
}
