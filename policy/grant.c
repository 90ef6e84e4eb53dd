/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Grants: authority as a value. A handler gets the sealed plan of what it may start; the charge
 * that was taken for it goes back with the last reference. The order is: which program, verdict,
 * whether the file is what was judged, charge, plan; nothing is charged for what is refused.
 */

#include "policy/decide.h"

#include "platform/fd.h"
#include "policy/files.h"
#include "policy/holder.h"
#include "policy/policy.h"
#include "policy/program.h"
#include "policy/refusal.h"
#include "policy/rules-check.h"

#include <string.h>
#include <unistd.h>

enum {
    HELPER_UMASK = 022,
};

struct TnGrant {
    gint n_refs;
    TnPolicyHolder *holder; /* for records only; see tn_grant_note_end */
    const char *command;    /* static */
    guint64 ref;
    TnSpawnPlan *plan;
    TnOpenPlan *open_plan;
    TnOpenPlan *to_plan;
    TnCharge *charge;
    TnPolicy *policy; /* that granted it */
};

/* One question on its way through the steps. */
typedef struct {
    TnPolicyHolder *holder;
    const TnPolicy *policy;
    const TnAction *action;
    guint64 ref;
    char *found;    /* the file that the name means; NULL when there is none */
    char *identity; /* which program that is */
    GError *lost;   /* why FOUND is NULL */
    int program_fd; /* the program itself, where its content was judged; -1: by its path */
    TnVerdict verdict;
    TnUser chosen; /* the user that the request asked for; name NULL: the rule's */
} Question;

static void
clear_question(Question *question)
{
    g_free(question->found);
    g_free(question->identity);
    g_clear_error(&question->lost);
    tn_fd_clear(&question->program_fd);
    tn_verdict_clear(&question->verdict);
    tn_user_clear(&question->chosen);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, clear_question)

/* Names a verdict towards host, journal and child. Not a secret, and asked for with every request:
 * glib's generator (seeded from /dev/urandom) saves a system call each time. */
static guint64
make_ref(void)
{
    return (guint64)g_random_int() << 32 | g_random_int();
}

static void
find_program(Question *question)
{
    const char *path = question->action->path;
    gboolean relative = path[0] != '/' && strchr(path, '/') != NULL;

    if (relative && question->policy->rules->policy->mode == TN_MODE_LOCKED)
        return;
    question->found =
        tn_program_find(path, question->policy->rules->policy->search_path, &question->lost);
    if (question->found != NULL)
        question->identity = tn_program_identify(question->found);
}

/* The verdict was yes; now the file itself. In mode locked nobody but root may be able to change
 * what was judged before it runs. */
static gboolean
check_program(Question *question, GError **error)
{
    const char *why;

    if (question->found == NULL) {
        g_propagate_error(error, g_steal_pointer(&question->lost));
        return FALSE;
    }
    if (question->policy->rules->policy->mode == TN_MODE_LOCKED) {
        why = tn_program_why_untrusted(question->identity);
        if (why != NULL) {
            question->verdict.kind = TN_VERDICT_DENY;
            question->verdict.reason = g_strdup(why);
            return tn_refusal_set(question->policy, question->action, &question->verdict,
                                  question->ref, error);
        }
    }
    if (question->verdict.exec->conf->sha256 == NULL)
        return TRUE;
    question->program_fd =
        tn_program_open_hashed(question->identity, question->verdict.exec->conf->sha256, &why);
    if (question->program_fd >= 0)
        return TRUE;
    question->verdict.kind = TN_VERDICT_DENY;
    question->verdict.reason = g_strdup(why);
    return tn_refusal_set(question->policy, question->action, &question->verdict, question->ref,
                          error);
}

static TnCharge *
take_charge(const Question *question, GError **error)
{
    const TnExecConf *conf = question->verdict.exec->conf;
    g_autofree char *what = NULL;
    TnQuotaLimits limits = {
        .max_children = question->policy->settings.max_children,
        .rule = conf->base.name,
        .concurrent = conf->concurrent,
        .rate = conf->rate,
        .now_us = g_get_monotonic_time(),
    };
    TnCharge *charge = tn_quota_take(question->holder->quota, &limits, &what);

    if (charge == NULL)
        tn_refusal_set_quota(question->policy, question->action, question->verdict.rule, what,
                             question->ref, error);
    return charge;
}

