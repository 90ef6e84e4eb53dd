/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verbs share: reaching the agent as the global options say, and writing to our own streams.
 */

#include "client/verb.h"

#include "client/failure.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

TnAgent *
tn_verb_open_endpoint(const TnInvocation *invocation, const char *text, GError **error)
{
    const TnGlobals *globals = invocation->globals;
    TnDialOptions options = {
        .endpoint = text,
        .libvirt_uri = globals->connect,
        .timeout_us = globals->timeout_us,
        .connect_timeout_us = globals->connect_timeout_us,
        .wait_agent_us = globals->wait_agent_us,
        .trace_path = globals->trace,
    };

    return tn_dial_open(&options, error);
}

TnAgent *
tn_verb_open(const TnInvocation *invocation, GError **error)
{
    return tn_verb_open_endpoint(invocation, invocation->args[0], error);
}

gboolean
tn_verb_write(int fd, const guint8 *data, gsize size, GError **error)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n > 0) {
            data += n;
            size -= (gsize)n;
        } else if (n < 0 && errno == EAGAIN) {
            /* Our stream may be shared with a process that made it non-blocking. */
            struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

            (void)poll(&pollfd, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            g_set_error(
                error, TN_FAILURE, errno == EPIPE ? TN_FAILURE_READER_GONE : TN_FAILURE_LOCAL,
                "write to %s: %s", fd == STDOUT_FILENO ? "standard output" : "standard error",
                g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}
