/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Texts of refusals. The class (CommandNotFound or GenericError) is the dispatcher's choice by the
 * error's code.
 */

#include "policy/refusal.h"

/* qemu-ga's beginning of the sentence, with its own word for the errno. */
static char *
begin_text(const TnAction *action, const char *strerror_text)
{
    if (tn_decide_is_exec(action))
        return g_strdup_printf("Failed to execute child process “%s” (%s): ", action->path,
                               strerror_text);
    if (tn_decide_is_file(action) && action->mode != NULL)
        return g_strdup_printf("failed to open file '%s' (mode: '%s'): %s: ", action->path,
                               action->mode, strerror_text);
    if (tn_decide_is_file(action))
        return g_strdup_printf("'%s': %s: ", action->path, strerror_text);
    return g_strdup_printf("%s: ", strerror_text);
}

gboolean
tn_refusal_set(const TnPolicy *policy, const TnAction *action, const TnVerdict *verdict,
               guint64 ref, GError **error)
{
    TnDetail detail = (TnDetail)policy->rules->policy->error_detail;
    g_autofree char *begin = NULL;

    if (verdict->kind == TN_VERDICT_DISABLED) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DISABLED,
                    "Command %s has been disabled: %s", action->command, verdict->reason);
        return FALSE;
    }
    if (detail == TN_DETAIL_MINIMAL) {
        g_set_error_literal(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED, "Permission denied");
        return FALSE;
    }
    begin = begin_text(action, "Permission denied");
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DENIED,
                "%sdenied by policy [rule=%s ref=%016" G_GINT64_MODIFIER "x]%s%s", begin,
                verdict->rule, ref, detail == TN_DETAIL_FULL ? ": " : "",
                detail == TN_DETAIL_FULL ? verdict->reason : "");
    return FALSE;
}

gboolean
tn_refusal_set_quota(const TnPolicy *policy, const TnAction *action, const char *rule,
                     const char *what, guint64 ref, GError **error)
{
    g_autofree char *begin = begin_text(action, "Resource temporarily unavailable");

    if (policy->rules->policy->error_detail == TN_DETAIL_MINIMAL)
        g_set_error_literal(error, TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA,
                            "Resource temporarily unavailable");
    else
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA,
                    "%s%s [rule=%s ref=%016" G_GINT64_MODIFIER "x]", begin, what, rule, ref);
    return FALSE;
}
