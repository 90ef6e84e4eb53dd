/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-users: who is logged in. */
extern const TnModule tn_logins_module;
