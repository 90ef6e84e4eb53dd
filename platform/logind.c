/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libsystemd at run time rather than at link time: it is asked only where no utmp is kept any more,
 * and everywhere else its libraries would only make the agent bigger and its start slower.
 */

#include "platform/logind.h"

#include <dlfcn.h>

/* Returns a TnLogindOps that lives as long as the process, or NULL. */
static gpointer
load_ops(gpointer data)
{
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    TnLogindOps ops = {0};

    if (library == NULL)
        return NULL;
    /* POSIX lets a function's address travel as void *; C's cast needs the detour. */
    *(void **)&ops.get_sessions = dlsym(library, "sd_get_sessions");
    *(void **)&ops.get_class = dlsym(library, "sd_session_get_class");
    *(void **)&ops.get_username = dlsym(library, "sd_session_get_username");
    *(void **)&ops.get_start_time = dlsym(library, "sd_session_get_start_time");
    dlclose(library);
    if (ops.get_sessions == NULL || ops.get_class == NULL || ops.get_username == NULL ||
        ops.get_start_time == NULL)
        return NULL;
    return g_memdup2(&ops, sizeof(ops));
}

gboolean
tn_logind_load(TnLogindOps *ret_ops)
{
    /* The library that the process has cannot change under it, and looking its functions up takes
     * longer than the answer. */
    static GOnce once = G_ONCE_INIT;
    const TnLogindOps *ops = g_once(&once, load_ops, NULL);

    if (ops == NULL)
        return FALSE;
    *ret_ops = *ops;
    return TRUE;
}
