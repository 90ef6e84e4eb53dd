/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/diskstats.h"

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
    g_autoptr(GPtrArray) stats = tn_diskstats_read(root_fd, NULL);
    const TnDiskstat *stat;

    assert_non_null(stats);
    assert_int_equal(stats->len, 5);
    stat = stats->pdata[0];
    assert_string_equal(stat->name, "vda");
    assert_int_equal(stat->major, 254);
    assert_int_equal(stat->minor, 0);
    assert_int_equal(stat->read_ios, 9345);
    assert_int_equal(stat->read_merges, 2104);
    assert_int_equal(stat->read_sectors, 761226);
    assert_int_equal(stat->read_ticks, 3411);
    assert_int_equal(stat->write_ios, 2201);
    assert_int_equal(stat->weight_ticks, 5011);
    assert_true(stat->has_discard && stat->has_flush);
    assert_int_equal(stat->flush_ios, 321);
    assert_int_equal(stat->flush_ticks, 77);
}

static void
test_by_column_count(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) stats = NULL;
    const TnDiskstat *stat;

    tree_put(tree, "proc/diskstats",
             "8 0 old 1 2 3 4 5 6 7 8 9 10 11\n"
             "8 1 part 1 2 3 4\n"
             "8 2 mid 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"
             "noise\n\n\xff\xff\n"
             "8 3 new 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n"
             "8 4 n\xff 1 2 3 4 5 6 7 8 9 10 11");
    stats = tn_diskstats_read(tree->fd, NULL);
    assert_int_equal(stats->len, 4);
    stat = stats->pdata[0];
    assert_false(stat->has_discard);
    stat = stats->pdata[1];
    assert_true(stat->has_discard);
    assert_false(stat->has_flush);
    assert_int_equal(stat->discard_ticks, 15);
    stat = stats->pdata[2];
    assert_true(stat->has_flush);
    assert_int_equal(stat->flush_ticks, 17);
    stat = stats->pdata[3];
    assert_string_equal(stat->name, "n\xef\xbf\xbd");
}

static void
test_missing_file_is_an_error(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    assert_null(tn_diskstats_read(tree->fd, &error));
    assert_string_equal(error->message, "open '/proc/diskstats': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_by_column_count),
        cmocka_unit_test(test_missing_file_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
