/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The two filters as programs, run by a small machine of this test's own: what each answers alone,
 * so that neither hides what the other lost. Each instruction of A is taken out once, and each
 * comparison of B; somebody must notice. Source: Documentation/networking/filter.rst.
 */

#include "policy/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

enum {
    STEPS_LIMIT = 8192,
    COMMON_FIRST = 424,
    NUMBERS = 480, /* beyond every number that is looked at by itself */
    X32 = 0x40000000,
    FAMILIES = 50,
    TIOCLINUX_COMMAND = 0x541C,
    NOT_THERE = SECCOMP_RET_ERRNO | ENOSYS,
};

#if defined(__x86_64__)
#define ARCH       AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#define OWN_LAST   334
#else
#define ARCH       AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#define OWN_LAST   294
#endif

/* Set: names that this libseccomp does not know get numbers, as in a newer one. */
static gboolean pretends_newer;
static guint n_resolved;

int
seccomp_syscall_resolve_name(const char *name)
{
    typedef int (*Resolve)(const char *name);
    void *found = dlsym(RTLD_NEXT, "seccomp_syscall_resolve_name");
    Resolve resolve;
    int number;

    n_resolved++;
    memcpy(&resolve, &found, sizeof resolve);
    number = resolve(name);
    return number == __NR_SCMP_ERROR && pretends_newer ? NUMBERS + (int)strlen(name) : number;
}

static guint32
load(const struct seccomp_data *call, guint32 offset)
{
    guint32 value;

    assert_true(offset + sizeof value <= sizeof *call && offset % sizeof value == 0);
    memcpy(&value, (const char *)call + offset, sizeof value);
    return value;
}

static gboolean
holds(const struct sock_filter *insn, guint32 a)
{
    switch (BPF_OP(insn->code)) {
    case BPF_JEQ:
        return a == insn->k;
    case BPF_JGT:
        return a > insn->k;
    case BPF_JGE:
        return a >= insn->k;
    case BPF_JSET:
        return (a & insn->k) != 0;
    default:
        fail_msg("jump %#x", insn->code);
        return FALSE;
    }
}

/* What CODE answers, whose instruction number WITHOUT does nothing. */
static guint32
run_without(const struct sock_filter *code, gsize n, const struct seccomp_data *call, gsize without)
{
    guint32 a = 0;
    gsize at = 0;

    for (int i = 0; i < STEPS_LIMIT && at < n; i++) {
        const struct sock_filter *insn = &code[at];

        at++;
        if (at - 1 == without)
            continue;
        switch (BPF_CLASS(insn->code)) {
        case BPF_LD:
            a = load(call, insn->k);
            break;
        case BPF_ALU:
            assert_int_equal(BPF_OP(insn->code), BPF_AND);
            a &= insn->k;
            break;
        case BPF_JMP:
            if (BPF_OP(insn->code) == BPF_JA)
                at += insn->k;
            else
                at += holds(insn, a) ? insn->jt : insn->jf;
            break;
        case BPF_RET:
            return insn->k;
        default:
            fail_msg("instruction %#x", insn->code);
        }
    }
    return G_MAXUINT32; /* left the program, which no kernel would have loaded */
}

static guint32
run(GBytes *filter, const struct seccomp_data *call)
{
    gsize size;
    const struct sock_filter *code = g_bytes_get_data(filter, &size);

    return run_without(code, size / sizeof *code, call, G_MAXSIZE);
}

static struct seccomp_data
make_call(guint32 arch, guint32 number)
{
    return (struct seccomp_data){.arch = arch, .nr = (int)number};
}

/* What A is to say, in words other than its own. */
static guint32
expect_known(guint32 arch, guint32 number, gboolean compat)
{
    guint32 last = arch == OTHER_ARCH ? 423 : OWN_LAST;

    if (arch != ARCH && !(compat && arch == OTHER_ARCH))
        return SECCOMP_RET_KILL_PROCESS;
    if (arch == AUDIT_ARCH_X86_64 && number >= X32)
        return SECCOMP_RET_KILL_PROCESS;
    if (number == 435)
        return NOT_THERE;
    return number <= last || (number >= 424 && number <= 456) ? SECCOMP_RET_ALLOW : NOT_THERE;
}

static const guint32 ARCHS[] = {ARCH, OTHER_ARCH, AUDIT_ARCH_PPC64LE, 0};
static const guint32 FAR_NUMBERS[] = {
    X32 - 1, X32, X32 + 39, X32 + 520, G_MAXINT32, 0x80000000U, G_MAXUINT32,
};

