/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Control groups of jobs. Limits are grouplimits.c's; without any no controller is on, and the
 * agent stays where the service manager put it.
 */

#include "platform/jobgroup.h"

#include "platform/fd.h"
#include "platform/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Groups below the agent's own that an agent may stand in: its own, once controllers are on, and
 * systemd's for the unit's other commands. */
static const char *const inner_groups[] = {"/" TN_JOBGROUP_AGENT, "/.control"};

enum {
    PROCS_LIMIT_BYTES = 1024 * 1024,
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

            for (gsize k = 0; k < G_N_ELEMENTS(inner_groups); k++)
                if (g_str_has_suffix(path, inner_groups[k]))
                    path[strlen(path) - strlen(inner_groups[k])] = '\0';
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
    return g_strdup_printf(TN_JOBGROUP_PREFIX "%" G_GINT64_FORMAT, number);
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

    if (parent < 0)
        return -1;
    /* One that is there and can be removed was left behind; one that cannot has another agent's
     * program in it, which the end of ours must not end. */
    if (mkdirat(parent, name, GROUP_MODE) < 0 &&
        (errno != EEXIST || unlinkat(parent, name, AT_REMOVEDIR) < 0 ||
         mkdirat(parent, name, GROUP_MODE) < 0))
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
    g_autoptr(GPtrArray) names = parent >= 0 ? tn_sysroot_list(parent, "/", G_MAXUINT) : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++)
        if (g_str_has_prefix(names->pdata[i], TN_JOBGROUP_PREFIX))
            unlinkat(parent, names->pdata[i], AT_REMOVEDIR); /* fails where processes are left */
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
    tn_autofd int fd = openat(group, "cgroup.kill", O_WRONLY | O_CLOEXEC);

    return fd >= 0 && tn_fd_write_all(fd, "1", 1, NULL);
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
