/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/spawner.h"

#include <gio/gio.h>
#include <glib.h>
#include <stdbool.h>

/*
 * Fixed programs that the agent runs for itself (chpasswd, a freeze hook), waited for by a worker
 * thread. They start like any other program: by the spawner, from a plan that policy sealed.
 */

typedef struct TnHelpers TnHelpers;

/* Makes the sealed plan of the helper NAME with ARGV (argv[0] is an absolute path); called on the
 * main thread. The plan's timeout, if it has one, replaces the caller's. NULL with an error when it
 * may not run. */
typedef TnSpawnPlan *(*TnHelperPlan)(const char *name, const char *const *argv, gpointer data,
                                     GError **error);

/* How a helper ended. OUTPUT: what it wrote to both streams, at most 4 KiB, white space at the end
 * removed, never NULL; whatever bytes it wrote. */
typedef struct {
    bool timed_out; /* it was killed, and its group with it */
    bool exited;    /* else a signal ended it */
    int status;     /* exit status or signal */
    char *output;
} TnHelperEnd;

/* SPAWNER is borrowed and must outlive every run. */
TnHelpers *tn_helpers_new(TnSpawner *spawner, TnHelperPlan plan, gpointer data);
/* Call it when no thread runs a helper any more, or before the process ends. Accepts NULL. */
void tn_helpers_free(TnHelpers *helpers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnHelpers, tn_helpers_free)

/* Runs ARGV (argv[0] absolute) as helper NAME and waits for its end, at most LIMIT_US: then its
 * process group is killed. INPUT (may be NULL) is written to its standard input and to nowhere
 * else. From any thread but the main one, whose loop must run. TRUE: it ran, see RET_END, to be
 * cleared with tn_helper_end_clear. Errors: policy's, or the spawner's in its words. */
gboolean tn_helpers_run(TnHelpers *helpers, const char *name, const char *const *argv,
                        GBytes *input, gint64 limit_us, TnHelperEnd *ret_end, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Frees what END holds. */
void tn_helper_end_clear(TnHelperEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnHelperEnd, tn_helper_end_clear)

/* As tn_helpers_run() for a helper that must exit with 0, else an error in qemu-ga's words: "child
 * process has failed to VERB: OUTPUT" and so on (G_IO_ERROR_FAILED, TIMED_OUT). */
gboolean tn_helpers_must_run(TnHelpers *helpers, const char *name, const char *const *argv,
                             GBytes *input, gint64 limit_us, const char *verb, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Calls FUNC with DATA on the main thread and waits until it returned. From any thread but the main
 * one, whose loop must run. */
void tn_helper_on_main(GSourceFunc func, gpointer data);
