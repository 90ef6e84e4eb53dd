/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filter A: which calls exist. Written as numbers and not as names, so that a newer libseccomp or
 * kernel adds nothing by itself: a call that came after the review (open_tree_attr did, and does
 * what the denied open_tree does) is not there. clone3 is left out because its flags stand in
 * memory where no filter can read them; libc falls back to clone.
 */

#include "policy/sandbox.h"

#include "policy/policy.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

enum {
    CLONE3_NUMBER = 435, /* on every architecture: numbers from 424 on are shared */
    COMMON_FIRST = 424,
    REVIEWED_LAST = 456, /* fchmodat2, cachestat, map_shadow_stack, futex_*: Linux 6.6 */
    X32_BIT = 0x40000000
};

/* The calls of one architecture: 0 to OWN_LAST and COMMON_FIRST to REVIEWED_LAST. */
typedef struct {
    guint32 audit_arch;
    guint32 own_last;
    gboolean has_x32;
} Arch;

#if defined(__x86_64__)
static const Arch NATIVE = {AUDIT_ARCH_X86_64, 334, TRUE};
static const Arch COMPAT = {AUDIT_ARCH_I386, 423, FALSE};
#elif defined(__aarch64__)
static const Arch NATIVE = {AUDIT_ARCH_AARCH64, 294, FALSE};
static const Arch COMPAT = {AUDIT_ARCH_ARM, 423, FALSE};
#else
static const Arch NATIVE = {0, 0, FALSE};
static const Arch COMPAT = {0, 0, FALSE};
#endif

static void
add(GArray *code, guint16 op, guint8 jump_true, guint8 jump_false, guint32 value)
{
    const struct sock_filter insn = {.code = op, .jt = jump_true, .jf = jump_false, .k = value};

    g_array_append_val(code, insn);
}

/* For calls of ARCH, which the accumulator holds the number of the architecture for; falls through
 * for others. The jumps count instructions of this block. */
static void
add_arch(GArray *code, const Arch *arch)
{
    guint8 x32 = arch->has_x32 ? 1 : 0;

    add(code, BPF_JMP | BPF_JEQ | BPF_K, 0, (guint8)(7 + 2 * x32), arch->audit_arch);
    add(code, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    if (arch->has_x32) {
        add(code, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
        add(code, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
    }
    add(code, BPF_JMP | BPF_JGT | BPF_K, 0, 3, arch->own_last);
    add(code, BPF_JMP | BPF_JGE | BPF_K, 0, 3, COMMON_FIRST);
    add(code, BPF_JMP | BPF_JGT | BPF_K, 2, 0, REVIEWED_LAST);
    add(code, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, CLONE3_NUMBER);
    add(code, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    add(code, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
}

GBytes *
tn_sandbox_build_known(gboolean compat_arch, GError **error)
{
    GArray *code;
    gsize size;

    if (NATIVE.audit_arch == 0) {
        g_set_error_literal(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID,
                            "there is no list of system calls for this architecture; only the "
                            "profile unrestricted can be used");
        return NULL;
    }
    code = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
    add(code, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    add_arch(code, &NATIVE);
    if (compat_arch)
        add_arch(code, &COMPAT);
    add(code, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
    size = code->len * sizeof(struct sock_filter);
    return g_bytes_new_take(g_array_free(code, FALSE), size);
}
