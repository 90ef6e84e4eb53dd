/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * Making a policy from options: files or a preset, lists, command rows.
 */

/* A new policy with one reference. Errors: TN_POLICY_ERROR_INVALID. *RET_BY_ARGV tells whether the
 * mistake is one of the command line. May block on disk and NSS. */
TnPolicy *tn_load_policy(const TnPolicyOptions *options, gboolean *ret_by_argv, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* A policy that allows what a sealed agent answers, and says REASON. */
TnPolicy *tn_load_sealed(const TnPolicyOptions *options, const char *reason);
