/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

#include <gio/gio.h>

/* isa-serial: any tty, made raw, 38400 baud. A hang-up closes the line and opens it again, as often
 * as it takes. WAITS: the first opening may fail too. KEPT_FD (0: none): the line as an earlier
 * agent left it open, which is taken. Errors: G_IO_ERROR, worded as qemu-ga's. Source: termios(3).
 */
TnChannel *tn_channel_isa_open(const char *path, gboolean waits, int kept_fd,
                               const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
