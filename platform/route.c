/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Routes from /proc rather than from netlink: the reference counts, use counts and RTF_ flags that
 * hosts know from qemu-ga stand only there, ready to be passed on.
 */

#include "platform/route.h"

#include "platform/scan.h"
#include "platform/sysroot.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <string.h>

enum {
    ROUTES_LIMIT_BYTES = 64 * 1024 * 1024,
    IPV6_BYTES = 16,
    BASE_DECIMAL = 10,
    BASE_HEX = 16,
    VERSION_4 = 4,
    VERSION_6 = 6
};

typedef gboolean (*ParseLine)(TnScan *line, TnRoute *route);

/* The next word as a number of at most 32 bits. */
static gboolean
take_u32(TnScan *line, guint base, guint32 *ret_value)
{
    TnScan word;
    guint64 value;

    if (!tn_scan_word(line, &word) || !tn_scan_to_u64(&word, base, &value) || value > G_MAXUINT32)
        return FALSE;
    *ret_value = (guint32)value;
    return TRUE;
}

static gboolean
take_int(TnScan *line, guint base, int64_t *ret_value)
{
    guint32 value;

    if (!take_u32(line, base, &value))
        return FALSE;
    *ret_value = value;
    return TRUE;
}

/* IPv4: the kernel prints the four bytes in memory order as one number of this machine. */
static char *
take_ipv4(TnScan *line)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    guint32 value;

    if (!take_u32(line, BASE_HEX, &value))
        return NULL;
    address.s_addr = value;
    return g_strdup(inet_ntop(AF_INET, &address, text, sizeof(text)));
}

/* IPv6: 32 digits in network order. */
static char *
take_ipv6(TnScan *line)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    TnScan word;

    if (!tn_scan_word(line, &word) || word.end - word.at != 2 * IPV6_BYTES)
        return NULL;
    for (gsize i = 0; i < IPV6_BYTES; i++) {
        TnScan byte = {word.at + 2 * i, word.at + 2 * i + 2};
        guint64 value;

        if (!tn_scan_to_u64(&byte, BASE_HEX, &value))
            return NULL;
        address.s6_addr[i] = (guint8)value;
    }
    return g_strdup(inet_ntop(AF_INET6, &address, text, sizeof(text)));
}

/* A prefix length stands in hexadecimal in the table and goes out as a decimal string. */
static char *
take_prefix_length(TnScan *line)
{
    guint32 value;

    return take_u32(line, BASE_HEX, &value) ? g_strdup_printf("%" G_GUINT32_FORMAT, value) : NULL;
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT */
static gboolean
parse_ipv4(TnScan *line, TnRoute *route)
{
    guint32 flags = 0;
    TnScan iface;

    if (!tn_scan_word(line, &iface))
        return FALSE;
    route->iface = tn_scan_dup(&iface);
    route->destination = take_ipv4(line);
    route->gateway = take_ipv4(line);
    if (route->destination == NULL || route->gateway == NULL || !take_u32(line, BASE_HEX, &flags))
        return FALSE;
    route->flags = flags;
    route->has_ref_count = take_int(line, BASE_DECIMAL, &route->ref_count);
    route->has_use = take_int(line, BASE_DECIMAL, &route->use);
    if (!take_int(line, BASE_DECIMAL, &route->metric))
        return FALSE;
    route->mask = take_ipv4(line);
    route->has_mtu = take_int(line, BASE_DECIMAL, &route->mtu);
    route->has_window = take_int(line, BASE_DECIMAL, &route->window);
    route->has_irtt = take_int(line, BASE_DECIMAL, &route->irtt);
    route->version = VERSION_4;
    return TRUE;
}

/* destination length source length next-hop metric references use flags device */
static gboolean
parse_ipv6(TnScan *line, TnRoute *route)
{
    guint32 flags = 0;
    TnScan iface;

    route->destination = take_ipv6(line);
    route->prefix_length = take_prefix_length(line);
    route->source = take_ipv6(line);
    route->source_prefix_length = take_prefix_length(line);
    route->next_hop = take_ipv6(line);
    if (route->destination == NULL || route->prefix_length == NULL ||
        !take_int(line, BASE_HEX, &route->metric))
        return FALSE;
    route->has_ref_count = take_int(line, BASE_HEX, &route->ref_count);
    route->has_use = take_int(line, BASE_HEX, &route->use);
    if (!take_u32(line, BASE_HEX, &flags) || !tn_scan_word(line, &iface))
        return FALSE;
    route->flags = flags;
    route->iface = tn_scan_dup(&iface);
    route->version = VERSION_6;
    return TRUE;
}

static gboolean
read_table(int root_fd, const char *path, ParseLine parse, GPtrArray *routes, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *text = NULL;
    gsize size = 0;
    TnScan rest;
    TnScan line;

    if (!tn_sysroot_read_file(root_fd, path, ROUTES_LIMIT_BYTES, &text, &size, &local)) {
        if (g_error_matches(local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    rest = (TnScan){text, text + size};
    while (tn_scan_line(&rest, &line)) {
        TnRoute *route = g_new0(TnRoute, 1);

        if (parse(&line, route))
            g_ptr_array_add(routes, route);
        else
            tn_route_free(route);
    }
    return TRUE;
}

void
tn_route_free(TnRoute *route)
{
    if (route == NULL)
        return;
    g_free(route->iface);
    g_free(route->destination);
    g_free(route->gateway);
    g_free(route->mask);
    g_free(route->prefix_length);
    g_free(route->source);
    g_free(route->source_prefix_length);
    g_free(route->next_hop);
    g_free(route);
}

GPtrArray *
tn_route_read(int root_fd, GError **error)
{
    g_autoptr(GPtrArray) routes = g_ptr_array_new_with_free_func((GDestroyNotify)tn_route_free);

    if (!read_table(root_fd, "/proc/net/route", parse_ipv4, routes, error) ||
        !read_table(root_fd, "/proc/net/ipv6_route", parse_ipv6, routes, error))
        return NULL;
    return g_steal_pointer(&routes);
}
