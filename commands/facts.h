/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-get-info: all facts in one reply. */
extern const TnModule tn_facts_module;
