/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-exec, tenon-exec-read: programs as jobs whose output is read by offset. */
extern const TnModule tn_jobexec_module;
