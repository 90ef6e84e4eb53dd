/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The three sinks, in their order. The journal's socket is connected once and again after an error;
 * a datagram that it cannot take at once is waited for up to a tenth of a second, so that a flood
 * elsewhere delays an act a little and never hides it. The file has a fixed size and one
 * predecessor.
 */

#include "policy/auditsink.h"

#include "platform/clock.h"
#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    WAITING_LIMIT = 1024,
    FILE_LIMIT_BYTES = 8 * 1024 * 1024,
    PATIENCE_MS = 100,
    LINE_BYTES = 1024, /* what most records fit */
    FACILITY_AUTHPRIV = 10 << 3
};

#define RETRY_US     G_GINT64_CONSTANT(1000000)
#define JOURNAL_PATH "/run/systemd/journal/socket"
#define SYSLOG_PATH  "/dev/log"

struct TnAuditRecord {
    int priority;
    GPtrArray *names; /* static strings */
    GPtrArray *values;
};

/* A datagram socket of the guest's logging. */
typedef struct {
    const char *path;
    int fd;             /* -1: not connected */
    gint64 next_try_us; /* when to look for it again, of tn_clock_monotonic_us() */
} Outlet;

struct TnAuditSink {
    Outlet journal;
    Outlet syslog;
    int file_fd;
    char *file_path;
    GQueue *waiting; /* of TnAuditRecord */
    guint n_lost;
    gboolean frozen;
};

TnAuditRecord *
tn_audit_record_new(const char *message_id, int priority, const char *message)
{
    TnAuditRecord *record = g_new0(TnAuditRecord, 1);
    g_autofree char *digit = g_strdup_printf("%d", priority);

    record->priority = priority;
    record->names = g_ptr_array_new();
    record->values = g_ptr_array_new_with_free_func(g_free);
    tn_audit_record_add(record, "MESSAGE", message);
    tn_audit_record_add(record, "MESSAGE_ID", message_id);
    tn_audit_record_add(record, "PRIORITY", digit);
    tn_audit_record_add(record, "SYSLOG_IDENTIFIER", "tenond");
    return record;
}

void
tn_audit_record_free(TnAuditRecord *record)
{
    if (record == NULL)
        return;
    g_ptr_array_unref(record->names);
    g_ptr_array_unref(record->values);
    g_free(record);
}

void
tn_audit_record_add(TnAuditRecord *record, const char *name, const char *value)
{
    g_ptr_array_add(record->names, (gpointer)(guintptr)name);
    g_ptr_array_add(record->values, g_strdup(value));
}

TnAuditSink *
tn_audit_sink_new(const char *journal_path, const char *syslog_path)
{
    TnAuditSink *sink = g_new0(TnAuditSink, 1);

    sink->journal.path = journal_path != NULL ? journal_path : JOURNAL_PATH;
    sink->syslog.path = syslog_path != NULL ? syslog_path : SYSLOG_PATH;
    sink->journal.fd = -1;
    sink->syslog.fd = -1;
    sink->file_fd = -1;
    sink->waiting = g_queue_new();
    return sink;
}

static void
free_record(gpointer record)
{
    tn_audit_record_free(record);
}

/* A connected datagram socket, or -1. */
static int
connect_socket(const char *path)
{
    tn_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (fd < 0 || strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return tn_fd_steal(&fd);
}

/* Connects when it is not yet, or not any more. What was not there a moment ago is not looked for
 * again at once: where there is neither, each record would cost six calls. */
static gboolean
is_reachable(Outlet *outlet)
{
    gint64 now_us = 0;

    if (outlet->fd >= 0)
        return TRUE;
    now_us = tn_clock_monotonic_us();
    if (now_us < outlet->next_try_us)
        return FALSE;
    outlet->fd = connect_socket(outlet->path);
    outlet->next_try_us = now_us + RETRY_US;
    return outlet->fd >= 0;
}

static gboolean
send_datagram(Outlet *outlet, const GString *text)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct pollfd poller = {.events = POLLOUT};

        if (!is_reachable(outlet))
            return FALSE;
        if (send(outlet->fd, text->str, text->len, MSG_NOSIGNAL) >= 0)
            return TRUE;
        poller.fd = outlet->fd;
        if (errno == EAGAIN) {
            poll(&poller, 1, PATIENCE_MS);
        } else {
            tn_fd_clear(&outlet->fd);
            outlet->next_try_us = 0; /* it was there: perhaps it was only begun again */
        }
    }
    return FALSE;
}

static gboolean
write_journal(TnAuditSink *sink, const TnAuditRecord *record)
{
    g_autoptr(GString) text = NULL;

    if (!is_reachable(&sink->journal))
        return FALSE;
    text = g_string_sized_new(LINE_BYTES);
    for (guint i = 0; i < record->names->len; i++) {
        g_string_append(text, g_ptr_array_index(record->names, i));
        g_string_append_c(text, '=');
        g_string_append(text, g_ptr_array_index(record->values, i));
        g_string_append_c(text, '\n');
    }
    return send_datagram(&sink->journal, text);
}

