/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/netif.h"

#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static const TnNetif *
find(const GPtrArray *netifs, const char *name)
{
    for (guint i = 0; i < netifs->len; i++) {
        const TnNetif *netif = netifs->pdata[i];

        if (strcmp(netif->name, name) == 0)
            return netif;
    }
    return NULL;
}

static void
test_finds_loopback(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) netifs = tn_netif_read(NULL, &error);
    const TnNetif *lo;

    assert_null(error);
    assert_non_null(netifs);
    lo = find(netifs, "lo");
    assert_true(lo != NULL && lo == netifs->pdata[0]);
    assert_string_equal(((const TnNetif *)netifs->pdata[0])->hardware_address, "00:00:00:00:00:00");
}

static void
test_agrees_with_getifaddrs(void **state)
{
    g_autoptr(GPtrArray) netifs = tn_netif_read(NULL, NULL);
    struct ifaddrs *list = NULL;
    guint n_addresses = 0;

    assert_int_equal(getifaddrs(&list), 0);
    for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        const TnNetif *netif = find(netifs, at->ifa_name);

        assert_non_null(netif);
        if (at->ifa_addr != NULL &&
            (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6))
            n_addresses++;
    }
    freeifaddrs(list);
    for (guint i = 0; i < netifs->len; i++) {
        const TnNetif *netif = netifs->pdata[i];

        assert_int_equal(netif->has_stats, netif->addresses != NULL);
        n_addresses -= netif->addresses != NULL ? netif->addresses->len : 0;
    }
    assert_int_equal(n_addresses, 0);
}

static void
test_hidden_ones_are_left_out(void **state)
{
    static const char *const hide[] = {"lo", NULL};
    g_autoptr(GPtrArray) netifs = tn_netif_read(hide, NULL);

    assert_null(find(netifs, "lo"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_loopback),
        cmocka_unit_test(test_agrees_with_getifaddrs),
        cmocka_unit_test(test_hidden_ones_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
