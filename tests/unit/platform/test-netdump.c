/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/netdump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

/* Messages as the kernel writes them. */
static void
put_link(TnNetdump *dump, int index, guint flags, const char *name, const char *kind,
         guint32 master)
{
    char space[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(space);
    struct ifinfomsg *header;
    struct rtnl_link_stats64 stats = {
        .rx_bytes = (__u64)index, .rx_dropped = 2, .rx_missed_errors = 3};
    const guint8 hardware[6] = {2, 0xab, 0, 0, 0, (guint8)index};

    message->nlmsg_type = RTM_NEWLINK;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->ifi_index = index;
    header->ifi_flags = flags;
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    mnl_attr_put(message, IFLA_ADDRESS, sizeof(hardware), hardware);
    mnl_attr_put(message, IFLA_STATS64, sizeof(stats), &stats);
    if (master != 0)
        mnl_attr_put_u32(message, IFLA_MASTER, master);
    if (kind != NULL) {
        struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

        mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
        mnl_attr_nest_end(message, info);
    }
    tn_netdump_take(message, dump);
}

static void
put_address(TnNetdump *dump, guint32 index, const char *text, const char *peer, guint8 scope,
            guint32 flags, const char *label)
{
    char space[512] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(space);
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    gsize size = family == AF_INET ? 4 : 16;
    struct ifaddrmsg *header;
    guint8 bytes[16];

    message->nlmsg_type = RTM_NEWADDR;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->ifa_family = (guint8)family;
    header->ifa_prefixlen = 24;
    header->ifa_scope = scope;
    header->ifa_index = index;
    assert_int_equal(inet_pton(family, peer != NULL ? peer : text, bytes), 1);
    mnl_attr_put(message, IFA_ADDRESS, size, bytes);
    if (family == AF_INET || peer != NULL) {
        assert_int_equal(inet_pton(family, text, bytes), 1);
        mnl_attr_put(message, IFA_LOCAL, size, bytes);
    }
    if (label != NULL)
        mnl_attr_put_strz(message, IFA_LABEL, label);
    mnl_attr_put_u32(message, IFA_FLAGS, flags);
    tn_netdump_take(message, dump);
}

static void
put_default(TnNetdump *dump, guint32 index, const char *source)
{
    char space[512] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(space);
    int family = strchr(source, ':') != NULL ? AF_INET6 : AF_INET;
    struct rtmsg *header;
    guint8 bytes[16];

    message->nlmsg_type = RTM_NEWROUTE;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->rtm_family = (guint8)family;
    header->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(message, RTA_OIF, index);
    assert_int_equal(inet_pton(family, source, bytes), 1);
    mnl_attr_put(message, RTA_PREFSRC, family == AF_INET ? 4 : 16, bytes);
    tn_netdump_take(message, dump);
}

/* The names, then each one's addresses, as one text. */
static char *
describe(const GPtrArray *netifs)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < netifs->len; i++) {
        const TnNetif *netif = netifs->pdata[i];

        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", netif->name);
        for (guint k = 0; netif->addresses != NULL && k < netif->addresses->len; k++) {
            const TnNetifAddress *address = netif->addresses->pdata[k];

            g_string_append_printf(text, "%s%s", k > 0 ? "," : "=", address->address);
        }
    }
    return g_string_free(text, FALSE);
}

static void
test_container_noise_comes_last(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;

    put_link(dump, 1, IFF_LOOPBACK, "lo", NULL, 0);
    put_link(dump, 2, 0, "docker0", "bridge", 0);
    put_link(dump, 3, 0, "br-0123456789ab", "bridge", 0);
    put_link(dump, 4, 0, "tap7", "tun", 3);
    put_link(dump, 5, 0, "veth1234", "veth", 2);
    put_link(dump, 6, 0, "eth0", NULL, 0);
    put_link(dump, 7, 0, "br0", "bridge", 0);
    put_link(dump, 8, 0, "eth1", NULL, 7);
    put_link(dump, 9, 0, "br-lan", "bridge", 0);
    put_link(dump, 10, 0, "cni0", "bridge", 0);
    put_link(dump, 11, 0, "eth2", NULL, 0);
    put_default(dump, 11, "10.0.0.2");
    netifs = tn_netdump_finish(dump, NULL);
    text = describe(netifs);
    assert_string_equal(text,
                        "lo eth2 eth0 br0 eth1 br-lan docker0 br-0123456789ab tap7 veth1234 cni0");
}

