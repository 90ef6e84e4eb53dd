/* SPDX-License-Identifier: Apache-2.0 */

/*
 * [file] rules. The first rule whose path covers the request's and whose access holds what is
 * asked supplies the plan. Paths are compared as text, so a request's must be in normal form:
 * absolute, without "//", "." and ".."; anything else fits no rule.
 */

#include "policy/files.h"
#include "policy/rules-check.h"

#include <string.h>
#include <sys/stat.h>

enum {
    COMPAT_CREATE_MODE = 0666 & ~022,
};

static guint
parse_access(const TnFileConf *conf)
{
    static const char *const words[] = {"read", "write", "append", "create"};
    guint access = 0;

    for (guint i = 0; i < conf->access->len; i++)
        for (guint k = 0; k < G_N_ELEMENTS(words); k++)
            if (strcmp(g_ptr_array_index(conf->access, i), words[k]) == 0)
                access |= 1u << k;
    return access;
}

static guint
parse_types(const TnFileConf *conf)
{
    static const struct {
        const char *word;
        mode_t mode;
    } types[] = {
        {"regular", S_IFREG}, {"directory", S_IFDIR}, {"fifo", S_IFIFO},
        {"char", S_IFCHR},    {"block", S_IFBLK},
    };
    guint mask = 0;

    for (guint i = 0; i < conf->types->len; i++)
        for (guint k = 0; k < G_N_ELEMENTS(types); k++)
            if (strcmp(g_ptr_array_index(conf->types, i), types[k].word) == 0)
                mask |= 1u << (types[k].mode >> 12);
    return mask;
}

