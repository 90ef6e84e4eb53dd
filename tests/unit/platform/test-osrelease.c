/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/osrelease.h"

#include "platform/fd.h"
#include "platform/sysroot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Parses from a block of exactly SIZE bytes, so that a read beyond its end shows under ASan. */
static TnOsRelease
parse_bytes(const char *text, gsize size)
{
    g_autofree char *exact = g_memdup2(text, size);
    TnOsRelease os;

    tn_osrelease_parse(exact, size, &os);
    return os;
}

static TnOsRelease
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void
expect_name(const char *line, const char *name)
{
    g_auto(TnOsRelease) os = parse(line);

    if (name == NULL)
        assert_null(os.name);
    else
        assert_string_equal(os.name, name);
}

static void
test_reads_values_as_a_shell(void **state)
{
    expect_name("NAME=Debian", "Debian");
    expect_name("NAME=\"Debian GNU/Linux\"\n", "Debian GNU/Linux");
    expect_name("NAME='Single $quoted \\'\n", "Single $quoted \\");
    expect_name("NAME=\"a \\$b \\\"c\\\" \\\\d \\`e\\` \\f\"\n", "a $b \"c\" \\d `e` \\f");
    expect_name("NAME=\n", "");
    expect_name("NAME=\"\"\n", "");
    expect_name("NAME=cut here\n", "cut");
    expect_name("NAME=cut;here\n", "cut");
    expect_name("NAME=\"joined \"'parts'ok\n", "joined partsok");
    expect_name("NAME=\"carriage return\"\r\n", "carriage return");
    expect_name("NAME=return\r\n", "return");
    expect_name("  NAME=indented\n", "indented");
    expect_name("\xef\xbb\xbfNAME=marked\n", "marked");
    expect_name("NAME=first\nNAME=second\n", "second");
    expect_name("NAME=esc\\ aped\n", "esc aped");
}

static void
test_a_bad_line_loses_only_itself(void **state)
{
    static const char text[] = "this is no assignment\n"
                               "NAME=\"never closed\n"
                               "=nothing\n"
                               "VERSION='nor this\n"
                               "#ID=comment\n"
                               "ID =spaced\n"
                               "\x80\xff\n"
                               "[section]\n"
                               "VERSION_ID=12\n"
                               "VARIANT=a\0b\n"
                               "PRETTY_NAME=caf\xe9\n"
                               "VARIANT_ID=last";
    g_auto(TnOsRelease) os = parse_bytes(text, sizeof(text) - 1);

    assert_null(os.name);
    assert_null(os.version);
    assert_null(os.id);
    assert_null(os.variant);
    assert_string_equal(os.version_id, "12");
    assert_string_equal(os.pretty_name, "caf\xef\xbf\xbd");
    assert_string_equal(os.variant_id, "last");
}

static void
test_bad_line_keeps_earlier_value(void **state)
{
    expect_name("NAME=good\nNAME=\"open\n", "good");
}

static void
test_takes_nothing_from_noise(void **state)
{
    guint8 noise[4096];

    for (gsize i = 0; i < sizeof(noise); i++)
        noise[i] = (guint8)(i * 31 + i / 7);
    {
        g_auto(TnOsRelease) os = parse_bytes((const char *)noise, sizeof(noise));

        assert_null(os.id);
    }
    {
        g_auto(TnOsRelease) os = parse_bytes("", 0);

        assert_null(os.id);
    }
}

static void
expect_tree(const char *tree, const char *id, const char *version_id, const char *pretty_name,
            const char *variant)
{
    g_autofree char *path = g_build_filename(TN_TEST_SYSROOTS, tree, NULL);
    tn_autofd int root_fd = tn_sysroot_new(path, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(TnOsRelease) os = {0};

    assert_true(root_fd >= 0);
    assert_true(tn_osrelease_read(root_fd, NULL, &os, &error));
    assert_string_equal(os.id, id);
    assert_string_equal(os.version_id, version_id);
    assert_string_equal(os.pretty_name, pretty_name);
    if (variant == NULL)
        assert_null(os.variant);
    else
        assert_string_equal(os.variant, variant);
}

static void
test_reads_distributions(void **state)
{
    expect_tree("debian-12", "debian", "12", "Debian GNU/Linux 12 (bookworm)", NULL);
    expect_tree("rhel-9", "rhel", "9.4", "Red Hat Enterprise Linux 9.4 (Plow)", NULL);
    expect_tree("ubuntu-24.04", "ubuntu", "24.04", "Ubuntu 24.04.1 LTS", NULL);
    expect_tree("alpine-3.20", "alpine", "3.20.3", "Alpine Linux v3.20", NULL);
    expect_tree("kubevirt-fedora-40", "fedora", "40", "Fedora Linux 40 (Cloud Edition)",
                "Cloud Edition");
}

static void
test_override_is_the_only_file(void **state)
{
    tn_autofd int root_fd = tn_sysroot_new(TN_TEST_SYSROOTS, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(TnOsRelease) os = {0};

    assert_true(tn_osrelease_read(root_fd, "/rhel-9/usr/lib/os-release", &os, &error));
    assert_string_equal(os.id, "rhel");
    assert_false(tn_osrelease_read(root_fd, "/nowhere", &os, &error));
    assert_string_equal(error->message, "open '/nowhere': No such file or directory");
    assert_string_equal(os.id, "rhel");
}

static void
test_says_when_there_is_none(void **state)
{
    tn_autofd int root_fd = tn_sysroot_new(TN_TEST_SYSROOTS, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(TnOsRelease) os = {0};

    assert_false(tn_osrelease_read(root_fd, NULL, &os, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_values_as_a_shell),
        cmocka_unit_test(test_a_bad_line_loses_only_itself),
        cmocka_unit_test(test_bad_line_keeps_earlier_value),
        cmocka_unit_test(test_takes_nothing_from_noise),
        cmocka_unit_test(test_reads_distributions),
        cmocka_unit_test(test_override_is_the_only_file),
        cmocka_unit_test(test_says_when_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
