/* SPDX-License-Identifier: Apache-2.0 */

/* Plans, the spawning thread and the child's steps, seen from a program that was started. */

#include "platform/fd.h"
#include "platform/spawner.h"
#include "tests/unit/platform/spawn-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    TnSpawner *spawner;
    guint answers;
    pid_t pid;
    int pidfd;
    TnChildStep step;
    char *message;
} Fixture;

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->spawner = tn_spawner_new(NULL, NULL);
    fixture->pidfd = -1;
    *state = fixture;
    return fixture->spawner == NULL;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_spawner_free(fixture->spawner);
    tn_fd_clear(&fixture->pidfd);
    g_free(fixture->message);
    g_free(fixture);
    return 0;
}

static void
take_outcome(gpointer data, const TnSpawnOutcome *outcome)
{
    Fixture *fixture = data;

    fixture->answers++;
    fixture->pid = outcome->pid;
    tn_fd_clear(&fixture->pidfd);
    fixture->pidfd = outcome->pidfd;
    fixture->step = outcome->step;
    g_free(fixture->message);
    fixture->message = outcome->error != NULL ? g_strdup(outcome->error->message) : NULL;
}

static void
start_plan(Fixture *fixture, TnSpawnPlan *take_plan, const int stdio[3])
{
    static const int none[3] = {-1, -1, -1};
    g_autoptr(TnSpawnPlan) plan = take_plan;
    guint before = fixture->answers;

    tn_spawner_start(fixture->spawner, plan, stdio != NULL ? stdio : none, take_outcome, fixture);
    run_until(fixture->answers > before);
}

/* Runs PLAN with a pipe as standard output; its output without the last newline. */
static char *
run_output(Fixture *fixture, TnSpawnPlan *take_plan)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    int ends[2];
    int status;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    start_plan(fixture, take_plan, (int[]){-1, ends[1], -1});
    assert_true(fixture->pid > 0);
    assert_true(fixture->pidfd >= 0);
    assert_true(tn_fd_read_all(ends[0], "pipe", 1 << 20, &text, NULL, &error));
    close(ends[0]);
    assert_int_equal(waitpid(fixture->pid, &status, 0), fixture->pid);
    assert_true(WIFEXITED(status));
    return g_strchomp(text);
}

static void
test_output_and_arguments(void **state)
{
    g_autofree char *text = run_output(
        *state, make_plan("/bin/sh", "-c", "printf '%s|' \"$0\" \"$@\"", "a", "b c", ""));

    assert_string_equal(text, "a|b c||");
}

static void
test_state_of_child(void **state)
{
    Fixture *fixture = *state;
    TnSpawnSpec *spec = make_spec("/bin/sh", "-c",
                                  "pwd; umask; ulimit -c; ulimit -n; echo $(ls /proc/self/fd);"
                                  "set -- $(cat /proc/self/stat); [ $$ = $6 ] && echo leader;"
                                  "grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2",
                                  NULL);
    g_autofree char *text = NULL;

    signal(SIGPIPE, SIG_IGN);
    spec->cwd = g_strdup("/usr");
    spec->umask = 027;
    tn_spawn_spec_set_limit(spec, RLIMIT_NOFILE, 77, 88);
    text = run_output(fixture, tn_spawn_plan_seal(spec));
    signal(SIGPIPE, SIG_DFL);
    /* 3 is the directory that ls reads. */
    assert_string_equal(text, "/usr\n0027\n0\n77\n0 1 2 3\nleader\n"
                              "0000000000000000\n0000000000000000");
}

static void
test_environment_is_the_plan(void **state)
{
    TnSpawnSpec *spec = make_spec("/usr/bin/env", NULL);
    g_autofree char *text = NULL;

    g_strfreev(spec->envp);
    spec->envp = g_strdupv((char *[]){(char[]){"A=1"}, (char[]){"noequals"}, NULL});
    text = run_output(*state, tn_spawn_plan_seal(spec));
    assert_string_equal(text, "A=1\nnoequals");
}

