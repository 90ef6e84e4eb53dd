/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/decide.h"

/*
 * What the host is told: qemu-ga's words first, so that drivers find what they look for, then the
 * rule and a reference that joins the reply to the audit record, as far as error-detail allows.
 */

/* Sets ERROR to the refusal of ACTION by VERDICT; REF is the record's. Returns FALSE. */
gboolean tn_refusal_set(const TnPolicy *policy, const TnAction *action, const TnVerdict *verdict,
                        guint64 ref, GError **error);

/* The same for a charge that cannot be taken: WHAT is such as "concurrent limit 2". */
gboolean tn_refusal_set_quota(const TnPolicy *policy, const TnAction *action, const char *rule,
                              const char *what, guint64 ref, GError **error);
