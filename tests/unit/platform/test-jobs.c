/* SPDX-License-Identifier: Apache-2.0 */

/* Jobs and their records: output, ends, limits of time and number, what is kept and for how long.
 */

#include "platform/jobs.h"

#include "platform/fd.h"
#include "platform/jobgroup.h"
#include "tests/unit/platform/spawn-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    TnSpawner *spawner;
    TnJobs *jobs;
    const char *channel;
    TnJobsLimits limits;
    gint64 number;
    guint n_started;
    guint n_failed;
    char *message;
    TnJob *job; /* the last one, borrowed */
    guint released;
} Fixture;

static gboolean
take_number(gpointer data, gint64 *ret_number, GError **error)
{
    *ret_number = ++*(gint64 *)data;
    return TRUE;
}

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    signal(SIGPIPE, SIG_IGN);
    fixture->spawner = tn_spawner_new(NULL, NULL);
    fixture->jobs = tn_jobs_new(fixture->spawner, NULL, take_number, &fixture->number, NULL);
    fixture->channel = g_intern_static_string("test");
    fixture->limits = (TnJobsLimits){
        .max_children = 100,
        .max_output_bytes = 64 << 20,
        .keep_count = 100,
        .keep_bytes = 32 << 20,
        .keep_us = 60 * G_USEC_PER_SEC,
    };
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    *state = fixture;
    return fixture->jobs == NULL;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_spawner_free(fixture->spawner);
    tn_jobs_free(fixture->jobs);
    g_free(fixture->message);
    g_free(fixture);
    return 0;
}

static void
handle_started(gpointer data, TnJob *job, TnChildStep step, const GError *error)
{
    Fixture *fixture = data;

    fixture->job = job;
    if (job != NULL) {
        fixture->n_started++;
        return;
    }
    fixture->n_failed++;
    g_free(fixture->message);
    fixture->message = g_strdup(error->message);
}

static TnJobSpec
make_job(const Fixture *fixture, const TnSpawnPlan *plan)
{
    return (TnJobSpec){
        .plan = plan,
        .channel = fixture->channel,
        .out = TN_JOB_OUTPUT_CAPTURE,
        .err = TN_JOB_OUTPUT_CAPTURE,
        .limit_bytes = 16 << 20,
    };
}

static TnJob *
start_job(Fixture *fixture, const TnJobSpec *spec)
{
    guint before = fixture->n_started;

    assert_true(tn_jobs_start(fixture->jobs, spec, handle_started, fixture, NULL));
    run_until(fixture->n_started > before);
    return fixture->job;
}

static TnJob *
start_shell(Fixture *fixture, const char *script)
{
    g_autoptr(TnSpawnPlan) plan = make_shell(script);
    TnJobSpec spec = make_job(fixture, plan);

    return start_job(fixture, &spec);
}

static void
run_to_end(const TnJob *job)
{
    run_until(tn_job_get_info(job)->ended);
}

static char *
get_text(const TnJob *job, TnJobStreamIndex index)
{
    g_autoptr(TnCaptureSpan) span =
        tn_capture_span_new(tn_job_get_capture(job, index), 0, G_MAXUINT64);
    GString *text = g_string_new(NULL);
    const uint8_t *data;
    gsize n;

    while ((n = tn_capture_span_next(span, 1000, &data)) > 0)
        g_string_append_len(text, (const char *)data, (gssize)n);
    return g_string_free(text, FALSE);
}

static void
check_text(const TnJob *job, TnJobStreamIndex index, const char *expected)
{
    g_autofree char *text = get_text(job, index);

    assert_string_equal(text, expected);
}

