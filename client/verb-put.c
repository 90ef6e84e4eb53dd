/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put: standard input into a file of the guest, which is replaced as a whole when the input has
 * ended.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/store.h"
#include "client/verb.h"

#include <errno.h>
#include <unistd.h>

typedef struct {
    const char *mode;
    const char *owner;
    gboolean keeps_existing;
    gboolean checks;
} PutOptions;

static const TnOption put_options[] = {
    {"mode", 0, TN_OPTION_STRING, offsetof(PutOptions, mode), "MODE", "permission bits in octal"},
    {"owner", 0, TN_OPTION_STRING, offsetof(PutOptions, owner), "USER[:GROUP]",
     "owner of the file"},
    {"no-clobber", 'n', TN_OPTION_FLAG, offsetof(PutOptions, keeps_existing), NULL,
     "fail if the file is there already"},
    {"checksum", 0, TN_OPTION_FLAG, offsetof(PutOptions, checks), NULL,
     "compare SHA-256 digests before the file takes its place"},
    {0},
};

static gssize
source_stdin(gpointer data, gint64 offset, guint8 *buffer, gsize max, GError **error)
{
    gsize size = 0;

    /* Whole pieces, whatever the pipe gives at a time. */
    while (size < max) {
        ssize_t n = read(STDIN_FILENO, buffer + size, max - size);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "read standard input: %s",
                        g_strerror(errno));
            return -1;
        }
        size += n < 0 ? 0 : (gsize)n;
    }
    return (gssize)size;
}

static int
run_put(const TnInvocation *invocation, GError **error)
{
    const PutOptions *options = invocation->options;
    g_autofree char *path = NULL;
    g_autofree char *user = NULL;
    g_autofree char *group = NULL;
    g_autoptr(TnAgent) agent = NULL;
    TnStore store = {.size = -1, .mtime_ns = -1, .source = source_stdin};

    if (!tn_verb_parse_mode(options->mode, &store.mode, error))
        return -1;
    tn_verb_split_owner(options->owner, &user, &group);
    agent = tn_verb_open_path(invocation, invocation->args[0], &path, error);
    if (agent == NULL)
        return -1;
    store.path = path;
    store.user = user;
    store.group = group;
    store.keeps_existing = options->keeps_existing;
    store.checks = options->checks;
    if (!tn_store_run(agent, &store, error))
        return -1;
    if (store.is_plain && !invocation->globals->is_quiet)
        tn_print_note(NULL, "this agent has no tenon-file-put: the file was written in place%s",
                      options->mode == NULL ? "" : ", and --mode had no effect");
    return 0;
}

const TnVerb tn_verb_put = {
    .name = "put",
    .synopsis = "ENDPOINT:/PATH",
    .doc = "write standard input to a file of the guest",
    .options = put_options,
    .options_size = sizeof(PutOptions),
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_put,
};
