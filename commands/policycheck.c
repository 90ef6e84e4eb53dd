/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A dry run of guest-exec: the decision without the act. It tells the host what the policy says,
 * so it is in a group of its own that nothing implies: an owner must name it.
 */

#include "commands/policycheck.h"

typedef struct {
    char *path;
    char **argv;
    char **env;
    char *user;
    char *cwd;
} CheckArgs;

typedef struct {
    bool allowed;
    char *text;
} CheckResult;

static gboolean
run_check(TnCall *call, const void *data, void *result, GError **error)
{
    const CheckArgs *args = data;
    CheckResult *reply = result;
    const TnAction action = {
        .command = "guest-exec",
        .group = "@exec",
        .channel = tn_call_get_channel(call),
        .path = args->path,
        .argv = (const char *const *)args->argv,
        .env = (const char *const *)args->env,
        .user = args->user,
        .cwd = args->cwd,
    };

    reply->allowed = tn_policy_explain(tn_call_get_context(call)->policy, &action, &reply->text);
    return TRUE;
}

static const TnField check_args[] = {
    {"path", TN_STRING(CheckArgs, path, .flags = TN_FIELD_REQUIRED, .doc = "as guest-exec's")},
    {"arg", TN_STRV(CheckArgs, argv, .doc = "as guest-exec's")},
    {"env", TN_STRV(CheckArgs, env, .doc = "as guest-exec's")},
    {"user", TN_STRING(CheckArgs, user, .doc = "as tenon-exec's")},
    {"cwd", TN_STRING(CheckArgs, cwd, .doc = "as tenon-exec's")},
    {0},
};

static const TnField check_fields[] = {
    {"allowed", TN_BOOL(CheckResult, allowed, .flags = TN_FIELD_REQUIRED,
                        .doc = "it would be run, quotas apart")},
    {"text", TN_STRING(CheckResult, text,
                       .doc = "why, and its confinement; absent if error-detail is minimal")},
    {0},
};

static const TnField check_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = check_fields,
};

static const TnCommand commands[] = {
    {
        .name = "tenon-policy-check",
        .group = "@introspect",
        .args = check_args,
        .args_size = sizeof(CheckArgs),
        .result = &check_result,
        .result_size = sizeof(CheckResult),
        .run = run_check,
        .since = "tenon 0.1",
        .doc = "What the policy would say to a program; nothing is run.",
    },
    {0},
};

const TnModule tn_policycheck_module = {
    .name = "policycheck",
    .commands = commands,
};
