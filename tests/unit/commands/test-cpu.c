/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/cpu.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_vcpus_are_this_machines(void **state)
{
    g_autoptr(JsonNode) cpus = ask(&tn_cpu_module, "guest-get-vcpus");
    guint n = json_array_get_length(json_node_get_array(cpus));

    assert_int_equal(n, sysconf(_SC_NPROCESSORS_CONF));
    assert_int_equal(json_node_get_int(pick(cpus, 0, "logical-id")), 0);
    assert_true(json_node_get_boolean(pick(cpus, 0, "online")));
}

static void
test_cpustats_name_their_kind(void **state)
{
    g_autoptr(JsonNode) stats = ask(&tn_cpu_module, "guest-get-cpustats");

    assert_string_equal(json_node_get_string(pick(stats, 0, "type")), "linux");
    assert_int_equal(json_node_get_int(pick(stats, 0, "cpu")), 0);
    assert_true(json_node_get_int(pick(stats, 0, "idle")) > 0);
}

static void
test_load_is_not_negative(void **state)
{
    g_autoptr(JsonNode) load = ask(&tn_cpu_module, "guest-get-load");
    JsonObject *object = json_node_get_object(load);

    assert_true(json_object_get_double_member(object, "load1m") >= 0);
    assert_int_equal(json_object_get_size(object), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vcpus_are_this_machines),
        cmocka_unit_test(test_cpustats_name_their_kind),
        cmocka_unit_test(test_load_is_not_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
