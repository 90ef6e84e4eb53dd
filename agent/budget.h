/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The memory that requests which have begun but not ended may hold together. Beyond the limit only
 * the oldest of them may grow further, so that it can end and make room; the others keep what they
 * have and wait. Small requests never wait. Sans-I/O, main thread only.
 */

/* What any peer may hold, even when the limit is exceeded. */
#define TN_BUDGET_SMALL_BYTES ((gsize)64 * 1024)

typedef struct TnBudget TnBudget;

/* One peer's part; embed it, zeroed. */
typedef struct {
    GList link; /* its place in the order in which requests began */
    gsize bytes;
    gboolean waiting; /* was told to wait since the last wake */
    gboolean woken;   /* for the owner, who wakes them one by one */
} TnBudgetShare;

/* WAKE is called when shares that were told to wait may try again; not from within a call. It runs
 * at the next turn of the loop, once however often that happens before. */
TnBudget *tn_budget_new(guint64 limit_bytes, void (*wake)(gpointer data), gpointer data);
void tn_budget_free(TnBudget *budget);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnBudget, tn_budget_free)

/* SHARE now holds BYTES; 0 takes it out (do that before its owner is freed). */
void tn_budget_set(TnBudget *budget, TnBudgetShare *share, gsize bytes);

/* What the others hold, SHARE aside. */
guint64 tn_budget_get_others(const TnBudget *budget, const TnBudgetShare *share);

/* How many bytes SHARE may read now; 0: it has to wait, which is noted in it. */
gsize tn_budget_get_room(TnBudget *budget, TnBudgetShare *share);
