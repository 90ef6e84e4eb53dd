/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verdicts and refusals as the host sees them, for policies in a directory of their own.
 */

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

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-ping", .group = "@sync", .while_frozen = TRUE, .while_sealed = TRUE},
    {.name = "guest-get-users", .group = "@info-users"},
    {.name = "guest-get-osinfo", .group = "@info"},
    {.name = "guest-exec", .group = "@exec", .names_path = TRUE},
    {.name = "guest-exec-status", .group = "@exec"},
    {.name = "guest-file-open", .group = "@file-read"},
    {.name = "guest-fsfreeze-thaw",
     .group = "@fsfreeze",
     .while_frozen = TRUE,
     .while_sealed = TRUE,
     .always = TRUE},
    {.name = "guest-shutdown", .group = "@power"},
    {.name = "tenon-later", .group = "@new-0.2"},
};

typedef struct {
    char *dir;
    TnPolicyHolder *holder;
} Fixture;

static void
write_policy(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(
        g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static void
load(Fixture *fixture, const char *text)
{
    TnPolicyOptions options = {
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .policy_dir = fixture->dir,
    };

    write_policy(fixture->dir, "50-test.conf", text);
    tn_policy_holder_free(fixture->holder);
    fixture->holder = tn_policy_holder_new(&options, NULL);
    assert_non_null(fixture->holder);
    if (tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)) != NULL)
        fail_msg("%s", tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)));
}

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->dir = g_dir_make_tmp("tn-decide-XXXXXX", NULL);
    *state = fixture;
    return fixture->dir != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

        g_unlink(path);
    }
    g_rmdir(fixture->dir);
    tn_policy_holder_free(fixture->holder);
    g_free(fixture->dir);
    g_free(fixture);
    return 0;
}

static const char *
ask(const Fixture *fixture, const char *name, gboolean frozen)
{
    for (gsize i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return tn_policy_why_disabled(tn_policy_holder_get(fixture->holder), &COMMANDS[i],
                                          frozen);
    fail();
    return NULL;
}

/* What running PATH with the arguments gives: NULL when it is allowed, else the text. */
static char *
try_run(const Fixture *fixture, const char *path, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = NULL;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = path};
    const char *arg;
    va_list args;

    va_start(args, path);
    while ((arg = va_arg(args, const char *)) != NULL)
        g_ptr_array_add(argv, (gpointer)(guintptr)arg);
    va_end(args);
    g_ptr_array_add(argv, NULL);
    action.argv = (const char *const *)argv->pdata;
    grant = tn_policy_grant(fixture->holder, &action, &error);
    assert_int_equal(grant == NULL, error != NULL);
    return error != NULL ? g_strdup(error->message) : NULL;
}

static void
assert_runs(const char *refusal)
{
    if (refusal != NULL)
        fail_msg("refused: %s", refusal);
}

static void
assert_refused(char *take_refusal)
{
    g_autofree char *refusal = take_refusal;

    assert_non_null(refusal);
    assert_non_null(strstr(refusal, "denied by policy [rule="));
}

static void
test_groups_and_denials(void **state)
{
    Fixture *fixture = *state;

    load(fixture, "[commands]\nallow = * \ndeny = guest-get-users @power\n");
    assert_null(ask(fixture, "guest-ping", FALSE));
    assert_null(ask(fixture, "guest-get-osinfo", FALSE));
    assert_string_equal(ask(fixture, "guest-get-users", FALSE), "the command is not allowed");
    assert_non_null(ask(fixture, "guest-shutdown", FALSE));
    /* A star holds no group that came later, and runs nothing without a rule. */
    assert_non_null(ask(fixture, "tenon-later", FALSE));
    assert_non_null(ask(fixture, "guest-exec", FALSE));
}

static void
test_deny_wins_in_any_order(void **state)
{
    Fixture *fixture = *state;

    write_policy(fixture->dir, "20-a.conf",
                 "[commands]\ndeny = guest-get-osinfo\n[exec no]\n"
                 "path = /bin/sh\nverdict = deny\n");
    write_policy(fixture->dir, "90-b.conf",
                 "[commands]\nallow = guest-get-osinfo\n[exec yes]\n"
                 "path = /bin/sh\nargs = {rest}\n");
    load(fixture, "# nothing\n");
    assert_non_null(ask(fixture, "guest-get-osinfo", FALSE));
    assert_refused(try_run(fixture, "/bin/sh", NULL));
    assert_refused(try_run(fixture, "/usr/bin/sh", "-c", "true", NULL));
}

