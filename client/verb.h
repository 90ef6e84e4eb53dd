/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"
#include "client/options.h"

#include <glib.h>

/*
 * What the author of a verb must read. A verb is one TnVerb in a file of its own; main.c lists it.
 * From its row come the parsing of the command line, help, and the check of the man page.
 */

/* The options that every verb takes. */
typedef struct {
    gboolean is_json; /* -o json */
    const char *output;
    const char *connect;
    const char *trace;
    gint64 timeout_us;
    gint64 connect_timeout_us;
    gint64 wait_agent_us;
    gboolean is_quiet;
    gboolean is_strict;
    gboolean wants_help;
} TnGlobals;

typedef struct {
    const TnGlobals *globals;
    const void *options; /* of the row's options_size */
    char **args;         /* positional arguments, ends in NULL */
    char **rest;         /* what stands behind "--"; NULL when there is none */
} TnInvocation;

typedef struct {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *doc;      /* one line */
    const TnOption *options;
    gsize options_size;
    guint n_args_min;
    guint n_args_max;
    gboolean takes_program; /* wants "-- PROG ARG..." */
    /* The exit code, or -1 with ERROR. */
    int (*run)(const TnInvocation *invocation, GError **error);
} TnVerb;

/* verb-exec.c */
extern const TnVerb tn_verb_exec;
/* verb-info.c */
extern const TnVerb tn_verb_info;
/* verb-ping.c */
extern const TnVerb tn_verb_ping;
/* verb-raw.c */
extern const TnVerb tn_verb_raw;

/* Reaches the agent that the first argument names, as the global options say. */
TnAgent *tn_verb_open(const TnInvocation *invocation, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for the endpoint TEXT. */
TnAgent *tn_verb_open_endpoint(const TnInvocation *invocation, const char *text, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Writes the whole of DATA to the standard stream FD. Errors: TN_FAILURE_LOCAL; a reader that went
 * away (EPIPE) too. */
gboolean tn_verb_write(int fd, const guint8 *data, gsize size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
