/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of open files. A close that fails still ends the handle, exactly once: a second close
 * of the same number finds nothing.
 */

#include "platform/handles.h"

#include <errno.h>
#include <unistd.h>

struct TnHandles {
    GHashTable *by_number; /* of TnHandle, keyed by its number */
};

static int
free_handle(TnHandle *handle)
{
    int why = close(handle->fd) == 0 ? 0 : errno;

    tn_open_plan_unref(handle->plan);
    if (handle->free_grant != NULL)
        handle->free_grant(handle->grant);
    g_free(handle);
    return why;
}

static void
destroy_handle(gpointer handle)
{
    free_handle(handle);
}

TnHandles *
tn_handles_new(void)
{
    TnHandles *handles = g_new0(TnHandles, 1);

    handles->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, destroy_handle);
    return handles;
}

void
tn_handles_free(TnHandles *handles)
{
    if (handles == NULL)
        return;
    g_hash_table_unref(handles->by_number);
    g_free(handles);
}

guint
tn_handles_count(const TnHandles *handles)
{
    return g_hash_table_size(handles->by_number);
}

TnHandle *
tn_handles_add(TnHandles *handles, gint64 number, const char *channel, int take_fd,
               TnOpenFlags flags, const TnOpenPlan *plan, gpointer take_grant,
               GDestroyNotify free_grant)
{
    TnHandle *handle = g_new0(TnHandle, 1);

    handle->number = number;
    handle->channel = channel;
    handle->fd = take_fd;
    handle->flags = flags;
    handle->plan = tn_open_plan_ref(plan);
    handle->grant = take_grant;
    handle->free_grant = free_grant;
    g_hash_table_replace(handles->by_number, &handle->number, handle);
    return handle;
}

TnHandle *
tn_handles_find(const TnHandles *handles, gint64 number, const char *channel)
{
    TnHandle *handle = g_hash_table_lookup(handles->by_number, &number);

    return handle != NULL && handle->channel == channel ? handle : NULL;
}

int
tn_handles_remove(TnHandles *handles, TnHandle *handle)
{
    g_hash_table_steal(handles->by_number, &handle->number);
    return free_handle(handle);
}
