/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CHILD_EXIT_CODE = 7
};

typedef struct {
    char *directory;
    char *file;
} Place;

static int
make_place(void **state)
{
    Place *place = g_new0(Place, 1);

    place->directory = g_dir_make_tmp("tenon-daemon-XXXXXX", NULL);
    place->file = g_build_filename(place->directory, "pid", NULL);
    *state = place;
    return 0;
}

static int
remove_place(void **state)
{
    Place *place = *state;

    (void)unlink(place->file);
    (void)rmdir(place->directory);
    g_free(place->file);
    g_free(place->directory);
    g_free(place);
    return 0;
}

/* What the daemon sees of itself, as bits of its exit code: 0 is right. */
static int
inspect_child(const Place *place)
{
    g_autofree char *text = NULL;
    g_autofree char *expected = g_strdup_printf("%ld\n", (long)getpid());
    g_autofree char *directory = g_get_current_dir();
    struct stat status;
    mode_t mask = umask(077);

    if (!g_file_get_contents(place->file, &text, NULL, NULL) || strcmp(text, expected) != 0)
        return 1;
    if (stat(place->file, &status) < 0 || (status.st_mode & 0777) != 0600)
        return 2;
    if (getsid(0) != getpid() || strcmp(directory, "/") != 0 || mask != 077)
        return 4;
    return 0;
}

static void
test_parent_exits_with_the_child(void **state)
{
    Place *place = *state;
    TnDaemon *daemon = NULL;
    int exit_code = -1;

    assert_true(tn_daemon_start(place->file, &daemon, &exit_code, NULL));
    if (daemon != NULL) {
        int wrong = inspect_child(place);

        tn_daemon_free(daemon);
        _exit(wrong != 0 ? wrong : CHILD_EXIT_CODE);
    }
    assert_int_equal(exit_code, CHILD_EXIT_CODE);
    assert_false(g_file_test(place->file, G_FILE_TEST_EXISTS));
}

static void
test_child_that_dies_is_a_failure(void **state)
{
    Place *place = *state;
    TnDaemon *daemon = NULL;
    int exit_code = -1;

    assert_true(tn_daemon_start(place->file, &daemon, &exit_code, NULL));
    if (daemon != NULL)
        _exit(0); /* never said that it is ready */
    assert_int_equal(exit_code, 1);

    /* a file that was left behind is no obstacle: its lock went with its owner */
    exit_code = -1;
    assert_true(tn_daemon_start(place->file, &daemon, &exit_code, NULL));
    if (daemon != NULL)
        _exit(CHILD_EXIT_CODE);
    assert_int_equal(exit_code, CHILD_EXIT_CODE);
}

static void
test_ready_releases_the_parent(void **state)
{
    Place *place = *state;
    TnDaemon *daemon = NULL;
    TnDaemon *second = NULL;
    g_autoptr(GError) error = NULL;
    int stop[2];
    int exit_code = -1;
    char byte = 0;

    assert_int_equal(pipe(stop), 0);
    assert_true(tn_daemon_start(place->file, &daemon, &exit_code, NULL));
    if (daemon != NULL) {
        close(stop[1]);
        tn_daemon_ready(daemon);
        (void)!read(stop[0], &byte, 1); /* until the test is over */
        tn_daemon_free(daemon);
        _exit(0);
    }
    close(stop[0]);
    assert_int_equal(exit_code, 0);

    /* it lives, and nobody else gets its file */
    assert_false(tn_daemon_start(place->file, &second, &exit_code, &error));
    assert_string_equal(error->message, "Cannot lock pid file: Resource temporarily unavailable");
    assert_true(g_file_test(place->file, G_FILE_TEST_EXISTS));
    close(stop[1]);
    for (int i = 0; i < 1000 && g_file_test(place->file, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
    assert_false(g_file_test(place->file, G_FILE_TEST_EXISTS));
}

static void
test_no_place(void **state)
{
    TnDaemon *daemon = NULL;
    g_autoptr(GError) error = NULL;
    int exit_code = -1;

    assert_false(tn_daemon_start("/nonexistent/pid", &daemon, &exit_code, &error));
    assert_string_equal(error->message,
                        "Could not create '/nonexistent/pid': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parent_exits_with_the_child, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_child_that_dies_is_a_failure, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_ready_releases_the_parent, make_place, remove_place),
        cmocka_unit_test(test_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
