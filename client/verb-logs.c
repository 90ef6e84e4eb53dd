/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: the output of a job, as far as it is kept, and with -f what comes. A lost connection is
 * made anew and goes on at the same byte.
 */

#include "client/duration.h"
#include "client/print.h"
#include "client/pump.h"
#include "client/verb.h"

#include <string.h>
#include <unistd.h>

#define TAIL_MAX_BYTES ((guint)16 << 20) /* of a stream, looked through for its last lines */

typedef struct {
    gboolean follows;
    gint64 n_lines;
} LogsOptions;

typedef struct {
    GByteArray *kept[TN_STREAM_N]; /* NULL: bytes are printed at once */
} Logs;

static const TnOption logs_options[] = {
    {"follow", 'f', TN_OPTION_FLAG, offsetof(LogsOptions, follows), NULL,
     "go on until the job ends"},
    {"tail", 'n', TN_OPTION_INT, offsetof(LogsOptions, n_lines), "LINES",
     "begin with the last LINES lines of each stream"},
    {0},
};

static void
clear_logs(Logs *logs)
{
    for (TnStream stream = 0; stream < TN_STREAM_N; stream++)
        g_clear_pointer(&logs->kept[stream], g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Logs, clear_logs)

static gboolean
sink_bytes(gpointer data, TnStream stream, const guint8 *bytes, gsize size, GError **error)
{
    GByteArray *kept = ((Logs *)data)->kept[stream];

    if (kept == NULL)
        return tn_verb_write(stream == TN_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes, size,
                             error);
    g_byte_array_append(kept, bytes, (guint)size);
    if (kept->len > 2 * TAIL_MAX_BYTES)
        g_byte_array_remove_range(kept, 0, kept->len - TAIL_MAX_BYTES);
    return TRUE;
}

/* Start of the last N_LINES lines; a line without its newline counts. */
static gsize
find_tail(const GByteArray *bytes, gint64 n_lines)
{
    gsize at = bytes->len;

    if (n_lines == 0)
        return at;
    if (at > 0 && bytes->data[at - 1] == '\n')
        at--;
    while (at > 0 && (bytes->data[at - 1] != '\n' || --n_lines > 0))
        at--;
    return at;
}

static gboolean
print_tails(Logs *logs, gint64 n_lines, GError **error)
{
    for (TnStream stream = 0; stream < TN_STREAM_N; stream++) {
        const GByteArray *kept = logs->kept[stream];
        gsize from = find_tail(kept, n_lines);

        if (kept->len > from &&
            !tn_verb_write(stream == TN_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO,
                           kept->data + from, kept->len - from, error))
            return FALSE;
    }
    clear_logs(logs);
    return TRUE;
}

static gboolean
read_logs(TnFollow *follow, gboolean follows, int *ret_signal, GError **error)
{
    TnPumpOptions pump = {
        .stdin_fd = -1,
        .follows = follows,
        .end_us = TN_DEADLINE_NEVER,
    };
    gboolean is_done = FALSE;

    tn_pump_block_signals(TRUE);
    is_done = tn_pump_run(follow, &pump, ret_signal, error);
    tn_pump_block_signals(FALSE);
    return is_done;
}

static int
run_logs(const TnInvocation *invocation, GError **error)
{
    const LogsOptions *options = invocation->options;
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_auto(Logs) logs = {0};
    g_auto(TnFollow) follow = {.agent = agent, .sink = sink_bytes, .sink_data = &logs};
    int signal = 0;

    if (agent == NULL || !tn_follow_find(&follow, invocation->args[1], error))
        return -1;
    if (options->n_lines >= 0) {
        for (TnStream stream = 0; stream < TN_STREAM_N; stream++)
            logs.kept[stream] = g_byte_array_new();
        if (!read_logs(&follow, FALSE, &signal, error) ||
            !print_tails(&logs, options->n_lines, error))
            return -1;
    }
    if (signal == 0 && (options->n_lines < 0 || options->follows) && !follow.is_drained &&
        !read_logs(&follow, options->follows, &signal, error))
        return -1;
    if (follow.lost[TN_STREAM_OUT] + follow.lost[TN_STREAM_ERR] > 0 &&
        !invocation->globals->is_quiet)
        tn_print_note(invocation->args[0], "earlier output is no longer kept");
    return signal == 0 ? 0 : 128 + signal;
}

const TnVerb tn_verb_logs = {
    .name = "logs",
    .synopsis = "ENDPOINT JOB",
    .doc = "print the output of a job",
    .options = logs_options,
    .options_size = sizeof(LogsOptions),
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_logs,
};
