/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * What can go wrong for a user of tenonctl: one domain, a stable word (reason) and an exit code for
 * each. Scripts rely on both, so neither ever changes its meaning. Nothing here blocks.
 */

#define TN_FAILURE (tn_failure_quark())
/* The error domain of the client. */
GQuark tn_failure_quark(void);

typedef enum {
    TN_FAILURE_GUEST,            /* 1: the operation failed in the guest */
    TN_FAILURE_NO_SUCH_FILE,     /* 1: reason not-found, about a file */
    TN_FAILURE_EXISTS,           /* 1: the target is there already */
    TN_FAILURE_CHANGED,          /* 1: a file changed while it was copied */
    TN_FAILURE_USAGE,            /* 2: wrong command line */
    TN_FAILURE_SOME,             /* 3: some of several failed */
    TN_FAILURE_TIMEOUT,          /* 124 */
    TN_FAILURE_AGENT_ABSENT,     /* 125: nobody answers there */
    TN_FAILURE_AGENT_BUSY,       /* 125 */
    TN_FAILURE_CONNECTION_LOST,  /* 125: broke while a reply was awaited */
    TN_FAILURE_PROTOCOL,         /* 125: the reply makes no sense */
    TN_FAILURE_TOO_LARGE,        /* 125: a request or a reply beyond the channel's limit */
    TN_FAILURE_TRUNCATED,        /* 125: output was cut, and --strict was given */
    TN_FAILURE_LOST,             /* 125: a job that an earlier agent took with it */
    TN_FAILURE_LOCAL,            /* 125: a file or library on this side */
    TN_FAILURE_AGENT_FROZEN,     /* 126: refused while file systems are frozen */
    TN_FAILURE_POLICY_DENIED,    /* 126 */
    TN_FAILURE_COMMAND_DISABLED, /* 126 */
    TN_FAILURE_NOT_EXECUTABLE,   /* 126 */
    TN_FAILURE_NOT_FOUND,        /* 127: no such program in the guest */
    TN_FAILURE_NO_SUCH_COMMAND,  /* 127: reason not-found: the agent does not know the command */
    TN_FAILURE_NO_SUCH_JOB,      /* 127 */
    TN_FAILURE_READER_GONE,      /* 141, as if by SIGPIPE; nothing is printed */
    TN_FAILURE_N,
} TnFailure;

/* Exit code of ERROR; 125 for errors of other domains. */
int tn_failure_get_exit_code(const GError *error);

/* The stable word of ERROR, such as "agent-absent"; "local" for errors of other domains. */
const char *tn_failure_get_reason(const GError *error);

/* One sentence on what to do, or NULL. */
const char *tn_failure_get_hint(const GError *error);

/* Makes the failure for an error that the guest's agent returned. CLASS and REASON may be NULL
 * (libvirt passes on the description alone, a stock agent has no reasons); the description then
 * decides. The message is DESC as it came: escape it before it reaches a terminal. */
GError *tn_failure_new_from_guest(const char *class_name, const char *desc, const char *reason);
