/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/profile.h"

/*
 * System call filters of a profile: two programs that the kernel joins, the stricter answer wins.
 *
 *   A  knows the calls that were reviewed together with B, as ranges of numbers that stand in this
 *      source; what lies beyond answers ENOSYS, as on an older kernel. A call of another
 *      architecture kills.
 *   B  denies what the profile denies: EPERM, or EAFNOSUPPORT for families of sockets.
 *
 * Sources: seccomp(2), seccomp_export_bpf(3).
 */

/* What to build. All borrowed. */
typedef struct {
    TnConfine features;
    const char *const *deny;  /* further calls; NULL: none */
    const char *const *allow; /* calls that are not denied after all; NULL: none */
} TnSandboxSpec;

typedef struct {
    GBytes *known;  /* A: an array of struct sock_filter */
    GBytes *denied; /* B */
} TnSandbox;

/* Frees SANDBOX; NULL is allowed. */
void tn_sandbox_free(TnSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSandbox, tn_sandbox_free)

/* Builds both filters. Takes about 2 ms; compiles, never applies. Errors: TN_POLICY_ERROR_INVALID
 * when this architecture has no ranges here or libseccomp refuses. */
TnSandbox *tn_sandbox_compile(const TnSandboxSpec *spec, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A's programs alone, for tests. */
GBytes *tn_sandbox_build_known(gboolean compat_arch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
