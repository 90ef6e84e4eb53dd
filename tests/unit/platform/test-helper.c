/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/helper.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    TnHelpers *helpers;
    const char *const *argv;
    GBytes *input;
    gint64 limit_us;
    TnHelperEnd end;
    GError *error;
    gboolean ok;
    gboolean is_done;
} Job;

static TnSpawnPlan *
plan(const char *name, const char *const *argv, gpointer data, GError **error)
{
    TnSpawnSpec *spec;

    if (strcmp(name, "denied") == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "denied");
        return NULL;
    }
    spec = tn_spawn_spec_new();
    spec->path = g_strdup(argv[0]);
    spec->argv = g_strdupv((char **)(gsize)argv);
    return tn_spawn_plan_seal(spec);
}

static gpointer
work(gpointer data)
{
    Job *job = data;

    job->ok = tn_helpers_run(job->helpers, "test", job->argv, job->input, job->limit_us, &job->end,
                             &job->error);
    job->is_done = TRUE;
    g_main_context_wakeup(NULL);
    return NULL;
}

static void
run(Job *job)
{
    TnSpawner *spawner = tn_spawner_new(NULL, NULL);
    GThread *thread;

    job->helpers = tn_helpers_new(spawner, plan, NULL);
    thread = g_thread_new("worker", work, job);
    while (!job->is_done)
        g_main_context_iteration(NULL, TRUE);
    g_thread_join(thread);
    tn_helpers_free(job->helpers);
    tn_spawner_free(spawner);
}

static void
test_output_and_status(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "echo out; echo err >&2; exit 3", NULL};
    Job job = {.argv = argv, .limit_us = 20 * G_USEC_PER_SEC};

    run(&job);
    assert_true(job.ok);
    assert_true(job.end.exited);
    assert_int_equal(job.end.status, 3);
    assert_string_equal(job.end.output, "out\nerr");
    tn_helper_end_clear(&job.end);
}

static void
test_input_is_written_whole(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "wc -c | tr -d ' '", NULL};
    Job job = {.argv = argv, .limit_us = 20 * G_USEC_PER_SEC};

    job.input = g_bytes_new_take(g_malloc0(200000), 200000);
    run(&job);
    assert_string_equal(job.end.output, "200000");
    tn_helper_end_clear(&job.end);
    g_bytes_unref(job.input);
}

static void
test_input_that_nobody_reads(void **state)
{
    const char *argv[] = {"/bin/true", NULL};
    Job job = {.argv = argv, .limit_us = 20 * G_USEC_PER_SEC};

    job.input = g_bytes_new_take(g_malloc0(200000), 200000);
    run(&job);
    assert_true(job.end.exited && job.end.status == 0);
    tn_helper_end_clear(&job.end);
    g_bytes_unref(job.input);
}

static void
test_one_that_hangs_is_killed(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "echo begun; sleep 1000 & sleep 1000", NULL};
    Job job = {.argv = argv, .limit_us = G_USEC_PER_SEC / 2};

    run(&job);
    assert_true(job.ok && job.end.timed_out);
    assert_int_equal(job.end.status, SIGKILL);
    assert_string_equal(job.end.output, "begun");
    tn_helper_end_clear(&job.end);
}

static void
test_output_is_bounded(void **state)
{
    const char *argv[] = {"/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x", NULL};
    Job job = {.argv = argv, .limit_us = 20 * G_USEC_PER_SEC};

    run(&job);
    assert_true(job.end.exited && job.end.status == 0);
    assert_int_equal(strlen(job.end.output), 4096);
    tn_helper_end_clear(&job.end);
}

static void
test_missing_program(void **state)
{
    const char *argv[] = {"/nonexistent/program", NULL};
    Job job = {.argv = argv, .limit_us = 20 * G_USEC_PER_SEC};

    run(&job);
    assert_false(job.ok);
    assert_non_null(strstr(job.error->message, "No such file or directory"));
    g_clear_error(&job.error);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_status),
        cmocka_unit_test(test_input_is_written_whole),
        cmocka_unit_test(test_input_that_nobody_reads),
        cmocka_unit_test(test_one_that_hangs_is_killed),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_missing_program),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
