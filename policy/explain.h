/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * Words for the owner: what the agent would answer and why, from the same decision that it makes.
 */

/* Appends the verdict on ACTION, the rule that made it, why nearer rules did not match, and the
 * confinement that a program would get. TRUE when it would be allowed (quotas apart). Blocks on
 * path look-up. */
gboolean tn_explain_action(const TnPolicy *policy, const TnAction *action, GString *out);

/* Appends the confinement of RULE, a line each. */
void tn_explain_confinement(const TnExecRule *rule, GString *out);
