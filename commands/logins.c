/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is logged in. Hosts show names and times, so the terminal and the origin stay in the guest.
 */
#include "commands/logins.h"

#include "platform/sessions.h"
#include "platform/sysroot.h"

typedef struct {
    GPtrArray *list;
} List;

static gboolean
run_users(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_sessions_read(TN_SYSROOT_HOST, tn_logind_load, error);
    return answer->list != NULL;
}

static const TnField user_fields[] = {
    {"user", TN_STRING(TnSession, user, .flags = TN_FIELD_REQUIRED)},
    {"login-time", TN_NUMBER(TnSession, login_time, .flags = TN_FIELD_REQUIRED,
                             .doc = "seconds since the epoch, of the earliest session")},
    {0},
};

static const TnField users_result = {
    NULL, TN_LIST(List, list, TnSession, .fields = user_fields, .flags = TN_FIELD_REQUIRED)};

static const TnCommand commands[] = {
    {
        .name = "guest-get-users",
        .group = "@info-users",
        .result = &users_result,
        .result_size = sizeof(List),
        .run = run_users,
        .since = "2.10",
        .doc = "Users who are logged in, once each.",
    },
    {0},
};

const TnModule tn_logins_module = {
    .name = "logins",
    .commands = commands,
};
