/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/sshkeys.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SKIPPED = 77,
    USER = 54321,
};

typedef struct {
    char *root;
    char *home;
    char *ssh;
    char *file;
    TnAccount *user;
} Bench;

static int
set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);

    bench->root = g_dir_make_tmp("tenon-sshkeys-XXXXXX", NULL);
    assert_int_equal(chmod(bench->root, 0755), 0);
    bench->home = g_build_filename(bench->root, "home", NULL);
    bench->ssh = g_build_filename(bench->home, ".ssh", NULL);
    bench->file = g_build_filename(bench->ssh, "authorized_keys", NULL);
    assert_int_equal(g_mkdir(bench->home, 0700), 0);
    assert_int_equal(chown(bench->home, USER, USER), 0);
    bench->user = g_new0(TnAccount, 1);
    bench->user->name = g_strdup("somebody");
    bench->user->uid = bench->user->gid = USER;
    bench->user->home = g_strdup(bench->home);
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    Bench *bench = *state;
    const char *argv[] = {"/bin/rm", "-rf", bench->root, NULL};

    g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    tn_account_free(bench->user);
    g_free(bench->root);
    g_free(bench->home);
    g_free(bench->ssh);
    g_free(bench->file);
    g_free(bench);
    return 0;
}

static void
make_ssh(const Bench *bench, const char *text, mode_t mode)
{
    assert_int_equal(g_mkdir(bench->ssh, 0700), 0);
    assert_int_equal(chown(bench->ssh, USER, USER), 0);
    if (text == NULL)
        return;
    assert_true(g_file_set_contents(bench->file, text, -1, NULL));
    assert_int_equal(chmod(bench->file, mode), 0);
    assert_int_equal(chown(bench->file, USER, USER), 0);
}

static void
expect_text(const Bench *bench, const char *wanted)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(bench->file, &text, NULL, NULL));
    assert_string_equal(text, wanted);
}

static int
add(const Bench *bench, const char *key, gboolean reset)
{
    const char *keys[] = {key, NULL};
    g_autoptr(GError) error = NULL;

    if (tn_sshkeys_add(bench->user, keys, reset, &error)) {
        assert_null(error);
        return -1;
    }
    return error->code;
}

static void
test_makes_directory_and_file(void **state)
{
    Bench *bench = *state;
    struct stat st;

    assert_int_equal(add(bench, "ssh-rsa AAAA a@b", FALSE), -1);
    expect_text(bench, "ssh-rsa AAAA a@b\n");
    assert_int_equal(stat(bench->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_uid, USER);
    assert_int_equal(st.st_gid, USER);
    assert_int_equal(stat(bench->ssh, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_uid, USER);
    assert_int_equal(geteuid(), 0);
}

static void
test_keeps_what_is_there(void **state)
{
    Bench *bench = *state;
    struct stat st;
    const char *const keys[] = {"new", "from=\"10.*\" key", "new", NULL};

    /* A last line without a newline: qemu-ga glues the next key to it. */
    make_ssh(bench, "# mine\n\nfrom=\"10.*\" key\nold", 0640);
    assert_true(tn_sshkeys_add(bench->user, keys, FALSE, NULL));
    expect_text(bench, "# mine\n\nfrom=\"10.*\" key\nold\nnew\n");
    assert_int_equal(stat(bench->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(tn_sshkeys_add(bench->user, keys, FALSE, NULL));
    expect_text(bench, "# mine\n\nfrom=\"10.*\" key\nold\nnew\n");
    assert_int_equal(add(bench, "only", TRUE), -1);
    expect_text(bench, "only\n");
}

static void
test_reads_and_removes(void **state)
{
    Bench *bench = *state;
    const char *const keys[] = {"a", NULL};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) found = NULL;

    assert_true(tn_sshkeys_remove(bench->user, keys, NULL));
    assert_null(tn_sshkeys_read(bench->user, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    make_ssh(bench, "c\na\n# a\n\n  \nb\na\n", 0600);
    found = tn_sshkeys_read(bench->user, NULL);
    assert_int_equal(g_strv_length(found), 4);
    assert_string_equal(found[0], "c");
    assert_string_equal(found[3], "a");
    assert_true(tn_sshkeys_remove(bench->user, keys, NULL));
    expect_text(bench, "c\n# a\n\n  \nb\n");
}

static void
test_refuses_bad_keys(void **state)
{
    Bench *bench = *state;

    assert_int_equal(add(bench, "a\nb", FALSE), G_IO_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(bench, "a\rb", FALSE), G_IO_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(bench, "#a", FALSE), G_IO_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(bench, "", FALSE), G_IO_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(bench, "\033[0m", FALSE), G_IO_ERROR_INVALID_ARGUMENT);
    assert_false(g_file_test(bench->ssh, G_FILE_TEST_EXISTS));
}

/* Another user's .ssh behind a link: qemu-ga follows it as root, adds the key and chowns. */
static void
test_follows_no_link(void **state)
{
    Bench *bench = *state;
    g_autofree char *other = g_build_filename(bench->root, "other", NULL);
    g_autofree char *theirs = g_build_filename(other, "authorized_keys", NULL);
    g_auto(GStrv) keys = NULL;

    assert_int_equal(g_mkdir(other, 0777), 0);
    assert_true(g_file_set_contents(theirs, "secret\n", -1, NULL));
    assert_int_equal(symlink(other, bench->ssh), 0);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    keys = tn_sshkeys_read(bench->user, NULL);
    assert_null(keys);
    assert_int_equal(unlink(bench->ssh), 0);
    make_ssh(bench, NULL, 0);
    assert_int_equal(symlink(theirs, bench->file), 0);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    keys = tn_sshkeys_read(bench->user, NULL);
    assert_null(keys);
}

static void
test_refuses_what_is_not_the_users(void **state)
{
    Bench *bench = *state;
    g_autofree char *link = g_build_filename(bench->root, "link", NULL);

    make_ssh(bench, "x\n", 0600);
    assert_int_equal(chown(bench->file, 1, 1), 0);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(unlink(bench->file), 0);
    assert_int_equal(mkfifo(bench->file, 0666), 0);
    assert_int_equal(chown(bench->file, USER, USER), 0);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(chown(bench->home, 1, 1), 0);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(chown(bench->home, USER, USER), 0);
    assert_int_equal(symlink(bench->home, link), 0);
    g_free(bench->user->home);
    bench->user->home = g_strdup(link);
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_PERMISSION_DENIED);
    g_free(bench->user->home);
    bench->user->home = g_strdup("/nonexistent/home");
    assert_int_equal(add(bench, "k", FALSE), G_IO_ERROR_NOT_FOUND);
}

static void
test_finds_accounts(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnAccount) root = tn_account_find("root", TRUE, &error);

    assert_non_null(root);
    assert_int_equal(root->uid, 0);
    assert_null(tn_account_find("root", FALSE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED));
    g_clear_error(&error);
    assert_null(tn_account_find("no\nsuch", TRUE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_makes_directory_and_file),
        TEST(test_keeps_what_is_there),
        TEST(test_reads_and_removes),
        TEST(test_refuses_bad_keys),
        TEST(test_follows_no_link),
        TEST(test_refuses_what_is_not_the_users),
        cmocka_unit_test(test_finds_accounts),
    };

    if (geteuid() != 0) {
        print_message("needs root: files must change their owner\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
