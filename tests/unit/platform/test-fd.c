/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_reads_proc(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize size = 0;

    assert_true(tn_fd_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &text, &size, &error));
    assert_null(error);
    assert_true(g_str_has_prefix(text, "Name:"));
    assert_int_equal(strlen(text), size);
}

static void
test_refuses_above_limit(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    assert_false(tn_fd_read_file(AT_FDCWD, "/proc/self/status", 10, &text, NULL, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE));
    assert_null(text);
}

static void
test_words_errno(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    assert_false(tn_fd_read_file(AT_FDCWD, "/nonexistent/x", 10, &text, NULL, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    assert_string_equal(error->message, "open '/nonexistent/x': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_proc),
        cmocka_unit_test(test_refuses_above_limit),
        cmocka_unit_test(test_words_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
