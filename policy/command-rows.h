/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/*
 * Names and groups of all commands, for a program that does not hold them; made by
 * commands/list-commands from the commands' own tables.
 */

/* The rows; TN_COMMAND_ROWS_N of them. */
extern const TnPolicyCommand tn_command_rows[];
extern const gsize tn_command_rows_n;
