/* SPDX-License-Identifier: Apache-2.0 */

/* guest-exec and guest-exec-status behind a dispatcher: words, keys, limits, when they answer. */

#include "commands/exec.h"
#include "platform/clock.h"
#include "platform/jobs.h"
#include "tests/unit/desk.h"
#include "tests/unit/platform/spawn-fixture.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const TnModule *const modules[] = {&tn_exec_module, NULL};

typedef struct {
    TnSpawner *spawner;
    TnJobs *jobs;
    Desk *desk;
    gint64 number;
} Fixture;

static gboolean
take_number(gpointer data, gint64 *ret_number, GError **error)
{
    *ret_number = ++*(gint64 *)data;
    return TRUE;
}

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    signal(SIGPIPE, SIG_IGN);
    fixture->spawner = tn_spawner_new(NULL, NULL);
    fixture->jobs = tn_jobs_new(fixture->spawner, NULL, take_number, &fixture->number, NULL);
    fixture->desk = desk_new_full(modules, NULL, NULL, (TnModuleContext){.jobs = fixture->jobs});
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_spawner_free(fixture->spawner);
    tn_jobs_stop(fixture->jobs);
    desk_free(fixture->desk);
    tn_jobs_free(fixture->jobs);
    g_free(fixture);
    return 0;
}

static TnCall *
begin(Fixture *fixture, GString *out, const char *request)
{
    desk_feed(fixture->desk, request, strlen(request));
    return desk_begin(fixture->desk, out);
}

/* The reply, which may come later. */
static char *
ask(Fixture *fixture, const char *request)
{
    GString *out = g_string_new(NULL);
    TnCall *call = begin(fixture, out, request);

    if (call != NULL) {
        run_until(tn_call_get_reply(call) != NULL);
        desk_take(call, out, 4096);
    }
    return g_string_free(out, FALSE);
}

/* Runs SCRIPT and returns its pid. */
static gint64
start(Fixture *fixture, const char *script, const char *more)
{
    g_autofree char *request = g_strdup_printf(
        "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\",\"arg\":[\"-c\",\"%s\"]%s}}",
        script, more);
    g_autofree char *reply = ask(fixture, request);
    const char *pid = strstr(reply, "{\"pid\": ");

    assert_non_null(pid);
    return g_ascii_strtoll(pid + strlen("{\"pid\": "), NULL, 10);
}

static char *
make_status(gint64 pid)
{
    return g_strdup_printf(
        "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":%" G_GINT64_FORMAT "}}", pid);
}

static char *
ask_status(Fixture *fixture, gint64 pid)
{
    g_autofree char *request = make_status(pid);

    return ask(fixture, request);
}

/* The status once the program has ended. */
static char *
run_to_end(Fixture *fixture, const char *script, const char *more)
{
    gint64 pid = start(fixture, script, more);
    char *reply = ask_status(fixture, pid);

    while (strstr(reply, "\"exited\": false") != NULL) {
        g_free(reply);
        reply = ask_status(fixture, pid);
    }
    return reply;
}

static void
check_run(Fixture *fixture, const char *script, const char *more, const char *expected)
{
    g_autofree char *reply = run_to_end(fixture, script, more);

    assert_string_equal(reply, expected);
}

static void
test_capture_modes(void **state)
{
    static const struct {
        const char *more;
        const char *expected;
    } cases[] = {
        {"", "{\"return\": {\"exited\": true, \"exitcode\": 7}}\n"},
        {",\"capture-output\":false", "{\"return\": {\"exited\": true, \"exitcode\": 7}}\n"},
        {",\"capture-output\":\"none\"", "{\"return\": {\"exited\": true, \"exitcode\": 7}}\n"},
        {",\"capture-output\":true",
         "{\"return\": {\"exited\": true, \"exitcode\": 7, \"out-data\": \"bwo=\", "
         "\"err-data\": \"ZQo=\", \"out-truncated\": false, \"err-truncated\": false}}\n"},
        {",\"capture-output\":\"separated\"",
         "{\"return\": {\"exited\": true, \"exitcode\": 7, \"out-data\": \"bwo=\", "
         "\"err-data\": \"ZQo=\", \"out-truncated\": false, \"err-truncated\": false}}\n"},
        {",\"capture-output\":\"stdout\"",
         "{\"return\": {\"exited\": true, \"exitcode\": 7, \"out-data\": \"bwo=\", "
         "\"out-truncated\": false}}\n"},
        {",\"capture-output\":\"stderr\"",
         "{\"return\": {\"exited\": true, \"exitcode\": 7, \"err-data\": \"ZQo=\", "
         "\"err-truncated\": false}}\n"},
        {",\"capture-output\":\"merged\"",
         "{\"return\": {\"exited\": true, \"exitcode\": 7, \"out-data\": \"bwplCg==\", "
         "\"out-truncated\": false}}\n"},
    };

    for (int round = 0; round < 2; round++)
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
            check_run(*state, "echo o; echo e >&2; exit 7", cases[i].more, cases[i].expected);
}

static void
test_nothing_captured(void **state)
{
    check_run(*state, "exit 0", ",\"capture-output\":true",
              "{\"return\": {\"exited\": true, \"exitcode\": 0}}\n");
    check_run(*state, "cat", ",\"capture-output\":true,\"input-data\":\"\"",
              "{\"return\": {\"exited\": true, \"exitcode\": 0}}\n");
    check_run(*state, "cat", ",\"capture-output\":true,\"input-data\":\"aGk=\"",
              "{\"return\": {\"exited\": true, \"exitcode\": 0, \"out-data\": \"aGk=\", "
              "\"out-truncated\": false}}\n");
}

