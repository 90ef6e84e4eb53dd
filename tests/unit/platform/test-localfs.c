/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/localfs.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int
open_path(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void
test_learns_one_at_a_time(void **state)
{
    g_autoptr(TnLocalFs) local = tn_localfs_new();
    tn_autofd int proc = open_path("/proc/self/stat");
    tn_autofd int other = open_path("/proc/version");
    tn_autofd int sys = open_path("/sys");

    assert_false(tn_localfs_knows(local, proc));
    tn_localfs_learn(local, proc);
    assert_true(tn_localfs_knows(local, proc));
    assert_true(tn_localfs_knows(local, other));
    assert_false(tn_localfs_knows(local, sys));
    tn_localfs_learn(local, sys);
    assert_true(tn_localfs_knows(local, sys) && tn_localfs_knows(local, proc));
}

static void
test_kinds(void **state)
{
    tn_autofd int proc = open_path("/proc");
    tn_autofd int sys = open_path("/sys");

    assert_true(tn_localfs_test(proc) && tn_localfs_test(sys));
    assert_false(tn_localfs_test(-1));
}

/* A descriptor that says nothing is of no known file system. */
static void
test_nothing(void **state)
{
    g_autoptr(TnLocalFs) local = tn_localfs_new();

    tn_localfs_learn(local, -1);
    assert_false(tn_localfs_knows(local, -1));
    tn_localfs_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns_one_at_a_time),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
