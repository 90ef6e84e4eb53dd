/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fd.h"
#include "platform/filestat.h"
#include "platform/filetree.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static int
set_up(void **state)
{
    *state = g_dir_make_tmp("tenon-filetree-XXXXXX", NULL);
    return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    const char *argv[] = {"/bin/rm", "-rf", *state, NULL};

    g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    g_free(*state);
    return 0;
}

static TnOpenPlan *
plan_at(const char *below, const char *root, const char *rest)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strconcat(root, "/", rest, NULL);
    spec->below = g_strdup(below);
    spec->may_read = spec->may_write = spec->may_create = TRUE;
    spec->create_mode = 0600;
    return tn_open_plan_seal(spec);
}

static gboolean
exists(const char *root, const char *rest)
{
    g_autofree char *path = g_build_filename(root, rest, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
make_file(const char *root, const char *rest)
{
    g_autofree char *path = g_build_filename(root, rest, NULL);

    assert_true(g_file_set_contents(path, rest, -1, NULL));
}

static void
test_makes_directories(void **state)
{
    const char *root = *state;
    g_autoptr(TnOpenPlan) deep = plan_at(root, root, "a/b/c");
    g_autoptr(TnOpenPlan) one = plan_at(root, root, "one");
    g_autoptr(TnOpenPlan) out = plan_at(root, root, "a/../../x");
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(root, "one", NULL);
    mode_t old = umask(077);
    struct stat st;

    assert_false(tn_filetree_mkdir(deep, FALSE, 0755, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    g_clear_error(&error);
    assert_true(tn_filetree_mkdir(deep, TRUE, 0755, &error));
    assert_true(tn_filetree_mkdir(deep, TRUE, 0755, &error));
    assert_true(exists(root, "a/b/c"));
    assert_true(tn_filetree_mkdir(one, FALSE, 0751, &error));
    umask(old);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_false(tn_filetree_mkdir(one, FALSE, 0751, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_EXISTS));
    g_clear_error(&error);
    assert_false(tn_filetree_mkdir(out, TRUE, 0755, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED));
}

static void
test_makes_nothing_through_a_link(void **state)
{
    const char *root = *state;
    g_autofree char *in = g_build_filename(root, "in", NULL);
    g_autofree char *out = g_build_filename(root, "out", NULL);
    g_autofree char *link = g_build_filename(in, "link", NULL);
    g_autoptr(TnOpenPlan) plan = plan_at(in, in, "link/new");
    g_autoptr(GError) error = NULL;

    assert_int_equal(g_mkdir(in, 0755), 0);
    assert_int_equal(g_mkdir(out, 0755), 0);
    assert_int_equal(symlink(out, link), 0);
    assert_false(tn_filetree_mkdir(plan, TRUE, 0755, &error));
    assert_false(exists(out, "new"));
}

static void
test_removes_trees_not_targets(void **state)
{
    const char *root = *state;
    g_autoptr(TnOpenPlan) deep = plan_at(root, root, "a/b/c");
    g_autoptr(TnOpenPlan) top = plan_at(root, root, "a");
    g_autofree char *link = g_build_filename(root, "a/b/link", NULL);
    g_autofree char *keep = g_build_filename(root, "keep", NULL);
    g_autoptr(GError) error = NULL;

    assert_true(tn_filetree_mkdir(deep, TRUE, 0755, &error));
    assert_int_equal(g_mkdir(keep, 0755), 0);
    make_file(root, "keep/file");
    for (guint i = 0; i < 300; i++) {
        g_autofree char *name = g_strdup_printf("a/b/f%u", i);

        make_file(root, name);
    }
    assert_int_equal(symlink(keep, link), 0);
    assert_false(tn_filetree_remove(top, FALSE, &error));
    assert_non_null(error);
    g_clear_error(&error);
    assert_true(tn_filetree_remove(top, TRUE, &error));
    assert_false(exists(root, "a"));
    assert_true(exists(root, "keep/file"));
    assert_false(tn_filetree_remove(top, TRUE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

static void
test_renames(void **state)
{
    const char *root = *state;
    g_autoptr(TnOpenPlan) a = plan_at(root, root, "a");
    g_autoptr(TnOpenPlan) b = plan_at(root, root, "b");
    g_autoptr(GError) error = NULL;

    make_file(root, "a");
    make_file(root, "b");
    assert_false(tn_filetree_rename(a, b, TRUE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_EXISTS));
    g_clear_error(&error);
    assert_true(tn_filetree_rename(a, b, FALSE, &error));
    assert_false(exists(root, "a"));
}

static void
test_sets_attributes(void **state)
{
    const char *root = *state;
    g_autoptr(TnOpenPlan) plan = plan_at(root, root, "f");
    g_autoptr(TnOpenPlan) link = plan_at(root, root, "l");
    g_autofree char *path = g_build_filename(root, "f", NULL);
    g_autofree char *link_path = g_build_filename(root, "l", NULL);
    g_autoptr(GError) error = NULL;
    struct stat st;

    make_file(root, "f");
    assert_int_equal(symlink("f", link_path), 0);
    assert_true(tn_filetree_set(plan, 0612, -1, -1, -1500000000, &error));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0612);
    assert_int_equal(st.st_mtim.tv_sec, -2);
    assert_int_equal(st.st_mtim.tv_nsec, 500000000);
    assert_true(tn_filetree_set(plan, -1, -1, -1, G_MININT64, &error));
    assert_false(tn_filetree_set(link, 0777, -1, -1, G_MININT64, &error));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0612);
    assert_int_equal(tn_filetree_find_uid("root"), 0);
    assert_int_equal(tn_filetree_find_uid("12345"), 12345);
    assert_int_equal(tn_filetree_find_uid("no such user"), -1);
    assert_int_equal(tn_filetree_find_gid("4294967295"), -1);
}

static void
test_lists_in_pages(void **state)
{
    const char *root = *state;
    tn_autofd int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    g_autofree char *after = NULL;
    guint seen = 0;
    gboolean more = TRUE;

    for (guint i = 0; i < 25; i++) {
        g_autofree char *name = g_strdup_printf("n%02u\n", i);

        make_file(root, name);
    }
    while (more) {
        g_autoptr(GPtrArray) page = tn_filestat_list(fd, after, 10, &more, &error);

        assert_non_null(page);
        for (guint i = 0; i < page->len; i++) {
            TnDirEntry *entry = page->pdata[i];
            g_autofree char *wanted = g_strdup_printf("n%02u\n", seen++);

            assert_string_equal(entry->name, wanted);
            assert_string_equal(entry->type, "file");
            assert_int_equal(entry->size, strlen(wanted));
            g_free(after);
            after = g_strdup(entry->name);
        }
    }
    assert_int_equal(seen, 25);
}

static void
test_tells_files_apart(void **state)
{
    const char *root = *state;
    g_autofree char *path = g_build_filename(root, "f", NULL);
    g_autofree char *link = g_build_filename(root, "l", NULL);
    tn_autofd int fd = -1;
    tn_autofd int link_fd = -1;
    g_autofree char *version = NULL;
    TnFileStat st = {0};

    make_file(root, "f");
    assert_int_equal(symlink("f", link), 0);
    fd = open(path, O_PATH | O_CLOEXEC);
    assert_true(tn_filestat_read(fd, &st, NULL));
    assert_string_equal(st.type, "file");
    assert_int_equal(st.size, 1);
    version = g_steal_pointer(&st.version);
    tn_filestat_clear(&st);
    assert_int_equal(truncate(path, 0), 0);
    assert_true(tn_filestat_read(fd, &st, NULL));
    assert_string_not_equal(st.version, version);
    tn_filestat_clear(&st);
    link_fd = open(link, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    assert_true(tn_filestat_read(link_fd, &st, NULL));
    assert_string_equal(st.type, "link");
    assert_string_equal(st.target, "f");
    tn_filestat_clear(&st);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_makes_directories),         TEST(test_makes_nothing_through_a_link),
        TEST(test_removes_trees_not_targets), TEST(test_renames),
        TEST(test_sets_attributes),           TEST(test_lists_in_pages),
        TEST(test_tells_files_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
