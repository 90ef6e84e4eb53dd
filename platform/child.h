/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <sys/types.h>

/*
 * Starting programs. A program is started from a sealed plan only; the plan holds everything that
 * the code between clone and exec needs, as data (platform/child-run.c walks it with
 * async-signal-safe calls). Spawning happens on one thread that lives as long as the agent
 * (platform/spawner.h), with CLONE_VM and CLONE_VFORK, so that its cost does not grow with the
 * agent's memory.
 * Sources: clone3(2), pidfd_open(2), close_range(2), credentials(7).
 */

/* One resource limit, laid out as prlimit64(2) takes it behind the number of the resource. */
typedef struct {
    int resource; /* RLIMIT_* */
    guint64 soft; /* G_MAXUINT64: no limit */
    guint64 hard;
} TnSpawnLimit;

/* How the program is confined; zeroed: not at all. Owned by its spec. The steps that take it stand
 * in platform/confine-child-run.h. */
typedef struct {
    gboolean makes_network; /* a network namespace of its own, without interfaces */
    gboolean makes_pids;    /* PID and IPC namespaces of its own: it is process 1 there */
    gboolean is_read_only;  /* all mounts read-only, private /tmp and /dev */
    gboolean sets_ids;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* g_malloc'd array */
    guint n_groups;
    gboolean drops_caps;
    guint64 bounding; /* bits of the capabilities that stay in the bounding set */
    guint64 ambient;  /* of a user that is not root: held from the start; within BOUNDING */
    int death_signal; /* when the agent ends; 0: none */
    gboolean sets_no_new_privs;
    GBytes *filters[2]; /* arrays of struct sock_filter, installed in this order; NULL: none */
} TnSpawnConfine;

/* Limits of the control group that the program and all it starts stand in. */
typedef struct {
    gboolean is_wanted;   /* some limit is set */
    gboolean is_optional; /* without control groups it runs all the same, without these limits */
    guint64 pids;         /* processes and threads; 0: no limit */
    guint64 memory_bytes; /* with what is cached for it; 0: no limit */
    guint cpu_percent;    /* of one processor; 0: no limit */
} TnSpawnGroup;

/* What is to be run; filled by policy/, which alone may seal it. Owned strings; free with
 * tn_spawn_spec_free before it was sealed. More members come with confinement. */
typedef struct {
    char *path;        /* absolute, resolved */
    int program_fd;    /* the file that PATH (/proc/self/fd/N) means, kept open; -1: none */
    char **argv;       /* with argv[0] */
    char **envp;       /* complete */
    char *cwd;         /* NULL: the agent's */
    int umask;         /* -1: the agent's */
    gint64 timeout_us; /* 0: none; then the whole tree is killed, TERM first, KILL after grace */
    gint64 grace_us;
    guint64 output_max_bytes;   /* per stream; 0: what the channel allows */
    gboolean kills_on_overflow; /* a stream that exceeds its limit ends the whole tree */
    TnSpawnLimit *limits;       /* g_malloc'd array */
    guint n_limits;
    TnSpawnGroup group;
    TnSpawnConfine confine;
} TnSpawnSpec;

/* A spec that asks for nothing but no core dumps: umask -1, one limit (core = 0), the rest 0. */
TnSpawnSpec *tn_spawn_spec_new(void);
/* Frees SPEC and what it owns; NULL is allowed. */
void tn_spawn_spec_free(TnSpawnSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSpawnSpec, tn_spawn_spec_free)

/* Sets the limit of one resource, replacing an earlier one of the same resource. */
void tn_spawn_spec_set_limit(TnSpawnSpec *spec, int resource, guint64 soft, guint64 hard);

typedef struct TnSpawnPlan TnSpawnPlan;

/* Consumes SPEC. Callers stand in policy/ only (tests/lint checks that). PATH and ARGV must be
 * set, ARGV with at least argv[0]. */
TnSpawnPlan *tn_spawn_plan_seal(TnSpawnSpec *take_spec);
/* Counts references; atomic, since the spawning thread holds one. */
TnSpawnPlan *tn_spawn_plan_ref(const TnSpawnPlan *plan);
void tn_spawn_plan_unref(TnSpawnPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSpawnPlan, tn_spawn_plan_unref)
/* The spec inside, read only, as long as the plan lives. */
const TnSpawnSpec *tn_spawn_plan_get_spec(const TnSpawnPlan *plan);
/* argv for a file that execve(2) refuses with ENOEXEC: /bin/sh, the file, its arguments, as
 * execvp(3) does. Borrowed from PLAN. */
char *const *tn_spawn_plan_get_script_argv(const TnSpawnPlan *plan);
