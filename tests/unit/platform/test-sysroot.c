/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/sysroot.h"

#include "platform/fd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A tree of our own: attributes of all kinds and links that try to leave. */
typedef struct {
    char *path;
    int fd;
} Tree;

static void
put(const Tree *tree, const char *name, const char *text, gssize size)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL);

    assert_true(g_file_set_contents(path, text, size, NULL));
}

static int
set_up(void **state)
{
    Tree *tree = g_new0(Tree, 1);
    g_autofree char *noise = g_malloc(4096);

    tree->path = g_dir_make_tmp("tenon-sysroot-XXXXXX", NULL);
    tree->fd = tn_sysroot_new(tree->path, NULL);
    memset(noise, 'x', 4096);
    put(tree, "number", "  42\n", -1);
    put(tree, "hex", "0x8000000\n", -1);
    put(tree, "barehex", "8000000\n", -1);
    put(tree, "minus", "-1\n", -1);
    put(tree, "two", "one two\nthree\n", -1);
    put(tree, "empty", "", -1);
    put(tree, "blank", " \n", -1);
    put(tree, "nul", "a\0b\n", 4);
    put(tree, "noise", noise, 4096);
    assert_int_equal(symlinkat("/etc/hostname", tree->fd, "outside"), 0);
    assert_int_equal(symlinkat("../../../number", tree->fd, "climbing"), 0);
    assert_int_equal(mkfifoat(tree->fd, "fifo", 0600), 0);
    *state = tree;
    return 0;
}

static int
tear_down(void **state)
{
    static const char *const names[] = {"number", "hex", "barehex", "minus",   "two",      "empty",
                                        "blank",  "nul", "noise",   "outside", "climbing", "fifo"};
    Tree *tree = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        (void)unlinkat(tree->fd, names[i], 0);
    (void)rmdir(tree->path);
    tn_fd_clear(&tree->fd);
    g_free(tree->path);
    g_free(tree);
    return 0;
}

static void
expect_attr(const Tree *tree, const char *name, const char *text)
{
    char buffer[64] = "untouched";

    assert_int_equal(tn_sysroot_read_attr(tree->fd, name, buffer, sizeof(buffer)), strlen(text));
    assert_string_equal(buffer, text);
}

static void
expect_no_attr(const Tree *tree, const char *name, int reason)
{
    char buffer[64];

    errno = 0;
    assert_int_equal(tn_sysroot_read_attr(tree->fd, name, buffer, sizeof(buffer)), -1);
    assert_int_equal(errno, reason);
}

static void
test_reads_attributes(void **state)
{
    const Tree *tree = *state;

    expect_attr(tree, "/number", "42");
    expect_attr(tree, "number", "42");
    expect_attr(tree, "two", "one two");
    expect_attr(tree, "/climbing", "42");
}

static void
test_leaves_noise_out(void **state)
{
    const Tree *tree = *state;

    expect_no_attr(tree, "/noise", EMSGSIZE);
    expect_no_attr(tree, "/nul", EBADMSG);
    expect_no_attr(tree, "/empty", EBADMSG);
    expect_no_attr(tree, "/blank", EBADMSG);
    expect_no_attr(tree, "/missing", ENOENT);
    expect_no_attr(tree, "/fifo", EBADMSG);
}

static void
test_stays_inside(void **state)
{
    const Tree *tree = *state;

    expect_no_attr(tree, "/outside", ENOENT);
}

static void
test_reads_numbers(void **state)
{
    const Tree *tree = *state;
    guint64 value = 7;

    assert_true(tn_sysroot_read_u64(tree->fd, "/number", 10, &value));
    assert_int_equal(value, 42);
    assert_true(tn_sysroot_read_u64(tree->fd, "/hex", 16, &value));
    assert_int_equal(value, 0x8000000);
    assert_true(tn_sysroot_read_u64(tree->fd, "/barehex", 16, &value));
    assert_int_equal(value, 0x8000000);
    assert_false(tn_sysroot_read_u64(tree->fd, "/minus", 10, &value));
    assert_false(tn_sysroot_read_u64(tree->fd, "/two", 10, &value));
    assert_int_equal(value, 0x8000000);
}

static void
test_reads_links(void **state)
{
    const Tree *tree = *state;
    char target[64];
    char small[4];

    assert_int_equal(tn_sysroot_read_link(tree->fd, "/outside", target, sizeof(target)), 13);
    assert_string_equal(target, "/etc/hostname");
    assert_int_equal(tn_sysroot_read_link(tree->fd, "climbing", target, sizeof(target)), 15);
    assert_int_equal(tn_sysroot_read_link(tree->fd, "/outside", small, sizeof(small)), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(tn_sysroot_read_link(tree->fd, "/number", target, sizeof(target)), -1);
}

static void
test_reads_files_of_the_host(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    assert_true(
        tn_sysroot_read_file(TN_SYSROOT_HOST, "/proc/self/stat", 4096, &text, NULL, &error));
    assert_false(
        tn_sysroot_read_file(((Tree *)*state)->fd, "/proc/self/stat", 4096, &text, NULL, &error));
    assert_string_equal(error->message, "open '/proc/self/stat': No such file or directory");
}

static void
test_words_a_missing_root(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_int_equal(tn_sysroot_new("/nonexistent", &error), -1);
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_attributes),     cmocka_unit_test(test_leaves_noise_out),
        cmocka_unit_test(test_stays_inside),         cmocka_unit_test(test_reads_numbers),
        cmocka_unit_test(test_reads_links),          cmocka_unit_test(test_reads_files_of_the_host),
        cmocka_unit_test(test_words_a_missing_root),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
