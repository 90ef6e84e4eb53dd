/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs, one exchange at a time. Offsets make every request repeatable: a reader says what it has,
 * a writer says where its bytes belong. What comes back is a guest's word: counts are checked, and
 * a stream that jumps back or ahead is taken as it is only where the contract allows it.
 */

#include "client/follow.h"

#include "client/failure.h"
#include "client/run.h"

#include <string.h>

#define PIECE_BYTES ((gsize)1 << 20) /* of one stream in one answer, where the way carries that */
#define SIGNAL_MAX  64
/* An agent that was restarted behind a serial port never answers what the last one was asked. */
#define READ_ANSWER_US G_GINT64_CONSTANT(15000000)

static const char *const stream_names[TN_STREAM_N] = {"out", "err"};
static const char *const from_names[TN_STREAM_N] = {"out-from", "err-from"};

void
tn_follow_clear(TnFollow *follow)
{
    g_clear_pointer(&follow->reason, g_free);
}

static gboolean
set_malformed(const char *what, GError **error)
{
    g_set_error(error, TN_FAILURE, TN_FAILURE_PROTOCOL, "malformed reply: %s", what);
    return FALSE;
}

static void
add_milliseconds(TnAsk *ask, const char *name, gint64 us)
{
    if (us >= 0)
        tn_ask_add_int(ask, name, (us + 999) / 1000);
}

static gboolean
check_spec(const TnJobSpec *spec, GError **error)
{
    const char *const texts[] = {spec->path, NULL};
    const char *const places[] = {spec->cwd == NULL ? "" : spec->cwd,
                                  spec->user == NULL ? "" : spec->user,
                                  spec->name == NULL ? "" : spec->name, NULL};

    return tn_run_check_texts("program", texts, error) &&
           tn_run_check_texts("argument", spec->args, error) &&
           tn_run_check_texts("environment entry", spec->env, error) &&
           tn_run_check_texts("option", places, error);
}

static TnAsk *
make_start(const TnJobSpec *spec, gint64 wait_ms)
{
    TnAsk *ask = tn_ask_new("tenon-exec");

    tn_ask_add_string(ask, "path", spec->path);
    tn_ask_add_strings(ask, "arg", spec->args);
    tn_ask_add_secret_strings(ask, "env", spec->env);
    if (spec->cwd != NULL)
        tn_ask_add_string(ask, "cwd", spec->cwd);
    if (spec->user != NULL)
        tn_ask_add_string(ask, "user", spec->user);
    if (spec->name != NULL)
        tn_ask_add_string(ask, "name", spec->name);
    if (spec->input != NULL)
        tn_ask_add_bytes(ask, "input-b64", spec->input, spec->input_size);
    if (spec->opens_stdin)
        tn_ask_add_string(ask, "stdin", "open");
    tn_ask_add_string(ask, "on-full", spec->is_detached ? "tail" : "wait");
    add_milliseconds(ask, "timeout-ms", spec->timeout_us);
    add_milliseconds(ask, "grace-ms", spec->grace_us);
    add_milliseconds(ask, "keep-ms", spec->keep_us);
    tn_ask_add_int(ask, "wait-ms", wait_ms);
    return ask;
}

