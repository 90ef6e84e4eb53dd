/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers of rtnetlink: any bytes. Every interface that comes out has a name and six bytes of
 * hardware address, every address can be written, and counters belong to addresses.
 */

#include "tests/fuzz/fuzz.h"

#include "platform/netdump.h"
#include "platform/netlink.h"

#include <string.h>

enum {
    HARDWARE_TEXT = 17
};

static void
check_netif(const TnNetif *netif)
{
    g_assert(*netif->name != '\0' && g_utf8_validate(netif->name, -1, NULL));
    g_assert(strlen(netif->hardware_address) == HARDWARE_TEXT);
    g_assert(!netif->has_stats || netif->addresses != NULL);
    for (guint i = 0; netif->addresses != NULL && i < netif->addresses->len; i++) {
        const TnNetifAddress *address = netif->addresses->pdata[i];

        g_assert(address->address != NULL);
        g_assert(address->family == TN_NETIF_IPV4 || address->family == TN_NETIF_IPV6);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hide[] = {"kind:dummy", "h*?", NULL};
    g_autofree void *aligned = g_memdup2(data, size);
    g_autoptr(TnNetdump) dump = tn_netdump_new();
    g_autoptr(GPtrArray) netifs = NULL;

    tn_netlink_walk(aligned, size, tn_netdump_take, dump);
    (void)tn_netdump_wants_routes(dump);
    netifs = tn_netdump_finish(dump, size % 2 == 0 ? hide : NULL);
    for (guint i = 0; i < netifs->len; i++)
        check_netif(netifs->pdata[i]);
    return 0;
}
