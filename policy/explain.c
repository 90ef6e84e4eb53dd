/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Explaining. Nothing is decided here: tn_decide and the check of the program's path are asked as
 * the grant asks them.
 */

#include "policy/explain.h"

#include "policy/confinement.h"
#include "policy/decide.h"
#include "policy/program.h"

#include <string.h>

static void
print_place(const TnPlace *place, GString *out)
{
    if (place->line > 0)
        g_string_append_printf(out, " (%s:%u)", place->file, place->line);
}

/* What is left of them, whatever the rule says or does not say. */
static const char *
describe_caps(const TnExecRule *rule)
{
    if (!rule->drops_caps)
        return rule->user.uid == 0 ? "all" : "none, but set-user-ID programs may gain some";
    if (rule->bounding == 0)
        return "none";
    return rule->conf->caps->len > 0 && rule->bounding >> 63 == 0
               ? "those of caps ="
               : "all but those that undo read-only mounts";
}

void
tn_explain_confinement(const TnExecRule *rule, GString *out)
{
    static const char *const KEYS[] = {"profile", "timeout", "output", "umask",    "cwd",
                                       "limits",  "cgroup",  "stdin",  "env-allow"};
    const char *words;
    const char *strength = tn_confinement_get_strength(rule, &words);
    gsize n;
    const TnKey *keys = tn_keys_get(rule->conf->base.kind, &n);

    g_string_append_printf(out, "  strength: %s, %s\n", strength, words);
    g_string_append_printf(out, "  user: %s (%u), group %u, no-new-privs %s\n", rule->user.name,
                           rule->user.uid, rule->gid, rule->no_new_privs ? "yes" : "no");
    g_string_append_printf(out, "  capabilities: %s\n", describe_caps(rule));
    for (gsize i = 0; i < n; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(KEYS); k++) {
            if (strcmp(keys[i].name, KEYS[k]) != 0)
                continue;
            g_string_append_printf(out, "  %s: ", keys[i].name);
            tn_section_print(&rule->conf->base, &keys[i], out);
            g_string_append_c(out, '\n');
        }
    }
}

/* Which program the path of ACTION means; NULL when it means none. */
static char *
identify(const TnPolicy *policy, const TnAction *action, GString *out)
{
    g_autofree char *found = NULL;
    char *identity;

    if (!tn_decide_is_exec(action))
        return NULL;
    if (action->path[0] != '/' && strchr(action->path, '/') != NULL &&
        policy->rules->policy->mode == TN_MODE_LOCKED) {
        g_string_append(out, "program: a relative path means nothing in mode locked\n");
        return NULL;
    }
    found = tn_program_find(action->path, policy->rules->policy->search_path, NULL);
    identity = found != NULL ? tn_program_identify(found) : NULL;
    g_string_append_printf(out, "program: %s\n", identity != NULL ? identity : "not found");
    return identity;
}

static const char *
find_why_untrusted(const TnPolicy *policy, const TnVerdict *verdict, const char *identity)
{
    if (verdict->kind != TN_VERDICT_ALLOW || verdict->exec == NULL)
        return NULL;
    if (identity == NULL)
        return "it is not there";
    return policy->rules->policy->mode == TN_MODE_LOCKED ? tn_program_why_untrusted(identity)
                                                         : NULL;
}

gboolean
tn_explain_action(const TnPolicy *policy, const TnAction *action, GString *out)
{
    g_autoptr(GPtrArray) trace = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *identity = identify(policy, action, out);
    g_auto(TnVerdict) verdict = {0};
    const char *untrusted;
    gboolean allowed;

    tn_decide(policy, action, identity, trace, &verdict);
    untrusted = find_why_untrusted(policy, &verdict, identity);
    allowed = verdict.kind == TN_VERDICT_ALLOW && untrusted == NULL;
    g_string_append_printf(out, "verdict: %s by %s", allowed ? "allowed" : "denied", verdict.rule);
    print_place(&verdict.place, out);
    g_string_append_c(out, '\n');
    if (!allowed)
        g_string_append_printf(out, "reason: %s\n", untrusted != NULL ? untrusted : verdict.reason);
    for (guint i = 0; i < trace->len; i++)
        g_string_append_printf(out, "not: %s\n", (const char *)g_ptr_array_index(trace, i));
    if (allowed && verdict.exec != NULL) {
        g_string_append(out, "confinement:\n");
        tn_explain_confinement(verdict.exec, out);
    }
    return allowed;
}
