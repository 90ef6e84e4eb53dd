/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Compiling of a policy. Whatever asks the machine is asked here, at start and at reload, so that
 * a request costs comparisons only and a user database that hangs cannot hang the agent later.
 */

#include "policy/compile.h"

#include "policy/files.h"

#include "policy/confinement.h"
#include "policy/program.h"
#include "policy/ruleindex.h"
#include "policy/rules-check.h"
#include "policy/users.h"

#include <string.h>
#include <unistd.h>

void
tn_compile_free_rule(gpointer data)
{
    TnExecRule *rule = data;

    if (rule == NULL)
        return;
    g_clear_pointer(&rule->identities, g_ptr_array_unref);
    g_clear_pointer(&rule->groups, g_array_unref);
    tn_user_clear(&rule->user);
    g_strfreev(rule->env);
    g_strfreev(rule->deny_calls);
    g_strfreev(rule->allow_calls);
    g_free(rule->sandbox_key);
    g_free(rule);
}

/* Prefixes ERROR with where the section stands; returns FALSE. */
static gboolean
fail_at(const TnSection *section, GError **error)
{
    g_prefix_error(error, "%s:%u:1: [%s%s%s]: ",
                   section->place.file != NULL ? section->place.file : "built-in",
                   section->place.line, tn_keys_get_section(section->kind)->word,
                   section->name != NULL ? " " : "", section->name != NULL ? section->name : "");
    return FALSE;
}

static void
add_identities(TnExecRule *rule)
{
    rule->identities = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; rule->conf->paths != NULL && i < rule->conf->paths->len; i++) {
        const char *path = g_ptr_array_index(rule->conf->paths, i);
        char *identity = tn_program_identify(path);

        /* A directory that is not there today may be there tomorrow; then a reload is due. */
        g_ptr_array_add(rule->identities, identity != NULL ? identity : g_strdup(path));
    }
}

static gboolean
find_user(TnExecRule *rule, GError **error)
{
    const TnExecConf *conf = rule->conf;

    rule->groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
    if (conf->user == NULL)
        tn_user_describe(geteuid(), &rule->user);
    else if (!tn_user_find(conf->user, &rule->user, error))
        return FALSE;
    rule->gid = rule->user.gid;
    if (conf->group != NULL && !tn_user_find_group(conf->group, &rule->gid, error))
        return FALSE;
    for (guint i = 0; i < conf->groups->len; i++) {
        gid_t gid;

        if (!tn_user_find_group(g_ptr_array_index(conf->groups, i), &gid, error))
            return FALSE;
        g_array_append_val(rule->groups, gid);
    }
    rule->keeps_user = conf->user == NULL;
    return TRUE;
}

static TnExecRule *
compile_rule(const TnRules *rules, const TnExecConf *conf, GError **error)
{
    TnExecRule *rule = g_new0(TnExecRule, 1);

    rule->conf = conf;
    add_identities(rule);
    if (!find_user(rule, error) || !tn_confinement_compile(rules, rule, error)) {
        fail_at(&conf->base, error);
        tn_compile_free_rule(rule);
        return NULL;
    }
    rule->env = tn_program_default_env(&rule->user, rules->policy->search_path);
    for (guint i = 0; i < conf->env_set->len; i++)
        tn_program_set_env(&rule->env, g_ptr_array_index(conf->env_set, i));
    return rule;
}

/* Adds to SET the names of all commands that WORD stands for. */
static void
add_word(const TnPolicy *policy, GHashTable *set, const char *word)
{
    for (gsize i = 0; i < policy->n_commands; i++) {
        const TnPolicyCommand *row = &policy->command_rows[i];
        gboolean meant = strcmp(word, "*") == 0 ? tn_rules_is_builtin_group(row->group)
                         : word[0] == '@'       ? strcmp(word, row->group) == 0
                                                : strcmp(word, row->name) == 0;

        if (meant)
            g_hash_table_add(set, (gpointer)(guintptr)row->name);
    }
}

