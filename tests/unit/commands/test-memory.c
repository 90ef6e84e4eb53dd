/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/memory.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_blocks_are_a_list(void **state)
{
    g_autoptr(JsonNode) blocks = ask(&tn_memory_module, "guest-get-memory-blocks");

    assert_true(JSON_NODE_HOLDS_ARRAY(blocks));
    if (json_array_get_length(json_node_get_array(blocks)) > 0)
        assert_non_null(pick(blocks, 0, "phys-index"));
}

static void
test_memory_is_this_machines(void **state)
{
    g_autoptr(JsonNode) memory = ask(&tn_memory_module, "tenon-get-memory");
    JsonObject *object = json_node_get_object(memory);
    gint64 pages = sysconf(_SC_PHYS_PAGES);

    assert_int_equal(json_object_get_int_member(object, "total"), pages * sysconf(_SC_PAGESIZE));
    assert_true(json_object_get_int_member(object, "available") <=
                json_object_get_int_member(object, "total"));
    assert_true(json_object_has_member(object, "vm"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_a_list),
        cmocka_unit_test(test_memory_is_this_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