/* argv[0] is the rule's path; without a rule what was asked for, as glib does it. */
static char **
build_argv(const Question *question)
{
    const char *const *args = question->action->argv;
    const GPtrArray *paths = question->verdict.exec->conf->paths;
    gsize n = 0;
    char **argv;

    while (args != NULL && args[n] != NULL)
        n++;
    argv = g_new0(char *, n + 2);
    argv[0] = g_strdup(paths != NULL ? g_ptr_array_index(paths, question->verdict.path_index)
                                     : question->action->path);
    for (gsize i = 0; i < n; i++)
        argv[i + 1] = g_strdup(args[i]);
    return argv;
}

static char **
build_env(const Question *question)
{
    const TnExecRule *rule = question->verdict.exec;
    const char *const *given = question->action->env;
    const char *search_path = question->policy->rules->policy->search_path;
    g_autofree char *id = NULL;
    char **env = question->chosen.name != NULL
                     ? tn_program_default_env(&question->chosen, search_path)
                     : g_strdupv(rule->env);

    /* Without a rule: exactly what was given, as qemu-ga, but for the loader's names. */
    if (rule->conf->base.kind == TN_SECTION_EXEC_DEFAULT) {
        g_auto(GStrv) filtered = NULL;

        if (given == NULL)
            return env;
        filtered = tn_program_filter_env(given);
        if (!question->action->env_is_added) {
            g_strfreev(env);
            return g_steal_pointer(&filtered);
        }
        for (gsize i = 0; filtered[i] != NULL; i++)
            tn_program_set_env(&env, filtered[i]);
        return env;
    }
    for (guint i = 0; i < rule->conf->env_set->len; i++)
        tn_program_set_env(&env, g_ptr_array_index(rule->conf->env_set, i));
    id = g_strdup_printf("TENON_REQUEST_ID=%016" G_GINT64_MODIFIER "x", question->ref);
    tn_program_set_env(&env, id);
    for (gsize i = 0; given != NULL && given[i] != NULL; i++)
        tn_program_set_env(&env, given[i]);
    return env;
}

/* The smaller of both, where 0 is no limit. */
static guint64
narrow(guint64 granted, gint64 asked)
{
    if (asked <= 0)
        return granted;
    return granted == 0 ? (guint64)asked : MIN(granted, (guint64)asked);
}

static void
add_limits(const TnExecConf *conf, TnSpawnSpec *spec)
{
    for (guint i = 0; i < conf->limits->len; i++) {
        int resource;
        guint64 value;

        if (tn_rules_parse_limit(g_ptr_array_index(conf->limits, i), &resource, &value))
            tn_spawn_spec_set_limit(spec, resource, value, value);
    }
    for (guint i = 0; i < conf->cgroup->len; i++)
        spec->group.is_wanted |=
            tn_rules_parse_cgroup(g_ptr_array_index(conf->cgroup, i), &spec->group);
    spec->group.is_optional = conf->best_effort->len > 0;
}

/* NULL with ERROR when the confinement cannot be built; then nothing runs. */
static TnSpawnPlan *
make_plan(Question *question, GError **error)
{
    const TnAction *action = question->action;
    const TnExecConf *conf = question->verdict.exec->conf;
    gboolean by_rule = conf->base.kind == TN_SECTION_EXEC;
    const TnUser *user =
        question->chosen.name != NULL ? &question->chosen : &question->verdict.exec->user;
    g_autoptr(TnSpawnSpec) spec = tn_spawn_spec_new();

    spec->path = g_strdup(by_rule ? question->identity : question->found);
    if (question->program_fd >= 0) {
        spec->program_fd = tn_fd_steal(&question->program_fd);
        g_free(spec->path);
        spec->path = g_strdup_printf("/proc/self/fd/%d", spec->program_fd);
    }
    spec->argv = build_argv(question);
    spec->envp = build_env(question);
    spec->cwd = g_strdup(action->cwd != NULL ? action->cwd : conf->cwd);
    spec->umask = conf->umask;
    spec->timeout_us = (gint64)narrow((guint64)conf->timeout_us,
                                      MIN(action->timeout_ms, G_MAXINT64 / 1000) * 1000);
    spec->grace_us = conf->kill_grace_us;
    spec->output_max_bytes = narrow(conf->output_bytes, action->output_max_bytes);
    spec->kills_on_overflow = conf->on_overflow == 1;
    add_limits(conf, spec);
    if (!tn_confinement_fill(question->holder->sandboxes, question->verdict.exec, user,
                             &spec->confine, error)) {
        g_prefix_error(error, "%s: confinement step 'seccomp' failed: ", action->command);
        return NULL;
    }
    return tn_spawn_plan_seal(g_steal_pointer(&spec));
}

