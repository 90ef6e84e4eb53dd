/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The policy in force: asked by every request, exchanged as a whole. A TnPolicy is immutable; a
 * reload is another TnPolicy and one pointer, so that each reply fits exactly one version.
 *
 * A policy that cannot be read is not an empty one: it is sealed, and then only what a host needs
 * to find that out (sync, ping, info) and to get a frozen guest going again is allowed.
 */

#include "policy/policy.h"

#include "policy/explain.h"
#include "policy/holder.h"
#include "policy/load.h"
#include "policy/tree.h"

#include <string.h>
#include <unistd.h>

enum {
    HOST_CID = 2 /* VMADDR_CID_HOST */
};

G_DEFINE_QUARK(tn - policy - error - quark, tn_policy_error)

#define WHY_NOT_ALLOWED "the command is not allowed"
#define WHY_NO_POLICY \
    "the command is not allowed: no policy in /etc/tenon/policy.d allows it, see tenon-policy(5)"
#define WHY_SEALED "the command is not allowed: the guest's policy could not be read"

#define INTROSPECT_GROUP "@introspect"

static char *
copy_text(const char *text)
{
    return g_strdup(text);
}

/* A copy of everything that a reload needs again. */
static void
keep_options(TnPolicyHolder *holder, const TnPolicyOptions *options)
{
    TnPolicyOptions *kept = &holder->options;
    TnPolicyCommand *commands = g_new0(TnPolicyCommand, options->n_commands + 1);
    TnPolicyList *lists = g_new0(TnPolicyList, options->n_lists + 1);

    *kept = *options;
    for (gsize i = 0; i < options->n_commands; i++) {
        commands[i] = options->commands[i];
        commands[i].name = g_intern_string(options->commands[i].name);
        commands[i].group = g_intern_string(options->commands[i].group);
    }
    for (gsize i = 0; i < options->n_lists; i++) {
        lists[i] = options->lists[i];
        lists[i].origin = g_intern_string(options->lists[i].origin);
        lists[i].text = copy_text(options->lists[i].text);
        g_ptr_array_add(holder->texts, (gpointer)(guintptr)lists[i].text);
    }
    kept->commands = commands;
    kept->lists = lists;
    kept->policy_dir = g_intern_string(options->policy_dir);
    kept->audit_file = g_intern_string(options->audit_file);
    g_ptr_array_add(holder->texts, commands);
    g_ptr_array_add(holder->texts, lists);
}

TnPolicyHolder *
tn_policy_holder_new(const TnPolicyOptions *options, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    gboolean by_argv = FALSE;
    TnPolicy *policy = tn_load_policy(options, &by_argv, &wrong);
    TnPolicyHolder *holder;

    if (policy == NULL && by_argv) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    if (policy == NULL)
        policy = tn_load_sealed(options, wrong->message);
    holder = g_new0(TnPolicyHolder, 1);
    holder->texts = g_ptr_array_new_with_free_func(g_free);
    holder->current = policy;
    holder->quota = tn_quota_new();
    holder->sandboxes = tn_sandbox_cache_new();
    keep_options(holder, options);
    if (options->audit_file != NULL)
        holder->audit = tn_audit_new(NULL);
    tn_audit_set_frozen(holder->audit, policy, TRUE);
    tn_audit_load(holder->audit, policy, policy->sealed_reason);
    return holder;
}

void
tn_policy_holder_free(TnPolicyHolder *holder)
{
    if (holder == NULL)
        return;
    tn_policy_unref(holder->current);
    tn_quota_unref(holder->quota);
    tn_sandbox_cache_free(holder->sandboxes);
    tn_audit_free(holder->audit);
    g_ptr_array_unref(holder->texts);
    g_free(holder);
}

static void
swap_policy(TnPolicyHolder *holder, TnPolicy *take_policy)
{
    const TnPolicy *old = holder->current;

    take_policy->had_exec =
        old->had_exec || old->has_exec_rules || old->rules->policy->mode == TN_MODE_COMPAT;
    tn_policy_unref(holder->current);
    holder->current = take_policy;
}

gboolean
tn_policy_holder_reload(TnPolicyHolder *holder, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    gboolean by_argv;
    TnPolicy *policy = tn_load_policy(&holder->options, &by_argv, &wrong);

    if (policy != NULL) {
        swap_policy(holder, policy);
        tn_audit_load(holder->audit, policy, NULL);
        return TRUE;
    }
    /* A sealed agent stays sealed, with the newest reason. */
    if (holder->current->sealed_reason != NULL ||
        holder->current->rules->policy->on_reload_error == 1)
        swap_policy(holder, tn_load_sealed(&holder->options, wrong->message));
    else {
        g_free(holder->current->stale_reason);
        holder->current->stale_reason = g_strdup(wrong->message);
    }
    tn_audit_load(holder->audit, holder->current, wrong->message);
    g_propagate_error(error, g_steal_pointer(&wrong));
    return FALSE;
}

