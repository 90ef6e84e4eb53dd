/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-network-get-interfaces, guest-network-get-route. */
extern const TnModule tn_net_module;
