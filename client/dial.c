/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls with deadlines. It tells two kinds of silence apart: the user's own time is over (exit code
 * 124), or the agent does not answer (125). Deliberately not here: what any command means.
 */

#include "client/dial.h"

#include "client/duration.h"
#include "client/failure.h"

#include <errno.h>
#include <string.h>

#define RETRY_US         G_GINT64_CONSTANT(200000)
#define DEPTH            4 /* hides a round trip behind the work on others */
#define PIECE_MAX_BYTES  ((gsize)1 << 20)
#define ENVELOPE_BYTES   8192 /* names, a path of 4096 bytes and its escapes */
#define TRACE_STRING_MAX 1024

struct TnAgent {
    TnEndpoint *endpoint;
    TnConn *conn;
    TnDialOptions options; /* its texts are borrowed */
    gint64 timeout_us;
    gint64 deadline_us;
    int wake_fd;
    guint n_begun;  /* requests under way */
    GQueue waiting; /* of GString: begun, where the way carries one at a time */
    FILE *trace;
    gint64 start_us;
};

G_GNUC_PRINTF(2, 3)
static void
trace_line(TnAgent *agent, const char *format, ...)
{
    va_list args;

    if (agent->trace == NULL)
        return;
    fprintf(agent->trace, "%.6f ", (double)(g_get_monotonic_time() - agent->start_us) / 1e6);
    va_start(args, format);
    vfprintf(agent->trace, format, args);
    va_end(args);
    fputc('\n', agent->trace);
    fflush(agent->trace);
}

static void
trace_reply(TnAgent *agent, const TnAnswer *reply)
{
    g_autoptr(GString) text = NULL;

    if (agent->trace == NULL)
        return;
    text = g_string_new(NULL);
    tn_answer_append_json(reply, 0, TRACE_STRING_MAX, text);
    trace_line(agent, "< %s", text->str);
}

static void
set_timeout_error(const TnAgent *agent, GError **error)
{
    g_autofree char *time = tn_duration_format(agent->timeout_us);

    g_clear_error(error);
    g_set_error(error, TN_FAILURE, TN_FAILURE_TIMEOUT, "timed out after %s", time);
}

/* A connection's time-out means one of two things; *ERROR is replaced accordingly. */
static void
explain_silence(const TnAgent *agent, gint64 answer_us, GError **error)
{
    g_autofree char *time = NULL;

    if (error == NULL || !g_error_matches(*error, TN_FAILURE, TN_FAILURE_TIMEOUT))
        return;
    if (tn_deadline_is_over(agent->deadline_us)) {
        set_timeout_error(agent, error);
        return;
    }
    time = tn_duration_format(answer_us);
    g_clear_error(error);
    g_set_error(error, TN_FAILURE, TN_FAILURE_AGENT_ABSENT, "the agent did not answer within %s",
                time);
}

/* One try to reach the agent. With SHALL_PING it must really have answered. */
static gboolean
reach_agent(TnAgent *agent, const TnDialOptions *options, gboolean shall_ping, GError **error)
{
    gint64 deadline_us =
        MIN(agent->deadline_us, tn_deadline_after(MAX(options->connect_timeout_us, 0)));
    g_autoptr(TnConn) conn =
        tn_conn_open(agent->endpoint, options->libvirt_uri, deadline_us, error);

    if (conn == NULL || !tn_conn_hello(conn, deadline_us, error))
        return FALSE;
    if (shall_ping) {
        g_autoptr(GString) ping = g_string_new("{\"execute\": \"guest-ping\"}");
        g_autoptr(TnAnswer) reply = NULL;

        if (!tn_conn_exchange(conn, ping, deadline_us, &reply, error))
            return FALSE;
    }
    tn_conn_set_wake(conn, agent->wake_fd);
    agent->conn = g_steal_pointer(&conn);
    return TRUE;
}

static gboolean
may_appear(const GError *error)
{
    return g_error_matches(error, TN_FAILURE, TN_FAILURE_AGENT_ABSENT) ||
           g_error_matches(error, TN_FAILURE, TN_FAILURE_AGENT_BUSY) ||
           g_error_matches(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST);
}

