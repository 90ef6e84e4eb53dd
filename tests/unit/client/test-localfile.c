/* SPDX-License-Identifier: Apache-2.0 */

#include "client/localfile.h"

#include "client/failure.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct {
    char *directory;
    char *path;
} Place;

static int
make_place(void **state)
{
    Place *place = g_new0(Place, 1);

    place->directory = g_dir_make_tmp("tenon-XXXXXX", NULL);
    place->path = g_build_filename(place->directory, "target", NULL);
    *state = place;
    return 0;
}

static guint
count_files(const Place *place, gboolean shall_remove)
{
    g_autoptr(GDir) directory = g_dir_open(place->directory, 0, NULL);
    const char *name = NULL;
    guint n = 0;

    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(place->directory, name, NULL);

        n++;
        if (shall_remove)
            g_unlink(path);
    }
    return n;
}

static int
remove_place(void **state)
{
    Place *place = *state;

    (void)count_files(place, TRUE);
    g_rmdir(place->directory);
    g_free(place->directory);
    g_free(place->path);
    g_free(place);
    return 0;
}

static void
append(TnLocalFile *file, const char *text)
{
    assert_true(tn_localfile_append(file, (const guint8 *)text, strlen(text), NULL));
}

static void
check_content(const Place *place, const char *expected)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(place->path, &text, NULL, NULL));
    assert_string_equal(text, expected);
}

static void
test_replaces_at_the_end(void **state)
{
    const Place *place = *state;
    g_auto(TnLocalFile) file = {.fd = -1};
    struct stat st;

    assert_true(g_file_set_contents(place->path, "old", -1, NULL));
    assert_true(tn_localfile_begin(&file, place->path, NULL, TRUE, NULL));
    append(&file, "new ");
    append(&file, "text");
    check_content(place, "old");
    assert_int_equal(file.size, 8);
    /* A set-user-ID bit of the guest's file is never taken over. */
    assert_true(tn_localfile_commit(&file, 06751, 1000000000123456789, FALSE, NULL));
    check_content(place, "new text");
    assert_int_equal(stat(place->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_int_equal(st.st_mtim.tv_sec, 1000000000);
    assert_int_equal(st.st_mtim.tv_nsec, 123456789);
    assert_int_equal(count_files(place, FALSE), 1);
}

static void
test_leaves_nothing(void **state)
{
    const Place *place = *state;
    TnLocalFile file = {.fd = -1};

    assert_true(tn_localfile_begin(&file, place->path, NULL, FALSE, NULL));
    append(&file, "half");
    assert_int_equal(count_files(place, FALSE), 1);
    tn_localfile_clear(&file);
    assert_int_equal(count_files(place, FALSE), 0);
    /* Once more does no harm. */
    tn_localfile_clear(&file);
}

static void
test_keeps_existing(void **state)
{
    const Place *place = *state;
    g_auto(TnLocalFile) file = {.fd = -1};
    g_autoptr(GError) error = NULL;

    assert_true(tn_localfile_begin(&file, place->path, NULL, FALSE, NULL));
    append(&file, "new");
    assert_true(g_file_set_contents(place->path, "old", -1, NULL));
    assert_false(tn_localfile_commit(&file, -1, -1, TRUE, &error));
    assert_true(g_error_matches(error, TN_FAILURE, TN_FAILURE_EXISTS));
    check_content(place, "old");
}

static void
test_resumes(void **state)
{
    const Place *place = *state;
    TnLocalFile file = {.fd = -1};
    g_autofree char *digest = NULL;

    assert_true(tn_localfile_begin(&file, place->path, "copy 1", TRUE, NULL));
    append(&file, "first ");
    tn_localfile_clear(&file);
    /* Another copy does not find it, the same one does. */
    assert_true(tn_localfile_begin(&file, place->path, "copy 2", TRUE, NULL));
    assert_int_equal(file.size, 0);
    file.is_partial_kept = FALSE;
    tn_localfile_clear(&file);
    assert_true(tn_localfile_begin(&file, place->path, "copy 1", TRUE, NULL));
    assert_int_equal(file.size, 6);
    append(&file, "second");
    digest = g_strdup(g_checksum_get_string(file.digest));
    assert_true(tn_localfile_commit(&file, -1, -1, FALSE, NULL));
    tn_localfile_clear(&file);
    check_content(place, "first second");
    {
        g_autofree char *expected =
            g_compute_checksum_for_string(G_CHECKSUM_SHA256, "first second", -1);

        assert_string_equal(digest, expected);
    }
    assert_int_equal(count_files(place, FALSE), 1);
}

static void
test_tells_where_it_cannot(void **state)
{
    g_auto(TnLocalFile) file = {.fd = -1};
    g_autoptr(GError) error = NULL;

    assert_false(tn_localfile_begin(&file, "/nonexistent/x", NULL, FALSE, &error));
    assert_true(g_error_matches(error, TN_FAILURE, TN_FAILURE_LOCAL));
    assert_non_null(strstr(error->message, "/nonexistent/x"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replaces_at_the_end, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_leaves_nothing, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_keeps_existing, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_resumes, make_place, remove_place),
        cmocka_unit_test(test_tells_where_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
