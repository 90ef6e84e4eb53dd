/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info: what guest this is and what its agent lets one do. Without a section it is an overview, in
 * which a fact that the agent cannot or may not tell is left out.
 */

#include "agent/wire/text.h"
#include "client/failure.h"
#include "client/infopart.h"
#include "client/kubevirt.h"
#include "client/print.h"
#include "client/verb.h"

/* TRUE when the agent answered, though not with what was asked for: others may still come. */
static gboolean
is_refusal(const GError *error)
{
    int code = tn_failure_get_exit_code(error);

    return code == 1 || code == 126 || code == 127;
}

/* Asks and forgives a refusal: *RET_ANSWER stays NULL then. */
static gboolean
ask_leniently(TnAgent *agent, const char *command, TnAnswer **ret_answer, guint *ret_at,
              GError **error)
{
    g_autoptr(GError) ask_error = NULL;

    *ret_answer = tn_dial_simple(agent, command, ret_at, &ask_error);
    if (*ret_answer != NULL || is_refusal(ask_error))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&ask_error));
    return FALSE;
}

static void
add_row(TnTable *table, const char *head, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    tn_table_add(table, head);
    tn_table_add(table, value);
}

static void
add_agent(TnTable *table, const TnAnswer *answer, guint at)
{
    g_autoptr(GString) disabled = g_string_new(NULL);
    g_autofree char *agent = NULL;
    g_autofree char *commands = NULL;
    const char *version = tn_answer_get_string(answer, at, "version");
    guint list = tn_answer_find(answer, at, "supported_commands");
    gboolean is_tenon = FALSE;
    guint n_enabled = 0;
    guint iter = 0;
    guint entry = 0;

    while (list != 0 && (entry = tn_answer_next(answer, list, &iter)) != 0) {
        const char *name = tn_answer_get_string(answer, entry, "name");
        gboolean is_enabled = FALSE;

        (void)tn_answer_get_bool(answer, entry, "enabled", &is_enabled);
        if (name == NULL)
            continue;
        is_tenon = is_tenon || g_str_has_prefix(name, "tenon-");
        if (is_enabled)
            n_enabled++;
        else
            g_string_append_printf(disabled, "%s%s", disabled->len > 0 ? " " : "", name);
    }
    agent =
        g_strdup_printf("%s %s", is_tenon ? "tenon" : "qemu-ga", version == NULL ? "?" : version);
    commands = g_strdup_printf("%u enabled", n_enabled);
    add_row(table, "agent", agent);
    add_row(table, "commands", commands);
    add_row(table, "disabled", disabled->str);
}

static void
add_host_name(TnTable *table, const TnAnswer *answer, guint at)
{
    add_row(table, "host name", tn_answer_get_string(answer, at, "host-name"));
}

static void
add_system(TnTable *table, const TnAnswer *answer, guint at)
{
    const char *release = tn_answer_get_string(answer, at, "kernel-release");
    const char *machine = tn_answer_get_string(answer, at, "machine");
    g_autofree char *kernel = NULL;

    if (release != NULL)
        kernel = g_strdup_printf("%s %s", release, machine == NULL ? "" : machine);
    add_row(table, "system", tn_answer_get_string(answer, at, "pretty-name"));
    add_row(table, "kernel", kernel);
}

static void
add_addresses(TnTable *table, const TnAnswer *answer, guint at)
{
    g_autofree char *addresses = tn_infopart_format_addresses(answer, at);

    add_row(table, "addresses", addresses);
}

static void
add_zone(TnTable *table, const TnAnswer *answer, guint at)
{
    add_row(table, "time zone", tn_answer_get_string(answer, at, "zone"));
}

static void
add_time(TnTable *table, const TnAnswer *answer, guint at)
{
    tn_infopart_find("time")->fill(table, answer, at);
}

