/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collects links and addresses and sorts them. Everything that arrives was written by the kernel,
 * yet names and labels by whoever may create interfaces, so each attribute's length is checked.
 *
 * Why the order: hosts take the first address they see for the machine's (Packer, KubeVirt,
 * Proxmox's list), and docker0 or a pod's veth is never what they want.
 */

#include "platform/netdump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

enum {
    HARDWARE_BYTES = 6,
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
    KIND_BYTES = 32
};

enum {
    RANK_GLOBAL = 1,
    RANK_IPV6 = 2,
    RANK_DEPRECATED = 5,
    RANK_LINK_LOCAL = 9
};

/* Where an entry stands in the list; lower is earlier. */
typedef enum {
    PLACE_LOOPBACK,
    PLACE_DEFAULT,
    PLACE_OWN,
    PLACE_ALIAS,
    PLACE_CONTAINER,
} Place;

/* A link, or an alias of one. */
typedef struct {
    TnNetif *netif;
    GArray *addresses; /* of Address */
    guint32 index;
    guint32 master;
    char kind[KIND_BYTES];
    gboolean is_alias;
    gboolean is_loopback;
    Place place;
} Link;

typedef struct {
    guint8 bytes[IPV6_BYTES];
    guint8 family; /* TN_NETIF_ */
    guint8 prefix;
    guint8 rank;
} Address;

/* Where the default route of one family leads. */
typedef struct {
    guint32 index;
    guint8 source[IPV6_BYTES];
    gboolean has_source;
} Default;

struct TnNetdump {
    GPtrArray *links;     /* of Link, in order of arrival */
    GHashTable *by_index; /* index to Link */
    GHashTable *aliases;  /* name to Link */
    Default defaults[2];  /* by TN_NETIF_ */
};

void
tn_netdump_free_netif(TnNetif *netif)
{
    if (netif == NULL)
        return;
    for (guint i = 0; netif->addresses != NULL && i < netif->addresses->len; i++) {
        TnNetifAddress *address = netif->addresses->pdata[i];

        g_free(address->address);
        g_free(address);
    }
    g_clear_pointer(&netif->addresses, g_ptr_array_unref);
    g_free(netif->name);
    g_free(netif->hardware_address);
    g_free(netif);
}

