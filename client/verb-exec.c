/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: run a program in the guest as if it ran here: its streams apart, its exit code ours.
 * Deliberately not here: a shell (write one: -- sh -c '...'), and a terminal for the program.
 */

#include "client/failure.h"
#include "client/runner.h"
#include "client/verb.h"

typedef struct {
    TnRunnerOptions runner;
    gboolean is_interactive;
} ExecOptions;

static const TnOption exec_options[] = {
    TN_RUNNER_ROWS,
    {"stdin", 'i', TN_OPTION_FLAG, offsetof(ExecOptions, is_interactive), NULL,
     "pass standard input to the program"},
    {0},
};

static int
run_exec(const TnInvocation *invocation, GError **error)
{
    const ExecOptions *options = invocation->options;
    TnRunnerProgram program = {
        .path = invocation->rest[0],
        .args = (const char *const *)invocation->rest + 1,
        .passes_stdin = options->is_interactive,
    };

    if (options->is_interactive && options->runner.is_detached) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "--stdin and --detach exclude each other");
        return -1;
    }
    return tn_runner_run(invocation, &options->runner, &program, error);
}

const TnVerb tn_verb_exec = {
    .name = "exec",
    .synopsis = "ENDPOINT -- PROGRAM [ARGUMENT...]",
    .doc = "run a program in the guest",
    .options = exec_options,
    .options_size = sizeof(ExecOptions),
    .n_args_min = 1,
    .n_args_max = 1,
    .rest = TN_VERB_REST_PROGRAM,
    .run = run_exec,
};
