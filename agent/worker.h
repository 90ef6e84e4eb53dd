/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Threads for what may block longer than the main loop allows. A thread starts when work comes and
 * no other is free, up to a limit; further work waits in order. A thread that hangs (a dead disk, a
 * hung mount) keeps its own place only: work that finds every thread stuck is refused at once.
 */

enum {
    TN_WORKER_THREADS = 16,
    TN_WORKER_WAITING = 256,
    TN_WORKER_STUCK_US = 5 * G_USEC_PER_SEC, /* busy that long counts as hung */
};

typedef struct TnWorkers TnWorkers;

/* RUN is called in a thread, then DONE on the main loop; both get DATA, which nobody else may touch
 * between the two. */
typedef void (*TnWorkerFunc)(gpointer data);

/* At most MAX_THREADS (0: TN_WORKER_THREADS); none is started yet. */
TnWorkers *tn_workers_new(guint max_threads);
/* Waits for nobody: threads that still run are abandoned, their DONE never comes; so call it only
 * before the process ends. Accepts NULL. */
void tn_workers_free(TnWorkers *workers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnWorkers, tn_workers_free)

/* FALSE, with neither function called: all threads hang, or too much work waits. Main thread. */
gboolean tn_workers_run(TnWorkers *workers, TnWorkerFunc run, TnWorkerFunc done, gpointer data)
    G_GNUC_WARN_UNUSED_RESULT;
