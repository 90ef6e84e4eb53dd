/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: the output of a job until its end, and its exit code. Whoever leaves (Ctrl-C) leaves the
 * job running.
 */

#include "client/duration.h"
#include "client/print.h"
#include "client/pump.h"
#include "client/verb.h"

#include <unistd.h>

static gboolean
sink_bytes(gpointer data, TnStream stream, const guint8 *bytes, gsize size, GError **error)
{
    return tn_verb_write(stream == TN_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes, size,
                         error);
}

static int
run_attach(const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_auto(TnFollow) follow = {.agent = agent, .sink = sink_bytes};
    TnPumpOptions pump = {.stdin_fd = -1, .follows = TRUE, .end_us = TN_DEADLINE_NEVER};
    gboolean is_done = FALSE;
    int signal = 0;
    int status = 0;

    if (agent == NULL || !tn_follow_find(&follow, invocation->args[1], error))
        return -1;
    tn_pump_block_signals(TRUE);
    is_done = tn_pump_run(&follow, &pump, &signal, error);
    tn_pump_block_signals(FALSE);
    if (!is_done)
        return -1;
    if (signal != 0) {
        tn_print_note(invocation->args[0], "job %" G_GINT64_FORMAT " goes on", follow.job);
        return 128 + signal;
    }
    return tn_follow_get_status(&follow, &status, error) ? status : -1;
}

const TnVerb tn_verb_attach = {
    .name = "attach",
    .synopsis = "ENDPOINT JOB",
    .doc = "print a job's output until its end and take its exit code",
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_attach,
};
