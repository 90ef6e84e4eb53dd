/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Asks the kernel for its interfaces: one dump of links, one of addresses, and one look-up for the
 * default route. A look-up, since a dump of routes on a router is a million lines.
 */

#include "platform/netif.h"

#include "platform/netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum {
    REQUEST_BYTES = 256,
    DUMP_TRIES = 3,
    IPV4_BITS = 32,
    IPV6_BITS = 128
};

/* Addresses that no machine has a route of its own to: TEST-NET-2 (RFC 5737) and 2001:db8::/32 (RFC
 * 3849). Only the routing table is asked, nothing is sent there. */
static const guint8 far_ipv4[] = {198, 51, 100, 1};
static const guint8 far_ipv6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

static gboolean
dump_links(TnNetlink *netlink, TnNetdump *dump, gboolean *ret_interrupted, GError **error)
{
    char space[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *request = mnl_nlmsg_put_header(space);
    struct ifinfomsg *header;

    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
    header->ifi_family = AF_UNSPEC;
    /* Leaves out the tables of IPv6 counters (a kilobyte a link), not the link's own counters. */
    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return tn_netlink_ask(netlink, space, request->nlmsg_len, 1, tn_netdump_take, dump,
                          ret_interrupted, error);
}

static gboolean
dump_addresses(TnNetlink *netlink, TnNetdump *dump, gboolean *ret_interrupted, GError **error)
{
    char space[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    struct nlmsghdr *request = mnl_nlmsg_put_header(space);
    struct ifaddrmsg *header;

    request->nlmsg_type = RTM_GETADDR;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
    header->ifa_family = AF_UNSPEC;
    return tn_netlink_ask(netlink, space, request->nlmsg_len, 1, tn_netdump_take, dump,
                          ret_interrupted, error);
}

static gsize
put_look_up(void *space, guint8 family, const guint8 *far, gsize size, guint8 bits)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(space);
    struct rtmsg *header;

    request->nlmsg_type = RTM_GETROUTE;
    request->nlmsg_flags = NLM_F_REQUEST;
    header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
    header->rtm_family = family;
    header->rtm_dst_len = bits;
    mnl_attr_put(request, RTA_DST, size, far);
    return NLMSG_ALIGN(request->nlmsg_len);
}

/* Both families in one message to the kernel; one that has no default route answers nothing. */
static gboolean
look_up_defaults(TnNetlink *netlink, TnNetdump *dump, GError **error)
{
    char space[2 * REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gsize size = put_look_up(space, AF_INET, far_ipv4, sizeof(far_ipv4), IPV4_BITS);

    size += put_look_up(space + size, AF_INET6, far_ipv6, sizeof(far_ipv6), IPV6_BITS);
    return tn_netlink_ask(netlink, space, size, 2, tn_netdump_take, dump, NULL, error);
}

static TnNetdump *
read_dump(TnNetlink *netlink, gboolean *ret_interrupted, GError **error)
{
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    gboolean links_changed = FALSE;
    gboolean addresses_changed = FALSE;

    if (!dump_links(netlink, dump, &links_changed, error) ||
        !dump_addresses(netlink, dump, &addresses_changed, error))
        return NULL;
    if (tn_netdump_wants_routes(dump) && !look_up_defaults(netlink, dump, error))
        return NULL;
    *ret_interrupted = links_changed || addresses_changed;
    return g_steal_pointer(&dump);
}

GPtrArray *
tn_netif_read(const char *const *hide, GError **error)
{
    g_autoptr(TnNetlink) netlink = tn_netlink_new(error);
    gboolean interrupted = TRUE;

    if (netlink == NULL)
        return NULL;
    for (guint tries = 1;; tries++) {
        g_autoptr(TnNetdump) dump = read_dump(netlink, &interrupted, error);

        if (dump == NULL)
            return NULL;
        /* Where interfaces come and go all the time, the last look has to do. */
        if (!interrupted || tries == DUMP_TRIES)
            return tn_netdump_finish(dump, hide);
    }
}