static void
test_streams_and_exit(void **state)
{
    Fixture *fixture = *state;
    TnJob *job = start_shell(fixture, "echo out; echo err >&2; exit 7");
    const TnJobInfo *info = tn_job_get_info(job);

    assert_int_equal(info->number, 1);
    assert_true(info->pid > 0);
    run_to_end(job);
    check_text(job, TN_JOB_STDOUT, "out\n");
    check_text(job, TN_JOB_STDERR, "err\n");
    assert_int_equal(info->exit_code, 7);
    assert_int_equal(info->signal, 0);
    assert_int_equal(info->reason, TN_JOB_EXIT);
    assert_true(info->peak_bytes > 0);
    assert_true(info->ended_ns >= info->started_ns);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void
test_signal_is_told(void **state)
{
    TnJob *job = start_shell(*state, "kill -9 $$");

    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->signal, SIGKILL);
    assert_int_equal(tn_job_get_info(job)->reason, TN_JOB_SIGNAL);
}

static void
test_merged_keeps_order(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("for i in 1 2 3; do echo o$i; echo e$i >&2; done");
    TnJobSpec spec = make_job(fixture, plan);
    TnJob *job;

    spec.err = TN_JOB_OUTPUT_MERGE;
    job = start_job(fixture, &spec);
    run_to_end(job);
    check_text(job, TN_JOB_STDOUT, "o1\ne1\no2\ne2\no3\ne3\n");
    assert_null(tn_job_get_capture(job, TN_JOB_STDERR));
}

static void
test_one_stream_only(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("echo out; echo err >&2");
    TnJobSpec spec = make_job(fixture, plan);

    for (int i = 0; i < 5; i++) { /* again and again: no descriptor of ours may be touched */
        TnJob *job;

        spec.out = i % 2 == 0 ? TN_JOB_OUTPUT_CAPTURE : TN_JOB_OUTPUT_NULL;
        spec.err = i % 2 == 0 ? TN_JOB_OUTPUT_NULL : TN_JOB_OUTPUT_CAPTURE;
        job = start_job(fixture, &spec);
        run_to_end(job);
        check_text(job, i % 2 == 0 ? TN_JOB_STDOUT : TN_JOB_STDERR, i % 2 == 0 ? "out\n" : "err\n");
    }
}

static void
test_input(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("cat | wc -c");
    TnJobSpec spec = make_job(fixture, plan);
    g_autoptr(GBytes) input = g_bytes_new_take(g_malloc0(3 << 20), 3 << 20);
    TnJob *job;

    spec.has_input = TRUE;
    spec.input = input;
    job = start_job(fixture, &spec);
    run_to_end(job);
    check_text(job, TN_JOB_STDOUT, "3145728\n");
    spec.input = NULL;
    job = start_job(fixture, &spec);
    run_to_end(job);
    check_text(job, TN_JOB_STDOUT, "0\n");
    spec.has_input = FALSE;
    job = start_job(fixture, &spec);
    run_to_end(job);
    check_text(job, TN_JOB_STDOUT, "0\n");
}

static void
test_input_that_nobody_reads(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("exit 3");
    TnJobSpec spec = make_job(fixture, plan);
    g_autoptr(GBytes) input = g_bytes_new_take(g_malloc0(3 << 20), 3 << 20);
    TnJob *job;

    spec.has_input = TRUE;
    spec.input = input;
    job = start_job(fixture, &spec);
    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->exit_code, 3);
    assert_null(tn_job_get_feed(job));
}

/* The end is told soon, and the process in the background neither blocks nor dies. */
static void
test_background_process(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *dir = g_dir_make_tmp("tn-jobs-XXXXXX", NULL);
    g_autofree char *mark = g_build_filename(dir, "mark", NULL);
    g_autofree char *script = g_strdup_printf(
        "echo now; (sleep 0.5; head -c 300000 /dev/zero && touch %s; exec sleep 1) & exit 0", mark);
    gint64 begun = tn_clock_monotonic_us();
    TnJob *job = start_shell(fixture, script);

    run_to_end(job);
    assert_true(tn_clock_monotonic_us() - begun < 450000);
    check_text(job, TN_JOB_STDOUT, "now\n");
    assert_true(tn_job_has_stream_ended(job, TN_JOB_STDOUT));
    run_until(g_file_test(mark, G_FILE_TEST_EXISTS));
    check_text(job, TN_JOB_STDOUT, "now\n");
    unlink(mark);
    rmdir(dir);
}

