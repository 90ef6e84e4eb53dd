/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verdict. A deny wins wherever it stands, so that no order of files can widen access; among
 * the allowing rules the first that fits supplies the confinement. A request only narrows what its
 * rule grants: what it may not choose makes the rule not fit, with a reason.
 */

#include "policy/decide.h"

#include "policy/files.h"
#include "policy/match.h"
#include "policy/ruleindex.h"

#include <string.h>

#define EXEC_GROUP       "@exec"
#define FILE_READ_GROUP  "@file-read"
#define FILE_WRITE_GROUP "@file-write"

void
tn_verdict_clear(TnVerdict *verdict)
{
    g_clear_pointer(&verdict->reason, g_free);
}

gboolean
tn_decide_is_exec(const TnAction *action)
{
    return action->path != NULL && g_strcmp0(action->group, EXEC_GROUP) == 0;
}

gboolean
tn_decide_is_file(const TnAction *action)
{
    return action->path != NULL && (g_strcmp0(action->group, FILE_READ_GROUP) == 0 ||
                                    g_strcmp0(action->group, FILE_WRITE_GROUP) == 0);
}

static gboolean
do_args_fit(const TnExecConf *conf, const char *const *argv)
{
    if (conf->args->len == 0)
        return argv == NULL || argv[0] == NULL;
    for (guint i = 0; i < conf->args->len; i++)
        if (tn_pattern_match(g_ptr_array_index(conf->args, i), argv))
            return TRUE;
    return FALSE;
}

/* Why the arguments do not fit CONF. Of several lines the last one's reason stands for all, with
 * their number before it. */
static char *
explain_args(const TnExecConf *conf, const char *const *argv)
{
    g_autofree char *why = NULL;

    if (conf->args->len == 0)
        return g_strdup("the rule permits no arguments");
    why = tn_pattern_explain(g_ptr_array_index(conf->args, conf->args->len - 1), argv);
    if (conf->args->len == 1)
        return g_steal_pointer(&why);
    return g_strdup_printf("none of %u args lines fits; the last: %s", conf->args->len, why);
}

