/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Jobs as data. Times are monotonic and stay true, because the other process runs under the same
 * boot. What is waiting for a job, and its charge, stay behind: requests end with their agent.
 */

#include "platform/jobsave.h"

#include "platform/job-private.h"
#include "platform/jobgroup.h"

#include <string.h>

static void
put(GVariantBuilder *builder, const char *name, GVariant *take_value)
{
    g_variant_builder_add(builder, "{sv}", name, take_value);
}

static void
put_int(GVariantBuilder *builder, const char *name, gint64 value)
{
    if (value != 0)
        put(builder, name, g_variant_new_int64(value));
}

static void
put_text(GVariantBuilder *builder, const char *name, const char *value)
{
    /* As bytes: a path need not be UTF-8. */
    if (value != NULL)
        put(builder, name, g_variant_new_bytestring(value));
}

/* Places begin at 1, so that 0 is none. */
static void
put_fd(GVariantBuilder *builder, const char *name, int fd, GArray *fds)
{
    if (fd < 0)
        return;
    g_array_append_val(fds, fd);
    put_int(builder, name, fds->len);
}

static GVariant *
save_bytes(const TnCapture *capture)
{
    g_autoptr(TnCaptureSpan) span = tn_capture_span_new(capture, 0, G_MAXUINT64);
    gsize size = (gsize)tn_capture_span_get_size(span);
    uint8_t *all = g_malloc(MAX(size, 1));
    gsize done = 0;
    const uint8_t *data;
    gsize n;

    while ((n = tn_capture_span_next(span, size, &data)) > 0) {
        memcpy(all + done, data, n);
        done += n;
    }
    return g_variant_new_from_data(G_VARIANT_TYPE_BYTESTRING, all, size, TRUE, g_free, all);
}

static GVariant *
save_stream(const TnJobStream *stream, GArray *fds)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    put_fd(&builder, "fd", stream->ended ? -1 : stream->fd, fds);
    put_int(&builder, "ended", stream->ended);
    put_int(&builder, "full", stream->full);
    put_int(&builder, "from", (gint64)tn_capture_get_from(stream->capture));
    put_int(&builder, "total", (gint64)tn_capture_get_total(stream->capture));
    put_int(&builder, "dropped", (gint64)tn_capture_get_dropped(stream->capture));
    put(&builder, "bytes", save_bytes(stream->capture));
    return g_variant_builder_end(&builder);
}

static GVariant *
save_feed(const TnFeed *feed, GArray *fds)
{
    GVariantBuilder builder;
    g_autoptr(GByteArray) waiting = g_byte_array_new();
    gsize at = feed->at;

    for (const GList *link = feed->pieces.head; link != NULL; link = link->next) {
        gsize size;
        const guint8 *data = g_bytes_get_data(link->data, &size);

        g_byte_array_append(waiting, data + at, (guint)(size - at));
        at = 0;
    }
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    put_fd(&builder, "fd", feed->fd, fds);
    put_int(&builder, "total", (gint64)feed->total);
    put_int(&builder, "finished", feed->finished);
    put(&builder, "bytes",
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, waiting->data, waiting->len, 1));
    return g_variant_builder_end(&builder);
}

static void
save_info(GVariantBuilder *builder, const TnJobInfo *info)
{
    put_int(builder, "number", info->number);
    put_int(builder, "pid", info->pid);
    put_text(builder, "channel", info->channel);
    put_text(builder, "name", info->name);
    put_text(builder, "path", info->path);
    put_int(builder, "started-ns", info->started_ns);
    put_int(builder, "started-us", info->started_us);
    put_int(builder, "ended", info->ended);
    put_int(builder, "ended-ns", info->ended_ns);
    put_int(builder, "ended-us", info->ended_us);
    put_int(builder, "reason", info->reason);
    put_int(builder, "exit-code", info->exit_code);
    put_int(builder, "signal", info->signal);
    put_int(builder, "cpu-us", info->cpu_us);
    put_int(builder, "peak-bytes", (gint64)info->peak_bytes);
}

