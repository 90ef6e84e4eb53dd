/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/meminfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
test_reads_a_tree(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    TnMeminfo info;
    TnVmstat vm;

    assert_true(tn_meminfo_read(root_fd, &info, NULL));
    assert_int_equal(info.total, G_GUINT64_CONSTANT(2014236) * 1024);
    assert_int_equal(info.available, G_GUINT64_CONSTANT(1769520) * 1024);
    assert_int_equal(info.swap_free, G_GUINT64_CONSTANT(998396) * 1024);
    assert_true(info.has_free && info.has_buffers && info.has_cached && info.has_swap_total);
    assert_true(tn_meminfo_read_vmstat(root_fd, &vm));
    assert_int_equal(vm.page_faults, 1024551);
    assert_int_equal(vm.major_page_faults, 1803);
    assert_int_equal(vm.swap_in, 17);
    assert_int_equal(vm.swap_out, 42);
}

static void
test_reads_pressure(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    TnPressure pressure;

    assert_true(tn_meminfo_read_pressure(root_fd, "memory", &pressure));
    assert_true(pressure.has_some && pressure.has_full);
    assert_true(pressure.some.avg10 == 0.12 && pressure.some.avg60 == 0.03);
    assert_int_equal(pressure.full.total_us, 1987);
    assert_false(tn_meminfo_read_pressure(root_fd, "none", &pressure));
}

static void
test_one_bad_line_loses_itself(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    TnMeminfo info;
    TnPressure pressure;

    tree_put(tree, "proc/meminfo",
             "MemFree: lots kB\nMemTotal: 1024 kB\nCached: 99999999999999999999 kB\n"
             "Buffers: 18446744073709551615 kB\nSwapTotal:\n");
    assert_true(tn_meminfo_read(tree->fd, &info, NULL));
    assert_int_equal(info.total, 1048576);
    assert_false(info.has_free || info.has_cached || info.has_buffers || info.has_swap_total);
    tree_put(tree, "proc/pressure/io",
             "some avg10=x avg60=0.00 avg300=0.00 total=1\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
    assert_true(tn_meminfo_read_pressure(tree->fd, "io", &pressure));
    assert_false(pressure.has_some);
    assert_true(pressure.has_full);
    assert_int_equal(pressure.full.total_us, 5);
}

static void
test_no_total_is_an_error(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;
    TnMeminfo info;

    assert_false(tn_meminfo_read(tree->fd, &info, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    g_clear_error(&error);
    tree_put(tree, "proc/meminfo", "\n\n");
    assert_false(tn_meminfo_read(tree->fd, &info, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_reads_pressure),
        cmocka_unit_test(test_one_bad_line_loses_itself),
        cmocka_unit_test(test_no_total_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
