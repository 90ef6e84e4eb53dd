/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/answer.h"
#include "client/endpoint.h"

#include <glib.h>

/*
 * A way to one agent: one request goes in, one reply comes out. Each transport fills one table of
 * operations. All calls block until their deadline at the latest.
 */

typedef struct TnConn TnConn;

typedef struct {
    /* Makes sure that an agent answers and that no stale bytes are in the way. May be NULL. */
    gboolean (*hello)(TnConn *conn, gint64 deadline_us, GError **error);
    gboolean (*exchange)(TnConn *conn, const GString *request, gint64 deadline_us,
                         TnAnswer **ret_reply, GError **error);
    /* The two halves of exchange, for several requests under way. NULL: not possible. */
    gboolean (*send)(TnConn *conn, const GString *request, gint64 deadline_us, GError **error);
    gboolean (*receive)(TnConn *conn, gint64 deadline_us, TnAnswer **ret_reply, GError **error);
    /* May be NULL. */
    void (*recycle)(TnConn *conn, TnMessage *message);
    void (*free)(TnConn *conn);
} TnConnOps;

/* The common head of each transport's struct; only transports look inside. */
struct TnConn {
    const TnConnOps *ops;
    gsize request_max;  /* longest request line this way carries, in bytes */
    gsize reply_max;    /* longest reply line, in bytes */
    gint64 wait_max_ms; /* how long a request may ask the agent to hold its answer */
    int wake_fd;        /* borrowed; < 0: none */
};

/* Opens the way to ENDPOINT until DEADLINE_US. LIBVIRT_URI (NULL: libvirt's default) is for
 * libvirt: alone. Errors: TN_FAILURE_AGENT_ABSENT when nobody listens there, TN_FAILURE_AGENT_BUSY,
 * TN_FAILURE_LOCAL. Free with tn_conn_free. */
TnConn *tn_conn_open(const TnEndpoint *endpoint, const char *libvirt_uri, gint64 deadline_us,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void tn_conn_free(TnConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnConn, tn_conn_free)

/* Errors: TN_FAILURE_AGENT_ABSENT when no agent answers in time; as exchange. */
gboolean tn_conn_hello(TnConn *conn, gint64 deadline_us, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sends REQUEST (one JSON object, no newline) and takes its reply, which may be an error object.
 * Errors: TN_FAILURE_TIMEOUT, TN_FAILURE_CONNECTION_LOST, TN_FAILURE_PROTOCOL,
 * TN_FAILURE_TOO_LARGE; through libvirt also what the agent refused (libvirt hands over the words
 * of an error only). After a time-out the next exchange synchronises first. */
gboolean tn_conn_exchange(TnConn *conn, const GString *request, gint64 deadline_us,
                          TnAnswer **ret_reply, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sends REQUEST without waiting; the replies come from tn_conn_receive in the order of the
 * requests. Where the way carries one at a time (tn_conn_can_overlap) neither may be called. After
 * a failure of either, all that is under way is lost. Errors: those of tn_conn_exchange. */
gboolean tn_conn_send(TnConn *conn, const GString *request, gint64 deadline_us, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* The second half of tn_conn_send. */
gboolean tn_conn_receive(TnConn *conn, gint64 deadline_us, TnAnswer **ret_reply, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Frees ANSWER (NULL is allowed); its memory may serve the next one. */
void tn_conn_recycle(TnConn *conn, TnAnswer *take_answer);
/* TRUE when several requests may be under way. */
gboolean tn_conn_can_overlap(const TnConn *conn);

/* From now on a readable FD (borrowed; < 0: none) makes a held answer come at once, where the way
 * to the agent allows it. The caller then looks at FD by itself. */
void tn_conn_set_wake(TnConn *conn, int fd);

/* The transports; tn_conn_open picks one. */
TnConn *tn_conn_unix_open(const char *path, gint64 deadline_us, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* *RET_IS_MISSING tells that libvirt's client libraries are not installed here. */
TnConn *tn_conn_libvirt_open(const char *domain, const char *uri, gboolean *ret_is_missing,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
TnConn *tn_conn_virsh_open(const char *domain, const char *uri, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Makes the failure for libvirt's message TEXT with its error number CODE (0: unknown). A message
 * that quotes the agent's own words becomes the agent's failure. */
GError *tn_conn_new_libvirt_failure(int code, const char *text);
