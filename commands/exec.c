/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-exec and guest-exec-status. Both are deferred calls over platform/jobs.h: the first until
 * the spawner has an answer, the second for a moment when the child is young, because most clients
 * ask at once and then only a second later. What may run, and how, is the grant's sealed plan;
 * nothing here looks at a path or an argument.
 */
#include "commands/exec.h"

#include "commands/joboutput.h"
#include "platform/clock.h"

#include <string.h>

enum {
    YOUNG_US = G_USEC_PER_SEC, /* a status request for a younger child is held ... */
    HOLD_MS = 100,             /* ... so long at most */
    SIGNAL_EXIT_CODE = 128,    /* as a shell tells of a signal */
};

/* The words of qemu-ga's GuestExecCaptureOutputMode. */
typedef enum {
    CAPTURE_NONE,
    CAPTURE_STDOUT,
    CAPTURE_STDERR,
    CAPTURE_SEPARATED,
    CAPTURE_MERGED,
} CaptureMode;

typedef struct {
    char *path;
    char **arg;
    char **env;
    TnBytes input;
    TnBoolOrEnum capture;
} ExecArgs;

typedef struct {
    int64_t pid;
} ExecResult;

typedef struct {
    int64_t pid;
} StatusArgs;

typedef struct {
    char *reason;
    char *syscall;
    char *arch;
} StatusMore;

typedef struct {
    bool exited;
    int64_t exit_code;
    bool has_exit_code;
    int64_t signal;
    bool has_signal;
    TnBulk *out_data;
    TnBulk *err_data;
    bool out_truncated;
    bool has_out_truncated;
    bool err_truncated;
    bool has_err_truncated;
    StatusMore more;
    bool has_more;
} StatusResult;

/* A status request that waits for its job. */
typedef struct {
    TnJobWaiter waiter;
    TnCall *call;
    TnJob *job;
    guint timeout;
} HeldStatus;

static CaptureMode
get_mode(const TnBoolOrEnum *capture)
{
    if (capture->is_enum)
        return (CaptureMode)capture->word;
    return capture->flag ? CAPTURE_SEPARATED : CAPTURE_NONE;
}

static void
set_outputs(TnJobSpec *spec, CaptureMode mode)
{
    spec->out = TN_JOB_OUTPUT_NULL;
    spec->err = TN_JOB_OUTPUT_NULL;
    if (mode == CAPTURE_STDOUT || mode == CAPTURE_SEPARATED || mode == CAPTURE_MERGED)
        spec->out = TN_JOB_OUTPUT_CAPTURE;
    if (mode == CAPTURE_STDERR || mode == CAPTURE_SEPARATED)
        spec->err = TN_JOB_OUTPUT_CAPTURE;
    if (mode == CAPTURE_MERGED)
        spec->err = TN_JOB_OUTPUT_MERGE;
}

static void
answer_started(gpointer data, TnJob *job, TnChildStep step, const GError *error)
{
    TnCall *call = data;
    ExecResult *result = tn_call_get_result(call);
    GError *failure;

    if (job != NULL) {
        result->pid = tn_job_get_info(job)->pid;
        tn_joboutput_note_started(call, job);
        tn_call_return(call);
        return;
    }
    failure = g_error_copy(error);
    /* glib has words for these two; a step that it does not know names the command instead. */
    if (step != TN_CHILD_STEP_EXEC && step != TN_CHILD_STEP_DIRECTORY && step != TN_CHILD_STEP_N)
        g_prefix_error(&failure, "guest-exec: ");
    tn_call_fail(call, failure);
}

static gboolean
run_exec(TnCall *call, const void *data, void *result, GError **error)
{
    const ExecArgs *args = data;
    TnJobs *jobs = tn_call_get_context(call)->jobs;
    TnBytes borrowed = args->input;
    g_autoptr(GBytes) input = tn_call_steal_bytes(call, &borrowed);
    TnJobSpec spec = {
        .plan = tn_grant_get_spawn_plan(tn_call_get_grant(call)),
        .channel = tn_call_get_channel(call),
        .on_full = TN_CAPTURE_HEAD,
        .has_input = input != NULL,
        .input = input,
    };

    set_outputs(&spec, get_mode(&args->capture));
    tn_joboutput_set_budget(call, &spec);
    tn_joboutput_set_limits(call);
    tn_joboutput_set_charge(call, &spec);
    if (!tn_jobs_start(jobs, &spec, answer_started, call, error)) {
        spec.release_charge(spec.charge, NULL);
        return FALSE;
    }
    tn_call_defer(call);
    return TRUE;
}

