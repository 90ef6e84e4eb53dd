/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping: does an agent answer, and how fast.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

static int
run_ping(const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_autoptr(TnAnswer) reply = NULL;
    gint64 start_us = 0;
    double ms = 0;
    guint at = 0;

    if (agent == NULL)
        return -1;
    start_us = g_get_monotonic_time();
    reply = tn_dial_simple(agent, "guest-ping", &at, error);
    if (reply == NULL)
        return -1;
    ms = (double)(g_get_monotonic_time() - start_us) / 1000.0;
    if (invocation->globals->is_json)
        printf("{\"answered\": true, \"duration-ms\": %.3f}\n", ms);
    else if (!invocation->globals->is_quiet)
        printf("%s answers (%.1f ms)\n", tn_dial_get_endpoint(agent)->text, ms);
    return 0;
}

const TnVerb tn_verb_ping = {
    .name = "ping",
    .synopsis = "ENDPOINT",
    .doc = "ask whether the agent answers",
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_ping,
};
