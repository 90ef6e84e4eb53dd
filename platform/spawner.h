/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child-run.h"
#include "platform/child.h"

#include <glib.h>
#include <sys/types.h>

/*
 * The one thread that starts programs. CLONE_VFORK suspends the caller until the program runs, and
 * a hostile process can draw that out, so it must not be the main loop. Requests are handled in
 * their order; answers come on the main context, several with one wake-up.
 * Sources: clone3(2), pidfd_open(2), vfork(2).
 */

/* A program that does not run this long after its clone is killed, and the spawn fails: hosts
 * give up after 5 s (libvirt's QEMU_AGENT_WAIT_TIME). */
#define TN_SPAWN_LIMIT_US (3 * G_USEC_PER_SEC)

typedef struct TnSpawner TnSpawner;

/* What became of a request. Valid during the callback only. */
typedef struct {
    pid_t pid;           /* 0: it failed, and no process is left */
    int pidfd;           /* the callback takes it; -1 when PID is 0 */
    TnChildStep step;    /* where it failed; TN_CHILD_STEP_N: before the child's first step */
    const GError *error; /* NULL when it runs. G_IO_ERROR from errno, or TIMED_OUT. For the step
                            exec in glib's words: Failed to execute child process “P” (reason) */
    gint64 started_us;   /* monotonic, when the program was about to run */
} TnSpawnOutcome;

/* OUTCOME is valid during the call; what it owns is taken as said there. */
typedef void (*TnSpawnDone)(gpointer data, const TnSpawnOutcome *outcome);

/* Starts the thread. CONTEXT (NULL: the default one) is where answers are given. Errors: G_IO_ERROR
 * from errno when descriptors or memory for the child's stack cannot be had. */
TnSpawner *tn_spawner_new(GMainContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Ends the thread; a child that has not begun its program is killed, programs that run are left
 * alone. Requests without an answer are dropped without one. NULL is allowed. */
void tn_spawner_free(TnSpawner *spawner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSpawner, tn_spawner_free)

/* Asks for a program. STDIO are the child's ends of its standard streams, owned by the request from
 * now on; -1: /dev/null. DONE is called exactly once, later, from the main context. Does not
 * block. */
void tn_spawner_start(TnSpawner *spawner, const TnSpawnPlan *plan, const int stdio[3],
                      TnSpawnDone done, gpointer data);

/* The same inside the control group whose directory GROUP is (-1: in the agent's; so also where the
 * kernel cannot do it). GROUP stays the caller's and open until DONE. */
void tn_spawner_start_in(TnSpawner *spawner, const TnSpawnPlan *plan, const int stdio[3], int group,
                         TnSpawnDone done, gpointer data);
