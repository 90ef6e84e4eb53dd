/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/rtc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

/* What the fakes were told; tests run one after another. */
static struct {
    struct timespec clock;
    struct rtc_time rtc;
    int n_clock;
    int n_rtc;
    int rtc_errno;
    int clock_errno;
} machine;

static int
fail_with(int why)
{
    errno = why;
    return why != 0 ? -1 : 0;
}

static int
set_clock(const struct timespec *now)
{
    machine.clock = *now;
    machine.n_clock++;
    return fail_with(machine.clock_errno);
}

static int
read_rtc(struct rtc_time *ret_time)
{
    *ret_time = machine.rtc;
    return fail_with(machine.rtc_errno);
}

static int
write_rtc(const struct rtc_time *now)
{
    machine.rtc = *now;
    machine.n_rtc++;
    return fail_with(machine.rtc_errno);
}

static const TnRtcOps ops = {set_clock, read_rtc, write_rtc};

static int
reset(void **state)
{
    memset(&machine, 0, sizeof(machine));
    *state = tree_new();
    return 0;
}

static int
drop(void **state)
{
    tree_free(*state);
    return 0;
}

static void
test_sets_both(void **state)
{
    Tree *tree = *state;

    assert_true(tn_rtc_set_time(&ops, tree->fd, 1700000000600000000, NULL));
    assert_int_equal(machine.clock.tv_sec, 1700000000);
    assert_int_equal(machine.clock.tv_nsec, 600000000);
    assert_int_equal(machine.rtc.tm_year, 123); /* 2023-11-14T22:13:21Z, rounded */
    assert_int_equal(machine.rtc.tm_mon, 10);
    assert_int_equal(machine.rtc.tm_mday, 14);
    assert_int_equal(machine.rtc.tm_hour, 22);
    assert_int_equal(machine.rtc.tm_sec, 21);
}

static void
test_range(void **state)
{
    static const gint64 wrong[] = {-1, G_MININT64, G_MAXINT64, 3155760000000000000};
    Tree *tree = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(tn_rtc_set_time(&ops, tree->fd, wrong[i], &error));
        assert_string_equal(error->message, "Invalid time");
    }
    assert_int_equal(machine.n_clock, 0);
    assert_true(tn_rtc_set_time(&ops, tree->fd, 0, NULL));
    assert_true(tn_rtc_set_time(&ops, tree->fd, 3155759999000000000, NULL));
}

static void
test_rtc_failure_is_told_as_that(void **state)
{
    g_autoptr(GError) error = NULL;
    Tree *tree = *state;

    machine.rtc_errno = ENOENT;
    assert_false(tn_rtc_set_time(&ops, tree->fd, 1, &error));
    assert_int_equal(machine.n_clock, 1);
    assert_string_equal(error->message, "the clock was set, but not the hardware clock: No such "
                                        "file or directory");
}

static void
test_clock_failure_leaves_the_rtc(void **state)
{
    g_autoptr(GError) error = NULL;
    Tree *tree = *state;

    machine.clock_errno = EPERM;
    assert_false(tn_rtc_set_time(&ops, tree->fd, 1, &error));
    assert_string_equal(error->message, "Failed to set time to guest: Operation not permitted");
    assert_int_equal(machine.n_rtc, 0);
}

static void
test_takes_the_rtcs_time(void **state)
{
    g_autoptr(GError) error = NULL;
    Tree *tree = *state;

    machine.rtc = (struct rtc_time){
        .tm_year = 123, .tm_mon = 10, .tm_mday = 14, .tm_hour = 22, .tm_min = 13, .tm_sec = 20};
    assert_true(tn_rtc_set_clock_from_it(&ops, tree->fd, NULL));
    assert_int_equal(machine.clock.tv_sec, 1700000000);
    machine.rtc = (struct rtc_time){.tm_year = 10};
    assert_false(tn_rtc_set_clock_from_it(&ops, tree->fd, &error));
    assert_int_equal(machine.n_clock, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, drop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sets_both),
        TEST(test_range),
        TEST(test_rtc_failure_is_told_as_that),
        TEST(test_clock_failure_leaves_the_rtc),
        TEST(test_takes_the_rtcs_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