static void
test_background_flood(void **state)
{
    gint64 begun = tn_clock_monotonic_us();
    TnJob *job = start_shell(*state, "cat /dev/zero & echo $!; exit 4");
    g_autofree char *text = NULL;

    run_to_end(job); /* although the reading is never done */
    assert_true(tn_clock_monotonic_us() - begun < G_USEC_PER_SEC);
    assert_int_equal(tn_job_get_info(job)->exit_code, 4);
    text = get_text(job, TN_JOB_STDOUT);
    kill((pid_t)g_ascii_strtoll(text, NULL, 10), SIGKILL);
}

static void
test_limit_exact(void **state)
{
    Fixture *fixture = *state;
    TnJob *job = start_shell(fixture, "head -c 16777216 /dev/zero; head -c 16777217 /dev/zero >&2");
    const TnCapture *out;
    const TnCapture *err;

    run_to_end(job);
    out = tn_job_get_capture(job, TN_JOB_STDOUT);
    err = tn_job_get_capture(job, TN_JOB_STDERR);
    assert_int_equal(tn_capture_get_end(out), 16777216);
    assert_int_equal(tn_capture_get_dropped(out), 0);
    assert_int_equal(tn_capture_get_end(err), 16777216);
    assert_int_equal(tn_capture_get_dropped(err), 1);
}

static gboolean
is_group_gone(pid_t group)
{
    return kill(-group, 0) < 0 && errno == ESRCH;
}

static void
test_timeout_kills_the_group(void **state)
{
    Fixture *fixture = *state;
    TnSpawnSpec *program =
        make_spec("/bin/sh", "-c", "trap '' TERM; sleep 77 & sleep 77; sleep 77", NULL);
    g_autoptr(TnSpawnPlan) plan = NULL;
    TnJobSpec spec;
    TnJob *job;

    program->timeout_us = 200000;
    program->grace_us = 200000;
    plan = tn_spawn_plan_seal(program);
    spec = make_job(fixture, plan);
    job = start_job(fixture, &spec);
    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->signal, SIGKILL);
    assert_int_equal(tn_job_get_info(job)->reason, TN_JOB_TIMEOUT);
    assert_true(tn_job_get_info(job)->ended_us - tn_job_get_info(job)->started_us >= 390000);
    run_until(is_group_gone(tn_job_get_info(job)->pid));
}

/* The main process obeys TERM, another one of the group does not. */
static void
test_kill_takes_stragglers(void **state)
{
    Fixture *fixture = *state;
    TnJob *job = start_shell(fixture, "(trap '' TERM; sleep 77; sleep 77) & exec sleep 78");

    g_usleep(100000);
    tn_job_kill(job, TN_JOB_KILLED, SIGTERM, 10 * G_USEC_PER_SEC);
    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->signal, SIGTERM);
    assert_int_equal(tn_job_get_info(job)->reason, TN_JOB_KILLED);
    assert_true(tn_job_get_info(job)->ended_us - tn_job_get_info(job)->started_us < 2000000);
    run_until(is_group_gone(tn_job_get_info(job)->pid));
    assert_false(tn_job_signal(job, SIGTERM, FALSE, NULL));
}

static void
release_charge(gpointer data, const TnJob *job)
{
    ++*(guint *)data;
}

