/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec and run in the end do the same. A job is read while it runs, so nothing is cut; the agent
 * watches the time and ends the whole tree. guest-exec has none of that: what the user asked for
 * and does not get is said on stderr, and refused with --strict.
 */

#include "client/runner.h"

#include "client/duration.h"
#include "client/failure.h"
#include "client/outcome.h"
#include "client/print.h"
#include "client/pump.h"
#include "client/run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WAIT_MS   100 /* a short program ends within it and is one exchange */
#define GRACE_US        G_GINT64_CONSTANT(2000000)
#define AGENT_SLACK_US  G_GINT64_CONSTANT(5000000) /* the agent ends a late program by itself */
#define KEPT_MAX_BYTES  ((gsize)64 << 20)          /* of a stream, for JSON */
#define INPUT_MAX_BYTES ((gsize)32 << 20)          /* of stdin, for an agent without jobs */

typedef struct {
    const TnInvocation *invocation;
    const TnRunnerOptions *options;
    const TnRunnerProgram *program;
    TnAgent *agent;
    const char *const *env;
    gint64 start_us;
    GByteArray *kept[TN_STREAM_N]; /* with JSON only */
    gint64 omitted[TN_STREAM_N];   /* did not fit in kept */
} Runner;

static void
clear_runner(Runner *runner)
{
    for (TnStream stream = 0; stream < TN_STREAM_N; stream++)
        g_clear_pointer(&runner->kept[stream], g_byte_array_unref);
    g_clear_pointer(&runner->agent, tn_dial_close);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Runner, clear_runner)

static gboolean
check_env(const GPtrArray *env, GError **error)
{
    for (guint i = 0; env != NULL && i < env->len; i++) {
        const char *entry = env->pdata[i];
        const char *equals = strchr(entry, '=');

        if (equals == NULL || equals == entry) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--env: '%s' is not NAME=VALUE",
                        entry);
            return FALSE;
        }
    }
    return TRUE;
}

/* Says what cannot be had, or fails with --strict. */
static gboolean
give_up(const Runner *runner, const char *what, GError **error)
{
    if (runner->invocation->globals->is_strict) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND,
                    "this agent has no jobs (tenon-exec): %s", what);
        return FALSE;
    }
    if (!runner->invocation->globals->is_quiet)
        tn_print_note(runner->invocation->args[0], "this agent has no jobs (tenon-exec): %s", what);
    return TRUE;
}

static gboolean
sink_bytes(gpointer data, TnStream stream, const guint8 *bytes, gsize size, GError **error)
{
    Runner *runner = data;
    GByteArray *kept = runner->kept[stream];
    gsize room = 0;

    if (kept == NULL) {
        return tn_verb_write(stream == TN_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes, size,
                             error);
    }
    room = MIN(size, KEPT_MAX_BYTES - kept->len);
    g_byte_array_append(kept, bytes, (guint)room);
    runner->omitted[stream] += (gint64)(size - room);
    return TRUE;
}

static gboolean
report_loss(const Runner *runner, gboolean is_out_cut, gboolean is_err_cut, GError **error)
{
    const char *what = is_out_cut && is_err_cut ? "output and error output"
                       : is_out_cut             ? "output"
                                                : "error output";

    if (!is_out_cut && !is_err_cut)
        return TRUE;
    if (runner->invocation->globals->is_strict) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_TRUNCATED,
                    "the agent cut the program's %s at its limit", what);
        return FALSE;
    }
    tn_print_note(runner->invocation->args[0], "the agent cut the program's %s at its limit", what);
    return TRUE;
}

static TnOutcomeStream
get_stream(const Runner *runner, const TnFollow *follow, TnStream stream)
{
    return (TnOutcomeStream){
        .data = runner->kept[stream]->data,
        .size = runner->kept[stream]->len,
        .omitted = follow->lost[stream] + runner->omitted[stream],
    };
}

static void
print_job_json(const Runner *runner, const TnFollow *follow)
{
    TnOutcome outcome = {
        .job = follow->job,
        .pid = follow->pid,
        .exit_code = follow->exit_code,
        .signal = follow->signal,
        .reason = follow->reason,
        .duration_us = g_get_monotonic_time() - runner->start_us,
        .out = get_stream(runner, follow, TN_STREAM_OUT),
        .err = get_stream(runner, follow, TN_STREAM_ERR),
    };

    tn_outcome_print(&outcome);
}

