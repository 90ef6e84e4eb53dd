/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-ssh-get-, -add- and -remove-authorized-keys. */
extern const TnModule tn_ssh_module;
