/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The spec and the sealed plan of a program: who owns which strings, and nothing else. Sealing only
 * freezes the content; what a plan may hold is decided in policy/, how it is walked in child-run.c.
 */

#include "platform/child.h"

struct TnSpawnPlan {
    gint n_refs;
    TnSpawnSpec *spec;
};

TnSpawnSpec *
tn_spawn_spec_new(void)
{
    TnSpawnSpec *spec = g_new0(TnSpawnSpec, 1);

    spec->umask = -1;
    return spec;
}

void
tn_spawn_spec_free(TnSpawnSpec *spec)
{
    if (spec == NULL)
        return;
    g_free(spec->path);
    g_strfreev(spec->argv);
    g_strfreev(spec->envp);
    g_free(spec->cwd);
    g_free(spec);
}

TnSpawnPlan *
tn_spawn_plan_seal(TnSpawnSpec *take_spec)
{
    TnSpawnPlan *plan = g_new0(TnSpawnPlan, 1);

    g_assert(take_spec->path != NULL && take_spec->argv != NULL && take_spec->argv[0] != NULL);
    plan->n_refs = 1;
    plan->spec = take_spec;
    return plan;
}

TnSpawnPlan *
tn_spawn_plan_ref(TnSpawnPlan *plan)
{
    g_atomic_int_inc(&plan->n_refs);
    return plan;
}

void
tn_spawn_plan_unref(TnSpawnPlan *plan)
{
    if (plan == NULL || !g_atomic_int_dec_and_test(&plan->n_refs))
        return;
    tn_spawn_spec_free(plan->spec);
    g_free(plan);
}

const TnSpawnSpec *
tn_spawn_plan_get_spec(const TnSpawnPlan *plan)
{
    return plan->spec;
}