void
tn_policy_holder_set_frozen(TnPolicyHolder *holder, gboolean frozen)
{
    if (holder != NULL)
        tn_audit_set_frozen(holder->audit, holder->current, frozen);
}

gboolean
tn_policy_explain(const TnPolicyHolder *holder, const TnAction *action, char **ret_text)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean allowed = tn_explain_action(holder->current, action, text);

    *ret_text = holder->current->rules->policy->error_detail == TN_DETAIL_MINIMAL
                    ? NULL
                    : g_string_free(g_steal_pointer(&text), FALSE);
    return allowed;
}

void
tn_policy_note_disabled(TnPolicyHolder *holder, const TnAction *action, const char *why)
{
    g_auto(TnVerdict) verdict = {
        .kind = TN_VERDICT_DISABLED,
        .rule = "commands",
        .place = holder->current->rules->commands->base.place,
        .reason = g_strdup(why),
    };

    tn_audit_decision(holder->audit, holder->current, action, &verdict, NULL, 0);
}

const TnPolicy *
tn_policy_holder_get(const TnPolicyHolder *holder)
{
    return holder->current;
}

const TnPolicySettings *
tn_policy_get_settings(const TnPolicy *policy)
{
    return &policy->settings;
}

static gboolean
has_number(const GArray *numbers, guint32 number)
{
    for (guint i = 0; i < numbers->len; i++) {
        if (g_array_index(numbers, guint32, i) == number)
            return TRUE;
    }
    return FALSE;
}

gboolean
tn_policy_is_client_uid(const TnPolicy *policy, guint32 uid)
{
    if (uid == 0 || uid == geteuid())
        return TRUE;
    return policy->client_uids != NULL && has_number(policy->client_uids, uid);
}

gboolean
tn_policy_is_client_cid(const TnPolicy *policy, guint32 cid)
{
    if (policy->client_cids == NULL)
        return cid == HOST_CID;
    return has_number(policy->client_cids, cid);
}

const char *
tn_policy_get_sealed_reason(const TnPolicy *policy)
{
    return policy->sealed_reason;
}

const char *
tn_policy_get_stale_reason(const TnPolicy *policy)
{
    return policy->stale_reason;
}

const char *
tn_policy_get_source(const TnPolicy *policy)
{
    return policy->source;
}

const char *const *
tn_policy_get_warnings(const TnPolicy *policy)
{
    return (const char *const *)policy->warnings->pdata;
}

/* A rule about programs or files allows the family of commands that it needs. */
static gboolean
is_allowed_by_rules(const TnPolicy *policy, const TnPolicyCommand *command)
{
    if (g_strcmp0(command->group, "@exec") == 0)
        return policy->has_exec_rules || (policy->had_exec && !command->names_path);
    if (g_strcmp0(command->group, "@file-read") == 0 ||
        g_strcmp0(command->group, "@file-write") == 0)
        return policy->has_file_rules;
    return FALSE;
}

/* In mode locked a group alone runs nothing: the answer would be yes and every request denied. */
static gboolean
needs_rule(const TnPolicy *policy, const TnPolicyCommand *command)
{
    return policy->rules->policy->mode == TN_MODE_LOCKED &&
           (g_strcmp0(command->group, "@exec") == 0 ||
            g_strcmp0(command->group, "@file-read") == 0 ||
            g_strcmp0(command->group, "@file-write") == 0);
}

const char *
tn_policy_why_disabled(const TnPolicy *policy, const TnPolicyCommand *command, gboolean frozen)
{
    /* A guest that cannot be thawed is lost, whatever the lists say. */
    if (frozen && command->always)
        return NULL;
    if (frozen && !command->while_frozen)
        return WHY_NOT_ALLOWED;
    if (policy->sealed_reason != NULL)
        return command->while_sealed || command->always ? NULL : WHY_SEALED;
    if (!tn_lists_allow(policy->lists, command->name) ||
        (g_hash_table_size(policy->denied) > 0 &&
         g_hash_table_contains(policy->denied, command->name)))
        return WHY_NOT_ALLOWED;
    if (is_allowed_by_rules(policy, command))
        return NULL;
    /* What tells the host about the policy is never meant by "all". */
    if (policy->allowed == NULL && g_strcmp0(command->group, INTROSPECT_GROUP) == 0)
        return WHY_NOT_ALLOWED;
    if (policy->allowed == NULL ||
        (g_hash_table_contains(policy->allowed, command->name) && !needs_rule(policy, command)))
        return NULL;
    return policy->from_preset ? WHY_NO_POLICY : WHY_NOT_ALLOWED;
}
