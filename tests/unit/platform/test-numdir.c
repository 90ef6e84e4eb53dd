/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/numdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
test_sorts_by_number(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GArray) numbers = NULL;
    tn_autofd int dir_fd = -1;

    tree_mkdir(tree, "d/cpu10");
    tree_mkdir(tree, "d/cpu9");
    tree_mkdir(tree, "d/cpu0");
    tree_mkdir(tree, "d/cpuidle");
    tree_mkdir(tree, "d/cpu");
    tree_mkdir(tree, "d/cpu-1");
    tree_mkdir(tree, "d/cpu99999999999999999999");
    tree_put(tree, "d/other", "");
    numbers = tn_numdir_read(tree->fd, "/d", "cpu", &dir_fd, NULL);
    assert_non_null(numbers);
    assert_int_equal(numbers->len, 3);
    assert_int_equal(g_array_index(numbers, guint64, 0), 0);
    assert_int_equal(g_array_index(numbers, guint64, 1), 9);
    assert_int_equal(g_array_index(numbers, guint64, 2), 10);
    assert_int_equal(faccessat(dir_fd, "cpu9", F_OK, 0), 0);
}

static void
test_says_what_is_missing(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    assert_null(tn_numdir_read(tree->fd, "/none", "cpu", NULL, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    assert_string_equal(error->message, "open '/none': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts_by_number),
        cmocka_unit_test(test_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
