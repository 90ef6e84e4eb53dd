/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info: what agent this is and what it lets one do.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

static void
count_commands(const TnAnswer *reply, guint at, guint *n_enabled, GString *disabled)
{
    guint list = tn_answer_find(reply, at, "supported_commands");
    guint iter = 0;
    guint entry = 0;

    while (list != 0 && (entry = tn_answer_next(reply, list, &iter)) != 0) {
        const char *name = tn_answer_get_string(reply, entry, "name");
        gboolean is_enabled = FALSE;

        (void)tn_answer_get_bool(reply, entry, "enabled", &is_enabled);
        if (is_enabled)
            (*n_enabled)++;
        else if (name != NULL)
            g_string_append_printf(disabled, "%s%s", disabled->len > 0 ? " " : "", name);
    }
}

static int
run_info(const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_autoptr(TnAnswer) reply = NULL;
    g_autoptr(GString) disabled = g_string_new(NULL);
    g_autoptr(TnTable) table = NULL;
    guint n_enabled = 0;
    guint at = 0;

    if (agent == NULL)
        return -1;
    reply = tn_dial_simple(agent, "guest-info", &at, error);
    if (reply == NULL)
        return -1;
    if (invocation->globals->is_json) {
        tn_print_reply(stdout, reply, at);
        return 0;
    }
    count_commands(reply, at, &n_enabled, disabled);
    table = tn_table_new(NULL);
    tn_table_add(table, "agent version");
    tn_table_add(table, tn_answer_get_string(reply, at, "version"));
    tn_table_add(table, "commands");
    tn_table_add_int(table, n_enabled);
    tn_table_add(table, "disabled");
    tn_table_add(table, disabled->str);
    tn_table_print(table, stdout);
    return 0;
}

const TnVerb tn_verb_info = {
    .name = "info",
    .synopsis = "ENDPOINT",
    .doc = "show the agent's version and commands",
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_info,
};
