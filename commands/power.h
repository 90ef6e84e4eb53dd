/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-shutdown, guest-suspend-disk, -ram and -hybrid. */
extern const TnModule tn_power_module;
