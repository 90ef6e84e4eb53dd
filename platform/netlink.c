/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One exchange with rtnetlink. libmnl does the framing and the checks of lengths; the loop is our
 * own because its mnl_cb_run() gives up on an interrupted dump, where a list that may lack the one
 * interface that has just gone is better than none.
 */

#include "platform/netlink.h"

#include "platform/fd.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum {
    /* The kernel packs a dump into pieces of at most 32 KiB (net/netlink/af_netlink.c). */
    RECEIVE_BYTES = 32768,
    RECEIVE_TIMEOUT_S = 1
};

struct TnNetlink {
    struct mnl_socket *socket;
    guint32 sequence;
    void *buffer;
};

TnNetlink *
tn_netlink_new(GError **error)
{
    g_autoptr(TnNetlink) netlink = g_new0(TnNetlink, 1);
    struct timeval timeout = {.tv_sec = RECEIVE_TIMEOUT_S};

    netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (netlink->socket == NULL || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                   sizeof(timeout)) < 0) {
        tn_error_from_errno(error, errno, "open a netlink socket");
        return NULL;
    }
    netlink->buffer = g_malloc(RECEIVE_BYTES);
    return g_steal_pointer(&netlink);
}

void
tn_netlink_free(TnNetlink *netlink)
{
    if (netlink == NULL)
        return;
    if (netlink->socket != NULL)
        mnl_socket_close(netlink->socket);
    g_free(netlink->buffer);
    g_free(netlink);
}

/* TRUE if a whole message stands at MESSAGE in LEFT bytes. libmnl 1.0.4 compares lengths as signed
 * numbers, so that one of 2 GiB passes for a small one. */
static gboolean
is_whole(const struct nlmsghdr *message, int left)
{
    return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (guint32)left;
}

/* What is still to come of one exchange. */
typedef struct {
    guint32 first_sequence;
    guint left;
    gboolean interrupted;
    int refused; /* errno of a refusal that ended a dump */
    gboolean is_dump;
    TnNetlinkSink sink;
    gpointer data;
} Exchange;

static void
take_refusal(Exchange *exchange, const struct nlmsghdr *message)
{
    const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(message);

    exchange->left--;
    if (exchange->is_dump && mnl_nlmsg_get_payload_len(message) >= sizeof(*refusal))
        exchange->refused = -refusal->error;
}

static void
take_message(Exchange *exchange, const struct nlmsghdr *message)
{
    guint32 place = message->nlmsg_seq - exchange->first_sequence;

    /* Left from an exchange that was given up. */
    if (place >= G_MAXUINT16)
        return;
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
        exchange->interrupted = TRUE;
    if (message->nlmsg_type == NLMSG_ERROR) {
        take_refusal(exchange, message);
        return;
    }
    if (message->nlmsg_type == NLMSG_DONE) {
        exchange->left--;
        return;
    }
    if (message->nlmsg_type < NLMSG_MIN_TYPE)
        return;
    exchange->sink(message, exchange->data);
    if ((message->nlmsg_flags & NLM_F_MULTI) == 0)
        exchange->left--;
}

static gboolean
receive(TnNetlink *netlink, Exchange *exchange, GError **error)
{
    while (exchange->left > 0) {
        ssize_t n = mnl_socket_recvfrom(netlink->socket, netlink->buffer, RECEIVE_BYTES);
        const struct nlmsghdr *message = netlink->buffer;
        int left = (int)n;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tn_error_from_errno(error, errno, "read from netlink");
        while (exchange->left > 0 && is_whole(message, left)) {
            take_message(exchange, message);
            message = mnl_nlmsg_next(message, &left);
        }
    }
    if (exchange->refused != 0)
        return tn_error_from_errno(error, exchange->refused, "ask netlink");
    return TRUE;
}

gboolean
tn_netlink_ask(TnNetlink *netlink, void *requests, gsize size, guint n, TnNetlinkSink sink,
               gpointer data, gboolean *ret_interrupted, GError **error)
{
    Exchange exchange = {
        .first_sequence = netlink->sequence + 1,
        .left = n,
        .sink = sink,
        .data = data,
    };
    struct nlmsghdr *request = requests;
    int left = (int)size;

    while (is_whole(request, left)) {
        request->nlmsg_seq = ++netlink->sequence;
        exchange.is_dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        request = mnl_nlmsg_next(request, &left);
    }
    if (mnl_socket_sendto(netlink->socket, requests, size) < 0)
        return tn_error_from_errno(error, errno, "write to netlink");
    if (!receive(netlink, &exchange, error))
        return FALSE;
    if (ret_interrupted != NULL)
        *ret_interrupted = exchange.interrupted;
    return TRUE;
}

void
tn_netlink_walk(const void *buffer, gsize size, TnNetlinkSink sink, gpointer data)
{
    const struct nlmsghdr *message = buffer;
    int left = (int)MIN(size, (gsize)G_MAXINT);

    while (is_whole(message, left)) {
        if (message->nlmsg_type >= NLMSG_MIN_TYPE)
            sink(message, data);
        message = mnl_nlmsg_next(message, &left);
    }
}
