/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picks the transport, checks the limits that all share, and reads libvirt's errors, which its
 * library and the virsh program word alike.
 */

#include "client/conn.h"

#include "client/failure.h"

#include <string.h>

/* libvirt/virterror.h; the header is not needed to build. */
enum {
    LIBVIRT_ERR_NO_DOMAIN = 42,
    LIBVIRT_ERR_OPERATION_INVALID = 55,
    LIBVIRT_ERR_OPERATION_TIMEOUT = 68,
    LIBVIRT_ERR_ARGUMENT_UNSUPPORTED = 74,
    LIBVIRT_ERR_AGENT_UNRESPONSIVE = 86,
    LIBVIRT_ERR_AGENT_UNSYNCED = 97,
    LIBVIRT_ERR_AGENT_COMMAND_TIMEOUT = 112,
};

/* virsh gives words only; the library gives both. */
static const struct {
    const char *words;
    int code;
    TnFailure failure;
} libvirt_errors[] = {
    {"agent command timed out", LIBVIRT_ERR_AGENT_COMMAND_TIMEOUT, TN_FAILURE_TIMEOUT},
    {"Unable to encode message payload", 0, TN_FAILURE_TOO_LARGE},
    {"No complete agent response found", 0, TN_FAILURE_TOO_LARGE},
    {"cannot acquire state change lock", LIBVIRT_ERR_OPERATION_TIMEOUT, TN_FAILURE_AGENT_BUSY},
    {"Guest agent disappeared", 0, TN_FAILURE_CONNECTION_LOST},
    {"guest agent replied with wrong id", LIBVIRT_ERR_AGENT_UNSYNCED, TN_FAILURE_PROTOCOL},
    {"uest agent is not ", LIBVIRT_ERR_AGENT_UNRESPONSIVE, TN_FAILURE_AGENT_ABSENT},
    {"guest agent is not configured", LIBVIRT_ERR_ARGUMENT_UNSUPPORTED, TN_FAILURE_AGENT_ABSENT},
    {"domain is not running", LIBVIRT_ERR_OPERATION_INVALID, TN_FAILURE_AGENT_ABSENT},
    {"failed to get domain", LIBVIRT_ERR_NO_DOMAIN, TN_FAILURE_AGENT_ABSENT},
};

static TnConn *
open_libvirt(const char *domain, const char *uri, GError **error)
{
    gboolean is_missing = FALSE;
    g_autoptr(GError) library_error = NULL;
    TnConn *conn = tn_conn_libvirt_open(domain, uri, &is_missing, &library_error);

    if (conn == NULL && is_missing)
        return tn_conn_virsh_open(domain, uri, error);
    if (conn == NULL)
        g_propagate_error(error, g_steal_pointer(&library_error));
    return conn;
}

TnConn *
tn_conn_open(const TnEndpoint *endpoint, const char *libvirt_uri, gint64 deadline_us,
             GError **error)
{
    switch (endpoint->kind) {
    case TN_ENDPOINT_UNIX:
        return tn_conn_unix_open(endpoint->name, deadline_us, error);
    case TN_ENDPOINT_LIBVIRT:
        return open_libvirt(endpoint->name, libvirt_uri, error);
    }
    g_assert_not_reached();
}

void
tn_conn_free(TnConn *conn)
{
    if (conn != NULL)
        conn->ops->free(conn);
}

gboolean
tn_conn_hello(TnConn *conn, gint64 deadline_us, GError **error)
{
    return conn->ops->hello == NULL || conn->ops->hello(conn, deadline_us, error);
}

static gboolean
check_size(const TnConn *conn, const GString *request, GError **error)
{
    if (request->len > conn->request_max) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_TOO_LARGE,
                    "request of %" G_GSIZE_FORMAT " bytes exceeds the %" G_GSIZE_FORMAT
                    " that this way to the agent carries",
                    request->len, conn->request_max);
        return FALSE;
    }
    return TRUE;
}

gboolean
tn_conn_exchange(TnConn *conn, const GString *request, gint64 deadline_us, TnAnswer **ret_reply,
                 GError **error)
{
    return check_size(conn, request, error) &&
           conn->ops->exchange(conn, request, deadline_us, ret_reply, error);
}

gboolean
tn_conn_send(TnConn *conn, const GString *request, gint64 deadline_us, GError **error)
{
    return check_size(conn, request, error) && conn->ops->send(conn, request, deadline_us, error);
}

gboolean
tn_conn_receive(TnConn *conn, gint64 deadline_us, TnAnswer **ret_reply, GError **error)
{
    return conn->ops->receive(conn, deadline_us, ret_reply, error);
}

void
tn_conn_recycle(TnConn *conn, TnAnswer *take_answer)
{
    if (take_answer != NULL && conn->ops->recycle != NULL)
        conn->ops->recycle(conn, &take_answer->message);
    tn_answer_free(take_answer);
}

gboolean
tn_conn_can_overlap(const TnConn *conn)
{
    return conn->ops->send != NULL;
}

void
tn_conn_set_wake(TnConn *conn, int fd)
{
    conn->wake_fd = fd;
}

/* "...unable to execute QEMU agent command 'X': WORDS OF THE AGENT" */
static const char *
find_agent_words(const char *text)
{
    static const char mark[] = "unable to execute QEMU agent command '";
    const char *found = strstr(text, mark);
    const char *words = found == NULL ? NULL : strstr(found + strlen(mark), "': ");

    return words == NULL ? NULL : words + strlen("': ");
}

GError *
tn_conn_new_libvirt_failure(int code, const char *text)
{
    const char *words = find_agent_words(text);

    if (words != NULL)
        return tn_failure_new_from_guest(NULL, words, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(libvirt_errors); i++) {
        if ((code != 0 && code == libvirt_errors[i].code) ||
            strstr(text, libvirt_errors[i].words) != NULL)
            return g_error_new(TN_FAILURE, (int)libvirt_errors[i].failure, "libvirt: %s", text);
    }
    return g_error_new(TN_FAILURE, TN_FAILURE_LOCAL, "libvirt: %s", text);
}