static int
finish_job(const Runner *runner, const TnFollow *follow, int signal, GError **error)
{
    int status = 0;

    if (runner->invocation->globals->is_json)
        print_job_json(runner, follow);
    if (!report_loss(runner, follow->lost[TN_STREAM_OUT] > 0, follow->lost[TN_STREAM_ERR] > 0,
                     error))
        return -1;
    if (signal != 0) {
        tn_print_note(runner->invocation->args[0],
                      "interrupted, the program was ended (job %" G_GINT64_FORMAT ")", follow->job);
        return 128 + signal;
    }
    if (g_strcmp0(follow->reason, "timeout") == 0) {
        g_autofree char *time = tn_duration_format(runner->invocation->globals->timeout_us);

        g_set_error(error, TN_FAILURE, TN_FAILURE_TIMEOUT,
                    "timed out after %s, the program was ended (job %" G_GINT64_FORMAT ")", time,
                    follow->job);
        return -1;
    }
    if (!tn_follow_get_status(follow, &status, error))
        return -1;
    if (strcmp(follow->reason, "oom") == 0 || strcmp(follow->reason, "seccomp") == 0 ||
        strcmp(follow->reason, "output-limit") == 0)
        tn_print_note(runner->invocation->args[0], "the program was ended: %s", follow->reason);
    return status;
}

static int
follow_job(Runner *runner, TnFollow *follow, gint64 grace_us, gint64 left_us, GError **error)
{
    TnPumpOptions pump = {
        .stdin_fd = runner->program->passes_stdin ? STDIN_FILENO : -1,
        .kills = TRUE,
        .grace_us = grace_us,
        .follows = TRUE,
        .end_us = left_us < 0 ? TN_DEADLINE_NEVER
                              : tn_deadline_after(left_us + grace_us + AGENT_SLACK_US),
    };
    int signal = 0;

    if (!tn_pump_run(follow, &pump, &signal, error))
        return -1;
    return finish_job(runner, follow, signal, error);
}

static int
print_detached(const Runner *runner, gint64 job, gint64 pid)
{
    if (runner->invocation->globals->is_json)
        printf("{\"job\": %" G_GINT64_FORMAT ", \"pid\": %" G_GINT64_FORMAT "}\n", job, pid);
    else
        printf("%" G_GINT64_FORMAT "\n", job > 0 ? job : pid);
    return 0;
}

/* Runs a job; fails with TN_FAILURE_NO_SUCH_COMMAND where the agent has none. */
static int
run_job(Runner *runner, GError **error)
{
    const TnRunnerOptions *options = runner->options;
    const TnRunnerProgram *program = runner->program;
    g_auto(TnFollow) follow = {.agent = runner->agent, .sink = sink_bytes, .sink_data = runner};
    gint64 grace_us = options->grace_us < 0 ? GRACE_US : options->grace_us;
    gint64 deadline_us = tn_dial_get_deadline(runner->agent);
    gint64 left_us =
        deadline_us == TN_DEADLINE_NEVER ? -1 : MAX(1, deadline_us - g_get_monotonic_time());
    TnJobSpec spec = {
        .path = program->path,
        .args = program->args,
        .env = runner->env,
        .cwd = options->cwd,
        .user = options->user,
        .name = options->name,
        .input = program->input,
        .input_size = program->input_size,
        .opens_stdin = program->passes_stdin,
        .is_detached = options->is_detached,
        .timeout_us = left_us,
        .grace_us = left_us < 0 ? -1 : grace_us,
        .keep_us = options->keep_us,
    };
    gboolean is_quick = !options->is_detached && !program->passes_stdin;

    if (!tn_follow_start(&follow, &spec, is_quick ? FIRST_WAIT_MS : 0, error)) {
        /* Our reader went away with the first output. */
        if (follow.job > 0 && !follow.has_ended)
            tn_follow_kill(&follow);
        return -1;
    }
    if (options->is_detached)
        return print_detached(runner, follow.job, follow.pid);
    /* From here on the agent watches the time. */
    tn_dial_extend(runner->agent, -1);
    return follow_job(runner, &follow, grace_us, left_us, error);
}