/* A user that the request may choose and did. */
static gboolean
choose_user(Question *question, GError **error)
{
    const char *name = question->action->user;
    g_autoptr(GError) unknown = NULL;

    if (name == NULL || strcmp(name, question->verdict.exec->user.name) == 0 ||
        tn_user_find(name, &question->chosen, &unknown))
        return TRUE;
    question->verdict.kind = TN_VERDICT_DENY;
    question->verdict.reason = g_strdup(unknown->message);
    return tn_refusal_set(question->policy, question->action, &question->verdict, question->ref,
                          error);
}

static gboolean
grant_program(Question *question, TnGrant *grant, GError **error)
{
    if (!check_program(question, error))
        return FALSE;
    if (!choose_user(question, error))
        return FALSE;
    grant->charge = take_charge(question, error);
    if (grant->charge == NULL)
        return FALSE;
    grant->plan = make_plan(question, error);
    return grant->plan != NULL;
}

static TnOpenPlan *
grant_file(Question *question, const TnFileRule *rule, const char *path, GError **error)
{
    const char *why = NULL;
    TnOpenPlan *plan = tn_files_make_plan(rule, path, &why);

    if (plan == NULL) {
        question->verdict.kind = TN_VERDICT_DENY;
        question->verdict.reason = g_strdup(why);
        tn_refusal_set(question->policy, question->action, &question->verdict, question->ref,
                       error);
    }
    return plan;
}

static gboolean
grant_files(Question *question, TnGrant *grant, GError **error)
{
    const TnAction *action = question->action;

    grant->open_plan = grant_file(question, question->verdict.file, action->path, error);
    if (grant->open_plan == NULL)
        return FALSE;
    if (action->to != NULL)
        grant->to_plan = grant_file(question, question->verdict.to_file, action->to, error);
    return action->to == NULL || grant->to_plan != NULL;
}

/* Everything up to the record. FALSE with ERROR when it is refused; the verdict is then a denial
 * unless it was the machine that refused. */
static gboolean
judge(Question *question, TnGrant *grant, GError **error)
{
    const TnAction *action = question->action;

    if (tn_decide_is_exec(action))
        find_program(question);
    tn_decide(question->policy, action, question->identity, NULL, &question->verdict);
    if (question->verdict.kind != TN_VERDICT_ALLOW)
        return tn_refusal_set(question->policy, action, &question->verdict, question->ref, error);
    if (question->verdict.exec != NULL && !grant_program(question, grant, error))
        return FALSE;
    return !tn_decide_is_file(action) || grant_files(question, grant, error);
}

/* The record is written before the act. FALSE when there is none and the policy wants one. */
static gboolean
record(Question *question, const GError *refusal, GError **error)
{
    const TnAction *action = question->action;

    if (refusal != NULL && question->verdict.kind == TN_VERDICT_ALLOW) {
        question->verdict.kind = TN_VERDICT_DENY;
        question->verdict.reason = g_strdup(refusal->message);
    }
    if (tn_audit_decision(question->holder->audit, question->policy, action, &question->verdict,
                          question->identity, question->ref) ||
        refusal != NULL)
        return TRUE;
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                "%s: Permission denied: no record of it can be written", action->command);
    return FALSE;
}