/* The first call that CODE without one instruction answers otherwise; FALSE: there is none. */
static gboolean
is_known_wrong(const struct sock_filter *code, gsize n, gsize without, gboolean compat)
{
    for (gsize i = 0; i < G_N_ELEMENTS(ARCHS); i++)
        for (guint32 number = 0; number < NUMBERS + G_N_ELEMENTS(FAR_NUMBERS); number++) {
            guint32 asked = number < NUMBERS ? number : FAR_NUMBERS[number - NUMBERS];
            struct seccomp_data call = make_call(ARCHS[i], asked);

            if (run_without(code, n, &call, without) != expect_known(ARCHS[i], asked, compat))
                return TRUE;
        }
    return FALSE;
}

static void
test_known(void **state)
{
    for (int compat = 0; compat < 2; compat++) {
        g_autoptr(GBytes) filter = tn_sandbox_build_known(compat == 1, NULL);
        gsize size;
        const struct sock_filter *code = g_bytes_get_data(filter, &size);
        gsize n = size / sizeof *code;

        assert_false(is_known_wrong(code, n, G_MAXSIZE, compat == 1));
        /* Where an architecture has all numbers up to the common ones, their begin is no bound. */
        for (gsize i = 0; i < n; i++)
            if (!is_known_wrong(code, n, i, compat == 1) &&
                !(code[i].k == COMMON_FIRST && i > n / 2))
                fail_msg("nobody misses instruction %u of A", (guint)i);
    }
}

static TnSandbox *
compile(TnConfine features)
{
    const TnSandboxSpec spec = {.features = features};
    TnSandbox *sandbox = tn_sandbox_compile(&spec, NULL);

    assert_non_null(sandbox);
    return sandbox;
}

static gboolean
is_denied_by_name(TnConfine features, guint32 number)
{
    gsize n;
    const TnCallGroup *groups = tn_profile_get_groups(&n);
    char *resolved = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
    gboolean denied = FALSE;

    for (gsize i = 0; resolved != NULL && i < n; i++)
        denied = denied || ((groups[i].feature & features) != 0 &&
                            g_strv_contains(groups[i].calls, resolved));
    free(resolved);
    return denied;
}

