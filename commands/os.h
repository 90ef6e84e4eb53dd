/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-osinfo, guest-get-timezone, guest-get-time: which system this is. */
extern const TnModule tn_os_module;
