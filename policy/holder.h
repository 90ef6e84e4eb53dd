/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/audit.h"
#include "policy/confinement.h"
#include "policy/quota.h"
#include "policy/tree.h"

/*
 * Inside of a holder: the policy in force, what it was made from, and the charges, which outlive
 * every policy.
 */

struct TnPolicyHolder {
    TnPolicy *current;
    TnPolicyOptions options; /* strings and tables in TEXTS, or interned */
    GPtrArray *texts;
    TnQuota *quota;
    TnSandboxCache *sandboxes;
    TnAudit *audit; /* NULL: no records */
};
