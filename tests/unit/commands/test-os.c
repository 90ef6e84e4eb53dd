/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/os.h"
#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

static const TnModule *const modules[] = {&tn_os_module, NULL};

static JsonNode *
ask(const char *command)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autofree char *request = g_strdup_printf("{\"execute\":\"%s\"}", command);
    g_autofree char *answer = desk_ask(desk, request);
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);

    assert_non_null(node);
    assert_true(json_object_has_member(json_node_get_object(node), "return"));
    return json_node_copy(json_object_get_member(json_node_get_object(node), "return"));
}

static void
test_osinfo(void **state)
{
    g_autoptr(JsonNode) node = ask("guest-get-osinfo");
    JsonObject *info = json_node_get_object(node);
    struct utsname name = {0};

    assert_int_equal(uname(&name), 0);
    assert_string_equal(json_object_get_string_member(info, "kernel-release"), name.release);
    assert_string_equal(json_object_get_string_member(info, "kernel-version"), name.version);
    assert_string_equal(json_object_get_string_member(info, "machine"), name.machine);
    if (g_file_test("/etc/os-release", G_FILE_TEST_EXISTS))
        assert_true(json_object_has_member(info, "id"));
}

static void
test_time(void **state)
{
    gint64 before = g_get_real_time() * 1000;
    g_autoptr(JsonNode) node = ask("guest-get-time");
    gint64 after = (g_get_real_time() + 1) * 1000;

    assert_true(json_node_get_int(node) >= before && json_node_get_int(node) <= after);
}

static void
test_host_name(void **state)
{
    g_autoptr(JsonNode) node = ask("guest-get-host-name");
    char name[256] = "";

    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    assert_string_equal(json_object_get_string_member(json_node_get_object(node), "host-name"),
                        name);
}

static void
test_timezone(void **state)
{
    g_autoptr(JsonNode) node = NULL;

    g_setenv("TZ", "XYZ-5:30", TRUE);
    node = ask("guest-get-timezone");
    assert_string_equal(json_object_get_string_member(json_node_get_object(node), "zone"), "XYZ");
    assert_int_equal(json_object_get_int_member(json_node_get_object(node), "offset"), 19800);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_osinfo),
        cmocka_unit_test(test_host_name),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_timezone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
