/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-set-user-password. */
extern const TnModule tn_password_module;
