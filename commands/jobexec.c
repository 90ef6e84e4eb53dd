/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenon-exec and tenon-exec-read. Both may be held for a while, so that a short program is one
 * round trip and a reader needs no polling; a request behind them on the same connection, or the
 * end of the peer, ends the hold at once. Offsets make every read repeatable: nothing is given up
 * because it was sent, only because a later request asks for what comes behind it.
 */
#include "commands/jobexec.h"

#include "commands/joboutput.h"

enum {
    US_PER_MS = 1000,
    NAME_MAX_BYTES = 128,
    KEEP_MAX_MS = 24 * 60 * 60 * 1000,
    GRACE_MAX_MS = 60 * 60 * 1000,
    TIMEOUT_MAX_MS = G_MAXINT32,
    WINDOW_BYTES = 1024 * 1024, /* of each stream that waits for its reader */
};

typedef struct {
    char *path;
    char **arg;
    char **env;
    char *cwd;
    char *user;
    TnBytes input;
    int standard_input; /* the one word of stdin: open */
    bool has_standard_input;
    bool merge;
    int64_t timeout_ms;
    bool has_timeout;
    int64_t grace_ms;
    bool has_grace;
    int64_t output_max;
    bool has_output_max;
    int on_full;
    char *name;
    int64_t keep_ms;
    int64_t wait_ms;
    int64_t max_bytes;
} ExecArgs;

typedef struct {
    int64_t job;
    int64_t out_from;
    bool has_out_from;
    int64_t err_from;
    bool has_err_from;
    int64_t max_bytes;
    int64_t wait_ms;
} ReadArgs;

/* A request that waits for its job. */
typedef struct {
    TnJobWaiter waiter;
    TnCall *call;
    TnJob *job;
    TnJobRange range;
    gboolean for_end; /* tenon-exec: output alone is no reason to answer */
    guint timeout;
} Held;

/* A tenon-exec whose program is being started. */
typedef struct {
    TnCall *call;
    TnJobRange range;
    guint wait_ms;
} Starting;

static gboolean
is_over(const Held *held)
{
    const TnJobRange end = {.from = {G_MAXUINT64, G_MAXUINT64}};

    if (!held->for_end)
        return tn_joboutput_has_news(held->job, &held->range);
    /* A program that waits for its reader will not end before that. */
    return tn_joboutput_has_news(held->job, &end) ||
           tn_job_is_stream_waiting(held->job, TN_JOB_STDOUT) ||
           tn_job_is_stream_waiting(held->job, TN_JOB_STDERR);
}

static void
answer_held(Held *held)
{
    TnCall *call = held->call;

    tn_call_on_hurry(call, NULL, NULL);
    tn_job_unwait(&held->waiter);
    if (held->timeout != 0)
        g_source_remove(held->timeout);
    if (!held->for_end || tn_job_get_info(held->job)->ended)
        tn_joboutput_fill(call, held->job, &held->range, tn_call_get_result(call));
    tn_job_unref(held->job);
    g_free(held);
    tn_call_return(call);
}

static void
handle_event(TnJobWaiter *waiter)
{
    Held *held = (Held *)(void *)((char *)waiter - G_STRUCT_OFFSET(Held, waiter));

    if (is_over(held))
        answer_held(held);
    else
        tn_job_wait(held->job, waiter);
}

static void
handle_hurry(TnCall *call, gpointer data)
{
    answer_held(data);
}

static gboolean
handle_timeout(gpointer data)
{
    Held *held = data;

    held->timeout = 0;
    answer_held(held);
    return G_SOURCE_REMOVE;
}

/* Answers CALL, which is deferred, when JOB has what it waits for, or after WAIT_MS. */
static void
hold_call(TnCall *call, TnJob *job, const TnJobRange *range, guint wait_ms, gboolean for_end)
{
    Held *held = g_new0(Held, 1);

    held->call = call;
    held->job = tn_job_ref(job);
    held->range = *range;
    held->for_end = for_end;
    held->waiter.notify = handle_event;
    held->waiter.events = TN_JOB_EVENT_OUTPUT;
    if (is_over(held) || wait_ms == 0) {
        answer_held(held);
        return;
    }
    held->timeout = g_timeout_add(wait_ms, handle_timeout, held);
    tn_job_wait(job, &held->waiter);
    tn_call_on_hurry(call, handle_hurry, held);
}

static void
answer_started(gpointer data, TnJob *job, TnChildStep step, const GError *error)
{
    g_autofree Starting *starting = data;
    TnCall *call = starting->call;
    TnJobReply *result = tn_call_get_result(call);

    if (job == NULL) {
        GError *failure = g_error_copy(error);

        if (step != TN_CHILD_STEP_N && step != TN_CHILD_STEP_EXEC &&
            step != TN_CHILD_STEP_DIRECTORY)
            g_prefix_error(&failure, "tenon-exec: ");
        tn_call_fail(call, failure);
        return;
    }
    tn_joboutput_note_started(call, job);
    result->job = tn_job_get_info(job)->number;
    result->pid = tn_job_get_info(job)->pid;
    result->has_pid = true;
    hold_call(call, job, &starting->range, starting->wait_ms, TRUE);
}

