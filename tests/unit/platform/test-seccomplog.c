/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records as kernels write them, and as somebody else might.
 */

#include "platform/seccomplog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RECORD(PRIORITY, ARCH, CALL)                                                           \
    PRIORITY ",693,17794030359,-;audit: type=1326 audit(1795591565.683:171): auid=4294967295 " \
             "uid=0 gid=0 ses=4294967295 pid=32675 comm=\"attack\" exe=\"/x/attack\" sig=31 "  \
             "arch=" ARCH " syscall=" CALL " compat=0 ip=0x7f70d4b9b0f7 code=0x80000000\n"

static void
check(const char *record, pid_t pid, const char *call, const char *arch)
{
    const char *got_arch = NULL;
    g_autofree char *got = tn_seccomplog_parse(record, pid, &got_arch);

    if (call == NULL) {
        assert_null(got);
        return;
    }
    assert_string_equal(got, call);
    assert_string_equal(got_arch, arch);
}

static void
test_records(void **state)
{
    check(RECORD("5", "c000003e", "41"), 32675, "socket", "x86_64");
    check(RECORD("5", "40000003", "359"), 32675, "socket", "i386");
    check(RECORD("5", "c00000b7", "198"), 32675, "socket", "aarch64");
    check(RECORD("5", "c000003e", "99999"), 32675, "99999", "x86_64");
}

static void
test_others(void **state)
{
    check(RECORD("5", "c000003e", "41"), 3267, NULL, NULL);
    check(RECORD("5", "c0000fff", "41"), 32675, NULL, NULL);
    check(RECORD("5", "zz", "41"), 32675, NULL, NULL);
    check(RECORD("5", "c000003e", "-1"), 32675, NULL, NULL);
    /* Written by a program: its facility is not the kernel's. */
    check(RECORD("13", "c000003e", "41"), 32675, NULL, NULL);
    check("5,1,2,-;x audit: type=1326 pid=32675 arch=c000003e syscall=41\n", 32675, NULL, NULL);
    check("5,1,2,-;audit: type=1326\n", 32675, NULL, NULL);
    check("", 32675, NULL, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
