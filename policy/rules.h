/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/keytable.h"

/*
 * The policy language: text to an immutable tree. No I/O; users, files and kernels are looked at by
 * those who compile the tree.
 *
 *   #!tenon-policy 1
 *   [exec df]
 *   path = /usr/bin/df
 *   args = -B {int:1..1048576} {path:/srv}
 *
 * Sections with a name are unique; those without stand once a file, and each of their scalar keys
 * once in all files. Every mistake is an error with file:line:column.
 */

enum {
    TN_RULES_LINE_LIMIT_BYTES = 8192,
    TN_RULES_TOTAL_LIMIT_BYTES = 1024 * 1024,
    TN_RULES_FILES_LIMIT = 256,
    TN_RULES_SECTIONS_LIMIT = 4096,
    TN_RULES_FORMAT = 1
};

typedef struct TnRules TnRules;
struct TnRules {
    TnPolicyConf *policy;
    TnCommandsConf *commands;
    TnAuditConf *audit;
    TnExecConf *exec_default; /* as written, or all defaults; used in mode compat */
    GPtrArray *execs;         /* of TnExecConf, in the order of the files */
    GPtrArray *files;         /* of TnFileConf */
    GPtrArray *profiles;      /* of TnProfileConf */
    gsize n_bytes;
    guint n_files;
};

/* A tree without sections; free with tn_rules_free. */
TnRules *tn_rules_new(void);
void tn_rules_free(TnRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnRules, tn_rules_free)

/* Adds the SIZE bytes of the file named FILE. Errors: TN_POLICY_ERROR_INVALID, beginning with
 * FILE:LINE:COLUMN; RULES then holds part of the file and is good for tn_rules_free only. */
gboolean tn_rules_add(TnRules *rules, const char *file, const char *text, gsize size,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The profile section NAME, or NULL. */
const TnProfileConf *tn_rules_find_profile(const TnRules *rules, const char *name);
/* Appends all sections with all values, as a policy file. */
void tn_rules_print(const TnRules *rules, GString *out);
