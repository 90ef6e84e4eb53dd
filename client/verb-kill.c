/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill: a signal for a job and everything that it started.
 */

#include "client/follow.h"
#include "client/verb.h"

typedef struct {
    const char *signal;
    gint64 grace_us;
} KillOptions;

static const TnOption kill_options[] = {
    {"signal", 's', TN_OPTION_STRING, offsetof(KillOptions, signal), "SIGNAL",
     "name or number (TERM)"},
    {"grace", 0, TN_OPTION_DURATION, offsetof(KillOptions, grace_us), "DURATION",
     "send KILL to what is left after that time"},
    {0},
};

static int
run_kill(const TnInvocation *invocation, GError **error)
{
    const KillOptions *options = invocation->options;
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_auto(TnFollow) follow = {.agent = agent};

    if (agent == NULL || !tn_follow_find(&follow, invocation->args[1], error) ||
        !tn_follow_signal(&follow, options->signal == NULL ? "TERM" : options->signal,
                          options->grace_us, error))
        return -1;
    return 0;
}

const TnVerb tn_verb_kill = {
    .name = "kill",
    .synopsis = "ENDPOINT JOB",
    .doc = "send a signal to a job and all that it started",
    .options = kill_options,
    .options_size = sizeof(KillOptions),
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_kill,
};