GVariant *
tn_job_save(const TnJob *job, GArray *fds)
{
    static const char *const stream_names[] = {"out", "err"};
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    save_info(&builder, &job->info);
    put_fd(&builder, "pidfd", job->pidfd, fds);
    put_int(&builder, "limit-bytes", (gint64)job->budget.limit_bytes);
    put_int(&builder, "reserved-bytes", (gint64)job->budget.reserved_bytes);
    put_int(&builder, "stream-max-bytes", (gint64)job->budget.stream_max_bytes);
    put_int(&builder, "group", job->group >= 0);
    put_int(&builder, "reaped", job->reaped);
    put_int(&builder, "draining", job->draining);
    put_int(&builder, "killing", job->killing);
    put_int(&builder, "kill-reason", job->kill_reason);
    put_int(&builder, "kills-on-overflow", job->kills_on_overflow);
    put_int(&builder, "is-filtered", job->is_filtered);
    put_int(&builder, "grace-us", job->grace_us);
    put_int(&builder, "timeout-at", job->deadlines.timeout_us);
    put_int(&builder, "kill-at", job->deadlines.kill_us);
    put_int(&builder, "drain-at", job->deadlines.drain_us);
    for (int i = 0; i < TN_JOB_N_STREAMS; i++)
        if (job->streams[i].capture != NULL)
            put(&builder, stream_names[i], save_stream(&job->streams[i], fds));
    if (job->feed.fd >= 0 || job->feed.total > 0)
        put(&builder, "in", save_feed(&job->feed, fds));
    return g_variant_builder_end(&builder);
}

static gint64
get_int(GVariant *saved, const char *name)
{
    gint64 value = 0;

    g_variant_lookup(saved, name, "x", &value);
    return value;
}

static char *
get_text(GVariant *saved, const char *name)
{
    char *value = NULL;

    g_variant_lookup(saved, name, "^ay", &value);
    return value;
}

static int
take_fd(GVariant *saved, const char *name, GArray *fds)
{
    gint64 place = get_int(saved, name);
    int fd;

    if (place < 1 || place > fds->len)
        return -1;
    fd = g_array_index(fds, int, place - 1);
    g_array_index(fds, int, place - 1) = -1;
    return fd;
}

static void
restore_stream(TnJob *job, TnJobStreamIndex index, GVariant *saved, GArray *fds)
{
    TnJobStream *stream = &job->streams[index];
    gint64 full = CLAMP(get_int(saved, "full"), TN_CAPTURE_HEAD, TN_CAPTURE_WAIT);
    g_autoptr(GVariant) bytes = g_variant_lookup_value(saved, "bytes", G_VARIANT_TYPE_BYTESTRING);
    gsize size = 0;
    const uint8_t *data = NULL;

    if (bytes != NULL)
        data = g_variant_get_fixed_array(bytes, &size, 1);
    stream->fd = take_fd(saved, "fd", fds);
    stream->ended = stream->fd < 0;
    stream->full = (TnCaptureFull)full;
    stream->capture = tn_capture_new(stream->full, &job->budget, (guint)index);
    tn_capture_restore(stream->capture, (guint64)get_int(saved, "from"), data, size,
                       (guint64)get_int(saved, "total"), (guint64)get_int(saved, "dropped"));
}

static void
restore_feed(TnJob *job, GVariant *saved, GArray *fds)
{
    g_autoptr(GVariant) bytes = g_variant_lookup_value(saved, "bytes", G_VARIANT_TYPE_BYTESTRING);

    tn_job_set_feed(job, take_fd(saved, "fd", fds));
    if (bytes != NULL && job->feed.fd >= 0) {
        g_autoptr(GBytes) waiting = g_variant_get_data_as_bytes(bytes);

        tn_feed_push(&job->feed, waiting);
    }
    job->feed.total = (guint64)get_int(saved, "total");
    if (get_int(saved, "finished") != 0)
        tn_feed_finish(&job->feed);
}

