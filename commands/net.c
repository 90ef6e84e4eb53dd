/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces and routes. The interfaces of containers come last and can be left out by
 * configuration.
 */
#include "commands/net.h"

#include "platform/netif.h"
#include "platform/route.h"
#include "platform/sysroot.h"

typedef struct {
    GPtrArray *list;
} List;

static gboolean
run_interfaces(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;
    const TnModuleContext *context = tn_call_get_context(call);

    answer->list = tn_netif_read(context != NULL ? context->hide_interfaces : NULL, error);
    return answer->list != NULL;
}

static gboolean
run_route(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_route_read(TN_SYSROOT_HOST, error);
    return answer->list != NULL;
}

/* In the order of TN_NETIF_IPV4 and TN_NETIF_IPV6. */
static const char *const family_words[] = {"ipv4", "ipv6", NULL};

static const TnField address_fields[] = {
    {"ip-address", TN_STRING(TnNetifAddress, address, .flags = TN_FIELD_REQUIRED)},
    {"ip-address-type",
     TN_ENUM(TnNetifAddress, family, .words = family_words, .flags = TN_FIELD_REQUIRED)},
    {"prefix", TN_INT(TnNetifAddress, prefix, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField stats_fields[] = {
    {"rx-bytes", TN_UINT(TnNetifStats, rx_bytes, .flags = TN_FIELD_REQUIRED)},
    {"rx-packets", TN_UINT(TnNetifStats, rx_packets, .flags = TN_FIELD_REQUIRED)},
    {"rx-errs", TN_UINT(TnNetifStats, rx_errs, .flags = TN_FIELD_REQUIRED)},
    {"rx-dropped", TN_UINT(TnNetifStats, rx_dropped, .flags = TN_FIELD_REQUIRED)},
    {"tx-bytes", TN_UINT(TnNetifStats, tx_bytes, .flags = TN_FIELD_REQUIRED)},
    {"tx-packets", TN_UINT(TnNetifStats, tx_packets, .flags = TN_FIELD_REQUIRED)},
    {"tx-errs", TN_UINT(TnNetifStats, tx_errs, .flags = TN_FIELD_REQUIRED)},
    {"tx-dropped", TN_UINT(TnNetifStats, tx_dropped, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField interface_fields[] = {
    {"name", TN_STRING(TnNetif, name, .flags = TN_FIELD_REQUIRED)},
    {"hardware-address", TN_STRING(TnNetif, hardware_address, .flags = TN_FIELD_REQUIRED)},
    {"ip-addresses", TN_LIST(TnNetif, addresses, TnNetifAddress, .fields = address_fields)},
    {"statistics", TN_OBJECT(TnNetif, stats, TnNetifStats, .fields = stats_fields,
                             TN_PRESENT(TnNetif, has_stats))},
    {0},
};

static const TnField interfaces_result = {
    NULL, TN_LIST(List, list, TnNetif, .fields = interface_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField route_fields[] = {
    {"iface", TN_STRING(TnRoute, iface, .flags = TN_FIELD_REQUIRED)},
    {"destination", TN_STRING(TnRoute, destination, .flags = TN_FIELD_REQUIRED)},
    {"metric", TN_INT(TnRoute, metric, .flags = TN_FIELD_REQUIRED)},
    {"gateway", TN_STRING(TnRoute, gateway)},
    {"mask", TN_STRING(TnRoute, mask)},
    {"irtt", TN_INT(TnRoute, irtt, TN_PRESENT(TnRoute, has_irtt))},
    {"flags", TN_UINT(TnRoute, flags, .flags = TN_FIELD_REQUIRED, .doc = "RTF_ bits")},
    {"refcnt", TN_INT(TnRoute, ref_count, TN_PRESENT(TnRoute, has_ref_count))},
    {"use", TN_INT(TnRoute, use, TN_PRESENT(TnRoute, has_use))},
    {"window", TN_INT(TnRoute, window, TN_PRESENT(TnRoute, has_window))},
    {"mtu", TN_INT(TnRoute, mtu, TN_PRESENT(TnRoute, has_mtu))},
    {"desprefixlen", TN_STRING(TnRoute, prefix_length)},
    {"source", TN_STRING(TnRoute, source)},
    {"srcprefixlen", TN_STRING(TnRoute, source_prefix_length)},
    {"nexthop", TN_STRING(TnRoute, next_hop)},
    {"version", TN_INT(TnRoute, version, .flags = TN_FIELD_REQUIRED, .doc = "4 or 6")},
    {0},
};

static const TnField route_result = {
    NULL, TN_LIST(List, list, TnRoute, .fields = route_fields, .flags = TN_FIELD_REQUIRED)};

static const TnCommand commands[] = {
    {
        .name = "guest-network-get-interfaces",
        .group = "@info",
        .result = &interfaces_result,
        .result_size = sizeof(List),
        .run = run_interfaces,
        .since = "1.1",
        .doc = "Network interfaces with addresses and counters.",
    },
    {
        .name = "guest-network-get-route",
        .group = "@info",
        .result = &route_result,
        .result_size = sizeof(List),
        .run = run_route,
        .since = "9.1",
        .doc = "The routing table.",
    },
    {0},
};

const TnModule tn_net_module = {
    .name = "net",
    .commands = commands,
};
