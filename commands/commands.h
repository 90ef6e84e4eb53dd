/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* Every module of commands/, ended by NULL; their order is the order of guest-info. */
extern const TnModule *const tn_commands_modules[];
