/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/smart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
test_unpacks_a_page(void **state)
{
    guint8 log[TN_SMART_LOG_BYTES] = {0x04, 0x3b, 0x01, 100, 10, 3};
    TnSmart smart;

    log[32] = 0x15;
    log[33] = 0x01;
    log[40] = 0x02;
    log[48] = 0x07;
    log[176 + 15] = 0x80;
    tn_smart_parse(log, &smart);
    assert_int_equal(smart.critical_warning, 4);
    assert_int_equal(smart.temperature, 315);
    assert_int_equal(smart.available_spare, 100);
    assert_int_equal(smart.available_spare_threshold, 10);
    assert_int_equal(smart.percentage_used, 3);
    assert_int_equal(smart.data_units_read.lo, 277);
    assert_int_equal(smart.data_units_read.hi, 2);
    assert_int_equal(smart.data_units_written.lo, 7);
    assert_true(smart.number_of_error_log_entries.hi == G_GUINT64_CONSTANT(1) << 63);
    assert_int_equal(smart.power_cycles.lo, 0);
}

static void
test_what_is_no_disk_has_no_log(void **state)
{
    TnSmart smart;

    assert_false(tn_smart_read(TN_SYSROOT_HOST, "/dev/null", &smart));
    assert_false(tn_smart_read(TN_SYSROOT_HOST, "/dev/nothing-here", &smart));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpacks_a_page),
        cmocka_unit_test(test_what_is_no_disk_has_no_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
