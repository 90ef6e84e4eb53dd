/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-fsfreeze-status, -freeze, -freeze-list and -thaw. */
extern const TnModule tn_freeze_module;