static gboolean
is_env_allowed(const TnExecConf *conf, const char *name, gsize size)
{
    for (guint i = 0; i < conf->env_allow->len; i++) {
        const char *allowed = g_ptr_array_index(conf->env_allow, i);
        gsize n = strlen(allowed);

        if (allowed[n - 1] == '*' ? size >= n - 1 && strncmp(allowed, name, n - 1) == 0
                                  : size == n && strncmp(allowed, name, n) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Names are letters, digits and '_', each once, all allowed. */
static char *
explain_env(const TnExecConf *conf, const char *const *env)
{
    for (gsize i = 0; env != NULL && env[i] != NULL; i++) {
        const char *equals = strchr(env[i], '=');
        gsize size = equals != NULL ? (gsize)(equals - env[i]) : 0;
        g_autofree char *name = g_strndup(env[i], MIN(size, (gsize)64));
        g_autofree char *shown = g_strescape(name, NULL);

        if (size == 0)
            return g_strdup("env: an entry is not NAME=VALUE");
        if (!is_env_allowed(conf, env[i], size) ||
            strspn(env[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") !=
                size)
            return g_strdup_printf("env: %s is not in env-allow", shown);
        for (gsize k = 0; k < i; k++)
            if (strncmp(env[k], env[i], size + 1) == 0)
                return g_strdup_printf("env: %s is given twice", shown);
    }
    return NULL;
}

/* What the request asks for beyond the program and its arguments. */
static char *
explain_choices(const TnExecRule *rule, const TnAction *action)
{
    const TnExecConf *conf = rule->conf;

    if (action->user != NULL && conf->user_from_request == 0 &&
        strcmp(action->user, rule->user.name) != 0)
        return g_strdup_printf("user: the rule's is %s", rule->user.name);
    if (action->cwd != NULL && conf->cwd_from_request == 0 &&
        g_strcmp0(action->cwd, conf->cwd) != 0)
        return g_strdup_printf("cwd: the rule's is %s", conf->cwd);
    if (action->has_stdin && conf->has_stdin == 0)
        return g_strdup("stdin: the rule takes none");
    return explain_env(conf, action->env);
}

/* The index of IDENTITY among the rule's programs, -1 if it is none. */
static int
find_identity(const TnExecRule *rule, const char *identity)
{
    for (guint i = 0; identity != NULL && i < rule->identities->len; i++)
        if (strcmp(g_ptr_array_index(rule->identities, i), identity) == 0)
            return (int)i;
    return -1;
}

static void
note(GPtrArray *trace, const TnExecRule *rule, const char *why)
{
    g_ptr_array_add(trace,
                    g_strdup_printf("%s:%u: [exec %s] %s", rule->conf->base.place.file,
                                    rule->conf->base.place.line, rule->conf->base.name, why));
}

static void
set_rule(TnVerdict *verdict, TnVerdictKind kind, const TnSection *section, const char *reason)
{
    verdict->kind = kind;
    verdict->rule = section->name;
    verdict->place = section->place;
    verdict->reason = g_strdup(reason);
}

static const TnRuleIndex *
get_index(const TnPolicy *policy, const char *identity)
{
    return identity != NULL ? g_hash_table_lookup(policy->by_program, identity) : NULL;
}

static gboolean
find_denying_rule(const TnPolicy *policy, const TnAction *action, const char *identity,
                  TnVerdict *verdict)
{
    const TnExecRule *rule = NULL;
    TnRuleWalk walk;

    tn_ruleindex_begin(get_index(policy, identity), action->argv, &walk);
    while ((rule = tn_ruleindex_next(&walk)) != NULL) {
        if (rule->conf->verdict == 0)
            continue;
        if (rule->conf->args->len > 0 && !do_args_fit(rule->conf, action->argv))
            continue;
        set_rule(verdict, TN_VERDICT_DENY, &rule->conf->base, "the rule denies it");
        return TRUE;
    }
    return FALSE;
}

/* Why RULE, which is about the program, does not allow ACTION; NULL if it does. */
static char *
explain_rule(const TnExecRule *rule, const TnAction *action)
{
    return do_args_fit(rule->conf, action->argv) ? explain_choices(rule, action)
                                                 : explain_args(rule->conf, action->argv);
}

static void
find_allowing_rule(const TnPolicy *policy, const TnAction *action, const char *identity,
                   TnVerdict *verdict)
{
    const TnExecRule *rule = NULL;
    TnRuleWalk walk;

    tn_ruleindex_begin(get_index(policy, identity), action->argv, &walk);
    while ((rule = tn_ruleindex_next(&walk)) != NULL) {
        g_autofree char *why = NULL;

        if (rule->conf->verdict != 0 || !do_args_fit(rule->conf, action->argv))
            continue;
        why = explain_choices(rule, action);
        if (why != NULL)
            continue;
        set_rule(verdict, TN_VERDICT_ALLOW, &rule->conf->base, NULL);
        verdict->exec = rule;
        verdict->path_index = (guint)find_identity(rule, identity);
        return;
    }
}

/* Why nothing allowed ACTION: the reason of the first rule about the program. */
static char *
explain_refusal(const TnPolicy *policy, const TnAction *action, const char *identity)
{
    const TnRuleIndex *index = get_index(policy, identity);
    const GPtrArray *rules = index != NULL ? tn_ruleindex_get_all(index) : NULL;

    for (guint i = 0; rules != NULL && i < rules->len; i++) {
        const TnExecRule *rule = g_ptr_array_index(rules, i);
        g_autofree char *why = NULL;

        if (rule->conf->verdict != 0)
            continue;
        why = explain_rule(rule, action);
        return g_strdup_printf("[exec %s] %s", rule->conf->base.name, why);
    }
    return g_strdup("no rule is about this program");
}

/* What each allowing rule says, up to the one that allowed. */
static void
trace_rules(const TnPolicy *policy, const TnAction *action, const char *identity, GPtrArray *trace,
            const TnExecRule *allowing)
{
    for (guint i = 0; i < policy->exec_rules->len; i++) {
        const TnExecRule *rule = g_ptr_array_index(policy->exec_rules, i);
        g_autofree char *why = NULL;

        if (rule == allowing)
            return;
        if (rule->conf->verdict != 0)
            continue;
        why = find_identity(rule, identity) < 0 ? g_strdup("is about another program")
                                                : explain_rule(rule, action);
        note(trace, rule, why);
    }
}

static void
decide_exec(const TnPolicy *policy, const TnAction *action, const char *identity, GPtrArray *trace,
            TnVerdict *verdict)
{
    if (find_denying_rule(policy, action, identity, verdict))
        return;
    find_allowing_rule(policy, action, identity, verdict);
    if (trace != NULL)
        trace_rules(policy, action, identity, trace, verdict->exec);
    if (verdict->exec != NULL)
        return;
    verdict->rule = "default";
    if (policy->rules->policy->mode == TN_MODE_COMPAT) {
        verdict->kind = TN_VERDICT_ALLOW;
        verdict->exec = policy->exec_default;
        verdict->place = policy->exec_default->conf->base.place;
        return;
    }
    verdict->kind = TN_VERDICT_DENY;
    verdict->reason = explain_refusal(policy, action, identity);
}

static void
decide_file(const TnPolicy *policy, const TnAction *action, GPtrArray *trace, TnVerdict *verdict)
{
    g_autofree char *why = NULL;

    if (tn_files_find(policy, action, trace, &verdict->file, &verdict->to_file, &why)) {
        set_rule(verdict, TN_VERDICT_ALLOW, &verdict->file->conf->base, NULL);
        return;
    }
    verdict->rule = "default";
    if (policy->rules->policy->mode == TN_MODE_COMPAT)
        return;
    verdict->kind = TN_VERDICT_DENY;
    verdict->reason = g_steal_pointer(&why);
}

void
tn_decide(const TnPolicy *policy, const TnAction *action, const char *identity, GPtrArray *trace,
          TnVerdict *ret_verdict)
{
    const TnPolicyCommand *command = g_hash_table_lookup(policy->commands, action->command);
    const char *why = command != NULL ? tn_policy_why_disabled(policy, command, action->frozen)
                                      : "the command is not allowed: it is not known";

    *ret_verdict = (TnVerdict){.kind = TN_VERDICT_ALLOW, .rule = "commands"};
    ret_verdict->place = policy->rules->commands->base.place;
    if (why != NULL) {
        ret_verdict->kind = TN_VERDICT_DISABLED;
        ret_verdict->reason = g_strdup(why);
    } else if (tn_decide_is_exec(action)) {
        decide_exec(policy, action, identity, trace, ret_verdict);
    } else if (tn_decide_is_file(action)) {
        decide_file(policy, action, trace, ret_verdict);
    }
}
