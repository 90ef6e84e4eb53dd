/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Control groups of jobs. As long as no job has limits no controller is switched on, so the rule
 * that only leaves may hold processes does not matter and the agent can stay where it is.
 *
 * systemd puts the next main process of the unit into the unit's own group, which the kernel
 * refuses while controllers are on there; so the unit's ExecStopPost= switches them off whenever
 * the agent has ended, and limits of programs that outlive the agent end with it.
 */

#include "platform/jobgroup.h"

#include "platform/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define GROUP_PREFIX "tenon-job-"
#define AGENT_GROUP  "tenon-agent" /* where the agent stands once controllers are on */
#define CONTROLLERS  "memory pids cpu"

enum {
    PROCS_LIMIT_BYTES = 1024 * 1024,
    CPU_PERIOD_US = 100 * 1000, /* the kernel's default */
    PERCENT = 100,
    GROUP_MODE = 0755,
};

/* Where cgroup2 alone is mounted, and where it stands beside the older hierarchies. */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

/* The path of the line "0::PATH"; NULL: not in cgroup2. */
static char *
find_own_path(void)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!tn_fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROCS_LIMIT_BYTES, &text, NULL, NULL))
        return NULL;
    lines = g_strsplit(text, "\n", 0);
    for (gsize i = 0; lines[i] != NULL; i++)
        if (g_str_has_prefix(lines[i], "0::/")) {
            char *path = g_strdup(lines[i] + strlen("0::"));

            if (g_str_has_suffix(path, "/" AGENT_GROUP))
                path[strlen(path) - strlen("/" AGENT_GROUP)] = '\0';
            return path;
        }
    return NULL;
}

int
tn_jobgroup_open_parent(void)
{
    g_autofree char *own = find_own_path();

    for (gsize i = 0; own != NULL && i < G_N_ELEMENTS(mounts); i++) {
        g_autofree char *path = g_strconcat(mounts[i], own, NULL);
        tn_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        /* cgroup.procs alone stands in the older hierarchies, too. */
        if (fd >= 0 && faccessat(fd, "cgroup.controllers", R_OK, 0) == 0)
            return faccessat(fd, "cgroup.procs", W_OK, 0) == 0 ? tn_fd_steal(&fd) : -1;
    }
    return -1;
}

static char *
make_name(gint64 number)
{
    return g_strdup_printf(GROUP_PREFIX "%" G_GINT64_FORMAT, number);
}

int
tn_jobgroup_open(int parent, gint64 number)
{
    g_autofree char *name = make_name(number);

    return parent >= 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int
tn_jobgroup_create(int parent, gint64 number)
{
    g_autofree char *name = make_name(number);

    if (parent < 0 || (mkdirat(parent, name, GROUP_MODE) < 0 && errno != EEXIST))
        return -1;
    return tn_jobgroup_open(parent, number);
}

void
tn_jobgroup_remove(int parent, gint64 number)
{
    g_autofree char *name = make_name(number);

    if (parent >= 0)
        unlinkat(parent, name, AT_REMOVEDIR);
}

void
tn_jobgroup_sweep(int parent)
{
    int fd = parent >= 0 ? openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (dir == NULL) {
        tn_fd_clear(&fd);
        return;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while ((entry = readdir(dir)) != NULL)
        if (g_str_has_prefix(entry->d_name, GROUP_PREFIX))
            unlinkat(parent, entry->d_name, AT_REMOVEDIR); /* fails where processes are left */
    closedir(dir);
}

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

    if (mkdirat(parent, AGENT_GROUP, GROUP_MODE) < 0 && errno != EEXIST)
        return tn_error_from_errno(error, errno, "%s", AGENT_GROUP);
    agent = openat(parent, AGENT_GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (agent < 0)
        return tn_error_from_errno(error, errno, "%s", AGENT_GROUP);
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

gboolean
tn_jobgroup_limit(int group, const TnSpawnGroup *limits, GError **error)
{
    tn_autofd int parent = openat(group, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "control groups cannot be made here");
        return FALSE;
    }
    return enable_controllers(parent, error) &&
           write_number(group, "pids.max", limits->pids, error) &&
           limit_memory(group, limits->memory_bytes, error) &&
           limit_cpu(group, limits->cpu_percent, error);
}

gboolean
tn_jobgroup_ran_out_of_memory(int group)
{
    g_autofree char *text = NULL;
    const char *found;

    if (group < 0 || !tn_fd_read_file(group, "memory.events", PROCS_LIMIT_BYTES, &text, NULL, NULL))
        return FALSE;
    found = strstr(text, "oom_kill ");
    return found != NULL && g_ascii_strtoull(found + strlen("oom_kill "), NULL, 10) > 0;
}

static gboolean
kill_group(int group)
{
    return write_file(group, "cgroup.kill", "1", NULL);
}

void
tn_jobgroup_signal(int group, int signal)
{
    g_autofree char *text = NULL;
    char *at;

    if (signal == SIGKILL && kill_group(group))
        return;
    if (!tn_fd_read_file(group, "cgroup.procs", PROCS_LIMIT_BYTES, &text, NULL, NULL))
        return;
    at = text;
    for (;;) {
        gint64 pid = g_ascii_strtoll(at, &at, 10);

        if (pid <= 0)
            return;
        kill((pid_t)pid, signal);
    }
}
