/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenon-exec-write, -signal, -list and -forget. A write says where its bytes belong, so that a
 * repeated one does no harm, and is held for a moment when the program is slow, so that a writer
 * need not poll.
 */
#include "commands/jobctl.h"

#include "commands/joboutput.h"

#include <signal.h>

enum {
    US_PER_MS = 1000,
    INPUT_WINDOW_BYTES = 1024 * 1024, /* that wait for the program at most */
    WRITE_WAIT_MS = 1000,
    WRITE_WAIT_SERIAL_MS = 200, /* a host runs one command at a time there */
    GRACE_MAX_MS = 60 * 60 * 1000,
    SIGNAL_MAX = 64, /* SIGRTMAX of Linux */
};

typedef struct {
    int64_t job;
    int64_t at;
    TnBytes bytes;
    bool close;
} WriteArgs;

typedef struct {
    int64_t taken;
    int64_t total;
} WriteResult;

/* A write that waits for room. */
typedef struct {
    TnJobWaiter waiter;
    TnCall *call;
    TnJob *job;
    gint64 at;
    GBytes *bytes; /* NULL: none */
    gboolean close;
    guint timeout;
} HeldWrite;

typedef struct {
    int64_t job;
    int64_t signal;
    bool tree;
    bool has_tree;
    int64_t grace_ms;
    bool has_grace;
} SignalArgs;

typedef struct {
    int64_t job;
} ForgetArgs;

typedef struct {
    int64_t job;
    int64_t pid;
    char *name;
    char *path;
    int state;
    int64_t exit_code;
    bool has_exit_code;
    int64_t signal;
    bool has_signal;
    char *reason;
    int64_t started_ns;
    int64_t ended_ns;
    bool has_ended;
    int64_t cpu_ms;
    int64_t out_total;
    int64_t err_total;
    char *channel;
} ListEntry;

typedef struct {
    GPtrArray *jobs;
} ListResult;

/* Takes what it can of the bytes that stand at AT; TRUE: RESULT is the answer. FALSE without ERROR:
 * there is no room now. */
static gboolean
write_input(TnJob *job, gint64 at, GBytes *bytes, gboolean close, WriteResult *result,
            GError **error)
{
    gint64 size = bytes != NULL ? (gint64)g_bytes_get_size(bytes) : 0;
    gint64 total = (gint64)tn_job_get_input_total(job);
    gint64 known = CLAMP(total - at, 0, size); /* of these bytes, from an earlier request */
    TnFeed *feed = tn_job_get_feed(job);
    gint64 taken = 0;

    if (at > total) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_OUT_OF_RANGE,
                    "offset %" G_GINT64_FORMAT
                    " is behind the end of the input at %" G_GINT64_FORMAT,
                    at, total);
        return FALSE;
    }
    if (feed == NULL && known < size) {
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_CLOSED,
                            "standard input is closed");
        return FALSE;
    }
    if (feed != NULL && known < size && feed->waiting < INPUT_WINDOW_BYTES) {
        taken = MIN(size - known, (gint64)(INPUT_WINDOW_BYTES - feed->waiting));
        g_autoptr(GBytes) piece = g_bytes_new_from_bytes(bytes, (gsize)known, (gsize)taken);

        tn_feed_push(feed, piece);
    }
    if (taken + known == 0 && size > 0)
        return FALSE;
    if (close && feed != NULL && taken + known == size)
        tn_feed_finish(feed);
    result->taken = taken + known;
    result->total = (int64_t)tn_job_get_input_total(job);
    return TRUE;
}

static void
answer_write(HeldWrite *held)
{
    TnCall *call = held->call;
    WriteResult *result = tn_call_get_result(call);
    GError *error = NULL;

    tn_call_on_hurry(call, NULL, NULL);
    tn_job_unwait(&held->waiter);
    if (held->timeout != 0)
        g_source_remove(held->timeout);
    result->total = (int64_t)tn_job_get_input_total(held->job);
    /* Still no room: nothing was taken, which is an answer, too. */
    (void)!write_input(held->job, held->at, held->bytes, held->close, result, &error);
    tn_job_unref(held->job);
    g_bytes_unref(held->bytes);
    g_free(held);
    if (error != NULL)
        tn_call_fail(call, error);
    else
        tn_call_return(call);
}

static void
handle_event(TnJobWaiter *waiter)
{
    answer_write((HeldWrite *)(void *)((char *)waiter - G_STRUCT_OFFSET(HeldWrite, waiter)));
}

static void
handle_hurry(TnCall *call, gpointer data)
{
    answer_write(data);
}

static gboolean
handle_timeout(gpointer data)
{
    HeldWrite *held = data;

    held->timeout = 0;
    answer_write(held);
    return G_SOURCE_REMOVE;
}