static void
test_charge_and_max_children(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("read x");
    TnJobSpec spec = make_job(fixture, plan);
    g_autoptr(GError) error = NULL;
    TnJob *job;

    fixture->limits.max_children = 1;
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    spec.has_input = TRUE;
    spec.keep_open = TRUE;
    spec.charge = &fixture->released;
    spec.release_charge = release_charge;
    job = start_job(fixture, &spec);
    assert_false(tn_jobs_start(fixture->jobs, &spec, handle_started, fixture, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BUSY));
    assert_int_equal(fixture->released, 0);
    tn_feed_finish(tn_job_get_feed(job));
    run_to_end(job);
    assert_int_equal(fixture->released, 1);
    job = start_job(fixture, &spec);
    tn_feed_finish(tn_job_get_feed(job));
    run_to_end(job);
}

static void
test_overflow_kills(void **state)
{
    Fixture *fixture = *state;
    TnSpawnSpec *raw = make_spec("/bin/sh", "-c", "yes; sleep 60", NULL);
    g_autoptr(TnSpawnPlan) plan = NULL;
    TnJobSpec spec;
    TnJob *job;

    raw->output_max_bytes = 1000;
    raw->kills_on_overflow = TRUE;
    plan = tn_spawn_plan_seal(raw);
    spec = make_job(fixture, plan);
    spec.out = TN_JOB_OUTPUT_CAPTURE;
    job = start_job(fixture, &spec);
    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->reason, TN_JOB_OUTPUT_LIMIT);
    assert_int_equal(tn_job_get_info(job)->signal, SIGKILL);
}

/* Agents in one control group may number their jobs alike. */
static void
test_a_group_in_use_is_left_alone(void **state)
{
    const gint64 number = ((gint64)1 << 40) + getpid();
    tn_autofd int parent = tn_jobgroup_open_parent();
    tn_autofd int first = tn_jobgroup_create(parent, number);
    tn_autofd int procs = -1;
    tn_autofd int again = -1;
    g_autofree char *text = NULL;
    gboolean moved;
    pid_t other;

    if (first < 0) {
        print_message("no control group is delegated to this test\n");
        return;
    }
    other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        for (;;)
            pause();
    }
    text = g_strdup_printf("%d", other);
    procs = openat(first, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    moved = write(procs, text, strlen(text)) > 0;
    again = tn_jobgroup_create(parent, number);
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_true(moved);
    assert_int_equal(again, -1);
    /* Left behind, it is made anew. */
    again = tn_jobgroup_create(parent, number);
    assert_true(again >= 0);
    tn_jobgroup_remove(parent, number);
}

/* Where no control group is delegated limits cannot be had: without them it runs only if it may. */
static void
test_limits_of_a_group(void **state)
{
    Fixture *fixture = *state;

    for (int i = 0; i < 2; i++) {
        TnSpawnSpec *raw = make_spec("/bin/true", NULL);
        g_autoptr(TnSpawnPlan) plan = NULL;
        TnJobSpec spec;

        raw->group = (TnSpawnGroup){.is_wanted = TRUE, .is_optional = i == 1, .pids = 4};
        plan = tn_spawn_plan_seal(raw);
        spec = make_job(fixture, plan);
        assert_true(tn_jobs_start(fixture->jobs, &spec, handle_started, fixture, NULL));
        run_until(fixture->n_started + fixture->n_failed > (guint)i);
        if (fixture->n_started == 1)
            run_to_end(fixture->job);
        if (i == 0 && fixture->n_started == 1) {
            print_message("a control group is delegated to this test\n");
            skip();
        }
    }
    assert_int_equal(fixture->n_started, 1);
    assert_int_equal(fixture->n_failed, 1);
    assert_true(g_str_has_prefix(fixture->message, "confinement step 'cgroup' failed: "));
}

