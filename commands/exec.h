/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-exec, guest-exec-status: run a program, fetch its output and its end. */
extern const TnModule tn_exec_module;
