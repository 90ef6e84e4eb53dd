/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/settings.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    char *directory;
    char *file;
} Place;

static int
make_place(void **state)
{
    Place *place = g_new0(Place, 1);

    place->directory = g_dir_make_tmp("tenon-settings-XXXXXX", NULL);
    place->file = g_build_filename(place->directory, "conf", NULL);
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

/* The settings printed again, or NULL and the error. */
static char *
load_text(const Place *place, const char *text, gssize size, gboolean strict, GError **error)
{
    TnSettings settings;
    char *printed = NULL;

    assert_true(g_file_set_contents(place->file, text, size, NULL));
    tn_settings_init(&settings);
    if (tn_settings_load(&settings, place->file, strict, error))
        printed = tn_settings_print(&settings);
    tn_settings_clear(&settings);
    return printed;
}

static void
test_round_trip(void **state)
{
    static const char text[] = "[general]\ndaemon=true\nmethod=unix-listen\npath=/a b\nlogfile=/l\n"
                               "pidfile=/p\nfsfreeze-hook=/h\nstatedir=/s\nverbose=true\n"
                               "retry-path=true\npolicy=/d\nhide-interfaces=veth*,kind:tun\n"
                               "block-rpcs=a,b;c d\nallow-rpcs=e\n";
    g_autofree char *printed = load_text(*state, text, -1, TRUE, NULL);

    assert_string_equal(printed, text);
}

static void
test_nothing_said(void **state)
{
    g_autofree char *printed = load_text(*state, "", 0, TRUE, NULL);

    assert_string_equal(printed, "[general]\ndaemon=false\nverbose=false\nretry-path=false\n");
}

static void
test_lists(void **state)
{
    Place *place = *state;
    TnSettings settings;
    const TnPolicyList by_argument = {.text = "z", .origin = "-b"};
    const TnPolicyList *list = NULL;
    g_autofree char *printed = NULL;

    assert_true(g_file_set_contents(
        place->file, "[general]\nblacklist=old\nblock-rpcs=a,b\nallow-rpcs=\n", -1, NULL));
    tn_settings_init(&settings);
    assert_true(tn_settings_load(&settings, place->file, FALSE, NULL));
    tn_settings_add_list(&settings, &by_argument);

    assert_int_equal(settings.lists->len, 4);
    list = &g_array_index(settings.lists, TnPolicyList, 0);
    assert_string_equal(list->text, "a,b");
    assert_string_equal(list->origin, place->file);
    assert_true(list->from_file && !list->is_allow && !list->is_legacy);
    list = &g_array_index(settings.lists, TnPolicyList, 1);
    assert_string_equal(list->text, "");
    assert_true(list->is_allow);
    list = &g_array_index(settings.lists, TnPolicyList, 2);
    assert_true(list->is_legacy && list->from_file);
    list = &g_array_index(settings.lists, TnPolicyList, 3);
    assert_string_equal(list->origin, "-b");
    assert_false(list->from_file);

    printed = tn_settings_print(&settings);
    assert_non_null(strstr(printed, "\nblock-rpcs=a,b,old,z\nallow-rpcs=\n"));
    tn_settings_clear(&settings);
}

static void
test_strict(void **state)
{
    static const char *const texts[] = {
        "[general]\nfoo=bar\n",     "[General]\nverbose=true\n", "[general]\n[x]\n",
        "[general]\nblacklist=a\n", "[general]\nblock_rpcs=a\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *lax = load_text(*state, texts[i], -1, FALSE, NULL);
        g_autofree char *strict = load_text(*state, texts[i], -1, TRUE, &error);

        assert_non_null(lax);
        assert_null(strict);
        assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA));
    }
}

static void
test_hostile(void **state)
{
    static const char *const texts[] = {
        "garbage",
        "[general",
        "verbose=true\n",
        "[general]\nverbose=maybe\n",
        "[general]\ndaemon=\n",
        "[general]\npath=\\q\n",
        "[general]\npath=\xff\n",
        "\177ELF\001\002",
        "[general]\n=x\n",
    };
    g_autofree char *large = g_malloc((1 << 20) + 2);
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) failure = NULL;
        g_autofree char *printed = load_text(*state, texts[i], -1, FALSE, &failure);

        assert_null(printed);
        assert_non_null(failure);
    }
    assert_null(load_text(*state, "[general]\npath=a\0b\n", 19, FALSE, &error));
    assert_string_equal(error->message, "the file has a NUL byte");
    g_clear_error(&error);
    memset(large, '#', (1 << 20) + 1);
    assert_null(load_text(*state, large, (1 << 20) + 1, FALSE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE));
}

static void
test_not_a_file(void **state)
{
    Place *place = *state;
    TnSettings settings;
    g_autoptr(GError) error = NULL;

    tn_settings_init(&settings);
    assert_false(tn_settings_load(&settings, place->file, FALSE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    assert_string_equal(error->message, "No such file or directory");
    g_clear_error(&error);
    assert_false(tn_settings_load(&settings, place->directory, FALSE, &error));
    assert_string_equal(error->message, "Not a regular file");
    g_clear_error(&error);
    /* nobody writes to it: to open it would take for ever */
    assert_int_equal(mkfifo(place->file, 0600), 0);
    assert_false(tn_settings_load(&settings, place->file, FALSE, &error));
    assert_string_equal(error->message, "Not a regular file");
    tn_settings_clear(&settings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_nothing_said, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_lists, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_strict, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_hostile, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_not_a_file, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