/* uname(2) kills, everything else is allowed. */
static void
test_filter_is_the_reason(void **state)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    Fixture *fixture = *state;
    TnSpawnSpec *raw = make_spec("/bin/uname", NULL);
    g_autoptr(TnSpawnPlan) plan = NULL;
    TnJobSpec spec;
    TnJob *job;

    raw->confine.sets_no_new_privs = TRUE;
    raw->confine.filters[0] = g_bytes_new(code, sizeof code);
    plan = tn_spawn_plan_seal(raw);
    spec = make_job(fixture, plan);
    job = start_job(fixture, &spec);
    run_to_end(job);
    assert_int_equal(tn_job_get_info(job)->reason, TN_JOB_SECCOMP);
    assert_int_equal(tn_job_get_info(job)->signal, SIGSYS);
}

static void
test_failed_start_leaves_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_plan("/no/such");
    TnJobSpec spec = make_job(fixture, plan);
    g_autoptr(GPtrArray) list = NULL;

    fixture->limits.max_children = 1;
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    spec.charge = &fixture->released;
    spec.release_charge = release_charge;
    for (guint i = 1; i <= 3; i++) {
        assert_true(tn_jobs_start(fixture->jobs, &spec, handle_started, fixture, NULL));
        run_until(fixture->n_failed == i);
        assert_int_equal(fixture->released, i);
    }
    list = tn_jobs_list(fixture->jobs, fixture->channel);
    assert_int_equal(list->len, 0);
}

static void
test_found_by_channel(void **state)
{
    Fixture *fixture = *state;
    TnJob *job = start_shell(fixture, "exit 0");
    const char *other = g_intern_static_string("other");
    pid_t pid = tn_job_get_info(job)->pid;

    assert_ptr_equal(tn_jobs_find_pid(fixture->jobs, fixture->channel, pid), job);
    assert_null(tn_jobs_find_pid(fixture->jobs, other, pid));
    assert_null(tn_jobs_find_pid(fixture->jobs, fixture->channel, (gint64)pid + (1LL << 32)));
    assert_null(tn_jobs_find_pid(fixture->jobs, fixture->channel, -1));
    assert_ptr_equal(tn_jobs_find_number(fixture->jobs, fixture->channel, 1), job);
    assert_null(tn_jobs_find_number(fixture->jobs, other, 1));
    assert_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 2));
    run_to_end(job);
}

static void
test_read_records_go_first(void **state)
{
    Fixture *fixture = *state;
    TnJob *jobs[4];

    fixture->limits.keep_count = 2;
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    for (int i = 0; i < 2; i++) {
        jobs[i] = start_shell(fixture, "exit 0");
        run_to_end(jobs[i]);
    }
    tn_jobs_mark_read(fixture->jobs, jobs[1]);
    jobs[2] = start_shell(fixture, "exit 0");
    run_to_end(jobs[2]);
    assert_non_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 1));
    assert_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 2));
    jobs[3] = start_shell(fixture, "exit 0");
    run_to_end(jobs[3]);
    assert_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 1));
    assert_non_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 3));
}

static void
test_kept_bytes(void **state)
{
    Fixture *fixture = *state;
    TnJob *empty;
    TnJob *full;

    fixture->limits.keep_bytes = 0;
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    empty = start_shell(fixture, "exit 0");
    run_to_end(empty);
    tn_jobs_mark_read(fixture->jobs, empty);
    full = start_shell(fixture, "echo x");
    run_to_end(full);
    assert_ptr_equal(tn_jobs_find_number(fixture->jobs, fixture->channel, 2), full);
    tn_jobs_mark_read(fixture->jobs, full);
    assert_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 2));
    assert_ptr_equal(tn_jobs_find_number(fixture->jobs, fixture->channel, 1), empty);
}

static void
test_records_expire(void **state)
{
    Fixture *fixture = *state;

    fixture->limits.keep_us = 100000;
    tn_jobs_set_limits(fixture->jobs, &fixture->limits);
    run_to_end(start_shell(fixture, "exit 0"));
    run_to_end(start_shell(fixture, "sleep 0.05"));
    run_until(tn_jobs_find_number(fixture->jobs, fixture->channel, 1) == NULL);
    run_until(tn_jobs_find_number(fixture->jobs, fixture->channel, 2) == NULL);
}