/* One stream of an answer: {from, b64, total, dropped, end}. */
static gboolean
take_stream(TnFollow *follow, TnAnswer *answer, guint at, TnStream stream, GError **error)
{
    guint object = tn_answer_find(answer, at, stream_names[stream]);
    const guint8 *bytes = NULL;
    gint64 from = follow->next[stream];
    gint64 dropped = 0;
    gboolean is_end = FALSE;
    gsize size = 0;

    if (object == 0) {
        follow->is_at_end[stream] = TRUE;
        return TRUE;
    }
    (void)tn_answer_get_int(answer, object, "from", &from);
    if (!tn_answer_get_bytes(answer, object, "b64", &bytes, &size, error))
        return FALSE;
    if (from < follow->next[stream] || from > G_MAXINT64 - (gint64)size)
        return set_malformed("a stream that goes back", error);
    /* Bytes below FROM were forgotten before we came. */
    follow->lost[stream] += from - follow->next[stream];
    if (tn_answer_get_int(answer, object, "dropped", &dropped))
        follow->lost[stream] = MAX(follow->lost[stream], dropped);
    follow->next[stream] = from + (gint64)size;
    follow->total[stream] = follow->next[stream];
    (void)tn_answer_get_int(answer, object, "total", &follow->total[stream]);
    /* Of a program that has ended, more may still stand in a pipe that waited for us: what was
     * captured so far (total) is then not all there is. */
    follow->is_at_end[stream] = follow->next[stream] >= follow->total[stream];
    if (tn_answer_get_bool(answer, object, "end", &is_end))
        follow->is_at_end[stream] = is_end;
    return size == 0 || follow->sink(follow->sink_data, stream, bytes, size, error);
}

static gboolean
take_end(TnFollow *follow, const TnAnswer *answer, guint at, GError **error)
{
    const char *reason = tn_answer_get_string(answer, at, "reason");
    gint64 exit_code = -1;
    gint64 signal = 0;

    (void)tn_answer_get_int(answer, at, "exit-code", &exit_code);
    (void)tn_answer_get_int(answer, at, "signal", &signal);
    if (exit_code < -1 || exit_code > 255 || signal < 0 || signal > SIGNAL_MAX)
        return set_malformed("an impossible exit code or signal", error);
    follow->has_ended = TRUE;
    follow->exit_code = (int)exit_code;
    follow->signal = (int)signal;
    g_free(follow->reason);
    follow->reason = g_strdup(reason == NULL ? "exit" : reason);
    return TRUE;
}

/* The members that tenon-exec-read and a finished tenon-exec share. */
static gboolean
take_state(TnFollow *follow, TnAnswer *answer, guint at, GError **error)
{
    const char *state = tn_answer_get_string(answer, at, "state");

    if (state == NULL)
        return set_malformed("a job without a state", error);
    if (strcmp(state, "ended") == 0 && !take_end(follow, answer, at, error))
        return FALSE;
    for (TnStream stream = 0; stream < TN_STREAM_N; stream++) {
        if (!take_stream(follow, answer, at, stream, error))
            return FALSE;
    }
    follow->has_read = TRUE;
    follow->is_drained =
        follow->has_ended && follow->is_at_end[TN_STREAM_OUT] && follow->is_at_end[TN_STREAM_ERR];
    return TRUE;
}

gboolean
tn_follow_start(TnFollow *follow, const TnJobSpec *spec, gint64 wait_ms, GError **error)
{
    g_autoptr(TnAsk) ask = NULL;
    g_autoptr(TnAnswer) answer = NULL;
    gint64 held_us = wait_ms * 1000;
    guint at = 0;

    if (!check_spec(spec, error))
        return FALSE;
    ask = make_start(spec, MIN(wait_ms, tn_dial_get_wait_max_ms(follow->agent)));
    answer = tn_dial_send(follow->agent, ask, TN_DIAL_ANSWER_US + held_us, &at, error);
    if (answer == NULL)
        return FALSE;
    if (!tn_answer_get_int(answer, at, "job", &follow->job))
        return set_malformed("a started program without a job number", error);
    (void)tn_answer_get_int(answer, at, "pid", &follow->pid);
    follow->exit_code = -1;
    return tn_answer_find(answer, at, "state") == 0 || take_state(follow, answer, at, error);
}

static gboolean
choose_named(TnFollow *follow, const TnAnswer *answer, guint at, const char *name)
{
    guint iter = 0;
    guint entry = 0;
    gboolean is_best_running = FALSE;
    gboolean is_found = FALSE;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        gboolean is_running =
            g_strcmp0(tn_answer_get_string(answer, entry, "state"), "running") == 0;
        gint64 job = 0;

        if (g_strcmp0(tn_answer_get_string(answer, entry, "name"), name) != 0 ||
            !tn_answer_get_int(answer, entry, "job", &job))
            continue;
        if (is_found &&
            (is_best_running > is_running || (is_best_running == is_running && follow->job > job)))
            continue;
        is_found = TRUE;
        is_best_running = is_running;
        follow->job = job;
    }
    return is_found;
}