static void
test_thaw_is_never_denied_while_frozen(void **state)
{
    Fixture *fixture = *state;

    load(fixture, "[commands]\nallow = @sync\ndeny = guest-fsfreeze-thaw\n");
    assert_non_null(ask(fixture, "guest-fsfreeze-thaw", FALSE));
    assert_null(ask(fixture, "guest-fsfreeze-thaw", TRUE));
}

static void
test_exact_arguments(void **state)
{
    Fixture *fixture = *state;

    load(fixture, "[exec df]\npath = /usr/bin/df\nargs = -h\n");
    assert_null(ask(fixture, "guest-exec", FALSE));
    assert_runs(try_run(fixture, "/usr/bin/df", "-h", NULL));
    assert_runs(try_run(fixture, "/bin/df", "-h", NULL));
    assert_runs(try_run(fixture, "df", "-h", NULL));
    assert_refused(try_run(fixture, "/usr/bin/df", NULL));
    assert_refused(try_run(fixture, "/usr/bin/df", "-h", "/etc", NULL));
    assert_refused(try_run(fixture, "/usr/bin/df", "-h /etc", NULL));
    assert_refused(try_run(fixture, "/usr/bin/df", "", NULL));
}

static void
test_other_names_of_programs(void **state)
{
    static const char *const PATHS[] = {
        "/bin/sh",
        "/usr/bin/../bin/sh",
        "/proc/self/root/bin/sh",
        "/proc/self/exe",
        "/proc/1/exe",
        "/usr/bin/df/",
        "/usr/bin/df/.",
        "/usr/bin/df/../sh",
        "/usr/bin/./dff",
        "bin/df",
        "./df",
        "../usr/bin/df",
        "",
        "/",
        "//",
        "/usr/bin",
        "/usr/bin/df\n",
        "df ",
    };
    Fixture *fixture = *state;

    load(fixture, "[exec df]\npath = /usr/bin/df\n");
    assert_runs(try_run(fixture, "/usr/bin/df", NULL));
    /* Another way to write the same program, not another program. */
    assert_runs(try_run(fixture, "/usr/bin/./df", NULL));
    assert_runs(try_run(fixture, "/usr/bin/../bin/df", NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(PATHS); i++)
        assert_refused(try_run(fixture, PATHS[i], NULL));
}

static void
test_names_of_one_file_differ(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *ls = g_build_filename(fixture->dir, "ls", NULL);
    g_autofree char *sh = g_build_filename(fixture->dir, "sh", NULL);
    g_autofree char *text = g_strdup_printf("[exec ls]\npath = %s\n", ls);

    /* As with busybox: one program under two names. The directory is not root's alone in every
     * place this runs, so it is the reason that tells. */
    assert_int_equal(symlink("/bin/true", ls), 0);
    assert_int_equal(symlink("/bin/true", sh), 0);
    g_unlink(ls);
    g_unlink(sh);
    load(fixture, text);
    assert_refused(try_run(fixture, sh, NULL));
}

static void
test_untrusted_path(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *bin = g_dir_make_tmp("tn-bin-XXXXXX", NULL);
    g_autofree char *program = g_build_filename(bin, "tool", NULL);
    g_autofree char *text =
        g_strdup_printf("[policy]\nerror-detail = full\n[exec tool]\npath = %s\n", program);
    g_autofree char *refusal = NULL;

    /* Below /tmp, which everybody may write. */
    assert_true(g_file_set_contents_full(program, "#!/bin/sh\n", -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                         0755, NULL));
    load(fixture, text);
    refusal = try_run(fixture, program, NULL);
    assert_non_null(refusal);
    assert_non_null(strstr(refusal, "untrusted-path"));
    g_unlink(program);
    g_rmdir(bin);
}

static char *
hash(const char *path)
{
    g_autofree char *text = NULL;
    gsize size = 0;

    assert_true(g_file_get_contents(path, &text, &size, NULL));
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size);
}