/* MESSAGE and then the fields of tenon's own, as NAME="value". */
static gboolean
write_syslog(TnAuditSink *sink, const TnAuditRecord *record)
{
    g_autoptr(GString) text = NULL;

    if (!is_reachable(&sink->syslog))
        return FALSE;
    text = g_string_new(NULL);
    g_string_append_printf(text, "<%d>tenond[%d]: %s", FACILITY_AUTHPRIV | record->priority,
                           getpid(), (char *)g_ptr_array_index(record->values, 0));
    for (guint i = 0; i < record->names->len; i++)
        if (g_str_has_prefix(g_ptr_array_index(record->names, i), "TENON_"))
            g_string_append_printf(text, " %s=\"%s\"", (char *)g_ptr_array_index(record->names, i),
                                   (char *)g_ptr_array_index(record->values, i));
    return send_datagram(&sink->syslog, text);
}

static int
open_file(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);

    if (g_mkdir_with_parents(dir, 0700) < 0)
        return -1;
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
}

/* The descriptor of FILE with room for one more record, or -1. */
static int
get_file(TnAuditSink *sink, const char *file)
{
    struct stat st;

    if (sink->file_fd >= 0 && g_strcmp0(sink->file_path, file) != 0)
        tn_fd_clear(&sink->file_fd);
    if (sink->file_fd < 0) {
        g_free(sink->file_path);
        sink->file_path = g_strdup(file);
        sink->file_fd = open_file(file);
    }
    if (sink->file_fd >= 0 && fstat(sink->file_fd, &st) == 0 && st.st_size >= FILE_LIMIT_BYTES) {
        g_autofree char *predecessor = g_strconcat(file, ".1", NULL);

        tn_fd_clear(&sink->file_fd);
        if (rename(file, predecessor) == 0)
            sink->file_fd = open_file(file);
    }
    return sink->file_fd;
}

static void
append_json_text(GString *line, const char *text)
{
    g_string_append_c(line, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *at);
    }
    g_string_append_c(line, '"');
}

static gboolean
write_file(TnAuditSink *sink, const TnAuditRecord *record, const char *file)
{
    int fd = file != NULL ? get_file(sink, file) : -1;
    g_autoptr(GString) line = NULL;

    if (fd < 0)
        return FALSE;
    line = g_string_sized_new(LINE_BYTES);
    g_string_append_printf(line, "{\"time_us\": %" G_GINT64_FORMAT, g_get_real_time());
    for (guint i = 0; i < record->names->len; i++) {
        g_string_append(line, ", \"");
        g_string_append(line, g_ptr_array_index(record->names, i));
        g_string_append(line, "\": ");
        append_json_text(line, g_ptr_array_index(record->values, i));
    }
    g_string_append(line, "}\n");
    return tn_fd_write_all(fd, line->str, line->len, NULL);
}

static gboolean
write_anywhere(TnAuditSink *sink, const TnAuditRecord *record, const char *file)
{
    return write_journal(sink, record) || write_syslog(sink, record) ||
           write_file(sink, record, file);
}

static void
write_waiting(TnAuditSink *sink, const char *file)
{
    TnAuditRecord *record;

    if (sink->n_lost > 0) {
        g_autofree char *text = g_strdup_printf("%u records were lost while file systems were "
                                                "frozen",
                                                sink->n_lost);
        g_autoptr(TnAuditRecord) loss =
            tn_audit_record_new("7d0f8f5c2b2d4ab1a3d4b6d58e2f6a05", 3, text);

        sink->n_lost = 0;
        write_anywhere(sink, loss, file);
    }
    while ((record = g_queue_pop_head(sink->waiting)) != NULL) {
        write_anywhere(sink, record, file);
        tn_audit_record_free(record);
    }
}

void
tn_audit_sink_set_frozen(TnAuditSink *sink, gboolean frozen, const char *file)
{
    sink->frozen = frozen;
    if (!frozen)
        write_waiting(sink, file);
}

gboolean
tn_audit_sink_write(TnAuditSink *sink, TnAuditRecord *take_record, const char *file)
{
    g_autoptr(TnAuditRecord) record = take_record;

    if (sink->frozen) {
        if (g_queue_get_length(sink->waiting) >= WAITING_LIMIT) {
            free_record(g_queue_pop_head(sink->waiting));
            sink->n_lost++;
        }
        g_queue_push_tail(sink->waiting, g_steal_pointer(&record));
        return TRUE;
    }
    write_waiting(sink, file);
    return write_anywhere(sink, record, file);
}

void
tn_audit_sink_free(TnAuditSink *sink)
{
    if (sink == NULL)
        return;
    if (!sink->frozen)
        write_waiting(sink, sink->file_path);
    g_queue_free_full(sink->waiting, free_record);
    tn_fd_clear(&sink->journal.fd);
    tn_fd_clear(&sink->syslog.fd);
    tn_fd_clear(&sink->file_fd);
    g_free(sink->file_path);
    g_free(sink);
}
