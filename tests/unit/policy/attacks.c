/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The attacks, each a few lines of system calls.
 */

#include "tests/unit/policy/attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Decimal, and "H" before it sets bit 32. */
static unsigned long
read_number(const char *text)
{
    unsigned long high = text[0] == 'H' ? 1UL << 32 : 0;
    guint64 value = 0;

    if (!g_ascii_string_to_unsigned(text + (high != 0 ? 1 : 0), 10, 0, G_MAXUINT32, &value, NULL))
        _exit(203);
    return (unsigned long)value | high;
}

static int
errno_of(long result)
{
    return result < 0 ? errno : 0;
}

static int
try_socket(const char *arg)
{
    /* The number as the register has it, so that its upper half can be set. */
    return errno_of(syscall(SYS_socket, read_number(arg), SOCK_DGRAM, 0));
}

static int
try_socketpair(const char *arg)
{
    int fds[2];

    return errno_of(syscall(SYS_socketpair, read_number(arg), SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
}

static int
try_call(const char *arg)
{
    return errno_of(syscall((long)read_number(arg), 0L, 0L, 0L, 0L, 0L, 0L));
}

static int
try_int80(const char *arg)
{
#if defined(__x86_64__)
    long result;

    /* getpid by the table of 32-bit programs. */
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? (int)-result : 0;
#else
    return ENOSYS;
#endif
}

static int
try_x32(const char *arg)
{
    return errno_of(syscall(0x40000000L | 39));
}

static int
try_unshare(const char *arg)
{
    return errno_of(unshare(CLONE_NEWUSER));
}

static int
try_clone(const char *arg)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    return errno_of(pid);
}

static void *
run_empty(void *data)
{
    return data;
}

static int
try_thread(const char *arg)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run_empty, NULL);

    return error != 0 ? error : pthread_join(thread, NULL);
}

static int
try_fork(const char *arg)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return errno_of(pid);
}

static int
try_ioctl(const char *arg)
{
    int master;
    int slave;
    char letter = 'x';

    if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
        return 201;
    return errno_of(syscall(SYS_ioctl, slave, read_number(arg), &letter));
}

static int
try_bind_mount(const char *arg)
{
    return errno_of(mount("/etc", "/mnt", NULL, MS_BIND, NULL));
}

static int
try_remount(const char *arg)
{
    return errno_of(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int
try_ptrace(const char *arg)
{
    return errno_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
try_vm_write(const char *arg)
{
    char byte = 0;
    struct iovec local = {&byte, 1};
    struct iovec remote = {&byte, 1};

    return errno_of(process_vm_writev(getppid(), &local, 1, &remote, 1, 0));
}

static int
try_mem(const char *arg)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/mem", getppid());
    return errno_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int
try_write(const char *arg)
{
    return errno_of(open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
try_trunc_read(const char *arg)
{
    return errno_of(open(arg, O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int
try_truncate(const char *arg)
{
    return errno_of(truncate(arg, 0));
}

static int
try_chmod(const char *arg)
{
    return errno_of(chmod(arg, 0666));
}

static int
try_setxattr(const char *arg)
{
    return errno_of(setxattr(arg, "user.x", "y", 1, 0));
}

static int
try_open(const char *arg)
{
    return errno_of(open(arg, O_RDONLY | O_CLOEXEC));
}

static int
try_mknod(const char *arg)
{
    return errno_of(mknod(arg, S_IFBLK | 0600, makedev(8, 0)));
}

static int
try_fileless(const char *arg)
{
    return errno_of(syscall(SYS_memfd_create, "x", 0U));
}

static int
try_execveat(const char *arg)
{
    char *const argv[] = {(char[]){"true"}, NULL};

    return errno_of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0));
}

static int
try_kill_parent(const char *arg)
{
    return errno_of(kill(getppid(), 0));
}

static int
try_second_filter(const char *arg)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return 202;
    return try_unshare(arg);
}

/* 0 when exactly descriptors 0 to 2 are open. */
static int
try_descriptors(const char *arg)
{
    for (int fd = 0; fd < 1024; fd++)
        if ((fcntl(fd, F_GETFD) >= 0) != (fd < 3))
            return fd + 1;
    return 0;
}

/* 0 when /proc/self/status has the line ARG. */
static int
try_status(const char *arg)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    int found = 1;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, arg) == 0)
            found = 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static int
try_ids(const char *arg)
{
    char ids[64];

    snprintf(ids, sizeof ids, "%u:%u:%d", getuid(), getgid(), getgroups(0, NULL));
    return strcmp(ids, arg) == 0 ? 0 : 1;
}

static const struct {
    const char *name;
    int (*run)(const char *arg);
} ATTACKS[] = {
    {"socket", try_socket},
    {"socketpair", try_socketpair},
    {"call", try_call},
    {"int80", try_int80},
    {"x32", try_x32},
    {"unshare", try_unshare},
    {"clone", try_clone},
    {"thread", try_thread},
    {"fork", try_fork},
    {"ioctl", try_ioctl},
    {"bind-mount", try_bind_mount},
    {"remount", try_remount},
    {"ptrace", try_ptrace},
    {"vm-write", try_vm_write},
    {"mem", try_mem},
    {"write", try_write},
    {"trunc-read", try_trunc_read},
    {"truncate", try_truncate},
    {"chmod", try_chmod},
    {"setxattr", try_setxattr},
    {"open", try_open},
    {"mknod", try_mknod},
    {"memfd", try_fileless},
    {"execveat", try_execveat},
    {"kill-parent", try_kill_parent},
    {"second-filter", try_second_filter},
    {"descriptors", try_descriptors},
    {"status", try_status},
    {"ids", try_ids},
};

int
attack_run(const char *name, const char *arg)
{
    for (size_t i = 0; i < sizeof ATTACKS / sizeof ATTACKS[0]; i++)
        if (strcmp(ATTACKS[i].name, name) == 0)
            return ATTACKS[i].run(arg);
    return 200;
}