static void
restore_info(TnJobInfo *info, GVariant *saved)
{
    g_autofree char *channel = get_text(saved, "channel");

    *info = (TnJobInfo){
        .number = get_int(saved, "number"),
        .pid = (pid_t)get_int(saved, "pid"),
        .channel = g_intern_string(channel != NULL ? channel : ""),
        .name = get_text(saved, "name"),
        .path = get_text(saved, "path"),
        .started_ns = get_int(saved, "started-ns"),
        .started_us = get_int(saved, "started-us"),
        .ended = get_int(saved, "ended") != 0,
        .ended_ns = get_int(saved, "ended-ns"),
        .ended_us = get_int(saved, "ended-us"),
        .reason = (TnJobReason)CLAMP(get_int(saved, "reason"), 0, TN_JOB_REASON_N - 1),
        .exit_code = (int)get_int(saved, "exit-code"),
        .signal = (int)get_int(saved, "signal"),
        .cpu_us = get_int(saved, "cpu-us"),
        .peak_bytes = (guint64)get_int(saved, "peak-bytes"),
    };
}

static void
restore_state(TnJob *job, GVariant *saved, GArray *fds)
{
    job->pidfd = take_fd(saved, "pidfd", fds);
    if (get_int(saved, "group") != 0)
        job->group = tn_jobgroup_open(job->host->group_parent, job->info.number);
    job->budget.pool = job->host->pool;
    job->budget.limit_bytes = (guint64)get_int(saved, "limit-bytes");
    job->budget.reserved_bytes = (guint64)get_int(saved, "reserved-bytes");
    job->budget.stream_max_bytes = (guint64)get_int(saved, "stream-max-bytes");
    job->reaped = get_int(saved, "reaped") != 0;
    job->draining = get_int(saved, "draining") != 0;
    job->killing = get_int(saved, "killing") != 0;
    job->kills_on_overflow = get_int(saved, "kills-on-overflow") != 0;
    job->is_filtered = get_int(saved, "is-filtered") != 0;
    job->kill_reason = (TnJobReason)CLAMP(get_int(saved, "kill-reason"), 0, TN_JOB_REASON_N - 1);
    job->grace_us = get_int(saved, "grace-us");
    job->deadlines.timeout_us = get_int(saved, "timeout-at");
    job->deadlines.kill_us = get_int(saved, "kill-at");
    job->deadlines.drain_us = get_int(saved, "drain-at");
}

TnJob *
tn_job_restore(const TnJobHost *host, GVariant *saved, GArray *fds, GError **error)
{
    static const char *const stream_names[] = {"out", "err"};
    g_autoptr(TnJob) job = NULL;
    g_autoptr(GVariant) feed = NULL;
    TnJobInfo info;

    restore_info(&info, saved);
    job = tn_job_new(host, &info);
    restore_state(job, saved, fds);
    for (int i = 0; i < TN_JOB_N_STREAMS; i++) {
        g_autoptr(GVariant) stream =
            g_variant_lookup_value(saved, stream_names[i], G_VARIANT_TYPE_VARDICT);

        if (stream != NULL)
            restore_stream(job, (TnJobStreamIndex)i, stream, fds);
    }
    feed = g_variant_lookup_value(saved, "in", G_VARIANT_TYPE_VARDICT);
    if (feed != NULL)
        restore_feed(job, feed, fds);
    if (info.number <= 0 || info.path == NULL || (!info.ended && !job->reaped && job->pidfd < 0)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "job %" G_GINT64_FORMAT " is not whole", info.number);
        return NULL;
    }
    if (!tn_job_watch_all(job, error))
        return NULL;
    return g_steal_pointer(&job);
}
