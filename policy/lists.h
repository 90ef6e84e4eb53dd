/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/*
 * qemu-ga's allow and block lists: names of commands, nothing else. Read so that no slip of the pen
 * opens anything: a name that no agent knows is an error.
 */

typedef struct TnLists TnLists;

/* Empty lists, which allow everything. */
TnLists *tn_lists_new(void);
void tn_lists_free(TnLists *lists);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnLists, tn_lists_free)

/* Adds the names of LIST; several lists of a kind add up. KNOWN holds tenon's command names (keys);
 * qemu-ga's, of all systems and versions, are known here. Appends to WARNINGS (of char *) what is
 * taken but looks wrong; if LENIENT, also unknown names. Errors: TN_POLICY_ERROR_INVALID, naming
 * the list's origin and the word; LISTS is then unchanged. */
gboolean tn_lists_add(TnLists *lists, const TnPolicyList *list, GHashTable *known, gboolean lenient,
                      GPtrArray *warnings, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE unless an allow list lacks the name or a block list has it. */
gboolean tn_lists_allow(const TnLists *lists, const char *command);

/* TRUE for the name of a command of qemu-ga, whether tenon has it or not. */
gboolean tn_lists_is_qga_command(const char *name);