gboolean
tn_netdump_is_hidden(const char *const *hide, const char *name, const char *kind)
{
    static const char by_kind[] = "kind:";

    for (gsize i = 0; hide != NULL && hide[i] != NULL; i++) {
        if (g_str_has_prefix(hide[i], by_kind)) {
            if (kind != NULL && strcmp(hide[i] + strlen(by_kind), kind) == 0)
                return TRUE;
        } else if (g_pattern_match_simple(hide[i], name)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void
free_link(gpointer data)
{
    Link *link = data;

    tn_netdump_free_netif(link->netif);
    g_array_unref(link->addresses);
    g_free(link);
}

TnNetdump *
tn_netdump_new(void)
{
    TnNetdump *dump = g_new0(TnNetdump, 1);

    dump->links = g_ptr_array_new_with_free_func(free_link);
    dump->by_index = g_hash_table_new(g_direct_hash, g_direct_equal);
    dump->aliases = g_hash_table_new(g_str_hash, g_str_equal);
    return dump;
}

void
tn_netdump_free(TnNetdump *dump)
{
    if (dump == NULL)
        return;
    g_hash_table_unref(dump->aliases);
    g_hash_table_unref(dump->by_index);
    g_ptr_array_unref(dump->links);
    g_free(dump);
}

static Link *
add_link(TnNetdump *dump, guint32 index)
{
    Link *link = g_new0(Link, 1);

    link->netif = g_new0(TnNetif, 1);
    link->addresses = g_array_new(FALSE, FALSE, sizeof(Address));
    link->index = index;
    g_ptr_array_add(dump->links, link);
    return link;
}

/* Copies a string attribute, NUL-ended, if it fits BUFFER and says something. */
static gboolean
copy_string(const struct nlattr *attr, char *buffer, gsize size)
{
    gsize length = mnl_attr_get_payload_len(attr);
    const char *text = mnl_attr_get_payload(attr);

    length = strnlen(text, length);
    if (length == 0 || length >= size)
        return FALSE;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return TRUE;
}

static void
copy_u32(const struct nlattr *attr, guint32 *ret_value)
{
    if (mnl_attr_get_payload_len(attr) == sizeof(guint32))
        memcpy(ret_value, mnl_attr_get_payload(attr), sizeof(guint32));
}

/* Six bytes whatever the link has: fewer are filled with zeros, more (InfiniBand) are cut. */
static char *
format_hardware_address(const struct nlattr *attr)
{
    guint8 bytes[HARDWARE_BYTES] = {0};

    if (attr != NULL)
        memcpy(bytes, mnl_attr_get_payload(attr),
               MIN(mnl_attr_get_payload_len(attr), (gsize)HARDWARE_BYTES));
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3],
                           bytes[4], bytes[5]);
}

static void
copy_stats(const struct nlattr *attr, TnNetif *netif)
{
    struct rtnl_link_stats64 stats = {0};

    /* Kernels append members; what an older one does not have is 0. */
    memcpy(&stats, mnl_attr_get_payload(attr), MIN(mnl_attr_get_payload_len(attr), sizeof(stats)));
    netif->stats = (TnNetifStats){
        .rx_bytes = stats.rx_bytes,
        .rx_packets = stats.rx_packets,
        .rx_errs = stats.rx_errors,
        .rx_dropped = stats.rx_dropped + stats.rx_missed_errors,
        .tx_bytes = stats.tx_bytes,
        .tx_packets = stats.tx_packets,
        .tx_errs = stats.tx_errors,
        .tx_dropped = stats.tx_dropped,
    };
    netif->has_stats = true;
}

/* The attributes of one message by type; those from SIZE on are of no interest. */
typedef struct {
    const struct nlattr **slots;
    guint16 size;
} AttrTable;

static int
collect_attr(const struct nlattr *attr, void *data)
{
    AttrTable *table = data;

    if (mnl_attr_get_type(attr) < table->size)
        table->slots[mnl_attr_get_type(attr)] = attr;
    return MNL_CB_OK;
}

static void
fill_link(Link *link, const struct nlattr *const *attrs)
{
    const struct nlattr *info[IFLA_INFO_KIND + 1] = {NULL};
    AttrTable table = {info, G_N_ELEMENTS(info)};

    link->netif->hardware_address = format_hardware_address(attrs[IFLA_ADDRESS]);
    if (attrs[IFLA_STATS64] != NULL)
        copy_stats(attrs[IFLA_STATS64], link->netif);
    if (attrs[IFLA_MASTER] != NULL)
        copy_u32(attrs[IFLA_MASTER], &link->master);
    if (attrs[IFLA_LINKINFO] != NULL)
        (void)mnl_attr_parse_nested(attrs[IFLA_LINKINFO], collect_attr, &table);
    if (info[IFLA_INFO_KIND] != NULL)
        (void)copy_string(info[IFLA_INFO_KIND], link->kind, sizeof(link->kind));
}

static void
take_link(TnNetdump *dump, const struct nlmsghdr *message)
{
    const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attrs[IFLA_STATS64 + 1] = {NULL};
    AttrTable table = {attrs, G_N_ELEMENTS(attrs)};
    char name[IF_NAMESIZE];
    Link *link;

    if (mnl_nlmsg_get_payload_len(message) < sizeof(*header) || header->ifi_index <= 0 ||
        g_hash_table_contains(dump->by_index, GINT_TO_POINTER(header->ifi_index)))
        return;
    (void)mnl_attr_parse(message, sizeof(*header), collect_attr, &table);
    if (attrs[IFLA_IFNAME] == NULL || !copy_string(attrs[IFLA_IFNAME], name, sizeof(name)))
        return;
    link = add_link(dump, (guint32)header->ifi_index);
    link->is_loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    link->netif->name = g_utf8_make_valid(name, -1);
    fill_link(link, attrs);
    g_hash_table_insert(dump->by_index, GINT_TO_POINTER(header->ifi_index), link);
}

/* The entry for the label of an address: the link itself, or its alias. */
static Link *
find_labelled(TnNetdump *dump, Link *link, const char *label)
{
    g_autofree char *name = NULL;
    Link *alias;

    if (*label == '\0' || strcmp(label, link->netif->name) == 0)
        return link;
    alias = g_hash_table_lookup(dump->aliases, label);
    if (alias != NULL)
        return alias;
    name = g_utf8_make_valid(label, -1);
    alias = add_link(dump, link->index);
    alias->is_alias = TRUE;
    alias->master = link->master;
    memcpy(alias->kind, link->kind, sizeof(alias->kind));
    alias->netif->hardware_address = g_strdup(link->netif->hardware_address);
    alias->netif->name = g_steal_pointer(&name);
    /* A label that is not UTF-8 is another name by now: it gets an entry each time. */
    g_hash_table_insert(dump->aliases, alias->netif->name, alias);
    return alias;
}

/* Global before deprecated before link-local, and in each IPv4 before IPv6; the odd ranks leave
 * room for the default route's address in front of its equals. */
static guint8
rank_address(const Address *address, guint8 scope, guint32 flags)
{
    guint rank = RANK_GLOBAL;

    if (scope == RT_SCOPE_LINK)
        rank = RANK_LINK_LOCAL;
    else if ((flags & IFA_F_DEPRECATED) != 0)
        rank = RANK_DEPRECATED;
    return (guint8)(rank + (address->family == TN_NETIF_IPV6 ? RANK_IPV6 : 0));
}

static void
take_address(TnNetdump *dump, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attrs[IFA_FLAGS + 1] = {NULL};
    AttrTable table = {attrs, G_N_ELEMENTS(attrs)};
    const struct nlattr *near;
    char label[IF_NAMESIZE] = "";
    Address address = {0};
    guint32 flags;
    gsize size;
    Link *link;

    if (mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
        (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
        return;
    link = g_hash_table_lookup(dump->by_index, GUINT_TO_POINTER(header->ifa_index));
    if (link == NULL)
        return;
    (void)mnl_attr_parse(message, sizeof(*header), collect_attr, &table);
    /* LOCAL is this end; ADDRESS is the far end of a point-to-point link, else the same. */
    near = attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
    size = header->ifa_family == AF_INET ? IPV4_BYTES : IPV6_BYTES;
    if (near == NULL || mnl_attr_get_payload_len(near) != size)
        return;
    flags = header->ifa_flags;
    if (attrs[IFA_FLAGS] != NULL)
        copy_u32(attrs[IFA_FLAGS], &flags);
    if (attrs[IFA_LABEL] != NULL)
        (void)copy_string(attrs[IFA_LABEL], label, sizeof(label));
    memcpy(address.bytes, mnl_attr_get_payload(near), size);
    address.family = header->ifa_family == AF_INET ? TN_NETIF_IPV4 : TN_NETIF_IPV6;
    address.prefix = header->ifa_prefixlen;
    address.rank = rank_address(&address, header->ifa_scope, flags);
    g_array_append_val(find_labelled(dump, link, label)->addresses, address);
}

static void
take_route(TnNetdump *dump, const struct nlmsghdr *message)
{
    const struct rtmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attrs[RTA_PREFSRC + 1] = {NULL};
    AttrTable table = {attrs, G_N_ELEMENTS(attrs)};
    Default *found;
    gsize size;

    if (mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
        (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) ||
        header->rtm_type != RTN_UNICAST)
        return;
    size = header->rtm_family == AF_INET ? IPV4_BYTES : IPV6_BYTES;
    found = &dump->defaults[header->rtm_family == AF_INET ? TN_NETIF_IPV4 : TN_NETIF_IPV6];
    (void)mnl_attr_parse(message, sizeof(*header), collect_attr, &table);
    if (attrs[RTA_OIF] != NULL)
        copy_u32(attrs[RTA_OIF], &found->index);
    found->has_source =
        attrs[RTA_PREFSRC] != NULL && mnl_attr_get_payload_len(attrs[RTA_PREFSRC]) == size;
    if (found->has_source)
        memcpy(found->source, mnl_attr_get_payload(attrs[RTA_PREFSRC]), size);
}

gboolean
tn_netdump_wants_routes(TnNetdump *dump)
{
    Link *only = NULL;
    guint n_addressed = 0;

    for (guint i = 0; i < dump->links->len; i++) {
        Link *link = dump->links->pdata[i];
        guint n[RANK_LINK_LOCAL + RANK_IPV6 + 1] = {0};

        for (guint k = 0; k < link->addresses->len; k++) {
            if (++n[g_array_index(link->addresses, Address, k).rank] > 1)
                return TRUE;
        }
        if (!link->is_loopback && link->addresses->len > 0) {
            n_addressed++;
            only = link;
        }
    }
    if (n_addressed > 1)
        return TRUE;
    if (only != NULL)
        dump->defaults[TN_NETIF_IPV4].index = only->index;
    return FALSE;
}

void
tn_netdump_take(const struct nlmsghdr *message, gpointer dump)
{
    if (message->nlmsg_type == RTM_NEWLINK)
        take_link(dump, message);
    else if (message->nlmsg_type == RTM_NEWADDR)
        take_address(dump, message);
    else if (message->nlmsg_type == RTM_NEWROUTE)
        take_route(dump, message);
}

/* Names that container engines and hypervisors give to what they make. */
static gboolean
is_container_name(const char *name)
{
    static const char *const prefixes[] = {"docker", "cni",   "veth",         "cali",   "flannel",
                                           "cilium", "lxc",   "lxdbr",        "virbr",  "vnet",
                                           "podman", "kube-", "nodelocaldns", "incusbr"};

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i]))
            return TRUE;
    }
    /* docker's networks: br- and the first 12 digits of their id. */
    return g_str_has_prefix(name, "br-") && strlen(name) == strlen("br-") + 12 &&
           strspn(name + strlen("br-"), "0123456789abcdef") == 12;
}