static gboolean
is_signal_exitcode_wanted(TnCall *call)
{
    const TnPolicyHolder *policy = tn_call_get_context(call)->policy;

    return tn_policy_get_settings(tn_policy_holder_get(policy))->signal_exitcode;
}

static void
fill_stream(const TnCapture *capture, TnBulk **data, bool *truncated, bool *has_truncated)
{
    if (capture == NULL)
        return;
    *data = tn_joboutput_bulk(capture, 0, G_MAXUINT64);
    *truncated = tn_capture_get_dropped(capture) > 0;
    /* Shown beside data, as qemu-ga does, and in any case where bytes were lost. */
    *has_truncated = *data != NULL || *truncated;
}

/* A program that a rule or the kernel ended: a signal alone does not say why. */
static gboolean
is_told(TnJobReason reason)
{
    return reason == TN_JOB_TIMEOUT || reason == TN_JOB_OUTPUT_LIMIT || reason == TN_JOB_OOM ||
           reason == TN_JOB_SECCOMP;
}

static void
fill_more(const TnJobInfo *info, StatusMore *more)
{
    more->reason = g_strdup(tn_job_reason_word(info->reason));
    if (info->denied_call == NULL)
        return;
    more->syscall = g_strdup(info->denied_call);
    more->arch = g_strdup(info->denied_arch);
}

static void
fill_status(TnCall *call, TnJob *job, StatusResult *result)
{
    const TnJobInfo *info = tn_job_get_info(job);

    result->exited = info->ended;
    if (!info->ended)
        return;
    result->has_signal = info->signal != 0;
    result->signal = info->signal;
    result->has_exit_code = info->signal == 0 || is_signal_exitcode_wanted(call);
    result->exit_code = info->signal == 0 ? info->exit_code : SIGNAL_EXIT_CODE + info->signal;
    result->has_more = is_told(info->reason);
    if (result->has_more)
        fill_more(info, &result->more);
    fill_stream(tn_job_get_capture(job, TN_JOB_STDOUT), &result->out_data, &result->out_truncated,
                &result->has_out_truncated);
    fill_stream(tn_job_get_capture(job, TN_JOB_STDERR), &result->err_data, &result->err_truncated,
                &result->has_err_truncated);
    tn_jobs_mark_read(tn_call_get_context(call)->jobs, job);
}

static void
answer_held(HeldStatus *held)
{
    TnCall *call = held->call;

    tn_call_on_hurry(call, NULL, NULL);
    tn_job_unwait(&held->waiter);
    if (held->timeout != 0)
        g_source_remove(held->timeout);
    fill_status(call, held->job, tn_call_get_result(call));
    tn_job_unref(held->job);
    g_free(held);
    tn_call_return(call);
}

static void
handle_end(TnJobWaiter *waiter)
{
    answer_held((HeldStatus *)(void *)((char *)waiter - G_STRUCT_OFFSET(HeldStatus, waiter)));
}

static void
handle_hurry(TnCall *call, gpointer data)
{
    answer_held(data);
}

static gboolean
handle_timeout(gpointer data)
{
    HeldStatus *held = data;

    held->timeout = 0;
    answer_held(held);
    return G_SOURCE_REMOVE;
}

static void
hold_status(TnCall *call, TnJob *job)
{
    HeldStatus *held = g_new0(HeldStatus, 1);

    held->call = call;
    held->job = tn_job_ref(job);
    held->waiter.notify = handle_end;
    held->timeout = g_timeout_add(HOLD_MS, handle_timeout, held);
    tn_job_wait(job, &held->waiter);
    tn_call_defer(call);
    tn_call_on_hurry(call, handle_hurry, held);
}

static gboolean
run_status(TnCall *call, const void *data, void *result, GError **error)
{
    const StatusArgs *args = data;
    TnJob *job =
        tn_jobs_find_pid(tn_call_get_context(call)->jobs, tn_call_get_channel(call), args->pid);
    const TnJobInfo *info;

    if (job == NULL) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NO_SUCH_JOB,
                    "PID %" G_GINT64_FORMAT " does not exist", args->pid);
        return FALSE;
    }
    info = tn_job_get_info(job);
    if (!info->ended && tn_clock_monotonic_us() - info->started_us < YOUNG_US)
        hold_status(call, job);
    else
        fill_status(call, job, result);
    return TRUE;
}

