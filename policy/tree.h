/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/lists.h"
#include "policy/policy.h"
#include "policy/profile.h"
#include "policy/rules.h"
#include "policy/users.h"

/*
 * Inside of a policy: for the modules of this room alone. A TnPolicy never changes once it was
 * made; what changes (charges) stands in the holder's TnQuota.
 */

/* A rule with everything looked up that does not depend on the request. */
typedef struct {
    const TnExecConf *conf; /* owned by the policy's rules */
    guint order;            /* its place among the policy's rules */
    GPtrArray *identities;  /* of char *: which programs conf->paths are, in their order */
    TnUser user;
    gid_t gid;
    GArray *groups;      /* of gid_t */
    gboolean keeps_user; /* it is the agent's own */
    char **env;          /* of a child whose request brings none */
    /* confinement */
    TnConfine features;
    char **deny_calls;
    char **allow_calls;
    char *sandbox_key; /* equal for equal filters */
    gboolean drops_caps;
    guint64 bounding;
    guint64 ambient;
    gboolean no_new_privs;
} TnExecRule;

typedef struct TnFileRule TnFileRule; /* policy/files.h */

struct TnPolicy {
    gint n_refs;
    char *sealed_reason;  /* NULL: not sealed */
    char *stale_reason;   /* why a newer policy was not taken; NULL: this is the newest */
    char *source;         /* "preset standard", or the number of files and where they are */
    char *digest;         /* SHA-256 of all its text, hexadecimal */
    gboolean from_preset; /* nobody wrote one */
    gboolean had_exec;    /* an earlier one allowed exec: its results may still be fetched */
    GPtrArray *warnings;  /* of char *, NULL-ended */
    GHashTable *commands; /* name to TnPolicyCommand in COMMAND_ROWS */
    TnPolicyCommand *command_rows; /* strings interned */
    gsize n_commands;
    GHashTable *allowed;     /* names that [commands] allows; NULL: all */
    GHashTable *denied;      /* names that [commands] denies */
    gboolean has_exec_rules; /* at least one allows */
    gboolean has_file_rules;
    TnLists *lists;
    TnRules *rules;
    GPtrArray *exec_rules;  /* of TnExecRule, in the order of the files */
    GHashTable *by_program; /* identity to TnRuleIndex (policy/ruleindex.h) of its TnExecRules */
    TnExecRule *exec_default;
    GPtrArray *file_rules; /* of TnFileRule, in the order of the files */
    TnPolicySettings settings;
    GArray *client_uids; /* of guint32; NULL: sealed, nobody */
    GArray *client_cids; /* of guint32; NULL: sealed, the host */
};

/* Counted from any thread. */
TnPolicy *tn_policy_ref(TnPolicy *policy);
void tn_policy_unref(TnPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnPolicy, tn_policy_unref)
