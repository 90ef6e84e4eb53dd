/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Confined children: each attack is started by the real spawner from a plan that the policy sealed,
 * fails under its profile and, where that is harmless, goes through without. Needs root.
 */

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/spawner.h"
#include "policy/policy.h"
#include "tests/unit/policy/attacks.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SIGNALLED = 1000, /* added to the signal's number */
    NOT_STARTED = 2000,
    PATIENCE_US = 20 * G_USEC_PER_SEC
};

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-exec", .group = "@exec"},
};

typedef struct {
    char *dir;
    char *self;
    TnPolicyHolder *holder;
    TnSpawner *spawner;
    gboolean answered;
    int result;
    char *message;
} Fixture;

/* A copy of this program: read-only children see an empty /tmp, which may be where it was built,
 * and children without rights must be able to reach it. NULL when it cannot be made. */
static char *
copy_self(void)
{
    char dir[] = "/var/lib/tn-confine-XXXXXX";
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    gsize size = 0;

    if (g_mkdtemp_full(dir, 0755) == NULL ||
        !g_file_get_contents("/proc/self/exe", &text, &size, NULL))
        return NULL;
    path = g_build_filename(dir, "attack", NULL);
    if (!g_file_set_contents(path, text, (gssize)size, NULL) || g_chmod(path, 0755) != 0)
        return NULL;
    return g_steal_pointer(&path);
}

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->dir = g_dir_make_tmp("tn-confine-XXXXXX", NULL);
    fixture->self = copy_self();
    fixture->spawner = tn_spawner_new(NULL, NULL);
    *state = fixture;
    return fixture->dir != NULL && fixture->self != NULL && fixture->spawner != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->dir, "50-t.conf", NULL);
    g_autofree char *copy_dir = g_path_get_dirname(fixture->self);

    g_unlink(path);
    g_rmdir(fixture->dir);
    g_unlink(fixture->self);
    g_rmdir(copy_dir);
    tn_policy_holder_free(fixture->holder);
    tn_spawner_free(fixture->spawner);
    g_free(fixture->dir);
    g_free(fixture->self);
    g_free(fixture->message);
    g_free(fixture);
    return 0;
}

/* Every program runs with these lines of [exec-default]. */
static void
confine_exactly(Fixture *fixture, const char *lines)
{
    TnPolicyOptions options = {
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .policy_dir = fixture->dir,
    };
    g_autofree char *path = g_build_filename(fixture->dir, "50-t.conf", NULL);
    g_autofree char *text = g_strdup_printf("[policy]\nmode = compat\n[exec-default]\n%s\n", lines);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_int_equal(chmod(path, 0600), 0);
    tn_policy_holder_free(fixture->holder);
    fixture->holder = tn_policy_holder_new(&options, NULL);
    assert_non_null(fixture->holder);
    if (tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)) != NULL)
        fail_msg("%s", tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder)));
}

/* The same, with all capabilities where the lines do not say otherwise, so that it is the profile
 * that an attack meets. */
static void
confine(Fixture *fixture, const char *lines)
{
    gboolean keeps = strstr(lines, "caps = ") == NULL && strstr(lines, "user = nobody") == NULL;
    g_autofree char *text = g_strconcat(keeps ? "caps = all\n" : "", lines, NULL);

    confine_exactly(fixture, text);
}

static void
take_outcome(gpointer data, const TnSpawnOutcome *outcome)
{
    Fixture *fixture = data;
    siginfo_t info = {0};

    fixture->answered = TRUE;
    g_clear_pointer(&fixture->message, g_free);
    if (outcome->pid == 0) {
        fixture->message = g_strdup(outcome->error->message);
        fixture->result = NOT_STARTED;
        return;
    }
    close(outcome->pidfd);
    assert_int_equal(waitid(P_PID, (id_t)outcome->pid, &info, WEXITED), 0);
    fixture->result = info.si_code == CLD_EXITED ? info.si_status : SIGNALLED + info.si_status;
}

