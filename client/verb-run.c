/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a local script, run in the guest. It reaches its interpreter through standard input, which
 * the interpreter opens as /dev/stdin: nothing is written to the guest's disk, and the script gets
 * its arguments. Deliberately not here: programs that are no scripts (copy and exec them).
 */

#include "client/failure.h"
#include "client/runner.h"
#include "client/verb.h"

#include <string.h>

#define SCRIPT_MAX_BYTES ((gsize)16 << 20)
#define SHEBANG_MAX      4096
#define SCRIPT_PATH      "/dev/stdin"

typedef struct {
    TnRunnerOptions runner;
} RunOptions;

static const TnOption run_options[] = {
    TN_RUNNER_ROWS,
    {0},
};

static gboolean
read_script(const char *path, char **ret_text, gsize *ret_size, GError **error)
{
    g_autoptr(GError) read_error = NULL;
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!g_file_get_contents(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &text, &size,
                             &read_error)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_LOCAL, read_error->message);
        return FALSE;
    }
    if (size > SCRIPT_MAX_BYTES) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_TOO_LARGE,
                    "'%s' is longer than a script of %d MiB", path, (int)(SCRIPT_MAX_BYTES >> 20));
        return FALSE;
    }
    if (size >= 4 && memcmp(text, "\177ELF", 4) == 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "'%s' is a program, not a script", path);
        return FALSE;
    }
    *ret_text = g_steal_pointer(&text);
    *ret_size = size;
    return TRUE;
}

/* Adds the interpreter and, as the kernel does it, the rest of its line as one argument. */
static gboolean
add_interpreter(GPtrArray *argv, const char *text, gsize size, GError **error)
{
    const char *end = memchr(text, '\n', MIN(size, SHEBANG_MAX));
    g_autofree char *line = NULL;
    char *argument = NULL;

    if (size < 2 || memcmp(text, "#!", 2) != 0) {
        g_ptr_array_add(argv, g_strdup("/bin/sh"));
        return TRUE;
    }
    line = g_strndup(text + 2, (end == NULL ? MIN(size, SHEBANG_MAX) : (gsize)(end - text)) - 2);
    g_strstrip(line);
    if (*line == '\0') {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "the script's first line names no interpreter");
        return FALSE;
    }
    argument = line + strcspn(line, " \t");
    if (*argument != '\0') {
        *argument++ = '\0';
        g_strchug(argument);
    }
    g_ptr_array_add(argv, g_strdup(line));
    if (*argument != '\0')
        g_ptr_array_add(argv, g_strdup(argument));
    return TRUE;
}

static int
run_script(const TnInvocation *invocation, GError **error)
{
    const RunOptions *options = invocation->options;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = NULL;
    TnRunnerProgram program = {0};
    gsize size = 0;

    if (!read_script(invocation->args[1], &text, &size, error) ||
        !add_interpreter(argv, text, size, error))
        return -1;
    g_ptr_array_add(argv, g_strdup(SCRIPT_PATH));
    for (char **arg = invocation->rest; arg != NULL && *arg != NULL; arg++)
        g_ptr_array_add(argv, g_strdup(*arg));
    g_ptr_array_add(argv, NULL);
    program.path = argv->pdata[0];
    program.args = (const char *const *)argv->pdata + 1;
    program.input = (const guint8 *)text;
    program.input_size = size;
    return tn_runner_run(invocation, &options->runner, &program, error);
}

const TnVerb tn_verb_run = {
    .name = "run",
    .synopsis = "ENDPOINT SCRIPT|- [-- ARGUMENT...]",
    .doc = "run a local script in the guest",
    .options = run_options,
    .options_size = sizeof(RunOptions),
    .n_args_min = 2,
    .n_args_max = 2,
    .rest = TN_VERB_REST_OPTIONAL,
    .run = run_script,
};
