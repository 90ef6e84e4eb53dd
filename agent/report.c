/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers of the command line that need what only the whole agent knows.
 */

#include "agent/report.h"

#include <stdio.h>

void
tn_report_names(const TnRegistry *registry)
{
    guint n_commands = 0;
    const TnPolicyCommand *commands = tn_registry_get_policy_commands(registry, &n_commands);

    for (guint i = 0; i < n_commands; i++)
        printf("%s\n", commands[i].name);
}

int
tn_report_policy(const TnPolicy *policy)
{
    const char *const *warnings = tn_policy_get_warnings(policy);
    const char *sealed = tn_policy_get_sealed_reason(policy);

    for (gsize i = 0; warnings[i] != NULL; i++)
        fprintf(stderr, "warning: %s\n", warnings[i]);
    if (sealed != NULL) {
        fprintf(stderr, "sealed: %s\n", sealed);
        return 2;
    }
    printf("the policy is in order: %s\n", tn_policy_get_source(policy));
    return 0;
}

void
tn_report_log_policy(const TnPolicy *policy)
{
    const char *const *warnings = tn_policy_get_warnings(policy);
    const char *sealed = tn_policy_get_sealed_reason(policy);

    for (gsize i = 0; warnings[i] != NULL; i++)
        g_warning("policy: %s", warnings[i]);
    if (sealed != NULL)
        g_critical("the policy is not in order, nearly everything is refused: %s", sealed);
    else
        g_info("the policy in force: %s", tn_policy_get_source(policy));
}

void
tn_report_reload_policy(TnPolicyHolder *holder)
{
    g_autoptr(GError) error = NULL;
    gboolean fine = tn_policy_holder_reload(holder, &error);
    const TnPolicy *policy = tn_policy_holder_get(holder);

    if (fine || tn_policy_get_sealed_reason(policy) != NULL)
        tn_report_log_policy(policy);
    else
        g_critical("the new policy is not in order, the last good one stays: %s", error->message);
}

void
tn_report_start_failure(TnStartStep step, const char *why)
{
    static const char *const lines[TN_START_N][2] = {
        [TN_START_DAEMON] = {"error initializing guest agent"},
        [TN_START_LOG] = {"error initializing guest agent"},
        [TN_START_STATE] = {"failed to load persistent state", "error initializing guest agent"},
        [TN_START_POLICY] = {"error initializing guest agent"},
        [TN_START_METHOD] = {"failed to initialize guest agent channel"},
        [TN_START_CHANNEL] = {"failed to create guest agent channel",
                              "failed to initialize guest agent channel"},
    };

    g_critical("%s", why);
    for (gsize i = 0; i < G_N_ELEMENTS(lines[step]) && lines[step][i] != NULL; i++)
        g_critical("%s", lines[step][i]);
}
