/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Runnable and waiting tasks, averaged over the last 1, 5 and 15 minutes (proc(5), loadavg). */
typedef struct {
    double load1m;
    double load5m;
    double load15m;
} TnLoadavg;

/* Reads /proc/loadavg below ROOT_FD. Errors: G_IO_ERROR from errno; INVALID_DATA when it does not
 * begin with three numbers. */
gboolean tn_loadavg_read(int root_fd, TnLoadavg *ret_load, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
