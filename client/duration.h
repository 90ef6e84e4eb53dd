/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Lengths of time as people write them, and deadlines. All times are microseconds; a deadline is a
 * point of the monotonic clock (g_get_monotonic_time).
 */

#define TN_DEADLINE_NEVER G_MAXINT64

/* Parses "10", "1.5s", "500ms", "2m", "1h30m", "1d": numbers with a unit (ms s m h d; none means
 * seconds and is allowed for a lone number), each unit at most once and in falling order, at most
 * one year in all. Errors: TN_FAILURE_USAGE. */
gboolean tn_duration_parse(const char *text, gint64 *ret_us, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* "250 ms", "10 s", "1.5 s", "3 min", "2 h": for messages, rounded. Free with g_free. */
char *tn_duration_format(gint64 us);

/* "12s", "8m", "3h", "8d": for tables. Free with g_free. */
char *tn_duration_format_short(gint64 us);

/* Now plus US; never when US < 0. */
gint64 tn_deadline_after(gint64 us);

/* TRUE when the deadline is over. */
gboolean tn_deadline_is_over(gint64 deadline_us);

/* Time until the deadline for poll(2): rounded up, 0 when it is over, -1 when it never comes. */
int tn_deadline_get_poll_ms(gint64 deadline_us);

/* Waits for US, not beyond the deadline; blocks. */
void tn_deadline_pause(gint64 us, gint64 deadline_us);
