/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A worker asks the main thread to make the plan and to hand it to the spawner, then waits for the
 * child itself: no helper can delay the main loop. Whatever outlives the helper's own process and
 * holds its pipe is not waited for.
 */

#include "platform/helper.h"

#include "platform/clock.h"
#include "platform/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    OUTPUT_LIMIT_BYTES = 4096,
    READ_BYTES = 4096,
};

struct TnHelpers {
    TnSpawner *spawner;
    TnHelperPlan plan;
    gpointer data;
};

/* One run; the worker's, save for what the main thread fills in before IS_STARTED. */
typedef struct {
    TnHelpers *helpers;
    const char *name;
    const char *const *argv;
    gint64 limit_us;
    int stdio[3]; /* the child's ends */
    GMutex lock;
    GCond cond;
    gboolean is_started; /* or it failed, with ERROR */
    GError *error;
    pid_t pid;
    int pidfd;
    int in; /* our ends */
    int out;
    GBytes *input;
    gsize written;
    GString *text;
} Run;

/* A call that crosses to the main thread. */
typedef struct {
    GSourceFunc func;
    gpointer data;
    GMutex lock;
    GCond cond;
    gboolean is_done;
} Crossing;

static gboolean
cross(gpointer data)
{
    Crossing *crossing = data;

    crossing->func(crossing->data);
    g_mutex_lock(&crossing->lock);
    crossing->is_done = TRUE;
    g_cond_signal(&crossing->cond);
    g_mutex_unlock(&crossing->lock);
    return G_SOURCE_REMOVE;
}

void
tn_helper_on_main(GSourceFunc func, gpointer data)
{
    Crossing crossing = {.func = func, .data = data};

    g_mutex_init(&crossing.lock);
    g_cond_init(&crossing.cond);
    /* An idle source, not g_main_context_invoke(): that one may run it in this thread. */
    g_idle_add_full(G_PRIORITY_DEFAULT, cross, &crossing, NULL);
    g_mutex_lock(&crossing.lock);
    while (!crossing.is_done)
        g_cond_wait(&crossing.cond, &crossing.lock);
    g_mutex_unlock(&crossing.lock);
    g_mutex_clear(&crossing.lock);
    g_cond_clear(&crossing.cond);
}

TnHelpers *
tn_helpers_new(TnSpawner *spawner, TnHelperPlan plan, gpointer data)
{
    TnHelpers *helpers = g_new0(TnHelpers, 1);

    helpers->spawner = spawner;
    helpers->plan = plan;
    helpers->data = data;
    return helpers;
}

void
tn_helpers_free(TnHelpers *helpers)
{
    g_free(helpers);
}

static void
note_start(gpointer data, const TnSpawnOutcome *outcome)
{
    Run *run = data;

    g_mutex_lock(&run->lock);
    run->pid = outcome->pid;
    run->pidfd = outcome->pidfd;
    if (outcome->error != NULL)
        run->error = g_error_copy(outcome->error);
    run->is_started = TRUE;
    g_cond_signal(&run->cond);
    g_mutex_unlock(&run->lock);
}

/* On the main thread. */
static gboolean
start(gpointer data)
{
    Run *run = data;
    TnHelpers *helpers = run->helpers;
    GError *error = NULL;
    g_autoptr(TnSpawnPlan) plan = helpers->plan(run->name, run->argv, helpers->data, &error);
    int stdio[3] = {tn_fd_steal(&run->stdio[0]), tn_fd_steal(&run->stdio[1]),
                    tn_fd_steal(&run->stdio[2])};

    if (plan == NULL) {
        for (gsize i = 0; i < G_N_ELEMENTS(stdio); i++)
            tn_fd_clear(&stdio[i]);
        run->error = error;
        run->is_started = TRUE; /* the worker waits for this very function */
        return G_SOURCE_REMOVE;
    }
    if (tn_spawn_plan_get_spec(plan)->timeout_us > 0)
        run->limit_us = tn_spawn_plan_get_spec(plan)->timeout_us;
    tn_spawner_start(helpers->spawner, plan, stdio, note_start, run);
    return G_SOURCE_REMOVE;
}

static gboolean
make_pipes(Run *run, GError **error)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};

    if (run->input != NULL && pipe2(in, O_CLOEXEC) < 0)
        return tn_error_from_errno(error, errno, "pipe");
    run->stdio[0] = in[0];
    run->in = in[1];
    if (pipe2(out, O_CLOEXEC) < 0)
        return tn_error_from_errno(error, errno, "pipe");
    run->out = out[0];
    run->stdio[1] = out[1];
    run->stdio[2] = fcntl(out[1], F_DUPFD_CLOEXEC, 3);
    if (run->stdio[2] < 0 || fcntl(run->out, F_SETFL, O_NONBLOCK) < 0 ||
        (run->in >= 0 && fcntl(run->in, F_SETFL, O_NONBLOCK) < 0))
        return tn_error_from_errno(error, errno, "pipe");
    return TRUE;
}

