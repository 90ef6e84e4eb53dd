/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"
#include "agent/config.h"

/* Opens the channel that CONFIG names; POLICY, which must outlive it, says who may connect to a
 * listener. NOT_BEFORE_US (monotonic; 0: at once): a serial port stays
 * closed until then. Errors: those of the kind of channel, worded as qemu-ga's. */
TnChannel *tn_channels_open(const TnConfig *config, const TnPolicyHolder *policy,
                            gint64 not_before_us, const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