TnGrant *
tn_policy_grant(TnPolicyHolder *holder, const TnAction *action, GError **error)
{
    g_autoptr(TnGrant) grant = g_new0(TnGrant, 1);
    g_autoptr(GError) refusal = NULL;
    g_auto(Question) question = {
        .holder = holder,
        .policy = holder->current,
        .action = action,
        .program_fd = -1,
        .ref = make_ref(),
    };

    grant->n_refs = 1;
    grant->holder = holder;
    grant->command = action->command;
    grant->ref = question.ref;
    grant->policy = tn_policy_ref(holder->current);
    judge(&question, grant, &refusal);
    if (!record(&question, refusal, error))
        return NULL;
    if (refusal == NULL)
        return g_steal_pointer(&grant);
    g_propagate_error(error, g_steal_pointer(&refusal));
    return NULL;
}

void
tn_grant_note_start(const TnGrant *grant, pid_t pid)
{
    TnPolicyHolder *holder = grant->holder;

    tn_audit_start(holder->audit, holder->current, grant->command, grant->ref, pid);
}

void
tn_grant_note_end(const TnGrant *grant, const TnGrantEnd *end)
{
    TnPolicyHolder *holder = grant->holder;

    tn_audit_end(holder->audit, holder->current, grant->command, grant->ref, end);
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
    tn_charge_free(grant->charge);
    tn_policy_unref(grant->policy);
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

const TnPolicySettings *
tn_grant_get_settings(const TnGrant *grant)
{
    return &grant->policy->settings;
}

gboolean
tn_grant_would_allow(const TnGrant *grant, const TnAction *action)
{
    g_auto(TnVerdict) verdict = {0};

    tn_decide(grant->policy, action, NULL, NULL, &verdict);
    return verdict.kind == TN_VERDICT_ALLOW;
}

static const TnExecRule *
find_rule(const TnPolicy *policy, const char *name)
{
    for (guint i = 0; policy->exec_rules != NULL && i < policy->exec_rules->len; i++) {
        const TnExecRule *rule = g_ptr_array_index(policy->exec_rules, i);

        if (g_strcmp0(rule->conf->base.name, name) == 0)
            return rule;
    }
    return NULL;
}

static gboolean
check_helper(const TnPolicy *policy, const TnExecRule *rule, const char *name, const char *path,
             GError **error)
{
    g_autofree char *identity = NULL;
    const char *why = NULL;

    if (rule != NULL && rule->conf->verdict == 1) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                    "'%s' is denied by policy [rule=%s]", path, name);
        return FALSE;
    }
    if (policy->rules == NULL || policy->rules->policy->mode != TN_MODE_LOCKED)
        return TRUE;
    /* One that is not there fails at its start, with that reason. */
    identity = tn_program_identify(path);
    if (identity != NULL && access(identity, F_OK) == 0)
        why = tn_program_why_untrusted(identity);
    if (why == NULL)
        return TRUE;
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED, "'%s': %s", path, why);
    return FALSE;
}

TnSpawnPlan *
tn_policy_plan_helper(TnPolicyHolder *holder, const char *name, const char *const *argv,
                      GError **error)
{
    const TnPolicy *policy = holder->current;
    const TnExecRule *rule = find_rule(policy, name);
    g_autoptr(TnSpawnSpec) spec = tn_spawn_spec_new();
    TnUser self = {0};

    if (!check_helper(policy, rule, name, argv[0], error))
        return NULL;
    spec->path = g_strdup(argv[0]);
    spec->argv = g_strdupv((char **)(gsize)argv);
    spec->cwd = g_strdup("/");
    spec->umask = HELPER_UMASK;
    if (rule == NULL) {
        tn_user_describe(geteuid(), &self);
        spec->envp = tn_program_default_env(&self, TN_PROGRAM_SEARCH_PATH);
        tn_user_clear(&self);
        return tn_spawn_plan_seal(g_steal_pointer(&spec));
    }
    spec->envp = g_strdupv(rule->env);
    spec->timeout_us = rule->conf->timeout_us;
    add_limits(rule->conf, spec);
    if (!tn_confinement_fill(holder->sandboxes, rule, &rule->user, &spec->confine, error))
        return NULL;
    return tn_spawn_plan_seal(g_steal_pointer(&spec));
}
