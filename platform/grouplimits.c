/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits of control groups, which need controllers. The kernel wants a group with controllers below
 * it to have no processes of its own, so the first limits move the agent into a group beside the
 * jobs'. systemd (before 254, which has DelegateSubgroup=) puts the unit's next main process into
 * the unit's own group, and the kernel refuses that while controllers are on. So they are switched
 * off whenever an agent has ended (release), and so that no program runs without its limits
 * meanwhile it is frozen until the next agent has set them again (restore); they stand in an
 * extended attribute of the group.
 */

#include "platform/grouplimits.h"

#include "platform/fd.h"
#include "platform/jobgroup.h"
#include "platform/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CONTROLLERS "memory pids cpu"
#define ATTRIBUTE   "trusted.tenon.limits" /* "PIDS MEMORY CPU" of TnSpawnGroup */

enum {
    PROCS_LIMIT_BYTES = 1024 * 1024,
    ATTRIBUTE_LIMIT_BYTES = 64,
    GROUP_MODE = 0755,
    CPU_PERIOD_US = 100 * 1000, /* the kernel's default */
    PERCENT = 100,
};

static gboolean
write_file(int dir, const char *name, const char *text, GError **error)
{
    tn_autofd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return tn_error_from_errno(error, errno, "%s", name);
    if (tn_fd_write_all(fd, text, strlen(text), error))
        return TRUE;
    g_prefix_error(error, "%s: ", name);
    return FALSE;
}

static gboolean
is_delegated(int parent)
{
    char mark;

    return (fgetxattr(parent, "trusted.delegate", &mark, 1) == 1 && mark == '1') ||
           (fgetxattr(parent, "user.delegate", &mark, 1) == 1 && mark == '1');
}

static gboolean
has_controllers(int dir)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) have = NULL;
    g_auto(GStrv) wanted = g_strsplit(CONTROLLERS, " ", -1);

    if (!tn_fd_read_file(dir, "cgroup.subtree_control", PROCS_LIMIT_BYTES, &text, NULL, NULL))
        return FALSE;
    have = g_strsplit(g_strchomp(text), " ", -1);
    for (gsize i = 0; wanted[i] != NULL; i++)
        if (!g_strv_contains((const char *const *)have, wanted[i]))
            return FALSE;
    return TRUE;
}

/* All of PARENT's processes into its group of that name; some may end meanwhile. */
static gboolean
move_processes(int parent, GError **error)
{
    g_autofree char *text = NULL;
    char *at;
    tn_autofd int agent = -1;

    if (mkdirat(parent, TN_JOBGROUP_AGENT, GROUP_MODE) < 0 && errno != EEXIST)
        return tn_error_from_errno(error, errno, "%s", TN_JOBGROUP_AGENT);
    agent = openat(parent, TN_JOBGROUP_AGENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (agent < 0)
        return tn_error_from_errno(error, errno, "%s", TN_JOBGROUP_AGENT);
    if (!tn_fd_read_file(parent, "cgroup.procs", PROCS_LIMIT_BYTES, &text, NULL, error))
        return FALSE;
    at = text;
    for (;;) {
        gint64 pid = g_ascii_strtoll(at, &at, 10);
        g_autofree char *line = g_strdup_printf("%" G_GINT64_FORMAT, pid);
        g_autoptr(GError) gone = NULL;

        if (pid <= 0)
            return TRUE;
        if (!write_file(agent, "cgroup.procs", line, &gone) && kill((pid_t)pid, 0) == 0) {
            g_propagate_error(error, g_steal_pointer(&gone));
            return FALSE;
        }
    }
}

static gboolean
enable_controllers(int parent, GError **error)
{
    g_auto(GStrv) names = g_strsplit(CONTROLLERS, " ", -1);

    if (has_controllers(parent))
        return TRUE;
    if (!is_delegated(parent)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "no control group was delegated to the agent (Delegate=yes)");
        return FALSE;
    }
    if (!move_processes(parent, error))
        return FALSE;
    for (gsize i = 0; names[i] != NULL; i++) {
        g_autofree char *line = g_strconcat("+", names[i], NULL);

        if (!write_file(parent, "cgroup.subtree_control", line, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
write_number(int group, const char *name, guint64 value, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

    return value == 0 || write_file(group, name, text, error);
}

static gboolean
limit_memory(int group, guint64 bytes, GError **error)
{
    if (bytes == 0)
        return TRUE;
    /* Swap would only make it slow; it is not there on a kernel without. All or nothing dies. */
    (void)write_file(group, "memory.swap.max", "0", NULL);
    return write_number(group, "memory.max", bytes, error) &&
           write_file(group, "memory.oom.group", "1", error);
}

static gboolean
limit_cpu(int group, guint percent, GError **error)
{
    g_autofree char *text = g_strdup_printf(
        "%" G_GUINT64_FORMAT " %d", (guint64)percent * CPU_PERIOD_US / PERCENT, CPU_PERIOD_US);

    return percent == 0 || write_file(group, "cpu.max", text, error);
}

static gboolean
write_limits(int group, const TnSpawnGroup *limits, GError **error)
{
    return write_number(group, "pids.max", limits->pids, error) &&
           limit_memory(group, limits->memory_bytes, error) &&
           limit_cpu(group, limits->cpu_percent, error);
}

static gboolean
save_limits(int group, const TnSpawnGroup *limits, GError **error)
{
    g_autofree char *text =
        g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u", limits->pids,
                        limits->memory_bytes, limits->cpu_percent);

    if (fsetxattr(group, ATTRIBUTE, text, strlen(text), 0) == 0)
        return TRUE;
    return tn_error_from_errno(error, errno, "%s", ATTRIBUTE);
}

/* FALSE: GROUP has no limits. */
static gboolean
read_limits(int group, TnSpawnGroup *limits)
{
    char text[ATTRIBUTE_LIMIT_BYTES + 1];
    ssize_t n = fgetxattr(group, ATTRIBUTE, text, ATTRIBUTE_LIMIT_BYTES);
    g_auto(GStrv) words = NULL;
    guint64 percent = 0;

    if (n < 0)
        return FALSE;
    text[n] = '\0';
    words = g_strsplit(text, " ", -1);
    *limits = (TnSpawnGroup){.is_wanted = TRUE};
    if (g_strv_length(words) != 3 ||
        !g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXUINT64, &limits->pids, NULL) ||
        !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXUINT64, &limits->memory_bytes, NULL) ||
        !g_ascii_string_to_unsigned(words[2], 10, 0, G_MAXUINT, &percent, NULL))
        return FALSE;
    limits->cpu_percent = (guint)percent;
    return TRUE;
}

gboolean
tn_grouplimits_set(int group, const TnSpawnGroup *limits, GError **error)
{
    tn_autofd int parent = openat(group, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "control groups cannot be made here");
        return FALSE;
    }
    return enable_controllers(parent, error) && save_limits(group, limits, error) &&
           write_limits(group, limits, error);
}