static void
test_signal_carries_exit_code(void **state)
{
    check_run(*state, "kill -9 $$", "",
              "{\"return\": {\"exited\": true, \"exitcode\": 137, \"signal\": 9}}\n");
}

static void
test_errors(void **state)
{
    static const struct {
        const char *arguments;
        const char *desc;
    } cases[] = {
        {"\"path\":\"/no/such\"",
         "Failed to execute child process \\u201C/no/such\\u201D (No such file or directory)"},
        {"\"path\":\"/usr\"",
         "Failed to execute child process \\u201C/usr\\u201D (Permission denied)"},
        {"\"arg\":[]", "Parameter 'path' is missing"},
        {"\"path\":\"/bin/true\",\"input-data\":\"a\"", "Base64 data contains invalid characters"},
        {"\"path\":\"/bin/true\",\"capture-output\":1",
         "Invalid parameter type for 'capture-output', expected: GuestExecCaptureOutput"},
        {"\"path\":\"/bin/true\",\"capture-output\":\"both\"",
         "Parameter 'capture-output' does not accept value 'both'"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *request =
            g_strdup_printf("{\"execute\":\"guest-exec\",\"arguments\":{%s}}", cases[i].arguments);
        g_autofree char *expected = g_strdup_printf(
            "{\"error\": {\"class\": \"GenericError\", \"desc\": \"%s\"}}\n", cases[i].desc);
        g_autofree char *reply = ask(*state, request);

        assert_string_equal(reply, expected);
    }
}

static void
test_status_of_strangers(void **state)
{
    static const gint64 pids[] = {1, 0, -5, G_MAXINT64};

    for (gsize i = 0; i < G_N_ELEMENTS(pids); i++) {
        g_autofree char *expected =
            g_strdup_printf("PID %" G_GINT64_FORMAT " does not exist", pids[i]);
        g_autofree char *reply = ask_status(*state, pids[i]);

        assert_non_null(strstr(reply, expected));
    }
}

static void
test_status_twice_and_other_channel(void **state)
{
    Fixture *fixture = *state;
    gint64 pid = start(fixture, "echo x", ",\"capture-output\":true");
    g_autofree char *first = ask_status(fixture, pid);
    g_autofree char *second = ask_status(fixture, pid);
    g_autofree char *third = NULL;

    assert_non_null(strstr(first, "eAo="));
    assert_string_equal(first, second);
    fixture->desk->link.channel = g_intern_string("other");
    third = ask_status(fixture, pid);
    assert_non_null(strstr(third, "does not exist"));
}

static void
test_young_child_is_waited_for(void **state)
{
    Fixture *fixture = *state;
    gint64 pid = start(fixture, "sleep 0.03", "");
    gint64 begun = tn_clock_monotonic_us();
    g_autofree char *reply = ask_status(fixture, pid);
    g_autofree char *held = NULL;

    assert_non_null(strstr(reply, "\"exited\": true"));
    pid = start(fixture, "sleep 0.5", "");
    begun = tn_clock_monotonic_us();
    held = ask_status(fixture, pid);
    assert_non_null(strstr(held, "\"exited\": false"));
    assert_in_range(tn_clock_monotonic_us() - begun, 90000, 400000);
}

static void
test_hurry_answers_at_once(void **state)
{
    Fixture *fixture = *state;
    gint64 pid = start(fixture, "sleep 0.5", "");
    g_autofree char *request = make_status(pid);
    g_autoptr(GString) out = g_string_new(NULL);
    TnCall *call = begin(fixture, out, request);

    assert_non_null(call);
    assert_null(tn_call_get_reply(call));
    tn_call_hurry(call);
    assert_non_null(tn_call_get_reply(call));
    desk_take(call, out, 4096);
    assert_string_equal(out->str, "{\"return\": {\"exited\": false}}\n");
    /* A peer that goes away while its request is held. */
    call = begin(fixture, out, request);
    tn_call_drop(call);
}

static void
test_budget_of_a_serial_port(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *reply = NULL;
    g_autofree char *tiny = NULL;

    fixture->desk->link.is_serial = TRUE;
    fixture->desk->link.reply_limit_bytes = 4194304;
    reply = run_to_end(fixture, "head -c 12000000 /dev/zero; head -c 70000 /dev/zero >&2",
                       ",\"capture-output\":true");
    assert_true(strlen(reply) <= 4194304);
    assert_true(strlen(reply) > 4100000);
    assert_non_null(strstr(reply, "\"out-truncated\": true, \"err-truncated\": true}}"));
    tiny = run_to_end(fixture, "head -c 3000000 /dev/zero; head -c 60000 /dev/zero >&2",
                      ",\"capture-output\":true");
    assert_non_null(strstr(tiny, "\"out-truncated\": false, \"err-truncated\": false}}"));
}

static void
test_limit_of_a_listener(void **state)
{
    g_autofree char *reply =
        run_to_end(*state, "head -c 16777216 /dev/zero; head -c 16777217 /dev/zero >&2",
                   ",\"capture-output\":true");

    assert_non_null(strstr(reply, "\"out-truncated\": false, \"err-truncated\": true}}"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_capture_modes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_captured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signal_carries_exit_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_of_strangers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_twice_and_other_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_young_child_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry_answers_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_budget_of_a_serial_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_of_a_listener, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
