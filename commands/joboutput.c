/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captured output and records of jobs on their way into replies. The bulk source shares the chunks
 * of the capture, so a reply of 16 MiB costs no copy, and a record that goes away while it is sent
 * does no harm.
 */
#include "commands/joboutput.h"

#include "agent/state.h"
#include "platform/names.h"

enum {
    US_PER_MS = 1000,
    READ_MAX_BYTES = 1024 * 1024,          /* of each stream, when the request names no number */
    LISTENER_MAX_BYTES = 16 * 1024 * 1024, /* of each stream */
    SERIAL_MAX_BYTES = 1500000,            /* of each stream: both fit a reply that libvirt takes */
    LISTENER_WAIT_MS = 30000,
    SERIAL_WAIT_MS = 200, /* a host runs one command at a time there */
};

typedef struct {
    TnBulk bulk;
    TnCaptureSpan *span;
} OutputBulk;

static gssize
pull_output(TnBulk *bulk, gsize max, const uint8_t **ret_data, GError **error)
{
    return (gssize)tn_capture_span_next(((OutputBulk *)bulk)->span, max, ret_data);
}

static void
free_output(TnBulk *bulk)
{
    tn_capture_span_free(((OutputBulk *)bulk)->span);
    g_free(bulk);
}

TnBulk *
tn_joboutput_bulk(const TnCapture *capture, guint64 offset, guint64 max)
{
    OutputBulk *output;
    g_autoptr(TnCaptureSpan) span = NULL;

    if (capture == NULL)
        return NULL;
    span = tn_capture_span_new(capture, offset, max);
    if (tn_capture_span_get_size(span) == 0)
        return NULL;
    output = g_new0(OutputBulk, 1);
    output->bulk = (TnBulk){.pull = pull_output, .free = free_output};
    output->span = g_steal_pointer(&span);
    return &output->bulk;
}

void
tn_joboutput_set_limits(TnCall *call)
{
    const TnModuleContext *context = tn_call_get_context(call);
    const TnPolicySettings *settings =
        tn_policy_get_settings(tn_policy_holder_get(context->policy));
    const TnJobsLimits limits = {
        .max_children = settings->max_children,
        .max_output_bytes = settings->max_output_total_bytes,
        .keep_count = settings->exec_keep_count,
        .keep_bytes = settings->exec_keep_bytes,
        .keep_us = settings->exec_keep_us,
    };

    tn_jobs_set_limits(context->jobs, &limits);
}

void
tn_joboutput_set_budget(TnCall *call, TnJobSpec *spec)
{
    if (tn_call_is_serial(call)) {
        spec->limit_bytes = TN_SERIAL_CAPTURE_LIMIT_BYTES;
        spec->reserved_bytes = TN_SERIAL_CAPTURE_RESERVED_BYTES;
    } else {
        spec->limit_bytes = TN_CAPTURE_LIMIT_BYTES;
        spec->reserved_bytes = 0;
    }
}

static void
add_output(const TnJob *job, TnGrantEnd *end)
{
    for (int i = 0; i < TN_JOB_N_STREAMS; i++) {
        const TnCapture *capture = tn_job_get_capture(job, (TnJobStreamIndex)i);

        if (capture == NULL)
            continue;
        end->out_bytes += tn_capture_get_total(capture);
        end->is_truncated = end->is_truncated || tn_capture_get_dropped(capture) > 0;
    }
}

static void
release_grant(gpointer data, const TnJob *job)
{
    if (job != NULL) {
        const TnJobInfo *info = tn_job_get_info(job);
        TnGrantEnd end = {
            .pid = info->pid,
            .exit_code = info->exit_code,
            .signal = info->signal,
            .reason = tn_job_reason_word(info->reason),
            .denied_call = info->denied_call,
            .duration_us = info->ended_us - info->started_us,
        };

        add_output(job, &end);
        tn_grant_note_end(data, &end);
    }
    tn_grant_unref(data);
}

void
tn_joboutput_note_started(TnCall *call, const TnJob *job)
{
    tn_grant_note_start(tn_call_get_grant(call), tn_job_get_info(job)->pid);
}

void
tn_joboutput_set_charge(TnCall *call, TnJobSpec *spec)
{
    spec->charge = tn_grant_ref(tn_call_get_grant(call));
    spec->release_charge = release_grant;
}

guint64
tn_joboutput_cut_max(TnCall *call, gint64 max_bytes)
{
    guint64 limit = tn_call_is_serial(call) ? SERIAL_MAX_BYTES : LISTENER_MAX_BYTES;

    return MIN(max_bytes > 0 ? (guint64)max_bytes : READ_MAX_BYTES, limit);
}

guint
tn_joboutput_cut_wait(TnCall *call, gint64 wait_ms)
{
    gint64 limit = tn_call_is_serial(call) ? SERIAL_WAIT_MS : LISTENER_WAIT_MS;

    return (guint)CLAMP(wait_ms, 0, limit);
}

gboolean
tn_joboutput_has_news(TnJob *job, const TnJobRange *range)
{
    gboolean ended = tn_job_get_info(job)->ended;

    for (int i = 0; i < TN_JOB_N_STREAMS; i++) {
        TnJobStreamIndex index = (TnJobStreamIndex)i;
        const TnCapture *capture = tn_job_get_capture(job, index);

        if (capture != NULL && tn_capture_get_end(capture) > range->from[i])
            return TRUE;
        ended = ended && tn_job_has_stream_ended(job, index);
    }
    return ended;
}

