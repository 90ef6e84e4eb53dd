/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Environment files as Debian and the RHEL family ship them, and as people edit them.
 */

#include "agent/envfile.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The lists of TEXT, as "+allowed" and "-blocked", joined by blanks. */
static void
check(const char *text, const char *expected)
{
    g_autofree char *dir = g_dir_make_tmp("tn-envfile-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "qemu-ga", NULL);
    g_autoptr(GString) got = g_string_new(NULL);
    TnSettings settings;

    assert_true(g_file_set_contents(path, text, -1, NULL));
    tn_settings_init(&settings);
    tn_envfile_add_lists(&settings, path);
    for (guint i = 0; i < settings.lists->len; i++) {
        const TnPolicyList *list = &g_array_index(settings.lists, TnPolicyList, i);

        assert_true(list->from_file);
        assert_string_equal(list->origin, path);
        g_string_append_printf(got, "%s%c%s", i > 0 ? " " : "", list->is_allow ? '+' : '-',
                               list->text);
    }
    assert_string_equal(got->str, expected);
    tn_settings_clear(&settings);
    g_unlink(path);
    g_rmdir(dir);
}

static void
test_rhel(void **state)
{
    check("# comment\nBLACKLIST_RPC=guest-file-open,guest-exec\n"
          "FSFREEZE_HOOK_PATHNAME=/etc/qemu-ga/fsfreeze-hook\n",
          "-guest-file-open,guest-exec");
    check("FILTER_RPC_ARGS=\"--allow-rpcs=guest-sync,guest-ping\"\n", "+guest-sync,guest-ping");
    check("FILTER_RPC_ARGS=--block-rpcs=guest-exec\n", "-guest-exec");
    check("#BLACKLIST_RPC=guest-exec\nBLACKLIST_RPC=\nFILTER_RPC_ARGS=\n", "");
}

static void
test_debian(void **state)
{
    check("# Defaults\nDAEMON_ARGS=\"--verbose -b guest-exec\"\n", "-guest-exec");
    check("DAEMON_ARGS='--blacklist guest-exec,guest-exec-status -aguest-ping'\n",
          "-guest-exec,guest-exec-status +guest-ping");
    check("TRANSPORT=virtio-serial:/dev/x\nDAEMON_ARGS=\"\"\n", "");
    check("DAEMON_ARGS=-v\n", "");
}

/* Nothing that was meant to close something is passed over. */
static void
test_mistakes_seal(void **state)
{
    check("BLACKLIST_RPC=\"guest-exec\n", "-\"guest-exec");
    check("FILTER_RPC_ARGS=\"--block-rpcs='guest-exec\"\n", "---block-rpcs='guest-exec");
    check("DAEMON_ARGS=\"-b\"\n", "--b");
}

static void
test_no_file(void **state)
{
    TnSettings settings;

    tn_settings_init(&settings);
    tn_envfile_add_lists(&settings, "/nonexistent/qemu-ga");
    assert_int_equal(settings.lists->len, 0);
    tn_envfile_add_lists(&settings, "/");
    assert_int_equal(settings.lists->len, 1);
    tn_settings_clear(&settings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rhel),
        cmocka_unit_test(test_debian),
        cmocka_unit_test(test_mistakes_seal),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
