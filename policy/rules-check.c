/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks of a whole tree. What a rule could never do, or would do otherwise than it reads, is an
 * error here and not a surprise at the first request.
 */

#include "policy/rules-check.h"

#include "policy/lists.h"
#include "policy/policy.h"
#include "policy/profile.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

/* The cut follows what hosts ask for together; a later version's new commands come in a group of
 * their own, which '*' does not hold. */
static const char *const GROUPS[] = {
    "@sync", "@info",   "@info-users", "@fsfreeze",  "@fstrim",     "@power",
    "@time", "@resize", "@account",    "@file-read", "@file-write", "@exec",
};

/* Sources: ld.so(8), bash(1), glibc's iconv and locale loading, the interpreters' manuals. */
static const char *const UNSAFE_ENV[] = {
    "LD_*",        "GCONV_PATH",   "BASH_ENV",       "ENV",       "IFS",
    "PS4",         "SHELLOPTS",    "BASHOPTS",       "PYTHON*",   "PERL5*",
    "PERLLIB",     "RUBY*",        "GIT_*",          "TERMINFO*", "LOCPATH",
    "NLSPATH",     "NODE_OPTIONS", "NODE_PATH",      "PATH",      "BASH_FUNC*",
    "RES_OPTIONS", "HOSTALIASES",  "GLIBC_TUNABLES", "MALLOC_*",  "TMPDIR",
    "TZDIR",       "RESOLV_*",     "GETCONF_DIR",
};

static const struct {
    const char *name;
    int resource;
} LIMITS[] = {
    {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"core", RLIMIT_CORE},
    {"fsize", RLIMIT_FSIZE},   {"cpu", RLIMIT_CPU},     {"as", RLIMIT_AS},
    {"data", RLIMIT_DATA},     {"stack", RLIMIT_STACK}, {"memlock", RLIMIT_MEMLOCK},
};

/* Names by number: linux/capability.h. */
static const char *const CAPS[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};

/* Directories that no rule may write to: whoever writes there writes the policy. */
const char *const tn_rules_own_paths[] = {
    "/etc/tenon",
    "/run/tenon",
    "/var/run/tenon",
    "/var/lib/tenon",
    "/usr/lib/tenon",
    "/lib/tenon",
    "/usr/share/tenon",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/dev/virtio-ports",
    "/proc",
    "/etc/qemu",
    "/var/log/tenon",
    "/etc/default/tenon",
    "/etc/sysconfig/tenon",
    NULL,
};

/* The error of KEY in SECTION; returns FALSE. */
G_GNUC_PRINTF(4, 5)
static gboolean
fail(const TnSection *section, const char *key, GError **error, const char *format, ...)
{
    const TnPlace *place = &section->place;
    const TnSectionInfo *info = tn_keys_get_section(section->kind);
    g_autofree char *message = NULL;
    gsize n;
    const TnKey *keys = tn_keys_get(section->kind, &n);
    va_list args;

    for (gsize i = 0; i < n; i++)
        if (strcmp(keys[i].name, key) == 0 && section->key_places[i].line > 0)
            place = &section->key_places[i];
    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, "%s:%u:1: [%s%s%s] %s: %s",
                place->file != NULL ? place->file : "built-in", place->line, info->word,
                section->name != NULL ? " " : "", section->name != NULL ? section->name : "", key,
                message);
    return FALSE;
}

gboolean
tn_rules_is_builtin_group(const char *group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(GROUPS); i++)
        if (strcmp(GROUPS[i], group) == 0)
            return TRUE;
    return FALSE;
}

/* NAME against a name that may end in a star. Both ways, so that `LC_*` against `LC_ALL` and
 * `L*` against `LD_*` meet. */