/* The exit code of PATH with up to two arguments. */
static int
run_program(Fixture *fixture, const char *path, const char *const *argv)
{
    TnAction action = {.command = "guest-exec", .group = "@exec", .path = path, .argv = argv};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = tn_policy_grant(fixture->holder, &action, &error);
    const int stdio[3] = {-1, -1, -1};
    gint64 until_us = tn_clock_monotonic_us() + PATIENCE_US;

    if (grant == NULL)
        fail_msg("%s", error->message);
    fixture->answered = FALSE;
    tn_spawner_start(fixture->spawner, tn_grant_get_spawn_plan(grant), stdio, take_outcome,
                     fixture);
    while (!fixture->answered) {
        assert_true(tn_clock_monotonic_us() < until_us);
        g_main_context_iteration(NULL, TRUE);
    }
    return fixture->result;
}

static int
attack(Fixture *fixture, const char *name, const char *arg)
{
    const char *argv[] = {"attack", name, arg, NULL};

    return run_program(fixture, fixture->self, argv);
}

static void
check(Fixture *fixture, const char *name, const char *arg, int expected)
{
    int got = attack(fixture, name, arg);

    if (got != expected)
        fail_msg("%s %s: got %d, expected %d%s%s", name, arg != NULL ? arg : "", got, expected,
                 fixture->message != NULL ? ": " : "",
                 fixture->message != NULL ? fixture->message : "");
}

static void
check_family(Fixture *fixture, int family, int expected)
{
    g_autofree char *plain = g_strdup_printf("%d", family);
    g_autofree char *high = g_strdup_printf("H%d", family);

    check(fixture, "socket", plain, expected);
    /* The upper half is not looked at by the kernel; here it is never an honest program's. */
    check(fixture, "socket", high, EAFNOSUPPORT);
}

static void
test_foreign_calls_kill(void **state)
{
    Fixture *fixture = *state;

    int plain;

    /* A kernel without 32-bit programs answers by itself. */
    confine(fixture, "profile = unrestricted");
    plain = attack(fixture, "int80", NULL);
    confine(fixture, "profile = baseline");
    check(fixture, "int80", NULL, plain == 0 ? SIGNALLED + SIGSYS : plain);
    check(fixture, "x32", NULL, SIGNALLED + SIGSYS);
}

static void
test_families(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = baseline");
    check_family(fixture, AF_UNIX, 0);
    check_family(fixture, AF_INET, 0);
    check_family(fixture, AF_VSOCK, EAFNOSUPPORT);
    check_family(fixture, AF_ALG, EAFNOSUPPORT);
    check(fixture, "socket", "46", EAFNOSUPPORT);
    check(fixture, "socket", "4000000000", EAFNOSUPPORT);
    confine(fixture, "profile = no-network");
    check_family(fixture, AF_UNIX, 0);
    check_family(fixture, AF_INET, EAFNOSUPPORT);
    check_family(fixture, AF_INET6, EAFNOSUPPORT);
    check_family(fixture, AF_NETLINK, EAFNOSUPPORT);
    check_family(fixture, AF_PACKET, EAFNOSUPPORT);
    check(fixture, "socketpair", "1", 0);
    confine(fixture, "profile = no-ipc");
    check_family(fixture, AF_UNIX, EAFNOSUPPORT);
    check(fixture, "socketpair", "1", EAFNOSUPPORT);
}

static void
test_namespaces_and_threads(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *clone3 = g_strdup_printf("%d", SYS_clone3);

    confine(fixture, "profile = baseline");
    check(fixture, "unshare", NULL, EPERM);
    check(fixture, "clone", NULL, EPERM);
    check(fixture, "call", clone3, ENOSYS);
    check(fixture, "thread", NULL, 0);
    check(fixture, "fork", NULL, 0);
    confine(fixture, "profile = compute");
    check(fixture, "fork", NULL, EPERM);
}