static Place
place_link(const TnNetdump *dump, const Link *link)
{
    const Link *master;

    if (link->is_loopback)
        return PLACE_LOOPBACK;
    if (link->index == dump->defaults[TN_NETIF_IPV4].index)
        return link->is_alias ? PLACE_ALIAS : PLACE_DEFAULT;
    if (dump->defaults[TN_NETIF_IPV4].index == 0 &&
        link->index == dump->defaults[TN_NETIF_IPV6].index)
        return link->is_alias ? PLACE_ALIAS : PLACE_DEFAULT;
    if (strcmp(link->kind, "veth") == 0 || is_container_name(link->netif->name))
        return PLACE_CONTAINER;
    master = g_hash_table_lookup(dump->by_index, GUINT_TO_POINTER(link->master));
    if (master != NULL && strcmp(master->kind, "bridge") == 0 &&
        is_container_name(master->netif->name))
        return PLACE_CONTAINER;
    return link->is_alias ? PLACE_ALIAS : PLACE_OWN;
}

static gint
compare_links(gconstpointer a, gconstpointer b)
{
    const Link *left = *(const Link *const *)a;
    const Link *right = *(const Link *const *)b;

    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    if (left->index != right->index)
        return left->index < right->index ? -1 : 1;
    return (gint)left->is_alias - (gint)right->is_alias;
}