static void
set_streams(TnCall *call, const ExecArgs *args, TnJobSpec *spec)
{
    spec->out = TN_JOB_OUTPUT_CAPTURE;
    spec->err = args->merge ? TN_JOB_OUTPUT_MERGE : TN_JOB_OUTPUT_CAPTURE;
    spec->on_full = (TnCaptureFull)args->on_full;
    tn_joboutput_set_budget(call, spec);
    if (spec->on_full == TN_CAPTURE_WAIT) {
        spec->limit_bytes = WINDOW_BYTES;
        spec->reserved_bytes = 0;
    }
}

static gboolean
run_exec(TnCall *call, const void *data, void *result, GError **error)
{
    const ExecArgs *args = data;
    TnBytes borrowed = args->input;
    g_autoptr(GBytes) input = tn_call_steal_bytes(call, &borrowed);
    g_autofree Starting *starting = g_new0(Starting, 1);
    TnJobSpec spec = {
        .plan = tn_grant_get_spawn_plan(tn_call_get_grant(call)),
        .channel = tn_call_get_channel(call),
        .name = args->name,
        .has_input = input != NULL || args->has_standard_input,
        .input = input,
        .keep_open = args->has_standard_input,
        .is_grouped = TRUE,
        .keep_us = args->keep_ms * US_PER_MS,
        .has_grace = args->has_grace,
        .grace_us = args->grace_ms * US_PER_MS,
    };

    set_streams(call, args, &spec);
    starting->call = call;
    starting->wait_ms = tn_joboutput_cut_wait(call, args->wait_ms);
    starting->range.max = tn_joboutput_cut_max(call, args->max_bytes);
    tn_joboutput_set_limits(call);
    tn_joboutput_set_charge(call, &spec);
    if (!tn_jobs_start(tn_call_get_context(call)->jobs, &spec, answer_started, starting, error)) {
        spec.release_charge(spec.charge, NULL);
        return FALSE;
    }
    (void)g_steal_pointer(&starting);
    tn_call_defer(call);
    return TRUE;
}

/* Where reading begins: FROM if one was given, else at the first byte that is held. Bytes below it
 * have their reader and are given up where the program waits for room. */
static gboolean
take_offset(TnJob *job, TnJobStreamIndex index, gboolean given, gint64 offset, guint64 *ret_from,
            GError **error)
{
    const TnCapture *capture = tn_job_get_capture(job, index);
    const char *stream = index == TN_JOB_STDOUT ? "out" : "err";
    guint64 from = (guint64)offset;

    *ret_from = 0;
    if (capture == NULL)
        return TRUE;
    if (!given)
        from = tn_capture_get_from(capture);
    if (from > tn_capture_get_total(capture)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_OUT_OF_RANGE,
                    "offset %" G_GUINT64_FORMAT " of %s is behind its end at %" G_GUINT64_FORMAT,
                    from, stream, tn_capture_get_total(capture));
        return FALSE;
    }
    /* 0 asks for whatever there is. Bytes that were lost are told of by the reply; bytes that some
     * reader has had are a mistake of this one. */
    if (from > 0 && from < tn_capture_get_from(capture) && tn_capture_get_dropped(capture) == 0) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_OUT_OF_RANGE,
                    "bytes of %s below offset %" G_GUINT64_FORMAT " were forgotten", stream,
                    tn_capture_get_from(capture));
        return FALSE;
    }
    *ret_from = from;
    return TRUE;
}

static gboolean
run_read(TnCall *call, const void *data, void *result, GError **error)
{
    const ReadArgs *args = data;
    TnJob *job = tn_joboutput_find(call, args->job, error);
    guint wait_ms = tn_joboutput_cut_wait(call, args->wait_ms);
    TnJobRange range = {.max = tn_joboutput_cut_max(call, args->max_bytes)};

    if (job == NULL ||
        !take_offset(job, TN_JOB_STDOUT, args->has_out_from, args->out_from,
                     &range.from[TN_JOB_STDOUT], error) ||
        !take_offset(job, TN_JOB_STDERR, args->has_err_from, args->err_from,
                     &range.from[TN_JOB_STDERR], error))
        return FALSE;
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        tn_job_acknowledge(job, (TnJobStreamIndex)i, range.from[i]);
    if (wait_ms == 0 || tn_joboutput_has_news(job, &range)) {
        tn_joboutput_fill(call, job, &range, result);
        return TRUE;
    }
    tn_call_defer(call);
    hold_call(call, job, &range, wait_ms, FALSE);
    return TRUE;
}