static gboolean
reach_agent_patiently(TnAgent *agent, const TnDialOptions *options, GError **error)
{
    gboolean is_waiting = options->wait_agent_us >= 0;
    gint64 end_us =
        is_waiting ? MIN(agent->deadline_us, tn_deadline_after(options->wait_agent_us)) : 0;

    for (;;) {
        g_autoptr(GError) try_error = NULL;

        if (reach_agent(agent, options, is_waiting, &try_error))
            return TRUE;
        explain_silence(agent, options->connect_timeout_us, &try_error);
        if (!is_waiting || !may_appear(try_error)) {
            g_propagate_error(error, g_steal_pointer(&try_error));
            return FALSE;
        }
        if (tn_deadline_is_over(agent->deadline_us)) {
            set_timeout_error(agent, error);
            return FALSE;
        }
        if (tn_deadline_is_over(end_us)) {
            g_autofree char *time = tn_duration_format(options->wait_agent_us);

            g_propagate_error(error, g_steal_pointer(&try_error));
            g_prefix_error(error, "no agent within %s: ", time);
            return FALSE;
        }
        tn_deadline_pause(RETRY_US, end_us);
    }
}

TnAgent *
tn_dial_open(const TnDialOptions *options, GError **error)
{
    g_autoptr(TnAgent) agent = g_new0(TnAgent, 1);

    agent->start_us = g_get_monotonic_time();
    agent->options = *options;
    agent->wake_fd = -1;
    agent->timeout_us = options->timeout_us;
    agent->deadline_us = tn_deadline_after(options->timeout_us);
    agent->endpoint = tn_endpoint_parse(options->endpoint, error);
    if (agent->endpoint == NULL)
        return NULL;
    if (options->trace_path != NULL) {
        agent->trace = fopen(options->trace_path, "ae");
        if (agent->trace == NULL) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "open '%s': %s", options->trace_path,
                        g_strerror(errno));
            return NULL;
        }
    }
    if (!reach_agent_patiently(agent, options, error))
        return NULL;
    return g_steal_pointer(&agent);
}

static void
free_text(gpointer text)
{
    g_string_free(text, TRUE);
}

static void
drop_begun(TnAgent *agent)
{
    g_queue_clear_full(&agent->waiting, free_text);
    agent->n_begun = 0;
}

gboolean
tn_dial_again(TnAgent *agent, gint64 limit_us, GError **error)
{
    TnDialOptions options = agent->options;

    options.wait_agent_us = limit_us;
    trace_line(agent, "! connecting again");
    drop_begun(agent);
    g_clear_pointer(&agent->conn, tn_conn_free);
    return reach_agent_patiently(agent, &options, error);
}

void
tn_dial_close(TnAgent *agent)
{
    if (agent == NULL)
        return;
    drop_begun(agent);
    tn_conn_free(agent->conn);
    tn_endpoint_free(agent->endpoint);
    if (agent->trace != NULL)
        fclose(agent->trace);
    g_free(agent);
}

static gboolean
check_connected(const TnAgent *agent, GError **error)
{
    if (agent->conn != NULL)
        return TRUE;
    g_set_error_literal(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST, "connection lost");
    return FALSE;
}

static void
pass_failure(TnAgent *agent, gint64 answer_us, GError *take_failure, GError **error)
{
    explain_silence(agent, answer_us, &take_failure);
    trace_line(agent, "! %s: %s", tn_failure_get_reason(take_failure), take_failure->message);
    g_propagate_error(error, take_failure);
}

static TnAnswer *
exchange_text(TnAgent *agent, const GString *text, gint64 answer_us, GError **error)
{
    gint64 deadline_us = MIN(agent->deadline_us, tn_deadline_after(answer_us));
    g_autoptr(GError) exchange_error = NULL;
    TnAnswer *reply = NULL;

    if (!check_connected(agent, error))
        return NULL;
    if (!tn_conn_exchange(agent->conn, text, deadline_us, &reply, &exchange_error)) {
        pass_failure(agent, answer_us, g_steal_pointer(&exchange_error), error);
        return NULL;
    }
    trace_reply(agent, reply);
    return reply;
}

TnAnswer *
tn_dial_send(TnAgent *agent, TnAsk *ask, gint64 answer_us, guint *ret_at, GError **error)
{
    g_autoptr(TnAnswer) reply = NULL;

    trace_line(agent, "> %s", tn_ask_get_shown(ask));
    reply = exchange_text(agent, tn_ask_get_text(ask), answer_us, error);
    if (reply == NULL || !tn_answer_unwrap(reply, ret_at, error))
        return NULL;
    return g_steal_pointer(&reply);
}

