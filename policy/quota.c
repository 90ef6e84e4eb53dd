/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Charges. Taken on the main thread, given back on any, since a worker may hold the last reference
 * to a grant. Rates are token buckets: a rule may be used N times at once, then as often as the
 * bucket fills.
 */

#include "policy/quota.h"

/* Counts of one rule. */
typedef struct {
    guint n_running;
    double tokens;
    gint64 filled_us; /* when TOKENS was right; 0: never used */
} Usage;

struct TnQuota {
    gint n_refs;
    GMutex lock;
    guint n_children;
    GHashTable *usages; /* rule name to Usage; as many as rules were ever used */
};

struct TnCharge {
    TnQuota *quota;
    Usage *usage; /* owned by QUOTA; NULL: no rule */
};

TnQuota *
tn_quota_new(void)
{
    TnQuota *quota = g_new0(TnQuota, 1);

    quota->n_refs = 1;
    g_mutex_init(&quota->lock);
    quota->usages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return quota;
}

void
tn_quota_unref(TnQuota *quota)
{
    if (quota == NULL || !g_atomic_int_dec_and_test(&quota->n_refs))
        return;
    g_hash_table_unref(quota->usages);
    g_mutex_clear(&quota->lock);
    g_free(quota);
}

static Usage *
get_usage(TnQuota *quota, const char *rule)
{
    Usage *usage = g_hash_table_lookup(quota->usages, rule);

    if (usage != NULL)
        return usage;
    usage = g_new0(Usage, 1);
    g_hash_table_insert(quota->usages, g_strdup(rule), usage);
    return usage;
}

/* Fills the bucket up to now; FALSE when it holds less than one. */
static gboolean
fill_bucket(Usage *usage, const TnRate *rate, gint64 now_us)
{
    double gained = (double)(now_us - usage->filled_us) * rate->n / (double)rate->per_us;

    usage->tokens = usage->filled_us == 0 ? rate->n : MIN(rate->n, usage->tokens + gained);
    usage->filled_us = MAX(now_us, 1);
    return usage->tokens >= 1;
}

/* Why the charge cannot be taken; NULL: it was. */
static char *
charge_locked(TnQuota *quota, const TnQuotaLimits *limits, Usage *usage)
{
    if (quota->n_children >= limits->max_children)
        return g_strdup_printf("max-children limit %u", limits->max_children);
    if (usage != NULL && usage->n_running >= limits->concurrent)
        return g_strdup_printf("concurrent limit %" G_GUINT64_FORMAT, limits->concurrent);
    if (usage != NULL && limits->rate.n > 0) {
        if (!fill_bucket(usage, &limits->rate, limits->now_us))
            return g_strdup_printf("rate limit %u", limits->rate.n);
        usage->tokens -= 1;
    }
    quota->n_children++;
    if (usage != NULL)
        usage->n_running++;
    return NULL;
}

TnCharge *
tn_quota_take(TnQuota *quota, const TnQuotaLimits *limits, char **ret_what)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&quota->lock);
    Usage *usage = limits->rule != NULL ? get_usage(quota, limits->rule) : NULL;
    char *what = charge_locked(quota, limits, usage);
    TnCharge *charge;

    if (what != NULL) {
        *ret_what = what;
        return NULL;
    }
    charge = g_new0(TnCharge, 1);
    g_atomic_int_inc(&quota->n_refs);
    charge->quota = quota;
    charge->usage = usage;
    return charge;
}

void
tn_charge_free(TnCharge *charge)
{
    if (charge == NULL)
        return;
    g_mutex_lock(&charge->quota->lock);
    charge->quota->n_children--;
    if (charge->usage != NULL)
        charge->usage->n_running--;
    g_mutex_unlock(&charge->quota->lock);
    tn_quota_unref(charge->quota);
    g_free(charge);
}

guint
tn_quota_count_children(TnQuota *quota)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&quota->lock);

    return quota->n_children;
}
