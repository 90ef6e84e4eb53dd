/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * From a tree of text to what requests are judged by: users, identities of programs and sets of
 * command names, looked up once.
 */

/* Fills in POLICY from its rules and command rows. May block on NSS and on path look-up. Errors:
 * TN_POLICY_ERROR_INVALID with file and line. */
gboolean tn_compile_policy(TnPolicy *policy, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees a TnExecRule; NULL is allowed. */
void tn_compile_free_rule(gpointer data);
