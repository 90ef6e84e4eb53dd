/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/decide.h"

/*
 * The audit: one record per verdict, per load of a policy, per start and end of a program. Records
 * go to the journal by its native protocol, else to syslog, else to a file of JSON lines. Control
 * characters are escaped, so that no argument forges a line; values of variables, input, passwords
 * and keys are never in it. Sources: systemd's "Native Journal Protocol", RFC 3164.
 *
 * Nothing is written while file systems are frozen: records wait, and follow at the thaw.
 */

typedef struct TnAudit TnAudit;

/* Where records go; NULL members are the system's own places. For tests. */
typedef struct {
    const char *journal_path; /* /run/systemd/journal/socket */
    const char *syslog_path;  /* /dev/log */
} TnAuditPlaces;

/* Opens nothing yet. PLACES may be NULL; its strings must be static or outlive the audit. */
TnAudit *tn_audit_new(const TnAuditPlaces *places);
/* Writes what still waits, unless file systems are frozen. */
void tn_audit_free(TnAudit *audit);
/* From now on records wait (FROZEN), or what waited is written. AUDIT may be NULL. */
void tn_audit_set_frozen(TnAudit *audit, const TnPolicy *policy, gboolean frozen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAudit, tn_audit_free)

/* Records the verdict on ACTION before the act. RESOLVED is the program that its path turned out to
 * be; NULL: none, or not looked for. FALSE: the policy wants no act without a record and
 * there is no place for one. Denials and file reads beyond 50 a second become a count, written once
 * a second (by a source of the default main context); an allowed act is always written. Blocks at
 * most a tenth of a second, for a journal that does not keep up. */
gboolean tn_audit_decision(TnAudit *audit, const TnPolicy *policy, const TnAction *action,
                           const TnVerdict *verdict, const char *resolved, guint64 ref);

/* Records that a policy was read, or why it was not (ERROR not NULL). */
void tn_audit_load(TnAudit *audit, const TnPolicy *policy, const char *error);

/* That a program runs as process PID. COMMAND and REF are those of its decision. */
void tn_audit_start(TnAudit *audit, const TnPolicy *policy, const char *command, guint64 ref,
                    pid_t pid);
/* How a program ended; see TnGrantEnd in policy.h. COMMAND and REF are those of its decision. */
void tn_audit_end(TnAudit *audit, const TnPolicy *policy, const char *command, guint64 ref,
                  const TnGrantEnd *end);
