/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * What a child has written to one of its streams: a bounded window of bytes, addressed by their
 * offset in the stream. It stands in chunks that are never moved, so that readers share them
 * without a copy. Main thread only.
 */

/* What happens to bytes for which there is no room. */
typedef enum {
    TN_CAPTURE_HEAD, /* the first bytes stay, later ones are read and dropped */
    TN_CAPTURE_TAIL, /* the last bytes stay, earlier ones are dropped */
    TN_CAPTURE_WAIT, /* nothing is dropped: reading stops until tn_capture_forget makes room */
} TnCaptureFull;

/* What all captures of the agent may hold together, and memory that was freed a moment ago and will
 * soon be wanted again. */
typedef struct {
    guint64 limit_bytes;
    guint64 held_bytes;
    GPtrArray *spare; /* NULL before the first; tn_capture_pool_trim empties it */
} TnCapturePool;

/* Room for the two streams of one child: LIMIT each, or LIMIT together when RESERVED > 0, of which
 * each stream can then count on RESERVED, however much the other one writes. */
typedef struct {
    TnCapturePool *pool; /* may be NULL */
    guint64 limit_bytes;
    guint64 reserved_bytes;
    guint64 stream_max_bytes; /* of each stream in any case; 0: no such limit */
    guint64 held_bytes[2];
} TnCaptureBudget;

typedef enum {
    TN_CAPTURE_AGAIN, /* nothing more to read now */
    TN_CAPTURE_MORE,  /* a turn's worth was read; call again */
    TN_CAPTURE_STOP,  /* mode WAIT and no room: stop watching until bytes are forgotten */
    TN_CAPTURE_END,   /* end of file, or an error that no later read would cure */
} TnCaptureState;

typedef struct TnCapture TnCapture;

/* Gives spare memory back to the kernel; at the end of a burst, and before POOL goes. */
void tn_capture_pool_trim(TnCapturePool *pool);

/* BUDGET is borrowed and outlives the capture; INDEX (0 or 1) is its place there. */
TnCapture *tn_capture_new(TnCaptureFull full, TnCaptureBudget *budget, guint index);
void tn_capture_free(TnCapture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnCapture, tn_capture_free)

/* Makes a new capture hold DATA, which begins at offset FROM of a stream of which TOTAL bytes came
 * and DROPPED were lost: the state that another process left. */
void tn_capture_restore(TnCapture *capture, guint64 from, const uint8_t *data, gsize size,
                        guint64 total, guint64 dropped);

/* What a pipe holds by default, pipe(7). */
#define TN_CAPTURE_SCRATCH_BYTES ((gsize)64 * 1024)

/* Reads from the non-blocking FD, about 256 KiB in a call; enlarges a pipe that fills up. SCRATCH
 * has TN_CAPTURE_SCRATCH_BYTES, which all captures can share. */
TnCaptureState tn_capture_read(TnCapture *capture, int fd, uint8_t *scratch);

/* Bytes that came from the child, dropped ones included: the end of the stream so far. */
guint64 tn_capture_get_total(const TnCapture *capture);
/* Offset of the first byte that is held, and of the byte behind the last one. */
guint64 tn_capture_get_from(const TnCapture *capture);
guint64 tn_capture_get_end(const TnCapture *capture);
/* Bytes that were lost for want of room; those that were forgotten on purpose do not count. */
guint64 tn_capture_get_dropped(const TnCapture *capture);

/* Gives up the bytes below OFFSET (cut to the end): their reader has them. */
void tn_capture_forget(TnCapture *capture, guint64 offset);
/* Gives up everything that is held, as lost. */
void tn_capture_drop(TnCapture *capture);

/* A fixed range of held bytes. It stays whole while the capture goes on, forgets or is freed; it
 * must be freed before the pool. */
typedef struct TnCaptureSpan TnCaptureSpan;

/* At most MAX bytes from OFFSET on, cut to what is held. */
TnCaptureSpan *tn_capture_span_new(const TnCapture *capture, guint64 offset, guint64 max);
void tn_capture_span_free(TnCaptureSpan *span);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnCaptureSpan, tn_capture_span_free)
guint64 tn_capture_span_get_size(const TnCaptureSpan *span);
/* The next at most MAX bytes, in place and valid as long as SPAN; 0 at the end. */
gsize tn_capture_span_next(TnCaptureSpan *span, gsize max, const uint8_t **ret_data);
