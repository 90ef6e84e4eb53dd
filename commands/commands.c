/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The list of the modules, and nothing else.
 */

#include "commands/commands.h"

const TnModule *const tn_commands_modules[] = {
    NULL,
};