gboolean
tn_files_is_beneath(const char *dir, const char *path)
{
    gsize n = strlen(dir);

    while (n > 0 && dir[n - 1] == '/')
        n--;
    return strncmp(dir, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static void
free_rule(gpointer data)
{
    TnFileRule *rule = data;

    tn_user_clear(&rule->user);
    g_free(rule);
}

gboolean
tn_files_compile(TnPolicy *policy, GError **error)
{
    policy->file_rules = g_ptr_array_new_with_free_func(free_rule);
    for (guint i = 0; i < policy->rules->files->len; i++) {
        const TnFileConf *conf = g_ptr_array_index(policy->rules->files, i);
        TnFileRule *rule = g_new0(TnFileRule, 1);

        g_ptr_array_add(policy->file_rules, rule);
        rule->conf = conf;
        rule->access = parse_access(conf);
        rule->types = parse_types(conf);
        rule->has_user = conf->as_user != NULL;
        if (rule->has_user && !tn_user_find(conf->as_user, &rule->user, error)) {
            g_prefix_error(error, "%s:%u:1: as-user: ", conf->base.place.file,
                           conf->base.place.line);
            return FALSE;
        }
    }
    policy->has_file_rules = policy->file_rules->len > 0;
    return TRUE;
}

static gboolean
is_normal(const char *path)
{
    g_auto(GStrv) parts = NULL;

    if (path[0] != '/')
        return FALSE;
    if (path[1] == '\0')
        return TRUE;
    parts = g_strsplit(path + 1, "/", -1);
    for (guint i = 0; parts[i] != NULL; i++)
        if (parts[i][0] == '\0' || strcmp(parts[i], ".") == 0 || strcmp(parts[i], "..") == 0)
            return FALSE;
    return TRUE;
}

/* Why RULE does not let ACTION have what it asks for; NULL if it does. */
static const char *
explain_access(const TnFileRule *rule, const TnAction *action)
{
    TnOpenFlags flags = g_strcmp0(action->group, "@file-write") == 0
                            ? TN_OPEN_WRITE | TN_OPEN_CREATE
                            : TN_OPEN_READ;
    guint enough = TN_FILE_ACCESS_WRITE;

    if (action->mode != NULL && !tn_open_flags_parse(action->mode, &flags))
        return "the mode is none";
    if ((flags & TN_OPEN_READ) != 0 && (rule->access & TN_FILE_ACCESS_READ) == 0)
        return "it does not grant read";
    if ((flags & TN_OPEN_WRITE) == 0)
        return NULL;
    if ((flags & TN_OPEN_CREATE) != 0)
        enough |= TN_FILE_ACCESS_CREATE;
    if ((flags & TN_OPEN_APPEND) != 0)
        enough |= TN_FILE_ACCESS_APPEND;
    return (rule->access & enough) != 0 ? NULL : "it does not grant write";
}

static gboolean
covers(const TnFileRule *rule, const char *path)
{
    for (guint i = 0; i < rule->conf->paths->len; i++)
        if (tn_files_is_beneath(g_ptr_array_index(rule->conf->paths, i), path))
            return TRUE;
    return FALSE;
}

static void
note(GPtrArray *trace, const TnFileRule *rule, const char *why)
{
    const TnSection *base = &rule->conf->base;

    if (trace != NULL)
        g_ptr_array_add(trace, g_strdup_printf("%s:%u: [file %s] %s", base->place.file,
                                               base->place.line, base->name, why));
}

/* *RET_WHY (owned by the caller) is the reason of the first rule that covers PATH and does not
 * fit. */
static const TnFileRule *
find_rule(const TnPolicy *policy, const TnAction *action, const char *path, GPtrArray *trace,
          char **ret_why)
{
    if (!is_normal(path)) {
        *ret_why = g_strdup("the path is not absolute or not in its normal form");
        return NULL;
    }
    for (guint i = 0; i < policy->file_rules->len; i++) {
        const TnFileRule *rule = g_ptr_array_index(policy->file_rules, i);
        const char *why =
            covers(rule, path) ? explain_access(rule, action) : "is about other files";

        if (why == NULL)
            return rule;
        note(trace, rule, why);
        if (*ret_why == NULL && covers(rule, path))
            *ret_why = g_strdup_printf("[file %s] %s", rule->conf->base.name, why);
    }
    if (*ret_why == NULL)
        *ret_why = g_strdup("no rule is about this file");
    return NULL;
}

gboolean
tn_files_find(const TnPolicy *policy, const TnAction *action, GPtrArray *trace,
              const TnFileRule **ret_rule, const TnFileRule **ret_to, char **ret_why)
{
    g_autofree char *why = NULL;
    const TnFileRule *rule = find_rule(policy, action, action->path, trace, &why);
    const TnFileRule *to = NULL;

    if (rule != NULL && action->to != NULL)
        to = find_rule(policy, action, action->to, trace, &why);
    if (rule == NULL || (action->to != NULL && to == NULL)) {
        *ret_why = g_steal_pointer(&why);
        return FALSE;
    }
    *ret_rule = rule;
    *ret_to = to;
    return TRUE;
}

/* Every directory down to DIR is root's and nobody else may write there: a rule's path must lead
 * to where its author meant. */
static gboolean
is_dir_trusted(const char *dir)
{
    g_autofree char *at = g_strdup(dir);
    struct stat st;

    for (;;) {
        char *slash;

        if (lstat(at[0] != '\0' ? at : "/", &st) != 0 || st.st_uid != 0 ||
            (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            return FALSE;
        slash = strrchr(at, '/');
        if (slash == NULL || at[0] == '\0' || strcmp(at, "/") == 0)
            return TRUE;
        *slash = '\0';
    }
}

static TnOpenSpec *
make_free_spec(const char *path)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strdup(path);
    spec->symlinks = TRUE;
    spec->hardlinks = TRUE;
    spec->cross_mounts = TRUE;
    spec->may_read = TRUE;
    spec->may_write = TRUE;
    spec->may_create = TRUE;
    spec->create_mode = COMPAT_CREATE_MODE;
    return spec;
}

TnOpenPlan *
tn_files_make_plan(const TnFileRule *rule, const char *path, const char **ret_why)
{
    const TnFileConf *conf;
    const char *covering = NULL;
    g_autofree char *below = NULL;
    TnOpenSpec *spec;

    if (rule == NULL)
        return tn_open_plan_seal(make_free_spec(path));
    conf = rule->conf;
    for (guint i = 0; covering == NULL && i < conf->paths->len; i++)
        if (tn_files_is_beneath(g_ptr_array_index(conf->paths, i), path))
            covering = g_ptr_array_index(conf->paths, i);
    if (covering == NULL) {
        *ret_why = "no-rule: the rule has no path that covers it";
        return NULL;
    }
    /* A rule about one file pins the directory that holds it. */
    below = strlen(covering) >= strlen(path) ? g_path_get_dirname(path) : g_strdup(covering);
    if (!rule->has_user && !is_dir_trusted(below)) {
        *ret_why = "untrusted-path: a directory of the rule's path is not root's alone";
        return NULL;
    }
    spec = tn_open_spec_new();
    spec->path = g_strdup(path);
    spec->below = g_steal_pointer(&below);
    spec->symlinks = conf->symlinks == 1;
    spec->hardlinks = conf->hardlinks == 1;
    spec->cross_mounts = conf->xdev == 1;
    spec->types = rule->types;
    spec->may_read = (rule->access & TN_FILE_ACCESS_READ) != 0;
    spec->may_write = (rule->access & TN_FILE_ACCESS_WRITE) != 0;
    spec->may_create = (rule->access & TN_FILE_ACCESS_CREATE) != 0;
    spec->append_only = (rule->access & TN_FILE_ACCESS_APPEND) != 0 && !spec->may_write;
    spec->create_mode = (mode_t)conf->mode;
    spec->as_user = rule->has_user;
    spec->uid = rule->user.uid;
    spec->gid = rule->user.gid;
    spec->max_read_bytes = conf->max_read;
    spec->max_size_bytes = conf->max_size;
    spec->forbidden = tn_rules_own_paths;
    return tn_open_plan_seal(spec);
}
