/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Time as plain integers. g_get_monotonic_time() would do for the first, but it makes no
 * promise to be callable after fork, and its sibling for wall time has microseconds only.
 */

#include "platform/clock.h"

#include <time.h>

enum {
    US_PER_S = 1000000,
    NS_PER_US = 1000,
    NS_PER_S = 1000000000
};

static gint64
read_us(clockid_t clock)
{
    struct timespec now = {0};

    /* Cannot fail: the clocks exist on every Linux and the address is ours. */
    (void)clock_gettime(clock, &now);
    return (gint64)now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

gint64
tn_clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

gint64
tn_clock_coarse_us(void)
{
    return read_us(CLOCK_MONOTONIC_COARSE);
}

gint64
tn_clock_realtime_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if ((gint64)now.tv_sec >= G_MAXINT64 / NS_PER_S)
        return G_MAXINT64;
    return (gint64)now.tv_sec * NS_PER_S + now.tv_nsec;
}
