/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lints. A rule is called root-equivalent when the host can run code of its own through it as root
 * and unconfined enough to keep the machine: the list of such programs is of those whose manuals
 * offer it, and cannot be complete.
 */

#include "policy/lints.h"

#include "policy/confinement.h"
#include "policy/files.h"
#include "policy/match.h"
#include "policy/program.h"

#include <string.h>

/* Programs that run other programs or write files as their arguments say. */
static const char *const OPEN_PROGRAMS[] = {
    "sh",     "bash",      "dash",        "zsh",     "ksh",     "busybox", "python",   "python3",
    "perl",   "ruby",      "node",        "lua",     "php",     "awk",     "gawk",     "mawk",
    "sed",    "find",      "tar",         "vi",      "vim",     "nano",    "ed",       "less",
    "more",   "man",       "env",         "xargs",   "nohup",   "setsid",  "timeout",  "nice",
    "ionice", "strace",    "gdb",         "tee",     "cp",      "mv",      "dd",       "install",
    "rsync",  "scp",       "ssh",         "curl",    "wget",    "apt",     "apt-get",  "dpkg",
    "dnf",    "yum",       "rpm",         "snap",    "pip",     "pip3",    "docker",   "podman",
    "mount",  "chroot",    "unshare",     "nsenter", "su",      "sudo",    "runuser",  "crontab",
    "at",     "systemctl", "systemd-run", "git",     "make",    "ld.so",   "chmod",    "chown",
    "ln",     "insmod",    "modprobe",    "useradd", "usermod", "passwd",  "chpasswd", "visudo",
    "script",
};

/* Directories in which a file that the host writes runs as root sooner or later. */
static const char *const ROOT_DIRS[] = {
    "/etc", "/root", "/usr", "/var/spool/cron", "/boot", "/bin", "/sbin", "/lib", "/lib64", "/opt",
};

G_GNUC_PRINTF(3, 4)
static void
add(GPtrArray *findings, const TnSection *section, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(findings,
                    g_strdup_printf("%s:%u: [%s%s%s] %s",
                                    section->place.file != NULL ? section->place.file : "built-in",
                                    section->place.line, tn_keys_get_section(section->kind)->word,
                                    section->name != NULL ? " " : "",
                                    section->name != NULL ? section->name : "", message));
}

static gboolean
is_open_program(const char *path)
{
    const char *base = strrchr(path, '/') + 1;

    for (gsize i = 0; i < G_N_ELEMENTS(OPEN_PROGRAMS); i++)
        if (strcmp(OPEN_PROGRAMS[i], base) == 0)
            return TRUE;
    /* python3.11, perl5.36 and the like. */
    return g_str_has_prefix(base, "python3.") || g_str_has_prefix(base, "perl5.");
}

static gboolean
has_open_args(const TnExecConf *conf)
{
    for (guint i = 0; i < conf->args->len; i++)
        if (tn_pattern_is_open(g_ptr_array_index(conf->args, i)))
            return TRUE;
    return FALSE;
}

static void
check_reach(const TnExecRule *rule, GPtrArray *findings)
{
    const TnExecConf *conf = rule->conf;
    const char *words;
    const char *strength = tn_confinement_get_strength(rule, &words);
    gboolean open = has_open_args(conf);
    gboolean weak = strcmp(strength, "S0") == 0 || strcmp(strength, "S1") == 0;

    for (guint i = 0; i < conf->paths->len; i++) {
        const char *path = g_ptr_array_index(conf->paths, i);

        if (open && weak && rule->user.uid == 0 && is_open_program(path))
            add(findings, &conf->base,
                "root-equivalent: %s runs what its arguments say, as root, and they are open",
                path);
    }
    if (open)
        add(findings, &conf->base, "{any} or {rest}: the host chooses arguments freely");
    if (conf->env_unsafe == 1)
        add(findings, &conf->base, "env-unsafe: the host may choose which code is loaded");
}