static gboolean
names_overlap(const char *a, const char *b)
{
    gsize n = strcspn(a, "*");
    gsize m = strcspn(b, "*");
    gboolean a_open = a[n] == '*';
    gboolean b_open = b[m] == '*';

    if (!a_open && !b_open)
        return strcmp(a, b) == 0;
    if (a_open && b_open)
        return strncmp(a, b, MIN(n, m)) == 0;
    if (a_open)
        return strncmp(a, b, n) == 0;
    return strncmp(a, b, m) == 0;
}

gboolean
tn_rules_is_unsafe_env(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(UNSAFE_ENV); i++)
        if (names_overlap(UNSAFE_ENV[i], name))
            return TRUE;
    return FALSE;
}

/* Digits with an optional K, M, G. */
static gboolean
parse_size(const char *text, guint64 *ret_value)
{
    gsize n = strlen(text);
    guint64 factor = 1;
    g_autofree char *digits = NULL;

    if (n > 0 && text[n - 1] == 'K')
        factor = 1024;
    else if (n > 0 && text[n - 1] == 'M')
        factor = 1024 * 1024;
    else if (n > 0 && text[n - 1] == 'G')
        factor = 1024 * 1024 * 1024;
    digits = g_strndup(text, factor > 1 ? n - 1 : n);
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64 / factor, ret_value, NULL))
        return FALSE;
    *ret_value *= factor;
    return TRUE;
}

gboolean
tn_rules_parse_limit(const char *word, int *ret_resource, guint64 *ret_value)
{
    const char *equals = strchr(word, '=');

    if (equals == NULL)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(LIMITS); i++) {
        if (strlen(LIMITS[i].name) != (gsize)(equals - word) ||
            !g_str_has_prefix(word, LIMITS[i].name))
            continue;
        *ret_resource = LIMITS[i].resource;
        return parse_size(equals + 1, ret_value);
    }
    return FALSE;
}

gboolean
tn_rules_parse_cgroup(const char *word, TnSpawnGroup *limits)
{
    g_autofree char *digits = NULL;
    guint64 value;

    if (g_str_has_prefix(word, "pids="))
        return g_ascii_string_to_unsigned(word + 5, 10, 1, 4194304, &limits->pids, NULL);
    if (g_str_has_prefix(word, "memory="))
        return parse_size(word + 7, &limits->memory_bytes) && limits->memory_bytes >= 1024 * 1024;
    if (!g_str_has_prefix(word, "cpu=") || !g_str_has_suffix(word, "%"))
        return FALSE;
    digits = g_strndup(word + 4, strlen(word) - 5);
    if (!g_ascii_string_to_unsigned(digits, 10, 1, 100000, &value, NULL))
        return FALSE;
    limits->cpu_percent = (guint)value;
    return TRUE;
}

int
tn_rules_parse_cap(const char *word)
{
    if (g_ascii_strncasecmp(word, "cap_", 4) == 0)
        word += 4;
    for (gsize i = 0; i < G_N_ELEMENTS(CAPS); i++)
        if (g_ascii_strcasecmp(CAPS[i], word) == 0)
            return (int)i;
    return -1;
}

