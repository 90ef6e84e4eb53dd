/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sink of all messages. A line is made whole first and goes out in one write, so that lines of
 * two threads never mix. A sink that fails is not reported anywhere: there is nowhere to report it.
 */

#include "platform/log.h"

#include "platform/clock.h"
#include "platform/fd.h"

#include <fcntl.h>
#include <string.h>

enum {
    HELD_BYTES = 64 * 1024, /* lines kept while frozen */
    LINE_BYTES = 4096,      /* longer texts are cut: a log is no transcript */
};

struct TnLog {
    GMutex lock;
    int fd;
    gboolean owned;
    gboolean verbose;
    gboolean frozen;
    GString *held; /* NULL unless something was held back */
    guint64 n_lost;
};

static const char *
get_level_name(GLogLevelFlags level)
{
    if (level & G_LOG_LEVEL_ERROR)
        return "error";
    if (level & G_LOG_LEVEL_CRITICAL)
        return "critical";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "message";
    if (level & G_LOG_LEVEL_INFO)
        return "info";
    return "debug";
}

static void
append_escaped(GString *line, const char *text)
{
    gsize size = strlen(text);

    while (size > 0 && text[size - 1] == '\n')
        size--;
    for (gsize i = 0; i < size && line->len < LINE_BYTES; i++) {
        guchar c = (guchar)text[i];

        if (c < 0x20 || c == 0x7f)
            g_string_append_printf(line, "\\x%02x", c);
        else
            g_string_append_c(line, (char)c);
    }
}

static void
write_line(TnLog *log, const char *text, gsize size)
{
    gssize written = write(log->fd, text, size);

    (void)written;
}

static void
hold_line(TnLog *log, const GString *line)
{
    if (log->held == NULL)
        log->held = g_string_new(NULL);
    g_string_append_len(log->held, line->str, (gssize)line->len);
    while (log->held->len > HELD_BYTES) {
        const char *end = memchr(log->held->str, '\n', log->held->len);

        g_string_erase(log->held, 0, end - log->held->str + 1);
        log->n_lost++;
    }
}

static GLogWriterOutput
write_structured(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            tn_log_write(data, level, fields[i].value);
    }
    return G_LOG_WRITER_HANDLED;
}

TnLog *
tn_log_new(const char *path, gboolean verbose, GError **error)
{
    tn_autofd int fd = -1;

    if (path != NULL) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0) {
            tn_error_from_errno(error, errno, "open '%s'", path);
            return NULL;
        }
    }

    TnLog *log = g_new0(TnLog, 1);
    g_mutex_init(&log->lock);
    log->owned = path != NULL;
    log->fd = path != NULL ? tn_fd_steal(&fd) : STDERR_FILENO;
    log->verbose = verbose;
    return log;
}

void
tn_log_free(TnLog *log)
{
    if (log == NULL)
        return;
    if (log->held != NULL)
        g_string_free(log->held, TRUE);
    if (log->owned)
        tn_fd_clear(&log->fd);
    g_mutex_clear(&log->lock);
    g_free(log);
}

void
tn_log_install(TnLog *log)
{
    g_log_set_writer_func(write_structured, log, NULL);
}

void
tn_log_set_frozen(TnLog *log, gboolean frozen)
{
    g_mutex_lock(&log->lock);
    log->frozen = frozen;
    if (!frozen && log->held != NULL) {
        write_line(log, log->held->str, log->held->len);
        g_string_free(log->held, TRUE);
        log->held = NULL;
    }
    guint64 n_lost = frozen ? 0 : log->n_lost;
    if (!frozen)
        log->n_lost = 0;
    g_mutex_unlock(&log->lock);

    if (n_lost > 0) {
        g_autofree char *text =
            g_strdup_printf("%" G_GUINT64_FORMAT " messages were lost while frozen", n_lost);
        tn_log_write(log, G_LOG_LEVEL_WARNING, text);
    }
}

void
tn_log_write(TnLog *log, GLogLevelFlags level, const char *text)
{
    const GLogLevelFlags always = G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING;

    if (!log->verbose && !(level & always))
        return;

    GString *line = g_string_sized_new(160);
    gint64 now_us = tn_clock_realtime_ns() / 1000;
    g_string_append_printf(line, "%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT ": %s: ",
                           now_us / G_USEC_PER_SEC, now_us % G_USEC_PER_SEC, get_level_name(level));
    append_escaped(line, text);
    g_string_append_c(line, '\n');

    g_mutex_lock(&log->lock);
    if (log->frozen)
        hold_line(log, line);
    else
        write_line(log, line->str, line->len);
    g_mutex_unlock(&log->lock);
    g_string_free(line, TRUE);
}
