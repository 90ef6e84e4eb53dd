/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent behind a unix socket: the agent's own listener, or the socket that QEMU holds for the
 * guest's channel. Before the first request, and after a time-out, the stream is synchronised with
 * guest-sync-delimited: everything up to the 0xFF before the reply with our number is thrown away,
 * however old it is. An agent that holds its answer gives it as soon as another request comes on
 * the same connection; when there is news on our side, a ping (a nudge) is sent for that, and its
 * reply thrown away. Deliberately not here: any reading ahead.
 */

#include "agent/wire/frame.h"
#include "client/conn.h"
#include "client/duration.h"
#include "client/failure.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DELIMITER       0xFF
#define READ_BYTES      ((gsize)64 << 10)
#define SHORT_BYTES     ((gsize)4096)
#define BUSY_RETRY_US   G_GINT64_CONSTANT(20000)
#define SYNC_LINE_BYTES ((gsize)64 << 10) /* longest line that is looked at while synchronising */
#define WAIT_MAX_MS     30000
#define NUDGED_US       G_GINT64_CONSTANT(10000000) /* without a byte, once nudged */
#define REPLY_MAX_BYTES TN_FRAME_MESSAGE_BYTES

typedef struct {
    TnConn base;
    char *path;
    int fd;
    TnFrame *frame;
    guint n_nudges; /* whose replies come behind the one that is awaited, or behind the last */
    gboolean is_nudged;
    gboolean is_synced;
} UnixConn;

static const char nudge[] = "{\"execute\": \"guest-ping\"}\n";

/* A nudge that does not go through as a whole would tear the stream; there is room for it, since
 * nothing else is under way. */
static void
send_nudge(UnixConn *conn)
{
    conn->is_nudged = TRUE;
    if (send(conn->fd, nudge, strlen(nudge), MSG_NOSIGNAL) == (ssize_t)strlen(nudge))
        conn->n_nudges++;
}

static gboolean
wait_for(UnixConn *conn, short events, gint64 deadline_us, GError **error)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = conn->fd, .events = events},
            {.fd = events == POLLIN && !conn->is_nudged ? conn->base.wake_fd : -1,
             .events = POLLIN},
        };
        int ms = tn_deadline_get_poll_ms(
            conn->n_nudges > 0 ? MIN(deadline_us, tn_deadline_after(NUDGED_US)) : deadline_us);
        int n = poll(fds, G_N_ELEMENTS(fds), ms);

        if (n > 0 && fds[0].revents != 0)
            return TRUE;
        if (n > 0)
            send_nudge(conn);
        if (n < 0 && errno != EINTR) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "poll: %s", g_strerror(errno));
            return FALSE;
        }
        if (n == 0 && (ms == 0 || conn->n_nudges > 0)) {
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TIMEOUT, "no answer from the agent");
            return FALSE;
        }
    }
}

static void
set_lost(UnixConn *conn, const char *how, GError **error)
{
    conn->is_synced = FALSE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST, "connection lost: %s", how);
}

static gboolean
send_all(UnixConn *conn, const char *data, gsize size, gint64 deadline_us, GError **error)
{
    while (size > 0) {
        ssize_t n = send(conn->fd, data, size, MSG_NOSIGNAL);

        if (n > 0) {
            data += n;
            size -= (gsize)n;
        } else if (errno == EAGAIN) {
            if (!wait_for(conn, POLLOUT, deadline_us, error))
                return FALSE;
        } else if (errno != EINTR) {
            set_lost(conn, g_strerror(errno), error);
            return FALSE;
        }
    }
    return TRUE;
}

/* Reads at least one byte. */
static gboolean
receive_some(UnixConn *conn, char *place, gsize room, gint64 deadline_us, gsize *ret_n,
             GError **error)
{
    for (;;) {
        ssize_t n = recv(conn->fd, place, room, 0);

        if (n > 0) {
            *ret_n = (gsize)n;
            return TRUE;
        }
        if (n == 0) {
            set_lost(conn,
                     tn_frame_has_input(conn->frame) ? "it ended in the middle of a reply"
                                                     : "the other side closed it",
                     error);
            return FALSE;
        }
        if (errno == EAGAIN) {
            if (!wait_for(conn, POLLIN, deadline_us, error))
                return FALSE;
        } else if (errno != EINTR) {
            set_lost(conn, g_strerror(errno), error);
            return FALSE;
        }
    }
}

