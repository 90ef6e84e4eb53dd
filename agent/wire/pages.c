/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory for buffers of any size: small ones from malloc, large ones as mappings of their own,
 * which mremap() grows by moving page tables and munmap() gives back at once.
 */

#include "agent/wire/pages.h"

#include <string.h>
#include <sys/mman.h>

enum {
    MALLOC_MAX_BYTES = 2 * 1024 * 1024
};

static gboolean
is_mapped(gsize size)
{
    return size > MALLOC_MAX_BYTES;
}

static gpointer
check_mapping(gpointer memory, gsize size)
{
    if (memory == MAP_FAILED)
        g_error("cannot map %" G_GSIZE_FORMAT " bytes", size);
    return memory;
}

static gpointer
map_pages(gsize size)
{
    return check_mapping(
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size);
}

static void
free_memory(gpointer memory, gsize size)
{
    if (is_mapped(size))
        (void)munmap(memory, size);
    else
        g_free(memory);
}

gpointer
tn_pages_resize(gpointer memory, gsize old_size, gsize new_size)
{
    gpointer moved = NULL;

    if (is_mapped(old_size) && is_mapped(new_size))
        return check_mapping(mremap(memory, old_size, new_size, MREMAP_MAYMOVE), new_size);
    if (!is_mapped(old_size) && !is_mapped(new_size))
        return g_realloc(memory, new_size);

    moved = is_mapped(new_size) ? map_pages(new_size) : g_malloc(new_size);
    if (memory != NULL && moved != NULL)
        memcpy(moved, memory, MIN(old_size, new_size));
    free_memory(memory, old_size);
    return moved;
}
