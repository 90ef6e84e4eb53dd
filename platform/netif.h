/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/netdump.h"

#include <glib.h>

/*
 * Network interfaces with their addresses and counters, in the order in which a person would read
 * them.
 */

/* All interfaces of this network namespace: loopback, the one that the default route goes through,
 * the machine's other ones by index, aliases, and last what container engines make (veth, cni,
 * docker and the ports of their bridges). Inside one: global addresses before deprecated ones
 * before link-local ones, IPv4 before IPv6, and the one that the default route uses before its
 * equals.
 *
 * HIDE (NULL-ended; NULL: none) leaves out interfaces: "kind:veth" by the kernel's kind of link,
 * anything else as a glob (* and ?) over the name. Time grows with the number of addresses.
 * The caller owns the array and its elements. Errors: G_IO_ERROR from errno. */
GPtrArray *tn_netif_read(const char *const *hide, GError **error) G_GNUC_WARN_UNUSED_RESULT;
