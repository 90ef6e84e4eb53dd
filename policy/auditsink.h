/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where audit records go, and the form they have there. Knows nothing of policies.
 */

typedef struct TnAuditRecord TnAuditRecord;
typedef struct TnAuditSink TnAuditSink;

/* A record with MESSAGE_ID, PRIORITY and MESSAGE; texts are copied. */
TnAuditRecord *tn_audit_record_new(const char *message_id, int priority, const char *message);
void tn_audit_record_free(TnAuditRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAuditRecord, tn_audit_record_free)
/* Adds a field. NAME is static, upper case; VALUE has no control characters. */
void tn_audit_record_add(TnAuditRecord *record, const char *name, const char *value);

/* JOURNAL_PATH and SYSLOG_PATH NULL: the system's sockets. Opens nothing yet. */
TnAuditSink *tn_audit_sink_new(const char *journal_path, const char *syslog_path);
/* Writes what waits, unless file systems are frozen. */
void tn_audit_sink_free(TnAuditSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAuditSink, tn_audit_sink_free)

/* From now on records wait (FROZEN), or what waited is written. FILE is the place of last resort.
 */
void tn_audit_sink_set_frozen(TnAuditSink *sink, gboolean frozen, const char *file);

/* Writes RECORD, which it consumes, and before it all that waited; while file systems are frozen it
 * waits (at most 1024 do, then the oldest are lost and counted). FILE is the place of last resort;
 * NULL: none. FALSE when nothing took it. Blocks at most a tenth of a second for a full socket. */
gboolean tn_audit_sink_write(TnAuditSink *sink, TnAuditRecord *take_record, const char *file);