/* All calls without arguments: B denies what the tables name, and nothing else. */
static void
test_denied_by_name(void **state)
{
    static const TnConfine PROFILES[] = {
        TN_CONFINE_FILTER,
        TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK | TN_CONFINE_NO_IPC,
        TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK | TN_CONFINE_STRICT,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(PROFILES); i++) {
        g_autoptr(TnSandbox) sandbox = compile(PROFILES[i]);

        for (guint32 number = 0; number < NUMBERS; number++) {
            struct seccomp_data call = make_call(ARCH, number);
            guint32 got = run(sandbox->denied, &call);
            gboolean denied = is_denied_by_name(PROFILES[i], number);

            /* Family 0 is none that a program may ask for. */
            if (number == SYS_socket || number == SYS_socketpair)
                assert_int_equal(got, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
            else if (got != (denied ? SECCOMP_RET_ERRNO | EPERM : (guint32)SECCOMP_RET_ALLOW))
                fail_msg("call %u: %#x, %s", number, got, denied ? "denied" : "not denied");
        }
    }
}

static guint32
ask(const TnSandbox *sandbox, int number, guint64 first, guint64 second)
{
    struct seccomp_data call = make_call(ARCH, (guint32)number);

    call.args[0] = first;
    call.args[1] = second;
    return run(sandbox->denied, &call);
}

static void
test_denied_by_argument(void **state)
{
    static const guint64 NAMESPACES[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                         CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    static const guint64 HIGH = (guint64)1 << 32;
    g_autoptr(TnSandbox) baseline = compile(TN_CONFINE_FILTER);
    g_autoptr(TnSandbox) quiet = compile(TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK);

    for (guint64 family = 0; family < FAMILIES; family++) {
        gboolean is_usual = family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
                            family == AF_NETLINK || family == AF_PACKET;
        guint32 expected = is_usual ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EAFNOSUPPORT;

        assert_int_equal(ask(baseline, SYS_socket, family, 0), expected);
        assert_int_equal(ask(baseline, SYS_socketpair, family, 0), expected);
        assert_int_equal(ask(baseline, SYS_socket, family | HIGH, 0),
                         SECCOMP_RET_ERRNO | EAFNOSUPPORT);
        assert_int_equal(ask(quiet, SYS_socket, family, 0),
                         family == AF_UNIX ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(NAMESPACES); i++) {
        assert_int_equal(ask(baseline, SYS_clone, NAMESPACES[i], 0), SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(ask(baseline, SYS_clone, NAMESPACES[i] | CLONE_VM, 0),
                         SECCOMP_RET_ERRNO | EPERM);
    }
    assert_int_equal(ask(baseline, SYS_clone, CLONE_VM | CLONE_THREAD, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask(baseline, SYS_ioctl, 1, TIOCSTI), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(ask(baseline, SYS_ioctl, 1, TIOCSTI | HIGH), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(ask(baseline, SYS_ioctl, 1, TIOCLINUX_COMMAND), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(ask(baseline, SYS_ioctl, 1, TIOCLINUX_COMMAND | HIGH),
                     SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(ask(baseline, SYS_ioctl, 1, TIOCGWINSZ), SECCOMP_RET_ALLOW);
}

/* Calls that between them reach every answer of B. */
static GArray *
make_samples(void)
{
    static const guint64 ARGS[] = {
        0,
        1,
        0x7F000000,
        CLONE_VM | CLONE_NEWNS,
        CLONE_VM | CLONE_NEWCGROUP,
        CLONE_VM | CLONE_NEWUTS,
        CLONE_VM | CLONE_NEWIPC,
        CLONE_VM | CLONE_NEWUSER,
        CLONE_VM | CLONE_NEWPID,
        CLONE_VM | CLONE_NEWNET,
    };
    GArray *calls = g_array_new(FALSE, FALSE, sizeof(struct seccomp_data));

    for (guint32 number = 0; number < NUMBERS + G_N_ELEMENTS(FAR_NUMBERS); number++) {
        struct seccomp_data call =
            make_call(ARCH, number < NUMBERS ? number : FAR_NUMBERS[number - NUMBERS]);
        guint32 n_args =
            number == SYS_socket || number == SYS_socketpair ? 2 * FAMILIES : G_N_ELEMENTS(ARGS);

        for (guint32 i = 0; i < n_args; i++) {
            call.args[0] = number == SYS_socket || number == SYS_socketpair
                               ? (guint64)(i % FAMILIES) | (guint64)(i / FAMILIES) << 32
                               : ARGS[i];
            call.args[1] = 0;
            g_array_append_val(calls, call);
            call.args[1] = i % 2 == 0 ? TIOCSTI : TIOCLINUX_COMMAND;
            g_array_append_val(calls, call);
        }
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ARCHS); i++) {
        struct seccomp_data call = make_call(ARCHS[i], SYS_getpid);

        g_array_append_val(calls, call);
    }
    return calls;
}

/* libseccomp compares the upper halves of masked arguments too: with 0, under a mask of 0. */
static gboolean
is_always_true(const struct sock_filter *insn)
{
    return insn->k == 0 || BPF_CLASS(insn->code) == BPF_LD;
}

/* Every comparison of B matters to some call. */
static void
test_nothing_in_denied_is_idle(void **state)
{
    g_autoptr(TnSandbox) sandbox = compile(TN_CONFINE_FILTER);
    g_autoptr(GArray) calls = make_samples();
    gsize size;
    const struct sock_filter *code = g_bytes_get_data(sandbox->denied, &size);
    gsize n = size / sizeof *code;
    guint n_idle = 0;

    for (gsize at = 0; at < n; at++) {
        gboolean missed = FALSE;

        for (guint i = 0; !missed && i < calls->len; i++) {
            const struct seccomp_data *call = &g_array_index(calls, struct seccomp_data, i);

            missed = run_without(code, n, call, at) != run_without(code, n, call, G_MAXSIZE);
        }
        if (!missed && !is_always_true(&code[at]))
            fail_msg("nobody misses instruction %u of B: %#x %u", (guint)at, code[at].code,
                     code[at].k);
        n_idle += missed ? 0 : 1;
    }
    print_message("%u of %u instructions are always true\n", n_idle, (guint)n);
    assert_true(n_idle * 8 < n);
}

static void
test_denied_kills_other_architectures(void **state)
{
    g_autoptr(TnSandbox) sandbox = compile(TN_CONFINE_FILTER);
    struct seccomp_data call = make_call(OTHER_ARCH, 20);

    assert_int_equal(run(sandbox->denied, &call), SECCOMP_RET_KILL_PROCESS);
}

/* What a newer libseccomp knows besides must not change what was reviewed. */
static void
test_same_with_newer_names(void **state)
{
    static const TnConfine EVERYTHING = TN_CONFINE_FILTER | TN_CONFINE_NO_NETWORK |
                                        TN_CONFINE_NO_IPC | TN_CONFINE_STRICT | TN_CONFINE_COMPUTE;
    g_autoptr(TnSandbox) now = compile(EVERYTHING);
    g_autoptr(TnSandbox) later = NULL;

    pretends_newer = TRUE;
    n_resolved = 0;
    later = compile(EVERYTHING);
    pretends_newer = FALSE;
    assert_true(n_resolved > 0);
    assert_true(g_bytes_equal(now->known, later->known));
    assert_true(g_bytes_equal(now->denied, later->denied));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_denied_by_name),
        cmocka_unit_test(test_denied_by_argument),
        cmocka_unit_test(test_nothing_in_denied_is_idle),
        cmocka_unit_test(test_denied_kills_other_architectures),
        cmocka_unit_test(test_same_with_newer_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