static const char *const capture_words[] = {
    [CAPTURE_NONE] = "none",           [CAPTURE_STDOUT] = "stdout", [CAPTURE_STDERR] = "stderr",
    [CAPTURE_SEPARATED] = "separated", [CAPTURE_MERGED] = "merged", NULL,
};

static const TnField exec_args[] = {
    {"path", TN_STRING(ExecArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH,
                       .doc = "program to run; a bare name is looked up in the search path")},
    {"arg", TN_STRV(ExecArgs, arg, .subject = TN_SUBJECT_ARGV, .doc = "argv[1] and on")},
    {"env", TN_STRV(ExecArgs, env, .subject = TN_SUBJECT_ENV,
                    .doc = "the whole environment as NAME=value; without it a standard one")},
    {"input-data", TN_BYTES(ExecArgs, input, .subject = TN_SUBJECT_STDIN,
                            .doc = "written to standard input, which ends then")},
    {"capture-output",
     TN_BOOL_OR_ENUM(ExecArgs, capture, .words = capture_words,
                     .type_name = "GuestExecCaptureOutput", .doc = "true means separated")},
    {0},
};

static const TnField exec_fields[] = {
    {"pid", TN_INT(ExecResult, pid, .flags = TN_FIELD_REQUIRED, .doc = "of the child")},
    {0},
};

static const TnField exec_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = exec_fields,
};

static const TnField status_args[] = {
    {"pid", TN_INT(StatusArgs, pid, .flags = TN_FIELD_REQUIRED, .doc = "as guest-exec gave it")},
    {0},
};

static const TnField more_fields[] = {
    {"reason", TN_STRING(StatusMore, reason, .flags = TN_FIELD_REQUIRED,
                         .doc = "timeout, output-limit, oom or seccomp")},
    {"syscall", TN_STRING(StatusMore, syscall, .doc = "seccomp: which, if the kernel logged it")},
    {"arch", TN_STRING(StatusMore, arch, .doc = "of that call")},
    {0},
};

static const TnField status_fields[] = {
    {"exited", TN_BOOL(StatusResult, exited, .flags = TN_FIELD_REQUIRED,
                       .doc = "FALSE while the program runs")},
    {"exitcode", TN_INT(StatusResult, exit_code, TN_PRESENT(StatusResult, has_exit_code),
                        .doc = "also 128 + signal when it was killed")},
    {"signal",
     TN_INT(StatusResult, signal, TN_PRESENT(StatusResult, has_signal), .doc = "that ended it")},
    {"out-data", TN_BULK(StatusResult, out_data, .doc = "captured stdout, or both when merged")},
    {"err-data", TN_BULK(StatusResult, err_data, .doc = "captured stderr")},
    {"out-truncated",
     TN_BOOL(StatusResult, out_truncated, TN_PRESENT(StatusResult, has_out_truncated),
             .doc = "bytes are lost")},
    {"err-truncated",
     TN_BOOL(StatusResult, err_truncated, TN_PRESENT(StatusResult, has_err_truncated),
             .doc = "bytes are lost")},
    {"tenon", TN_OBJECT(StatusResult, more, StatusMore, TN_PRESENT(StatusResult, has_more),
                        .fields = more_fields, .doc = "when a limit of its rule ended it")},
    {0},
};

static const TnField status_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = status_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-exec",
        .group = "@exec",
        .args = exec_args,
        .args_size = sizeof(ExecArgs),
        .result = &exec_result,
        .result_size = sizeof(ExecResult),
        .run = run_exec,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_OVERLAPS,
        .since = "2.5",
        .doc = "Run a program.",
    },
    {
        .name = "guest-exec-status",
        .group = "@exec",
        .args = status_args,
        .args_size = sizeof(StatusArgs),
        .result = &status_result,
        .result_size = sizeof(StatusResult),
        .run = run_status,
        .since = "2.5",
        .doc = "Has a program ended, how, and what did it write.",
    },
    {0},
};

const TnModule tn_exec_module = {.name = "exec", .commands = commands};
