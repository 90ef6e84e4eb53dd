/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filter B: what a profile denies, compiled by libseccomp from the tables of profile.c. An answer
 * is an errno and no signal: a program that is told no can say so, and a host that looks at exit
 * codes alone reads a killed child as success. Arguments are compared in the 32 bits that the
 * kernel looks at, since the upper ones can be set to anything.
 */

#include "policy/sandbox.h"

#include "platform/fd.h"
#include "policy/policy.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
    FILTER_LIMIT_BYTES = 4096 * 8, /* BPF_MAXINSNS */
    FAMILY_LAST = 46               /* AF_MCTP 45 and one more; all above are denied as a range */
};

static const int NAMESPACE_FLAGS[] = {
    CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET,
};

/* One filter while it is built; the first error ends it. */
typedef struct {
    scmp_filter_ctx ctx;
    const TnSandboxSpec *spec;
    int error; /* 0, or a negative errno of libseccomp */
} Builder;

void
tn_sandbox_free(TnSandbox *sandbox)
{
    if (sandbox == NULL)
        return;
    g_clear_pointer(&sandbox->known, g_bytes_unref);
    g_clear_pointer(&sandbox->denied, g_bytes_unref);
    g_free(sandbox);
}

static guint32
choose_action(const TnSandboxSpec *spec, int number)
{
    if ((spec->features & TN_CONFINE_KILL) != 0)
        return SCMP_ACT_KILL_PROCESS;
    if ((spec->features & TN_CONFINE_LOG) != 0)
        return SCMP_ACT_LOG;
    return SCMP_ACT_ERRNO((guint32)number);
}

/* A rule on CALL, with a condition unless CONDITION is NULL. A call that no architecture of the
 * filter has needs none. */
static void
deny(Builder *builder, const char *call, int number, const struct scmp_arg_cmp *condition)
{
    int id = seccomp_syscall_resolve_name(call);
    int result;

    if (builder->error != 0 || id == __NR_SCMP_ERROR)
        return;
    if (builder->spec->allow != NULL && g_strv_contains(builder->spec->allow, call))
        return;
    result = seccomp_rule_add_array(builder->ctx, choose_action(builder->spec, number), id,
                                    condition != NULL ? 1 : 0, condition);
    /* -EDOM: the architecture lacks it; -EEXIST: two tables deny it. */
    if (result < 0 && result != -EDOM && result != -EEXIST)
        builder->error = result;
}

static gboolean
is_call_denied(const TnCallGroup *group, TnConfine features)
{
    if ((group->feature & features) == 0)
        return FALSE;
    if ((features & TN_CONFINE_USERNS) != 0 && strcmp(group->name, "namespaces") == 0)
        return FALSE;
    return TRUE;
}

static void
deny_groups(Builder *builder)
{
    gsize n;
    const TnCallGroup *groups = tn_profile_get_groups(&n);
    gboolean debug = (builder->spec->features & TN_CONFINE_DEBUG) != 0;

    for (gsize i = 0; i < n; i++)
        for (gsize k = 0;
             is_call_denied(&groups[i], builder->spec->features) && groups[i].calls[k] != NULL; k++)
            if (!debug || strcmp(groups[i].calls[k], "ptrace") != 0)
                deny(builder, groups[i].calls[k], EPERM, NULL);
}

static void
deny_namespaces(Builder *builder)
{
    if ((builder->spec->features & TN_CONFINE_USERNS) != 0)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(NAMESPACE_FLAGS); i++) {
        guint64 flag = (guint32)NAMESPACE_FLAGS[i];
        struct scmp_arg_cmp condition = SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag);

        deny(builder, "clone", EPERM, &condition);
    }
}

static gboolean
is_family_allowed(TnConfine features, int family)
{
    if ((features & TN_CONFINE_NO_IPC) != 0)
        return FALSE;
    if ((features & TN_CONFINE_NO_NETWORK) != 0)
        return family == AF_UNIX;
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ||
           family == AF_PACKET;
}

