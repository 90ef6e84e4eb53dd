/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line parser: the manual's example, every mistake with its place, and the limits.
 */

#include "policy/rules.h"

#include "platform/fd.h"
#include "policy/match.h"
#include "policy/policy.h"
#include "policy/rules-check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static TnRules *
parse(const char *text, GError **error)
{
    g_autoptr(TnRules) rules = tn_rules_new();
    g_autoptr(GHashTable) commands = g_hash_table_new(g_str_hash, g_str_equal);

    if (!tn_rules_add(rules, "t.conf", text, strlen(text), error) ||
        !tn_rules_finish(rules, commands, error))
        return NULL;
    return g_steal_pointer(&rules);
}

static void
test_example(void **state)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(TnRules) rules = NULL;
    const TnExecConf *df;
    const TnFileConf *drop;

    assert_true(
        tn_fd_read_file(AT_FDCWD, TN_TEST_FIXTURES "/example.conf", 65536, &text, NULL, &error));
    rules = parse(text, &error);
    assert_null(error);
    assert_int_equal(rules->policy->mode, TN_MODE_LOCKED);
    assert_int_equal(rules->policy->max_output_total, 64 * 1024 * 1024);
    assert_int_equal(rules->policy->exec_keep_us, 600 * G_USEC_PER_SEC);
    assert_int_equal(rules->commands->allow->len, 3);
    assert_int_equal(rules->execs->len, 1);
    df = g_ptr_array_index(rules->execs, 0);
    assert_int_equal(df->args->len, 2);
    assert_string_equal(tn_pattern_get_text(g_ptr_array_index(df->args, 1)),
                        "-B {int:1..1048576} {path:/srv}");
    assert_int_equal(df->umask, 077);
    assert_int_equal(df->timeout_us, 30 * G_USEC_PER_SEC);
    assert_int_equal(df->no_new_privs, TN_CHOICE_YES);
    assert_string_equal(df->profile, "no-network+read-only");
    assert_int_equal(df->limits->len, 4);
    assert_int_equal(rules->files->len, 2);
    drop = g_ptr_array_index(rules->files, 1);
    assert_int_equal(drop->max_size, 256 * 1024 * 1024);
    assert_string_equal(drop->as_user, "deploy");
    assert_int_equal(rules->profiles->len, 1);
}

static void
test_defaults(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnRules) locked = parse("", &error);
    g_autoptr(TnRules) compat = parse("[policy]\nmode = compat\n", &error);

    assert_null(error);
    assert_int_equal(locked->policy->max_handles, 64);
    assert_int_equal(compat->policy->max_handles, 1024);
    assert_int_equal(locked->policy->freeze_limit_us, 600 * G_USEC_PER_SEC);
    assert_int_equal(compat->policy->freeze_limit_us, 0);
    assert_string_equal(compat->exec_default->profile, "unrestricted");
    assert_int_equal(compat->exec_default->timeout_us, 0);
}

static void
test_print_is_read_again(void **state)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(TnRules) rules = NULL;
    g_autoptr(GString) first = g_string_new(NULL);

    assert_true(
        tn_fd_read_file(AT_FDCWD, TN_TEST_FIXTURES "/example.conf", 65536, &text, NULL, &error));
    rules = parse(text, &error);
    tn_rules_print(rules, first);
    assert_non_null(strstr(first->str, "[exec df]"));
    assert_non_null(strstr(first->str, "timeout = 30s"));
    assert_non_null(strstr(first->str, "max-size = 256M"));
}

