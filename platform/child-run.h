/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child.h"

#include <linux/filter.h>

/*
 * The child's side of a spawn: the only code of the agent that runs between clone and exec. It
 * shares the agent's memory there (CLONE_VM), so it makes async-signal-safe calls and raw system
 * calls only, allocates nothing, takes no lock and writes nowhere but to its report.
 * Sources: signal-safety(7), vfork(2), clone(2).
 */

/* The steps, in the order in which they are walked. */
typedef enum {
    TN_CHILD_STEP_SIGNALS,     /* handlers to default; signals stay blocked */
    TN_CHILD_STEP_SESSION,     /* a session and process group of its own */
    TN_CHILD_STEP_STDIO,       /* descriptors 0 to 2 */
    TN_CHILD_STEP_DESCRIPTORS, /* all others close at exec */
    TN_CHILD_STEP_NAMESPACES,
    TN_CHILD_STEP_MOUNTS,
    TN_CHILD_STEP_LIMITS,
    TN_CHILD_STEP_BOUNDING, /* before the user changes, since it takes a capability */
    TN_CHILD_STEP_USER,
    TN_CHILD_STEP_CAPABILITIES,
    TN_CHILD_STEP_DEATH_SIGNAL, /* after the user changed, which clears it */
    TN_CHILD_STEP_UMASK,
    TN_CHILD_STEP_DIRECTORY,
    TN_CHILD_STEP_NO_NEW_PRIVS,
    TN_CHILD_STEP_FILTERS, /* nothing that a filter may deny comes after this */
    TN_CHILD_STEP_SIGMASK, /* signals unblocked */
    TN_CHILD_STEP_EXEC,
    TN_CHILD_STEP_N,
    TN_CHILD_STEP_GROUP, /* no step of the child: its control group, before it is made */
} TnChildStep;

/* What the parent sees; stands in memory that is shared even where clone falls back to fork. */
typedef struct {
    volatile int step;  /* the step that was begun last */
    volatile int error; /* errno of that step; 0: none */
} TnChildReport;

/* Everything the steps need; built by the parent, read only for the child. */
typedef struct {
    const char *path;
    char *const *argv;
    char *const *envp;
    char *const *script_argv;
    const char *cwd;
    int umask;
    int stdio[3]; /* each above 2 */
    const TnSpawnLimit *limits;
    guint n_limits;
    const TnSpawnConfine *confine;
    struct sock_fprog filters[2];
    guint n_filters;
    TnChildReport *report;
} TnChildPlan;

/* Walks the steps of DATA (a TnChildPlan) and becomes the program; on failure reports the step and
 * its errno and exits with 127. Never returns; the type is the one that clone(2) takes. Runs after
 * clone. */
int tn_child_run(void *data);

/* The stable name of a step, for error texts and the manual page. */
const char *tn_child_step_name(TnChildStep step);