static void
test_kernel_surface(void **state)
{
    static const int DENIED[] = {
        SYS_io_uring_setup, SYS_bpf,         SYS_perf_event_open, SYS_keyctl,
        SYS_fsopen,         SYS_open_tree,   SYS_mount_setattr,   SYS_open_by_handle_at,
        SYS_userfaultfd,    SYS_init_module, SYS_kexec_load,      SYS_swapon,
        SYS_setns,          SYS_pidfd_getfd, SYS_fanotify_init,   SYS_sethostname,
        SYS_settimeofday,   SYS_quotactl,    SYS_chroot,          SYS_acct,
    };
    /* mseal, setxattrat, statmount, open_tree_attr: newer than this list, whatever the kernel. */
    static const int UNKNOWN[] = {457, 462, 463, 467, 1000};
    Fixture *fixture = *state;

    confine(fixture, "profile = baseline");
    for (gsize i = 0; i < G_N_ELEMENTS(DENIED); i++) {
        g_autofree char *number = g_strdup_printf("%d", DENIED[i]);

        check(fixture, "call", number, EPERM);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(UNKNOWN); i++) {
        g_autofree char *number = g_strdup_printf("%d", UNKNOWN[i]);

        check(fixture, "call", number, ENOSYS);
    }
    check(fixture, "bind-mount", NULL, EPERM);
    check(fixture, "ptrace", NULL, EPERM);
    check(fixture, "vm-write", NULL, EPERM);
    check(fixture, "second-filter", NULL, EPERM);
}

static void
test_terminal_injection(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *push = g_strdup_printf("%d", TIOCSTI);
    g_autofree char *high = g_strdup_printf("H%d", TIOCSTI);
    g_autofree char *size = g_strdup_printf("%d", TIOCGWINSZ);

    confine(fixture, "profile = baseline");
    check(fixture, "ioctl", push, EPERM);
    check(fixture, "ioctl", high, EPERM);
    check(fixture, "ioctl", "21532", EPERM); /* TIOCLINUX */
    check(fixture, "ioctl", size, 0);
}

static void
test_strict(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = strict");
    check(fixture, "memfd", NULL, EPERM);
    check(fixture, "execveat", NULL, EPERM);
    check(fixture, "mknod", "/tmp/tn-node", EPERM);
    confine(fixture, "profile = baseline");
    check(fixture, "memfd", NULL, 0);
}

static void
test_read_only(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *victim = g_strdup_printf("/var/tmp/tn-victim-%d", getpid());

    assert_true(g_file_set_contents(victim, "precious", -1, NULL));
    confine(fixture, "profile = read-only\ncwd = /");
    check(fixture, "write", "/var/tmp/tn-new", EROFS);
    check(fixture, "trunc-read", victim, EROFS);
    check(fixture, "truncate", victim, EROFS);
    check(fixture, "chmod", victim, EROFS);
    check(fixture, "setxattr", victim, EROFS);
    check(fixture, "write", "/proc/sys/kernel/core_pattern", EROFS);
    if (g_file_test("/proc/sysrq-trigger", G_FILE_TEST_EXISTS))
        check(fixture, "write", "/proc/sysrq-trigger", EROFS);
    check(fixture, "remount", NULL, EPERM);
    check(fixture, "mknod", "/tmp/disk", EPERM);
    check(fixture, "mem", NULL, EACCES);
    check(fixture, "open", "/dev/mem", ENOENT);
    check(fixture, "write", "/dev/null", 0);
    check(fixture, "write", "/tmp/x", 0);
    check(fixture, "write", "/dev/x", EROFS);
    /* Nothing of its /tmp is left outside. */
    assert_false(g_file_test("/tmp/x", G_FILE_TEST_EXISTS));
    g_unlink(victim);
}

static void
test_user(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "user = nobody\ngroup = nogroup\nprofile = baseline");
    check(fixture, "ids", "65534:65534:0", 0);
    check(fixture, "status", "NoNewPrivs:\t1", 0);
    check(fixture, "status", "CapEff:\t0000000000000000", 0);
    check(fixture, "status", "CapBnd:\t0000000000000000", 0);
    check(fixture, "kill-parent", NULL, EPERM);
    check(fixture, "open", "/etc/shadow", EACCES);
    check(fixture, "status", "Seccomp_filters:\t2", 0);
    confine(fixture, "user = nobody\ncaps = net_bind_service\nprofile = baseline");
    check(fixture, "status", "CapEff:\t0000000000000400", 0);
    check(fixture, "status", "CapAmb:\t0000000000000400", 0);
}

static void
test_root_without_caps(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "user = root\ncaps = none\nprofile = read-only+no-ipc");
    check(fixture, "ids", "0:0:0", 0);
    check(fixture, "status", "CapEff:\t0000000000000000", 0);
    check(fixture, "mknod", "/tmp/disk", EPERM);
    check(fixture, "mem", NULL, EACCES);
    check(fixture, "socket", "1", EAFNOSUPPORT);
}

