/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cat: a file of the guest to standard output.
 */

#include "client/fetch.h"
#include "client/verb.h"

#include <unistd.h>

static gboolean
sink_bytes(gpointer data, const guint8 *bytes, gsize size, GError **error)
{
    return tn_verb_write(STDOUT_FILENO, bytes, size, error);
}

static int
run_cat(const TnInvocation *invocation, GError **error)
{
    g_autofree char *path = NULL;
    g_autoptr(TnAgent) agent = tn_verb_open_path(invocation, invocation->args[0], &path, error);
    TnFetch fetch = {.path = path, .sink = sink_bytes};

    return agent != NULL && tn_fetch_run(agent, &fetch, error) ? 0 : -1;
}

const TnVerb tn_verb_cat = {
    .name = "cat",
    .synopsis = "ENDPOINT:/PATH",
    .doc = "print a file of the guest",
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_cat,
};
