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
    gboolean is_json;     /* -o json */
    gboolean is_kubevirt; /* -o kubevirt, for info only */
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

typedef enum {
    TN_VERB_REST_NONE,
    TN_VERB_REST_OPTIONAL,
    TN_VERB_REST_PROGRAM, /* one word at least */
} TnVerbRest;

typedef struct {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *doc;      /* one line */
    const TnOption *options;
    gsize options_size;
    guint n_args_min;
    guint n_args_max;
    TnVerbRest rest; /* what may stand behind "--" */
    /* The exit code, or -1 with ERROR. */
    int (*run)(const TnInvocation *invocation, GError **error);
} TnVerb;

/* verb-attach.c */
extern const TnVerb tn_verb_attach;
/* verb-cat.c */
extern const TnVerb tn_verb_cat;
/* verb-cp.c */
extern const TnVerb tn_verb_cp;
/* verb-exec.c */
extern const TnVerb tn_verb_exec;
/* verb-fs.c */
extern const TnVerb tn_verb_fs;
/* verb-info.c */
extern const TnVerb tn_verb_info;
/* verb-jobs.c */
extern const TnVerb tn_verb_jobs;
/* verb-kill.c */
extern const TnVerb tn_verb_kill;
/* verb-logs.c */
extern const TnVerb tn_verb_logs;
/* verb-ping.c */
extern const TnVerb tn_verb_ping;
/* verb-policy.c */
extern const TnVerb tn_verb_policy;
/* verb-power.c */
extern const TnVerb tn_verb_power;
/* verb-put.c */
extern const TnVerb tn_verb_put;
/* verb-quiesce.c */
extern const TnVerb tn_verb_quiesce;
/* verb-raw.c */
extern const TnVerb tn_verb_raw;
/* verb-run.c */
extern const TnVerb tn_verb_run;
/* verb-time.c */
extern const TnVerb tn_verb_time;
/* verb-trim.c */
extern const TnVerb tn_verb_trim;
/* verb-user.c */
extern const TnVerb tn_verb_user;

/* Reaches the agent that the first argument names, as the global options say. */
TnAgent *tn_verb_open(const TnInvocation *invocation, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for the endpoint TEXT. */
TnAgent *tn_verb_open_endpoint(const TnInvocation *invocation, const char *text, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Splits "ENDPOINT:PATH" and reaches the agent there. *RET_PATH is freed with g_free. Errors:
 * TN_FAILURE_USAGE when TEXT is not of that form; those of tn_dial_open. */
TnAgent *tn_verb_open_path(const TnInvocation *invocation, const char *text, char **ret_path,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads "0640" (TEXT NULL: -1). Errors: TN_FAILURE_USAGE. */
gboolean tn_verb_parse_mode(const char *text, gint64 *ret_mode, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Splits "USER[:GROUP]" (TEXT NULL: both NULL); both are freed with g_free. */
void tn_verb_split_owner(const char *text, char **ret_user, char **ret_group);

/* Writes the whole of DATA to the standard stream FD. Errors: TN_FAILURE_READER_GONE (EPIPE),
 * TN_FAILURE_LOCAL. */
gboolean tn_verb_write(int fd, const guint8 *data, gsize size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
