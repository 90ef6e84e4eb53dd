/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records as a journal would get them, from a socket of the test's own.
 */

#include "policy/audit.h"

#include "platform/fd.h"
#include "policy/load.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-ping", .group = "@sync"},
    {.name = "guest-exec", .group = "@exec"},
    {.name = "guest-file-open", .group = "@file-read"},
};

typedef struct {
    char *dir;
    char *socket_path;
    int fd;
    TnAuditPlaces places;
    TnAudit *audit;
    TnPolicy *policy;
} Fixture;

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    TnPolicyOptions options = {
        .policy_dir = "preset:compat",
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
    };
    int buffer = 4 << 20;
    gboolean by_argv;

    fixture->dir = g_dir_make_tmp("tn-audit-XXXXXX", NULL);
    fixture->socket_path = g_build_filename(fixture->dir, "journal", NULL);
    fixture->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g_strlcpy(address.sun_path, fixture->socket_path, sizeof address.sun_path);
    if (bind(fixture->fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    setsockopt(fixture->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    fixture->places.journal_path = fixture->socket_path;
    fixture->places.syslog_path = "/nonexistent/log";
    fixture->audit = tn_audit_new(&fixture->places);
    fixture->policy = tn_load_policy(&options, &by_argv, NULL);
    *state = fixture;
    return fixture->policy != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_audit_free(fixture->audit);
    tn_policy_unref(fixture->policy);
    tn_fd_clear(&fixture->fd);
    g_unlink(fixture->socket_path);
    g_rmdir(fixture->dir);
    g_free(fixture->socket_path);
    g_free(fixture->dir);
    g_free(fixture);
    return 0;
}

/* The next record, or NULL. */
static char *
receive(const Fixture *fixture)
{
    char buffer[32768];
    ssize_t n = recv(fixture->fd, buffer, sizeof buffer - 1, 0);

    return n < 0 ? NULL : g_strndup(buffer, (gsize)n);
}

static gboolean
note(Fixture *fixture, const TnAction *action, TnVerdictKind kind, const char *reason)
{
    g_auto(TnVerdict) verdict = {.kind = kind, .rule = "default", .reason = g_strdup(reason)};

    return tn_audit_decision(fixture->audit, fixture->policy, action, &verdict, NULL, 0x1234);
}

static void
test_fields(void **state)
{
    Fixture *fixture = *state;
    const char *argv[] = {"-c", "x \"y\"\nFORGED=1\x1b[2J", NULL};
    const char *env[] = {"TOKEN=secret-value", "A=b", NULL};
    TnAction action = {.command = "guest-exec",
                       .group = "@exec",
                       .path = "/bin/sh",
                       .argv = argv,
                       .env = env,
                       .channel = "unix"};
    g_autofree char *record = NULL;
    g_auto(GStrv) lines = NULL;

    assert_true(note(fixture, &action, TN_VERDICT_DENY, "because\nFORGED=2"));
    record = receive(fixture);
    lines = g_strsplit(record, "\n", -1);
    assert_true(g_strv_contains((const char *const *)lines, "TENON_VERDICT=deny"));
    assert_true(g_strv_contains((const char *const *)lines, "TENON_REF=0000000000001234"));
    assert_true(g_strv_contains((const char *const *)lines, "TENON_SEQ=1"));
    assert_true(g_strv_contains((const char *const *)lines, "TENON_ENV_NAMES=TOKEN A"));
    assert_true(g_strv_contains((const char *const *)lines, "TENON_CHANNEL=unix"));
    assert_null(strstr(record, "\nFORGED"));
    assert_null(strstr(record, "secret-value"));
    assert_null(strchr(record, '\x1b'));
    for (gsize i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
        assert_non_null(strchr(lines[i], '='));
}

static void
test_turned_text_is_escaped(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec",
                       .group = "@exec",
                       .path = "/a\xe2\x80\xae"
                               "b\xff"};
    g_autofree char *record = NULL;

    note(fixture, &action, TN_VERDICT_DENY, NULL);
    record = receive(fixture);
    assert_non_null(strstr(record, "TENON_PATH=/a\\u202eb\\xff\n"));
}

static void
test_flood_hides_no_act(void **state)
{
    Fixture *fixture = *state;
    TnAction denied = {.command = "guest-exec", .group = "@exec", .path = "/bin/denied"};
    TnAction allowed = {.command = "guest-exec", .group = "@exec", .path = "/bin/allowed"};
    TnAction written = {
        .command = "guest-file-open", .group = "@file-read", .path = "/w", .mode = "w"};
    guint n_denied = 0;
    guint n_allowed = 0;
    guint n_written = 0;
    char *record;

    for (int i = 0; i < 300; i++) {
        note(fixture, &denied, TN_VERDICT_DENY, "no");
        if (i == 280)
            assert_true(note(fixture, &allowed, TN_VERDICT_ALLOW, NULL) &&
                        note(fixture, &written, TN_VERDICT_ALLOW, NULL));
        /* As a journal that keeps up, so that the socket's own limit plays no part. */
        while ((record = receive(fixture)) != NULL) {
            n_denied += strstr(record, "/bin/denied") != NULL ? 1 : 0;
            n_allowed += strstr(record, "TENON_PATH=/bin/allowed") != NULL ? 1 : 0;
            n_written += strstr(record, "TENON_PATH=/w\n") != NULL ? 1 : 0;
            g_free(record);
        }
    }
    assert_int_equal(n_allowed, 1);
    assert_int_equal(n_written, 1);
    assert_true(n_denied >= 200 && n_denied < 260);
}

/* What was left out is counted within a second or two, also when nothing comes after it. */
static void
test_summary(void **state)
{
    Fixture *fixture = *state;
    TnAction denied = {.command = "guest-exec", .group = "@exec", .path = "/bin/denied"};
    gint64 until_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    g_autofree char *summary = NULL;
    char *record;

    for (int i = 0; i < 300; i++) {
        note(fixture, &denied, TN_VERDICT_DENY, "no");
        while ((record = receive(fixture)) != NULL)
            g_free(record);
    }
    while (summary == NULL && g_get_monotonic_time() < until_us) {
        g_main_context_iteration(NULL, TRUE);
        summary = receive(fixture);
    }
    assert_non_null(summary);
    assert_non_null(strstr(summary, "\nTENON_LEFT_OUT="));
}

static void
test_start_and_end(void **state)
{
    Fixture *fixture = *state;
    const TnGrantEnd end = {.pid = 77, .signal = 9, .reason = "timeout", .duration_us = 5};
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    tn_audit_start(fixture->audit, fixture->policy, "guest-exec", 0x1234, 77);
    tn_audit_end(fixture->audit, fixture->policy, "guest-exec", 0x1234, &end);
    first = receive(fixture);
    second = receive(fixture);
    assert_non_null(strstr(first, "TENON_REF=0000000000001234\n"));
    assert_non_null(strstr(first, "TENON_CHILD_PID=77\n"));
    assert_non_null(strstr(second, "TENON_REF=0000000000001234\n"));
    assert_non_null(strstr(second, "TENON_REASON=timeout\n"));
    assert_non_null(strstr(second, "TENON_SIGNAL=9\n"));
}

static void
test_facts_and_polls_leave_none(void **state)
{
    Fixture *fixture = *state;
    TnAction ping = {.command = "guest-ping", .group = "@sync"};
    TnAction status = {.command = "guest-exec-status", .group = "@exec"};

    assert_true(note(fixture, &ping, TN_VERDICT_ALLOW, NULL));
    assert_true(note(fixture, &status, TN_VERDICT_ALLOW, NULL));
    assert_null(receive(fixture));
}

static void
test_waits_while_frozen(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/bin/a"};
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    tn_audit_set_frozen(fixture->audit, fixture->policy, TRUE);
    assert_true(note(fixture, &action, TN_VERDICT_DENY, "frozen"));
    action.path = "/bin/b";
    assert_true(note(fixture, &action, TN_VERDICT_ALLOW, NULL));
    assert_null(receive(fixture));
    tn_audit_set_frozen(fixture->audit, fixture->policy, FALSE);
    first = receive(fixture);
    second = receive(fixture);
    assert_non_null(strstr(first, "TENON_PATH=/bin/a\n"));
    assert_non_null(strstr(second, "TENON_PATH=/bin/b\n"));
}

static void
test_file_is_the_last_resort(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/bin/\"x\""};
    g_autofree char *file = g_build_filename(fixture->dir, "audit.jsonl", NULL);
    g_autofree char *text = NULL;

    g_free(fixture->policy->rules->audit->file);
    fixture->policy->rules->audit->file = g_strdup(file);
    g_unlink(fixture->socket_path);
    tn_fd_clear(&fixture->fd);
    assert_true(note(fixture, &action, TN_VERDICT_ALLOW, NULL));
    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    assert_non_null(strstr(text, "\"TENON_PATH\": \"/bin/\\\"x\\\"\""));
    assert_true(g_str_has_suffix(text, "}\n"));
    g_unlink(file);
}

static void
test_no_place_refuses_where_required(void **state)
{
    Fixture *fixture = *state;
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = "/bin/x"};

    g_free(fixture->policy->rules->audit->file);
    fixture->policy->rules->audit->file = g_strdup("/proc/nonexistent/audit");
    g_unlink(fixture->socket_path);
    tn_fd_clear(&fixture->fd);
    assert_true(note(fixture, &action, TN_VERDICT_ALLOW, NULL));
    fixture->policy->rules->audit->required = TN_CHOICE_YES;
    assert_false(note(fixture, &action, TN_VERDICT_ALLOW, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turned_text_is_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flood_hides_no_act, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_summary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_start_and_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_facts_and_polls_leave_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_while_frozen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_is_the_last_resort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_place_refuses_where_required, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