static void
test_a_veth_with_the_default_route_is_own(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;

    put_link(dump, 1, IFF_LOOPBACK, "lo", NULL, 0);
    put_link(dump, 2, 0, "dummy0", "dummy", 0);
    put_link(dump, 5, 0, "eth0", "veth", 0);
    put_default(dump, 5, "10.0.0.2");
    netifs = tn_netdump_finish(dump, NULL);
    text = describe(netifs);
    assert_string_equal(text, "lo eth0 dummy0");
}

static void
test_a_sole_interface_needs_no_route(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;

    put_link(dump, 1, IFF_LOOPBACK, "lo", NULL, 0);
    put_link(dump, 2, 0, "ifb0", "ifb", 0);
    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_address(dump, 1, "127.0.0.1", NULL, RT_SCOPE_HOST, 0, "lo");
    put_address(dump, 3, "10.0.0.1", NULL, 0, 0, "eth0");
    put_address(dump, 3, "fe80::1", NULL, RT_SCOPE_LINK, 0, NULL);
    assert_false(tn_netdump_wants_routes(dump));
    netifs = tn_netdump_finish(dump, NULL);
    text = describe(netifs);
    assert_string_equal(text, "lo=127.0.0.1 eth0=10.0.0.1,fe80::1 ifb0");
}

static void
test_choices_need_a_route(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();

    put_link(dump, 2, 0, "eth0", NULL, 0);
    put_link(dump, 3, 0, "eth1", NULL, 0);
    put_address(dump, 2, "10.0.0.1", NULL, 0, 0, "eth0");
    assert_false(tn_netdump_wants_routes(dump));
    put_address(dump, 3, "10.0.1.1", NULL, 0, 0, "eth1");
    assert_true(tn_netdump_wants_routes(dump));
}

static void
test_orders_addresses(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;

    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_address(dump, 3, "fe80::1", NULL, RT_SCOPE_LINK, 0, NULL);
    put_address(dump, 3, "2001:db8::9", NULL, 0, IFA_F_DEPRECATED, NULL);
    put_address(dump, 3, "2001:db8::1", NULL, 0, 0, NULL);
    put_address(dump, 3, "2001:db8::2", NULL, 0, 0, NULL);
    put_address(dump, 3, "169.254.0.1", NULL, RT_SCOPE_LINK, 0, "eth0");
    put_address(dump, 3, "10.0.0.1", NULL, 0, 0, "eth0");
    put_address(dump, 3, "10.0.0.2", NULL, 0, 0, "eth0");
    put_default(dump, 3, "10.0.0.2");
    put_default(dump, 3, "2001:db8::2");
    netifs = tn_netdump_finish(dump, NULL);
    text = describe(netifs);
    assert_string_equal(text, "eth0=10.0.0.2,10.0.0.1,2001:db8::2,2001:db8::1,2001:db8::9,"
                              "169.254.0.1,fe80::1");
}

static void
test_aliases_and_peers(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;
    const TnNetif *alias;

    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_link(dump, 4, IFF_POINTOPOINT, "ppp0", "ppp", 0);
    put_address(dump, 3, "10.0.0.1", NULL, 0, 0, "eth0");
    put_address(dump, 3, "10.0.0.9", NULL, 0, 0, "eth0:1");
    put_address(dump, 3, "10.0.0.8", NULL, 0, 0, "eth0:1");
    put_address(dump, 4, "10.8.0.2", "10.8.0.1", 0, 0, "ppp0");
    put_address(dump, 4, "fd00::2", "fd00::1", 0, 0, NULL);
    netifs = tn_netdump_finish(dump, NULL);
    text = describe(netifs);
    assert_string_equal(text, "eth0=10.0.0.1 ppp0=10.8.0.2,fd00::2 eth0:1=10.0.0.9,10.0.0.8");
    alias = netifs->pdata[2];
    assert_string_equal(alias->hardware_address, "02:ab:00:00:00:03");
    assert_false(alias->has_stats);
}

static void
test_counts_as_proc_net_dev(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    const TnNetif *netif;

    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_link(dump, 4, 0, "eth1", NULL, 0);
    put_address(dump, 3, "10.0.0.1", NULL, 0, 0, "eth0");
    netifs = tn_netdump_finish(dump, NULL);
    netif = netifs->pdata[0];
    assert_true(netif->has_stats);
    assert_int_equal(netif->stats.rx_bytes, 3);
    assert_int_equal(netif->stats.rx_dropped, 5);
    assert_false(((TnNetif *)netifs->pdata[1])->has_stats);
    assert_string_equal(netif->hardware_address, "02:ab:00:00:00:03");
}

