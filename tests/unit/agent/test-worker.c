/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    GMutex *gate; /* run waits for it when not NULL */
    GThread *ran_in;
    GThread *done_in;
    guint *n_done;
} Work;

static void
run_work(gpointer data)
{
    Work *work = data;

    work->ran_in = g_thread_self();
    if (work->gate != NULL) {
        g_mutex_lock(work->gate);
        g_mutex_unlock(work->gate);
    }
}

static void
end_work(gpointer data)
{
    Work *work = data;

    work->done_in = g_thread_self();
    (*work->n_done)++;
}

static void
wait_for(const guint *n_done, guint expected)
{
    while (*n_done < expected)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_runs_elsewhere_and_ends_here(void **state)
{
    g_autoptr(TnWorkers) workers = tn_workers_new(0);
    guint n_done = 0;
    Work work = {.n_done = &n_done};

    assert_true(tn_workers_run(workers, run_work, end_work, &work));
    wait_for(&n_done, 1);
    assert_true(work.ran_in != g_thread_self());
    assert_true(work.done_in == g_thread_self());
}

static void
test_a_hung_thread_does_not_block_others(void **state)
{
    g_autoptr(TnWorkers) workers = tn_workers_new(2);
    GMutex gate;
    guint n_done = 0;
    Work hung = {.gate = &gate, .n_done = &n_done};
    Work works[50] = {0};

    g_mutex_init(&gate);
    g_mutex_lock(&gate);
    assert_true(tn_workers_run(workers, run_work, end_work, &hung));
    for (guint i = 0; i < G_N_ELEMENTS(works); i++) {
        works[i].n_done = &n_done;
        assert_true(tn_workers_run(workers, run_work, end_work, &works[i]));
    }
    wait_for(&n_done, G_N_ELEMENTS(works));
    assert_null(hung.done_in);
    g_mutex_unlock(&gate);
    wait_for(&n_done, G_N_ELEMENTS(works) + 1);
    g_mutex_clear(&gate);
}

static void
test_refuses_beyond_the_limits(void **state)
{
    g_autoptr(TnWorkers) workers = tn_workers_new(1);
    GMutex gate;
    guint n_done = 0;
    guint n_accepted = 0;
    Work *works = g_new0(Work, TN_WORKER_WAITING + 10);

    g_mutex_init(&gate);
    g_mutex_lock(&gate);
    for (guint i = 0; i < TN_WORKER_WAITING + 10; i++) {
        works[i].gate = &gate;
        works[i].n_done = &n_done;
        n_accepted += tn_workers_run(workers, run_work, end_work, &works[i]) ? 1 : 0;
    }
    assert_in_range(n_accepted, TN_WORKER_WAITING, TN_WORKER_WAITING + 1);
    g_mutex_unlock(&gate);
    wait_for(&n_done, n_accepted);
    g_mutex_clear(&gate);
    g_free(works);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_elsewhere_and_ends_here),
        cmocka_unit_test(test_a_hung_thread_does_not_block_others),
        cmocka_unit_test(test_refuses_beyond_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
