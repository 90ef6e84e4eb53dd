/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-fstrim. */
extern const TnModule tn_trim_module;
