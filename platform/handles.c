/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of open files. A close that fails still ends the handle, exactly once: a second close
 * of the same number finds nothing.
 */

#include "platform/handles.h"

#include "platform/clock.h"

#include <errno.h>
#include <unistd.h>

struct TnHandles {
    GHashTable *by_number; /* of TnHandle, keyed by its number */
};

static gpointer
close_file(gpointer data)
{
    close(GPOINTER_TO_INT(data));
    return NULL;
}

/* 0 or close's errno. */
static int
close_handle(const TnHandle *handle)
{
    GThread *thread = NULL;

    if (handle->fd < 0)
        return 0;
    if (handle->is_remote)
        thread = g_thread_try_new("close", close_file, GINT_TO_POINTER(handle->fd), NULL);
    if (thread == NULL)
        return close(handle->fd) == 0 ? 0 : errno;
    g_thread_unref(thread);
    return 0;
}

static int
free_handle(TnHandle *handle)
{
    int why = close_handle(handle);

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
    handle->used_us = tn_clock_monotonic_us();
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

    if (handle == NULL || handle->channel != channel)
        return NULL;
    handle->used_us = tn_clock_monotonic_us();
    return handle;
}

gint64
tn_handles_sweep(TnHandles *handles, gint64 before_us)
{
    GHashTableIter iter;
    gpointer value = NULL;
    gint64 oldest_us = 0;

    g_hash_table_iter_init(&iter, handles->by_number);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const TnHandle *handle = value;

        if (handle->used_us < before_us)
            g_hash_table_iter_remove(&iter);
        else if (oldest_us == 0 || handle->used_us < oldest_us)
            oldest_us = handle->used_us;
    }
    return oldest_us;
}

int
tn_handles_take(TnHandles *handles, TnHandle *handle)
{
    int fd = handle->fd;

    handle->fd = -1;
    (void)tn_handles_remove(handles, handle);
    return fd;
}

int
tn_handles_remove(TnHandles *handles, TnHandle *handle)
{
    g_hash_table_steal(handles->by_number, &handle->number);
    return free_handle(handle);
}