/* The file that was hashed is the file that runs, whatever stands at its path by then. */
static void
test_runs_what_was_hashed(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/usr/bin/env"};
    g_autofree char *digest = hash("/usr/bin/env");
    g_autofree char *script = hash("/usr/bin/ldd");
    g_autofree char *text =
        g_strdup_printf("[policy]\nerror-detail = full\n[exec env]\npath = /usr/bin/env\n"
                        "sha256 = %s\n[exec ldd]\npath = /usr/bin/ldd\nsha256 = %s\n"
                        "[exec other]\npath = /usr/bin/df\nsha256 = %s\n",
                        digest, script, digest);
    g_autoptr(TnGrant) grant = NULL;
    g_autofree char *is_script = NULL;
    g_autofree char *is_other = NULL;
    const TnSpawnSpec *spec;
    struct stat by_path;
    struct stat by_fd;

    load(fixture, text);
    grant = tn_policy_grant(fixture->holder, &action, NULL);
    assert_non_null(grant);
    spec = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant));
    assert_true(g_str_has_prefix(spec->path, "/proc/self/fd/"));
    assert_string_equal(spec->argv[0], "/usr/bin/env");
    assert_int_equal(stat("/usr/bin/env", &by_path), 0);
    assert_int_equal(stat(spec->path, &by_fd), 0);
    assert_true(by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev);
    is_script = try_run(fixture, "/usr/bin/ldd", NULL);
    assert_non_null(strstr(is_script, "scripts"));
    is_other = try_run(fixture, "/usr/bin/df", NULL);
    assert_non_null(strstr(is_other, "sha256 is another"));
}

static void
test_starts_sealed(void **state)
{
    Fixture *fixture = *state;
    static const char *const WRONG[] = {"[polcy]\n", "[commands]\nallow = @everything\n",
                                        "[exec x]\npath = /bin/x\nuserr = root\n"};
    TnPolicyOptions options = {
        .commands = COMMANDS, .n_commands = G_N_ELEMENTS(COMMANDS), .policy_dir = fixture->dir};

    for (gsize i = 0; i < G_N_ELEMENTS(WRONG); i++) {
        write_policy(fixture->dir, "50-test.conf", WRONG[i]);
        tn_policy_holder_free(fixture->holder);
        fixture->holder = tn_policy_holder_new(&options, NULL);
        assert_non_null(strstr(tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)),
                               "50-test.conf:"));
        assert_non_null(ask(fixture, "guest-exec", FALSE));
        assert_non_null(ask(fixture, "guest-get-osinfo", FALSE));
        assert_null(ask(fixture, "guest-ping", FALSE));
    }
}

static void
test_environment_by_rule(void **state)
{
    static const char *const REFUSED[] = {
        "PATH=/tmp",
        "LD_PRELOAD=/x",
        "BASH_ENV=/x",
        "GCONV_PATH=/x",
        "BASH_FUNC_x%%=() { :; }",
        "NOEQUALS",
        "=x",
        "OTHER=1",
        "LC_%=1",
        "lang=1",
    };
    Fixture *fixture = *state;
    const char *good[] = {"LANG=de", "LC_ALL=A=B=C", NULL};
    const char *twice[] = {"LANG=de", "LANG=fr", NULL};
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "df", .env = good};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = NULL;
    char **env;

    load(fixture, "[exec df]\npath = /usr/bin/df\nenv-allow = LANG LC_*\nenv-set = X=1\n");
    grant = tn_policy_grant(fixture->holder, &action, &error);
    assert_null(error);
    env = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant))->envp;
    assert_string_equal(g_environ_getenv(env, "LANG"), "de");
    assert_string_equal(g_environ_getenv(env, "LC_ALL"), "A=B=C");
    assert_string_equal(g_environ_getenv(env, "X"), "1");
    assert_int_equal(strlen(g_environ_getenv(env, "TENON_REQUEST_ID")), 16);
    assert_null(strstr(g_environ_getenv(env, "PATH"), "tmp"));
    for (gsize i = 0; i < G_N_ELEMENTS(REFUSED); i++) {
        const char *bad[] = {REFUSED[i], NULL};

        action.env = bad;
        if (tn_policy_grant(fixture->holder, &action, NULL) != NULL)
            fail_msg("%s was taken", REFUSED[i]);
    }
    action.env = twice;
    assert_null(tn_policy_grant(fixture->holder, &action, NULL));
}

