/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tenon-policy: the owner's view of a policy. Wires the parser, the decision and the tables to a
 * command line; the names of commands come from a generated table, requests through the agent's
 * own lexer.
 */

#include "agent/wire/frame.h"
#include "agent/wire/text.h"
#include "build-config.h"
#include "platform/fd.h"
#include "policy/command-rows.h"
#include "policy/confinement.h"
#include "policy/dropin.h"
#include "policy/explain.h"
#include "policy/lints.h"
#include "policy/load.h"
#include "policy/presets.h"
#include "policy/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_FINDINGS = 1, /* --strict, a denied explain, a failed test */
    EXIT_ERRORS = 2,   /* the policy or the command line cannot be read */
    REQUEST_LIMIT_BYTES = 1024 * 1024
};

typedef struct {
    const char *policy_dir;
    gboolean compat;
    gboolean strict;
    gboolean json;
    int argc;
    char **argv;
} Tool;

typedef struct {
    const char *name;
    const char *args;
    const char *doc;
    int (*run)(Tool *tool);
} Verb;

static int
complain(const char *what, const char *word)
{
    fprintf(stderr, "tenon-policy: %s%s%s\n", what, word[0] != '\0' ? ": " : "", word);
    return EXIT_ERRORS;
}

/* The policy as the agent would load it, or NULL with the message printed. */
static TnPolicy *
load_policy(const Tool *tool)
{
    g_autoptr(GError) error = NULL;
    TnPolicyOptions options = {
        .compat = tool->compat,
        .policy_dir = tool->policy_dir,
        .commands = tn_command_rows,
        .n_commands = tn_command_rows_n,
    };
    gboolean by_argv;
    TnPolicy *policy = tn_load_policy(&options, &by_argv, &error);

    if (policy == NULL)
        fprintf(stderr, "%s\n", error->message);
    return policy;
}

static int
run_check(Tool *tool)
{
    g_autoptr(TnPolicy) policy = NULL;
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(g_free);

    if (tool->argc > 0)
        tool->policy_dir = tool->argv[0];
    policy = load_policy(tool);
    if (policy == NULL)
        return EXIT_ERRORS;
    tn_lints_check(policy, findings);
    for (guint i = 0; i < findings->len; i++)
        printf("%s\n", (const char *)g_ptr_array_index(findings, i));
    for (guint i = 0; i < policy->exec_rules->len; i++) {
        const TnExecRule *rule = g_ptr_array_index(policy->exec_rules, i);
        const char *words;
        const char *strength = tn_confinement_get_strength(rule, &words);

        if (rule->conf->verdict == 0)
            printf("[exec %s] %s: %s\n", rule->conf->base.name, strength, words);
    }
    printf("%s: in order, %u finding%s\n", policy->source, findings->len,
           findings->len == 1 ? "" : "s");
    return tool->strict && findings->len > 0 ? EXIT_FINDINGS : 0;
}

/* The members that a request may have for policy; the fields' names are those of the commands. */
typedef struct {
    TnAction action;
    GPtrArray *argv;
    GPtrArray *env;
} Request;