static GHashTable *
make_set(const TnPolicy *policy, const GPtrArray *words)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < words->len; i++)
        add_word(policy, set, g_ptr_array_index(words, i));
    return set;
}

static void
fill_settings(TnPolicy *policy)
{
    const TnPolicyConf *conf = policy->rules->policy;

    policy->settings = (TnPolicySettings){
        .max_children = (guint)conf->max_children,
        .max_handles = (guint)conf->max_handles,
        .handle_idle_us = conf->handle_idle_us,
        .max_output_total_bytes = conf->max_output_total,
        .exec_keep_count = (guint)conf->exec_keep_count,
        .exec_keep_bytes = conf->exec_keep_bytes,
        .exec_keep_us = conf->exec_keep_us,
        .max_begun_bytes = conf->max_begun,
        .freeze_limit_us = conf->freeze_limit_us,
        .thaw_foreign = conf->thaw_foreign == 1,
        .account_system = conf->account_system == 1,
        .signal_exitcode = conf->signal_exitcode == 1,
    };
}

static gboolean
fill_clients(TnPolicy *policy, GError **error)
{
    const TnPolicyConf *conf = policy->rules->policy;

    policy->client_uids = g_array_new(FALSE, FALSE, sizeof(guint32));
    policy->client_cids = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint i = 0; i < conf->client_uid->len; i++) {
        TnUser user = {0};
        guint32 uid;

        if (!tn_user_find(g_ptr_array_index(conf->client_uid, i), &user, error)) {
            g_prefix_error(error, "client-uid: ");
            return FALSE;
        }
        uid = user.uid;
        tn_user_clear(&user);
        g_array_append_val(policy->client_uids, uid);
    }
    for (guint i = 0; i < conf->client_cid->len; i++) {
        guint64 value = 0;
        guint32 cid;

        /* The rules were checked: it is a number. */
        g_ascii_string_to_unsigned(g_ptr_array_index(conf->client_cid, i), 10, 0, G_MAXUINT32,
                                   &value, NULL);
        cid = (guint32)value;
        g_array_append_val(policy->client_cids, cid);
    }
    return TRUE;
}

static void
free_index(gpointer index)
{
    tn_ruleindex_free(index);
}

/* So that a request looks only at the rules about its program, however many there are. */
static void
index_rule(TnPolicy *policy, TnExecRule *rule)
{
    for (guint i = 0; i < rule->identities->len; i++) {
        const char *identity = g_ptr_array_index(rule->identities, i);
        TnRuleIndex *index = g_hash_table_lookup(policy->by_program, identity);

        if (index == NULL) {
            index = tn_ruleindex_new();
            g_hash_table_insert(policy->by_program, g_strdup(identity), index);
        }
        tn_ruleindex_add(index, rule);
    }
}

gboolean
tn_compile_policy(TnPolicy *policy, GError **error)
{
    const TnRules *rules = policy->rules;

    policy->denied = make_set(policy, rules->commands->deny);
    /* In mode compat a list that was written is meant; none at all allows everything. */
    if (rules->policy->mode == TN_MODE_LOCKED || rules->commands->allow->len > 0)
        policy->allowed = make_set(policy, rules->commands->allow);
    policy->exec_rules = g_ptr_array_new_with_free_func(tn_compile_free_rule);
    policy->by_program = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_index);
    for (guint i = 0; i < rules->execs->len; i++) {
        const TnExecConf *conf = g_ptr_array_index(rules->execs, i);
        TnExecRule *rule = compile_rule(rules, conf, error);

        if (rule == NULL)
            return FALSE;
        rule->order = i;
        g_ptr_array_add(policy->exec_rules, rule);
        index_rule(policy, rule);
        policy->has_exec_rules = policy->has_exec_rules || conf->verdict == 0;
    }
    if (!tn_files_compile(policy, error))
        return FALSE;
    policy->exec_default = compile_rule(rules, rules->exec_default, error);
    fill_settings(policy);
    return policy->exec_default != NULL && fill_clients(policy, error);
}
