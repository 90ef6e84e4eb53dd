/* SPDX-License-Identifier: Apache-2.0 */

/*
 * No helper program is asked: minimal guests have none, and a clock that was set is set, whatever
 * else fails.
 */

#include "platform/rtc.h"

#include "platform/fd.h"
#include "platform/sysroot.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    ADJTIME_LIMIT_BYTES = 4096,
};

#define NS_PER_S ((gint64)1000000000)
/* 2070-01-01T00:00:00Z. */
#define END_S ((gint64)3155760000)

static int
open_rtc(int flags)
{
    static const char *const paths[] = {"/dev/rtc", "/dev/rtc0", "/dev/misc/rtc"};
    int fd = -1;

    for (gsize i = 0; fd < 0 && i < G_N_ELEMENTS(paths); i++)
        fd = open(paths[i], flags | O_CLOEXEC);
    return fd;
}

static int
set_real_clock(const struct timespec *now)
{
    return clock_settime(CLOCK_REALTIME, now);
}

static int
read_real_rtc(struct rtc_time *ret_time)
{
    tn_autofd int fd = open_rtc(O_RDONLY);

    return fd < 0 ? -1 : ioctl(fd, RTC_RD_TIME, ret_time);
}

static int
write_real_rtc(const struct rtc_time *now)
{
    tn_autofd int fd = open_rtc(O_RDONLY); /* a reader may set it too, with CAP_SYS_TIME */

    return fd < 0 ? -1 : ioctl(fd, RTC_SET_TIME, now);
}

const TnRtcOps tn_rtc_ops = {
    .set_clock = set_real_clock,
    .read_rtc = read_real_rtc,
    .write_rtc = write_real_rtc,
};

/* The third line of /etc/adjtime; UTC without it, hwclock(8). */
static gboolean
is_local(int root_fd)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!tn_sysroot_read_file(root_fd, "/etc/adjtime", ADJTIME_LIMIT_BYTES, &text, NULL, NULL))
        return FALSE;
    lines = g_strsplit(text, "\n", 4);
    return g_strv_length(lines) >= 3 && strcmp(g_strstrip(lines[2]), "LOCAL") == 0;
}

static gboolean
set_rtc(const TnRtcOps *ops, int root_fd, time_t now)
{
    struct tm tm = {0};
    struct rtc_time rtc = {0};

    if (is_local(root_fd))
        localtime_r(&now, &tm);
    else
        gmtime_r(&now, &tm);
    rtc.tm_sec = tm.tm_sec;
    rtc.tm_min = tm.tm_min;
    rtc.tm_hour = tm.tm_hour;
    rtc.tm_mday = tm.tm_mday;
    rtc.tm_mon = tm.tm_mon;
    rtc.tm_year = tm.tm_year;
    return ops->write_rtc(&rtc) == 0;
}

gboolean
tn_rtc_set_time(const TnRtcOps *ops, int root_fd, gint64 ns, GError **error)
{
    struct timespec now = {
        .tv_sec = (time_t)(ns / NS_PER_S),
        .tv_nsec = (long)(ns % NS_PER_S),
    };

    if (ns < 0 || ns / NS_PER_S >= END_S) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Invalid time");
        return FALSE;
    }
    if (ops->set_clock(&now) < 0)
        return tn_error_from_errno(error, errno, "Failed to set time to guest");
    /* It counts whole seconds: the nearest. */
    if (!set_rtc(ops, root_fd, now.tv_sec + (now.tv_nsec >= NS_PER_S / 2 ? 1 : 0)))
        return tn_error_from_errno(error, errno, "the clock was set, but not the hardware clock");
    return TRUE;
}

gboolean
tn_rtc_set_clock_from_it(const TnRtcOps *ops, int root_fd, GError **error)
{
    struct rtc_time rtc = {0};
    struct timespec now = {0};
    struct tm tm = {0};

    if (ops->read_rtc(&rtc) < 0)
        return tn_error_from_errno(error, errno, "failed to read the hardware clock");
    tm.tm_sec = rtc.tm_sec;
    tm.tm_min = rtc.tm_min;
    tm.tm_hour = rtc.tm_hour;
    tm.tm_mday = rtc.tm_mday;
    tm.tm_mon = rtc.tm_mon;
    tm.tm_year = rtc.tm_year;
    tm.tm_isdst = -1;
    now.tv_sec = is_local(root_fd) ? mktime(&tm) : timegm(&tm);
    if (now.tv_sec < 0 || now.tv_sec >= END_S) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                            "the hardware clock has no valid time");
        return FALSE;
    }
    if (ops->set_clock(&now) < 0)
        return tn_error_from_errno(error, errno, "Failed to set time to guest");
    return TRUE;
}
