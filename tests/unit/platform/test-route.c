/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
test_reads_a_tree(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(GPtrArray) routes = tn_route_read(root_fd, NULL);
    const TnRoute *route;

    assert_non_null(routes);
    assert_int_equal(routes->len, 7);
    route = routes->pdata[0];
    assert_string_equal(route->iface, "enp1s0");
    assert_string_equal(route->destination, "0.0.0.0");
    assert_string_equal(route->gateway, "192.168.122.1");
    assert_string_equal(route->mask, "0.0.0.0");
    assert_int_equal(route->flags, 3);
    assert_int_equal(route->metric, 100);
    assert_int_equal(route->version, 4);
    assert_true(route->has_mtu && route->has_window && route->has_irtt && route->has_use);
    assert_null(route->prefix_length);
    route = routes->pdata[1];
    assert_string_equal(route->destination, "192.168.122.0");
    assert_string_equal(route->mask, "255.255.255.0");
    route = routes->pdata[4];
    assert_string_equal(route->destination, "::");
    assert_string_equal(route->prefix_length, "0");
    assert_string_equal(route->next_hop, "fe80::5054:0:0:1");
    assert_string_equal(route->source, "::");
    assert_string_equal(route->source_prefix_length, "0");
    assert_int_equal(route->metric, 1024);
    assert_int_equal(route->version, 6);
    assert_null(route->gateway);
    assert_false(route->has_mtu);
}

static void
test_numbers_are_unsigned(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(GPtrArray) routes = tn_route_read(root_fd, NULL);
    const TnRoute *route = routes->pdata[5];

    assert_string_equal(route->prefix_length, "128");
    assert_int_equal(route->flags, 0x80200001);
    route = routes->pdata[6];
    assert_int_equal(route->metric, G_GINT64_CONSTANT(4294967295));
}

static void
test_ipv6_may_be_off(void **state)
{
    tn_autofd int root_fd = tree_open_captured("alpine-3.20");
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) routes = tn_route_read(root_fd, &error);

    assert_null(error);
    assert_int_equal(routes->len, 2);
}

static void
test_both_may_be_off(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) routes = tn_route_read(tree->fd, NULL);

    assert_non_null(routes);
    assert_int_equal(routes->len, 0);
}

static void
test_a_bad_line_loses_only_itself(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) routes = NULL;

    tree_put(tree, "proc/net/route",
             "Iface\tDestination\tGateway\n\n\xff\xfe\n"
             "eth0\t00000000\n"
             "eth0\t100000000\t00000000\t1\t0\t0\t0\t0\t0\t0\t0\n"
             "eth0\t00000000\t00000000\tzz\t0\t0\t0\t0\t0\t0\t0\n"
             "e\xff\t00000000\t0100000A\t3\tx\t0\t7\t00000000\t0\t0\t0\n");
    tree_put(tree, "proc/net/ipv6_route",
             "00 00 00\n"
             "0000000000000000000000000000000g 00 00000000000000000000000000000000 00 "
             "00000000000000000000000000000000 0 0 0 1 lo\n"
             "00000000000000000000000000000001 80 00000000000000000000000000000000 00 "
             "00000000000000000000000000000000 0 0 0 1\n");
    routes = tn_route_read(tree->fd, NULL);
    assert_int_equal(routes->len, 1);
    assert_string_equal(((TnRoute *)routes->pdata[0])->iface, "e\xef\xbf\xbd");
    assert_false(((TnRoute *)routes->pdata[0])->has_ref_count);
    assert_int_equal(((TnRoute *)routes->pdata[0])->metric, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_tree),
        cmocka_unit_test(test_numbers_are_unsigned),
        cmocka_unit_test(test_ipv6_may_be_off),
        cmocka_unit_test(test_both_may_be_off),
        cmocka_unit_test(test_a_bad_line_loses_only_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
