/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * [file] rules: which one is about a path, and what it lets be opened. Deciding looks at names
 * only; what the name leads to is found out by the open, below the rule's pinned directory.
 */

struct TnFileRule {
    const TnFileConf *conf; /* owned by the policy's rules */
    guint access;           /* of TnFileAccess */
    guint types;            /* 1 << (st_mode >> 12) of each kind of file, see openfile.h */
    gboolean has_user;
    TnUser user;
};

typedef enum {
    TN_FILE_ACCESS_READ = 1 << 0,
    TN_FILE_ACCESS_WRITE = 1 << 1,
    TN_FILE_ACCESS_APPEND = 1 << 2,
    TN_FILE_ACCESS_CREATE = 1 << 3,
} TnFileAccess;

/* TRUE if PATH is DIR or stands below it, as text. */
gboolean tn_files_is_beneath(const char *dir, const char *path);

/* Fills POLICY's file rules from its sections; looks users up. Errors: TN_POLICY_ERROR_INVALID with
 * file and line. */
gboolean tn_files_compile(TnPolicy *policy, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The rules that let a file command have its path and, where it has one, the path it renames to.
 * FALSE when one of them has none; *RET_WHY (owned by the caller) then says why not. TRACE (may be
 * NULL) gets a line (char *) for each rule that was looked at and did not fit. Pure. */
gboolean tn_files_find(const TnPolicy *policy, const TnAction *action, GPtrArray *trace,
                       const TnFileRule **ret_rule, const TnFileRule **ret_to, char **ret_why)
    G_GNUC_WARN_UNUSED_RESULT;

/* The sealed plan for PATH by RULE, or without one (mode compat: anywhere, as qemu-ga). *RET_WHY
 * (static) says why there is none: in a rule's path a directory is not root's alone. Looks at the
 * directories of the rule's path. The caller owns the plan. */
TnOpenPlan *tn_files_make_plan(const TnFileRule *rule, const char *path, const char **ret_why);