static void
deny_families(Builder *builder, const char *call)
{
    struct scmp_arg_cmp beyond = SCMP_A0_64(SCMP_CMP_GT, FAMILY_LAST);

    for (int family = 0; family <= FAMILY_LAST; family++) {
        struct scmp_arg_cmp condition =
            SCMP_A0_64(SCMP_CMP_MASKED_EQ, G_MAXUINT32, (guint64)(guint)family);

        if (!is_family_allowed(builder->spec->features, family))
            deny(builder, call, EAFNOSUPPORT, &condition);
    }
    /* Also every number with bits above the lower 32: no program sets them. */
    deny(builder, call, EAFNOSUPPORT, &beyond);
}

/* Typing into a terminal, and into the console: sudo and su sessions were taken over by both. */
static void
deny_terminal_injection(Builder *builder)
{
    struct scmp_arg_cmp push = SCMP_A1_64(SCMP_CMP_MASKED_EQ, G_MAXUINT32, TIOCSTI);
    struct scmp_arg_cmp console = SCMP_A1_64(SCMP_CMP_MASKED_EQ, G_MAXUINT32, 0x541C);

    deny(builder, "ioctl", EPERM, &push);
    deny(builder, "ioctl", EPERM, &console); /* TIOCLINUX */
}

static void
add_rules(Builder *builder)
{
    deny_groups(builder);
    deny_namespaces(builder);
    deny_families(builder, "socket");
    deny_families(builder, "socketpair");
    deny_terminal_injection(builder);
    /* The call that hides the family in memory; libc does not use it since Linux 4.3. */
    if ((builder->spec->features & TN_CONFINE_COMPAT_ARCH) != 0)
        deny(builder, "socketcall", EPERM, NULL);
    for (gsize i = 0; builder->spec->deny != NULL && builder->spec->deny[i] != NULL; i++)
        deny(builder, builder->spec->deny[i], EPERM, NULL);
}

static int
set_up(Builder *builder)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int error = 0;

    if (ctx == NULL)
        return -ENOMEM;
    builder->ctx = ctx;
    error = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (error == 0)
        error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (error == 0 && (builder->spec->features & TN_CONFINE_COMPAT_ARCH) != 0)
        error = seccomp_arch_add(ctx, seccomp_arch_native() == SCMP_ARCH_X86_64 ? SCMP_ARCH_X86
                                                                                : SCMP_ARCH_ARM);
    return error;
}

/* libseccomp writes to a descriptor only. */
static GBytes *export(const Builder *builder, GError **error)
{
    tn_autofd int fd = memfd_create("tenon-filter", MFD_CLOEXEC);
    char *text = NULL;
    gsize size;
    int result;

    if (fd < 0) {
        tn_error_from_errno(error, errno, "memfd_create");
        return NULL;
    }
    result = seccomp_export_bpf(builder->ctx, fd);
    if (result < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        tn_error_from_errno(error, result < 0 ? -result : errno, "export of a filter");
        return NULL;
    }
    if (!tn_fd_read_all(fd, "a filter", FILTER_LIMIT_BYTES, &text, &size, error))
        return NULL;
    return g_bytes_new_take(text, size);
}

static GBytes *
build_denied(const TnSandboxSpec *spec, GError **error)
{
    Builder builder = {.spec = spec};
    GBytes *bytes = NULL;

    builder.error = set_up(&builder);
    if (builder.error == 0)
        add_rules(&builder);
    if (builder.error == 0)
        bytes = export(&builder, error);
    else
        tn_error_from_errno(error, -builder.error, "rules of a filter");
    if (builder.ctx != NULL)
        seccomp_release(builder.ctx);
    /* libseccomp leaves some 0.4 MB of freed memory dirty; profiles are few and compiled once. */
    malloc_trim(0);
    return bytes;
}

TnSandbox *
tn_sandbox_compile(const TnSandboxSpec *spec, GError **error)
{
    g_autoptr(TnSandbox) sandbox = g_new0(TnSandbox, 1);

    sandbox->known = tn_sandbox_build_known((spec->features & TN_CONFINE_COMPAT_ARCH) != 0, error);
    if (sandbox->known == NULL)
        return NULL;
    sandbox->denied = build_denied(spec, error);
    return sandbox->denied != NULL ? g_steal_pointer(&sandbox) : NULL;
}
