/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

/* 2026-01-15 and 2026-07-15, 12:00 UTC. */
static const gint64 winter_ns = 1768478400 * G_GINT64_CONSTANT(1000000000);
static const gint64 summer_ns = 1784116800 * G_GINT64_CONSTANT(1000000000);

static void
expect_zone(const char *tz, gint64 when_ns, const char *name, gint64 offset_s)
{
    g_autoptr(GError) error = NULL;
    TnZone zone;

    g_setenv("TZ", tz, TRUE);
    assert_true(tn_zone_read(when_ns, &zone, &error));
    assert_string_equal(zone.name, name);
    assert_int_equal(zone.offset_s, offset_s);
}

static void
test_follows_rules(void **state)
{
    expect_zone("CET-1CEST,M3.5.0,M10.5.0/3", winter_ns, "CET", 3600);
    expect_zone("CET-1CEST,M3.5.0,M10.5.0/3", summer_ns, "CEST", 7200);
    expect_zone("NST3:30", winter_ns, "NST", -12600);
    expect_zone("<+0545>-5:45", winter_ns, "+0545", 20700);
    expect_zone("UTC0", winter_ns, "UTC", 0);
}

static void
test_sees_a_change(void **state)
{
    expect_zone("EST5", winter_ns, "EST", -18000);
    expect_zone("JST-9", winter_ns, "JST", 32400);
}

static void
test_speaks_of_any_moment(void **state)
{
    g_autoptr(GError) error = NULL;
    TnZone zone;

    g_setenv("TZ", "UTC0", TRUE);
    /* Far away, yet within what libc can say. */
    assert_true(tn_zone_read(G_MAXINT64, &zone, &error));
    assert_true(tn_zone_read(G_MININT64, &zone, &error));
    assert_null(error);
}

static void
test_host_name_is_the_kernels(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = tn_zone_read_host_name(&error);
    struct utsname kernel;

    assert_null(error);
    assert_int_equal(uname(&kernel), 0);
    assert_string_equal(name, kernel.nodename);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_rules),
        cmocka_unit_test(test_sees_a_change),
        cmocka_unit_test(test_speaks_of_any_moment),
        cmocka_unit_test(test_host_name_is_the_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
