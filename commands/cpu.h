/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* guest-get-vcpus, guest-get-cpustats, guest-get-load: the processors and how busy they are. */
extern const TnModule tn_cpu_module;
