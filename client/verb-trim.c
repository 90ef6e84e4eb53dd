/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim: give the blocks that the guest's file systems do not use back to the host.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

typedef struct {
    gint64 minimum;
} TrimOptions;

static const TnOption trim_options[] = {
    {"minimum", 0, TN_OPTION_INT, offsetof(TrimOptions, minimum), "BYTES",
     "leave free ranges alone that are shorter"},
    {0},
};

static void
add_path(TnTable *table, const TnAnswer *answer, guint entry, guint *n_failed)
{
    const char *failure = tn_answer_get_string(answer, entry, "error");
    g_autofree char *size = NULL;
    gint64 bytes = 0;

    tn_table_add(table, tn_answer_get_string(answer, entry, "path"));
    if (tn_answer_get_int(answer, entry, "trimmed", &bytes) && bytes >= 0)
        size = tn_print_format_size((guint64)bytes);
    tn_table_add(table, size);
    tn_table_add(table, failure);
    if (failure != NULL)
        (*n_failed)++;
}

static int
run_trim(const TnInvocation *invocation, GError **error)
{
    static const char *const heads[] = {"PATH", ">TRIMMED", "FAILURE", NULL};
    const TrimOptions *options = invocation->options;
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_autoptr(TnAsk) ask = tn_ask_new("guest-fstrim");
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(TnTable) table = tn_table_new(heads);
    guint n_failed = 0;
    guint paths = 0;
    guint entry = 0;
    guint iter = 0;
    guint at = 0;

    if (agent == NULL)
        return -1;
    if (options->minimum >= 0)
        tn_ask_add_int(ask, "minimum", options->minimum);
    answer = tn_dial_send(agent, ask, TN_DIAL_PATIENT, &at, error);
    if (answer == NULL)
        return -1;
    paths = tn_answer_find(answer, at, "paths");
    while (paths != 0 && (entry = tn_answer_next(answer, paths, &iter)) != 0)
        add_path(table, answer, entry, &n_failed);
    if (invocation->globals->is_json)
        tn_print_answer(stdout, answer, at);
    else
        tn_table_print(table, stdout);
    /* A file system that cannot be trimmed at all is the rule rather than a failure. */
    return n_failed > 0 && invocation->globals->is_strict ? 3 : 0;
}

const TnVerb tn_verb_trim = {
    .name = "trim",
    .synopsis = "ENDPOINT",
    .doc = "give unused blocks of the guest's file systems back",
    .options = trim_options,
    .options_size = sizeof(TrimOptions),
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_trim,
};