static void
clear_request(Request *request)
{
    g_clear_pointer(&request->argv, g_ptr_array_unref);
    g_clear_pointer(&request->env, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Request, clear_request)

static const char *
get_text(const TnMessage *message, guint arguments, const char *name)
{
    guint token = tn_message_find(message, arguments, name);

    if (token == 0 || message->tokens[token].type != TN_TOKEN_STRING ||
        (message->tokens[token].flags & TN_TOKEN_HAS_NUL) != 0)
        return NULL;
    return tn_message_get_string(message, token);
}

static GPtrArray *
get_texts(const TnMessage *message, guint arguments, const char *name)
{
    guint token = tn_message_find(message, arguments, name);
    GPtrArray *texts;

    if (token == 0 || message->tokens[token].type != TN_TOKEN_ARRAY)
        return NULL;
    texts = g_ptr_array_new();
    for (guint at = token + 1; at < message->tokens[token].next; at = message->tokens[at].next)
        if (message->tokens[at].type == TN_TOKEN_STRING)
            g_ptr_array_add(texts, (gpointer)(guintptr)tn_message_get_string(message, at));
    g_ptr_array_add(texts, NULL);
    return texts;
}

/* The token of the arguments; without any that of the request, which has no member of their names.
 */
static guint
find_arguments(const TnMessage *message)
{
    guint token = tn_message_find(message, 0, "arguments");

    return token != 0 && message->tokens[token].type == TN_TOKEN_OBJECT ? token : 0;
}

static gboolean
fill_action(const TnMessage *message, Request *request)
{
    guint arguments = find_arguments(message);
    const char *command = get_text(message, 0, "execute");
    TnAction *action = &request->action;

    if (command == NULL)
        return FALSE;
    action->command = command;
    for (gsize i = 0; i < tn_command_rows_n; i++)
        if (strcmp(tn_command_rows[i].name, command) == 0)
            action->group = tn_command_rows[i].group;
    request->argv = get_texts(message, arguments, "arg");
    if (request->argv == NULL)
        request->argv = get_texts(message, arguments, "args");
    request->env = get_texts(message, arguments, "env");
    action->path = get_text(message, arguments, "path");
    action->cwd = get_text(message, arguments, "cwd");
    action->user = get_text(message, arguments, "user");
    action->mode = get_text(message, arguments, "mode");
    action->has_stdin = get_text(message, arguments, "input-data") != NULL;
    action->argv = request->argv != NULL ? (const char *const *)request->argv->pdata : NULL;
    action->env = request->env != NULL ? (const char *const *)request->env->pdata : NULL;
    return TRUE;
}

/* Judges one request of JSON text; 1 allowed, 0 denied, -1 no request. */
static int
judge_text(const TnPolicy *policy, const char *text, GString *out)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_auto(Request) request = {.argv = NULL};
    TnMessage message;
    const char *why = "incomplete";
    gsize size = strlen(text);
    gsize at = 0;

    while (at < size) {
        gsize room;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size - at);

        memcpy(place, text + at, n);
        tn_frame_commit(frame, n);
        at += n;
    }
    if (tn_frame_next(frame, &message, &why) != TN_FRAME_MESSAGE ||
        message.tokens[0].type != TN_TOKEN_OBJECT || !fill_action(&message, &request)) {
        complain("no request", why);
        return -1;
    }
    return tn_explain_action(policy, &request.action, out) ? 1 : 0;
}

static int
explain_json(const Tool *tool, const TnPolicy *policy)
{
    g_autoptr(GString) out = g_string_new(NULL);
    int allowed;

    if (tool->argc != 1)
        return complain("explain --json", "one request is expected");
    allowed = judge_text(policy, tool->argv[0], out);
    fputs(out->str, stdout);
    return allowed < 0 ? EXIT_ERRORS : allowed == 1 ? 0 : EXIT_FINDINGS;
}

/* The words between "exec" and "--". */
static gboolean
take_exec_options(const Tool *tool, int *ret_at, TnAction *action, GPtrArray *env)
{
    int i = 1;

    for (; i < tool->argc && strcmp(tool->argv[i], "--") != 0; i++) {
        const char *word = tool->argv[i];

        if (g_str_has_prefix(word, "--user="))
            action->user = word + strlen("--user=");
        else if (g_str_has_prefix(word, "--cwd="))
            action->cwd = word + strlen("--cwd=");
        else if (g_str_has_prefix(word, "--env="))
            g_ptr_array_add(env, (gpointer)(guintptr)(word + strlen("--env=")));
        else if (strcmp(word, "--stdin") == 0)
            action->has_stdin = TRUE;
        else if (strcmp(word, "--user-visible") != 0)
            break;
    }
    if (i < tool->argc && strcmp(tool->argv[i], "--") == 0)
        i++;
    *ret_at = i;
    return i < tool->argc;
}

static int
run_explain(Tool *tool)
{
    g_autoptr(TnPolicy) policy = load_policy(tool);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    TnAction action = {.command = "guest-exec", .group = "@exec"};
    gboolean allowed;
    int at;

    if (policy == NULL)
        return EXIT_ERRORS;
    if (tool->json)
        return explain_json(tool, policy);
    if (tool->argc < 1)
        return complain("explain", "exec -- PROGRAM ARGUMENT..., or the name of a command");
    if (strcmp(tool->argv[0], "exec") != 0) {
        action.command = tool->argv[0];
        action.group = NULL;
    } else if (!take_exec_options(tool, &at, &action, env)) {
        return complain("explain exec", "a program is expected");
    } else {
        action.path = tool->argv[at];
        action.argv = (const char *const *)&tool->argv[at + 1];
    }
    g_ptr_array_add(env, NULL);
    if (env->len > 1)
        action.env = (const char *const *)env->pdata;
    allowed = tn_explain_action(policy, &action, out);
    fputs(out->str, stdout);
    return allowed ? 0 : EXIT_FINDINGS;
}

static void
append_json_section(const TnSection *section, GString *out)
{
    gsize n;
    const TnKey *keys = tn_keys_get(section->kind, &n);
    const TnSectionInfo *info = tn_keys_get_section(section->kind);

    g_string_append_printf(out, "{\"section\": \"%s\"", info->word);
    if (section->name != NULL) {
        g_string_append(out, ", \"name\": ");
        tn_text_append_string(out, section->name, -1);
    }
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GString) value = g_string_new(NULL);

        tn_section_print(section, &keys[i], value);
        g_string_append_printf(out, ", \"%s\": ", keys[i].name);
        tn_text_append_string(out, value->str, -1);
    }
    if (section->place.line > 0) {
        g_string_append(out, ", \"place\": ");
        tn_text_append_string(out, section->place.file, -1);
        g_string_append_printf(out, ", \"line\": %u", section->place.line);
    }
    g_string_append_c(out, '}');
}

