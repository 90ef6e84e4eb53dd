/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The spec and the sealed plan of a program: who owns which strings, and nothing else. What a plan
 * may hold is decided in policy/, how it is walked in child-run.c. A plan never changes once it was
 * sealed, so the spawning thread reads it without a lock; what the child's side needs beyond the
 * spec is computed here, before any clone.
 */

#include "platform/child.h"

#include "platform/fd.h"

#include <sys/resource.h>

struct TnSpawnPlan {
    gatomicrefcount refs;
    TnSpawnSpec *spec;
    char **script_argv;
};

TnSpawnSpec *
tn_spawn_spec_new(void)
{
    TnSpawnSpec *spec = g_new0(TnSpawnSpec, 1);

    spec->umask = -1;
    spec->program_fd = -1;
    tn_spawn_spec_set_limit(spec, RLIMIT_CORE, 0, 0);
    return spec;
}

void
tn_spawn_spec_free(TnSpawnSpec *spec)
{
    if (spec == NULL)
        return;
    g_free(spec->path);
    tn_fd_clear(&spec->program_fd);
    g_strfreev(spec->argv);
    g_strfreev(spec->envp);
    g_free(spec->cwd);
    g_free(spec->limits);
    g_free(spec->confine.groups);
    for (gsize i = 0; i < G_N_ELEMENTS(spec->confine.filters); i++)
        g_clear_pointer(&spec->confine.filters[i], g_bytes_unref);
    g_free(spec);
}

void
tn_spawn_spec_set_limit(TnSpawnSpec *spec, int resource, guint64 soft, guint64 hard)
{
    guint i = 0;

    while (i < spec->n_limits && spec->limits[i].resource != resource)
        i++;
    if (i == spec->n_limits)
        spec->limits = g_renew(TnSpawnLimit, spec->limits, ++spec->n_limits);
    spec->limits[i] = (TnSpawnLimit){.resource = resource, .soft = soft, .hard = hard};
}

/* Strings are copied: a plan is built once per request and lives shorter than its record. */
static char **
build_script_argv(const TnSpawnSpec *spec)
{
    guint argc = g_strv_length(spec->argv);
    char **argv = g_new0(char *, (gsize)argc + 2);

    argv[0] = g_strdup("/bin/sh");
    argv[1] = g_strdup(spec->path);
    for (guint i = 1; i < argc; i++)
        argv[i + 1] = g_strdup(spec->argv[i]);
    return argv;
}

TnSpawnPlan *
tn_spawn_plan_seal(TnSpawnSpec *take_spec)
{
    TnSpawnPlan *plan = g_new0(TnSpawnPlan, 1);

    g_assert(take_spec->path != NULL && take_spec->argv != NULL && take_spec->argv[0] != NULL);
    g_atomic_ref_count_init(&plan->refs);
    plan->spec = take_spec;
    if (plan->spec->envp == NULL)
        plan->spec->envp = g_new0(char *, 1);
    plan->script_argv = build_script_argv(take_spec);
    return plan;
}

TnSpawnPlan *
tn_spawn_plan_ref(const TnSpawnPlan *plan)
{
    TnSpawnPlan *counted = (TnSpawnPlan *)(gsize)plan; /* counting changes no content */

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void
tn_spawn_plan_unref(TnSpawnPlan *plan)
{
    if (plan == NULL || !g_atomic_ref_count_dec(&plan->refs))
        return;
    tn_spawn_spec_free(plan->spec);
    g_strfreev(plan->script_argv);
    g_free(plan);
}

const TnSpawnSpec *
tn_spawn_plan_get_spec(const TnSpawnPlan *plan)
{
    return plan->spec;
}

char *const *
tn_spawn_plan_get_script_argv(const TnSpawnPlan *plan)
{
    return plan->script_argv;
}
