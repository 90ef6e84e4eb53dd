/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    LIMIT_BYTES = 1000000
};

static void
count_wake(gpointer data)
{
    guint *n = data;

    (*n)++;
}

static void
turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
test_only_the_oldest_grows_beyond_the_limit(void **state)
{
    guint n_wakes = 0;
    TnBudgetShare first = {0};
    TnBudgetShare second = {0};
    TnBudgetShare third = {0};
    g_autoptr(TnBudget) budget = tn_budget_new(LIMIT_BYTES, count_wake, &n_wakes);

    tn_budget_set(budget, &first, 600000);
    tn_budget_set(budget, &second, 400000);
    assert_int_equal(tn_budget_get_room(budget, &second), G_MAXSIZE);
    tn_budget_set(budget, &second, 400001);
    assert_int_equal(tn_budget_get_room(budget, &first), G_MAXSIZE);
    assert_int_equal(tn_budget_get_room(budget, &second), 0);
    assert_true(second.waiting);
    /* A small request of somebody else still passes. */
    assert_int_equal(tn_budget_get_room(budget, &third), TN_BUDGET_SMALL_BYTES);
    tn_budget_set(budget, &third, TN_BUDGET_SMALL_BYTES);
    assert_int_equal(tn_budget_get_room(budget, &third), 0);

    tn_budget_set(budget, &first, 700000);
    turn();
    assert_int_equal(n_wakes, 0);
    tn_budget_set(budget, &first, 0);
    assert_int_equal(n_wakes, 0); /* not from within */
    turn();
    assert_int_equal(n_wakes, 1);
    assert_int_equal(tn_budget_get_room(budget, &third), G_MAXSIZE);
    tn_budget_set(budget, &second, 0);
    tn_budget_set(budget, &third, 0);
}

static void
test_the_next_oldest_takes_over(void **state)
{
    guint n_wakes = 0;
    TnBudgetShare first = {0};
    TnBudgetShare second = {0};
    TnBudgetShare third = {0};
    g_autoptr(TnBudget) budget = tn_budget_new(LIMIT_BYTES, count_wake, &n_wakes);

    tn_budget_set(budget, &first, 500000);
    tn_budget_set(budget, &second, 900000);
    tn_budget_set(budget, &third, 900000);
    assert_int_equal(tn_budget_get_room(budget, &second), 0);
    tn_budget_set(budget, &first, 0);
    turn();
    assert_int_equal(n_wakes, 1); /* still beyond the limit, but another is the oldest */
    assert_int_equal(tn_budget_get_room(budget, &second), G_MAXSIZE);
    assert_int_equal(tn_budget_get_room(budget, &third), 0);
    tn_budget_set(budget, &second, 0);
    tn_budget_set(budget, &third, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_oldest_grows_beyond_the_limit),
        cmocka_unit_test(test_the_next_oldest_takes_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
