/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bounded output in chunks. The common child writes a line: its bytes are read into a scratch
 * buffer and stored in a chunk of their size. A child that writes much gets chunks that double up
 * to 32 KiB and then large ones; the read goes straight into the last one, with the scratch buffer
 * behind it for what does not fit, so each byte is copied at most once and most are not. Large
 * chunks are mappings of their own: freeing one gives its memory back to the kernel at once. Their
 * pages are brought in by the piece, because a fault for each page costs more than the copy into
 * it.
 */

#include "platform/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    CHUNK_MIN_BYTES = 512,
    CHUNK_SMALL_BYTES = 32 * 1024,  /* up to here from the heap, beyond: */
    CHUNK_LARGE_BYTES = 256 * 1024, /* a mapping of its own */
    SPARE_CHUNKS = 16,              /* mapped ones, kept for what comes next */
    TURN_BYTES = 256 * 1024,        /* read in one turn of the main loop */
    PIPE_BYTES = 1024 * 1024,       /* fs.pipe-max-size by default */
    POPULATE_BYTES = 128 * 1024,    /* pages brought in at once */
    POPULATE_WRITE = 23,            /* MADV_POPULATE_WRITE, Linux 5.14 */
    CHUNKS_IN_WINDOW = 8,           /* so that a sliding window holds little more than its limit */
};

typedef struct {
    guint refs;
    gsize size;
    gsize used;
    guint64 offset; /* of its first byte in the stream */
    uint8_t *data;
    gboolean mapped;
    gsize populated;     /* of a mapping: pages that are there */
    TnCapturePool *pool; /* takes a large chunk back; may be NULL */
} Chunk;

struct TnCapture {
    TnCaptureFull full;
    TnCaptureBudget *budget;
    guint index;
    gboolean enlarged;
    GPtrArray *chunks; /* of Chunk, in order, without gaps */
    gsize chunk_next;  /* size of the next chunk */
    gsize chunk_max;
    guint64 from;
    guint64 end;
    guint64 total;
    guint64 dropped;
};

struct TnCaptureSpan {
    GPtrArray *chunks; /* of Chunk, each with a reference */
    guint at;
    guint64 offset;
    guint64 end;
};

static void
free_chunk(gpointer data)
{
    Chunk *chunk = data;

    if (chunk->mapped)
        munmap(chunk->data, chunk->size);
    else
        g_free(chunk->data);
    g_free(chunk);
}

void
tn_capture_pool_trim(TnCapturePool *pool)
{
    g_clear_pointer(&pool->spare, g_ptr_array_unref);
}

/* Of just that size: the chunks of a window are all alike, so those that are forgotten serve for
 * what comes next. */
static Chunk *
take_spare(TnCapturePool *pool, gsize size)
{
    for (guint i = pool != NULL && pool->spare != NULL ? pool->spare->len : 0; i > 0; i--) {
        const Chunk *chunk = g_ptr_array_index(pool->spare, i - 1);

        if (chunk->size == size)
            return g_ptr_array_steal_index_fast(pool->spare, i - 1);
    }
    return NULL;
}

static gboolean
keep_spare(TnCapturePool *pool, Chunk *chunk)
{
    if (pool == NULL || !chunk->mapped || chunk->size > CHUNK_LARGE_BYTES)
        return FALSE;
    if (pool->spare == NULL)
        pool->spare = g_ptr_array_new_with_free_func(free_chunk);
    if (pool->spare->len >= SPARE_CHUNKS)
        return FALSE;
    g_ptr_array_add(pool->spare, chunk);
    return TRUE;
}

static Chunk *
create_chunk(TnCapturePool *pool, gsize size, guint64 offset)
{
    Chunk *chunk = take_spare(pool, size);

    if (chunk == NULL)
        chunk = g_new0(Chunk, 1);
    chunk->refs = 1;
    chunk->size = size;
    chunk->used = 0;
    chunk->offset = offset;
    chunk->pool = pool;
    if (chunk->data == NULL && size > CHUNK_SMALL_BYTES) {
        void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        chunk->mapped = data != MAP_FAILED;
        chunk->data = chunk->mapped ? data : NULL;
    }
    if (chunk->data == NULL)
        chunk->data = g_malloc(size);
    return chunk;
}

/* Before a read into CHUNK. A kernel that cannot do it brings the pages in by faults. */
static void
populate_chunk(Chunk *chunk)
{
    while (chunk->mapped && chunk->populated < chunk->size &&
           chunk->populated < chunk->used + TN_CAPTURE_SCRATCH_BYTES) {
        gsize size = MIN(chunk->size - chunk->populated, (gsize)POPULATE_BYTES);

        madvise(chunk->data + chunk->populated, size, POPULATE_WRITE);
        chunk->populated += size;
    }
}

static void
unref_chunk(gpointer data)
{
    Chunk *chunk = data;

    if (--chunk->refs == 0 && !keep_spare(chunk->pool, chunk))
        free_chunk(chunk);
}

