/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/statfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

/* Mount points that begin with /hang wait for RELEASED; what a server that is gone looks like. */
static GMutex lock;
static GCond cond;
static gboolean released;
static gint n_asked;

static gboolean
fake_read(const char *path, TnSpace *ret_space)
{
    g_atomic_int_inc(&n_asked);
    if (g_str_has_prefix(path, "/hang")) {
        g_mutex_lock(&lock);
        while (!released)
            g_cond_wait(&cond, &lock);
        g_mutex_unlock(&lock);
    }
    if (g_str_has_prefix(path, "/refuse"))
        return FALSE;
    ret_space->total_bytes = strlen(path);
    return TRUE;
}

typedef struct {
    GArray *items;
    guint n_done;
} Outcome;

static void
note_done(GArray *items, gpointer data)
{
    Outcome *outcome = data;

    outcome->n_done++;
    g_clear_pointer(&outcome->items, g_array_unref);
    outcome->items = g_array_ref(items);
}

static GArray *
make_items(const char *const *paths)
{
    GArray *items = g_array_new(FALSE, TRUE, sizeof(TnStatfsItem));

    for (gsize i = 0; paths[i] != NULL; i++) {
        TnStatfsItem item = {.device = g_str_hash(paths[i]), .path = paths[i]};

        g_array_append_val(items, item);
    }
    return items;
}

static void
run_until(const guint *counter, guint wanted)
{
    gint64 end = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;

    while (*counter < wanted && g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, TRUE);
    assert_int_equal(*counter, wanted);
}

static const TnStatfsItem *
get(const Outcome *outcome, guint index)
{
    return &g_array_index(outcome->items, TnStatfsItem, index);
}

static void
test_answers_come_together(void **state)
{
    static const char *const paths[] = {"/a", "/refuse", "/abc", NULL};
    TnStatfs *statfs = tn_statfs_new(fake_read);
    Outcome outcome = {0};

    tn_statfs_ask(statfs, make_items(paths), 10000, note_done, &outcome);
    assert_int_equal(outcome.n_done, 0);
    run_until(&outcome.n_done, 1);
    assert_int_equal(get(&outcome, 0)->state, TN_STATFS_DONE);
    assert_int_equal(get(&outcome, 0)->space.total_bytes, 2);
    assert_int_equal(get(&outcome, 1)->state, TN_STATFS_FAILED);
    assert_int_equal(get(&outcome, 2)->space.total_bytes, 4);
    assert_int_equal(tn_statfs_count_threads(statfs), 0);
    g_array_unref(outcome.items);
    tn_statfs_free(statfs);
}

static void
release(void)
{
    g_mutex_lock(&lock);
    released = TRUE;
    g_cond_broadcast(&cond);
    g_mutex_unlock(&lock);
}

static void
test_a_hung_one_is_asked_once(void **state)
{
    static const char *const paths[] = {"/hang", "/fine", NULL};
    TnStatfs *statfs = tn_statfs_new(fake_read);
    Outcome outcome = {0};
    gint64 start;

    released = FALSE;
    g_atomic_int_set(&n_asked, 0);
    tn_statfs_ask(statfs, make_items(paths), 100, note_done, &outcome);
    run_until(&outcome.n_done, 1);
    assert_int_equal(get(&outcome, 0)->state, TN_STATFS_STALLED);
    assert_int_equal(get(&outcome, 1)->state, TN_STATFS_DONE);
    assert_int_equal(tn_statfs_count_threads(statfs), 1);
    start = g_get_monotonic_time();
    for (guint i = 0; i < 100; i++) {
        static const char *const again[] = {"/hang", NULL};

        tn_statfs_ask(statfs, make_items(again), 100, note_done, &outcome);
        run_until(&outcome.n_done, i + 2);
        assert_int_equal(get(&outcome, 0)->state, TN_STATFS_STALLED);
    }
    /* None of the hundred has waited its 100 ms. */
    assert_true(g_get_monotonic_time() - start < 5 * G_TIME_SPAN_SECOND);
    assert_int_equal(tn_statfs_count_threads(statfs), 1);
    assert_int_equal(g_atomic_int_get(&n_asked), 2);
    release();
    while (tn_statfs_count_threads(statfs) > 0)
        g_main_context_iteration(NULL, TRUE);
    outcome.n_done = 0;
    tn_statfs_ask(statfs, make_items(paths), 10000, note_done, &outcome);
    run_until(&outcome.n_done, 1);
    assert_int_equal(get(&outcome, 0)->state, TN_STATFS_DONE);
    g_array_unref(outcome.items);
    tn_statfs_free(statfs);
}

