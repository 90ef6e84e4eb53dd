/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/fsinfo.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_each_file_system_has_what_libvirt_needs(void **state)
{
    g_autoptr(JsonNode) list = ask(&tn_fsinfo_module, "guest-get-fsinfo");

    for (guint i = 0; i < json_array_get_length(json_node_get_array(list)); i++) {
        assert_non_null(json_node_get_string(pick(list, i, "name")));
        assert_true(*json_node_get_string(pick(list, i, "mountpoint")) == '/');
        assert_non_null(json_node_get_string(pick(list, i, "type")));
        assert_true(JSON_NODE_HOLDS_ARRAY(pick(list, i, "disk")));
    }
}

static void
test_diskstats_have_an_object_of_counters(void **state)
{
    g_autoptr(JsonNode) list = ask(&tn_fsinfo_module, "guest-get-diskstats");

    for (guint i = 0; i < json_array_get_length(json_node_get_array(list)); i++) {
        JsonObject *stats = json_node_get_object(pick(list, i, "stats"));

        assert_true(json_object_has_member(stats, "read-sectors"));
        assert_true(json_object_has_member(stats, "weight-ticks"));
        assert_false(json_object_has_member(stats, "name"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_file_system_has_what_libvirt_needs),
        cmocka_unit_test(test_diskstats_have_an_object_of_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
