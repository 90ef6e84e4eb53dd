/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/sandbox.h"
#include "policy/tree.h"

/*
 * From a rule's words to what a child is given: the profile's set of features, filters,
 * capabilities, user. Also what that is worth.
 */

typedef struct TnSandboxCache TnSandboxCache;

/* Filters by profile, compiled at their first use and kept for good; not safe from several
 * threads. */
TnSandboxCache *tn_sandbox_cache_new(void);
void tn_sandbox_cache_free(TnSandboxCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSandboxCache, tn_sandbox_cache_free)

/* Fills in RULE's members below "confinement" from its conf. Errors: TN_POLICY_ERROR_INVALID. */
gboolean tn_confinement_compile(const TnRules *rules, TnExecRule *rule, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Fills in *CONFINE (zeroed) for a child of RULE that runs as USER: the rule's, or one that the
 * request chose; then it gets the groups of the group database, which may block on NSS. Errors:
 * TN_POLICY_ERROR_INVALID when a filter cannot be built. */
gboolean tn_confinement_fill(TnSandboxCache *cache, const TnExecRule *rule, const TnUser *user,
                             TnSpawnConfine *confine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What RULE's confinement is worth, "S0" to "S4", and in words. Static. */
const char *tn_confinement_get_strength(const TnExecRule *rule, const char **ret_words);

/* The features of the composed profile TEXT and, of own profiles, the calls that are denied and
 * allowed besides; *RET_DENY and *RET_ALLOW are NULL-ended and the caller's. */
TnConfine tn_confinement_resolve(const TnRules *rules, const char *text, char ***ret_deny,
                                 char ***ret_allow);
