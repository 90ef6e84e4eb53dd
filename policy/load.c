/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Loading. Either everything that was written is taken, or nothing: there is no policy that is made
 * of the files that happened to be right.
 */

#include "policy/load.h"

#include "policy/compile.h"
#include "policy/dropin.h"
#include "policy/presets.h"
#include "policy/rules-check.h"

#include <string.h>

TnPolicy *
tn_policy_ref(TnPolicy *policy)
{
    g_atomic_int_inc(&policy->n_refs);
    return policy;
}

void
tn_policy_unref(TnPolicy *policy)
{
    if (policy == NULL || !g_atomic_int_dec_and_test(&policy->n_refs))
        return;
    g_free(policy->sealed_reason);
    g_free(policy->stale_reason);
    g_free(policy->source);
    g_free(policy->digest);
    g_ptr_array_unref(policy->warnings);
    g_clear_pointer(&policy->client_uids, g_array_unref);
    g_clear_pointer(&policy->client_cids, g_array_unref);
    g_hash_table_unref(policy->commands);
    g_free(policy->command_rows);
    g_clear_pointer(&policy->allowed, g_hash_table_unref);
    g_clear_pointer(&policy->denied, g_hash_table_unref);
    g_clear_pointer(&policy->by_program, g_hash_table_unref);
    g_clear_pointer(&policy->exec_rules, g_ptr_array_unref);
    g_clear_pointer(&policy->file_rules, g_ptr_array_unref);
    tn_compile_free_rule(policy->exec_default);
    tn_lists_free(policy->lists);
    tn_rules_free(policy->rules);
    g_free(policy);
}

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

static TnPolicy *
make_empty(const TnPolicyOptions *options)
{
    TnPolicy *policy = g_new0(TnPolicy, 1);

    policy->n_refs = 1;
    policy->warnings = g_ptr_array_new_with_free_func(g_free);
    policy->rules = tn_rules_new();
    policy->lists = tn_lists_new();
    copy_commands(policy, options);
    return policy;
}

#define PRESET_MARK "preset:"

/* The preset that was named on the command line, or NULL. */
static const char *
get_named_preset(const TnPolicyOptions *options)
{
    if (options->policy_dir == NULL || !g_str_has_prefix(options->policy_dir, PRESET_MARK))
        return NULL;
    return options->policy_dir + strlen(PRESET_MARK);
}

static gboolean
add_preset(TnPolicy *policy, const char *name, GChecksum *checksum, GError **error)
{
    const char *text = tn_presets_find(name);
    g_autofree char *file = g_strdup_printf("preset:%s", name);

    if (text == NULL) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, "there is no preset %.64s",
                    name);
        return FALSE;
    }
    policy->from_preset = TRUE;
    policy->source = g_strdup_printf("preset %s", name);
    g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
    return tn_rules_add(policy->rules, file, text, strlen(text), error);
}

static gboolean
add_files(TnPolicy *policy, const TnPolicyOptions *options, GError **error)
{
    const char *preset = get_named_preset(options);
    g_autoptr(GPtrArray) dropins =
        preset != NULL ? g_ptr_array_new() : tn_dropin_load(options->policy_dir, error);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

    if (dropins == NULL)
        return FALSE;
    if (dropins->len == 0) {
        if (preset == NULL)
            preset = options->compat ? "compat" : "standard";
        if (!add_preset(policy, preset, checksum, error))
            return FALSE;
    } else {
        policy->source = g_strdup_printf("%u file%s", dropins->len, dropins->len == 1 ? "" : "s");
    }
    for (guint i = 0; i < dropins->len; i++) {
        const TnDropin *dropin = g_ptr_array_index(dropins, i);

        g_checksum_update(checksum, (const guchar *)dropin->text, (gssize)dropin->size);
        if (!tn_rules_add(policy->rules, dropin->path, dropin->text, dropin->size, error))
            return FALSE;
    }
    policy->digest = g_strdup(g_checksum_get_string(checksum));
    return tn_rules_finish(policy->rules, policy->commands, error);
}

/* Lists by argv always hold; those from qemu-ga's files only where qemu-ga is what is replaced. A
 * lenient policy takes a block list with a wrong name as far as it goes, an allow list never. */
static gboolean
take_lists(TnPolicy *policy, const TnPolicyOptions *options, gboolean *ret_by_argv, GError **error)
{
    gboolean imports = options->compat || policy->rules->policy->mode == TN_MODE_COMPAT;
    gboolean lenient = policy->rules->policy->lists == 1;

    for (gsize i = 0; i < options->n_lists; i++) {
        const TnPolicyList *list = &options->lists[i];

        if (list->from_file && !imports) {
            g_ptr_array_add(
                policy->warnings,
                g_strdup_printf("%s: lists are not imported in mode locked", list->origin));
            continue;
        }
        *ret_by_argv = !list->from_file;
        if (!tn_lists_add(policy->lists, list, policy->commands,
                          lenient && list->from_file && !list->is_allow, policy->warnings, error))
            return FALSE;
        *ret_by_argv = FALSE;
    }
    return TRUE;
}

/* A file that the policy names itself stays. */
static void
set_audit_file(TnPolicy *policy, const TnPolicyOptions *options)
{
    TnAuditConf *audit = policy->rules->audit;

    if (options->audit_file == NULL || strcmp(audit->file, TN_AUDIT_FILE) != 0)
        return;
    g_free(audit->file);
    audit->file = g_strdup(options->audit_file);
}

TnPolicy *
tn_load_policy(const TnPolicyOptions *options, gboolean *ret_by_argv, GError **error)
{
    g_autoptr(TnPolicy) policy = make_empty(options);

    *ret_by_argv = FALSE;
    if (!add_files(policy, options, error) || !tn_compile_policy(policy, error) ||
        !take_lists(policy, options, ret_by_argv, error))
        return NULL;
    set_audit_file(policy, options);
    g_ptr_array_add(policy->warnings, NULL);
    return g_steal_pointer(&policy);
}

TnPolicy *
tn_load_sealed(const TnPolicyOptions *options, const char *reason)
{
    TnPolicy *policy = make_empty(options);

    /* An empty tree is locked and its defaults compile, whatever the machine. */
    if (!tn_rules_finish(policy->rules, NULL, NULL) || !tn_compile_policy(policy, NULL))
        g_assert_not_reached();
    set_audit_file(policy, options);
    policy->sealed_reason = g_strdup(reason);
    policy->source = g_strdup("sealed");
    policy->digest = g_strdup("");
    g_ptr_array_add(policy->warnings, NULL);
    return policy;
}
