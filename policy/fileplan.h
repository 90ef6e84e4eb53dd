/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/openfile.h"
#include "policy/policy.h"

/* The sealed plan for PATH under POLICY, for a command of the file groups. In compat mode any
 * path, type and link, as qemu-ga; new files get 0666 & ~022. Errors: TN_POLICY_ERROR_DENIED in
 * the words of guest-file-open. Owned by the caller. */
TnOpenPlan *tn_fileplan_make(const TnPolicy *policy, const TnAction *action, const char *path,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
