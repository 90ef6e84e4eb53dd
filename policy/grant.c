/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Grants: authority as a value. A handler gets the sealed plan of what it may start; the charge
 * that was taken for it goes back with the last reference.
 */

#include "policy/fileplan.h"
#include "policy/policy.h"
#include "policy/program.h"
#include "policy/tree.h"

#include <string.h>

enum {
    DEFAULT_UMASK = 022,
    KILL_GRACE_US = 2 * G_USEC_PER_SEC
};

struct TnGrant {
    gint n_refs;
    TnSpawnPlan *plan;
    TnOpenPlan *open_plan;
    TnOpenPlan *to_plan;
    TnQuota *quota; /* holds the charge of one child; NULL: none was taken */
};

/* glib's "argv[0] is what was asked for", so that programs which look at it see no difference. */
static char **
build_argv(const TnAction *action)
{
    gsize n = 0;
    char **argv;

    while (action->argv != NULL && action->argv[n] != NULL)
        n++;
    argv = g_new0(char *, n + 2);
    argv[0] = g_strdup(action->path);
    for (gsize i = 0; i < n; i++)
        argv[i + 1] = g_strdup(action->argv[i]);
    return argv;
}

static TnSpawnPlan *
plan_child(const TnPolicy *policy, const TnAction *action, GError **error)
{
    g_autofree char *path = tn_program_find(action->path, TN_PROGRAM_SEARCH_PATH, error);
    TnSpawnSpec *spec;

    if (path == NULL)
        return NULL;
    spec = tn_spawn_spec_new();
    spec->path = g_steal_pointer(&path);
    spec->argv = build_argv(action);
    spec->envp =
        action->env != NULL ? tn_program_filter_env(action->env) : g_strdupv(policy->default_env);
    spec->cwd = g_strdup(action->cwd);
    spec->umask = DEFAULT_UMASK;
    spec->timeout_us = action->timeout_ms > 0 ? action->timeout_ms * 1000 : 0;
    spec->grace_us = KILL_GRACE_US;
    spec->output_max_bytes = action->output_max_bytes > 0 ? (guint64)action->output_max_bytes : 0;
    return tn_spawn_plan_seal(spec);
}

static gboolean
check_action(const TnPolicy *policy, const TnAction *action, GError **error)
{
    const TnPolicyCommand *command = g_hash_table_lookup(policy->commands, action->command);
    const char *why = command != NULL ? tn_policy_why_disabled(policy, command, action->frozen)
                                      : "the policy does not know it";

    if (why != NULL) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DISABLED,
                    "Command %s has been disabled: %s", action->command, why);
        return FALSE;
    }
    if (action->user != NULL) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                    "user '%s': Operation not permitted", action->user);
        return FALSE;
    }
    if (action->timeout_ms < 0 || action->timeout_ms > G_MAXINT64 / 1000) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED, "timeout is out of range");
        return FALSE;
    }
    return TRUE;
}

static gboolean
plan_files(TnGrant *grant, const TnPolicy *policy, const TnAction *action, GError **error)
{
    grant->open_plan = tn_fileplan_make(policy, action, action->path, error);
    if (grant->open_plan == NULL)
        return FALSE;
    if (action->to != NULL)
        grant->to_plan = tn_fileplan_make(policy, action, action->to, error);
    return action->to == NULL || grant->to_plan != NULL;
}

TnGrant *
tn_policy_grant(TnPolicyHolder *holder, const TnAction *action, GError **error)
{
    const TnPolicy *policy = holder->current;
    g_autoptr(TnGrant) grant = g_new0(TnGrant, 1);

    grant->n_refs = 1;
    if (!check_action(policy, action, error))
        return NULL;
    if (action->path == NULL || action->group == NULL)
        return g_steal_pointer(&grant);
    if (g_str_has_prefix(action->group, "@file-"))
        return plan_files(grant, policy, action, error) ? g_steal_pointer(&grant) : NULL;
    if (strcmp(action->group, "@exec") != 0)
        return g_steal_pointer(&grant);
    grant->plan = plan_child(policy, action, error);
    if (grant->plan == NULL)
        return NULL;
    if (!tn_quota_charge_child(holder->quota, policy->settings.max_children, error)) {
        g_prefix_error(error, "Failed to execute child process “%s”: ", action->path);
        return NULL;
    }
    grant->quota = tn_quota_ref(holder->quota);
    return g_steal_pointer(&grant);
}

TnGrant *
tn_grant_ref(TnGrant *grant)
{
    g_atomic_int_inc(&grant->n_refs);
    return grant;
}

void
tn_grant_unref(TnGrant *grant)
{
    if (grant == NULL || !g_atomic_int_dec_and_test(&grant->n_refs))
        return;
    if (grant->quota != NULL)
        tn_quota_release_child(grant->quota);
    tn_quota_unref(grant->quota);
    tn_spawn_plan_unref(grant->plan);
    tn_open_plan_unref(grant->open_plan);
    tn_open_plan_unref(grant->to_plan);
    g_free(grant);
}

const TnSpawnPlan *
tn_grant_get_spawn_plan(const TnGrant *grant)
{
    return grant->plan;
}

const TnOpenPlan *
tn_grant_get_open_plan(const TnGrant *grant)
{
    return grant->open_plan;
}

const TnOpenPlan *
tn_grant_get_to_plan(const TnGrant *grant)
{
    return grant->to_plan;
}
