/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sum and a queue. The common case, a share that is empty before and after, touches neither.
 */

#include "agent/budget.h"

#include "platform/loop.h"

struct TnBudget {
    guint64 limit_bytes;
    guint64 total_bytes;
    GQueue shares; /* those with bytes, the oldest first */
    gboolean some_wait;
    TnTimer *wake;
    void (*func)(gpointer data);
    gpointer data;
};

static void
wake_waiting(gpointer data)
{
    TnBudget *budget = data;

    budget->some_wait = FALSE;
    budget->func(budget->data);
}

TnBudget *
tn_budget_new(guint64 limit_bytes, void (*wake)(gpointer data), gpointer data)
{
    TnBudget *budget = g_new0(TnBudget, 1);

    budget->limit_bytes = limit_bytes;
    budget->func = wake;
    budget->data = data;
    budget->wake = tn_timer_new(TN_LOOP_IO, wake_waiting, budget);
    g_queue_init(&budget->shares);
    return budget;
}

void
tn_budget_free(TnBudget *budget)
{
    if (budget == NULL)
        return;
    tn_timer_free(budget->wake);
    g_free(budget);
}

void
tn_budget_set(TnBudget *budget, TnBudgetShare *share, gsize bytes)
{
    gboolean was_over = budget->total_bytes > budget->limit_bytes;
    gboolean was_oldest = budget->shares.head == &share->link;

    if (bytes == share->bytes)
        return;
    if (share->bytes == 0) {
        share->link.data = share;
        g_queue_push_tail_link(&budget->shares, &share->link);
    } else if (bytes == 0) {
        g_queue_unlink(&budget->shares, &share->link);
    }
    budget->total_bytes = budget->total_bytes - share->bytes + bytes;
    share->bytes = bytes;

    /* Room again, or another is the oldest now. */
    if (budget->some_wait &&
        ((was_over && budget->total_bytes <= budget->limit_bytes) || (was_oldest && bytes == 0)))
        tn_timer_set(budget->wake, 0);
}

guint64
tn_budget_get_others(const TnBudget *budget, const TnBudgetShare *share)
{
    return budget->total_bytes - share->bytes;
}

gsize
tn_budget_get_room(TnBudget *budget, TnBudgetShare *share)
{
    if (budget->total_bytes <= budget->limit_bytes || budget->shares.head == &share->link)
        return G_MAXSIZE;
    if (share->bytes < TN_BUDGET_SMALL_BYTES)
        return TN_BUDGET_SMALL_BYTES - share->bytes;
    share->waiting = TRUE;
    budget->some_wait = TRUE;
    return 0;
}