static void
test_forget(void **state)
{
    Fixture *fixture = *state;
    TnJob *job = start_shell(fixture, "sleep 0.1");

    assert_false(tn_jobs_forget(fixture->jobs, job));
    run_to_end(job);
    assert_true(tn_jobs_forget(fixture->jobs, job));
    assert_null(tn_jobs_find_number(fixture->jobs, fixture->channel, 1));
}

typedef struct {
    TnJobWaiter waiter;
    guint calls;
    TnJob *job;
} Listener;

static void
handle_notify(TnJobWaiter *waiter)
{
    Listener *listener = (Listener *)(void *)waiter;

    listener->calls++;
    if (listener->job != NULL && !tn_job_get_info(listener->job)->ended)
        tn_job_wait(listener->job, waiter); /* from within: the next event, not this one again */
}

static void
test_waiters(void **state)
{
    TnJob *job = start_shell(*state, "echo a; sleep 0.2; echo b; sleep 0.2");
    Listener output = {.waiter = {.notify = handle_notify, .events = TN_JOB_EVENT_OUTPUT},
                       .job = job};
    Listener end = {.waiter = {.notify = handle_notify}};
    Listener gone = {.waiter = {.notify = handle_notify}};

    tn_job_wait(job, &output.waiter);
    tn_job_wait(job, &end.waiter);
    tn_job_wait(job, &gone.waiter);
    tn_job_unwait(&gone.waiter);
    tn_job_unwait(&gone.waiter);
    run_to_end(job);
    assert_in_range(output.calls, 3, 6);
    assert_int_equal(end.calls, 1);
    assert_int_equal(gone.calls, 0);
}

static void
test_waiting_output_loses_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("head -c 2000000 /dev/zero; echo end >&2");
    TnJobSpec spec = make_job(fixture, plan);
    g_autoptr(TnJob) job = NULL;
    const TnCapture *out;
    guint64 seen = 0;

    spec.on_full = TN_CAPTURE_WAIT;
    spec.limit_bytes = 65536;
    job = tn_job_ref(start_job(fixture, &spec));
    out = tn_job_get_capture(job, TN_JOB_STDOUT);
    while (!tn_job_has_stream_ended(job, TN_JOB_STDOUT)) {
        run_until(tn_capture_get_end(out) > seen || tn_job_has_stream_ended(job, TN_JOB_STDOUT));
        seen = tn_capture_get_end(out);
        assert_true(seen - tn_capture_get_from(out) <= 65536);
        tn_job_acknowledge(job, TN_JOB_STDOUT, seen);
    }
    run_to_end(job);
    assert_int_equal(seen, 2000000);
    assert_int_equal(tn_capture_get_dropped(out), 0);
    check_text(job, TN_JOB_STDERR, "end\n");
}

static guint
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    guint n = 0;

    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void
test_many_jobs_leave_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(TnSpawnPlan) plan = make_shell("echo hello");
    TnJobSpec spec = make_job(fixture, plan);
    guint descriptors = count_descriptors();

    for (int i = 0; i < 64; i++)
        assert_true(tn_jobs_start(fixture->jobs, &spec, handle_started, fixture, NULL));
    run_until(fixture->n_started == 64);
    for (gint64 i = 1; i <= 64; i++) {
        TnJob *job = tn_jobs_find_number(fixture->jobs, fixture->channel, i);

        run_to_end(job);
        check_text(job, TN_JOB_STDOUT, "hello\n");
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(count_descriptors(), descriptors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_streams_and_exit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signal_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merged_keeps_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_stream_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_input_that_nobody_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_background_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_background_flood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_timeout_kills_the_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kill_takes_stragglers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_charge_and_max_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_start_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_found_by_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overflow_kills, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_group_in_use_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_of_a_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filter_is_the_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_records_go_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kept_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records_expire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_output_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_jobs_leave_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
