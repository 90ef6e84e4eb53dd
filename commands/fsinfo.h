/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-fsinfo, guest-get-disks, guest-get-diskstats: file systems and what they stand on. */
extern const TnModule tn_fsinfo_module;
