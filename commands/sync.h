/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-ping, guest-sync, guest-sync-delimited, guest-info: is somebody there, and who. */
extern const TnModule tn_sync_module;
