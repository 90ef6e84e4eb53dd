/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Charges. Taken on the main thread, given back on any, since a worker may hold the last reference
 * to a grant.
 */

#include "policy/quota.h"

struct TnQuota {
    gint n_refs;
    gint n_children;
};

TnQuota *
tn_quota_new(void)
{
    TnQuota *quota = g_new0(TnQuota, 1);

    quota->n_refs = 1;
    return quota;
}

TnQuota *
tn_quota_ref(TnQuota *quota)
{
    g_atomic_int_inc(&quota->n_refs);
    return quota;
}

void
tn_quota_unref(TnQuota *quota)
{
    if (quota != NULL && g_atomic_int_dec_and_test(&quota->n_refs))
        g_free(quota);
}

gboolean
tn_quota_charge_child(TnQuota *quota, guint limit, GError **error)
{
    if (g_atomic_int_add(&quota->n_children, 1) < (gint)MIN(limit, (guint)G_MAXINT))
        return TRUE;
    g_atomic_int_add(&quota->n_children, -1);
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA,
                "Resource temporarily unavailable: max-children limit %u", limit);
    return FALSE;
}

void
tn_quota_release_child(TnQuota *quota)
{
    g_atomic_int_add(&quota->n_children, -1);
}

guint
tn_quota_count_children(TnQuota *quota)
{
    return (guint)g_atomic_int_get(&quota->n_children);
}
