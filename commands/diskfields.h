/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/field.h"

/*
 * How a TnDiskAddress is written, for the commands that tell where disks are.
 */

/* The words of TnBus, NULL-ended. */
extern const char *const tn_diskfields_bus_words[];

/* The members of a TnDiskAddress. */
extern const TnField tn_diskfields_address[];
