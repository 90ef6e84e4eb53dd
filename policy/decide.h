/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * The decision: a pure function of a policy and a request, the same in the agent, in tenon-policy,
 * in tests and fuzzers. Order: frozen, sealed, deny, allow, first matching rule, default. Quotas
 * and the state of files are the grant's business.
 */

typedef enum {
    TN_VERDICT_ALLOW,
    TN_VERDICT_DENY,     /* this request */
    TN_VERDICT_DISABLED, /* the command, whatever its arguments */
    TN_VERDICT_N
} TnVerdictKind;

typedef struct {
    TnVerdictKind kind;
    const TnExecRule *exec;    /* supplies the confinement; NULL when nothing is to be run */
    guint path_index;          /* which of its paths; only for rules with a name */
    const TnFileRule *file;    /* what a file command may open; NULL: no rule, in mode compat */
    const TnFileRule *to_file; /* the same for where it is renamed to */
    const char *rule;          /* name of what decided: a rule, "commands", "default"; borrowed */
    TnPlace place;             /* of the rule; line 0: built-in */
    char *reason;              /* for the owner; NULL when allowed */
} TnVerdict;

/* Frees the contents of VERDICT. */
void tn_verdict_clear(TnVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnVerdict, tn_verdict_clear)

/* Judges ACTION. IDENTITY is which program its path is (tn_program_identify), NULL when there is
 * none. TRACE (may be NULL) gets a line (char *) for each rule that was looked at and did not
 * match. Everything in *RET_VERDICT but the reason is borrowed from POLICY. */
void tn_decide(const TnPolicy *policy, const TnAction *action, const char *identity,
               GPtrArray *trace, TnVerdict *ret_verdict);

/* TRUE when ACTION is a program to be run. */
gboolean tn_decide_is_exec(const TnAction *action);
/* TRUE when ACTION is a file by its path. */
gboolean tn_decide_is_file(const TnAction *action);
