/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-file-mkdir, -remove, -rename, -set: changing names and attributes (wire.md, Files). */
extern const TnModule tn_fileset_module;