/* How many bytes this stream may hold now. Room that comes back is of no use to a head that has
 * lost bytes: what is held must have no gap. */
static guint64
compute_room(const TnCapture *capture)
{
    const TnCaptureBudget *budget = capture->budget;
    guint64 held = capture->end - capture->from;
    guint64 taken = 0;
    guint64 room;

    if (capture->full == TN_CAPTURE_HEAD && capture->dropped > 0)
        return held;
    if (budget->reserved_bytes > 0)
        taken = MAX(budget->held_bytes[1 - capture->index], budget->reserved_bytes);
    room = budget->limit_bytes > taken ? budget->limit_bytes - taken : 0;
    if (budget->stream_max_bytes > 0)
        room = MIN(room, budget->stream_max_bytes);
    if (budget->pool != NULL) {
        guint64 others = budget->pool->held_bytes - held;
        guint64 left = budget->pool->limit_bytes > others ? budget->pool->limit_bytes - others : 0;

        /* A stream that waits must always be able to go on, or nobody would wake it. */
        if (capture->full == TN_CAPTURE_WAIT)
            left = MAX(left, TN_CAPTURE_SCRATCH_BYTES);
        room = MIN(room, left);
    }
    return room;
}

static void
change_held(TnCapture *capture, guint64 added, guint64 removed)
{
    capture->budget->held_bytes[capture->index] += added - removed;
    if (capture->budget->pool != NULL)
        capture->budget->pool->held_bytes += added - removed;
}

static Chunk *
get_last_chunk(const TnCapture *capture)
{
    guint n = capture->chunks->len;

    return n > 0 ? g_ptr_array_index(capture->chunks, n - 1) : NULL;
}

static void
set_from(TnCapture *capture, guint64 from)
{
    change_held(capture, 0, from - capture->from);
    capture->from = from;
    while (capture->chunks->len > 0) {
        const Chunk *chunk = g_ptr_array_index(capture->chunks, 0);

        if (chunk->offset + chunk->used > from)
            break;
        g_ptr_array_remove_index(capture->chunks, 0);
    }
}

static void
extend_chunk(TnCapture *capture, Chunk *chunk, gsize size)
{
    chunk->used += size;
    capture->end += size;
    change_held(capture, size, 0);
}

static void
append_bytes(TnCapture *capture, const uint8_t *data, gsize size)
{
    gsize wanted = MAX(capture->chunk_next, size);
    Chunk *chunk;

    if (wanted > CHUNK_SMALL_BYTES)
        wanted = MAX(capture->chunk_max, size);
    chunk = create_chunk(capture->budget->pool, wanted, capture->end);
    capture->chunk_next = MIN(wanted * 2, capture->chunk_max);
    populate_chunk(chunk);
    memcpy(chunk->data, data, size);
    g_ptr_array_add(capture->chunks, chunk);
    extend_chunk(capture, chunk, size);
}

/* N bytes were read, the first TAIL of them at most into the last chunk, the others into SPILL. */
static void
store_bytes(TnCapture *capture, gsize n, gsize tail, const uint8_t *spill)
{
    guint64 held = capture->end - capture->from;
    guint64 room = compute_room(capture);
    Chunk *last = get_last_chunk(capture);
    gsize kept = n;

    if (capture->full == TN_CAPTURE_HEAD)
        kept = (gsize)MIN((guint64)n, room > held ? room - held : 0);
    capture->total += n;
    if (last != NULL)
        extend_chunk(capture, last, MIN(kept, tail));
    if (kept > tail)
        append_bytes(capture, spill, kept - tail);
    if (capture->full == TN_CAPTURE_HEAD) {
        capture->dropped += n - kept;
    } else if (capture->full == TN_CAPTURE_TAIL && held + n > room) {
        guint64 from = capture->end - room;

        capture->dropped += from - capture->from;
        set_from(capture, from);
    }
}

TnCapture *
tn_capture_new(TnCaptureFull full, TnCaptureBudget *budget, guint index)
{
    TnCapture *capture = g_new0(TnCapture, 1);

    g_assert(index < G_N_ELEMENTS(budget->held_bytes));
    capture->full = full;
    capture->budget = budget;
    capture->index = index;
    capture->chunks = g_ptr_array_new_with_free_func(unref_chunk);
    capture->chunk_next = CHUNK_MIN_BYTES;
    capture->chunk_max = CHUNK_LARGE_BYTES;
    if (full != TN_CAPTURE_HEAD)
        capture->chunk_max = (gsize)CLAMP(budget->limit_bytes / CHUNKS_IN_WINDOW,
                                          (guint64)CHUNK_MIN_BYTES, (guint64)CHUNK_LARGE_BYTES);
    return capture;
}

void
tn_capture_restore(TnCapture *capture, guint64 from, const uint8_t *data, gsize size, guint64 total,
                   guint64 dropped)
{
    capture->from = from;
    capture->end = from;
    while (size > 0) {
        gsize piece = MIN(size, (gsize)CHUNK_LARGE_BYTES);

        append_bytes(capture, data, piece);
        data += piece;
        size -= piece;
    }
    capture->total = total;
    capture->dropped = dropped;
}

