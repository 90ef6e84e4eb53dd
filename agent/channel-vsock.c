/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the vsock listener stands and which machine may use it.
 */

#include "agent/channel-vsock.h"

#include "agent/channel-socket.h"
#include "platform/fd.h"

#include <sys/socket.h>

#include <linux/vm_sockets.h>

enum {
    BACKLOG = 128
};

static gboolean
check_cid(int fd, gconstpointer data, char **ret_why)
{
    const TnPolicyHolder *policy = data;
    struct sockaddr_vm peer = {0};
    socklen_t size = sizeof peer;

    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
        *ret_why = g_strdup(g_strerror(errno));
        return FALSE;
    }
    if (tn_policy_is_client_cid(tn_policy_holder_get(policy), peer.svm_cid))
        return TRUE;
    *ret_why = g_strdup_printf("CID %u may not speak to the agent", peer.svm_cid);
    return FALSE;
}

static gboolean
parse_place(const char *place, struct sockaddr_vm *ret_address, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(place, ":", 2);
    guint64 cid;
    guint64 port;

    if (g_strv_length(parts) != 2 ||
        !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32, &cid, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXUINT32, &port, NULL)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "invalid vsock address '%s': CID:PORT is expected", place);
        return FALSE;
    }
    *ret_address = (struct sockaddr_vm){
        .svm_family = AF_VSOCK,
        .svm_cid = (guint)cid,
        .svm_port = (guint)port,
    };
    return TRUE;
}

TnChannel *
tn_channel_vsock_open(const char *place, const TnPolicyHolder *policy,
                      const TnChannelHandler *handler, GError **error)
{
    struct sockaddr_vm address;
    tn_autofd int fd = -1;

    if (!parse_place(place, &address, error))
        return NULL;
    fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        tn_error_from_errno(error, errno, "Failed to create socket");
        return NULL;
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0) {
        tn_error_from_errno(error, errno, "Failed to bind socket to %s", place);
        return NULL;
    }
    return tn_channel_vsock_adopt(tn_fd_steal(&fd), place, policy, handler);
}

TnChannel *
tn_channel_vsock_adopt(int fd, const char *name, const TnPolicyHolder *policy,
                       const TnChannelHandler *handler)
{
    TnSocketSetup setup = {
        .name = name,
        .check = check_cid,
        .check_data = policy,
    };

    return tn_channel_socket_new(fd, &setup, handler);
}
