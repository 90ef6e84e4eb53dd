/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Confinement between clone and exec. Raw calls for users and groups, because libc's signal every
 * thread of the agent; nothing here decides anything. The credentials of a task are its own even
 * where memory is shared, so the agent keeps its.
 *
 * What root may do after exec is decided by the bounding set alone (capabilities(7), "Capabilities
 * and execution of programs by root"), so nothing is taken from the effective set before: loading a
 * filter without no-new-privs needs CAP_SYS_ADMIN to the last.
 */

#include "platform/confine-child-run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/mount.h> exclude each other in some libcs; these are kernel ABI. */
enum {
    MOUNT_RDONLY = 1,
    MOUNT_NOSUID = 2,
    MOUNT_NODEV = 4,
    MOUNT_NOEXEC = 8,
    MOUNT_REC = 16384,
    MOUNT_SLAVE = 1 << 19,
    AT_WHOLE_TREE = 0x8000, /* AT_RECURSIVE, linux/fcntl.h */
};

/* 32-bit architectures with 16-bit ids have calls of their own for the usual ones. */
#ifdef SYS_setgroups32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETRESUID SYS_setresuid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETRESUID SYS_setresuid
#endif

typedef struct {
    const char *path;
    unsigned int major;
    unsigned int minor;
} Node;

/* Linux's devices.txt; what a program may expect and nobody can harm with. */
static const Node NODES[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const char *const LINKS[][2] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
};

int
tn_confine_make_namespaces(const TnSpawnConfine *confine)
{
    int flags = (confine->is_read_only || confine->makes_pids ? CLONE_NEWNS : 0) |
                (confine->makes_network ? CLONE_NEWNET : 0);

    return flags != 0 && unshare(flags) < 0 ? errno : 0;
}

static int
mount_tmpfs(const char *path, unsigned long flags, const char *options)
{
    return syscall(SYS_mount, "tmpfs", path, "tmpfs", flags, options) < 0 ? errno : 0;
}

static int
make_read_only(const char *path, unsigned int flags)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

    return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof attr) < 0 ? errno : 0;
}

static int
make_nodes(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(NODES); i++)
        if (syscall(SYS_mknodat, AT_FDCWD, NODES[i].path, S_IFCHR | 0666,
                    makedev(NODES[i].major, NODES[i].minor)) < 0)
            return errno;
    for (gsize i = 0; i < G_N_ELEMENTS(LINKS); i++)
        if (symlinkat(LINKS[i][0], AT_FDCWD, LINKS[i][1]) < 0)
            return errno;
    return mkdirat(AT_FDCWD, "/dev/shm", 01777) < 0 ? errno : 0;
}

static int
make_dev(void)
{
    int error = mount_tmpfs("/dev", MOUNT_NOSUID | MOUNT_NOEXEC, "mode=755,size=64k,nr_inodes=64");
    mode_t saved;

    if (error != 0)
        return error;
    saved = umask(0);
    error = make_nodes();
    umask(saved);
    if (error == 0)
        error = mount_tmpfs("/dev/shm", MOUNT_NOSUID | MOUNT_NODEV, "mode=1777,size=64m");
    return error != 0 ? error : make_read_only("/dev", 0);
}

static int
make_view(void)
{
    int error = make_read_only("/", AT_WHOLE_TREE);

    if (error == 0)
        error = mount_tmpfs("/tmp", MOUNT_NOSUID | MOUNT_NODEV, "mode=1777,size=64m");
    return error != 0 ? error : make_dev();
}

/* The agent's /proc would show the processes of the agent's namespace. */
static int
make_proc(gboolean is_read_only)
{
    unsigned long flags =
        MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | (is_read_only ? MOUNT_RDONLY : 0);

    return syscall(SYS_mount, "proc", "/proc", "proc", flags, NULL) < 0 ? errno : 0;
}

int
tn_confine_make_mounts(const TnSpawnConfine *confine)
{
    int error = 0;

    if (!confine->is_read_only && !confine->makes_pids)
        return 0;
    if (syscall(SYS_mount, "none", "/", NULL, (unsigned long)(MOUNT_REC | MOUNT_SLAVE), NULL) < 0)
        return errno;
    if (confine->is_read_only)
        error = make_view();
    if (error == 0 && confine->makes_pids)
        error = make_proc(confine->is_read_only);
    return error;
}

unsigned
tn_confine_get_clone_flags(const TnSpawnConfine *confine)
{
    return confine->makes_pids ? CLONE_NEWPID | CLONE_NEWIPC : 0;
}

int
tn_confine_drop_bounding(const TnSpawnConfine *confine)
{
    for (unsigned long cap = 0; confine->drops_caps && cap < 64; cap++) {
        if ((confine->bounding >> cap & 1) != 0)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno == EINVAL ? 0 : errno; /* the first that this kernel does not know */
    }
    return 0;
}

int
tn_confine_change_user(const TnSpawnConfine *confine)
{
    if (!confine->sets_ids)
        return 0;
    if (confine->ambient != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return errno;
    if (syscall(CALL_SETGROUPS, (unsigned long)confine->n_groups, confine->groups) < 0 ||
        syscall(CALL_SETRESGID, confine->gid, confine->gid, confine->gid) < 0 ||
        syscall(CALL_SETRESUID, confine->uid, confine->uid, confine->uid) < 0)
        return errno;
    return 0;
}

int
tn_confine_set_capabilities(const TnSpawnConfine *confine)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    gboolean is_root = !confine->sets_ids || confine->uid == 0;

    if (!confine->drops_caps && !confine->sets_ids)
        return 0;
    if (syscall(SYS_capget, &header, data) < 0)
        return errno;
    for (int i = 0; i < 2; i++) {
        guint32 held = (guint32)(confine->ambient >> (i * 32));

        data[i].inheritable = is_root ? 0 : held;
        if (is_root)
            continue;
        data[i].permitted = held;
        data[i].effective = held;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return errno;
    for (unsigned long cap = 0; !is_root && cap < 64; cap++)
        if ((confine->ambient >> cap & 1) != 0 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return errno;
    return 0;
}

int
tn_confine_set_death_signal(const TnSpawnConfine *confine)
{
    if (confine->death_signal == 0)
        return 0;
    return prctl(PR_SET_PDEATHSIG, confine->death_signal, 0, 0, 0) < 0 ? errno : 0;
}

int
tn_confine_set_no_new_privs(const TnSpawnConfine *confine)
{
    return confine->sets_no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0;
}

int
tn_confine_install_filters(const struct sock_fprog *filters, guint n_filters)
{
    for (guint i = 0; i < n_filters; i++)
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &filters[i]) < 0)
            return errno;
    return 0;
}
