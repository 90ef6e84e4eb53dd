/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The two clocks that the agent reads. Neither blocks, fails or allocates; both may run after fork.
 */

/* Microseconds since some fixed point of this boot (CLOCK_MONOTONIC, clock_gettime(2)): the only
 * time for deadlines and durations. Does not advance while the machine is suspended. */
gint64 tn_clock_monotonic_us(void);

/* Nanoseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME): the only time that goes out on the
 * wire. May jump in both directions. Fits until the year 2262; later times read as G_MAXINT64. */
gint64 tn_clock_realtime_ns(void);