static void
test_no_caps_is_the_default(void **state)
{
    Fixture *fixture = *state;

    confine_exactly(fixture, "profile = baseline");
    check(fixture, "status", "CapEff:\t0000000000000000", 0);
    check(fixture, "mknod", "/tmp/tn-node", EPERM);
    confine_exactly(fixture, "user = nobody\nprofile = baseline");
    check(fixture, "status", "CapBnd:\t0000000000000000", 0);
    confine_exactly(fixture, "profile = unrestricted");
    assert_int_not_equal(attack(fixture, "status", "CapEff:\t0000000000000000"), 0);
    confine_exactly(fixture, "profile = baseline\ncaps = all");
    assert_int_not_equal(attack(fixture, "status", "CapEff:\t0000000000000000"), 0);
}

static void
test_own_profile(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = mine\n[profile mine]\nbase = baseline\ndeny = @sync mkdirat\n"
                     "allow = unshare\n");
    check(fixture, "call", "162", EPERM); /* sync */
    check(fixture, "call", "258", EPERM); /* mkdirat */
    check(fixture, "unshare", NULL, 0);
    check(fixture, "bind-mount", NULL, EPERM);
    confine(fixture, "profile = mine\n[profile mine]\non-violation = kill\n");
    check(fixture, "unshare", NULL, SIGNALLED + SIGSYS);
}

static void
test_descriptors(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = baseline");
    check(fixture, "descriptors", NULL, 0);
}

static void
test_network_namespace(void **state)
{
    Fixture *fixture = *state;
    const char *argv[] = {"-c", "[ $(grep -c : /proc/net/dev) -eq 1 ]", NULL};

    confine(fixture, "profile = alone\n[profile alone]\nnetns = yes\n");
    assert_int_equal(run_program(fixture, "/bin/sh", argv), 0);
}

/* A process outside of the namespace: neither seen nor signalled from within. */
static void
test_pid_namespace(void **state)
{
    Fixture *fixture = *state;
    pid_t outsider = fork();
    g_autofree char *kill_it = NULL;
    const char *const alone[] = {"-c", "[ $$ -eq 1 ] && [ $(ls /proc | grep -c '^[0-9]') -le 6 ]",
                                 NULL};
    const char *argv[] = {"-c", NULL, NULL};

    if (outsider == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        pause();
        _exit(0);
    }
    kill_it = g_strdup_printf("kill -0 %d && exit 90; kill -9 %d && exit 91; exit 7", (int)outsider,
                              (int)outsider);
    argv[1] = kill_it;
    confine(fixture, "profile = alone\n[profile alone]\nbase = baseline\npidns = yes\n");
    assert_int_equal(run_program(fixture, "/bin/sh", alone), 0);
    assert_int_equal(run_program(fixture, "/bin/sh", argv), 7);
    confine(fixture, "profile = alone\n[profile alone]\nbase = baseline+read-only\npidns = yes\n");
    assert_int_equal(run_program(fixture, "/bin/sh", alone), 0);
    assert_int_equal(run_program(fixture, "/bin/sh", argv), 7);
    check(fixture, "write", "/proc/sys/kernel/core_pattern", EROFS);
    /* It is the namespace that holds: under the same filter alone it is seen. */
    confine(fixture, "profile = baseline");
    assert_int_equal(run_program(fixture, "/bin/sh", argv), 90);
    assert_int_equal(kill(outsider, SIGKILL), 0);
    assert_int_equal(waitpid(outsider, NULL, 0), outsider);
}

/* What administrators do all day works under baseline. A line whose first word is not installed is
 * left out; at least 35 must be there on a machine with a usual system. */
