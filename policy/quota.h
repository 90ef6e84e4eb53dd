/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/keytable.h"

/*
 * Charges: what runs for the host, counted before it comes to be and given back when it is gone.
 * The counts belong to the holder, by the name of the rule, so that a reload forgets nothing.
 */

typedef struct TnQuota TnQuota;   /* counted; safe from all threads */
typedef struct TnCharge TnCharge; /* one child's share */

typedef struct {
    guint max_children;
    const char *rule; /* of the rule's own limits; NULL: it has none */
    guint64 concurrent;
    TnRate rate;
    gint64 now_us; /* monotonic */
} TnQuotaLimits;

/* Nothing is charged at first; one reference. */
TnQuota *tn_quota_new(void);
void tn_quota_unref(TnQuota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnQuota, tn_quota_unref)

/* Takes the charge of one child, or returns NULL with *RET_WHAT, such as "concurrent limit 2" (the
 * caller frees it); then nothing was charged. The charge keeps the quota. */
TnCharge *tn_quota_take(TnQuota *quota, const TnQuotaLimits *limits, char **ret_what)
    G_GNUC_WARN_UNUSED_RESULT;
/* Gives CHARGE back and frees it; NULL is allowed. */
void tn_charge_free(TnCharge *charge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnCharge, tn_charge_free)

/* Children that are charged for now. */
guint tn_quota_count_children(TnQuota *quota);
