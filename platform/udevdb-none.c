/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stands in for udevdb.c in builds without libudev.
 */

#include "platform/udevdb.h"

char *
tn_udevdb_read_property(guint major, guint minor, const char *key)
{
    return NULL;
}

gboolean
tn_udevdb_is_there(void)
{
    return FALSE;
}

gboolean
tn_udevdb_is_built(void)
{
    return FALSE;
}
