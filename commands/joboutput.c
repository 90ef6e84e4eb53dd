/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captured output on its way into a reply. The bulk source shares the chunks of the capture, so a
 * reply of 16 MiB costs no copy, and a record that goes away while it is sent does no harm.
 */
#include "commands/joboutput.h"

#include "platform/names.h"

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
release_grant(gpointer data)
{
    tn_grant_unref(data);
}

void
tn_joboutput_set_charge(TnCall *call, TnJobSpec *spec)
{
    spec->charge = tn_grant_ref(tn_call_get_grant(call));
    spec->release_charge = release_grant;
}
