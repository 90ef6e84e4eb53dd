/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/* tenon-file-put-open, -put, -put-close, -put-drop: files on their way in (wire.md, Files). */
extern const TnModule tn_fileput_module;