static gboolean
run_write(TnCall *call, const void *data, void *result, GError **error)
{
    const WriteArgs *args = data;
    TnJob *job = tn_joboutput_find(call, args->job, error);
    TnBytes borrowed = args->bytes;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) failure = NULL;
    HeldWrite *held;

    if (job == NULL)
        return FALSE;
    bytes = tn_call_steal_bytes(call, &borrowed);
    if (write_input(job, args->at, bytes, args->close, result, &failure))
        return TRUE;
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    held = g_new0(HeldWrite, 1);
    held->call = call;
    held->job = tn_job_ref(job);
    held->at = args->at;
    held->bytes = g_steal_pointer(&bytes);
    held->close = args->close;
    held->waiter.notify = handle_event;
    held->waiter.events = TN_JOB_EVENT_INPUT;
    held->timeout = g_timeout_add(tn_call_is_serial(call) ? WRITE_WAIT_SERIAL_MS : WRITE_WAIT_MS,
                                  handle_timeout, held);
    tn_job_wait(job, &held->waiter);
    tn_call_defer(call);
    tn_call_on_hurry(call, handle_hurry, held);
    return TRUE;
}

static gboolean
run_signal(TnCall *call, const void *data, void *result, GError **error)
{
    const SignalArgs *args = data;
    TnJob *job = tn_joboutput_find(call, args->job, error);
    gboolean tree = !args->has_tree || args->tree;

    if (job == NULL)
        return FALSE;
    if (tn_job_get_info(job)->ended) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_CLOSED,
                    "job %" G_GINT64_FORMAT " has ended", args->job);
        return FALSE;
    }
    /* What is to end it, and all that it started, is told as the reason of its end. */
    if (tree && (args->signal == SIGKILL || args->has_grace)) {
        tn_job_kill(job, TN_JOB_KILLED, (int)args->signal, args->grace_ms * US_PER_MS);
        return TRUE;
    }
    return tn_job_signal(job, (int)args->signal, tree, error);
}

static int64_t
get_total(const TnJob *job, TnJobStreamIndex index)
{
    const TnCapture *capture = tn_job_get_capture(job, index);

    return capture != NULL ? (int64_t)tn_capture_get_total(capture) : 0;
}

static ListEntry *
make_entry(const TnJob *job)
{
    const TnJobInfo *info = tn_job_get_info(job);
    ListEntry *entry = g_new0(ListEntry, 1);

    entry->job = info->number;
    entry->pid = info->pid;
    entry->name = g_strdup(info->name);
    entry->path = g_strdup(info->path);
    entry->state = info->ended;
    entry->has_exit_code = info->ended && info->signal == 0 &&
                           info->reason != TN_JOB_EXIT_UNKNOWN && info->reason != TN_JOB_LOST;
    entry->exit_code = info->exit_code;
    entry->has_signal = info->ended && info->signal != 0;
    entry->signal = info->signal;
    entry->reason = info->ended ? g_strdup(tn_job_reason_word(info->reason)) : NULL;
    entry->started_ns = info->started_ns;
    entry->has_ended = info->ended;
    entry->ended_ns = info->ended_ns;
    entry->cpu_ms = tn_job_get_cpu_us(job) / US_PER_MS;
    entry->out_total = get_total(job, TN_JOB_STDOUT);
    entry->err_total = get_total(job, TN_JOB_STDERR);
    entry->channel = g_strdup(info->channel);
    return entry;
}

static gboolean
run_list(TnCall *call, const void *args, void *data, GError **error)
{
    ListResult *result = data;
    g_autoptr(GPtrArray) jobs =
        tn_jobs_list(tn_call_get_context(call)->jobs, tn_call_get_channel(call));

    result->jobs = g_ptr_array_new();
    for (guint i = 0; i < jobs->len; i++)
        g_ptr_array_add(result->jobs, make_entry(g_ptr_array_index(jobs, i)));
    return TRUE;
}

static gboolean
run_forget(TnCall *call, const void *data, void *result, GError **error)
{
    const ForgetArgs *args = data;
    TnJob *job = tn_joboutput_find(call, args->job, error);

    if (job == NULL)
        return FALSE;
    if (tn_jobs_forget(tn_call_get_context(call)->jobs, job))
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_BUSY,
                "job %" G_GINT64_FORMAT " is running", args->job);
    return FALSE;
}

/* By number; signal(7), the numbers of x86 and ARM. */
static const char *const signal_words[] = {
    "0",    "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",  NULL,
};