static gboolean
receive_reply(UnixConn *conn, gint64 deadline_us, TnAnswer **ret_reply, GError **error)
{
    for (;;) {
        TnMessage message = {0};
        const char *why = NULL;
        gsize room = 0;
        gsize n = 0;
        char *place = NULL;

        switch (tn_frame_next(conn->frame, &message, &why)) {
        case TN_FRAME_MESSAGE:
            *ret_reply = tn_answer_take(conn->frame, &message);
            return TRUE;
        case TN_FRAME_ERROR:
            conn->is_synced = FALSE;
            g_set_error(error, TN_FAILURE, TN_FAILURE_PROTOCOL, "malformed reply: %s", why);
            return FALSE;
        case TN_FRAME_MORE:
            break;
        }
        place = tn_frame_reserve(conn->frame, &room);
        if (!receive_some(conn, place, room, deadline_us, &n, error))
            return FALSE;
        tn_frame_commit(conn->frame, n);
    }
}

/* An agent that refuses the synchronisation itself says so without 0xFF; waiting for one would
 * end in a misleading time-out. */
static gboolean
check_refusal(const char *line, gsize size, GError **error)
{
    g_autoptr(TnAnswer) reply = NULL;
    guint at = 0;

    if (g_strstr_len(line, (gssize)size, "guest-sync-delimited") == NULL)
        return TRUE;
    reply = tn_answer_parse(line, size, NULL);
    if (reply == NULL || tn_answer_find(reply, 0, "error") == 0)
        return TRUE;
    return tn_answer_unwrap(reply, &at, error);
}

/* Looks at the lines in OLD that came before any 0xFF and forgets them; a line that has begun
 * stays. */
static gboolean
drop_lines(GString *old, GError **error)
{
    char *newline = NULL;

    while ((newline = memchr(old->str, '\n', old->len)) != NULL) {
        gsize size = (gsize)(newline - old->str);

        if (!check_refusal(old->str, size, error))
            return FALSE;
        g_string_erase(old, 0, (gssize)size + 1);
    }
    if (old->len > SYNC_LINE_BYTES)
        g_string_truncate(old, 0);
    return TRUE;
}

/* Reads on to the next 0xFF and leaves what follows it in the frame. */
static gboolean
skip_to_delimiter(UnixConn *conn, GString *old, gint64 deadline_us, GError **error)
{
    g_autofree char *buffer = g_malloc(READ_BYTES);

    for (;;) {
        gsize n = 0;
        const char *mark = NULL;
        gsize rest = 0;

        if (!receive_some(conn, buffer, READ_BYTES, deadline_us, &n, error))
            return FALSE;
        mark = memrchr(buffer, DELIMITER, n);
        if (mark != NULL) {
            rest = n - (gsize)(mark + 1 - buffer);
            for (gsize done = 0; done < rest;) {
                gsize room = 0;
                char *place = tn_frame_reserve(conn->frame, &room);
                gsize piece = MIN(room, rest - done);

                memcpy(place, mark + 1 + done, piece);
                tn_frame_commit(conn->frame, piece);
                done += piece;
            }
            return TRUE;
        }
        g_string_append_len(old, buffer, (gssize)n);
        if (!drop_lines(old, error))
            return FALSE;
    }
}

static gboolean
synchronise(UnixConn *conn, gint64 deadline_us, GError **error)
{
    gint64 id = ((gint64)g_random_int() << 20) ^ g_get_real_time();
    g_autoptr(GString) old = g_string_new(NULL);
    g_autofree char *line = NULL;

    id &= G_GINT64_CONSTANT(0x1FFFFFFFFFFFFF); /* exact as a double, for the sake of old agents */
    line = g_strdup_printf("%c{\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": "
                           "%" G_GINT64_FORMAT "}}\n",
                           DELIMITER, id);
    tn_frame_reset(conn->frame);
    conn->n_nudges = 0;
    conn->is_nudged = TRUE;
    if (!send_all(conn, line, strlen(line), deadline_us, error) ||
        !skip_to_delimiter(conn, old, deadline_us, error))
        return FALSE;
    /* The frame drops 0xFF and what stands before it, so a stale answer is only a wrong number. */
    for (;;) {
        g_autoptr(TnAnswer) reply = NULL;
        g_autoptr(GError) ignored = NULL;
        gint64 value = 0;

        if (receive_reply(conn, deadline_us, &reply, &ignored)) {
            if (tn_answer_get_int(reply, 0, "return", &value) && value == id)
                break;
        } else if (!g_error_matches(ignored, TN_FAILURE, TN_FAILURE_PROTOCOL)) {
            g_propagate_error(error, g_steal_pointer(&ignored));
            return FALSE;
        }
    }
    conn->is_synced = TRUE;
    return TRUE;
}

