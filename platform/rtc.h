/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <linux/rtc.h>
#include <time.h>

/*
 * Setting the system's clock and its battery clock, by system calls. Sources: clock_settime(2),
 * rtc(4), hwclock(8) for the meaning of /etc/adjtime.
 */

/* What is done to the machine; a test has its own. All return 0, or -1 with errno set. */
typedef struct {
    int (*set_clock)(const struct timespec *now);
    int (*read_rtc)(struct rtc_time *ret_time);
    int (*write_rtc)(const struct rtc_time *now);
} TnRtcOps;

/* This machine's. */
extern const TnRtcOps tn_rtc_ops;

/* Sets the system's clock to NS since 1970, then the battery clock after it. Years 1970 to 2069.
 * Errors: G_IO_ERROR_INVALID_ARGUMENT "Invalid time"; from errno "Failed to set time to guest: E"
 * (nothing was changed) or "the clock was set, but not the hardware clock: E". ROOT_FD: where
 * /etc/adjtime says whether the battery clock runs on local time. */
gboolean tn_rtc_set_time(const TnRtcOps *ops, int root_fd, gint64 ns, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Sets the system's clock to what the battery clock says. Errors: G_IO_ERROR from errno. */
gboolean tn_rtc_set_clock_from_it(const TnRtcOps *ops, int root_fd, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
