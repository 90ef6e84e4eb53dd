/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Memory that grows without a second copy and goes back to the kernel when it is freed, if it is
 * large. malloc alone does neither for good: glibc raises its mmap threshold to the largest block
 * that was ever freed, and from then on keeps such blocks in its heap. What is not that large comes
 * from malloc, because bringing in fresh pages costs more than the copies, on virtual machines
 * above all.
 */

/* Resizes MEMORY (NULL when OLD_SIZE is 0) from OLD_SIZE to NEW_SIZE bytes and returns its new
 * place; the contents stay as far as both sizes reach. NEW_SIZE 0 frees and returns NULL. The
 * caller remembers the size. Up to 2 MiB from malloc, above from mmap, with huge pages behind the
 * first 4 MiB. Aborts without memory. Never blocks. Source: mremap(2). */
gpointer tn_pages_resize(gpointer memory, gsize old_size, gsize new_size);

/* The same with huge pages from the first byte on, when it comes to take a new place above 2 MiB:
 * faster, and up to 2 MiB more than asked for are in use. For a few blocks at a time. */
gpointer tn_pages_resize_roomy(gpointer memory, gsize old_size, gsize new_size);