static void
test_places_of_mistakes(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } CASES[] = {
        {"[exce df]\n", "t.conf:1:2: unknown section [exce]"},
        {"[policy]\nmode = open\n", "t.conf:2:8: mode is one of: locked, compat"},
        {"[policy]\n\n  mod = locked\n", "t.conf:3:3: unknown key mod in [policy]"},
        {"[policy]\nmode = locked\nmode = locked\n",
         "t.conf:3:1: mode was set already in t.conf:2"},
        {"[policy]\nmode = locked # or not\n", "t.conf:2:15: inline comment?"},
        {"[commands]\nallow = a;b\n", "t.conf:2:10: inline comment?"},
        {"[commands]\nallow =\n", "t.conf:2:8: allow: the value is empty"},
        {"mode = locked\n", "t.conf:1:1: a key before the first section"},
        {"[policy]\nmode locked\n", "t.conf:2:1: neither a section"},
        {"[policy]\nmode = \"locked\n", "t.conf:2:"},
        {"[policy x]\n", "t.conf:1:1: [policy] takes no name"},
        {"[exec]\n", "t.conf:1:1: [exec] needs a name"},
        {"[exec a b]\n", "t.conf:1:1: [exec a b]: a name is"},
        {"[exec a\n", "t.conf:1:7: the section's ] is missing"},
        {"[exec a]\npath=/a\n[exec a]\n", "t.conf:3:1: [exec a] stands already in t.conf:1"},
        {"[policy]\n[policy]\n", "t.conf:2:1: [policy] stands in this file already"},
        {"[exec a]\n", "t.conf:1:1: [exec a]: path is missing"},
        {"[exec a]\npath = /a\nargs = x {int:9..1}\n",
         "t.conf:3:10: {int:9..1}: the range is empty"},
        {"[exec a]\npath = a\n", "t.conf:2:1: [exec a] path: a is not an absolute path"},
        {"[exec a]\npath = /a/../b\n", "t.conf:2:1: [exec a] path: /a/../b is not"},
        {"[exec a]\npath=/a\numask=22\n", "t.conf:3:7: umask: an octal number"},
        {"[exec a]\npath=/a\ntimeout=30\n", "t.conf:3:9: timeout: a number such as 30s"},
        {"[exec a]\npath=/a\noutput=1T\n", "t.conf:3:8: output: a number such as 64M"},
        {"[exec a]\npath=/a\nrate=10\n", "t.conf:3:6: rate: a rate such as"},
        {"[exec a]\npath=/a\nprofile=basline\n", "there is no profile \"basline\""},
        {"[exec a]\npath=/a\nenv-allow=LD_PRELOAD\n", "LD_PRELOAD can change which code runs"},
        {"[exec a]\npath=/a\nenv-allow=L*\n", "L* can change which code runs"},
        {"[exec a]\npath=/a\nenv-allow=A=B\n", "is no name of a variable"},
        {"[exec a]\npath=/a\nenv-set=A\n", "A is not NAME=VALUE"},
        {"[exec a]\npath=/a\nlimits=files=3\n", "files=3 is no limit"},
        {"[exec a]\npath=/a\ncgroup=cpu=5\n", "cpu=5 is not pids=N"},
        {"[exec a]\npath=/a\ncaps=net_amin\n", "net_amin is no capability"},
        {"[exec a]\npath=/a\nuser=nobody\nno-new-privs=no\n", "a filter cannot be loaded"},
        {"[exec a]\npath=/a\nsha256=12\n", "64 lower-case"},
        {"[file a]\npath=/etc\naccess=write\n", "/etc would let the host write /etc/tenon"},
        {"[file a]\npath=/\naccess=read append\n", "would let the host write"},
        {"[file a]\npath=/dev/virtio-ports/x\naccess=write\n", "would let the host write"},
        {"[file a]\npath=/srv\naccess=wriet\n", "wriet is none of"},
        {"[commands]\nallow = guest-exce\n", "guest-exce is no command"},
        {"[commands]\ndeny = @exce\n", "@exce is no command and no @group"},
        {"[exec-default]\numask=022\n", "only in mode compat"},
        {"[audit]\nlevel=off\n", "off only in mode compat"},
        {"[profile baseline]\n", "the name is that of a built-in"},
        {"[profile a]\nbase=b\n", "there is no profile \"b\""},
        {"[profile a]\ndeny=opne\n", "opne is no system call"},
        {"[policy]\nmax-children = 0\n", "a number from 1 to 65536"},
        {"[policy]\nmax-children = 99999999999999999999\n", "a number from 1 to 65536"},
        {"[policy]\nmode\t= locked\n", "t.conf:2:5: control character 0x09"},
        {"[policy]\nmode = \xff\n", "t.conf:2:8: not UTF-8"},
        {"\xef\xbb\xbf[policy]\n", "byte order mark"},
        {"#!tenon-policy 2\n", "t.conf:1:16: format 2 is not known"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(TnRules) rules = parse(CASES[i].text, &error);

        if (rules != NULL || error == NULL || strstr(error->message, CASES[i].error) == NULL)
            fail_msg("%s: got '%s', wanted '%s'", CASES[i].text,
                     error != NULL ? error->message : "no error", CASES[i].error);
        assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID));
    }
}