void
tn_capture_free(TnCapture *capture)
{
    if (capture == NULL)
        return;
    change_held(capture, 0, capture->end - capture->from);
    g_ptr_array_unref(capture->chunks);
    g_free(capture);
}

/* One readv. Scratch is not used when the last chunk has room for a pipe's content. */
static gssize
read_once(TnCapture *capture, int fd, uint8_t *scratch, gsize max, gboolean *ret_filled)
{
    Chunk *last = get_last_chunk(capture);
    gsize tail = last != NULL ? MIN(last->size - last->used, max) : 0;
    gsize rest = tail < TN_CAPTURE_SCRATCH_BYTES ? MIN(max - tail, TN_CAPTURE_SCRATCH_BYTES) : 0;
    struct iovec parts[2] = {
        {.iov_base = tail > 0 ? last->data + last->used : NULL, .iov_len = tail},
        {.iov_base = scratch, .iov_len = rest},
    };
    gssize n;

    if (last != NULL)
        populate_chunk(last);
    do
        n = readv(fd, parts, 2);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        store_bytes(capture, (gsize)n, tail, scratch);
    *ret_filled = n > 0 && (gsize)n == tail + rest;
    return n;
}

TnCaptureState
tn_capture_read(TnCapture *capture, int fd, uint8_t *scratch)
{
    gsize done = 0;

    while (done < TURN_BYTES) {
        gsize max = G_MAXSSIZE;
        gboolean filled;
        gssize n;

        if (capture->full == TN_CAPTURE_WAIT) {
            guint64 room = compute_room(capture);

            if (room <= capture->end - capture->from)
                return TN_CAPTURE_STOP;
            max = (gsize)(room - (capture->end - capture->from));
        }
        n = read_once(capture, fd, scratch, max, &filled);
        if (n < 0)
            return errno == EAGAIN ? TN_CAPTURE_AGAIN : TN_CAPTURE_END;
        if (n == 0)
            return TN_CAPTURE_END;
        done += (gsize)n;
        if ((gsize)n >= TN_CAPTURE_SCRATCH_BYTES && !capture->enlarged) {
            /* A busy writer: fewer switches between it and us. Failure (quota) costs speed only. */
            capture->enlarged = TRUE;
            fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
        }
        if (!filled && (gsize)n < TN_CAPTURE_SCRATCH_BYTES)
            return TN_CAPTURE_AGAIN;
    }
    return TN_CAPTURE_MORE;
}

guint64
tn_capture_get_total(const TnCapture *capture)
{
    return capture->total;
}

guint64
tn_capture_get_from(const TnCapture *capture)
{
    return capture->from;
}

guint64
tn_capture_get_end(const TnCapture *capture)
{
    return capture->end;
}

guint64
tn_capture_get_dropped(const TnCapture *capture)
{
    return capture->dropped;
}

void
tn_capture_forget(TnCapture *capture, guint64 offset)
{
    guint64 from = MIN(offset, capture->end);

    if (from > capture->from)
        set_from(capture, from);
}

void
tn_capture_drop(TnCapture *capture)
{
    capture->dropped += capture->end - capture->from;
    set_from(capture, capture->end);
}

TnCaptureSpan *
tn_capture_span_new(const TnCapture *capture, guint64 offset, guint64 max)
{
    TnCaptureSpan *span = g_new0(TnCaptureSpan, 1);

    span->chunks = g_ptr_array_new_with_free_func(unref_chunk);
    span->offset = CLAMP(offset, capture->from, capture->end);
    span->end = span->offset + MIN(max, capture->end - span->offset);
    for (guint i = 0; i < capture->chunks->len; i++) {
        Chunk *chunk = g_ptr_array_index(capture->chunks, i);

        if (chunk->offset + chunk->used <= span->offset || chunk->offset >= span->end)
            continue;
        chunk->refs++;
        g_ptr_array_add(span->chunks, chunk);
    }
    return span;
}

void
tn_capture_span_free(TnCaptureSpan *span)
{
    if (span == NULL)
        return;
    g_ptr_array_unref(span->chunks);
    g_free(span);
}

guint64
tn_capture_span_get_size(const TnCaptureSpan *span)
{
    return span->end - span->offset;
}

gsize
tn_capture_span_next(TnCaptureSpan *span, gsize max, const uint8_t **ret_data)
{
    const Chunk *chunk;
    guint64 there;
    gsize n;

    if (span->offset >= span->end || max == 0)
        return 0;
    chunk = g_ptr_array_index(span->chunks, span->at);
    there = MIN(chunk->offset + chunk->used, span->end) - span->offset;
    n = (gsize)MIN((guint64)max, there);
    *ret_data = chunk->data + (span->offset - chunk->offset);
    span->offset += n;
    if (span->offset >= chunk->offset + chunk->size || n == there)
        span->at++;
    return n;
}