gboolean
tn_follow_find(TnFollow *follow, const char *word, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    follow->exit_code = -1;
    if (g_ascii_string_to_signed(word, 10, 0, G_MAXINT64, &follow->job, NULL))
        return TRUE;
    answer = tn_dial_simple(follow->agent, "tenon-exec-list", &at, error);
    if (answer == NULL)
        return FALSE;
    if (choose_named(follow, answer, at, word))
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_NO_SUCH_JOB, "no job is called '%s'", word);
    return FALSE;
}

gboolean
tn_follow_read(TnFollow *follow, gint64 wait_ms, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-exec-read");
    g_autoptr(TnAnswer) answer = NULL;
    /* Two streams, base64, and room for the rest. */
    gsize piece = MIN(PIECE_BYTES, tn_dial_get_reply_max(follow->agent) / 4);
    guint at = 0;

    wait_ms = MIN(wait_ms, tn_dial_get_wait_max_ms(follow->agent));
    tn_ask_add_int(ask, "job", follow->job);
    for (TnStream stream = 0; stream < TN_STREAM_N; stream++)
        tn_ask_add_int(ask, from_names[stream], follow->next[stream]);
    tn_ask_add_int(ask, "max-bytes", (gint64)piece);
    tn_ask_add_int(ask, "wait-ms", wait_ms);
    answer = tn_dial_send(follow->agent, ask, READ_ANSWER_US + wait_ms * 1000, &at, error);
    return answer != NULL && take_state(follow, answer, at, error);
}

gboolean
tn_follow_write(TnFollow *follow, const guint8 *data, gsize size, gboolean shall_close,
                gsize *ret_taken, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-exec-write");
    g_autoptr(TnAnswer) answer = NULL;
    gint64 taken = 0;
    guint at = 0;

    tn_ask_add_int(ask, "job", follow->job);
    tn_ask_add_int(ask, "at", follow->written);
    tn_ask_add_bytes(ask, "b64", data, size);
    if (shall_close)
        tn_ask_add_bool(ask, "close", TRUE);
    answer = tn_dial_send(follow->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    if (!tn_answer_get_int(answer, at, "taken", &taken) || taken < 0 || taken > (gint64)size)
        return set_malformed("it took more than there was", error);
    follow->written += taken;
    *ret_taken = (gsize)taken;
    return TRUE;
}

gboolean
tn_follow_signal(TnFollow *follow, const char *signal, gint64 grace_us, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-exec-signal");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_int(ask, "job", follow->job);
    tn_ask_add_string(ask, "signal", signal);
    add_milliseconds(ask, "grace-ms", grace_us);
    answer = tn_dial_send(follow->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer != NULL;
}

void
tn_follow_kill(TnFollow *follow)
{
    g_autoptr(GError) error = NULL;

    if (!tn_follow_signal(follow, "KILL", -1, &error))
        g_debug("kill job: %s", error->message);
}

gboolean
tn_follow_get_status(const TnFollow *follow, int *ret_status, GError **error)
{
    if (g_strcmp0(follow->reason, "timeout") == 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_TIMEOUT,
                    "timed out, the program was ended (job %" G_GINT64_FORMAT ")", follow->job);
        return FALSE;
    }
    if (follow->signal == 0 && follow->exit_code < 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOST,
                    "how the program ended is not known (job %" G_GINT64_FORMAT ": %s)",
                    follow->job, follow->reason == NULL ? "running" : follow->reason);
        return FALSE;
    }
    *ret_status = tn_run_get_status(follow->exit_code, follow->signal);
    return TRUE;
}
