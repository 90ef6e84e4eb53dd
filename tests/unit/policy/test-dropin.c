/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Policy directories: names, leftovers, masks, owners. Needs root for the foreign owner only.
 */

#include "policy/dropin.h"

#include "policy/policy.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int
set_up(void **state)
{
    *state = g_dir_make_tmp("tn-dropin-XXXXXX", NULL);
    return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    g_autoptr(GDir) dir = g_dir_open(*state, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(*state, name, NULL);

        g_remove(path);
    }
    g_rmdir(*state);
    g_free(*state);
    return 0;
}

static char *
put(const char *dir, const char *name, int mode)
{
    char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents_full(path, name, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_int_equal(chmod(path, (mode_t)mode), 0);
    return path;
}

/* The error of loading DIR; "" when there is none. */
static char *
load(const char *dir, guint *ret_n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) dropins = tn_dropin_load(dir, &error);

    if (ret_n != NULL)
        *ret_n = dropins != NULL ? dropins->len : 0;
    return g_strdup(error != NULL ? error->message : "");
}

static void
test_order_and_leftovers(void **state)
{
    static const char *const NAMES[] = {
        "50-b.conf",        "10-a.conf",          ".hidden.conf",   "50-b.conf~",    "x.swp",
        "50-b.conf.rpmnew", "50-b.conf.dpkg-old", ".50-b.conf.swp", "90-z_9.x.conf",
    };
    g_autoptr(GPtrArray) dropins = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        g_free(put(*state, NAMES[i], 0600));
    dropins = tn_dropin_load(*state, NULL);
    assert_int_equal(dropins->len, 3);
    assert_string_equal(((TnDropin *)g_ptr_array_index(dropins, 0))->text, "10-a.conf");
    assert_string_equal(((TnDropin *)g_ptr_array_index(dropins, 1))->text, "50-b.conf");
    assert_string_equal(((TnDropin *)g_ptr_array_index(dropins, 2))->text, "90-z_9.x.conf");
}

static void
test_other_names_are_errors(void **state)
{
    static const char *const NAMES[] = {
        "foo.CONF",     "50-site.cnf", "site.conf", "5-site.conf",
        "50-Site.conf", "50site.conf", "README",    "50-a b.conf",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *path = put(*state, NAMES[i], 0600);
        g_autofree char *error = load(*state, NULL);

        if (strstr(error, "not the name of a policy file") == NULL)
            fail_msg("%s: %s", NAMES[i], error);
        g_unlink(path);
    }
}

static void
test_writable_by_others(void **state)
{
    g_autofree char *path = put(*state, "50-a.conf", 0666);
    g_autofree char *error = load(*state, NULL);
    g_autofree char *dir_error = NULL;

    assert_non_null(strstr(error, "50-a.conf: writable by others"));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(*state, 0770), 0);
    dir_error = load(*state, NULL);
    assert_non_null(strstr(dir_error, "writable by others"));
    assert_int_equal(chmod(*state, 0700), 0);
}

static void
test_foreign_owner(void **state)
{
    g_autofree char *path = put(*state, "50-a.conf", 0644);
    g_autofree char *error = NULL;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 1000, 0), 0);
    error = load(*state, NULL);
    assert_non_null(strstr(error, "belongs to user 1000"));
}

static void
test_links(void **state)
{
    g_autofree char *real = put(*state, "10-a.conf", 0644);
    g_autofree char *link = g_build_filename(*state, "20-b.conf", NULL);
    g_autofree char *masked = NULL;
    g_autofree char *error = NULL;
    g_autofree char *outside = NULL;
    guint n;

    assert_int_equal(symlink("/dev/null", link), 0);
    masked = load(*state, &n);
    assert_string_equal(masked, "");
    assert_int_equal(n, 1);
    g_unlink(link);
    assert_int_equal(symlink(real, link), 0);
    error = load(*state, NULL);
    assert_non_null(strstr(error, "a symbolic link"));
    g_unlink(link);
    assert_int_equal(symlink(TN_DROPIN_PRESETS_DIR "/../../tmp/x", link), 0);
    outside = load(*state, NULL);
    assert_non_null(strstr(outside, "a symbolic link"));
}

static void
test_fifo_does_not_block(void **state)
{
    g_autofree char *path = g_build_filename(*state, "10-a.conf", NULL);
    g_autofree char *error = NULL;

    assert_int_equal(mkfifo(path, 0600), 0);
    error = load(*state, NULL);
    assert_non_null(strstr(error, "not a regular file"));
}

static void
test_missing_directory(void **state)
{
    g_autofree char *error = load("/nonexistent/policy.d", NULL);

    /* One that was named must be there; the built-in ones need not. */
    assert_non_null(strstr(error, "No such file or directory"));
}

static void
test_huge_file(void **state)
{
    g_autofree char *path = put(*state, "50-a.conf", 0600);
    g_autofree char *error = NULL;

    assert_int_equal(truncate(path, 1024 * 1024 * 1024), 0);
    error = load(*state, NULL);
    assert_non_null(strstr(error, "longer than 1048576 bytes"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_and_leftovers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_names_are_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writable_by_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fifo_does_not_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_huge_file, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
