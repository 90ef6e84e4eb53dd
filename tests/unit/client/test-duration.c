/* SPDX-License-Identifier: Apache-2.0 */

#include "client/duration.h"

#include "client/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS G_GINT64_CONSTANT(1000)
#define S  (1000 * MS)

static void
test_parses(void **state)
{
    static const struct {
        const char *text;
        gint64 us;
    } cases[] = {
        {"0", 0},
        {"10", 10 * S},
        {"10s", 10 * S},
        {"1.5s", 1500 * MS},
        {"1.5", 1500 * MS},
        {"0.000001", 1},
        {"500ms", 500 * MS},
        {"0.5ms", 500},
        {"2m", 120 * S},
        {"1h30m", 5400 * S},
        {"1d", 86400 * S},
        {"1h0m5s250ms", 3605 * S + 250 * MS},
        {"366d", 366 * 86400 * S},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        gint64 us = -1;

        if (!tn_duration_parse(cases[i].text, &us, &error))
            fail_msg("%s: %s", cases[i].text, error->message);
        if (us != cases[i].us)
            fail_msg("%s gives %lld us", cases[i].text, (long long)us);
    }
}

static void
test_refuses(void **state)
{
    static const char *const texts[] = {
        "",
        "s",
        "-1",
        "+1",
        "1x",
        "1 s",
        "1S",
        "1.s",
        ".5",
        "1..5",
        "1m1h",
        "1s1s",
        "10 ",
        "1h30",
        "30m5",
        "1e3",
        "0x10",
        "367d",
        "99999999999999999999",
        "1ms1s",
        "1.0000001",
        "1mss",
        "8784h1s",
        "infinity",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        gint64 us = 42;

        if (tn_duration_parse(texts[i], &us, &error))
            fail_msg("'%s' was taken for %lld us", texts[i], (long long)us);
        assert_true(g_error_matches(error, TN_FAILURE, TN_FAILURE_USAGE));
        assert_int_equal(us, 42);
    }
}

static void
check_format(gint64 us, const char *expected, const char *expected_short)
{
    g_autofree char *text = tn_duration_format(us);
    g_autofree char *brief = tn_duration_format_short(us);

    assert_string_equal(text, expected);
    assert_string_equal(brief, expected_short);
}

static void
test_formats(void **state)
{
    check_format(0, "0 ms", "0s");
    check_format(250 * MS, "250 ms", "0s");
    check_format(999600, "1 s", "0s");
    check_format(1500 * MS, "1.5 s", "1s");
    check_format(10 * S, "10 s", "10s");
    check_format(119 * S, "119 s", "1m");
    check_format(180 * S, "3 min", "3m");
    check_format(7200 * S, "2 h", "2h");
    check_format(3 * 86400 * S, "72 h", "3d");
}

static void
test_deadlines(void **state)
{
    gint64 deadline_us = tn_deadline_after(30 * MS);

    assert_true(tn_deadline_after(-1) == TN_DEADLINE_NEVER);
    assert_int_equal(tn_deadline_get_poll_ms(TN_DEADLINE_NEVER), -1);
    assert_false(tn_deadline_is_over(TN_DEADLINE_NEVER));
    assert_false(tn_deadline_is_over(deadline_us));
    assert_in_range(tn_deadline_get_poll_ms(deadline_us), 1, 30);
    /* The pause ends with the deadline, however long it was to be. */
    tn_deadline_pause(60 * S, deadline_us);
    assert_true(tn_deadline_is_over(deadline_us));
    assert_int_equal(tn_deadline_get_poll_ms(deadline_us), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_deadlines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
