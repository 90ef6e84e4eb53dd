/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/follow.h"
#include "client/options.h"
#include "client/verb.h"

#include <glib.h>

/*
 * Running a program for a verb: as a job where the agent has jobs, else through guest-exec, saying
 * what is lost thereby. Streams, exit code, JSON, time-out and signals are settled here.
 */

/* The options that `exec` and `run` share. */
typedef struct {
    GPtrArray *env;
    const char *cwd;
    const char *user;
    const char *name;
    gint64 keep_us;
    gint64 grace_us;
    gboolean is_detached;
} TnRunnerOptions;

/* The rows for them; the struct of the verb's own options begins with a TnRunnerOptions. */
#define TN_RUNNER_ROWS                                                               \
    {"env",                                                                          \
     'e',                                                                            \
     TN_OPTION_STRINGS,                                                              \
     offsetof(TnRunnerOptions, env),                                                 \
     "NAME=VALUE",                                                                   \
     "set an environment variable"},                                                 \
        {"cwd",                                                                      \
         'C',                                                                        \
         TN_OPTION_STRING,                                                           \
         offsetof(TnRunnerOptions, cwd),                                             \
         "DIRECTORY",                                                                \
         "start the program in DIRECTORY"},                                          \
        {"user",           'u',                                                      \
         TN_OPTION_STRING, offsetof(TnRunnerOptions, user),                          \
         "USER",           "run the program as USER"},                               \
        {"name",           0,                                                        \
         TN_OPTION_STRING, offsetof(TnRunnerOptions, name),                          \
         "NAME",           "give the job a name"},                                   \
        {"keep",                                                                     \
         0,                                                                          \
         TN_OPTION_DURATION,                                                         \
         offsetof(TnRunnerOptions, keep_us),                                         \
         "DURATION",                                                                 \
         "keep the job's record that long after its end"},                           \
        {"grace",                                                                    \
         0,                                                                          \
         TN_OPTION_DURATION,                                                         \
         offsetof(TnRunnerOptions, grace_us),                                        \
         "DURATION",                                                                 \
         "from TERM to KILL when the program is ended (2s)"},                        \
    {                                                                                \
        "detach", 'd', TN_OPTION_FLAG, offsetof(TnRunnerOptions, is_detached), NULL, \
            "print the job's number and let it go on"                                \
    }

typedef struct {
    const char *path;
    const char *const *args;
    const guint8 *input; /* NULL: none */
    gsize input_size;
    gboolean passes_stdin; /* our stdin becomes the program's */
} TnRunnerProgram;

/* Runs PROGRAM. The exit code of tenonctl, or -1 with ERROR. */
int tn_runner_run(const TnInvocation *invocation, const TnRunnerOptions *options,
                  const TnRunnerProgram *program, GError **error);
