/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One route of the kernel's own tables /proc/net/route and /proc/net/ipv6_route, whose numbers it
 * keeps: FLAGS are RTF_ bits (linux/route.h, linux/ipv6_route.h). Strings are owned; NULL, or a
 * has_ that is false: not in that family's table. VERSION is 4 or 6. */
typedef struct {
    char *iface;
    char *destination;
    char *gateway;
    char *mask;
    char *prefix_length;
    char *source;
    char *source_prefix_length;
    char *next_hop;
    int64_t metric;
    int64_t irtt;
    int64_t ref_count;
    int64_t use;
    int64_t window;
    int64_t mtu;
    uint64_t flags;
    int64_t version;
    bool has_irtt;
    bool has_ref_count;
    bool has_use;
    bool has_window;
    bool has_mtu;
} TnRoute;

/* Frees ROUTE and what it holds; NULL is fine. */
void tn_route_free(TnRoute *route);

/* The IPv4 routes, then the IPv6 routes, in the kernel's order. A family whose file is missing
 * (ipv6.disable=1) has no routes; a line that is no route is left out. The caller owns the array
 * and its elements. Errors: G_IO_ERROR from errno other than NOT_FOUND; MESSAGE_TOO_LARGE above
 * 64 MiB. */
GPtrArray *tn_route_read(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
