/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of a channel that all kinds share. The limits per kind of channel are decided here and
 * nowhere else.
 */

#include "agent/channel.h"

#include "platform/names.h"

void
tn_channel_init(TnChannel *channel, const TnChannelOps *ops, const char *name, gboolean is_serial,
                const TnChannelHandler *handler)
{
    channel->ops = ops;
    channel->name = g_intern_string(name);
    channel->is_serial = is_serial;
    channel->reply_limit_bytes = is_serial ? TN_SERIAL_REPLY_LIMIT_BYTES : G_MAXSIZE;
    channel->handler = *handler;
}