static void
check_files(const TnExecRule *rule, GPtrArray *findings)
{
    for (guint i = 0; i < rule->identities->len; i++) {
        const char *why = tn_program_why_untrusted(g_ptr_array_index(rule->identities, i));

        if (why != NULL)
            add(findings, &rule->conf->base, "%s: %s",
                (const char *)g_ptr_array_index(rule->conf->paths, i), why);
    }
}

static void
check_needs(const TnExecRule *rule, GPtrArray *findings)
{
    for (guint i = 0; i < rule->identities->len; i++)
        if ((rule->features & TN_CONFINE_NO_IPC) != 0 &&
            g_str_has_suffix(g_ptr_array_index(rule->identities, i), "/systemctl"))
            add(findings, &rule->conf->base,
                "systemctl needs a socket of its kind, which the profile denies");
}

/* An earlier allow rule for the same programs with the same arguments takes every request. */
static void
check_shadowed(const TnPolicy *policy, guint index, GPtrArray *findings)
{
    const TnExecRule *rule = g_ptr_array_index(policy->exec_rules, index);

    for (guint i = 0; i < index; i++) {
        const TnExecRule *earlier = g_ptr_array_index(policy->exec_rules, i);
        gboolean same = earlier->identities->len == rule->identities->len &&
                        earlier->conf->args->len == rule->conf->args->len &&
                        earlier->conf->verdict == rule->conf->verdict;

        for (guint k = 0; same && k < rule->identities->len; k++)
            same = strcmp(g_ptr_array_index(earlier->identities, k),
                          g_ptr_array_index(rule->identities, k)) == 0;
        for (guint k = 0; same && k < rule->conf->args->len; k++)
            same = strcmp(tn_pattern_get_text(g_ptr_array_index(earlier->conf->args, k)),
                          tn_pattern_get_text(g_ptr_array_index(rule->conf->args, k))) == 0;
        if (same)
            add(findings, &rule->conf->base, "never reached: [exec %s] is about the same",
                earlier->conf->base.name);
    }
}

static void
check_file_rule(const TnFileConf *conf, GPtrArray *findings)
{
    gboolean writes = FALSE;

    for (guint i = 0; i < conf->access->len; i++)
        writes = writes || strcmp(g_ptr_array_index(conf->access, i), "read") != 0;
    for (guint i = 0; writes && i < conf->paths->len; i++) {
        const char *path = g_ptr_array_index(conf->paths, i);

        for (gsize k = 0; k < G_N_ELEMENTS(ROOT_DIRS); k++)
            if (tn_files_is_beneath(ROOT_DIRS[k], path))
                add(findings, &conf->base, "root-equivalent: what is written below %s runs as root",
                    ROOT_DIRS[k]);
        if (tn_files_is_beneath("/home", path))
            add(findings, &conf->base, "root-equivalent: ~/.ssh/authorized_keys lie below /home");
    }
}

void
tn_lints_check(const TnPolicy *policy, GPtrArray *findings)
{
    const TnPolicyCommand *password =
        g_hash_table_lookup(policy->commands, "guest-set-user-password");
    const TnRules *rules = policy->rules;

    if (password != NULL && tn_policy_why_disabled(policy, password, FALSE) == NULL)
        add(findings, &rules->commands->base,
            "root-equivalent: @account lets the host set passwords and keys");
    if (rules->policy->mode == TN_MODE_COMPAT && policy->allowed == NULL)
        add(findings, &rules->policy->base,
            "root-equivalent: in mode compat the host may run anything that no rule denies");
    for (guint i = 0; i < policy->exec_rules->len; i++) {
        const TnExecRule *rule = g_ptr_array_index(policy->exec_rules, i);

        check_shadowed(policy, i, findings);
        if (rule->conf->verdict != 0)
            continue;
        check_reach(rule, findings);
        check_files(rule, findings);
        check_needs(rule, findings);
    }
    for (guint i = 0; i < rules->files->len; i++)
        check_file_rule(g_ptr_array_index(rules->files, i), findings);
}
