/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory for buffers of any size: small ones from malloc, large ones as reservations of address
 * space that never move and are filled with huge pages. A first touch of a 4 KiB page costs up to
 * 17 us in a nested guest: filling 16 MiB took 70 ms of faults there, and takes 1 to 5 ms with huge
 * pages. What does not fit a reservation is a mapping of its own size.
 */

#include "agent/wire/pages.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

enum {
    HUGE_PAGE_BYTES = 2 * 1024 * 1024,
    TRIM_FROM_BYTES = 512 * 1024,
    MALLOC_MAX_BYTES = HUGE_PAGE_BYTES,
    /* Up to here in small pages, unless the caller is roomy: many peers that hold little each would
     * else hold twice as much as they sent. */
    SMALL_PAGES_BYTES = 2 * HUGE_PAGE_BYTES,
    /* The largest message with a read behind it (frame.h), or its token table. */
    RESERVED_BYTES = 66 * 1024 * 1024
};

static gboolean
is_mapped(gsize size)
{
    return size > MALLOC_MAX_BYTES;
}

static gboolean
is_reserved(gsize size)
{
    return is_mapped(size) && size <= RESERVED_BYTES;
}

static gpointer
check_mapping(gpointer memory, gsize size)
{
    if (memory == MAP_FAILED)
        g_error("cannot map %" G_GSIZE_FORMAT " bytes", size);
    return memory;
}

static gpointer
map_pages(gsize size, int flags)
{
    return check_mapping(
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0), size);
}

/* Address space only, aligned so that its first huge page begins where it does; huge pages from
 * offset SMALL_BYTES on. */
static gpointer
reserve_pages(gsize small_bytes)
{
    char *begin = map_pages(RESERVED_BYTES + HUGE_PAGE_BYTES, MAP_NORESERVE);
    gsize before = -(gsize)begin % HUGE_PAGE_BYTES;

    if (before > 0)
        (void)munmap(begin, before);
    begin += before;
    (void)munmap(begin + RESERVED_BYTES, HUGE_PAGE_BYTES - before);
    /* Fails where the kernel has none. */
    (void)madvise(begin + small_bytes, RESERVED_BYTES - small_bytes, MADV_HUGEPAGE);
    return begin;
}

static gpointer
take_memory(gsize size, gboolean roomy)
{
    if (is_reserved(size))
        return reserve_pages(roomy ? 0 : SMALL_PAGES_BYTES);
    return is_mapped(size) ? map_pages(size, 0) : g_malloc(size);
}

/* Gives back the pages behind what the block holds from now on. */
static gpointer
cut_reservation(char *memory, gsize old_size, gsize new_size)
{
    gsize kept = (new_size + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;

    if (kept < old_size)
        (void)madvise(memory + kept, RESERVED_BYTES - kept, MADV_DONTNEED);
    return memory;
}

static void
free_memory(gpointer memory, gsize size)
{
    if (is_reserved(size))
        (void)munmap(memory, RESERVED_BYTES);
    else if (is_mapped(size))
        (void)munmap(memory, size);
    else
        g_free(memory);
}

static gpointer
resize(gpointer memory, gsize old_size, gsize new_size, gboolean roomy)
{
    gpointer moved = NULL;

    if (is_reserved(old_size) && is_reserved(new_size))
        return cut_reservation(memory, old_size, new_size);
    if (is_mapped(old_size) && is_mapped(new_size) && !is_reserved(old_size) &&
        !is_reserved(new_size))
        return check_mapping(mremap(memory, old_size, new_size, MREMAP_MAYMOVE), new_size);
    if (!is_mapped(old_size) && !is_mapped(new_size))
        return g_realloc(memory, new_size);

    if (new_size > 0)
        moved = take_memory(new_size, roomy);
    if (memory != NULL && moved != NULL)
        memcpy(moved, memory, MIN(old_size, new_size));
    free_memory(memory, old_size);
    /* A block that outgrew the heap leaves a hole there as large as half of what it holds now, and
     * many peers at once as many holes. */
    if (is_mapped(new_size) && old_size > TRIM_FROM_BYTES && !is_mapped(old_size))
        malloc_trim(0);
    return moved;
}

gpointer
tn_pages_resize(gpointer memory, gsize old_size, gsize new_size)
{
    return resize(memory, old_size, new_size, FALSE);
}

gpointer
tn_pages_resize_roomy(gpointer memory, gsize old_size, gsize new_size)
{
    return resize(memory, old_size, new_size, TRUE);
}
