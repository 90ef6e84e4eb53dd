/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/ssh.h"
#include "tests/unit/desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
expect(const char *request, const char *answer)
{
    const TnModule *const modules[] = {&tn_ssh_module, NULL};
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autofree char *reply = desk_ask(desk, request);

    if (strstr(reply, answer) == NULL)
        fail_msg("%s: %s", request, reply);
}

static void
test_unknown_user_is_named(void **state)
{
    expect(
        "{\"execute\":\"guest-ssh-get-authorized-keys\",\"arguments\":{\"username\":\"no-one\"}}",
        "no such user 'no-one'");
    expect("{\"execute\":\"guest-ssh-add-authorized-keys\",\"arguments\":{\"username\":\"a:b\","
           "\"keys\":[\"ssh-x y\"]}}",
           "no such user 'a:b'");
    expect("{\"execute\":\"guest-ssh-remove-authorized-keys\",\"arguments\":{\"username\":\"../x\","
           "\"keys\":[]}}",
           "no such user '../x'");
}

static void
test_arguments_are_checked(void **state)
{
    expect("{\"execute\":\"guest-ssh-add-authorized-keys\",\"arguments\":{\"username\":\"u\"}}",
           "Parameter 'keys' is missing");
    expect("{\"execute\":\"guest-ssh-get-authorized-keys\"}", "Parameter 'username' is missing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_user_is_named),
        cmocka_unit_test(test_arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
