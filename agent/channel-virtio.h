/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

#include <gio/gio.h>

/* virtio-serial. WAITS (--retry-path): a port that is missing or was unplugged is waited for; else
 * the first is an error here and the second ends the channel. NOT_BEFORE_US (monotonic, 0: at
 * once): the port is opened then, and if that fails the channel ends. KEPT_FD (0: none): the port
 * as an earlier agent left it open, which is taken. A device that others may open too is refused.
 * Errors: G_IO_ERROR, worded as qemu-ga's. Source: virtio_console.c. */
TnChannel *tn_channel_virtio_open(const char *path, gboolean waits, int kept_fd,
                                  gint64 not_before_us, const TnChannelHandler *handler,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
