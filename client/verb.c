/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verbs share: reaching the agent as the global options say, and writing to our own streams.
 */

#include "client/verb.h"

#include "client/failure.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
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

TnAgent *
tn_verb_open_path(const TnInvocation *invocation, const char *text, char **ret_path, GError **error)
{
    g_autofree char *endpoint = NULL;
    g_autofree char *path = NULL;
    TnAgent *agent = NULL;

    if (!tn_endpoint_split(text, &endpoint, &path)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                    "'%s' names no file of a guest: write ENDPOINT:/PATH", text);
        return NULL;
    }
    if (!g_utf8_validate(path, -1, NULL)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "the path is not UTF-8, which the agents' protocol cannot carry");
        return NULL;
    }
    agent = tn_verb_open_endpoint(invocation, endpoint, error);
    if (agent != NULL)
        *ret_path = g_steal_pointer(&path);
    return agent;
}

gboolean
tn_verb_parse_mode(const char *text, gint64 *ret_mode, GError **error)
{
    guint64 mode = 0;

    *ret_mode = -1;
    if (text == NULL)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 8, 0, 07777, &mode, NULL)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--mode: '%s' is no mode such as 0644",
                    text);
        return FALSE;
    }
    *ret_mode = (gint64)mode;
    return TRUE;
}

void
tn_verb_split_owner(const char *text, char **ret_user, char **ret_group)
{
    const char *colon = text == NULL ? NULL : strchr(text, ':');

    if (colon == NULL) {
        *ret_user = g_strdup(text);
        return;
    }
    if (colon > text)
        *ret_user = g_strndup(text, (gsize)(colon - text));
    if (colon[1] != '\0')
        *ret_group = g_strdup(colon + 1);
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