static void
append_json_list(const GPtrArray *list, GString *out)
{
    for (guint i = 0; i < list->len; i++) {
        g_string_append(out, ", ");
        append_json_section(g_ptr_array_index(list, i), out);
    }
}

static int
run_show(Tool *tool)
{
    g_autoptr(TnPolicy) policy = load_policy(tool);
    g_autoptr(GString) out = g_string_new(NULL);

    if (policy == NULL)
        return EXIT_ERRORS;
    if (!tool->json) {
        tn_rules_print(policy->rules, out);
        printf("# %s, sha256 %s\n\n%s", policy->source, policy->digest, out->str);
        return 0;
    }
    g_string_append_printf(out, "{\"sha256\": \"%s\", \"sections\": [", policy->digest);
    append_json_section(&policy->rules->policy->base, out);
    g_string_append(out, ", ");
    append_json_section(&policy->rules->commands->base, out);
    g_string_append(out, ", ");
    append_json_section(&policy->rules->audit->base, out);
    append_json_list(policy->rules->execs, out);
    append_json_list(policy->rules->files, out);
    append_json_list(policy->rules->profiles, out);
    printf("%s]}\n", out->str);
    return 0;
}

static int
test_line(const TnPolicy *policy, const char *file, guint number, const char *line)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean wanted = g_str_has_prefix(line, "allow ");
    int allowed;

    if (!wanted && !g_str_has_prefix(line, "deny ")) {
        fprintf(stderr, "%s:%u: allow or deny, a blank and a request are expected\n", file, number);
        return EXIT_ERRORS;
    }
    allowed = judge_text(policy, strchr(line, ' ') + 1, out);
    if (allowed < 0)
        return EXIT_ERRORS;
    if ((allowed == 1) == wanted)
        return 0;
    printf("%s:%u: %s\n%s", file, number, line, out->str);
    return EXIT_FINDINGS;
}

static int
run_test(Tool *tool)
{
    g_autoptr(TnPolicy) policy = load_policy(tool);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint n_run = 0;
    int worst = 0;

    if (policy == NULL)
        return EXIT_ERRORS;
    if (tool->argc != 1)
        return complain("test", "one file is expected");
    if (!tn_fd_read_file(AT_FDCWD, tool->argv[0], REQUEST_LIMIT_BYTES, &text, NULL, &error))
        return complain(error->message, "");
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        if (lines[i][0] == '\0' || lines[i][0] == '#')
            continue;
        n_run++;
        worst = MAX(worst, test_line(policy, tool->argv[0], i + 1, lines[i]));
    }
    printf("%u request%s, %s\n", n_run, n_run == 1 ? "" : "s",
           worst == 0 ? "all as expected" : "not as expected");
    return worst;
}

static int
run_preset(Tool *tool)
{
    g_autofree char *target = NULL;

    if (tool->argc == 0) {
        for (const TnPreset *preset = tn_presets_data; preset->name != NULL; preset++)
            printf("%s\n", preset->name);
        return 0;
    }
    if (tn_presets_find(tool->argv[0]) == NULL)
        return complain("there is no preset", tool->argv[0]);
    target = g_strconcat(TN_DROPIN_PRESETS_DIR "/", tool->argv[0], ".conf", NULL);
    if (unlink("/etc/tenon/policy.d/10-preset.conf") < 0 && errno != ENOENT)
        return complain("/etc/tenon/policy.d/10-preset.conf", g_strerror(errno));
    if (symlink(target, "/etc/tenon/policy.d/10-preset.conf") < 0)
        return complain("/etc/tenon/policy.d/10-preset.conf", g_strerror(errno));
    printf("/etc/tenon/policy.d/10-preset.conf -> %s; systemctl reload makes it hold\n", target);
    return 0;
}

static void
print_groups(TnConfine features)
{
    gsize n;
    const TnCallGroup *groups = tn_profile_get_groups(&n);

    for (gsize i = 0; i < n; i++) {
        g_autofree char *calls = g_strjoinv(" ", (char **)(guintptr)groups[i].calls);

        if ((groups[i].feature & features) != 0)
            printf("%s (%s): %s\n", groups[i].name, groups[i].reason, calls);
    }
}

