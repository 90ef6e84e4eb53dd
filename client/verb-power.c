/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power: off, reboot, suspend. The agents answer these with an error or not at all, so what is seen
 * is what counts: an agent that goes away. Deliberately not here: pulling the plug, which is the
 * hypervisor's.
 */

#include "client/duration.h"
#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <string.h>

#define OFF_US   G_GINT64_CONSTANT(60000000) /* for a guest to go down */
#define QUIET_US G_GINT64_CONSTANT(10000000) /* an error would have come by then */

typedef struct {
    const char *mode;
} PowerOptions;

static const TnOption power_options[] = {
    {"mode", 0, TN_OPTION_STRING, offsetof(PowerOptions, mode), "ram|disk|hybrid",
     "suspend: where to (ram)"},
    {0},
};

static const struct {
    const char *name;
    const char *command;
    const char *mode;   /* argument of guest-shutdown */
    const char *option; /* of --mode that chooses this row; NULL: none */
    gboolean must_go;   /* the agent is to be seen going away */
} actions[] = {
    {"off", "guest-shutdown", "powerdown", NULL, TRUE},
    {"reboot", "guest-shutdown", "reboot", NULL, FALSE},
    {"suspend", "guest-suspend-ram", NULL, "ram", FALSE},
    {"suspend", "guest-suspend-disk", NULL, "disk", TRUE},
    {"suspend", "guest-suspend-hybrid", NULL, "hybrid", FALSE},
};

static gboolean
find_action(const TnInvocation *invocation, gsize *ret_index, GError **error)
{
    const PowerOptions *options = invocation->options;
    gboolean is_suspend = strcmp(invocation->args[0], "suspend") == 0;
    const char *wanted = !is_suspend             ? options->mode
                         : options->mode == NULL ? "ram"
                                                 : options->mode;

    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i].name, invocation->args[0]) == 0 &&
            g_strcmp0(actions[i].option, wanted) == 0) {
            *ret_index = i;
            return TRUE;
        }
    }
    g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                        "write power off, reboot or suspend [--mode ram|disk|hybrid]");
    return FALSE;
}

/* TRUE for a failure that means that the agent has gone. */
static gboolean
has_gone(const GError *error)
{
    return g_error_matches(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST);
}

static int
run_power(const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAgent) agent = NULL;
    g_autoptr(TnAsk) ask = NULL;
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(GError) silence = NULL;
    gsize action = 0;
    guint at = 0;

    if (!find_action(invocation, &action, error))
        return -1;
    agent = tn_verb_open_endpoint(invocation, invocation->args[1], error);
    if (agent == NULL)
        return -1;
    ask = tn_ask_new(actions[action].command);
    if (actions[action].mode != NULL)
        tn_ask_add_string(ask, "mode", actions[action].mode);
    answer = tn_dial_send(agent, ask, actions[action].must_go ? OFF_US : QUIET_US, &at, &silence);
    /* An agent that answers success has taken it; it should not, but some do. */
    if (answer != NULL || has_gone(silence))
        return 0;
    if (g_error_matches(silence, TN_FAILURE, TN_FAILURE_AGENT_ABSENT) && !actions[action].must_go) {
        if (!invocation->globals->is_quiet)
            tn_print_note(NULL,
                          "the guest has not refused; what it does now is not seen from here");
        return 0;
    }
    if (g_error_matches(silence, TN_FAILURE, TN_FAILURE_AGENT_ABSENT)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TIMEOUT,
                            "the guest has not refused, but was not seen going down");
        return -1;
    }
    g_propagate_error(error, g_steal_pointer(&silence));
    return -1;
}

const TnVerb tn_verb_power = {
    .name = "power",
    .synopsis = "off|reboot|suspend ENDPOINT",
    .doc = "shut the guest down, start it anew, or suspend it",
    .options = power_options,
    .options_size = sizeof(PowerOptions),
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_power,
};
