/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: run a program in the guest as if it ran here: its streams apart, its exit code ours.
 * Deliberately not here: a shell (write one: -- sh -c '...').
 */

#include "agent/wire/text.h"
#include "client/failure.h"
#include "client/print.h"
#include "client/run.h"
#include "client/verb.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    GPtrArray *env;
} ExecOptions;

static const TnOption exec_options[] = {
    {"env", 'e', TN_OPTION_STRINGS, offsetof(ExecOptions, env), "NAME=VALUE",
     "set a variable; the program then gets the variables given here only"},
    {0},
};

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

/* {"text" or "b64", "bytes", "truncated", "sha256"} */
static void
append_stream(GString *line, const char *name, const guint8 *data, gsize size, gboolean is_cut)
{
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
    const char *text = (const char *)data;

    g_string_append_printf(line, ", \"%s\": {", name);
    if (size == 0 || g_utf8_validate_len(text, size, NULL)) {
        g_string_append(line, "\"text\": ");
        tn_text_append_string(line, size == 0 ? "" : text, (gssize)size);
    } else {
        g_autofree char *b64 = g_base64_encode(data, size);

        g_string_append_printf(line, "\"b64\": \"%s\"", b64);
    }
    g_string_append_printf(line, ", \"bytes\": %" G_GSIZE_FORMAT, size);
    g_string_append_printf(line, ", \"truncated\": %s, \"sha256\": \"%s\"}",
                           is_cut ? "true" : "false", sha256);
}

static void
print_json_result(const TnRunResult *result)
{
    g_autoptr(GString) line = g_string_new("{\"pid\": ");

    tn_text_append_int(line, result->pid);
    if (result->signal > 0)
        g_string_append_printf(line, ", \"exit-code\": null, \"signal\": %d", result->signal);
    else
        g_string_append_printf(line, ", \"exit-code\": %d, \"signal\": null", result->exit_code);
    g_string_append(line, ", \"timed-out\": false, \"duration-ms\": ");
    tn_text_append_int(line, result->duration_us / 1000);
    append_stream(line, "out", result->out, result->out_size, result->is_out_cut);
    append_stream(line, "err", result->err, result->err_size, result->is_err_cut);
    g_string_append(line, "}\n");
    (void)fwrite(line->str, 1, line->len, stdout);
}

static gboolean
report_cuts(const TnInvocation *invocation, const TnRunResult *result, GError **error)
{
    const char *what = result->is_out_cut && result->is_err_cut ? "output and error output"
                       : result->is_out_cut                     ? "output"
                                                                : "error output";

    if (!result->is_out_cut && !result->is_err_cut)
        return TRUE;
    if (invocation->globals->is_strict) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_TRUNCATED,
                    "the agent cut the program's %s at its limit", what);
        return FALSE;
    }
    tn_print_note(invocation->args[0], "the agent cut the program's %s at its limit", what);
    return TRUE;
}

static int
run_exec(const TnInvocation *invocation, GError **error)
{
    const ExecOptions *options = invocation->options;
    g_autoptr(TnAgent) agent = NULL;
    g_auto(TnRunResult) result = {0};
    TnRunSpec spec = {
        .path = invocation->rest[0],
        .args = (const char *const *)invocation->rest + 1,
    };

    if (!check_env(options->env, error))
        return -1;
    if (options->env != NULL) {
        g_ptr_array_add(options->env, NULL);
        spec.env = (const char *const *)options->env->pdata;
    }
    agent = tn_verb_open(invocation, error);
    if (agent == NULL || !tn_run_program(agent, &spec, &result, error))
        return -1;
    if (invocation->globals->is_json)
        print_json_result(&result);
    else if (!tn_verb_write(STDOUT_FILENO, result.out, result.out_size, error) ||
             !tn_verb_write(STDERR_FILENO, result.err, result.err_size, error))
        return -1;
    if (!report_cuts(invocation, &result, error))
        return -1;
    return tn_run_get_status(result.exit_code, result.signal);
}

const TnVerb tn_verb_exec = {
    .name = "exec",
    .synopsis = "ENDPOINT -- PROGRAM [ARGUMENT...]",
    .doc = "run a program in the guest",
    .options = exec_options,
    .options_size = sizeof(ExecOptions),
    .n_args_min = 1,
    .n_args_max = 1,
    .takes_program = TRUE,
    .run = run_exec,
};