static gboolean
is_group_in_use(GHashTable *commands, const char *group)
{
    GHashTableIter iter;
    gpointer row;

    g_hash_table_iter_init(&iter, commands);
    while (g_hash_table_iter_next(&iter, NULL, &row))
        if (g_strcmp0(((const TnPolicyCommand *)row)->group, group) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
check_commands(const TnCommandsConf *conf, const GPtrArray *list, const char *key,
               GHashTable *commands, GError **error)
{
    for (guint i = 0; commands != NULL && i < list->len; i++) {
        const char *word = g_ptr_array_index(list, i);
        gboolean known = strcmp(word, "*") == 0 || tn_rules_is_builtin_group(word) ||
                         tn_lists_is_qga_command(word) || g_hash_table_contains(commands, word) ||
                         (word[0] == '@' && is_group_in_use(commands, word));

        if (!known)
            return fail(&conf->base, key, error, "%.80s is no command and no @group", word);
    }
    return TRUE;
}

/* An absolute path in its plain form, so that what is written is what is compared. */
static gboolean
is_plain_path(const char *path)
{
    gsize n = strlen(path);

    return path[0] == '/' && strstr(path, "//") == NULL && strstr(path, "/./") == NULL &&
           strstr(path, "/../") == NULL && !g_str_has_suffix(path, "/.") &&
           !g_str_has_suffix(path, "/..") && (n == 1 || path[n - 1] != '/') && n < 4096;
}

static gboolean
check_paths(const TnSection *section, const GPtrArray *paths, GError **error)
{
    if (paths->len == 0)
        return fail(section, "path", error, "the list is empty");
    for (guint i = 0; i < paths->len; i++)
        if (!is_plain_path(g_ptr_array_index(paths, i)))
            return fail(section, "path", error, "%s is not an absolute path in its plain form",
                        (const char *)g_ptr_array_index(paths, i));
    return TRUE;
}

static gboolean
is_env_name(const char *name, gsize n)
{
    if (n == 0 || g_ascii_isdigit(name[0]))
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isalnum(name[i]) && name[i] != '_')
            return FALSE;
    return TRUE;
}

static gboolean
check_env(const TnExecConf *conf, GError **error)
{
    for (guint i = 0; i < conf->env_allow->len; i++) {
        const char *name = g_ptr_array_index(conf->env_allow, i);
        gsize n = strlen(name);

        if (n > 1 && name[n - 1] == '*')
            n--;
        if (!is_env_name(name, n))
            return fail(&conf->base, "env-allow", error, "%.80s is no name of a variable", name);
        if (conf->env_unsafe == 0 && tn_rules_is_unsafe_env(name))
            return fail(&conf->base, "env-allow", error,
                        "%.80s can change which code runs; env-unsafe = yes allows it", name);
    }
    for (guint i = 0; i < conf->env_set->len; i++) {
        const char *pair = g_ptr_array_index(conf->env_set, i);
        const char *equals = strchr(pair, '=');

        if (equals == NULL || !is_env_name(pair, (gsize)(equals - pair)))
            return fail(&conf->base, "env-set", error, "%.80s is not NAME=VALUE", pair);
    }
    return TRUE;
}

static gboolean
check_resources(const TnExecConf *conf, GError **error)
{
    TnSpawnGroup limits;
    guint64 value;
    int resource;

    for (guint i = 0; i < conf->limits->len; i++)
        if (!tn_rules_parse_limit(g_ptr_array_index(conf->limits, i), &resource, &value))
            return fail(&conf->base, "limits", error, "%.80s is no limit such as nofile=256",
                        (const char *)g_ptr_array_index(conf->limits, i));
    for (guint i = 0; i < conf->cgroup->len; i++)
        if (!tn_rules_parse_cgroup(g_ptr_array_index(conf->cgroup, i), &limits))
            return fail(&conf->base, "cgroup", error, "%.80s is not pids=N, memory=SIZE or cpu=N%%",
                        (const char *)g_ptr_array_index(conf->cgroup, i));
    for (guint i = 0; i < conf->caps->len; i++)
        if (tn_rules_parse_cap(g_ptr_array_index(conf->caps, i)) < 0 &&
            (strcmp(g_ptr_array_index(conf->caps, i), TN_RULES_ALL_CAPS) != 0 ||
             conf->caps->len > 1))
            return fail(&conf->base, "caps", error, "%.80s is no capability",
                        (const char *)g_ptr_array_index(conf->caps, i));
    for (guint i = 0; i < conf->best_effort->len; i++)
        if (strcmp(g_ptr_array_index(conf->best_effort, i), "cgroup") != 0)
            return fail(&conf->base, "best-effort", error, "%.80s is no step that may fail",
                        (const char *)g_ptr_array_index(conf->best_effort, i));
    return TRUE;
}

static gboolean
is_hex_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static gboolean
check_profile_name(const TnRules *rules, const TnSection *section, const char *key,
                   const char *text, GError **error)
{
    g_auto(GStrv) names = g_strsplit(text != NULL ? text : "", "+", -1);

    for (gsize i = 0; names[i] != NULL; i++)
        if (!tn_profile_is_builtin(names[i]) &&
            (section->kind == TN_SECTION_PROFILE || tn_rules_find_profile(rules, names[i]) == NULL))
            return fail(section, key, error, "there is no profile \"%.64s\"", names[i]);
    return names[0] != NULL || fail(section, key, error, "a profile is expected");
}

static gboolean
check_exec(const TnRules *rules, const TnExecConf *conf, GError **error)
{
    gboolean root = conf->user == NULL || strcmp(conf->user, "root") == 0;

    if (conf->base.kind == TN_SECTION_EXEC && !check_paths(&conf->base, conf->paths, error))
        return FALSE;
    if (conf->sha256 != NULL && !is_hex_digest(conf->sha256))
        return fail(&conf->base, "sha256", error, "64 lower-case hexadecimal digits are expected");
    if (conf->cwd != NULL && !is_plain_path(conf->cwd))
        return fail(&conf->base, "cwd", error, "an absolute path in its plain form is expected");
    if (!check_env(conf, error) || !check_resources(conf, error) ||
        !check_profile_name(rules, &conf->base, "profile", conf->profile, error))
        return FALSE;
    /* The kernel lets only root, or those who renounced new privileges, load a filter. */
    if (!root && conf->no_new_privs == TN_CHOICE_NO && strcmp(conf->profile, "unrestricted") != 0)
        return fail(&conf->base, "no-new-privs", error,
                    "a filter cannot be loaded for user %s without it", conf->user);
    return TRUE;
}

/* TRUE if one of A and B is the other or beneath it. */
static gboolean
paths_meet(const char *a, const char *b)
{
    gsize n = strlen(a);
    gsize m = strlen(b);
    gsize least = MIN(n, m);

    if (strcmp(a, "/") == 0 || strcmp(b, "/") == 0)
        return TRUE;
    return strncmp(a, b, least) == 0 && (n == m || (n < m ? b[least] : a[least]) == '/');
}

static gboolean
check_file(const TnFileConf *conf, GError **error)
{
    static const char *const ACCESS[] = {"read", "write", "append", "create", NULL};
    static const char *const TYPES[] = {"regular", "directory", "fifo", "char", "block", NULL};
    gboolean writes = FALSE;

    if (!check_paths(&conf->base, conf->paths, error))
        return FALSE;
    for (guint i = 0; i < conf->access->len; i++) {
        const char *word = g_ptr_array_index(conf->access, i);

        if (!g_strv_contains(ACCESS, word))
            return fail(&conf->base, "access", error, "%.40s is none of read write append create",
                        word);
        writes = writes || strcmp(word, "read") != 0;
    }
    for (guint i = 0; i < conf->types->len; i++)
        if (!g_strv_contains(TYPES, g_ptr_array_index(conf->types, i)))
            return fail(&conf->base, "types", error, "%.40s is no type of file",
                        (const char *)g_ptr_array_index(conf->types, i));
    for (guint i = 0; writes && i < conf->paths->len; i++)
        for (gsize k = 0; tn_rules_own_paths[k] != NULL; k++)
            if (paths_meet(g_ptr_array_index(conf->paths, i), tn_rules_own_paths[k]))
                return fail(&conf->base, "path", error, "%s would let the host write %s",
                            (const char *)g_ptr_array_index(conf->paths, i), tn_rules_own_paths[k]);
    return TRUE;
}

static gboolean
check_profile(const TnRules *rules, const TnProfileConf *conf, GError **error)
{
    g_autoptr(GError) wrong = NULL;

    if (tn_profile_is_builtin(conf->base.name))
        return fail(&conf->base, "base", error, "the name is that of a built-in profile");
    if (!check_profile_name(rules, &conf->base, "base", conf->base_profile, error))
        return FALSE;
    for (guint i = 0; i < conf->allow_ns->len; i++)
        if (strcmp(g_ptr_array_index(conf->allow_ns, i), "user") != 0)
            return fail(&conf->base, "allow-ns", error, "only user is possible");
    if (!tn_profile_check_calls(conf->deny, &wrong))
        return fail(&conf->base, "deny", error, "%s", wrong->message);
    if (!tn_profile_check_calls(conf->allow, &wrong))
        return fail(&conf->base, "allow", error, "%s", wrong->message);
    return TRUE;
}

static gboolean
check_globals(const TnRules *rules, GError **error)
{
    gboolean compat = rules->policy->mode == TN_MODE_COMPAT;
    guint64 value;

    if (!compat && rules->exec_default->base.place.line > 0)
        return fail(&rules->exec_default->base, "profile", error, "only in mode compat");
    if (!compat && rules->audit->level == 3)
        return fail(&rules->audit->base, "level", error, "off only in mode compat");
    if (rules->policy->search_path == NULL || rules->policy->search_path[0] != '/')
        return fail(&rules->policy->base, "search-path", error, "absolute directories");
    for (guint i = 0; i < rules->policy->client_cid->len; i++)
        if (!g_ascii_string_to_unsigned(g_ptr_array_index(rules->policy->client_cid, i), 10, 0,
                                        G_MAXUINT32, &value, NULL))
            return fail(&rules->policy->base, "client-cid", error, "a number is expected");
    return TRUE;
}

static gboolean
check_rules(const TnRules *rules, GHashTable *commands, GError **error)
{
    if (!check_globals(rules, error) ||
        !check_commands(rules->commands, rules->commands->allow, "allow", commands, error) ||
        !check_commands(rules->commands, rules->commands->deny, "deny", commands, error) ||
        !check_exec(rules, rules->exec_default, error))
        return FALSE;
    for (guint i = 0; i < rules->execs->len; i++)
        if (!check_exec(rules, g_ptr_array_index(rules->execs, i), error))
            return FALSE;
    for (guint i = 0; i < rules->files->len; i++)
        if (!check_file(g_ptr_array_index(rules->files, i), error))
            return FALSE;
    for (guint i = 0; i < rules->profiles->len; i++)
        if (!check_profile(rules, g_ptr_array_index(rules->profiles, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
finish_section(TnSection *section, gboolean compat, GError **error)
{
    const TnSectionInfo *info = tn_keys_get_section(section->kind);

    if (tn_section_finish(section, compat, error))
        return TRUE;
    g_prefix_error(error, "%s:%u:1: [%s%s%s]: ",
                   section->place.file != NULL ? section->place.file : "built-in",
                   section->place.line, info->word, section->name != NULL ? " " : "",
                   section->name != NULL ? section->name : "");
    return FALSE;
}

static gboolean
finish_list(const GPtrArray *list, gboolean compat, GError **error)
{
    for (guint i = 0; i < list->len; i++)
        if (!finish_section(g_ptr_array_index(list, i), compat, error))
            return FALSE;
    return TRUE;
}

gboolean
tn_rules_finish(TnRules *rules, GHashTable *commands, GError **error)
{
    /* The mode's own default does not depend on the mode, so it can be asked for now. */
    gboolean compat = rules->policy->mode == TN_MODE_COMPAT;

    return finish_section(&rules->policy->base, compat, error) &&
           finish_section(&rules->commands->base, compat, error) &&
           finish_section(&rules->audit->base, compat, error) &&
           finish_section(&rules->exec_default->base, compat, error) &&
           finish_list(rules->execs, compat, error) && finish_list(rules->files, compat, error) &&
           finish_list(rules->profiles, compat, error) && check_rules(rules, commands, error);
}
