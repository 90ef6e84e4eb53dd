/* SPDX-License-Identifier: Apache-2.0 */

#include "policy/policy.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-ping", .group = "@sync", .while_frozen = TRUE, .while_sealed = TRUE},
    {.name = "guest-exec", .group = "@exec"},
};

static int
set_up(void **state)
{
    TnPolicyOptions options = {
        .compat = TRUE,
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
    };

    *state = tn_policy_holder_new(&options, NULL);
    return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    tn_policy_holder_free(*state);
    return 0;
}

static void
test_seals_a_plan(void **state)
{
    const char *argv[] = {"-c", "exit 3", NULL};
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "sh", .argv = argv};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = tn_policy_grant(*state, &action, &error);
    const TnSpawnSpec *spec;

    assert_null(error);
    spec = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant));
    assert_true(g_str_has_suffix(spec->path, "/bin/sh"));
    assert_string_equal(spec->argv[0], "sh");
    assert_string_equal(spec->argv[1], "-c");
    assert_string_equal(spec->argv[2], "exit 3");
    assert_null(spec->argv[3]);
    assert_int_equal(spec->umask, 022);
    assert_null(spec->cwd);
}

static void
test_builds_six_variables(void **state)
{
    static const char *const NAMES[] = {"PATH=", "HOME=", "USER=", "LOGNAME=", "SHELL=", "LANG="};
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/bin/true"};
    g_autoptr(TnGrant) grant = tn_policy_grant(*state, &action, NULL);
    char **env = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant))->envp;

    assert_int_equal(g_strv_length(env), G_N_ELEMENTS(NAMES));
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        assert_true(g_str_has_prefix(env[i], NAMES[i]));
}

static void
test_takes_env_as_given_without_loader_names(void **state)
{
    const char *env[] = {"A=1", "LD_PRELOAD=/tmp/x.so", "PATH=/tmp", "LD_AUDIT=y", "B=", NULL};
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "true", .env = env};
    g_autoptr(TnGrant) grant = tn_policy_grant(*state, &action, NULL);
    const TnSpawnSpec *spec = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant));

    assert_int_equal(g_strv_length(spec->envp), 3);
    assert_string_equal(spec->envp[0], "A=1");
    assert_string_equal(spec->envp[1], "PATH=/tmp");
    assert_string_equal(spec->envp[2], "B=");
    assert_true(g_str_has_suffix(spec->path, "/bin/true"));
}

static void
test_wire_path_is_no_search_path(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("tn-grant-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, "tn-planted", NULL);
    g_autofree char *var = g_strconcat("PATH=", dir, NULL);
    const char *env[] = {var, NULL};
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "tn-planted", .env = env};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = NULL;

    assert_true(
        g_file_set_contents_full(file, "#!/bin/sh\n", -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    grant = tn_policy_grant(*state, &action, &error);
    assert_null(grant);
    assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_NOT_FOUND));
    assert_string_equal(error->message, "Failed to execute child process “tn-planted” "
                                        "(No such file or directory)");
    g_unlink(file);
    g_rmdir(dir);
}

static void
test_empty_name_is_not_found(void **state)
{
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = ""};
    g_autoptr(GError) error = NULL;

    assert_null(tn_policy_grant(*state, &action, &error));
    assert_string_equal(error->message,
                        "Failed to execute child process “” (No such file or directory)");
}

static void
test_counts_children(void **state)
{
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/bin/true"};
    const TnPolicySettings *settings = tn_policy_get_settings(tn_policy_holder_get(*state));
    g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func((GDestroyNotify)tn_grant_unref);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < settings->max_children; i++)
        g_ptr_array_add(grants, tn_policy_grant(*state, &action, NULL));
    assert_null(tn_policy_grant(*state, &action, &error));
    assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA));
    g_ptr_array_remove_index(grants, 0);
    g_ptr_array_add(grants, tn_policy_grant(*state, &action, NULL));
    assert_non_null(g_ptr_array_index(grants, grants->len - 1));
}

static void
test_other_commands_get_no_plan(void **state)
{
    TnAction action = {.command = "guest-ping", .group = "@sync"};
    TnAction unknown = {.command = "guest-nonsense", .group = "@exec", .path = "/bin/true"};
    g_autoptr(TnGrant) grant = tn_policy_grant(*state, &action, NULL);
    g_autoptr(GError) error = NULL;

    assert_null(tn_grant_get_spawn_plan(grant));
    assert_null(tn_policy_grant(*state, &unknown, &error));
    assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DISABLED));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seals_a_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_builds_six_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_takes_env_as_given_without_loader_names, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wire_path_is_no_search_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_name_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_commands_get_no_plan, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
