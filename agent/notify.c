/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The service manager's datagram, without libsystemd. A message that does not fit its queue is
 * lost: better than an agent that waits.
 */

#include "agent/notify.h"

#include "platform/fd.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void
tn_notify_send_fd(const char *socket_name, const char *state, int passed_fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec text = {0};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    tn_autofd int fd = -1;
    gsize length;

    if (socket_name == NULL || (socket_name[0] != '/' && socket_name[0] != '@'))
        return;
    length = strlen(socket_name);
    if (length >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, socket_name, length);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    length += offsetof(struct sockaddr_un, sun_path);
    text = (struct iovec){.iov_base = g_strdup(state), .iov_len = strlen(state)};
    message.msg_name = &address;
    message.msg_namelen = (socklen_t)length;
    if (passed_fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &passed_fd, sizeof passed_fd);
    }
    (void)!sendmsg(fd, &message, MSG_NOSIGNAL);
    g_free(text.iov_base);
}

void
tn_notify_send(const char *socket_name, const char *state)
{
    tn_notify_send_fd(socket_name, state, -1);
}
