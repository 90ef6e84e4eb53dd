/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/lists.h"
#include "policy/policy.h"
#include "policy/quota.h"

/*
 * Inside of a policy: for the modules of this room alone. A TnPolicy never changes once it was
 * made; what changes (charges) stands in the holder's TnQuota.
 */

struct TnPolicy {
    gint n_refs;
    char *sealed_reason;           /* NULL: not sealed */
    GPtrArray *warnings;           /* of char *, NULL-ended */
    GHashTable *commands;          /* name to TnPolicyCommand in COMMAND_ROWS */
    TnPolicyCommand *command_rows; /* strings interned */
    gsize n_commands;
    TnLists *lists;
    TnPolicySettings settings;
    char **default_env; /* of a child whose request brings no environment */
};

struct TnPolicyHolder {
    TnPolicy *current;
    TnQuota *quota;
};
