/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-policy-check: what the policy would say to a program. */
extern const TnModule tn_policycheck_module;