static const char *const EVERYDAY[] = {
    "ls -la / >/dev/null",
    "df -h / >/dev/null",
    "du -sh /etc/apt /etc/init.d >/dev/null 2>&1 || true",
    "cat /etc/os-release >/dev/null",
    "grep -q root /etc/passwd",
    "find /etc -maxdepth 1 -name 'host*' >/dev/null",
    "sed -n 1p /etc/passwd >/dev/null",
    "awk 'BEGIN { exit 0 }'",
    "sort /etc/passwd >/dev/null",
    "head -c 100 /dev/urandom | base64 >/dev/null",
    "tar -cf - /etc/hostname 2>/dev/null | tar -tf - >/dev/null",
    "gzip -c /etc/passwd | gunzip >/dev/null",
    "sha256sum /etc/passwd >/dev/null",
    "stat / >/dev/null",
    "id >/dev/null",
    "uname -a >/dev/null",
    "date >/dev/null",
    "hostname >/dev/null",
    "nproc >/dev/null",
    "ps aux >/dev/null",
    "free -m >/dev/null",
    "uptime >/dev/null",
    "env >/dev/null",
    "printf 'a\\nb\\n' | xargs echo >/dev/null",
    "dd if=/dev/zero of=/dev/null bs=4k count=4 2>/dev/null",
    "mktemp -u >/dev/null",
    "timeout 5 true",
    "nice true",
    "setsid true",
    "mount >/dev/null",
    "ip addr >/dev/null",
    "ss -ltn >/dev/null",
    "getent passwd root >/dev/null",
    "bash -c 'sleep 0.01 & wait'",
    "python3 -c 'import threading; t = threading.Thread(target=print); t.start(); t.join()'",
    "python3 -c 'import subprocess; subprocess.run([\"true\"], check=True)'",
    "perl -e 'exit 0'",
    "dpkg -l >/dev/null",
    "apt-get --version >/dev/null",
    "su -s /bin/sh nobody -c true",
    "runuser -u nobody true",
    "gcc --version >/dev/null",
    "git --version >/dev/null",
    "chrt -o 0 true",
    "ionice -c 3 true",
};

/* And what is meant to fail does. */
static const char *const DENIED[] = {
    "unshare -U true",      "unshare -m true",          "chroot / true",
    "nsenter -t 1 -m true", "strace -o /dev/null true",
};

static gboolean
is_installed(const char *line)
{
    g_autofree char *word = g_strndup(line, strcspn(line, " "));
    g_autofree char *found = g_find_program_in_path(word);

    return found != NULL;
}

static void
test_everyday_work(void **state)
{
    Fixture *fixture = *state;
    guint n_run = 0;

    confine(fixture, "profile = baseline");
    for (gsize i = 0; i < G_N_ELEMENTS(EVERYDAY); i++) {
        const char *argv[] = {"-c", EVERYDAY[i], NULL};

        if (!is_installed(EVERYDAY[i]))
            continue;
        n_run++;
        if (run_program(fixture, "/bin/sh", argv) != 0)
            fail_msg("does not work: %s", EVERYDAY[i]);
    }
    print_message("%u of %u invocations were tried\n", n_run, (guint)G_N_ELEMENTS(EVERYDAY));
    for (gsize i = 0; i < G_N_ELEMENTS(DENIED); i++) {
        const char *argv[] = {"-c", DENIED[i], NULL};

        if (is_installed(DENIED[i]) && run_program(fixture, "/bin/sh", argv) == 0)
            fail_msg("works: %s", DENIED[i]);
    }
}

/* Without the protection the attack goes through, so that the tests above can fail. */
static void
test_unrestricted(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = unrestricted");
    check(fixture, "unshare", NULL, 0);
    check(fixture, "x32", NULL, ENOSYS);
    check(fixture, "memfd", NULL, 0);
    check(fixture, "mem", NULL, 0);
    check(fixture, "status", "Seccomp:\t0", 0);
    check(fixture, "kill-parent", NULL, 0);
}

/* A limit that cannot be set names its step, and nothing runs. */
static void
test_failing_step_is_named(void **state)
{
    Fixture *fixture = *state;

    confine(fixture, "profile = baseline\nlimits = nofile=9000000000");
    assert_int_equal(attack(fixture, "thread", NULL), NOT_STARTED);
    assert_non_null(strstr(fixture->message, "confinement step 'limits' failed"));
}

/* Asked by AddressSanitizer where the build has it: the confined copies, whose environment is
 * fresh, may not do what LeakSanitizer does at their end (ptrace, threads). */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_foreign_calls_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_families, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_namespaces_and_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kernel_surface, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_terminal_injection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_without_caps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_caps_is_the_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_network_namespace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pid_namespace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everyday_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unrestricted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_step_is_named, set_up, tear_down),
    };

    if (argc >= 3 && strcmp(argv[1], "attack") == 0)
        return attack_run(argv[2], argc > 3 ? argv[3] : NULL);
    if (geteuid() != 0) {
        fprintf(stderr, "needs root\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
