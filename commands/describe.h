/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-describe: every command with its arguments and its reply. */
extern const TnModule tn_describe_module;
