/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static TnMounts *
parse(const char *text)
{
    return tn_mounts_parse(g_strdup(text), strlen(text));
}

static void
test_reads_a_tree(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(TnMounts) mounts = tn_mounts_read(root_fd, NULL);
    const TnMount *mount;

    assert_non_null(mounts);
    assert_int_equal(tn_mounts_count(mounts), 11);
    mount = tn_mounts_get(mounts, 5);
    assert_int_equal(mount->major, 254);
    assert_int_equal(mount->minor, 1);
    assert_string_equal(mount->root, "/");
    assert_string_equal(mount->point, "/");
    assert_string_equal(mount->type, "ext4");
    assert_string_equal(mount->source, "/dev/vda1");
    assert_string_equal(mount->options, "rw,relatime");
    assert_string_equal(mount->super_options, "rw,errors=remount-ro");
    mount = tn_mounts_get(mounts, 9);
    assert_string_equal(mount->point, "/srv/my data");
    mount = tn_mounts_get(mounts, 10);
    assert_string_equal(mount->root, "/var/lib/chroot");
    assert_string_equal(mount->point, "/mnt/bind");
}

static void
test_undoes_escapes(void **state)
{
    g_autoptr(TnMounts) mounts =
        parse("1 0 8:1 / /a\\040b\\011c\\012d\\134e\\043 rw - ext4 /dev/x\\040y rw\n"
              "1 0 8:1 / /\\000\\400\\04\\9\\ rw - ext4 x rw\n"
              "1 0 8:1 / /caf\\351 rw - ext4 x rw\n");

    assert_int_equal(tn_mounts_count(mounts), 3);
    assert_string_equal(tn_mounts_get(mounts, 0)->point, "/a b\tc\nd\\e#");
    assert_string_equal(tn_mounts_get(mounts, 0)->source, "/dev/x y");
    assert_string_equal(tn_mounts_get(mounts, 1)->point, "/\\000\\400\\04\\9\\");
    assert_string_equal(tn_mounts_get(mounts, 2)->point, "/caf\xe9");
}

static void
test_takes_optional_and_empty_fields(void **state)
{
    g_autoptr(TnMounts) mounts = parse("1 0 0:1 / /none rw - tmpfs  rw\n"
                                       "1 0 0:2 / /many rw shared:1 master:2 propagate_from:3 "
                                       "unbindable - tmpfs src rw\n"
                                       "1 0 0:3 / /more rw - fuse.sshfs host:/ rw future fields\n"
                                       "1 0 0:4 / /last rw - tmpfs x rw");

    assert_int_equal(tn_mounts_count(mounts), 4);
    assert_string_equal(tn_mounts_get(mounts, 0)->source, "");
    assert_string_equal(tn_mounts_get(mounts, 1)->source, "src");
    assert_string_equal(tn_mounts_get(mounts, 2)->super_options, "rw");
    assert_string_equal(tn_mounts_get(mounts, 3)->super_options, "rw");
}

static void
test_a_bad_line_loses_only_itself(void **state)
{
    static const char text[] = "\n"
                               "noise\n"
                               "1 0 8:1 / /nodash rw ext4 x rw\n"
                               "1 0 8 / /nominor rw - ext4 x rw\n"
                               "1 0 8:x / /minor rw - ext4 x rw\n"
                               "1 0 -8:1 / /minus rw - ext4 x rw\n"
                               "1 0 99999999999:1 / /huge rw - ext4 x rw\n"
                               "1 0 8:1 / relative rw - ext4 x rw\n"
                               "1 0 8:1 / /short rw - ext4 x\n"
                               "1 0 8:1 / /typeless rw -  x rw\n"
                               "1 0 8:1 / /nul\0 rw - ext4 x rw\n"
                               "1 0 8:1 / /good rw - ext4 x rw\n"
                               "1 0 8:1 / /cut rw - ex";
    g_autoptr(TnMounts) mounts =
        tn_mounts_parse(g_memdup2(text, sizeof(text) - 1), sizeof(text) - 1);

    assert_int_equal(tn_mounts_count(mounts), 1);
    assert_string_equal(tn_mounts_get(mounts, 0)->point, "/good");
}

static void
test_takes_nothing_from_nothing(void **state)
{
    g_autoptr(TnMounts) mounts = tn_mounts_parse(g_strdup(""), 0);

    assert_int_equal(tn_mounts_count(mounts), 0);
}

static gint64
read_cpu_us(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static gint64
time_lines(guint n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gint64 best = G_MAXINT64;

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%u 1 %u:%u / /mnt/with\\040space/%u rw - ext4 /dev/x rw\n", i,
                               8 + i / 256, i % 256, i);
    for (guint tries = 0; tries < 5; tries++) {
        gint64 start = read_cpu_us();
        g_autoptr(TnMounts) mounts = tn_mounts_parse(g_memdup2(text->str, text->len), text->len);

        assert_int_equal(tn_mounts_count(mounts), n);
        best = MIN(best, read_cpu_us() - start);
    }
    return best;
}

static void
test_time_grows_with_lines(void **state)
{
    gint64 few = time_lines(10000);
    gint64 many = time_lines(80000);

    /* Eight times the lines: a quadratic parser would take 64 times as long. */
    assert_true(many < 24 * few);
}

static void
test_finds_options(void **state)
{
    assert_true(tn_mounts_has_option("ro", "ro"));
    assert_true(tn_mounts_has_option("rw,nosuid,ro", "ro"));
    assert_true(tn_mounts_has_option("ro,nosuid", "ro"));
    assert_false(tn_mounts_has_option("rw,errors=remount-ro", "ro"));
    assert_false(tn_mounts_has_option("rom,xro", "ro"));
    assert_false(tn_mounts_has_option("", "ro"));
}

static void
test_says_what_is_missing(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    assert_null(tn_mounts_read(tree->fd, &error));
    assert_string_equal(error->message, "open '/proc/self/mountinfo': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_undoes_escapes),
        cmocka_unit_test(test_takes_optional_and_empty_fields),
        cmocka_unit_test(test_a_bad_line_loses_only_itself),
        cmocka_unit_test(test_takes_nothing_from_nothing),
        cmocka_unit_test(test_time_grows_with_lines),
        cmocka_unit_test(test_finds_options),
        cmocka_unit_test(test_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
