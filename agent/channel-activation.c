/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is listening already. The name of the channel is the address of the socket, so that policy
 * can name it whoever has bound it.
 */

#include "agent/channel-activation.h"

#include "agent/channel-unix.h"
#include "agent/channel-vsock.h"
#include "platform/fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

typedef union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_vm vm;
} Address;

static char *
name_address(const Address *address, socklen_t size)
{
    gsize head = offsetof(struct sockaddr_un, sun_path);

    if (address->any.sa_family == AF_VSOCK)
        return g_strdup_printf("%u:%u", address->vm.svm_cid, address->vm.svm_port);
    if (size <= head || address->local.sun_path[0] == '\0')
        return g_strdup("unix"); /* without a path */
    return g_strndup(address->local.sun_path, size - head);
}

static gboolean
check_listener(int fd, Address *ret_address, socklen_t *ret_size, GError **error)
{
    int listens = 0;
    socklen_t size = sizeof listens;

    *ret_size = sizeof *ret_address;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
        getsockname(fd, &ret_address->any, ret_size) < 0)
        return tn_error_from_errno(error, errno, "socket activation");
    if (!listens ||
        (ret_address->any.sa_family != AF_UNIX && ret_address->any.sa_family != AF_VSOCK)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                            "socket activation: the descriptor is no unix or vsock listener");
        return FALSE;
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return tn_error_from_errno(error, errno, "socket activation");
    return TRUE;
}

TnChannel *
tn_channel_activation_open(const TnPolicyHolder *policy, const TnChannelHandler *handler,
                           GError **error)
{
    tn_autofd int fd = TN_ACTIVATION_FD;
    Address address = {0};
    socklen_t size;

    if (!check_listener(fd, &address, &size, error))
        return NULL;

    g_autofree char *name = name_address(&address, size);
    if (address.any.sa_family == AF_UNIX)
        return tn_channel_unix_adopt(tn_fd_steal(&fd), name, policy, handler);
    return tn_channel_vsock_adopt(tn_fd_steal(&fd), name, policy, handler);
}
