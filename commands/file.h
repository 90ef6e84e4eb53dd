/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/*
 * guest-file-open, -close, -read, -write, -seek, -flush (qga-behaviour section 6). No buffering of
 * our own: what was acknowledged has reached the kernel.
 */
extern const TnModule tn_file_module;
