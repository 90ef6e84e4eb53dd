/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/cpus.h"

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
    g_autoptr(GPtrArray) cpus = tn_cpus_read(root_fd, NULL);
    const TnCpu *cpu;

    assert_non_null(cpus);
    assert_int_equal(cpus->len, 2);
    cpu = cpus->pdata[0];
    assert_int_equal(cpu->logical_id, 0);
    assert_true(cpu->online);
    assert_false(cpu->can_offline);
    cpu = cpus->pdata[1];
    assert_int_equal(cpu->logical_id, 1);
    assert_true(cpu->online);
    assert_true(cpu->can_offline);
}

static void
test_sees_what_is_off(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) cpus = NULL;

    tree_put(tree, "sys/devices/system/cpu/cpu0/online", "1\n");
    tree_put(tree, "sys/devices/system/cpu/cpu1/online", "0\n");
    tree_put(tree, "sys/devices/system/cpu/cpu2/online", "2\n");
    tree_put(tree, "sys/devices/system/cpu/cpu3/online", "");
    cpus = tn_cpus_read(tree->fd, NULL);
    assert_int_equal(cpus->len, 2);
    assert_true(((TnCpu *)cpus->pdata[0])->online);
    assert_false(((TnCpu *)cpus->pdata[1])->online);
}

static void
test_stats_in_milliseconds(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(GPtrArray) stats = tn_cpus_read_stats(root_fd, NULL);
    const TnCpuStat *stat;

    assert_non_null(stats);
    assert_int_equal(stats->len, 2);
    stat = stats->pdata[1];
    assert_int_equal(stat->cpu, 1);
    assert_int_equal(stat->user, 6020);
    assert_int_equal(stat->nice, 60);
    assert_int_equal(stat->system, 4220);
    assert_int_equal(stat->idle, 964220);
    assert_int_equal(stat->iowait, 1550);
    assert_int_equal(stat->irq, 0);
    assert_int_equal(stat->softirq, 200);
    assert_int_equal(stat->steal, 30);
    assert_true(stat->has_guestnice);
}

static void
test_stats_by_column_count(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) stats = NULL;
    const TnCpuStat *stat;

    tree_put(tree, "proc/stat",
             "cpu  1 2 3 4\ncpu0 1 2 3 4 5\ncpu1 1 2 3\ncpux 1 2 3 4\ncpu3 1 2 3 4 x 6\n"
             "cpu4 18446744073709551615 2 3 4 5 6 7 8 9 10 11 12\nintr 1\ncpu9 1 2 3 4\n");
    stats = tn_cpus_read_stats(tree->fd, NULL);
    assert_int_equal(stats->len, 3);
    stat = stats->pdata[0];
    assert_true(stat->has_iowait);
    assert_false(stat->has_irq);
    stat = stats->pdata[1];
    assert_int_equal(stat->cpu, 3);
    assert_false(stat->has_iowait);
    stat = stats->pdata[2];
    assert_int_equal(stat->cpu, 4);
    assert_int_equal(stat->guestnice, 100);
}

static void
test_missing_files_are_errors(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    assert_null(tn_cpus_read(tree->fd, &error));
    assert_string_equal(error->message,
                        "open '/sys/devices/system/cpu': No such file or directory");
    g_clear_error(&error);
    assert_null(tn_cpus_read_stats(tree->fd, &error));
    assert_string_equal(error->message, "open '/proc/stat': No such file or directory");
}

static void
assert_file(const Tree *tree, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL);
    g_autofree char *held = NULL;

    assert_true(g_file_get_contents(path, &held, NULL, NULL));
    assert_string_equal(held, text);
}

static void
test_switches(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    tree_put(tree, "sys/devices/system/cpu/cpu1/online", "1\n");
    tree_put(tree, "sys/devices/system/cpu/cpu2/online", "0\n");
    tree_mkdir(tree, "sys/devices/system/cpu/cpu0");
    assert_true(tn_cpus_set_online(tree->fd, 1, FALSE, NULL));
    assert_file(tree, "sys/devices/system/cpu/cpu1/online", "0\n");
    assert_true(tn_cpus_set_online(tree->fd, 2, TRUE, NULL));
    assert_file(tree, "sys/devices/system/cpu/cpu2/online", "1\n");
    assert_true(tn_cpus_set_online(tree->fd, 0, TRUE, NULL));
    assert_false(tn_cpus_set_online(tree->fd, 0, FALSE, &error));
    assert_string_equal(error->message, "logical processor #0 can't be offlined");
    g_clear_error(&error);
    assert_false(tn_cpus_set_online(tree->fd, -1, TRUE, &error));
    assert_string_equal(error->message,
                        "open(\"/sys/devices/system/cpu/cpu-1/\"): No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_sees_what_is_off),
        cmocka_unit_test(test_stats_in_milliseconds),
        cmocka_unit_test(test_stats_by_column_count),
        cmocka_unit_test(test_missing_files_are_errors),
        cmocka_unit_test(test_switches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
