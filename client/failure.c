/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of failures, and the way from an agent's error to a row of it. A stock qemu-ga gives
 * only a class and English words; those words are part of its interface (other hosts compare them
 * too), so they are compared here. Deliberately not here: printing.
 */

#include "client/failure.h"

#include <signal.h>
#include <string.h>

#define EXIT_TRANSPORT 125

typedef struct {
    const char *reason;
    int exit_code;
    const char *hint;
} FailureRow;

static const FailureRow failures[TN_FAILURE_N] = {
    [TN_FAILURE_GUEST] = {"failed", 1, NULL},
    [TN_FAILURE_NO_SUCH_FILE] = {"not-found", 1, NULL},
    [TN_FAILURE_EXISTS] = {"exists", 1, NULL},
    [TN_FAILURE_CHANGED] = {"changed", 1, "the file changed meanwhile: start again"},
    [TN_FAILURE_USAGE] = {"usage", 2, NULL},
    [TN_FAILURE_SOME] = {"some-failed", 3, NULL},
    [TN_FAILURE_TIMEOUT] = {"timeout", 124, NULL},
    [TN_FAILURE_AGENT_ABSENT] = {"agent-absent", EXIT_TRANSPORT,
                                 "is the guest up and the agent running in it? --wait-agent waits "
                                 "for it"},
    [TN_FAILURE_AGENT_BUSY] = {"agent-busy", EXIT_TRANSPORT,
                               "another client is talking to this agent: try again"},
    [TN_FAILURE_CONNECTION_LOST] = {"connection-lost", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_PROTOCOL] = {"protocol", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_TOO_LARGE] = {"too-large", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_TRUNCATED] = {"truncated", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_LOST] = {"lost", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_LOCAL] = {"local", EXIT_TRANSPORT, NULL},
    [TN_FAILURE_AGENT_FROZEN] = {"agent-frozen", 126, "file systems of the guest are frozen"},
    [TN_FAILURE_POLICY_DENIED] = {"policy-denied", 126, NULL},
    [TN_FAILURE_COMMAND_DISABLED] = {"command-disabled", 126, NULL},
    [TN_FAILURE_NOT_EXECUTABLE] = {"not-executable", 126, NULL},
    [TN_FAILURE_NOT_FOUND] = {"not-found", 127, NULL},
    [TN_FAILURE_NO_SUCH_COMMAND] = {"not-found", 127, NULL},
    [TN_FAILURE_NO_SUCH_JOB] = {"no-such-job", 127, NULL},
    [TN_FAILURE_READER_GONE] = {"reader-gone", 128 + SIGPIPE, NULL},
};

/* Reasons that an agent may send and that decide by themselves. "not-found" is not among them: it
 * needs the description to tell a program from a file. */
static const struct {
    const char *reason;
    TnFailure failure;
} wire_reasons[] = {
    {"agent-busy", TN_FAILURE_AGENT_BUSY},
    {"busy", TN_FAILURE_AGENT_BUSY},
    {"agent-frozen", TN_FAILURE_AGENT_FROZEN},
    {"policy-denied", TN_FAILURE_POLICY_DENIED},
    {"command-disabled", TN_FAILURE_COMMAND_DISABLED},
    {"not-executable", TN_FAILURE_NOT_EXECUTABLE},
    {"no-such-job", TN_FAILURE_NO_SUCH_JOB},
    {"lost", TN_FAILURE_LOST},
    {"too-large", TN_FAILURE_TOO_LARGE},
};

G_DEFINE_QUARK(tn - failure - quark, tn_failure)

static const FailureRow *
find_row(const GError *error)
{
    if (error->domain != TN_FAILURE || error->code < 0 || error->code >= TN_FAILURE_N)
        return &failures[TN_FAILURE_LOCAL];
    return &failures[error->code];
}

static TnFailure
classify_spawn(const char *desc)
{
    if (strstr(desc, "denied by policy") != NULL)
        return TN_FAILURE_POLICY_DENIED;
    if (strstr(desc, "(No such file or directory)") != NULL)
        return TN_FAILURE_NOT_FOUND;
    return TN_FAILURE_NOT_EXECUTABLE;
}

static TnFailure
classify_words(const char *class_name, const char *desc)
{
    /* Both words of the frozen state: that of today's agents and that of those before 9.1. */
    if (strstr(desc, "has been disabled") != NULL)
        return strstr(desc, "frozen") != NULL ? TN_FAILURE_AGENT_FROZEN
                                              : TN_FAILURE_COMMAND_DISABLED;
    if (g_strcmp0(class_name, "CommandNotFound") == 0 ||
        (g_str_has_prefix(desc, "The command ") && g_str_has_suffix(desc, " has not been found")))
        return TN_FAILURE_NO_SUCH_COMMAND;
    if (strstr(desc, "Failed to execute child process") != NULL)
        return classify_spawn(desc);
    if (strstr(desc, "denied by policy") != NULL)
        return TN_FAILURE_POLICY_DENIED;
    if (strstr(desc, "the file has changed") != NULL)
        return TN_FAILURE_CHANGED;
    if (strstr(desc, "No such file or directory") != NULL)
        return TN_FAILURE_NO_SUCH_FILE;
    if (strstr(desc, "File exists") != NULL)
        return TN_FAILURE_EXISTS;
    return TN_FAILURE_GUEST;
}

int
tn_failure_get_exit_code(const GError *error)
{
    return find_row(error)->exit_code;
}

const char *
tn_failure_get_reason(const GError *error)
{
    return find_row(error)->reason;
}

const char *
tn_failure_get_hint(const GError *error)
{
    return find_row(error)->hint;
}

GError *
tn_failure_new_from_guest(const char *class_name, const char *desc, const char *reason)
{
    for (gsize i = 0; reason != NULL && i < G_N_ELEMENTS(wire_reasons); i++) {
        if (strcmp(reason, wire_reasons[i].reason) == 0)
            return g_error_new_literal(TN_FAILURE, (int)wire_reasons[i].failure, desc);
    }
    return g_error_new_literal(TN_FAILURE, (int)classify_words(class_name, desc), desc);
}
