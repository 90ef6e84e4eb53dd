#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the presets as C text. Usage: embed-presets.py FILE..."""

import os
import sys

print('/* SPDX-License-Identifier: Apache-2.0 */')
print('/* Made from packaging/presets; do not edit. */')
print('#include "policy/presets.h"')
print('const TnPreset tn_presets_data[] = {')
for path in sorted(sys.argv[1:]):
    name = os.path.basename(path)[:-len('.conf')]
    print(f'{{"{name}",')
    with open(path, encoding='utf-8') as preset:
        for line in preset:
            text = line.rstrip('\n').replace('\\', '\\\\').replace('"', '\\"')
            print(f'"{text}\\n"')
    print('},')
print('{NULL, NULL}};')
