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
tn_notify_send(const char *socket_name, const char *state)
{
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
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                  (socklen_t)length);
}
