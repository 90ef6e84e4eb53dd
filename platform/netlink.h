/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <libmnl/libmnl.h>

/*
 * Questions to the kernel's routing netlink (rtnetlink(7)), through libmnl. The kernel answers
 * within the calls, so they block no longer than it takes to write the answer; a second at most.
 */

typedef struct TnNetlink TnNetlink;

/* Takes one message of an answer; it and its attributes are whole, what they mean is not checked.
 */
typedef void (*TnNetlinkSink)(const struct nlmsghdr *message, gpointer data);

/* A socket of its own, which the caller owns. Errors: G_IO_ERROR from errno. */
TnNetlink *tn_netlink_new(GError **error)
    G_GNUC_WARN_UNUSED_RESULT; /* Closes the socket; NULL is fine. */
void tn_netlink_free(TnNetlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnNetlink, tn_netlink_free)

/* Sends the N requests that stand one behind the other in REQUESTS, SIZE bytes in all, and hands
 * every message of the answers to SINK. With NLM_F_DUMP a request must be the only one. Sequence
 * numbers are set here. *RET_INTERRUPTED (may be NULL): the table changed during a dump, so
 * the answer may lack something or hold it twice. A request that the kernel refuses has no message
 * (no route to there). Errors: G_IO_ERROR from errno of the socket, or of a refused dump. */
gboolean tn_netlink_ask(TnNetlink *netlink, void *requests, gsize size, guint n, TnNetlinkSink sink,
                        gpointer data, gboolean *ret_interrupted, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The pure part: hands each whole message of SIZE bytes at BUFFER (aligned for nlmsghdr), except
 * control messages, to SINK. Stops at the first that is cut. */
void tn_netlink_walk(const void *buffer, gsize size, TnNetlinkSink sink, gpointer data);
