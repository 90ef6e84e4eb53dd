/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-exec and guest-exec-status. A stock agent answers a status request at once and forgets the
 * program once its end was told, so the end is asked for with a growing pause and its reply is the
 * only copy of the output. Deliberately not here: jobs (offsets, live output, signals).
 */

#include "client/run.h"

#include "client/duration.h"
#include "client/failure.h"

#define FIRST_PAUSE_US G_GINT64_CONSTANT(5000)
#define LAST_PAUSE_US  G_GINT64_CONSTANT(500000)
#define SIGNAL_MAX     64
#define PID_MAX        G_MAXINT32

void
tn_run_result_clear(TnRunResult *result)
{
    g_clear_pointer(&result->reply, tn_answer_free);
}

int
tn_run_get_status(int exit_code, int signal)
{
    return signal > 0 ? 128 + signal : exit_code;
}

gboolean
tn_run_check_texts(const char *what, const char *const *values, GError **error)
{
    for (gsize i = 0; values != NULL && values[i] != NULL; i++) {
        if (!g_utf8_validate(values[i], -1, NULL)) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                        "%s %" G_GSIZE_FORMAT " is not UTF-8, which the agents' protocol cannot "
                        "carry",
                        what, i + 1);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
start_program(TnAgent *agent, const TnRunSpec *spec, gint64 *ret_pid, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-exec");
    g_autoptr(TnAnswer) reply = NULL;
    const char *const path[] = {spec->path, NULL};
    guint at = 0;

    if (!tn_run_check_texts("program", path, error) ||
        !tn_run_check_texts("argument", spec->args, error) ||
        !tn_run_check_texts("environment entry", spec->env, error))
        return FALSE;
    tn_ask_add_string(ask, "path", spec->path);
    tn_ask_add_strings(ask, "arg", spec->args);
    tn_ask_add_secret_strings(ask, "env", spec->env);
    if (spec->input != NULL)
        tn_ask_add_bytes(ask, "input-data", spec->input, spec->input_size);
    tn_ask_add_bool(ask, "capture-output", !spec->is_detached);
    reply = tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (reply == NULL)
        return FALSE;
    if (!tn_answer_get_int(reply, at, "pid", ret_pid) || *ret_pid <= 0 || *ret_pid > PID_MAX) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: guest-exec gave no pid");
        return FALSE;
    }
    return TRUE;
}

/* Asks once; *RET_REPLY stays NULL while the program runs. */
static gboolean
ask_status(TnAgent *agent, gint64 pid, TnAnswer **ret_reply, guint *ret_at, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-exec-status");
    g_autoptr(TnAnswer) reply = NULL;
    gboolean has_exited = FALSE;

    tn_ask_add_int(ask, "pid", pid);
    reply = tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, ret_at, error);
    if (reply == NULL)
        return FALSE;
    if (!tn_answer_get_bool(reply, *ret_at, "exited", &has_exited)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: guest-exec-status does not say whether it exited");
        return FALSE;
    }
    if (has_exited)
        *ret_reply = g_steal_pointer(&reply);
    return TRUE;
}

static gboolean
wait_for_end(TnAgent *agent, gint64 pid, TnAnswer **ret_reply, guint *ret_at, GError **error)
{
    gint64 deadline_us = tn_dial_get_deadline(agent);
    gint64 pause_us = FIRST_PAUSE_US;

    for (;;) {
        if (!ask_status(agent, pid, ret_reply, ret_at, error))
            return FALSE;
        if (*ret_reply != NULL)
            return TRUE;
        if (tn_deadline_is_over(deadline_us)) {
            g_autofree char *time = tn_duration_format(tn_dial_get_timeout(agent));

            g_set_error(error, TN_FAILURE, TN_FAILURE_TIMEOUT, "timed out after %s", time);
            return FALSE;
        }
        tn_deadline_pause(pause_us, deadline_us);
        pause_us = MIN(pause_us + pause_us / 2, LAST_PAUSE_US);
    }
}

static gboolean
read_result(TnRunResult *result, guint at, GError **error)
{
    TnAnswer *reply = result->reply;
    gint64 exit_code = -1;
    gint64 signal = 0;
    gboolean has_signal = tn_answer_get_int(reply, at, "signal", &signal);

    if ((has_signal && (signal < 1 || signal > SIGNAL_MAX)) ||
        (!has_signal && (!tn_answer_get_int(reply, at, "exitcode", &exit_code) || exit_code < 0 ||
                         exit_code > 255))) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: neither an exit code nor a signal");
        return FALSE;
    }
    result->signal = (int)signal;
    result->exit_code = has_signal ? -1 : (int)exit_code;
    (void)tn_answer_get_bool(reply, at, "out-truncated", &result->is_out_cut);
    (void)tn_answer_get_bool(reply, at, "err-truncated", &result->is_err_cut);
    return tn_answer_get_bytes(reply, at, "out-data", &result->out, &result->out_size, error) &&
           tn_answer_get_bytes(reply, at, "err-data", &result->err, &result->err_size, error);
}

gboolean
tn_run_program(TnAgent *agent, const TnRunSpec *spec, TnRunResult *ret_result, GError **error)
{
    g_auto(TnRunResult) result = {0};
    gint64 start_us = g_get_monotonic_time();
    guint at = 0;

    if (!start_program(agent, spec, &result.pid, error))
        return FALSE;
    if (spec->is_detached) {
        ret_result->pid = result.pid;
        return TRUE;
    }
    if (!wait_for_end(agent, result.pid, &result.reply, &at, error)) {
        g_autofree char *more =
            g_strdup_printf("; pid %" G_GINT64_FORMAT " goes on in the guest", result.pid);

        if (error != NULL) {
            char *message = g_strconcat((*error)->message, more, NULL);

            g_free((*error)->message);
            (*error)->message = message;
        }
        return FALSE;
    }
    result.duration_us = g_get_monotonic_time() - start_us;
    if (!read_result(&result, at, error))
        return FALSE;
    *ret_result = result;
    result.reply = NULL;
    return TRUE;
}