static void
test_two_batches_share_a_question(void **state)
{
    static const char *const paths[] = {"/hang", NULL};
    TnStatfs *statfs = tn_statfs_new(fake_read);
    Outcome first = {0};
    Outcome second = {0};

    released = FALSE;
    g_atomic_int_set(&n_asked, 0);
    tn_statfs_ask(statfs, make_items(paths), 20000, note_done, &first);
    tn_statfs_ask(statfs, make_items(paths), 20000, note_done, &second);
    assert_int_equal(tn_statfs_count_threads(statfs), 1);
    release();
    run_until(&first.n_done, 1);
    run_until(&second.n_done, 1);
    assert_int_equal(get(&first, 0)->state, TN_STATFS_DONE);
    assert_int_equal(get(&second, 0)->state, TN_STATFS_DONE);
    assert_int_equal(g_atomic_int_get(&n_asked), 1);
    g_array_unref(first.items);
    g_array_unref(second.items);
    tn_statfs_free(statfs);
}

static void
test_threads_are_limited(void **state)
{
    TnStatfs *statfs = tn_statfs_new(fake_read);
    GArray *items = g_array_new(FALSE, TRUE, sizeof(TnStatfsItem));
    Outcome outcome = {0};
    guint n_stalled = 0;

    released = FALSE;
    for (guint i = 0; i < 100; i++) {
        TnStatfsItem item = {.device = i, .path = "/hang"};

        g_array_append_val(items, item);
    }
    tn_statfs_ask(statfs, items, 50, note_done, &outcome);
    assert_int_equal(tn_statfs_count_threads(statfs), 64);
    run_until(&outcome.n_done, 1);
    for (guint i = 0; i < 100; i++)
        n_stalled += get(&outcome, i)->state == TN_STATFS_STALLED;
    assert_int_equal(n_stalled, 100);
    g_array_unref(outcome.items);
    release();
    while (tn_statfs_count_threads(statfs) > 0)
        g_main_context_iteration(NULL, TRUE);
    tn_statfs_free(statfs);
}

static void
test_freed_with_a_thread_that_hangs(void **state)
{
    static const char *const paths[] = {"/hang", NULL};
    TnStatfs *statfs = tn_statfs_new(fake_read);
    Outcome outcome = {0};

    released = FALSE;
    tn_statfs_ask(statfs, make_items(paths), 20000, note_done, &outcome);
    tn_statfs_free(statfs);
    release();
    g_usleep(50000);
    assert_int_equal(outcome.n_done, 0);
}

static void
test_counts_as_statvfs(void **state)
{
    struct statvfs status;
    TnSpace space;

    assert_true(tn_statfs_read("/", &space));
    assert_int_equal(statvfs("/", &status), 0);
    assert_int_equal(space.total_privileged_bytes, status.f_blocks * status.f_frsize);
    assert_int_equal(space.files, status.f_files);
    assert_true(space.used_bytes <= space.total_bytes);
    assert_true(space.total_bytes <= space.total_privileged_bytes);
    assert_false(tn_statfs_read("/nonexistent/at-all", &space));
}

static void
test_knows_who_may_hang(void **state)
{
    assert_true(tn_statfs_is_local("ext4"));
    assert_true(tn_statfs_is_local("xfs"));
    assert_false(tn_statfs_is_local("nfs4"));
    assert_false(tn_statfs_is_local("fuseblk"));
    assert_false(tn_statfs_is_local("fuse.sshfs"));
    assert_false(tn_statfs_is_local("overlay"));
    assert_false(tn_statfs_is_local(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_together),
        cmocka_unit_test(test_a_hung_one_is_asked_once),
        cmocka_unit_test(test_two_batches_share_a_question),
        cmocka_unit_test(test_threads_are_limited),
        cmocka_unit_test(test_freed_with_a_thread_that_hangs),
        cmocka_unit_test(test_counts_as_statvfs),
        cmocka_unit_test(test_knows_who_may_hang),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
