/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-fsinfo, tenon-get-info: file systems, and all facts in one reply. */
extern const TnModule tn_facts_module;
