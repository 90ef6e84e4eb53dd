/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mountinfo: any bytes. Every mount that comes out has its strings and an absolute mount point, and
 * a good line behind the input is always read.
 */

#include "tests/fuzz/fuzz.h"

#include "platform/mounts.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "\n1 0 8:1 / /behind rw - ext4 x rw\n";
    GString *text = g_string_new_len((const char *)data, (gssize)size);
    g_autoptr(TnMounts) mounts = NULL;
    const TnMount *last;
    gsize total;

    g_string_append(text, good);
    total = text->len;
    mounts = tn_mounts_parse(g_string_free(text, FALSE), total);
    for (guint i = 0; i < tn_mounts_count(mounts); i++) {
        const TnMount *mount = tn_mounts_get(mounts, i);

        g_assert(*mount->point == '/' && *mount->type != '\0');
        g_assert(strlen(mount->root) + strlen(mount->point) + strlen(mount->options) +
                     strlen(mount->type) + strlen(mount->source) + strlen(mount->super_options) <
                 total);
        (void)tn_mounts_has_option(mount->super_options, "ro");
    }
    g_assert(tn_mounts_count(mounts) > 0);
    last = tn_mounts_get(mounts, tn_mounts_count(mounts) - 1);
    g_assert(strcmp(last->point, "/behind") == 0);
    return 0;
}