/* TRUE when nothing of the stream is left behind this reply. */
static gboolean
fill_stream(TnJob *job, TnJobStreamIndex index, const TnJobRange *range, TnJobStreamReply *reply)
{
    const TnCapture *capture = tn_job_get_capture(job, index);
    guint64 from = MAX(range->from[index], tn_capture_get_from(capture));
    guint64 end = tn_capture_get_end(capture);
    guint64 size = from < end ? MIN(end - from, range->max) : 0;

    reply->from = (int64_t)from;
    reply->bytes = tn_joboutput_bulk(capture, from, size);
    reply->total = (int64_t)tn_capture_get_total(capture);
    reply->dropped = (int64_t)tn_capture_get_dropped(capture);
    reply->end = tn_job_has_stream_ended(job, index) && from + size >= end;
    return reply->end;
}

void
tn_joboutput_fill(TnCall *call, TnJob *job, const TnJobRange *range, TnJobReply *reply)
{
    const TnJobInfo *info = tn_job_get_info(job);
    gboolean is_last = info->ended;

    reply->job = info->number;
    reply->has_state = true;
    reply->state = info->ended;
    reply->started_ns = info->started_ns;
    reply->cpu_ms = tn_job_get_cpu_us(job) / US_PER_MS;
    if (info->ended) {
        reply->has_exit_code =
            info->signal == 0 && info->reason != TN_JOB_EXIT_UNKNOWN && info->reason != TN_JOB_LOST;
        reply->exit_code = info->exit_code;
        reply->has_signal = info->signal != 0;
        reply->signal = info->signal;
        reply->reason = g_strdup(tn_job_reason_word(info->reason));
        reply->has_ended = true;
        reply->ended_ns = info->ended_ns;
        reply->peak_bytes = (int64_t)info->peak_bytes;
    }
    reply->has_out = tn_job_get_capture(job, TN_JOB_STDOUT) != NULL;
    if (reply->has_out)
        is_last = fill_stream(job, TN_JOB_STDOUT, range, &reply->out) && is_last;
    reply->has_err = tn_job_get_capture(job, TN_JOB_STDERR) != NULL;
    if (reply->has_err)
        is_last = fill_stream(job, TN_JOB_STDERR, range, &reply->err) && is_last;
    if (is_last)
        tn_jobs_mark_read(tn_call_get_context(call)->jobs, job);
}

TnJob *
tn_joboutput_find(TnCall *call, gint64 number, GError **error)
{
    const TnModuleContext *context = tn_call_get_context(call);
    TnJob *job = tn_jobs_find_number(context->jobs, tn_call_get_channel(call), number);

    if (job != NULL)
        return job;
    if (number > 0 && number < tn_state_get_first_number(context->state))
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_LOST,
                    "job %" G_GINT64_FORMAT " was lost with an earlier agent", number);
    else
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NO_SUCH_JOB,
                    "job %" G_GINT64_FORMAT " does not exist", number);
    return NULL;
}

const char *const tn_joboutput_states[] = {"running", "ended", NULL};

static const TnField stream_fields[] = {
    {"from", TN_INT(TnJobStreamReply, from, .flags = TN_FIELD_REQUIRED,
                    .doc = "offset of the first byte here")},
    {"b64", TN_BULK(TnJobStreamReply, bytes, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {"total", TN_INT(TnJobStreamReply, total, .flags = TN_FIELD_REQUIRED,
                     .doc = "bytes written so far, lost ones included")},
    {"dropped", TN_INT(TnJobStreamReply, dropped, .flags = TN_FIELD_REQUIRED,
                       .doc = "bytes lost for want of room")},
    {"end", TN_BOOL(TnJobStreamReply, end, .flags = TN_FIELD_REQUIRED,
                    .doc = "nothing comes behind these bytes")},
    {0},
};

const TnField tn_joboutput_fields[] = {
    {"job", TN_INT(TnJobReply, job, .flags = TN_FIELD_REQUIRED, .doc = "its number")},
    {"pid", TN_INT(TnJobReply, pid, TN_PRESENT(TnJobReply, has_pid), .doc = "of the child")},
    {"state", TN_ENUM(TnJobReply, state, TN_PRESENT(TnJobReply, has_state),
                      .words = tn_joboutput_states, .doc = "ended: the main child has ended")},
    {"exit-code", TN_INT(TnJobReply, exit_code, TN_PRESENT(TnJobReply, has_exit_code),
                         .doc = "unless a signal ended it")},
    {"signal",
     TN_INT(TnJobReply, signal, TN_PRESENT(TnJobReply, has_signal), .doc = "that ended it")},
    {"reason", TN_STRING(TnJobReply, reason,
                         .doc = "exit, signal, timeout, output-limit, oom, seccomp, killed, "
                                "exit-unknown, lost")},
    {"started-ns",
     TN_INT(TnJobReply, started_ns, TN_PRESENT(TnJobReply, has_state), .doc = "since the epoch")},
    {"ended-ns",
     TN_INT(TnJobReply, ended_ns, TN_PRESENT(TnJobReply, has_ended), .doc = "since the epoch")},
    {"cpu-ms",
     TN_INT(TnJobReply, cpu_ms, TN_PRESENT(TnJobReply, has_state), .doc = "user and system time")},
    {"peak-bytes", TN_INT(TnJobReply, peak_bytes, TN_PRESENT(TnJobReply, has_ended),
                          .doc = "largest resident size of a process of it")},
    {"out", TN_OBJECT(TnJobReply, out, TnJobStreamReply, TN_PRESENT(TnJobReply, has_out),
                      .fields = stream_fields, .doc = "standard output")},
    {"err", TN_OBJECT(TnJobReply, err, TnJobStreamReply, TN_PRESENT(TnJobReply, has_err),
                      .fields = stream_fields, .doc = "standard error")},
    {0},
};