/* Opened directories of PARENT's groups that have limits. Free with g_array_unref. */
static GArray *
open_limited_groups(int parent)
{
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) names = parent >= 0 ? tn_sysroot_list(parent, "/", G_MAXUINT) : NULL;
    TnSpawnGroup limits;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        int group;

        if (!g_str_has_prefix(names->pdata[i], TN_JOBGROUP_PREFIX))
            continue;
        group = openat(parent, names->pdata[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (group >= 0 && read_limits(group, &limits))
            g_array_append_val(groups, group);
        else
            tn_fd_clear(&group);
    }
    return groups;
}

/* Calls HANDLE for each group of PARENT with limits. */
static void
for_limited_groups(int parent, void (*handle)(int parent, int group))
{
    g_autoptr(GArray) groups = open_limited_groups(parent);

    for (guint i = 0; i < groups->len; i++) {
        tn_autofd int group = g_array_index(groups, int, i);

        handle(parent, group);
    }
}

static void
freeze(int parent, int group)
{
    if (!write_file(group, "cgroup.freeze", "1", NULL))
        tn_jobgroup_signal(group, SIGKILL);
}

static void
restore(int parent, int group)
{
    TnSpawnGroup limits;

    /* With its limits or not at all. */
    if (!read_limits(group, &limits) || !enable_controllers(parent, NULL) ||
        !write_limits(group, &limits, NULL))
        tn_jobgroup_signal(group, SIGKILL);
    (void)write_file(group, "cgroup.freeze", "0", NULL);
}

void
tn_grouplimits_restore(int parent)
{
    for_limited_groups(parent, restore);
}

gboolean
tn_grouplimits_answer(int argc, char **argv, int *ret_exit_code)
{
    g_auto(GStrv) names = g_strsplit(CONTROLLERS, " ", -1);
    tn_autofd int parent = -1;

    if (argc != 2 || strcmp(argv[1], TN_GROUPLIMITS_RELEASE) != 0)
        return FALSE;
    *ret_exit_code = 0;
    parent = tn_jobgroup_open_parent();
    if (parent < 0 || !is_delegated(parent) || !has_controllers(parent))
        return TRUE;
    for_limited_groups(parent, freeze);
    for (gsize i = 0; names[i] != NULL; i++) {
        g_autofree char *line = g_strconcat("-", names[i], NULL);
        g_autoptr(GError) error = NULL;

        if (!write_file(parent, "cgroup.subtree_control", line, &error)) {
            fprintf(stderr, "%s: %s\n", argv[0], error->message);
            *ret_exit_code = 1;
        }
    }
    return TRUE;
}