static void
test_request_only_narrows(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {
        .command = "guest-exec",
        .group = "@exec",
        .path = "df",
        .timeout_ms = 60000,
        .output_max_bytes = 10,
    };
    g_autoptr(TnGrant) grant = NULL;
    const TnSpawnSpec *spec;

    load(fixture, "[exec df]\npath = /usr/bin/df\ntimeout = 5s\noutput = 1K\numask = 077\n");
    grant = tn_policy_grant(fixture->holder, &action, NULL);
    spec = tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant));
    assert_int_equal(spec->timeout_us, 5 * G_USEC_PER_SEC);
    assert_int_equal(spec->output_max_bytes, 10);
    assert_int_equal(spec->umask, 077);
    assert_string_equal(spec->argv[0], "/usr/bin/df");
    assert_string_equal(spec->cwd, "/");
    action.cwd = "/tmp";
    assert_null(tn_policy_grant(fixture->holder, &action, NULL));
    action.cwd = NULL;
    action.has_stdin = TRUE;
    assert_null(tn_policy_grant(fixture->holder, &action, NULL));
    action.has_stdin = FALSE;
    action.user = "nobody";
    assert_null(tn_policy_grant(fixture->holder, &action, NULL));
}

static void
test_quotas(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *refusal = NULL;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "df"};
    g_autoptr(TnGrant) first = NULL;
    g_autoptr(TnGrant) second = NULL;
    g_autoptr(GError) error = NULL;

    load(fixture, "[exec df]\npath = /usr/bin/df\nconcurrent = 1\n"
                  "[exec ls]\npath = /usr/bin/ls\nrate = 2/h\n");
    first = tn_policy_grant(fixture->holder, &action, NULL);
    assert_non_null(first);
    assert_null(tn_policy_grant(fixture->holder, &action, &error));
    assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA));
    assert_non_null(strstr(error->message, "(Resource temporarily unavailable): concurrent limit 1 "
                                           "[rule=df ref="));
    g_clear_pointer(&first, tn_grant_unref);
    second = tn_policy_grant(fixture->holder, &action, NULL);
    assert_non_null(second);
    assert_runs(try_run(fixture, "ls", NULL));
    assert_runs(try_run(fixture, "ls", NULL));
    refusal = try_run(fixture, "ls", NULL);
    assert_non_null(strstr(refusal, "rate limit 2"));
}

static void
test_texts_by_detail(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *rule = NULL;
    g_autofree char *full = NULL;
    g_autofree char *minimal = NULL;

    load(fixture, "[exec df]\npath = /usr/bin/df\nargs = -h\n");
    rule = try_run(fixture, "/usr/bin/df", "x", NULL);
    assert_true(g_str_has_prefix(rule, "Failed to execute child process “/usr/bin/df” (Permission "
                                       "denied): denied by policy [rule=default ref="));
    assert_true(g_str_has_suffix(rule, "]"));
    load(fixture, "[policy]\nerror-detail = full\n[exec df]\npath = /usr/bin/df\nargs = -h\n");
    full = try_run(fixture, "/usr/bin/df", "x", NULL);
    assert_true(g_str_has_suffix(full, "]: [exec df] arg 1: \"x\" is not -h"));
    load(fixture, "[policy]\nerror-detail = minimal\n[exec df]\npath = /usr/bin/df\nargs = -h\n");
    minimal = try_run(fixture, "/usr/bin/df", "x", NULL);
    assert_string_equal(minimal, "Permission denied");
}

static void
test_group_is_planned(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/usr/bin/df"};
    g_autoptr(TnGrant) grant = NULL;
    const TnSpawnGroup *group;

    load(fixture, "[exec df]\npath = /usr/bin/df\ncgroup = pids=4 memory=8M cpu=50%\n");
    grant = tn_policy_grant(fixture->holder, &action, NULL);
    assert_non_null(grant);
    group = &tn_spawn_plan_get_spec(tn_grant_get_spawn_plan(grant))->group;
    assert_true(group->is_wanted && !group->is_optional);
    assert_int_equal(group->pids, 4);
    assert_int_equal(group->memory_bytes, 8 << 20);
    assert_int_equal(group->cpu_percent, 50);
}

