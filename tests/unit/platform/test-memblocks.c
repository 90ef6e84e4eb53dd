/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/memblocks.h"

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
    g_autoptr(GPtrArray) blocks = tn_memblocks_read(root_fd, NULL);
    guint64 size = 0;

    assert_non_null(blocks);
    assert_int_equal(blocks->len, 16);
    for (guint i = 0; i < blocks->len; i++) {
        const TnMemblock *block = blocks->pdata[i];

        assert_int_equal(block->phys_index, i);
        assert_true(block->online && block->has_can_offline && block->can_offline);
    }
    assert_true(tn_memblocks_read_size(root_fd, &size, NULL));
    assert_int_equal(size, 134217728);
}

static void
test_sees_states(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) blocks = NULL;
    const TnMemblock *block;

    tree_put(tree, "sys/devices/system/memory/memory0/state", "offline\n");
    tree_put(tree, "sys/devices/system/memory/memory0/removable", "0\n");
    tree_put(tree, "sys/devices/system/memory/memory1/state", "going-offline\n");
    tree_mkdir(tree, "sys/devices/system/memory/memory2");
    blocks = tn_memblocks_read(tree->fd, NULL);
    assert_int_equal(blocks->len, 2);
    block = blocks->pdata[0];
    assert_false(block->online || block->can_offline);
    assert_true(block->has_can_offline);
    block = blocks->pdata[1];
    assert_true(block->online);
    assert_false(block->has_can_offline);
}

static void
test_no_blocks_is_an_empty_list(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) blocks = tn_memblocks_read(tree->fd, &error);
    guint64 size = 7;

    assert_non_null(blocks);
    assert_int_equal(blocks->len, 0);
    assert_false(tn_memblocks_read_size(tree->fd, &size, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    assert_int_equal(size, 7);
}

static void
test_size_must_be_a_number(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;
    guint64 size = 7;

    tree_put(tree, "sys/devices/system/memory/block_size_bytes", "lots\n");
    assert_false(tn_memblocks_read_size(tree->fd, &size, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA));
    assert_int_equal(size, 7);
}

static void
test_switches(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    char held[32];
    int why = 0;

    tree_put(tree, "sys/devices/system/memory/memory0/state", "online\n");
    tree_mkdir(tree, "sys/devices/system/memory/memory1");
    assert_int_equal(tn_memblocks_set_online(tree->fd, 0, TRUE, &why), TN_MEMBLOCK_SUCCESS);
    assert_int_equal(tn_memblocks_set_online(tree->fd, 0, FALSE, &why), TN_MEMBLOCK_SUCCESS);
    assert_int_equal(why, 0);
    assert_true(tn_sysroot_read_attr(tree->fd, "/sys/devices/system/memory/memory0/state", held,
                                     sizeof(held)) > 0);
    assert_string_equal(held, "offline");
    assert_int_equal(tn_memblocks_set_online(tree->fd, 1, TRUE, &why), TN_MEMBLOCK_NOT_SUPPORTED);
    assert_int_equal(tn_memblocks_set_online(tree->fd, 9, TRUE, &why), TN_MEMBLOCK_NOT_FOUND);
    assert_int_equal(why, ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_sees_states),
        cmocka_unit_test(test_no_blocks_is_an_empty_list),
        cmocka_unit_test(test_size_must_be_a_number),
        cmocka_unit_test(test_switches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
