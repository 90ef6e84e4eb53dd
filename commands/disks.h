/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-disks, guest-get-diskstats: disks, partitions and what they did. */
extern const TnModule tn_disks_module;
