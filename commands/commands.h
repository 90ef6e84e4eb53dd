/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/*
 * All modules that the agent offers, NULL-ended, in the order in which guest-info names their
 * commands. A new subject is one more line here.
 */
extern const TnModule *const tn_commands_modules[];
