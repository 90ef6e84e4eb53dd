/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/cpu.h"
#include "commands/facts.h"
#include "commands/logins.h"
#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const TnModule *const modules[] = {&tn_cpu_module, &tn_logins_module, &tn_facts_module,
                                          NULL};

/* The answer to tenon-get-info for SECTIONS, a JSON list; the caller owns it. */
static JsonNode *
ask(const char *sections, const char *blocked)
{
    g_autoptr(Desk) desk = desk_new(modules, blocked, NULL);
    g_autofree char *request = g_strdup_printf(
        "{\"execute\":\"tenon-get-info\",\"arguments\":{\"sections\":%s}}", sections);
    g_autofree char *answer = desk_ask(desk, request);

    return json_from_string(answer, NULL);
}

static JsonObject *
get_return(JsonNode *node)
{
    return json_object_get_object_member(json_node_get_object(node), "return");
}

static void
test_only_what_is_wanted(void **state)
{
    g_autoptr(JsonNode) node = ask("[\"load\",\"boot\"]", NULL);
    JsonObject *info = get_return(node);
    JsonObject *boot = json_object_get_object_member(info, "boot");

    assert_int_equal(json_object_get_size(info), 2);
    assert_true(json_object_has_member(json_object_get_object_member(info, "load"), "load5m"));
    assert_true(json_object_get_int_member(boot, "uptime-ns") > 0);
    assert_true(json_object_get_int_member(boot, "time-ns") > 0);
}

static void
test_a_section_that_fails_leaves_the_others(void **state)
{
    g_autoptr(JsonNode) node = ask("[\"users\",\"cpu\",\"os\"]", "guest-get-users");
    JsonObject *info = get_return(node);
    JsonObject *users = json_object_get_object_member(info, "users");
    JsonObject *os = json_object_get_object_member(info, "os");

    assert_string_equal(json_object_get_string_member(users, "error"),
                        "Command guest-get-users has been disabled: the command is not allowed");
    assert_string_equal(json_object_get_string_member(os, "error"), "not offered by this agent");
    assert_true(json_array_get_length(json_object_get_array_member(info, "cpu")) > 0);
}

static void
test_an_unknown_section_is_refused(void **state)
{
    g_autoptr(JsonNode) node = ask("[\"load\",\"weather\"]", NULL);
    JsonObject *error = json_object_get_object_member(json_node_get_object(node), "error");

    assert_string_equal(json_object_get_string_member(error, "desc"),
                        "Parameter 'sections[1]' does not accept value 'weather'");
}

static void
test_each_file_system_has_what_libvirt_needs(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autofree char *answer = desk_ask(desk, "{\"execute\":\"guest-get-fsinfo\"}");
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);
    JsonArray *list = json_object_get_array_member(json_node_get_object(node), "return");

    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *entry = json_array_get_object_element(list, i);

        assert_non_null(json_object_get_string_member(entry, "name"));
        assert_true(*json_object_get_string_member(entry, "mountpoint") == '/');
        assert_non_null(json_object_get_string_member(entry, "type"));
        assert_true(json_object_has_member(entry, "disk"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_wanted),
        cmocka_unit_test(test_a_section_that_fails_leaves_the_others),
        cmocka_unit_test(test_each_file_system_has_what_libvirt_needs),
        cmocka_unit_test(test_an_unknown_section_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