static void
print_run_json(const TnRunResult *result)
{
    TnOutcome outcome = {
        .pid = result->pid,
        .exit_code = result->exit_code,
        .signal = result->signal,
        .duration_us = result->duration_us,
        .out = {result->out, result->out_size, result->is_out_cut ? -1 : 0},
        .err = {result->err, result->err_size, result->is_err_cut ? -1 : 0},
    };

    tn_outcome_print(&outcome);
}

/* What was asked for and cannot be done at all is a failure; the rest is a note. */
static gboolean
check_loss(const Runner *runner, GError **error)
{
    const TnRunnerOptions *options = runner->options;
    const char *missing = options->cwd != NULL    ? "--cwd"
                          : options->user != NULL ? "--user"
                          : options->name != NULL ? "--name"
                                                  : NULL;

    if (missing != NULL) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND,
                    "this agent has no jobs (tenon-exec), which %s needs", missing);
        return FALSE;
    }
    if (options->env != NULL &&
        !give_up(runner, "the program gets the variables of --env and no others", error))
        return FALSE;
    if (runner->program->passes_stdin &&
        !give_up(runner, "standard input is sent as a whole, once it has ended", error))
        return FALSE;
    if (options->is_detached && !give_up(runner, "the number is a pid, the output is lost", error))
        return FALSE;
    return TRUE;
}

static gboolean
read_whole_stdin(GByteArray *input, GError **error)
{
    guint8 buffer[16 * 1024];
    ssize_t n = 0;

    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "read standard input: %s",
                        g_strerror(errno));
            return FALSE;
        }
        if (input->len + (gsize)n > INPUT_MAX_BYTES) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_TOO_LARGE,
                        "this agent has no jobs (tenon-exec): it takes at most %d MiB of input",
                        (int)(INPUT_MAX_BYTES >> 20));
            return FALSE;
        }
        g_byte_array_append(input, buffer, (guint)n);
    }
    return TRUE;
}

static int
finish_plain(const Runner *runner, const TnRunResult *result, GError **error)
{
    if (runner->invocation->globals->is_json)
        print_run_json(result);
    else if (!tn_verb_write(STDOUT_FILENO, result->out, result->out_size, error) ||
             !tn_verb_write(STDERR_FILENO, result->err, result->err_size, error))
        return -1;
    if (!report_loss(runner, result->is_out_cut, result->is_err_cut, error))
        return -1;
    return tn_run_get_status(result->exit_code, result->signal);
}

static int
run_plain(Runner *runner, GError **error)
{
    const TnRunnerProgram *program = runner->program;
    g_autoptr(GByteArray) input = g_byte_array_new();
    g_auto(TnRunResult) result = {0};
    TnRunSpec spec = {
        .path = program->path,
        .args = program->args,
        .env = runner->env,
        .input = program->input,
        .input_size = program->input_size,
        .is_detached = runner->options->is_detached,
    };

    if (!check_loss(runner, error) || (program->passes_stdin && !read_whole_stdin(input, error)))
        return -1;
    if (program->passes_stdin) {
        spec.input = input->data == NULL ? (const guint8 *)"" : input->data;
        spec.input_size = input->len;
    }
    if (!tn_run_program(runner->agent, &spec, &result, error))
        return -1;
    if (spec.is_detached)
        return print_detached(runner, 0, result.pid);
    return finish_plain(runner, &result, error);
}

int
tn_runner_run(const TnInvocation *invocation, const TnRunnerOptions *options,
              const TnRunnerProgram *program, GError **error)
{
    g_auto(Runner) runner = {.invocation = invocation, .options = options, .program = program};
    g_autoptr(GError) job_error = NULL;
    int status = 0;

    if (!check_env(options->env, error))
        return -1;
    if (options->env != NULL) {
        g_ptr_array_add(options->env, NULL);
        runner.env = (const char *const *)options->env->pdata;
    }
    runner.start_us = g_get_monotonic_time();
    for (TnStream stream = 0; invocation->globals->is_json && stream < TN_STREAM_N; stream++)
        runner.kept[stream] = g_byte_array_new();
    runner.agent = tn_verb_open(invocation, error);
    if (runner.agent == NULL)
        return -1;
    tn_pump_block_signals(TRUE);
    status = run_job(&runner, &job_error);
    tn_pump_block_signals(FALSE);
    if (g_error_matches(job_error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND))
        return run_plain(&runner, error);
    if (job_error != NULL)
        g_propagate_error(error, g_steal_pointer(&job_error));
    return status;
}
