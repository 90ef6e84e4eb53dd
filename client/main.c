/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenonctl: the host's side of a guest agent. This file lists the verbs, reads the command line
 * through their tables and turns a failure into a message and an exit code. Deliberately not here:
 * what any verb does.
 */

#include "build-config.h"
#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define CONNECT_TIMEOUT_US (G_GINT64_CONSTANT(5) * G_USEC_PER_SEC)
#define WAIT_AGENT_US      (G_GINT64_CONSTANT(60) * G_USEC_PER_SEC)

/* In the order of help. */
static const TnVerb *const verbs[] = {
    &tn_verb_ping, &tn_verb_info,   &tn_verb_exec,    &tn_verb_run,  &tn_verb_jobs,
    &tn_verb_logs, &tn_verb_attach, &tn_verb_kill,    &tn_verb_cp,   &tn_verb_cat,
    &tn_verb_put,  &tn_verb_fs,     &tn_verb_quiesce, &tn_verb_trim, &tn_verb_power,
    &tn_verb_time, &tn_verb_user,   &tn_verb_policy,  &tn_verb_raw,
};

static const TnOption global_options[] = {
    {"output", 'o', TN_OPTION_STRING, offsetof(TnGlobals, output), "FORMAT",
     "table (for people) or json"},
    {"timeout", 0, TN_OPTION_DURATION, offsetof(TnGlobals, timeout_us), "DURATION",
     "give up when everything together took that long"},
    {"connect-timeout", 0, TN_OPTION_DURATION, offsetof(TnGlobals, connect_timeout_us), "DURATION",
     "give up when the agent does not answer within that time (5s)"},
    {"wait-agent", 0, TN_OPTION_MAYBE_DURATION, offsetof(TnGlobals, wait_agent_us), "DURATION",
     "go on trying to reach the agent that long (60s)", WAIT_AGENT_US},
    {"connect", 'c', TN_OPTION_STRING, offsetof(TnGlobals, connect), "URI",
     "libvirt's connection URI"},
    {"strict", 0, TN_OPTION_FLAG, offsetof(TnGlobals, is_strict), NULL,
     "fail where something was cut or had to be left out"},
    {"quiet", 'q', TN_OPTION_FLAG, offsetof(TnGlobals, is_quiet), NULL,
     "print results and errors only"},
    {"trace", 0, TN_OPTION_STRING, offsetof(TnGlobals, trace), "FILE",
     "append all requests and replies to FILE, secrets left out"},
    {"help", 'h', TN_OPTION_FLAG, offsetof(TnGlobals, wants_help), NULL, "show this help"},
    {0},
};

static void
print_help(void)
{
    g_autoptr(GString) text = g_string_new("Usage: tenonctl VERB [OPTION...] ENDPOINT ...\n"
                                           "Talks to the guest agent of a virtual machine.\n\n"
                                           "Verbs:\n");

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(text, "  %-10s %s\n", verbs[i]->name, verbs[i]->doc);
    g_string_append(text, "\nEndpoints: unix:PATH, libvirt:DOMAIN\n\nOptions of all verbs:\n");
    tn_options_append_help(global_options, text);
    g_string_append(text, "\n'tenonctl VERB --help' shows a verb's own options; tenonctl(1) has "
                          "the exit codes.\n");
    fputs(text->str, stdout);
}

static void
print_verb_help(const TnVerb *verb)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "Usage: tenonctl %s [OPTION...] %s\n\n  %s\n\n", verb->name,
                           verb->synopsis, verb->doc);
    if (verb->options != NULL)
        g_string_append(text, "Options:\n");
    tn_options_append_help(verb->options, text);
    g_string_append(text, verb->options != NULL ? "\nOptions of all verbs:\n" : "Options:\n");
    tn_options_append_help(global_options, text);
    fputs(text->str, stdout);
}

static const TnVerb *
find_verb(const char *name, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                "unknown verb '%s': 'tenonctl --help' lists them", name);
    return NULL;
}

static gboolean
check_globals(const TnVerb *verb, TnGlobals *globals, GError **error)
{
    if (g_strcmp0(globals->output, "json") == 0) {
        globals->is_json = TRUE;
    } else if (g_strcmp0(globals->output, "kubevirt") == 0 && verb == &tn_verb_info) {
        globals->is_kubevirt = TRUE;
    } else if (globals->output != NULL && strcmp(globals->output, "table") != 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--output: '%s' is neither table nor json",
                    globals->output);
        return FALSE;
    }
    if (globals->timeout_us == 0 || globals->connect_timeout_us == 0) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "a time-out of 0 would end before it begins");
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_arguments(const TnVerb *verb, guint n_args, char **rest, GError **error)
{
    if (n_args < verb->n_args_min || n_args > verb->n_args_max ||
        (verb->rest == TN_VERB_REST_PROGRAM && (rest == NULL || rest[0] == NULL)) ||
        (verb->rest == TN_VERB_REST_NONE && rest != NULL)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "usage: tenonctl %s [OPTION...] %s",
                    verb->name, verb->synopsis);
        return FALSE;
    }
    return TRUE;
}

/* Reads the command line of VERB and runs it; *RET_WHERE names the endpoint for messages. */
static int
run_verb(const TnVerb *verb, char **argv, TnGlobals *globals, const char **ret_where,
         GError **error)
{
    g_autofree gpointer options = g_malloc0(MAX(verb->options_size, 1));
    TnOptionTable tables[] = {
        {verb->options, options},
        {global_options, globals},
        {0},
    };
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    TnInvocation invocation = {.globals = globals, .options = options};
    int status = -1;

    tn_options_init(&tables[0]);
    if (tn_options_parse(tables, argv, args, &invocation.rest, error)) {
        if (globals->wants_help) {
            print_verb_help(verb);
            status = 0;
        } else if (check_globals(verb, globals, error) &&
                   check_arguments(verb, args->len, invocation.rest, error)) {
            g_ptr_array_add(args, NULL);
            invocation.args = (char **)args->pdata;
            *ret_where = invocation.args[0];
            status = verb->run(&invocation, error);
        }
    }
    tn_options_clear(&tables[0]);
    return status;
}

static int
run_command_line(char **argv, TnGlobals *globals, const char **ret_where, GError **error)
{
    const TnVerb *verb = NULL;

    if (argv[0] == NULL) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "which verb? 'tenonctl --help' lists them");
        return -1;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(argv[0], "--version") == 0) {
        printf("tenonctl %s\n", TN_VERSION);
        return 0;
    }
    verb = find_verb(argv[0], error);
    return verb == NULL ? -1 : run_verb(verb, argv + 1, globals, ret_where, error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    TnGlobals globals = {
        .timeout_us = -1,
        .connect_timeout_us = CONNECT_TIMEOUT_US,
        .wait_agent_us = -1,
    };
    const char *where = NULL;
    int status = 0;

    /* A reader that went away is an error of write, with a job to end before we end. */
    (void)signal(SIGPIPE, SIG_IGN);
    status = run_command_line(argv + MIN(argc, 1), &globals, &where, &error);

    if (status >= 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        g_set_error(&error, TN_FAILURE, errno == EPIPE ? TN_FAILURE_READER_GONE : TN_FAILURE_LOCAL,
                    "write to standard output: %s", g_strerror(errno));
        status = -1;
    }
    if (status >= 0)
        return status;
    if (error->domain == TN_FAILURE && error->code == TN_FAILURE_USAGE)
        where = NULL;
    if (!g_error_matches(error, TN_FAILURE, TN_FAILURE_READER_GONE))
        tn_print_failure(where, error, globals.is_json);
    return tn_failure_get_exit_code(error);
}
