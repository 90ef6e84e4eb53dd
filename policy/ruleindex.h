/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * The rules about one program, found by arguments: a rule whose args lines are words is not looked
 * at when other words come. What is found is a superset of what fits, in the order of the files,
 * each rule once; whether a rule fits is the matcher's to say. Immutable once filled.
 */

typedef struct TnRuleIndex TnRuleIndex;

/* An index without rules; free with tn_ruleindex_free. */
TnRuleIndex *tn_ruleindex_new(void);
/* INDEX may be NULL. */
void tn_ruleindex_free(TnRuleIndex *index);

/* Adds RULE (borrowed, as are its lines) behind all that are there; the last one again: nothing. */
void tn_ruleindex_add(TnRuleIndex *index, const TnExecRule *rule);

/* All rules that were added, in their order. */
const GPtrArray *tn_ruleindex_get_all(const TnRuleIndex *index);

enum {
    TN_RULEINDEX_LISTS = 3
};

/* A walk; lives on the stack and owns nothing. */
typedef struct {
    const GPtrArray *lists[TN_RULEINDEX_LISTS]; /* NULL: none */
    guint next[TN_RULEINDEX_LISTS];
} TnRuleWalk;

/* Begins a walk over the rules that may fit ARGV (without argv[0]; NULL is none). INDEX may be
 * NULL: no rules. */
void tn_ruleindex_begin(const TnRuleIndex *index, const char *const *argv, TnRuleWalk *ret_walk);
/* The next rule, NULL behind the last. */
const TnExecRule *tn_ruleindex_next(TnRuleWalk *walk);
