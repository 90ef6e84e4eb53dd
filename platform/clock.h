/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The clocks that the agent reads. None blocks, fails or allocates; both may run after fork.
 */

/* Microseconds since some fixed point of this boot (CLOCK_MONOTONIC, clock_gettime(2)): the only
 * time for deadlines and durations. Does not advance while the machine is suspended. */
gint64 tn_clock_monotonic_us(void);

/* The same, up to a tick (10 ms) late: for what is asked often and only about. Does not enter the
 * kernel even where the clock source makes the other one do it (CLOCK_MONOTONIC_COARSE). */
gint64 tn_clock_coarse_us(void);

/* Nanoseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME): the only time that goes out on the
 * wire. May jump in both directions. Fits until the year 2262; later times read as G_MAXINT64. */
gint64 tn_clock_realtime_ns(void);