static const struct {
    const char *command;
    void (*add)(TnTable *table, const TnAnswer *answer, guint at);
} overview[] = {
    {"guest-get-host-name", add_host_name},
    {"guest-get-osinfo", add_system},
    {"guest-network-get-interfaces", add_addresses},
    {"guest-get-time", add_time},
    {"guest-get-timezone", add_zone},
    {"guest-info", add_agent},
};

static int
print_overview(TnAgent *agent, GError **error)
{
    g_autoptr(TnTable) table = tn_table_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(overview); i++) {
        g_autoptr(TnAnswer) answer = NULL;
        guint at = 0;

        if (!ask_leniently(agent, overview[i].command, &answer, &at, error))
            return -1;
        if (answer != NULL)
            overview[i].add(table, answer, at);
    }
    tn_table_print(table, stdout);
    return 0;
}

/* Appends "member": VALUE, or "member": {"error": WORDS} as tenon-get-info does. */
static gboolean
append_member(TnAgent *agent, const char *member, const char *command, GString *text,
              GError **error)
{
    g_autoptr(GError) ask_error = NULL;
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    answer = tn_dial_simple(agent, command, &at, &ask_error);
    if (answer == NULL && !is_refusal(ask_error)) {
        g_propagate_error(error, g_steal_pointer(&ask_error));
        return FALSE;
    }
    g_string_append_printf(text, "%s\"%s\": ", text->len > 1 ? ", " : "", member);
    if (answer != NULL) {
        tn_answer_append_json(answer, at, G_MAXSIZE, text);
    } else {
        g_string_append(text, "{\"error\": ");
        tn_text_append_string(text, ask_error->message, -1);
        g_string_append_c(text, '}');
    }
    return TRUE;
}

/* All facts as one object, from an agent that answers them one by one. */
static int
print_all_singly(TnAgent *agent, GError **error)
{
    g_autoptr(GString) text = g_string_new("{");

    for (const TnInfoPart *section = tn_infopart_get_all(); section->name != NULL; section++) {
        if (section->fallback == NULL &&
            !append_member(agent, section->member, section->command, text, error))
            return -1;
    }
    if (!append_member(agent, "agent", "guest-info", text, error))
        return -1;
    printf("%s}\n", text->str);
    return 0;
}

static int
print_all_json(TnAgent *agent, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    if (!ask_leniently(agent, "tenon-get-info", &answer, &at, error))
        return -1;
    if (answer == NULL)
        return print_all_singly(agent, error);
    tn_print_answer(stdout, answer, at);
    return 0;
}

static int
print_section(TnAgent *agent, const TnInfoPart *section, gboolean is_json, GError **error)
{
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    answer = tn_infopart_ask(agent, section, &at, error);
    if (answer == NULL)
        return -1;
    if (is_json)
        tn_print_answer(stdout, answer, at);
    else
        tn_infopart_print(section, answer, at);
    return 0;
}

static int
run_info(const TnInvocation *invocation, GError **error)
{
    const char *name = invocation->args[1];
    const TnInfoPart *section = name == NULL ? NULL : tn_infopart_find(name);
    gboolean is_json = invocation->globals->is_json;
    g_autoptr(TnAgent) agent = NULL;

    if (name != NULL && section == NULL) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (section = tn_infopart_get_all(); section->name != NULL; section++)
            g_string_append_printf(names, " %s", section->name);
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "no section '%s'; there are%s", name,
                    names->str);
        return -1;
    }
    agent = tn_verb_open(invocation, error);
    if (agent == NULL)
        return -1;
    if (invocation->globals->is_kubevirt)
        return tn_kubevirt_print(agent, name, error) ? 0 : -1;
    if (section != NULL)
        return print_section(agent, section, is_json, error);
    return is_json ? print_all_json(agent, error) : print_overview(agent, error);
}

const TnVerb tn_verb_info = {
    .name = "info",
    .synopsis = "ENDPOINT [SECTION]",
    .doc = "show what guest and what agent this is",
    .n_args_min = 1,
    .n_args_max = 2,
    .run = run_info,
};
