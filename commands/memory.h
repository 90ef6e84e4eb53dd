/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-memory-blocks, guest-get-memory-block-info, tenon-get-memory. */
extern const TnModule tn_memory_module;
