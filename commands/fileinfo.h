/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-file-stat, -list, -get, -hash: looking at files (wire.md, Files, Reading). */
extern const TnModule tn_fileinfo_module;
