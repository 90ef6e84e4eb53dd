/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The system call for which a filter killed process PID, and its architecture ("x86_64"; static),
 * from the kernel's log; NULL where the log says nothing: it is not readable, an audit daemon took
 * the record, the kernel suppressed it, or it was overwritten. Free with g_free. Reads the log once
 * (some milliseconds at most), never waits. Sources: dev-kmsg (Documentation/ABI/testing),
 * seccomp(2) on SECCOMP_RET_KILL_PROCESS, AUDIT_SECCOMP in linux/audit.h. */
char *tn_seccomplog_find(pid_t pid, const char **ret_arch);

/* The same from one RECORD of the log; NULL: it is about something else. */
char *tn_seccomplog_parse(const char *record, pid_t pid, const char **ret_arch);
