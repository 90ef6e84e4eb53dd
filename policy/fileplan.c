/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What policy lets a file command open. Only the plan is made here; nothing is opened.
 */

#include "policy/fileplan.h"

enum {
    COMPAT_CREATE_MODE = 0666 & ~022,
};

TnOpenPlan *
tn_fileplan_make(const TnPolicy *policy, const TnAction *action, const char *path, GError **error)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strdup(path);
    spec->symlinks = TRUE;
    spec->hardlinks = TRUE;
    spec->cross_mounts = TRUE;
    spec->any_type = TRUE;
    spec->may_read = TRUE;
    spec->may_write = TRUE;
    spec->may_create = TRUE;
    spec->create_mode = COMPAT_CREATE_MODE;
    return tn_open_plan_seal(spec);
}
