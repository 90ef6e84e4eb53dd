/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-set-time. */
extern const TnModule tn_settime_module;
