/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The part of netif without I/O: rtnetlink messages in, sorted interfaces out.
 */

enum {
    TN_NETIF_IPV4,
    TN_NETIF_IPV6
};

/* One address; for a point-to-point link the near end. FAMILY is TN_NETIF_IPV4 or _IPV6. */
typedef struct {
    char *address;
    int family;
    int64_t prefix;
} TnNetifAddress;

/* As /proc/net/dev counts: RX_DROPPED includes frames missed by the hardware. */
typedef struct {
    uint64_t rx_bytes;
    uint64_t rx_packets;
    uint64_t rx_errs;
    uint64_t rx_dropped;
    uint64_t tx_bytes;
    uint64_t tx_packets;
    uint64_t tx_errs;
    uint64_t tx_dropped;
} TnNetifStats;

/* One interface. HARDWARE_ADDRESS is always there, six bytes in lower case (zeros for links without
 * one, as SIOCGIFHWADDR has it); ADDRESSES, of TnNetifAddress, is NULL when there are none. An
 * alias (an address with a label such as eth0:1) is an entry of its own without counters. */
typedef struct {
    char *name;
    char *hardware_address;
    GPtrArray *addresses;
    TnNetifStats stats;
    bool has_stats; /* only an interface with an address has them, as in qemu-ga */
} TnNetif;

/* Frees NETIF and what it holds; NULL is fine. */
void tn_netdump_free_netif(TnNetif *netif);

/* TRUE if a pattern of HIDE fits. KIND may be NULL. */
gboolean tn_netdump_is_hidden(const char *const *hide, const char *name, const char *kind);

typedef struct TnNetdump TnNetdump;

/* An empty collection, which the caller owns. */
TnNetdump *tn_netdump_new(void);
/* Frees DUMP and what was not taken out of it; NULL is fine. */
void tn_netdump_free(TnNetdump *dump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnNetdump, tn_netdump_free)

/* Takes one message: RTM_NEWLINK, RTM_NEWADDR (after its link, else it is dropped) or RTM_NEWROUTE
 * (the route to a far address, which tells the default interface and its address). Others, cut
 * ones, and attributes of a wrong length are ignored. DUMP is a TnNetdump; the type is a
 * TnNetlinkSink's. */
void tn_netdump_take(const struct nlmsghdr *message, gpointer dump);

/* TRUE if the order of the interfaces or addresses so far depends on where the default route leads.
 * FALSE: there is nothing to choose from, and a sole interface with addresses counts as its. */
gboolean tn_netdump_wants_routes(TnNetdump *dump);

/* The interfaces, see tn_netif_read(); DUMP is then empty. The caller owns the array. */
GPtrArray *tn_netdump_finish(TnNetdump *dump, const char *const *hide);
