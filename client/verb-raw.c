/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw: send a request as it stands and print the whole reply, an error object included. With "-"
 * requests are read from standard input, one a line. Deliberately not here: any reading of either,
 * beyond the check that both are JSON.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <stdlib.h>
#include <string.h>

static gboolean
check_request(const char *text, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(TnAnswer) request = tn_answer_parse(text, strlen(text), &why);
    const char *reason = NULL;

    if (request != NULL && tn_answer_get_type(request, 0) == TN_TOKEN_OBJECT)
        return TRUE;
    reason = why == NULL ? "it is no object" : strchr(why->message, ':') + 2;
    g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "the request is no JSON object: %s", reason);
    return FALSE;
}

/* 0, or 1 when the agent answered with an error. */
static int
send_request(TnAgent *agent, const char *text, GError **error)
{
    g_autoptr(GString) line = g_string_new(text);
    g_autoptr(TnAnswer) reply = NULL;

    /* Newlines are white space in JSON, but libvirt wants one line. */
    g_strdelimit(line->str, "\r\n", ' ');
    reply = tn_dial_send_raw(agent, line, error);
    if (reply == NULL)
        return -1;
    tn_print_answer(stdout, reply, 0);
    fflush(stdout);
    return tn_answer_find(reply, 0, "error") != 0 ? 1 : 0;
}

static int
send_lines(TnAgent *agent, GError **error)
{
    g_autofree char *line = NULL;
    size_t room = 0;
    int status = 0;

    while (getline(&line, &room, stdin) >= 0) {
        int result = 0;

        if (*g_strstrip(line) == '\0')
            continue;
        result = check_request(line, error) ? send_request(agent, line, error) : -1;
        if (result < 0)
            return -1;
        status = MAX(status, result);
    }
    return status;
}

static int
run_raw(const TnInvocation *invocation, GError **error)
{
    const char *text = invocation->args[1];
    gboolean is_stream = strcmp(text, "-") == 0;
    g_autoptr(TnAgent) agent = NULL;

    if (!is_stream && !check_request(text, error))
        return -1;
    agent = tn_verb_open(invocation, error);
    if (agent == NULL)
        return -1;
    return is_stream ? send_lines(agent, error) : send_request(agent, text, error);
}

const TnVerb tn_verb_raw = {
    .name = "raw",
    .synopsis = "ENDPOINT REQUEST|-",
    .doc = "send one JSON request, or lines of them, and print the replies",
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_raw,
};