static void
feed(Run *run)
{
    gsize size = 0;
    const char *bytes = g_bytes_get_data(run->input, &size);
    ssize_t n = write(run->in, bytes + run->written, size - run->written);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        run->written += (gsize)n;
    if (n < 0 || run->written == size)
        tn_fd_clear(&run->in);
}

/* Reads on beyond the limit, so that the helper does not block. FALSE: nothing is left. */
static gboolean
take_output(Run *run)
{
    char buffer[READ_BYTES];
    ssize_t n = read(run->out, buffer, sizeof(buffer));

    if (n > 0 && run->text->len < OUTPUT_LIMIT_BYTES)
        g_string_append_len(run->text, buffer,
                            MIN(n, (ssize_t)(OUTPUT_LIMIT_BYTES - run->text->len)));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        tn_fd_clear(&run->out);
    return n > 0;
}

/* Waits for the helper's end; FALSE when the time was over before. */
static gboolean
serve(Run *run)
{
    gint64 until_us = tn_clock_monotonic_us() + run->limit_us;

    for (;;) {
        gint64 left_us = until_us - tn_clock_monotonic_us();
        struct pollfd fds[] = {
            {.fd = run->pidfd, .events = POLLIN},
            {.fd = run->out, .events = POLLIN},
            {.fd = run->in, .events = POLLOUT},
        };

        if (left_us <= 0)
            return FALSE;
        if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(left_us / 1000 + 1, G_MAXINT)) < 0)
            continue;
        if (fds[2].revents != 0)
            feed(run);
        if (fds[1].revents != 0)
            (void)take_output(run);
        if (fds[0].revents != 0)
            return TRUE;
    }
}

static void
reap(Run *run, TnHelperEnd *end)
{
    siginfo_t info = {0};

    while (syscall(SYS_waitid, P_PIDFD, run->pidfd, &info, WEXITED, NULL) < 0 && errno == EINTR)
        ;
    end->exited = info.si_code == CLD_EXITED;
    end->status = info.si_status;
}

static void
clear_run(Run *run)
{
    for (gsize i = 0; i < G_N_ELEMENTS(run->stdio); i++)
        tn_fd_clear(&run->stdio[i]);
    tn_fd_clear(&run->pidfd);
    tn_fd_clear(&run->in);
    tn_fd_clear(&run->out);
    g_mutex_clear(&run->lock);
    g_cond_clear(&run->cond);
    g_clear_error(&run->error);
    if (run->text != NULL)
        g_string_free(run->text, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, clear_run)

gboolean
tn_helpers_run(TnHelpers *helpers, const char *name, const char *const *argv, GBytes *input,
               gint64 limit_us, TnHelperEnd *ret_end, GError **error)
{
    g_auto(Run) run = {
        .helpers = helpers,
        .name = name,
        .argv = argv,
        .limit_us = limit_us,
        .stdio = {-1, -1, -1},
        .pidfd = -1,
        .in = -1,
        .out = -1,
        .input = input,
    };

    g_mutex_init(&run.lock);
    g_cond_init(&run.cond);
    if (!make_pipes(&run, error))
        return FALSE;
    tn_helper_on_main(start, &run);
    g_mutex_lock(&run.lock);
    while (!run.is_started)
        g_cond_wait(&run.cond, &run.lock);
    g_mutex_unlock(&run.lock);
    if (run.error != NULL) {
        g_propagate_error(error, g_steal_pointer(&run.error));
        return FALSE;
    }
    run.text = g_string_new(NULL);
    ret_end->timed_out = !serve(&run);
    if (ret_end->timed_out)
        (void)kill(-run.pid, SIGKILL);
    reap(&run, ret_end);
    while (run.out >= 0 && take_output(&run) && run.text->len < OUTPUT_LIMIT_BYTES)
        ;
    ret_end->output = g_strchomp(g_string_free(g_steal_pointer(&run.text), FALSE));
    return TRUE;
}

void
tn_helper_end_clear(TnHelperEnd *end)
{
    g_clear_pointer(&end->output, g_free);
}

gboolean
tn_helpers_must_run(TnHelpers *helpers, const char *name, const char *const *argv, GBytes *input,
                    gint64 limit_us, const char *verb, GError **error)
{
    g_auto(TnHelperEnd) end = {0};
    const char *output;

    if (!tn_helpers_run(helpers, name, argv, input, limit_us, &end, error)) {
        g_prefix_error(error, "child process has failed to %s: ", verb);
        return FALSE;
    }
    output = end.output;
    if (end.exited && end.status == 0)
        return TRUE;
    if (end.timed_out)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                    "child process has failed to %s: '%s' did not end in time", verb, argv[0]);
    else if (!end.exited)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "child process has terminated abnormally%s%s", output[0] != '\0' ? ": " : "",
                    output);
    else if (output[0] != '\0')
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "child process has failed to %s: %s",
                    verb, output);
    else
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "child process has failed to %s: exit status %d", verb, end.status);
    return FALSE;
}
