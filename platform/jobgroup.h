/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A control group for each job that may have to be ended as a whole: whatever its processes do
 * (fork twice, make sessions, ignore signals), they cannot leave it. Only where cgroup2 is mounted
 * and the agent's own group is writable (Delegate= of its unit); elsewhere a job is its session.
 * Source: Documentation/admin-guide/cgroup-v2.rst (cgroup.procs, cgroup.kill since Linux 5.14).
 */

#define TN_JOBGROUP_PREFIX "tenon-job-"  /* and the job's number */
#define TN_JOBGROUP_AGENT  "tenon-agent" /* where the agent stands once controllers are on */

/* The directory of the agent's own group; -1 where groups cannot be made. The caller closes it. */
int tn_jobgroup_open_parent(void);

/* TRUE when the kernel has killed a process of GROUP for want of memory (of the group or of the
 * machine; known only where the memory controller is on). */
gboolean tn_jobgroup_ran_out_of_memory(int group);

/* Makes the group of job NUMBER below PARENT (-1: none) and opens its directory; -1 when that does
 * not work. The caller closes it. */
int tn_jobgroup_create(int parent, gint64 number);
/* Opens a group that was made before; -1: it is not there. */
int tn_jobgroup_open(int parent, gint64 number);
/* Removes the group if no process is left in it. */
void tn_jobgroup_remove(int parent, gint64 number);
/* Removes groups without processes that earlier agents left below PARENT. */
void tn_jobgroup_sweep(int parent);

/* Sends SIGNAL to all processes of GROUP; SIGKILL reaches also those that are being made. */
void tn_jobgroup_signal(int group, int signal);
