/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-exec-write, -signal, -list, -forget: what is done with a job beside reading it. */
extern const TnModule tn_jobctl_module;
