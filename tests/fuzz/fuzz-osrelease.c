/* SPDX-License-Identifier: Apache-2.0 */

/*
 * os-release: any bytes. All values are valid UTF-8; a good line behind the input is always read,
 * so no input can take the rest of the file with it.
 */

#include "tests/fuzz/fuzz.h"

#include "platform/osrelease.h"

#include <string.h>

static void
check_value(const char *value)
{
    g_assert(value == NULL || g_utf8_validate(value, -1, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "\nID=behind\n";
    g_autofree char *text = g_malloc(size + sizeof(good));
    g_autofree char *exact = g_memdup2(data, size);

    {
        g_auto(TnOsRelease) os = {0};

        tn_osrelease_parse(exact, size, &os);
        check_value(os.id);
        check_value(os.name);
        check_value(os.pretty_name);
        check_value(os.version);
        check_value(os.version_id);
        check_value(os.variant);
        check_value(os.variant_id);
    }
    if (size > 0)
        memcpy(text, data, size);
    memcpy(text + size, good, sizeof(good));
    {
        g_auto(TnOsRelease) os = {0};

        tn_osrelease_parse(text, size + strlen(good), &os);
        g_assert(os.id != NULL && strcmp(os.id, "behind") == 0);
    }
    return 0;
}
