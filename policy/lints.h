/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/tree.h"

/*
 * What is no mistake of the language and yet seldom what an owner wants: rules that make the host
 * root, rules that no request reaches, programs that are not there.
 */

/* Appends to FINDINGS (of char *) a line with file and line for each. Blocks on path look-up. */
void tn_lints_check(const TnPolicy *policy, GPtrArray *findings);
