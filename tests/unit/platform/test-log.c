/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fd.h"
#include "platform/log.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    char *dir;
    char *path;
} Place;

static int
make_place(void **state)
{
    Place *place = g_new0(Place, 1);

    place->dir = g_dir_make_tmp("tenon-log-XXXXXX", NULL);
    place->path = g_build_filename(place->dir, "log", NULL);
    *state = place;
    return place->dir == NULL;
}

static int
remove_place(void **state)
{
    Place *place = *state;

    g_unlink(place->path);
    g_rmdir(place->dir);
    g_free(place->dir);
    g_free(place->path);
    g_free(place);
    return 0;
}

static char *
read_log(const Place *place)
{
    char *text = NULL;

    assert_true(tn_fd_read_file(AT_FDCWD, place->path, 1 << 20, &text, NULL, NULL));
    return text;
}

static void
test_line_has_time_level_and_no_forged_line(void **state)
{
    Place *place = *state;
    g_autoptr(TnLog) log = tn_log_new(place->path, FALSE, NULL);

    tn_log_write(log, G_LOG_LEVEL_INFO, "not seen without verbose");
    tn_log_write(log, G_LOG_LEVEL_CRITICAL, "one\n1.1: critical: \033[1mforged\n");
    g_autofree char *text = read_log(place);
    assert_true(g_regex_match_simple(
        "^[0-9]+\\.[0-9]{6}: critical: one\\\\x0a1.1: critical: \\\\x1b\\[1mforged\n$", text, 0,
        0));
}

static void
test_frozen_lines_follow_after_the_thaw(void **state)
{
    Place *place = *state;
    g_autoptr(TnLog) log = tn_log_new(place->path, TRUE, NULL);

    tn_log_set_frozen(log, TRUE);
    for (int i = 0; i < 3000; i++) {
        g_autofree char *line = g_strdup_printf("line %d", i);
        tn_log_write(log, G_LOG_LEVEL_DEBUG, line);
    }
    g_autofree char *before = read_log(place);
    assert_string_equal(before, "");
    tn_log_set_frozen(log, FALSE);
    tn_log_write(log, G_LOG_LEVEL_DEBUG, "after");
    g_autofree char *text = read_log(place);
    assert_null(strstr(text, "line 0\n"));
    assert_non_null(strstr(text, "line 2999\n"));
    assert_non_null(strstr(text, "messages were lost while frozen"));
    assert_true(g_str_has_suffix(text, "debug: after\n"));
    assert_true(strlen(text) < 66 * 1024);
}

static void
test_unusable_path_is_an_error(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(tn_log_new("/nonexistent/dir/log", FALSE, &error));
    assert_string_equal(error->message, "open '/nonexistent/dir/log': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line_has_time_level_and_no_forged_line, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_frozen_lines_follow_after_the_thaw, make_place,
                                        remove_place),
        cmocka_unit_test(test_unusable_path_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