gboolean
tn_dial_begin(TnAgent *agent, TnAsk *ask, GError **error)
{
    gint64 deadline_us = MIN(agent->deadline_us, tn_deadline_after(TN_DIAL_ANSWER_US));
    const GString *text = tn_ask_get_text(ask);
    GError *failure = NULL;

    if (!check_connected(agent, error))
        return FALSE;
    trace_line(agent, "> %s", tn_ask_get_shown(ask));
    if (!tn_conn_can_overlap(agent->conn)) {
        g_queue_push_tail(&agent->waiting, g_string_new_len(text->str, (gssize)text->len));
    } else if (!tn_conn_send(agent->conn, text, deadline_us, &failure)) {
        drop_begun(agent);
        pass_failure(agent, TN_DIAL_ANSWER_US, failure, error);
        return FALSE;
    }
    agent->n_begun++;
    return TRUE;
}

static TnAnswer *
receive_begun(TnAgent *agent, gint64 answer_us, GError **error)
{
    gint64 deadline_us = MIN(agent->deadline_us, tn_deadline_after(answer_us));
    TnAnswer *answer = NULL;
    GError *failure = NULL;

    if (agent->waiting.length > 0) {
        GString *text = g_queue_pop_head(&agent->waiting);

        answer = exchange_text(agent, text, answer_us, error);
        g_string_free(text, TRUE);
        return answer;
    }
    if (!check_connected(agent, error))
        return NULL;
    if (!tn_conn_receive(agent->conn, deadline_us, &answer, &failure)) {
        pass_failure(agent, answer_us, failure, error);
        return NULL;
    }
    trace_reply(agent, answer);
    return answer;
}

TnAnswer *
tn_dial_finish(TnAgent *agent, gint64 answer_us, guint *ret_at, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;

    g_assert(agent->n_begun > 0);
    agent->n_begun--;
    answer = receive_begun(agent, answer_us, error);
    if (answer == NULL) {
        if (agent->waiting.length == 0)
            drop_begun(agent);
        return NULL;
    }
    return tn_answer_unwrap(answer, ret_at, error) ? g_steal_pointer(&answer) : NULL;
}

void
tn_dial_recycle(TnAgent *agent, TnAnswer *take_answer)
{
    if (agent->conn != NULL)
        tn_conn_recycle(agent->conn, take_answer);
    else
        tn_answer_free(take_answer);
}

void
tn_dial_abandon(TnAgent *agent)
{
    g_queue_clear_full(&agent->waiting, free_text);
    if (agent->conn == NULL || !tn_conn_can_overlap(agent->conn))
        agent->n_begun = 0;
    while (agent->n_begun > 0) {
        guint at = 0;
        g_autoptr(GError) ignored = NULL;
        g_autoptr(TnAnswer) answer = tn_dial_finish(agent, TN_DIAL_ANSWER_US, &at, &ignored);

        if (answer == NULL && ignored != NULL)
            g_debug("abandoned: %s", ignored->message);
    }
}

guint
tn_dial_get_depth(const TnAgent *agent)
{
    return agent->conn != NULL && tn_conn_can_overlap(agent->conn) ? DEPTH : 1;
}

TnAnswer *
tn_dial_simple(TnAgent *agent, const char *command, guint *ret_at, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new(command);

    return tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, ret_at, error);
}

TnAnswer *
tn_dial_send_raw(TnAgent *agent, const GString *text, GError **error)
{
    /* The user's own text may hold a secret in any place. */
    trace_line(agent, "> <raw request of %" G_GSIZE_FORMAT " bytes>", text->len);
    return exchange_text(agent, text, TN_DIAL_PATIENT, error);
}

void
tn_dial_set_wake(TnAgent *agent, int fd)
{
    agent->wake_fd = fd;
    if (agent->conn != NULL)
        tn_conn_set_wake(agent->conn, fd);
}

void
tn_dial_extend(TnAgent *agent, gint64 us)
{
    if (us < 0)
        agent->deadline_us = TN_DEADLINE_NEVER;
    else if (agent->deadline_us != TN_DEADLINE_NEVER)
        agent->deadline_us += us;
}

gint64
tn_dial_get_deadline(const TnAgent *agent)
{
    return agent->deadline_us;
}

gint64
tn_dial_get_timeout(const TnAgent *agent)
{
    return agent->timeout_us;
}

const TnEndpoint *
tn_dial_get_endpoint(const TnAgent *agent)
{
    return agent->endpoint;
}

gsize
tn_dial_get_request_max(const TnAgent *agent)
{
    return agent->conn->request_max;
}

gsize
tn_dial_get_reply_max(const TnAgent *agent)
{
    return agent->conn->reply_max;
}

gsize
tn_dial_get_piece(const TnAgent *agent)
{
    return MIN(PIECE_MAX_BYTES, (agent->conn->request_max - ENVELOPE_BYTES) / 4 * 3);
}

gint64
tn_dial_get_wait_max_ms(const TnAgent *agent)
{
    return agent->conn->wait_max_ms;
}
