/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The policy in force: made from lists at start, asked by every request. A TnPolicy is immutable;
 * a change is another TnPolicy and one pointer, so that each reply fits exactly one version.
 *
 * A policy that cannot be read is not an empty one: it is sealed, and then only what a host needs
 * to find that out (sync, ping, info) and to get a frozen guest going again is allowed.
 */

#include "policy/policy.h"
#include "policy/program.h"
#include "policy/tree.h"

#include <unistd.h>

G_DEFINE_QUARK(tn - policy - error - quark, tn_policy_error)

#define WHY_NOT_ALLOWED "the command is not allowed"
#define WHY_SEALED      "the command is not allowed: the guest's policy could not be read"

/* Settings of a drop-in for qemu-ga (policy.h names each); freeze_limit 0 as qemu-ga has none. */
static const TnPolicySettings COMPAT_SETTINGS = {
    .max_children = 128,
    .max_handles = 1024,
    .max_output_total_bytes = 64 * 1024 * 1024,
    .exec_keep_count = 128,
    .exec_keep_bytes = 32 * 1024 * 1024,
    .exec_keep_us = 10 * 60 * G_USEC_PER_SEC,
    .max_begun_bytes = 128 * 1024 * 1024,
    .freeze_limit_us = 0,
    .thaw_foreign = TRUE,
    .account_system = TRUE,
    .signal_exitcode = TRUE,
};

static void
unref_policy(TnPolicy *policy)
{
    if (policy == NULL || !g_atomic_int_dec_and_test(&policy->n_refs))
        return;
    g_free(policy->sealed_reason);
    g_ptr_array_unref(policy->warnings);
    g_hash_table_unref(policy->commands);
    g_free(policy->command_rows);
    tn_lists_free(policy->lists);
    g_strfreev(policy->default_env);
    g_free(policy);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnPolicy, unref_policy)

static void
copy_commands(TnPolicy *policy, const TnPolicyOptions *options)
{
    policy->commands = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    policy->n_commands = options->n_commands;
    policy->command_rows = g_new0(TnPolicyCommand, options->n_commands + 1);
    for (gsize i = 0; i < options->n_commands; i++) {
        TnPolicyCommand *row = &policy->command_rows[i];

        *row = options->commands[i];
        row->name = g_intern_string(options->commands[i].name);
        row->group = g_intern_string(options->commands[i].group);
        g_hash_table_insert(policy->commands, g_strdup(row->name), row);
    }
}

/* FALSE only for a list of argv; a bad one from a file seals. */
static gboolean
take_lists(TnPolicy *policy, const TnPolicyOptions *options, GError **error)
{
    policy->lists = tn_lists_new();
    for (gsize i = 0; i < options->n_lists; i++) {
        const TnPolicyList *list = &options->lists[i];
        g_autoptr(GError) wrong = NULL;

        if (tn_lists_add(policy->lists, list, policy->commands, policy->warnings, &wrong))
            continue;
        if (!list->from_file) {
            g_propagate_error(error, g_steal_pointer(&wrong));
            return FALSE;
        }
        if (policy->sealed_reason == NULL)
            policy->sealed_reason = g_strdup(wrong->message);
    }
    return TRUE;
}

TnPolicyHolder *
tn_policy_holder_new(const TnPolicyOptions *options, GError **error)
{
    g_autoptr(TnPolicy) policy = g_new0(TnPolicy, 1);
    TnPolicyHolder *holder;
    TnUser user = {0};

    policy->n_refs = 1;
    policy->warnings = g_ptr_array_new_with_free_func(g_free);
    policy->settings = COMPAT_SETTINGS;
    copy_commands(policy, options);
    if (!take_lists(policy, options, error))
        return NULL;
    g_ptr_array_add(policy->warnings, NULL);
    tn_user_describe(geteuid(), &user);
    policy->default_env = tn_program_default_env(&user, TN_PROGRAM_SEARCH_PATH);
    tn_user_clear(&user);
    holder = g_new0(TnPolicyHolder, 1);
    holder->current = g_steal_pointer(&policy);
    holder->quota = tn_quota_new();
    return holder;
}

void
tn_policy_holder_free(TnPolicyHolder *holder)
{
    if (holder == NULL)
        return;
    unref_policy(holder->current);
    tn_quota_unref(holder->quota);
    g_free(holder);
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

const char *
tn_policy_get_sealed_reason(const TnPolicy *policy)
{
    return policy->sealed_reason;
}

const char *const *
tn_policy_get_warnings(const TnPolicy *policy)
{
    return (const char *const *)policy->warnings->pdata;
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
    return tn_lists_allow(policy->lists, command->name) ? NULL : WHY_NOT_ALLOWED;
}
