/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where the machine thinks it is: its host name and its time zone. Both are asked anew each time.
 */

enum {
    TN_ZONE_NAME_BYTES = 64
};

/* NAME is the abbreviation in force now ("CET", "+03"; may be empty), OFFSET_S its distance from
 * UTC in seconds, east positive. */
typedef struct {
    char name[TN_ZONE_NAME_BYTES];
    gint64 offset_s;
} TnZone;

/* The host name as uname(2) has it, which need not be UTF-8; the caller owns it. Errors: G_IO_ERROR
 * from errno. */
char *tn_zone_read_host_name(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The local time zone at REALTIME_NS (tn_clock_realtime_ns()), by TZ or /etc/localtime: tzset(3)
 * looks whether that file has changed. Errors: G_IO_ERROR_INVALID_DATA if libc knows no local time
 * for that moment. Reads a small file at most. */
gboolean tn_zone_read(gint64 realtime_ns, TnZone *ret_zone, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
