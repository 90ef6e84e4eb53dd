/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/sync.h"

#include "commands/os.h"
#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const TnModule *const modules[] = {&tn_sync_module, NULL};

static void
assert_answer(Desk *desk, const char *request, const char *expected)
{
    g_autofree char *answer = desk_ask(desk, request);

    assert_string_equal(answer, expected);
}

static void
test_ping(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);

    assert_answer(desk, "{\"execute\":\"guest-ping\"}", "{\"return\": {}}\n");
    assert_answer(desk, "{\"execute\":\"guest-ping\",\"arguments\":{}}", "{\"return\": {}}\n");
    assert_answer(desk, "{\"execute\":\"guest-ping\",\"arguments\":{\"x\":1}}",
                  "{\"error\": {\"class\": \"GenericError\", "
                  "\"desc\": \"Parameter 'x' is unexpected\"}}\n");
}

static void
test_sync(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);

    assert_answer(desk, "{\"execute\":\"guest-sync\",\"arguments\":{\"id\":9007199254740993}}",
                  "{\"return\": 9007199254740993}\n");
    assert_answer(desk, "{\"execute\":\"guest-sync\",\"arguments\":{\"id\":-9223372036854775808}}",
                  "{\"return\": -9223372036854775808}\n");
    assert_answer(desk, "{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1}}",
                  "\xff{\"return\": 1}\n");
    assert_answer(
        desk, "{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1.5},\"id\":2}",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Invalid parameter type for "
        "'id', expected: integer\"}, \"id\": 2}\n");
    assert_answer(desk, "{\"execute\":\"guest-sync\"}",
                  "{\"error\": {\"class\": \"GenericError\", "
                  "\"desc\": \"Parameter 'id' is missing\"}}\n");
}

static void
test_info(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, "guest-ping", NULL);

    assert_answer(
        desk, "{\"execute\":\"guest-info\"}",
        "{\"return\": {\"version\": \"10.2.2\", \"supported_commands\": ["
        "{\"name\": \"guest-sync-delimited\", \"enabled\": true, \"success-response\": true}, "
        "{\"name\": \"guest-sync\", \"enabled\": true, \"success-response\": true}, "
        "{\"name\": \"guest-ping\", \"enabled\": false, \"success-response\": true}, "
        "{\"name\": \"guest-info\", \"enabled\": true, \"success-response\": true}]}}\n");
}

static void
test_info_while_frozen(void **state)
{
    static const TnModule *const both[] = {&tn_sync_module, &tn_os_module, NULL};
    g_autoptr(Desk) desk = desk_new(both, NULL, NULL);
    g_autofree char *before = desk_ask(desk, "{\"execute\":\"guest-info\"}");
    g_autofree char *frozen = NULL;

    assert_null(strstr(before, "false"));
    desk->frozen = TRUE;
    frozen = desk_ask(desk, "{\"execute\":\"guest-info\"}");
    assert_non_null(strstr(frozen, "{\"name\": \"guest-ping\", \"enabled\": true,"));
    assert_non_null(strstr(frozen, "{\"name\": \"guest-get-time\", \"enabled\": false,"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_info_while_frozen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
