/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/state.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct {
    char *dir;
    char *file;
    char *mark;
    char *port;
} Place;

static int
make_place(void **state)
{
    Place *place = g_new0(Place, 1);

    place->dir = g_dir_make_tmp("tenon-state-XXXXXX", NULL);
    place->file = g_build_filename(place->dir, "qga.state", NULL);
    place->mark = g_strconcat(place->file, ".isfrozen", NULL);
    place->port = g_strconcat(place->file, ".port", NULL);
    *state = place;
    return place->dir == NULL;
}

static int
remove_place(void **state)
{
    Place *place = *state;

    g_unlink(place->file);
    g_unlink(place->mark);
    g_unlink(place->port);
    g_rmdir(place->dir);
    g_free(place->dir);
    g_free(place->file);
    g_free(place->mark);
    g_free(place->port);
    g_free(place);
    return 0;
}

static void
put_file(const Place *place, const char *text)
{
    assert_true(g_file_set_contents(place->file, text, -1, NULL));
}

static void
assert_file(const Place *place, const char *expected)
{
    g_autofree char *text = NULL;

    assert_true(tn_fd_read_file(AT_FDCWD, place->file, 4096, &text, NULL, NULL));
    assert_string_equal(text, expected);
}

static gint64
take(TnState *counter)
{
    gint64 number = -1;

    assert_true(tn_state_take_number(counter, &number, NULL));
    return number;
}

static void
test_first_start_creates_the_file(void **state)
{
    Place *place = *state;
    g_autoptr(TnState) counter = tn_state_new(place->file, NULL);

    assert_non_null(counter);
    assert_file(place, "[global]\nfd_counter=1000\n");
    assert_int_equal(take(counter), 1000);
    assert_file(place, "[global]\nfd_counter=2000\n");
    assert_int_equal(take(counter), 1001);
}

static void
test_no_number_twice_over_restarts(void **state)
{
    Place *place = *state;
    gint64 last = 0;

    for (int start = 0; start < 3; start++) {
        g_autoptr(TnState) counter = tn_state_new(place->file, NULL);

        for (int i = 0; i < 1500; i++) {
            gint64 number = take(counter);

            assert_true(number > last);
            last = number;
        }
    }
}

static void
test_reads_what_the_other_agent_wrote(void **state)
{
    Place *place = *state;

    put_file(place, "[global]\nfd_counter=1234\n");
    g_autoptr(TnState) counter = tn_state_new(place->file, NULL);
    assert_int_equal(take(counter), 1234);
    assert_file(place, "[global]\nfd_counter=2234\n");
}

static void
test_odd_files(void **state)
{
    Place *place = *state;
    g_autoptr(GError) error = NULL;

    put_file(place, "[other]\nx=1\n");
    g_autoptr(TnState) missing = tn_state_new(place->file, NULL);
    assert_int_equal(take(missing), 1000);

    put_file(place, "[global]\nfd_counter=many\n");
    g_autoptr(TnState) word = tn_state_new(place->file, NULL);
    assert_int_equal(take(word), 1);

    put_file(place, "no key file\n");
    assert_null(tn_state_new(place->file, &error));
    assert_true(error->domain == G_KEY_FILE_ERROR);
}

static void
test_missing_directory_is_an_error(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(tn_state_new("/nonexistent/dir/state", &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

static void
count_change(gboolean frozen, gpointer data)
{
    int *n = data;

    *n += frozen ? 1 : 100;
}

static void
test_frozen_mark_outlives_the_process(void **state)
{
    Place *place = *state;
    struct stat found;
    int n = 0;
    gint64 number;
    g_autoptr(GError) error = NULL;
    g_autoptr(TnState) first = tn_state_new(place->file, NULL);

    assert_false(tn_state_is_frozen(first));
    tn_state_on_frozen(first, count_change, &n);
    assert_true(tn_state_set_frozen(first, TRUE, NULL));
    assert_int_equal(stat(place->mark, &found), 0);
    assert_int_equal(found.st_size, 0);
    assert_int_equal(found.st_mode & 07777, 0600);

    g_autoptr(TnState) second = tn_state_new(place->file, NULL);
    assert_true(tn_state_is_frozen(second));
    assert_false(tn_state_take_number(second, &number, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BUSY));
    assert_true(tn_state_set_frozen(second, FALSE, NULL));
    assert_int_equal(stat(place->mark, &found), -1);
    assert_int_equal(take(second), 1000);

    assert_true(tn_state_set_frozen(first, FALSE, NULL));
    assert_int_equal(n, 101);
}

static void
test_a_port_left_in_disorder_is_noticed_once_per_boot(void **state)
{
    Place *place = *state;
    g_autoptr(TnState) first = tn_state_new(place->file, NULL);

    assert_false(tn_state_begin_port(first));
    assert_true(tn_state_begin_port(first)); /* as a process after one that was killed */
    tn_state_end_port(first);
    assert_false(tn_state_begin_port(first));
    assert_true(g_file_set_contents(place->port, "another-boot\n", -1, NULL));
    assert_false(tn_state_begin_port(first));
    assert_true(tn_state_begin_port(first));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_start_creates_the_file, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_no_number_twice_over_restarts, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_reads_what_the_other_agent_wrote, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_odd_files, make_place, remove_place),
        cmocka_unit_test(test_missing_directory_is_an_error),
        cmocka_unit_test_setup_teardown(test_frozen_mark_outlives_the_process, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_a_port_left_in_disorder_is_noticed_once_per_boot,
                                        make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