static void
test_takes(void **state)
{
    static const char *const TEXTS[] = {
        "# comment\r\n[policy]\r\nmode = locked\r\n",
        "#!tenon-policy 1\n[commands]\nallow = *\nallow = guest-exec @sync\ndeny = none",
        "[exec a]\npath = /bin/a /bin/b\npath = /bin/c\nenv-set = \"A=b c\"\nrate = 10/min\n",
        "[policy]\nmode = compat\n[exec-default]\nprofile = baseline\n[audit]\nlevel = off\n",
        "   [exec a]   \n   path   =   /bin/a   \n",
        "[exec a]\npath=/a\nargs=\"#\" \"a;b\" a#b\n",
        ("[profile p]\nbase=read-only+strict\ndeny=@network-io\nallow=setns\n[exec a]\npath=/a\n"
         "profile=p\n"),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(TnRules) rules = parse(TEXTS[i], &error);

        if (rules == NULL)
            fail_msg("%s: %s", TEXTS[i], error->message);
    }
}

static void
test_nul_is_refused(void **state)
{
    g_autoptr(TnRules) rules = tn_rules_new();
    g_autoptr(GError) error = NULL;

    assert_false(tn_rules_add(rules, "t.conf", "[policy]\0\n", 10, &error));
    assert_non_null(strstr(error->message, "control character 0x00"));
}

static void
test_limits(void **state)
{
    g_autofree char *line = g_strnfill(1024 * 1024, 'x');
    g_autoptr(GString) many = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) too_many = NULL;
    g_autoptr(GError) too_big = NULL;
    g_autoptr(TnRules) rules = tn_rules_new();

    line[0] = '#';
    assert_null(parse(line, &error));
    assert_non_null(strstr(error->message, "longer than 8192 bytes"));
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(many, "[exec r%d]\npath=/a\n", i);
    assert_null(parse(many->str, &too_many));
    assert_non_null(strstr(too_many->message, "more than 4096 sections"));
    assert_false(tn_rules_add(rules, "t.conf", "", G_MAXSIZE / 2, &too_big));
    assert_non_null(strstr(too_big->message, "longer than 1048576 bytes"));
}

static void
test_files_add_up(void **state)
{
    g_autoptr(TnRules) rules = tn_rules_new();
    g_autoptr(GError) error = NULL;

    assert_true(tn_rules_add(rules, "a.conf", "[commands]\nallow = @sync\n", 25, &error));
    assert_true(tn_rules_add(rules, "b.conf", "[commands]\nallow = @info\n", 25, &error));
    assert_true(tn_rules_add(rules, "c.conf", "[policy]\nmode = locked\n", 23, &error));
    assert_int_equal(rules->commands->allow->len, 2);
    assert_false(tn_rules_add(rules, "d.conf", "[policy]\nmode = compat\n", 23, &error));
    assert_string_equal(error->message, "d.conf:2:1: mode was set already in c.conf:2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_print_is_read_again),
        cmocka_unit_test(test_places_of_mistakes),
        cmocka_unit_test(test_takes),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_files_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