static gboolean
greet_unix(TnConn *base, gint64 deadline_us, GError **error)
{
    UnixConn *conn = (UnixConn *)base;

    return conn->is_synced || synchronise(conn, deadline_us, error);
}

static gboolean
send_unix(TnConn *base, const GString *request, gint64 deadline_us, GError **error)
{
    UnixConn *conn = (UnixConn *)base;
    gboolean is_sent = FALSE;

    if (!greet_unix(base, deadline_us, error))
        return FALSE;
    if (request->len < SHORT_BYTES) {
        /* One call, one wake-up of the agent. */
        char line[SHORT_BYTES + 1];

        memcpy(line, request->str, request->len);
        line[request->len] = '\n';
        is_sent = send_all(conn, line, request->len + 1, deadline_us, error);
    } else {
        is_sent = send_all(conn, request->str, request->len, deadline_us, error) &&
                  send_all(conn, "\n", 1, deadline_us, error);
    }
    conn->is_synced = is_sent;
    return is_sent;
}

static gboolean
receive_unix(TnConn *base, gint64 deadline_us, TnAnswer **ret_reply, GError **error)
{
    UnixConn *conn = (UnixConn *)base;

    for (; conn->n_nudges > 0; conn->n_nudges--) {
        g_autoptr(TnAnswer) ignored = NULL;

        conn->is_nudged = TRUE;
        if (!receive_reply(conn, deadline_us, &ignored, error)) {
            conn->is_synced = FALSE;
            return FALSE;
        }
    }
    conn->is_nudged = FALSE;
    if (receive_reply(conn, deadline_us, ret_reply, error))
        return TRUE;
    conn->is_synced = FALSE;
    return FALSE;
}

static gboolean
exchange_unix(TnConn *base, const GString *request, gint64 deadline_us, TnAnswer **ret_reply,
              GError **error)
{
    return send_unix(base, request, deadline_us, error) &&
           receive_unix(base, deadline_us, ret_reply, error);
}

static void
recycle_unix(TnConn *base, TnMessage *message)
{
    tn_frame_recycle(((UnixConn *)base)->frame, message);
}

static void
free_unix(TnConn *base)
{
    UnixConn *conn = (UnixConn *)base;

    if (conn->fd >= 0)
        close(conn->fd);
    tn_frame_free(conn->frame);
    g_free(conn->path);
    g_free(conn);
}

static const TnConnOps unix_ops = {
    .hello = greet_unix,
    .exchange = exchange_unix,
    .send = send_unix,
    .receive = receive_unix,
    .recycle = recycle_unix,
    .free = free_unix,
};

static gboolean
connect_path(UnixConn *conn, gint64 deadline_us, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(conn->path) >= sizeof(address.sun_path)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "path '%s' is too long for a socket",
                    conn->path);
        return FALSE;
    }
    memcpy(address.sun_path, conn->path, strlen(conn->path) + 1);
    /* EAGAIN: the listener's queue is full. */
    while (connect(conn->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno == EAGAIN && !tn_deadline_is_over(deadline_us)) {
            tn_deadline_pause(BUSY_RETRY_US, deadline_us);
        } else if (errno != EINTR) {
            g_set_error(error, TN_FAILURE,
                        errno == EAGAIN ? TN_FAILURE_AGENT_BUSY : TN_FAILURE_AGENT_ABSENT,
                        "connect to '%s': %s", conn->path, g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

TnConn *
tn_conn_unix_open(const char *path, gint64 deadline_us, GError **error)
{
    g_autoptr(TnConn) base = NULL;
    UnixConn *conn = g_new0(UnixConn, 1);

    base = &conn->base;
    base->ops = &unix_ops;
    base->request_max = TN_FRAME_MESSAGE_BYTES;
    base->reply_max = REPLY_MAX_BYTES;
    base->wait_max_ms = WAIT_MAX_MS;
    base->wake_fd = -1;
    conn->path = g_strdup(path);
    conn->frame = tn_frame_new(NULL);
    conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (conn->fd < 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "socket: %s", g_strerror(errno));
        return NULL;
    }
    if (!connect_path(conn, deadline_us, error))
        return NULL;
    return g_steal_pointer(&base);
}