static const TnField write_args[] = {
    {"job", TN_INT(WriteArgs, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"at", TN_INT(WriteArgs, at, .flags = TN_FIELD_REQUIRED, .min = 0, .max = G_MAXINT64,
                  .doc = "offset of the first byte in all input")},
    {"b64", TN_BYTES(WriteArgs, bytes, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {"close", TN_BOOL(WriteArgs, close, .doc = "standard input ends behind them")},
    {0},
};

static const TnField write_fields[] = {
    {"taken", TN_INT(WriteResult, taken, .flags = TN_FIELD_REQUIRED,
                     .doc = "bytes of this request; send the rest later")},
    {"total", TN_INT(WriteResult, total, .flags = TN_FIELD_REQUIRED, .doc = "bytes of all")},
    {0},
};

static const TnField write_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = write_fields,
};

static const TnField signal_args[] = {
    {"job", TN_INT(SignalArgs, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"signal", TN_INT_OR_ENUM(SignalArgs, signal, .flags = TN_FIELD_REQUIRED, .min = 1,
                              .max = SIGNAL_MAX, .words = signal_words, .type_name = "signal",
                              .doc = "name such as TERM, or number")},
    {"tree", TN_BOOL(SignalArgs, tree, TN_PRESENT(SignalArgs, has_tree),
                     .doc = "all that it started, too; true unless given")},
    {"grace-ms", TN_INT(SignalArgs, grace_ms, TN_PRESENT(SignalArgs, has_grace), .min = 0,
                        .max = GRACE_MAX_MS, .doc = "then KILL follows")},
    {0},
};

static const TnField list_fields[] = {
    {"job", TN_INT(ListEntry, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"pid", TN_INT(ListEntry, pid, .flags = TN_FIELD_REQUIRED, .doc = "of the child")},
    {"name", TN_STRING(ListEntry, name, .doc = "as tenon-exec gave it")},
    {"path", TN_STRING(ListEntry, path, .flags = TN_FIELD_REQUIRED, .doc = "of the program")},
    {"state", TN_ENUM(ListEntry, state, .flags = TN_FIELD_REQUIRED, .words = tn_joboutput_states,
                      .doc = "running or ended")},
    {"exit-code", TN_INT(ListEntry, exit_code, TN_PRESENT(ListEntry, has_exit_code),
                         .doc = "unless a signal ended it")},
    {"signal",
     TN_INT(ListEntry, signal, TN_PRESENT(ListEntry, has_signal), .doc = "that ended it")},
    {"reason", TN_STRING(ListEntry, reason, .doc = "of the end")},
    {"started-ns",
     TN_INT(ListEntry, started_ns, .flags = TN_FIELD_REQUIRED, .doc = "since the epoch")},
    {"ended-ns",
     TN_INT(ListEntry, ended_ns, TN_PRESENT(ListEntry, has_ended), .doc = "since the epoch")},
    {"cpu-ms", TN_INT(ListEntry, cpu_ms, .flags = TN_FIELD_REQUIRED, .doc = "so far")},
    {"out-total", TN_INT(ListEntry, out_total, .flags = TN_FIELD_REQUIRED, .doc = "bytes written")},
    {"err-total", TN_INT(ListEntry, err_total, .flags = TN_FIELD_REQUIRED, .doc = "bytes written")},
    {"channel", TN_STRING(ListEntry, channel, .flags = TN_FIELD_REQUIRED, .doc = "it belongs to")},
    {0},
};

static const TnField list_element = {
    NULL,
    .type = TN_TYPE_LIST,
    .flags = TN_FIELD_REQUIRED,
    .offset = offsetof(ListResult, jobs),
    .fields = list_fields,
    .size = sizeof(ListEntry),
};

static const TnField forget_args[] = {
    {"job", TN_INT(ForgetArgs, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {0},
};

static const TnCommand commands[] = {
    {
        .name = "tenon-exec-write",
        .group = "@exec",
        .args = write_args,
        .args_size = sizeof(WriteArgs),
        .result = &write_result,
        .result_size = sizeof(WriteResult),
        .run = run_write,
        .flags = TN_COMMAND_MUTATES,
        .since = "0.1",
        .doc = "Standard input for a job.",
    },
    {
        .name = "tenon-exec-signal",
        .group = "@exec",
        .args = signal_args,
        .args_size = sizeof(SignalArgs),
        .run = run_signal,
        .flags = TN_COMMAND_MUTATES,
        .since = "0.1",
        .doc = "A signal for a job.",
    },
    {
        .name = "tenon-exec-list",
        .group = "@exec",
        .result = &list_element,
        .result_size = sizeof(ListResult),
        .run = run_list,
        .since = "0.1",
        .doc = "The jobs of this channel.",
    },
    {
        .name = "tenon-exec-forget",
        .group = "@exec",
        .args = forget_args,
        .args_size = sizeof(ForgetArgs),
        .run = run_forget,
        .flags = TN_COMMAND_MUTATES,
        .since = "0.1",
        .doc = "Remove the record of a job that has ended.",
    },
    {0},
};

const TnModule tn_jobctl_module = {.name = "jobctl", .commands = commands};