/* The order of TnCaptureFull. */
static const char *const full_words[] = {
    [TN_CAPTURE_HEAD] = "head",
    [TN_CAPTURE_TAIL] = "tail",
    [TN_CAPTURE_WAIT] = "wait",
    NULL,
};

static const char *const stdin_words[] = {"open", NULL};

static const TnField exec_args[] = {
    {"path", TN_STRING(ExecArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH,
                       .doc = "program to run; a bare name is looked up in the search path")},
    {"arg", TN_STRV(ExecArgs, arg, .subject = TN_SUBJECT_ARGV, .doc = "argv[1] and on")},
    {"env", TN_STRV(ExecArgs, env, .subject = TN_SUBJECT_ENV_ADDED,
                    .doc = "NAME=value, on top of the standard environment")},
    {"cwd", TN_STRING(ExecArgs, cwd, .subject = TN_SUBJECT_CWD, .doc = "working directory")},
    {"user", TN_STRING(ExecArgs, user, .subject = TN_SUBJECT_USER, .doc = "whom to run as")},
    {"input-b64", TN_BYTES(ExecArgs, input, .subject = TN_SUBJECT_STDIN,
                           .doc = "standard input, which ends behind it unless stdin is open")},
    {"stdin", TN_ENUM(ExecArgs, standard_input, TN_PRESENT(ExecArgs, has_standard_input),
                      .subject = TN_SUBJECT_STDIN, .words = stdin_words,
                      .doc = "open: more comes by tenon-exec-write")},
    {"merge", TN_BOOL(ExecArgs, merge, .doc = "standard error into standard output")},
    {"timeout-ms", TN_INT(ExecArgs, timeout_ms, TN_PRESENT(ExecArgs, has_timeout),
                          .subject = TN_SUBJECT_TIMEOUT_MS, .min = 1, .max = TIMEOUT_MAX_MS,
                          .doc = "then everything that it started is ended")},
    {"grace-ms", TN_INT(ExecArgs, grace_ms, TN_PRESENT(ExecArgs, has_grace), .min = 0,
                        .max = GRACE_MAX_MS, .doc = "from TERM to KILL")},
    {"output-max", TN_INT(ExecArgs, output_max, TN_PRESENT(ExecArgs, has_output_max),
                          .subject = TN_SUBJECT_OUTPUT_MAX, .min = 1, .max = G_MAXINT64,
                          .doc = "bytes of each stream that are held")},
    {"on-full", TN_ENUM(ExecArgs, on_full, .words = full_words,
                        .doc = "which bytes stay when there is no room, or that it waits")},
    {"name", TN_STRING(ExecArgs, name, .max = NAME_MAX_BYTES, .doc = "shown in the list")},
    {"keep-ms", TN_INT(ExecArgs, keep_ms, .min = 0, .max = KEEP_MAX_MS,
                       .doc = "how long the record stays after the end; 0: the default")},
    {"wait-ms", TN_INT(ExecArgs, wait_ms, .min = 0, .max = G_MAXINT32,
                       .doc = "wait so long for the end; then it is in the reply")},
    {"max-bytes", TN_INT(ExecArgs, max_bytes, .min = 0, .max = G_MAXINT64,
                         .doc = "of each stream in the reply")},
    {0},
};

static const TnField read_args[] = {
    {"job", TN_INT(ReadArgs, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"out-from", TN_INT(ReadArgs, out_from, TN_PRESENT(ReadArgs, has_out_from), .min = 0,
                        .max = G_MAXINT64, .doc = "offset; bytes below it may be forgotten")},
    {"err-from", TN_INT(ReadArgs, err_from, TN_PRESENT(ReadArgs, has_err_from), .min = 0,
                        .max = G_MAXINT64, .doc = "offset; bytes below it may be forgotten")},
    {"max-bytes", TN_INT(ReadArgs, max_bytes, .min = 0, .max = G_MAXINT64,
                         .doc = "of each stream in the reply")},
    {"wait-ms", TN_INT(ReadArgs, wait_ms, .min = 0, .max = G_MAXINT32,
                       .doc = "wait so long for output or the end")},
    {0},
};

static const TnField job_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = tn_joboutput_fields,
};

static const TnCommand commands[] = {
    {
        .name = "tenon-exec",
        .group = "@exec",
        .args = exec_args,
        .args_size = sizeof(ExecArgs),
        .result = &job_result,
        .result_size = sizeof(TnJobReply),
        .run = run_exec,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_OVERLAPS,
        .since = "0.1",
        .doc = "Run a program as a job.",
    },
    {
        .name = "tenon-exec-read",
        .group = "@exec",
        .args = read_args,
        .args_size = sizeof(ReadArgs),
        .result = &job_result,
        .result_size = sizeof(TnJobReply),
        .run = run_read,
        .since = "0.1",
        .doc = "State and output of a job.",
    },
    {0},
};

const TnModule tn_jobexec_module = {.name = "jobexec", .commands = commands};
