/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/*
 * Charges: what is stored or running for the host, counted before it comes to be and given back
 * when it is gone. The count belongs to the holder, so that a reload forgets nothing.
 */

typedef struct TnQuota TnQuota; /* counted; safe from all threads */

/* Nothing charged yet. Unref accepts NULL. */
TnQuota *tn_quota_new(void);
TnQuota *tn_quota_ref(TnQuota *quota);
void tn_quota_unref(TnQuota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnQuota, tn_quota_unref)

/* Takes the charge of one child if fewer than LIMIT run. Error: TN_POLICY_ERROR_QUOTA. */
gboolean tn_quota_charge_child(TnQuota *quota, guint limit, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_quota_release_child(TnQuota *quota);
guint tn_quota_count_children(TnQuota *quota);
