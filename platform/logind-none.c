/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stands in for logind.c in builds without it.
 */

#include "platform/logind.h"

gboolean
tn_logind_load(TnLogindOps *ret_ops)
{
    return FALSE;
}
