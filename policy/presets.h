/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The policies that come with the program: the files of packaging/presets, inside the binary, so
 * that one holds even where no file is installed.
 */

typedef struct {
    const char *name;
    const char *text;
} TnPreset;

/* All presets; ends in an empty row. */
extern const TnPreset tn_presets_data[];
/* The text of the preset NAME, or NULL. Static. */
const char *tn_presets_find(const char *name);