static void
test_script_without_interpreter(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("tn-child-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "script", NULL);
    g_autofree char *text = NULL;

    assert_true(g_file_set_contents(path, "echo $0 $1\n", -1, NULL));
    chmod(path, 0700);
    text = run_output(*state, make_plan(path, "x"));
    assert_true(g_str_has_suffix(text, "/script x"));
    unlink(path);
    rmdir(dir);
}

static void
check_failure(Fixture *fixture, TnSpawnPlan *take_plan, TnChildStep step, const char *message)
{
    start_plan(fixture, take_plan, NULL);
    assert_int_equal(fixture->pid, 0);
    assert_int_equal(fixture->pidfd, -1);
    assert_int_equal(fixture->step, step);
    assert_string_equal(fixture->message, message);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
    assert_int_equal(errno, ECHILD);
}

static void
test_failures_in_words(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *dir = g_dir_make_tmp("tn-child-XXXXXX", NULL);
    g_autofree char *bad = g_build_filename(dir, "bad", NULL);
    g_autofree char *plain = g_build_filename(dir, "plain", NULL);
    g_autofree char *plain_words =
        g_strdup_printf("Failed to execute child process “%s” (Permission denied)", plain);
    g_autofree char *bad_words =
        g_strdup_printf("Failed to execute child process “%s” (No such file or directory)", bad);
    TnSpawnSpec *spec = make_spec("/bin/true", NULL);

    assert_true(g_file_set_contents(bad, "#!/no/interpreter\n", -1, NULL));
    chmod(bad, 0700);
    assert_true(g_file_set_contents(plain, "x", -1, NULL));
    chmod(plain, 0600);
    check_failure(fixture, make_plan("/no/such/x"), TN_CHILD_STEP_EXEC,
                  "Failed to execute child process “/no/such/x” (No such file or directory)");
    check_failure(fixture, make_plan("/usr"), TN_CHILD_STEP_EXEC,
                  "Failed to execute child process “/usr” (Permission denied)");
    check_failure(fixture, make_plan(plain), TN_CHILD_STEP_EXEC, plain_words);
    check_failure(fixture, make_plan(bad), TN_CHILD_STEP_EXEC, bad_words);
    spec->cwd = g_strdup("/no/such/dir");
    check_failure(fixture, tn_spawn_plan_seal(spec), TN_CHILD_STEP_DIRECTORY,
                  "Failed to change to directory “/no/such/dir” (No such file or directory)");
    spec = make_spec("/bin/true", NULL);
    tn_spawn_spec_set_limit(spec, 12345, 1, 1);
    check_failure(fixture, tn_spawn_plan_seal(spec), TN_CHILD_STEP_LIMITS,
                  "confinement step 'limits' failed: Invalid argument");
    unlink(bad);
    unlink(plain);
    rmdir(dir);
}

static void
test_no_descriptors_left(void **state)
{
    Fixture *fixture = *state;
    struct rlimit saved;
    struct rlimit few = {.rlim_cur = 3, .rlim_max = 3};

    getrlimit(RLIMIT_NOFILE, &saved);
    few.rlim_max = saved.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    start_plan(fixture, make_plan("/bin/true"), NULL);
    setrlimit(RLIMIT_NOFILE, &saved);
    if (fixture->pid > 0) /* clone without a pidfd, under valgrind */
        waitpid(fixture->pid, NULL, 0);
    else
        assert_string_equal(fixture->message, "Failed to fork (Too many open files)");
}

static void
stop_children_of(const char *task)
{
    g_autofree char *path = g_build_filename(task, "children", NULL);
    char text[256] = "";
    tn_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *rest = text;

    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return;
    for (;;) {
        pid_t pid = (pid_t)g_ascii_strtoll(rest, &rest, 10);

        if (pid <= 0)
            return;
        if (pid != getpid())
            kill(pid, SIGSTOP);
    }
}

/* Stops whatever child its parent has, again and again. */
static void
run_stopper(void)
{
    g_autofree char *tasks = g_strdup_printf("/proc/%d/task", (int)getppid());

    for (int i = 0; i < 20000; i++) {
        DIR *dir = opendir(tasks);
        const struct dirent *entry;

        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            g_autofree char *task = g_build_filename(tasks, entry->d_name, NULL);

            stop_children_of(task);
        }
        if (dir != NULL)
            closedir(dir);
    }
    _exit(0);
}

/* Any process of the same user can stop a child between clone and exec. */
static void
test_child_that_is_stopped_early(void **state)
{
    Fixture *fixture = *state;
    gint64 until = tn_clock_monotonic_us() + 5 * G_USEC_PER_SEC;
    pid_t stopper = fork();

    if (stopper == 0)
        run_stopper();
    do {
        start_plan(fixture, make_plan("/bin/true"), NULL);
        if (fixture->pid == 0)
            break;
        kill(fixture->pid, SIGKILL);
        waitpid(fixture->pid, NULL, 0);
    } while (tn_clock_monotonic_us() < until);
    kill(stopper, SIGKILL);
    waitpid(stopper, NULL, 0);
    if (fixture->pid != 0) {
        print_message("no child was caught before its program ran\n");
        skip();
    }
    assert_non_null(strstr(fixture->message, "took longer than 3 s"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_many_at_once(void **state)
{
    Fixture *fixture = *state;
    static const int none[3] = {-1, -1, -1};
    g_autoptr(TnSpawnPlan) plan = make_plan("/bin/true");

    for (int i = 0; i < 64; i++)
        tn_spawner_start(fixture->spawner, plan, none, take_outcome, fixture);
    run_until(fixture->answers == 64);
    for (int i = 0; i < 64; i++)
        assert_true(waitpid(-1, NULL, 0) > 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_freed_with_requests(void **state)
{
    Fixture *fixture = *state;
    static const int none[3] = {-1, -1, -1};
    g_autoptr(TnSpawnPlan) plan = make_plan("/bin/true");

    for (int i = 0; i < 8; i++)
        tn_spawner_start(fixture->spawner, plan, none, take_outcome, fixture);
    tn_spawner_free(g_steal_pointer(&fixture->spawner));
    assert_int_equal(fixture->answers, 0);
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static gint64
measure_spawn(Fixture *fixture)
{
    gint64 best = G_MAXINT64;

    for (int i = 0; i < 30; i++) {
        gint64 begun = tn_clock_monotonic_us();

        start_plan(fixture, make_plan("/bin/true"), NULL);
        best = MIN(best, tn_clock_monotonic_us() - begun);
        waitpid(fixture->pid, NULL, 0);
    }
    return best;
}

/* A fork would copy the page tables of half a gigabyte: tens of milliseconds. */
static void
test_cost_does_not_grow(void **state)
{
    Fixture *fixture = *state;
    gsize size = (gsize)500 * 1024 * 1024;
    gint64 small = measure_spawn(fixture);
    gint64 large;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || g_getenv("TN_SLOW_MEMORY") != NULL)
        skip();
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (gsize at = 0; at < size; at += 4096)
        memory[at] = 1;
    large = measure_spawn(fixture);
    munmap(memory, size);
    print_message("spawn: %d us small, %d us with 500 MiB\n", (int)small, (int)large);
    assert_true(large < small + 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_output_and_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_of_child, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment_is_the_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_script_without_interpreter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures_in_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_descriptors_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_that_is_stopped_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_freed_with_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cost_does_not_grow, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
