/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child.h"

#include <gio/gio.h>

/*
 * Limits of the control groups of jobs (platform/jobgroup.h). They hold only below a group that a
 * service manager has delegated and marked so (extended attribute trusted.delegate or
 * user.delegate). Source: Documentation/admin-guide/cgroup-v2.rst, systemd.resource-control(5).
 */

/* Sets LIMITS of GROUP, which has no processes yet. The first call switches the controllers on, for
 * which all processes that are in the agent's own group move into a group below it. Errors:
 * G_IO_ERROR from errno, G_IO_ERROR_NOT_SUPPORTED. May block for some milliseconds on the kernel's
 * lock of all groups; on one thread at a time. */
gboolean tn_grouplimits_set(int group, const TnSpawnGroup *limits, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What an agent does with the groups that an earlier one left below PARENT (-1: none): programs
 * with limits get them again and go on; one that cannot have them is ended. Blocks as above. */
void tn_grouplimits_restore(int parent);

/* The argument that makes a program release the groups instead of being an agent: programs with
 * limits are frozen and the controllers switched off, so that the service manager can put the next
 * agent into the group. For the unit's ExecStopPost=. */
#define TN_GROUPLIMITS_RELEASE "--release-groups"
/* TRUE: that was asked for and done. */
gboolean tn_grouplimits_answer(int argc, char **argv, int *ret_exit_code);