static int
run_seccomp(Tool *tool)
{
    g_autoptr(TnRules) rules = tn_rules_new();
    g_auto(GStrv) names = g_strsplit(tool->argc == 1 ? tool->argv[0] : "", "+", -1);
    g_auto(GStrv) deny = NULL;
    g_auto(GStrv) allow = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(TnSandbox) sandbox = NULL;
    TnSandboxSpec spec = {0};

    for (gsize i = 0; names[i] != NULL; i++)
        if (!tn_profile_is_builtin(names[i]))
            return complain("there is no profile", names[i]);
    if (names[0] == NULL)
        return complain("seccomp", "a profile is expected, such as baseline or no-network+strict");
    spec.features = tn_confinement_resolve(rules, tool->argv[0], &deny, &allow);
    if (spec.features == 0) {
        printf("no filter\n");
        return 0;
    }
    print_groups(spec.features);
    sandbox = tn_sandbox_compile(&spec, &error);
    if (sandbox == NULL)
        return complain(error->message, "");
    printf("instructions: %" G_GSIZE_FORMAT " (known calls), %" G_GSIZE_FORMAT " (denied calls)\n",
           g_bytes_get_size(sandbox->known) / sizeof(struct sock_filter),
           g_bytes_get_size(sandbox->denied) / sizeof(struct sock_filter));
    return 0;
}

/* The body of tenon-policy(5), from the table that the parser uses; for the build. */
static int
run_manual(Tool *tool)
{
    for (TnSectionKind kind = 0; kind < TN_SECTION_N; kind++) {
        const TnSectionInfo *info = tn_keys_get_section(kind);
        gsize n;
        const TnKey *keys = tn_keys_get(kind, &n);

        printf(".SS \"[%s%s]\"\n%s\n", info->word, info->named ? " NAME" : "", info->doc);
        for (gsize i = 0; i < n; i++) {
            printf(".TP\n.B %s\n%s", keys[i].name, keys[i].doc);
            if (keys[i].values != NULL)
                printf(" Values: %s.", keys[i].values);
            if (keys[i].def == NULL)
                printf(" Required.");
            else if (keys[i].compat_def != NULL)
                printf(" Default: %s, in mode compat %s.", keys[i].def, keys[i].compat_def);
            else
                printf(" Default: %s.", keys[i].def);
            printf("\n");
        }
    }
    return 0;
}

static const Verb VERBS[] = {
    {"check", "[--strict] [DIR]", "is it in order, what is it worth", run_check},
    {"explain", "exec -- PROGRAM ARGUMENT... | COMMAND | --json REQUEST",
     "what the agent would answer, and why", run_explain},
    {"show", "[--json]", "every value that holds, with its place", run_show},
    {"test", "FILE", "lines of allow or deny and a request", run_test},
    {"preset", "[NAME]", "list the presets, or make one hold", run_preset},
    {"seccomp", "PROFILE", "what a profile denies, and why", run_seccomp},
    {"manual", "", NULL, run_manual},
};

static int
print_usage(FILE *stream, int exit_code)
{
    fprintf(stream, "usage: tenon-policy [--policy DIR|preset:NAME] [--compat] VERB ...\n");
    for (gsize i = 0; i < G_N_ELEMENTS(VERBS); i++)
        if (VERBS[i].doc != NULL)
            fprintf(stream, "  %s %s\n      %s\n", VERBS[i].name, VERBS[i].args, VERBS[i].doc);
    return exit_code;
}

/* Options before the verb's own words; a word that is none ends them. */
static int
take_options(Tool *tool, int argc, char **argv, int at)
{
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--compat") == 0)
            tool->compat = TRUE;
        else if (strcmp(argv[at], "--strict") == 0)
            tool->strict = TRUE;
        else if (strcmp(argv[at], "--json") == 0)
            tool->json = TRUE;
        else if (strcmp(argv[at], "--policy") == 0 && at + 1 < argc)
            tool->policy_dir = argv[++at];
        else if (g_str_has_prefix(argv[at], "--policy="))
            tool->policy_dir = argv[at] + strlen("--policy=");
        else
            break;
    }
    return at;
}

int
main(int argc, char **argv)
{
    Tool tool = {0};
    int at = take_options(&tool, argc, argv, 1);

    if (at < argc && strcmp(argv[at], "--version") == 0) {
        printf("tenon-policy %s\n", TN_VERSION);
        return 0;
    }
    if (at < argc && strcmp(argv[at], "--help") == 0)
        return print_usage(stdout, 0);
    for (gsize i = 0; at < argc && i < G_N_ELEMENTS(VERBS); i++) {
        if (strcmp(VERBS[i].name, argv[at]) != 0)
            continue;
        at = take_options(&tool, argc, argv, at + 1);
        tool.argc = argc - at;
        tool.argv = argv + at;
        return VERBS[i].run(&tool);
    }
    return print_usage(stderr, EXIT_ERRORS);
}
