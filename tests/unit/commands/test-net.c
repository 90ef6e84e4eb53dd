/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/net.h"
#include "tests/unit/commands/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_loopback_comes_first(void **state)
{
    g_autoptr(JsonNode) list = ask(&tn_net_module, "guest-network-get-interfaces");
    JsonNode *hardware = pick(list, 0, "hardware-address");

    assert_string_equal(json_node_get_string(pick(list, 0, "name")), "lo");
    assert_string_equal(json_node_get_string(hardware), "00:00:00:00:00:00");
}

static void
test_addresses_have_their_three_members(void **state)
{
    g_autoptr(JsonNode) list = ask(&tn_net_module, "guest-network-get-interfaces");
    JsonNode *addresses = pick(list, 0, "ip-addresses");

    if (addresses == NULL)
        skip();
    assert_string_equal(json_node_get_string(pick(addresses, 0, "ip-address")), "127.0.0.1");
    assert_string_equal(json_node_get_string(pick(addresses, 0, "ip-address-type")), "ipv4");
    assert_int_equal(json_node_get_int(pick(addresses, 0, "prefix")), 8);
    assert_int_equal(json_object_get_size(json_node_get_object(pick(list, 0, "statistics"))), 8);
}

static void
test_routes_are_a_list(void **state)
{
    g_autoptr(JsonNode) routes = ask(&tn_net_module, "guest-network-get-route");

    for (guint i = 0; i < json_array_get_length(json_node_get_array(routes)); i++)
        assert_true(json_node_get_int(pick(routes, i, "flags")) >= 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_comes_first),
        cmocka_unit_test(test_addresses_have_their_three_members),
        cmocka_unit_test(test_routes_are_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
