/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/loadavg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
test_reads_a_tree(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(GError) error = NULL;
    TnLoadavg load;

    assert_true(tn_loadavg_read(root_fd, &load, &error));
    assert_true(load.load1m == 0.08 && load.load5m == 0.03 && load.load15m == 0.01);
}

static void
test_refuses_noise(void **state)
{
    static const char *const noise[] = {"",       "\n",          "1 2",        "a b c",
                                        "-1 0 0", "nan nan nan", "0x1 0x1 0x1"};
    g_autoptr(Tree) tree = tree_new();

    for (gsize i = 0; i < G_N_ELEMENTS(noise); i++) {
        g_autoptr(GError) error = NULL;
        TnLoadavg load = {7, 7, 7};

        tree_put(tree, "proc/loadavg", noise[i]);
        assert_false(tn_loadavg_read(tree->fd, &load, &error));
        assert_non_null(error);
        assert_true(load.load1m == 7);
    }
}

static void
test_says_what_is_missing(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;
    TnLoadavg load;

    assert_false(tn_loadavg_read(tree->fd, &load, &error));
    assert_string_equal(error->message, "read '/proc/loadavg': No such file or directory");
}

static void
test_agrees_with_libc(void **state)
{
    TnLoadavg load;
    double libc[3];

    assert_int_equal(getloadavg(libc, 3), 3);
    assert_true(tn_loadavg_read(TN_SYSROOT_HOST, &load, NULL));
    /* The averages may have moved between the two. */
    assert_true(load.load1m - libc[0] < 1 && libc[0] - load.load1m < 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_refuses_noise),
        cmocka_unit_test(test_says_what_is_missing),
        cmocka_unit_test(test_agrees_with_libc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
