/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: what the guest's policy would say to a program, without running it. The guest's owner
 * must have allowed that question.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/run.h"
#include "client/verb.h"

#include <stdio.h>
#include <string.h>

enum {
    EXIT_DENIED = 1,
};

static void
print_text(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (gsize i = 0; lines[i] != NULL; i++) {
        g_autofree char *safe = tn_print_escape(lines[i]);

        if (lines[i + 1] != NULL || lines[i][0] != '\0')
            printf("%s\n", safe);
    }
}

static int
explain(TnAgent *agent, const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-policy-check");
    g_autoptr(TnAnswer) answer = NULL;
    gboolean allowed = FALSE;
    const char *text;
    guint at = 0;

    if (!tn_run_check_texts("argument", (const char *const *)invocation->rest, error))
        return -1;
    tn_ask_add_string(ask, "path", invocation->rest[0]);
    tn_ask_add_strings(ask, "arg", (const char *const *)invocation->rest + 1);
    answer = tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return -1;
    tn_answer_get_bool(answer, at, "allowed", &allowed);
    text = tn_answer_get_string(answer, at, "text");
    if (invocation->globals->is_json)
        tn_print_answer(stdout, answer, at);
    else if (text != NULL)
        print_text(text);
    else
        printf("%s\n", allowed ? "allowed" : "denied");
    return allowed ? 0 : EXIT_DENIED;
}

static int
run_policy(const TnInvocation *invocation, GError **error)
{
    TnAgent *agent;
    int status;

    if (strcmp(invocation->args[0], "explain") != 0) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "write policy explain ENDPOINT -- PROGRAM [ARGUMENT...]");
        return -1;
    }
    agent = tn_verb_open_endpoint(invocation, invocation->args[1], error);
    if (agent == NULL)
        return -1;
    status = explain(agent, invocation, error);
    tn_dial_close(agent);
    return status;
}

const TnVerb tn_verb_policy = {
    .name = "policy",
    .synopsis = "explain ENDPOINT -- PROGRAM [ARGUMENT...]",
    .doc = "what the guest's policy would say to a program",
    .n_args_min = 2,
    .n_args_max = 2,
    .rest = TN_VERB_REST_PROGRAM,
    .run = run_policy,
};
