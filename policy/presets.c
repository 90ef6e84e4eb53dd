/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking up the embedded presets (presets-data.c, made by embed-presets.py); nothing here reads
 * their text.
 */

#include "policy/presets.h"

#include <string.h>

const char *
tn_presets_find(const char *name)
{
    for (const TnPreset *preset = tn_presets_data; preset->name != NULL; preset++)
        if (strcmp(preset->name, name) == 0)
            return preset->text;
    return NULL;
}
