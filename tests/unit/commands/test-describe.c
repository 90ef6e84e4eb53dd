/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/commands.h"
#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_answer(Desk *desk, const char *request, const char *expected)
{
    g_autofree char *answer = desk_ask(desk, request);

    assert_string_equal(answer, expected);
}

static void
test_one(void **state)
{
    g_autoptr(Desk) desk = desk_new(tn_commands_modules, "guest-sync", NULL);

    assert_answer(
        desk, "{\"execute\":\"tenon-describe\",\"arguments\":{\"command\":\"guest-sync\"}}",
        "{\"return\": [{\"name\": \"guest-sync\", \"group\": \"@sync\", "
        "\"doc\": \"Returns the id given.\", \"since\": \"0.15.0\", \"enabled\": false, "
        "\"why-not\": \"the command is not allowed\", \"while-frozen\": true, "
        "\"mutates\": false, \"blocking\": false, \"arguments\": [{\"name\": \"id\", "
        "\"type\": \"integer\", \"optional\": false, \"doc\": \"a number that comes back\"}], "
        "\"returns\": [{\"type\": \"integer\", \"optional\": false}]}]}\n");
    assert_answer(desk, "{\"execute\":\"tenon-describe\",\"arguments\":{\"command\":\"x\"}}",
                  "{\"error\": {\"class\": \"GenericError\", "
                  "\"desc\": \"The command x has not been found\", \"reason\": \"not-found\"}}\n");
}

/* Every row of the agent is complete enough to be described. */
static void
test_all(void **state)
{
    g_autoptr(Desk) desk = desk_new(tn_commands_modules, NULL, NULL);
    g_autofree char *answer = desk_ask(desk, "{\"execute\":\"tenon-describe\"}");
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);
    JsonArray *list = json_object_get_array_member(json_node_get_object(node), "return");

    assert_int_equal(json_array_get_length(list), tn_registry_get_n_commands(desk->registry));
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *command = json_array_get_object_element(list, i);

        assert_true(json_object_has_member(command, "doc"));
        assert_true(json_object_has_member(command, "since"));
        assert_true(json_object_get_string_member(command, "group")[0] == '@');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
