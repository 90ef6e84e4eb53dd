/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mistakes that leave a command open in qemu-ga: each is honoured or an error here.
 */

#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-ping", .group = "@sync", .while_frozen = TRUE, .while_sealed = TRUE},
    {.name = "guest-exec", .group = "@exec"},
    {.name = "guest-fsfreeze-status",
     .group = "@fsfreeze",
     .while_frozen = TRUE,
     .while_sealed = TRUE,
     .always = TRUE},
    {.name = "guest-fsfreeze-thaw",
     .group = "@fsfreeze",
     .while_frozen = TRUE,
     .while_sealed = TRUE,
     .always = TRUE},
    {.name = "tenon-exec", .group = "@exec"},
};

static TnPolicyHolder *
make_holder(const TnPolicyList *lists, gsize n_lists, GError **error)
{
    TnPolicyOptions options = {
        .compat = TRUE,
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .lists = lists,
        .n_lists = n_lists,
    };

    return tn_policy_holder_new(&options, error);
}

static const char *
ask(TnPolicyHolder *holder, const char *name, gboolean frozen)
{
    for (gsize i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return tn_policy_why_disabled(tn_policy_holder_get(holder), &COMMANDS[i], frozen);
    fail();
    return NULL;
}

static void
test_nothing_given_allows_all(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnPolicyHolder) holder = make_holder(NULL, 0, &error);

    assert_null(error);
    for (gsize i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        assert_null(ask(holder, COMMANDS[i].name, FALSE));
    assert_null(tn_policy_get_sealed_reason(tn_policy_holder_get(holder)));
}

static void
test_slips_still_block(void **state)
{
    static const char *const TEXTS[] = {
        "guest-ping, guest-exec",      "guest-ping;guest-exec",   " guest-exec ", "guest-exec,",
        "guest-exec,,guest-get-users", "guest-ping ; guest-exec",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        TnPolicyList list = {.text = TEXTS[i], .origin = "-b"};
        g_autoptr(GError) error = NULL;
        g_autoptr(TnPolicyHolder) holder = make_holder(&list, 1, &error);

        assert_null(error);
        assert_string_equal(ask(holder, "guest-exec", FALSE), "the command is not allowed");
        assert_null(ask(holder, "tenon-exec", FALSE));
    }
}

static void
test_unknown_name_by_argv_is_an_error(void **state)
{
    static const char *const TEXTS[] = {"guest-exce", "Guest-exec", "guest-exec guest-ping", "*"};

    for (gsize i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        TnPolicyList list = {.text = TEXTS[i], .origin = "-b"};
        g_autoptr(GError) error = NULL;
        g_autoptr(TnPolicyHolder) holder = make_holder(&list, 1, &error);

        assert_null(holder);
        assert_true(g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID));
        assert_true(g_str_has_prefix(error->message, "-b: '"));
    }
}

static void
test_unknown_name_in_file_seals(void **state)
{
    TnPolicyList list = {.text = "guest-exce", .origin = "qemu-ga.conf", .from_file = TRUE};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnPolicyHolder) holder = make_holder(&list, 1, &error);

    assert_null(error);
    assert_non_null(tn_policy_get_sealed_reason(tn_policy_holder_get(holder)));
    assert_null(ask(holder, "guest-ping", FALSE));
    assert_null(ask(holder, "guest-fsfreeze-thaw", FALSE));
    assert_true(g_str_has_prefix(ask(holder, "guest-exec", FALSE), "the command is not allowed"));
    assert_non_null(ask(holder, "tenon-exec", FALSE));
}

static void
test_names_of_other_systems_are_known(void **state)
{
    TnPolicyList list = {.text = "guest-get-devices,guest-exec", .origin = "-b"};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnPolicyHolder) holder = make_holder(&list, 1, &error);

    assert_null(error);
    assert_non_null(ask(holder, "guest-exec", FALSE));
}

static void
test_empty_lists(void **state)
{
    TnPolicyList by_argv = {.text = "", .origin = "-a", .is_allow = TRUE};
    TnPolicyList by_file = {.text = "", .origin = "file", .is_allow = TRUE, .from_file = TRUE};
    g_autoptr(TnPolicyHolder) closed = make_holder(&by_argv, 1, NULL);
    g_autoptr(TnPolicyHolder) open = make_holder(&by_file, 1, NULL);

    assert_non_null(ask(closed, "guest-ping", FALSE));
    assert_non_null(ask(closed, "guest-exec", FALSE));
    assert_null(ask(open, "guest-exec", FALSE));
    assert_non_null(tn_policy_get_warnings(tn_policy_holder_get(open))[0]);
}

static void
test_block_wins_and_lists_add_up(void **state)
{
    TnPolicyList lists[] = {
        {.text = "guest-ping", .origin = "file", .is_allow = TRUE, .from_file = TRUE},
        {.text = "guest-exec,tenon-exec", .origin = "-a", .is_allow = TRUE},
        {.text = "tenon-exec", .origin = "file", .from_file = TRUE, .is_legacy = TRUE},
    };
    g_autoptr(TnPolicyHolder) holder = make_holder(lists, G_N_ELEMENTS(lists), NULL);

    assert_null(ask(holder, "guest-ping", FALSE));
    assert_null(ask(holder, "guest-exec", FALSE));
    assert_non_null(ask(holder, "tenon-exec", FALSE));
    assert_true(strstr(tn_policy_get_warnings(tn_policy_holder_get(holder))[0], "block-rpcs") !=
                NULL);
}

static void
test_frozen_allows_thaw_whatever_the_lists_say(void **state)
{
    TnPolicyList list = {.text = "guest-fsfreeze-thaw,guest-ping", .origin = "-b"};
    g_autoptr(TnPolicyHolder) holder = make_holder(&list, 1, NULL);

    assert_non_null(ask(holder, "guest-fsfreeze-thaw", FALSE));
    assert_null(ask(holder, "guest-fsfreeze-thaw", TRUE));
    assert_null(ask(holder, "guest-fsfreeze-status", TRUE));
    assert_string_equal(ask(holder, "guest-exec", TRUE), "the command is not allowed");
    assert_non_null(ask(holder, "guest-ping", TRUE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_given_allows_all),
        cmocka_unit_test(test_slips_still_block),
        cmocka_unit_test(test_unknown_name_by_argv_is_an_error),
        cmocka_unit_test(test_unknown_name_in_file_seals),
        cmocka_unit_test(test_names_of_other_systems_are_known),
        cmocka_unit_test(test_empty_lists),
        cmocka_unit_test(test_block_wins_and_lists_add_up),
        cmocka_unit_test(test_frozen_allows_thaw_whatever_the_lists_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