static void
test_hides(void **state)
{
    static const char *const hide[] = {"kind:veth", "docker*", NULL};
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    g_autofree char *text = NULL;

    put_link(dump, 2, 0, "docker0", "bridge", 0);
    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_link(dump, 4, 0, "pod", "veth", 2);
    netifs = tn_netdump_finish(dump, hide);
    text = describe(netifs);
    assert_string_equal(text, "eth0");
}

static void
test_ignores_what_does_not_fit(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    char space[256] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(space);
    struct ifinfomsg *header;

    put_link(dump, 3, 0, "eth0", NULL, 0);
    put_link(dump, 3, 0, "twice", NULL, 0);
    put_link(dump, 4, 0, "", NULL, 0);
    put_link(dump, -1, 0, "minus", NULL, 0);
    put_link(dump, 5, 0, "namethatistoolongforalink", NULL, 0);
    put_link(dump, 6, 0, "b\xff", NULL, 0);
    put_address(dump, 77, "10.0.0.1", NULL, 0, 0, "eth0");
    /* A header that is cut. */
    message->nlmsg_type = RTM_NEWLINK;
    tn_netdump_take(message, dump);
    message->nlmsg_type = RTM_NEWADDR;
    tn_netdump_take(message, dump);
    message->nlmsg_type = RTM_NEWROUTE;
    tn_netdump_take(message, dump);
    /* A link without a name, and attributes of odd lengths. */
    message->nlmsg_type = RTM_NEWLINK;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->ifi_index = 9;
    mnl_attr_put(message, IFLA_MASTER, 3, "abc");
    mnl_attr_put(message, IFLA_STATS64, 1, "x");
    tn_netdump_take(message, dump);
    mnl_attr_put_strz(message, IFLA_IFNAME, "odd");
    tn_netdump_take(message, dump);
    netifs = tn_netdump_finish(dump, NULL);
    assert_int_equal(netifs->len, 3);
    assert_string_equal(((TnNetif *)netifs->pdata[0])->name, "eth0");
    assert_string_equal(((TnNetif *)netifs->pdata[1])->name, "b\xef\xbf\xbd");
    assert_string_equal(((TnNetif *)netifs->pdata[2])->name, "odd");
    assert_string_equal(((TnNetif *)netifs->pdata[2])->hardware_address, "00:00:00:00:00:00");
}

static void
test_a_hundred_thousand_addresses(void **state)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;
    gint64 start = g_get_monotonic_time();

    put_link(dump, 3, 0, "eth0", NULL, 0);
    for (guint i = 0; i < 100000; i++) {
        g_autofree char *text = g_strdup_printf("10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);

        put_address(dump, 3, text, NULL, 0, 0, "eth0");
    }
    netifs = tn_netdump_finish(dump, NULL);
    assert_int_equal(((TnNetif *)netifs->pdata[0])->addresses->len, 100000);
    assert_true(g_get_monotonic_time() - start < 5 * G_TIME_SPAN_SECOND);
}

static void
test_hides_by_name_and_kind(void **state)
{
    static const char *const hide[] = {"kind:veth", "docker*", "br-????", "kind:", NULL};

    assert_true(tn_netdump_is_hidden(hide, "anything", "veth"));
    assert_true(tn_netdump_is_hidden(hide, "docker0", "bridge"));
    assert_true(tn_netdump_is_hidden(hide, "br-abcd", NULL));
    assert_false(tn_netdump_is_hidden(hide, "br-abcde", NULL));
    assert_false(tn_netdump_is_hidden(hide, "eth0", NULL));
    assert_false(tn_netdump_is_hidden(hide, "veth", "bridge"));
    assert_false(tn_netdump_is_hidden(NULL, "eth0", "veth"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_noise_comes_last),
        cmocka_unit_test(test_a_veth_with_the_default_route_is_own),
        cmocka_unit_test(test_a_sole_interface_needs_no_route),
        cmocka_unit_test(test_choices_need_a_route),
        cmocka_unit_test(test_orders_addresses),
        cmocka_unit_test(test_aliases_and_peers),
        cmocka_unit_test(test_counts_as_proc_net_dev),
        cmocka_unit_test(test_hides),
        cmocka_unit_test(test_ignores_what_does_not_fit),
        cmocka_unit_test(test_hides_by_name_and_kind),
        cmocka_unit_test(test_a_hundred_thousand_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
