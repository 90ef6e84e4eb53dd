/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/disks.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_diskstats_have_an_object_of_counters(void **state)
{
    g_autoptr(JsonNode) list = ask(&tn_disks_module, "guest-get-diskstats");

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
        cmocka_unit_test(test_diskstats_have_an_object_of_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
