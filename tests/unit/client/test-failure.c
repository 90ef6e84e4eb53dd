/* SPDX-License-Identifier: Apache-2.0 */

#include "client/failure.h"

#include "client/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_reads_guest_errors(void **state)
{
    static const struct {
        const char *class_name;
        const char *desc;
        const char *reason;
        TnFailure failure;
        int exit_code;
        const char *word;
    } cases[] = {
        {"GenericError", "Failed to execute child process “rm” (No such file or directory)", NULL,
         TN_FAILURE_NOT_FOUND, 127, "not-found"},
        {NULL, "Failed to execute child process “x” (Permission denied)", NULL,
         TN_FAILURE_NOT_EXECUTABLE, 126, "not-executable"},
        {"GenericError", "Failed to execute child process “x” (Exec format error)", NULL,
         TN_FAILURE_NOT_EXECUTABLE, 126, "not-executable"},
        {"GenericError",
         "Failed to execute child process “rm” (Permission denied): denied by policy "
         "[rule=default ref=7f3a]",
         NULL, TN_FAILURE_POLICY_DENIED, 126, "policy-denied"},
        {"CommandNotFound", "The command guest-x has not been found", NULL,
         TN_FAILURE_NO_SUCH_COMMAND, 127, "not-found"},
        {NULL, "The command guest-x has not been found", NULL, TN_FAILURE_NO_SUCH_COMMAND, 127,
         "not-found"},
        {"GenericError", "handle '7' has not been found", NULL, TN_FAILURE_GUEST, 1, "failed"},
        {"CommandNotFound", "Command guest-exec has been disabled: the command is not allowed",
         NULL, TN_FAILURE_COMMAND_DISABLED, 126, "command-disabled"},
        {"CommandNotFound", "Command guest-exec has been disabled: the agent is in frozen state",
         NULL, TN_FAILURE_AGENT_FROZEN, 126, "agent-frozen"},
        {"CommandNotFound", "Command guest-exec has been disabled: whatever", "policy-denied",
         TN_FAILURE_POLICY_DENIED, 126, "policy-denied"},
        {"GenericError", "failed to open file '/x' (mode: 'r'): No such file or directory", NULL,
         TN_FAILURE_NO_SUCH_FILE, 1, "not-found"},
        {"GenericError", "job 7 does not exist", "no-such-job", TN_FAILURE_NO_SUCH_JOB, 127,
         "no-such-job"},
        {"GenericError", "something", "a-new-word", TN_FAILURE_GUEST, 1, "failed"},
        {"GenericError", "", NULL, TN_FAILURE_GUEST, 1, "failed"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error =
            tn_failure_new_from_guest(cases[i].class_name, cases[i].desc, cases[i].reason);

        if (error->code != (int)cases[i].failure)
            fail_msg("%s: code %d", cases[i].desc, error->code);
        assert_string_equal(error->message, cases[i].desc);
        assert_int_equal(tn_failure_get_exit_code(error), cases[i].exit_code);
        assert_string_equal(tn_failure_get_reason(error), cases[i].word);
    }
}

static void
test_has_a_row_for_each(void **state)
{
    for (int code = 0; code < TN_FAILURE_N; code++) {
        g_autoptr(GError) error = g_error_new_literal(TN_FAILURE, code, "x");

        assert_non_null(tn_failure_get_reason(error));
        assert_in_range(tn_failure_get_exit_code(error), 1, 141);
    }
}

static void
test_takes_foreign_domains(void **state)
{
    g_autoptr(GError) error = g_error_new_literal(g_quark_from_static_string("x"), 3, "x");

    assert_int_equal(tn_failure_get_exit_code(error), 125);
    assert_string_equal(tn_failure_get_reason(error), "local");
}

static void
test_reads_libvirt_errors(void **state)
{
    static const struct {
        int code;
        const char *text;
        TnFailure failure;
    } cases[] = {
        {1,
         "internal error: unable to execute QEMU agent command 'guest-x': The command guest-x has "
         "not been found",
         TN_FAILURE_NO_SUCH_COMMAND},
        {0,
         "guest agent command failed: unable to execute QEMU agent command 'guest-exec': Failed to "
         "execute child process “a': b” (No such file or directory)",
         TN_FAILURE_NOT_FOUND},
        {86, "Guest agent is not responding: QEMU guest agent is not connected",
         TN_FAILURE_AGENT_ABSENT},
        {0, "Guest agent is not responding: QEMU guest agent is not connected",
         TN_FAILURE_AGENT_ABSENT},
        {112, "guest agent command timed out: x", TN_FAILURE_TIMEOUT},
        {74, "argument unsupported: QEMU guest agent is not configured", TN_FAILURE_AGENT_ABSENT},
        {55, "Requested operation is not valid: domain is not running", TN_FAILURE_AGENT_ABSENT},
        {68, "Timed out during operation: cannot acquire state change lock (held by agent=x)",
         TN_FAILURE_AGENT_BUSY},
        {0, "Unable to encode message payload", TN_FAILURE_TOO_LARGE},
        {38, "Failed to connect socket to '/run/libvirt/libvirt-sock'", TN_FAILURE_LOCAL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = tn_conn_new_libvirt_failure(cases[i].code, cases[i].text);

        if (error->code != (int)cases[i].failure)
            fail_msg("%s: code %d", cases[i].text, error->code);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_guest_errors),
        cmocka_unit_test(test_has_a_row_for_each),
        cmocka_unit_test(test_takes_foreign_domains),
        cmocka_unit_test(test_reads_libvirt_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
