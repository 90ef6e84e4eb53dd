/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void
test_monotonic_agrees_with_glib(void **state)
{
    gint64 before = g_get_monotonic_time();
    gint64 now = tn_clock_monotonic_us();
    gint64 after = g_get_monotonic_time();

    assert_true(before <= now && now <= after);
}

static void
test_coarse_is_late_by_a_tick_at_most(void **state)
{
    gint64 before = tn_clock_monotonic_us();
    gint64 now = tn_clock_coarse_us();
    gint64 after = tn_clock_monotonic_us();

    assert_true(before - 11000 <= now && now <= after);
}

static void
test_realtime_has_nanoseconds(void **state)
{
    gint64 before = g_get_real_time() * 1000;
    gint64 now = tn_clock_realtime_ns();
    gint64 after = (g_get_real_time() + 1) * 1000;

    assert_true(before <= now && now <= after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_agrees_with_glib),
        cmocka_unit_test(test_coarse_is_late_by_a_tick_at_most),
        cmocka_unit_test(test_realtime_has_nanoseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
