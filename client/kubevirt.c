/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the agents' members to KubeVirt's. Lists are given whole: KubeVirt itself cuts them at 1000
 * entries or so, which is its caller's affair. Values pass as they are; only names change.
 */

#include "client/kubevirt.h"

#include "agent/wire/text.h"
#include "client/failure.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *member; /* of the agent */
    const char *name;   /* KubeVirt's */
} Rename;

static const Rename os_members[] = {
    {"name", "name"},
    {"kernel-release", "kernelRelease"},
    {"version", "version"},
    {"pretty-name", "prettyName"},
    {"version-id", "versionId"},
    {"kernel-version", "kernelVersion"},
    {"machine", "machine"},
    {"id", "id"},
    {0},
};

static const Rename fs_members[] = {
    {"name", "diskName"},        {"mountpoint", "mountPoint"},  {"type", "fileSystemType"},
    {"used-bytes", "usedBytes"}, {"total-bytes", "totalBytes"}, {0},
};

static const Rename user_members[] = {
    {"user", "userName"},
    {"domain", "domain"},
    {"login-time", "loginTime"},
    {0},
};

static const Rename command_members[] = {
    {"name", "name"},
    {"enabled", "enabled"},
    {0},
};

/* *RET_ANSWER stays NULL when the agent refuses. */
static gboolean
ask_leniently(TnAgent *agent, const char *command, TnAnswer **ret_answer, guint *ret_at,
              GError **error)
{
    g_autoptr(GError) ask_error = NULL;
    int code = 0;

    *ret_answer = tn_dial_simple(agent, command, ret_at, &ask_error);
    if (*ret_answer != NULL)
        return TRUE;
    code = tn_failure_get_exit_code(ask_error);
    if (code == 1 || code == 126 || code == 127)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&ask_error));
    return FALSE;
}

static void
append_name(GString *text, const char *name)
{
    char last = text->str[text->len - 1];

    if (last != '{' && last != '[')
        g_string_append(text, ", ");
    if (name != NULL)
        g_string_append_printf(text, "\"%s\": ", name);
}

static void
append_object(GString *text, const TnAnswer *answer, guint at, const Rename *members)
{
    g_string_append_c(text, '{');
    for (const Rename *row = members; row->member != NULL; row++) {
        guint found = tn_answer_find(answer, at, row->member);

        if (found == 0)
            continue;
        append_name(text, row->name);
        tn_answer_append_json(answer, found, G_MAXSIZE, text);
    }
    g_string_append_c(text, '}');
}

static void
append_list(GString *text, const TnAnswer *answer, guint at, const Rename *members)
{
    guint iter = 0;
    guint entry = 0;

    g_string_append_c(text, '[');
    while (answer != NULL && (entry = tn_answer_next(answer, at, &iter)) != 0) {
        append_name(text, NULL);
        append_object(text, answer, entry, members);
    }
    g_string_append_c(text, ']');
}

/* {"metadata": {}, "items": [...]} of what COMMAND lists. */
static gboolean
append_items(TnAgent *agent, const char *command, const Rename *members, GString *text,
             GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (!ask_leniently(agent, command, &answer, &at, error))
        return FALSE;
    g_string_append(text, "{\"metadata\": {}, \"items\": ");
    append_list(text, answer, at, members);
    g_string_append_c(text, '}');
    return TRUE;
}

static gboolean
append_users(TnAgent *agent, GString *text, GError **error)
{
    return append_items(agent, "guest-get-users", user_members, text, error);
}

static gboolean
append_filesystems(TnAgent *agent, GString *text, GError **error)
{
    return append_items(agent, "guest-get-fsinfo", fs_members, text, error);
}

static gboolean
append_agent(TnAgent *agent, GString *text, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint list = 0;
    guint at = 0;

    if (!ask_leniently(agent, "guest-info", &answer, &at, error))
        return FALSE;
    if (answer == NULL)
        return TRUE;
    if (tn_answer_find(answer, at, "version") != 0) {
        append_name(text, "guestAgentVersion");
        tn_answer_append_json(answer, tn_answer_find(answer, at, "version"), G_MAXSIZE, text);
    }
    list = tn_answer_find(answer, at, "supported_commands");
    if (list != 0) {
        append_name(text, "supportedCommands");
        append_list(text, answer, list, command_members);
    }
    return TRUE;
}

static gboolean
append_host_name(TnAgent *agent, GString *text, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    const char *name = NULL;
    guint at = 0;

    if (!ask_leniently(agent, "guest-get-host-name", &answer, &at, error))
        return FALSE;
    name = answer == NULL ? NULL : tn_answer_get_string(answer, at, "host-name");
    if (name != NULL) {
        append_name(text, "hostname");
        tn_text_append_string(text, name, -1);
    }
    return TRUE;
}

static gboolean
append_os(TnAgent *agent, GString *text, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (!ask_leniently(agent, "guest-get-osinfo", &answer, &at, error))
        return FALSE;
    if (answer != NULL) {
        append_name(text, "os");
        append_object(text, answer, at, os_members);
    }
    return TRUE;
}

/* "CET, 3600" */
static gboolean
append_zone(TnAgent *agent, GString *text, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    g_autofree char *zone = NULL;
    const char *name = NULL;
    gint64 offset = 0;
    guint at = 0;

    if (!ask_leniently(agent, "guest-get-timezone", &answer, &at, error))
        return FALSE;
    if (answer == NULL)
        return TRUE;
    name = tn_answer_get_string(answer, at, "zone");
    (void)tn_answer_get_int(answer, at, "offset", &offset);
    zone = g_strdup_printf("%s, %" G_GINT64_FORMAT, name == NULL ? "" : name, offset);
    append_name(text, "timezone");
    tn_text_append_string(text, zone, -1);
    return TRUE;
}

static gboolean
append_disks(TnAgent *agent, GString *text, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (!ask_leniently(agent, "guest-get-fsinfo", &answer, &at, error))
        return FALSE;
    append_name(text, "fsInfo");
    g_string_append(text, "{\"disks\": ");
    append_list(text, answer, at, fs_members);
    g_string_append_c(text, '}');
    return TRUE;
}

static gboolean
append_os_info(TnAgent *agent, GString *text, GError **error)
{
    static gboolean (*const parts[])(TnAgent *, GString *, GError **) = {
        append_agent, append_host_name, append_os, append_zone, append_disks,
    };

    g_string_append_c(text, '{');
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!parts[i](agent, text, error))
            return FALSE;
    }
    g_string_append_c(text, '}');
    return TRUE;
}

static const struct {
    const char *section;
    const char *name;
    gboolean (*append)(TnAgent *agent, GString *text, GError **error);
} objects[] = {
    {"os", "guestosinfo", append_os_info},
    {"users", "userlist", append_users},
    {"fs", "filesystemlist", append_filesystems},
};

gboolean
tn_kubevirt_print(TnAgent *agent, const char *section, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean is_found = section == NULL;

    if (section == NULL)
        g_string_append_c(text, '{');
    for (gsize i = 0; i < G_N_ELEMENTS(objects); i++) {
        if (section != NULL && strcmp(section, objects[i].section) != 0)
            continue;
        is_found = TRUE;
        if (section == NULL)
            append_name(text, objects[i].name);
        if (!objects[i].append(agent, text, error))
            return FALSE;
    }
    if (!is_found) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                    "KubeVirt has no object for '%s', only for os, users and fs", section);
        return FALSE;
    }
    printf("%s%s\n", text->str, section == NULL ? "}" : "");
    return TRUE;
}
