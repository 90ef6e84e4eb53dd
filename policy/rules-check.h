/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child.h"
#include "policy/rules.h"

/* What no rule can let be written: policy, state, run directory, units, ports; NULL-ended. A rule
 * that meets one of them is refused here, and the open compares directories as objects. */
extern const char *const tn_rules_own_paths[];

/* Fills in defaults and checks what needs the whole: names of commands (keys of COMMANDS, to
 * TnPolicyCommand; NULL: not checked), profiles, values that exclude each other. */
gboolean tn_rules_finish(TnRules *rules, GHashTable *commands, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* A word of limits= (a RLIMIT_ number and its value). FALSE when WORD is none. */
gboolean tn_rules_parse_limit(const char *word, int *ret_resource, guint64 *ret_value);

/* Takes one word of cgroup= into LIMITS. FALSE when WORD is none. */
gboolean tn_rules_parse_cgroup(const char *word, TnSpawnGroup *limits);

/* The word of caps= that keeps all of them. */
#define TN_RULES_ALL_CAPS "all"

/* The number of a capability, "cap_net_admin" or "net_admin" in any case; -1 when there is none. */
int tn_rules_parse_cap(const char *word);

/* TRUE for a group of commands that stands in this source, so that '*' and a policy written for
 * another version keep their meaning. */
gboolean tn_rules_is_builtin_group(const char *group);

/* TRUE for a variable that decides which code a program loads or runs. */
gboolean tn_rules_is_unsafe_env(const char *name);