static gint
compare_addresses(gconstpointer a, gconstpointer b)
{
    return (gint)((const Address *)a)->rank - (gint)((const Address *)b)->rank;
}

static GPtrArray *
format_addresses(const TnNetdump *dump, const Link *link)
{
    GPtrArray *formatted;

    if (link->addresses->len == 0)
        return NULL;
    for (guint i = 0; i < link->addresses->len; i++) {
        Address *address = &g_array_index(link->addresses, Address, i);
        const Default *found = &dump->defaults[address->family];

        if (found->has_source && found->index == link->index &&
            memcmp(found->source, address->bytes, sizeof(address->bytes)) == 0)
            address->rank--;
    }
    /* Stable, so that the kernel's order stands among equals. */
    g_array_sort(link->addresses, compare_addresses);
    formatted = g_ptr_array_new_full(link->addresses->len, NULL);
    for (guint i = 0; i < link->addresses->len; i++) {
        const Address *address = &g_array_index(link->addresses, Address, i);
        TnNetifAddress *out = g_new0(TnNetifAddress, 1);
        char text[INET6_ADDRSTRLEN];

        out->address = g_strdup(inet_ntop(address->family == TN_NETIF_IPV4 ? AF_INET : AF_INET6,
                                          address->bytes, text, sizeof(text)));
        out->family = address->family;
        out->prefix = address->prefix;
        g_ptr_array_add(formatted, out);
    }
    return formatted;
}

GPtrArray *
tn_netdump_finish(TnNetdump *dump, const char *const *hide)
{
    GPtrArray *netifs = g_ptr_array_new_with_free_func((GDestroyNotify)tn_netdump_free_netif);

    for (guint i = 0; i < dump->links->len; i++) {
        Link *link = dump->links->pdata[i];

        link->place = place_link(dump, link);
    }
    g_ptr_array_sort(dump->links, compare_links);
    for (guint i = 0; i < dump->links->len; i++) {
        Link *link = dump->links->pdata[i];
        TnNetif *netif = link->netif;

        if (tn_netdump_is_hidden(hide, netif->name, link->kind))
            continue;
        netif->addresses = format_addresses(dump, link);
        netif->has_stats = netif->has_stats && netif->addresses != NULL;
        g_ptr_array_add(netifs, g_steal_pointer(&link->netif));
    }
    g_hash_table_remove_all(dump->by_index);
    g_hash_table_remove_all(dump->aliases);
    g_ptr_array_set_size(dump->links, 0);
    return netifs;
}
