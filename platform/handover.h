/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/jobs.h"
#include "platform/names.h"

/*
 * All jobs for the next agent: one that this process becomes by execve(2), or one that the service
 * manager starts and hands the descriptors of its store to. The form has a version; a reader takes
 * its own and older ones.
 */

/* 2: with the port. */
#define TN_HANDOVER_VERSION 2
/* The state as a sealed memfd, first, and behind it the descriptors that it names, borrowed from
 * JOBS. Free with g_array_unref after closing the first. NULL and no ERROR: there are no jobs.
 * Errors: G_IO_ERROR from errno. */
GArray *tn_handover_save(TnJobs *jobs, GError **error);

/* Takes over the jobs whose descriptors stand from FIRST_FD on, called NAMES; all of those are
 * closed or owned afterwards. Errors: G_IO_ERROR, and then some jobs may have been taken over. */
gboolean tn_handover_restore(TnJobs *jobs, int first_fd, char **names, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
