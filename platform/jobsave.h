/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/job.h"

/*
 * A job as data, so that another process can go on with it: a dictionary of named values, where a
 * reader ignores names that it does not know.
 */

/* The caller owns the (floating) result. Descriptors are appended to FDS (of int), borrowed from
 * JOB, and named in the result by their place there. */
GVariant *tn_job_save(const TnJob *job, GArray *fds);

/* The other way round; FDS are taken from the array (which then holds -1). Errors: G_IO_ERROR. */
TnJob *tn_job_restore(const TnJobHost *host, GVariant *saved, GArray *fds, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