static void
test_reload(void **state)
{
    Fixture *fixture = *state;
    const TnPolicy *policy;
    g_autoptr(GError) error = NULL;

    load(fixture, "[commands]\nallow = @sync @info\n[exec df]\npath = /usr/bin/df\n");
    assert_null(ask(fixture, "guest-get-osinfo", FALSE));
    write_policy(fixture->dir, "50-test.conf", "[commands]\nallow = @sync\n");
    assert_true(tn_policy_holder_reload(fixture->holder, NULL));
    assert_non_null(ask(fixture, "guest-get-osinfo", FALSE));
    /* What still runs may be asked for; nothing new may run. */
    assert_null(ask(fixture, "guest-exec-status", FALSE));
    assert_non_null(ask(fixture, "guest-exec", FALSE));
    write_policy(fixture->dir, "50-test.conf", "[commands]\nalow = @sync\n");
    assert_false(tn_policy_holder_reload(fixture->holder, &error));
    policy = tn_policy_holder_get(fixture->holder);
    assert_non_null(strstr(tn_policy_get_stale_reason(policy), "50-test.conf:2:1: unknown key"));
    assert_null(tn_policy_get_sealed_reason(policy));
    assert_null(ask(fixture, "guest-ping", FALSE));
    write_policy(fixture->dir, "50-test.conf", "[policy]\non-reload-error = seal\n");
    assert_true(tn_policy_holder_reload(fixture->holder, NULL));
    write_policy(fixture->dir, "50-test.conf", "x\n");
    assert_false(tn_policy_holder_reload(fixture->holder, NULL));
    assert_non_null(tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)));
}

static void
test_presets(void **state)
{
    Fixture *fixture = *state;
    TnPolicyOptions options = {
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .policy_dir = fixture->dir,
    };
    static const char *const NAMES[] = {
        "compat",        "confidential", "kubevirt", "locked",
        "proxmox-audit", "proxmox-fs",   "rhel",     "standard",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *name = g_strconcat("preset:", NAMES[i], NULL);

        options.policy_dir = name;
        tn_policy_holder_free(fixture->holder);
        fixture->holder = tn_policy_holder_new(&options, NULL);
        assert_null(tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)));
        assert_null(ask(fixture, "guest-ping", FALSE));
        assert_int_equal(ask(fixture, "guest-exec", FALSE) == NULL,
                         strcmp(NAMES[i], "compat") == 0);
    }
    options.policy_dir = fixture->dir;
    tn_policy_holder_free(fixture->holder);
    fixture->holder = tn_policy_holder_new(&options, NULL);
    assert_non_null(strstr(ask(fixture, "guest-exec", FALSE), "/etc/tenon/policy.d"));
    assert_null(ask(fixture, "guest-shutdown", FALSE));
}

/* The bytes of the lists that qemu-ga reads are no way around a policy. */
static void
test_file_lists_in_mode_locked(void **state)
{
    Fixture *fixture = *state;
    TnPolicyList list = {
        .text = "guest-exec", .origin = "qemu-ga.conf", .is_allow = TRUE, .from_file = TRUE};
    TnPolicyOptions options = {
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .lists = &list,
        .n_lists = 1,
        .policy_dir = fixture->dir,
    };

    fixture->holder = tn_policy_holder_new(&options, NULL);
    assert_non_null(ask(fixture, "guest-exec", FALSE));
    assert_null(ask(fixture, "guest-ping", FALSE));
}

static void
test_clients_are_those_that_are_named(void **state)
{
    Fixture *fixture = *state;
    const TnPolicy *policy;

    load(fixture, "[policy]\nmode = compat\n");
    policy = tn_policy_holder_get(fixture->holder);
    assert_true(tn_policy_is_client_uid(policy, 0));
    assert_true(tn_policy_is_client_uid(policy, geteuid()));
    assert_false(tn_policy_is_client_uid(policy, 65534));
    assert_true(tn_policy_is_client_cid(policy, 2));
    assert_false(tn_policy_is_client_cid(policy, 1));

    load(fixture, "[policy]\nmode = compat\nclient-uid = nobody 4711\nclient-cid = 1 77\n");
    policy = tn_policy_holder_get(fixture->holder);
    assert_true(tn_policy_is_client_uid(policy, 0));
    assert_true(tn_policy_is_client_uid(policy, 65534));
    assert_true(tn_policy_is_client_uid(policy, 4711));
    assert_false(tn_policy_is_client_uid(policy, 4712));
    assert_true(tn_policy_is_client_cid(policy, 77));
    assert_false(tn_policy_is_client_cid(policy, 2));

    write_policy(fixture->dir, "50-test.conf", "[policy]\nclient-uid = no-such-user-here\n");
    assert_false(tn_policy_holder_reload(fixture->holder, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_groups_and_denials, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deny_wins_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_thaw_is_never_denied_while_frozen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exact_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_names_of_programs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_of_one_file_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_untrusted_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_runs_what_was_hashed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_starts_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment_by_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_request_only_narrows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_by_detail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group_is_planned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_presets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_lists_in_mode_locked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clients_are_those_that_are_named, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
