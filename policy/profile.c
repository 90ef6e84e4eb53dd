/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tables behind the profiles. A call stands in a group because no administration script needs
 * it except by intent and because it has been a way out or a kernel bug's door; the group's reason
 * is what tenon-policy prints. Names that an architecture does not have are skipped there.
 */

#include "policy/profile.h"

#include "policy/policy.h"

#include <seccomp.h>
#include <string.h>

#define CALLS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const TnCallGroup GROUPS[] = {
    {"modules and boot", TN_CONFINE_FILTER, "changes the running kernel",
     CALLS("init_module", "finit_module", "delete_module", "create_module", "query_module",
           "get_kernel_syms", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff")},
    {"raw hardware", TN_CONFINE_FILTER, "ports and buses around the drivers",
     CALLS("iopl", "ioperm", "pciconfig_iobase", "pciconfig_read", "pciconfig_write",
           "s390_pci_mmio_read", "s390_pci_mmio_write")},
    {"cpu emulation", TN_CONFINE_FILTER, "old modes with a long list of bugs",
     CALLS("modify_ldt", "vm86", "vm86old", "subpage_prot", "switch_endian")},
    {"foreign processes", TN_CONFINE_FILTER, "reads and writes other programs",
     CALLS("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
           "pidfd_getfd")},
    {"tracing", TN_CONFINE_FILTER, "code in the kernel, and its inner state",
     CALLS("perf_event_open", "lookup_dcookie", "bpf", "rtas", "s390_runtime_instr",
           "sys_debug_setcontext")},
    {"keyrings", TN_CONFINE_FILTER, "shared secrets that outlive the program",
     CALLS("add_key", "request_key", "keyctl")},
    {"large kernel surface", TN_CONFINE_FILTER, "does the work of filtered calls, or widens races",
     CALLS("userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register")},
    {"mounts and roots", TN_CONFINE_FILTER, "another view of the files than the policy's",
     CALLS("mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount",
           "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr")},
    {"namespaces", TN_CONFINE_FILTER, "new powers in a new namespace", CALLS("setns", "unshare")},
    {"handles", TN_CONFINE_FILTER, "opens files around every directory",
     CALLS("name_to_handle_at", "open_by_handle_at")},
    {"host identity and clock", TN_CONFINE_FILTER, "changes the machine for everybody",
     CALLS("settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64",
           "adjtimex", "stime", "sethostname", "setdomainname", "vhangup", "syslog", "acct",
           "quotactl", "quotactl_fd", "nfsservctl", "fanotify_init")},
    {"memory placement", TN_CONFINE_FILTER, "moves pages, of others too",
     CALLS("migrate_pages", "move_pages", "mbind", "set_mempolicy", "set_mempolicy_home_node")},
    {"obsolete", TN_CONFINE_FILTER, "nobody calls them in good faith",
     CALLS("uselib", "ustat", "sysfs", "_sysctl", "afs_syscall", "vserver", "getpmsg", "putpmsg",
           "security", "tuxcall", "bdflush", "break", "ftime", "gtty", "idle", "lock", "mpx",
           "prof", "profil", "stty", "ulimit", "epoll_ctl_old", "epoll_wait_old")},
    {"fileless programs", TN_CONFINE_STRICT, "runs code that no file holds",
     CALLS("memfd_create", "memfd_secret", "execveat")},
    {"personality and scheduling", TN_CONFINE_STRICT, "changes how others run",
     CALLS("personality", "mlock", "mlock2", "mlockall", "munlock", "munlockall", "pkey_mprotect",
           "pkey_alloc", "pkey_free", "sched_setparam", "sched_setscheduler", "sched_setattr",
           "sched_setaffinity", "ioprio_set")},
    {"capabilities and device nodes", TN_CONFINE_STRICT, "shifts what it may do",
     CALLS("capset", "setfsuid", "setfsgid", "setfsuid32", "setfsgid32", "mknod", "mknodat")},
    {"SysV and POSIX IPC", TN_CONFINE_STRICT | TN_CONFINE_NO_IPC, "talks to other programs",
     CALLS("ipc", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop",
           "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget", "mq_getsetattr", "mq_notify",
           "mq_open", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend",
           "mq_timedsend_time64", "mq_unlink")},
    {"new processes", TN_CONFINE_COMPUTE, "one process computes", CALLS("fork", "vfork", "clone")},
};

static const struct {
    const char *name;
    TnConfine features;
} PROFILES[] = {
    {"unrestricted", 0},
    {"baseline", TN_CONFINE_FILTER},
    {"no-network", TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK},
    {"no-ipc", TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK | TN_CONFINE_NO_IPC},
    {"read-only", TN_CONFINE_FILTER | TN_CONFINE_READ_ONLY},
    {"strict", TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK | TN_CONFINE_STRICT},
    {"compute", TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK | TN_CONFINE_STRICT | TN_CONFINE_COMPUTE},
};

static const char *const PROFILE_NAMES[] = {
    "unrestricted", "baseline", "no-network", "no-ipc", "read-only", "strict", "compute", NULL,
};

static const char *const PROFILE_DOCS[] = {
    "no filter at all",
    "denies what no administration script needs; for root surface reduction, no boundary",
    "baseline, and no sockets but AF_UNIX",
    "no-network, and no AF_UNIX, SysV or POSIX IPC either",
    "baseline, all file systems read-only, private /tmp and /dev",
    "no-network, no fileless programs, no device nodes, no IPC",
    "strict, and no new processes",
    NULL,
};

static const struct {
    const char *name;
    const char *const *calls;
} SETS[] = {
    {"@chown", CALLS("chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32")},
    {"@clock", CALLS("adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime",
                     "clock_settime64", "settimeofday")},
    {"@cpu-emulation", CALLS("modify_ldt", "subpage_prot", "switch_endian", "vm86", "vm86old")},
    {"@debug", CALLS("lookup_dcookie", "perf_event_open", "pidfd_getfd", "ptrace", "rtas",
                     "s390_runtime_instr", "sys_debug_setcontext")},
    {"@ipc",
     CALLS("ipc", "memfd_create", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
           "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl",
           "msgget", "msgrcv", "msgsnd", "pipe", "pipe2", "process_madvise", "process_vm_readv",
           "process_vm_writev", "semctl", "semget", "semop", "semtimedop", "semtimedop_time64",
           "shmat", "shmctl", "shmdt", "shmget")},
    {"@keyring", CALLS("add_key", "keyctl", "request_key")},
    {"@memlock", CALLS("mlock", "mlock2", "mlockall", "munlock", "munlockall")},
    {"@module", CALLS("delete_module", "finit_module", "init_module")},
    {"@mount", CALLS("chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
                     "move_mount", "open_tree", "pivot_root", "umount", "umount2")},
    {"@network-io", CALLS("accept", "accept4", "bind", "connect", "getpeername", "getsockname",
                          "getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
                          "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt",
                          "shutdown", "socket", "socketcall", "socketpair")},
    {"@obsolete",
     CALLS("_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime",
           "get_kernel_syms", "getpmsg", "gtty", "idle", "lock", "mpx", "prof", "profil", "putpmsg",
           "query_module", "security", "sgetmask", "ssetmask", "stime", "stty", "sysfs", "tuxcall",
           "ulimit", "uselib", "ustat", "vserver")},
    {"@privileged",
     CALLS("acct", "bpf", "capset", "chroot", "fanotify_init", "fanotify_mark", "nfsservctl",
           "open_by_handle_at", "pivot_root", "quotactl", "quotactl_fd", "setdomainname",
           "setfsuid", "setfsuid32", "setgroups", "setgroups32", "sethostname", "setresuid",
           "setresuid32", "setreuid", "setreuid32", "setuid", "setuid32", "vhangup")},
    {"@process",
     CALLS("clone", "clone3", "execveat", "fork", "getrusage", "kill", "pidfd_open",
           "pidfd_send_signal", "prctl", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setns", "tgkill",
           "times", "tkill", "unshare", "vfork", "wait4", "waitid", "waitpid")},
    {"@raw-io", CALLS("ioperm", "iopl", "pciconfig_iobase", "pciconfig_read", "pciconfig_write",
                      "s390_pci_mmio_read", "s390_pci_mmio_write")},
    {"@reboot", CALLS("kexec_file_load", "kexec_load", "reboot")},
    {"@resources",
     CALLS("ioprio_set", "mbind", "migrate_pages", "move_pages", "nice", "sched_setaffinity",
           "sched_setattr", "sched_setparam", "sched_setscheduler", "set_mempolicy",
           "set_mempolicy_home_node", "setpriority", "setrlimit")},
    {"@setuid", CALLS("setgid", "setgid32", "setgroups", "setgroups32", "setregid", "setregid32",
                      "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid",
                      "setreuid32", "setuid", "setuid32")},
    {"@swap", CALLS("swapoff", "swapon")},
    {"@sync",
     CALLS("fdatasync", "fsync", "msync", "sync", "sync_file_range", "sync_file_range2", "syncfs")},
    {"@timer", CALLS("alarm", "getitimer", "setitimer", "timer_create", "timer_delete",
                     "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime",
                     "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
                     "timerfd_settime", "timerfd_settime64", "times")},
};

const TnCallGroup *
tn_profile_get_groups(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(GROUPS);
    return GROUPS;
}

gboolean
tn_profile_is_builtin(const char *name)
{
    return g_strv_contains(PROFILE_NAMES, name);
}

TnConfine
tn_profile_get_features(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(PROFILES); i++)
        if (strcmp(PROFILES[i].name, name) == 0)
            return PROFILES[i].features;
    return 0;
}

const char *const *
tn_profile_list(const char *const **ret_docs)
{
    *ret_docs = PROFILE_DOCS;
    return PROFILE_NAMES;
}

const char *const *
tn_profile_find_set(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(SETS); i++)
        if (strcmp(SETS[i].name, name) == 0)
            return SETS[i].calls;
    return NULL;
}

gboolean
tn_profile_check_calls(const GPtrArray *words, GError **error)
{
    for (guint i = 0; i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);

        if (word[0] == '@' ? tn_profile_find_set(word) != NULL
                           : seccomp_syscall_resolve_name(word) != __NR_SCMP_ERROR)
            continue;
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID,
                    "%.64s is no system call and no @set", word);
        return FALSE;
    }
    return TRUE;
}
