/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/logins.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_users_are_a_list(void **state)
{
    g_autoptr(JsonNode) users = ask(&tn_logins_module, "guest-get-users");
    JsonArray *list = json_node_get_array(users);

    for (guint i = 0; i < json_array_get_length(list); i++) {
        assert_non_null(json_node_get_string(pick(users, i, "user")));
        assert_true(json_node_get_double(pick(users, i, "login-time")) > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_are_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
