/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

#include <gio/gio.h>

/*
 * A serial port: one stream that stays while hosts come and go. It is watched edge-triggered,
 * through an epoll descriptor of its own that the main loop polls, because an absent host leaves
 * the port in a permanent hang-up: a level-triggered watch would spin, a timer would wake up.
 */

typedef struct {
    /* The port, non-blocking and close-on-exec, or -1 and ERROR (G_IO_ERROR). */
    int (*open)(const char *path, GError **error);
    /* A read of 0 is the end of the line (a tty), not an absent host (virtio). */
    gboolean zero_is_end;
    /* After an error of the port (it was unplugged, the line hung up) it is opened again, now and
     * then, for as long as it takes; else the channel ends. */
    gboolean reopens;
    /* The first opening may fail too and is tried again. */
    gboolean waits;
    /* The open port that an earlier agent left, which is taken; 0: none. */
    int kept_fd;
    /* Do not open before this time of tn_clock_monotonic_us(); 0: at once. */
    gint64 not_before_us;
} TnSerialSetup;

/* SETUP is copied. Errors of the first opening: as setup.open gives them. */
TnChannel *tn_channel_serial_open(const char *path, const TnSerialSetup *setup,
                                  const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
