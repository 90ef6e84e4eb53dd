/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buffer between a peer's bytes and messages. lex.c knows the grammar; here is decided where a
 * message begins, what 0xFF and an error skip, and whose memory it is.
 *
 * Invariants: begin <= begin + lexer.read <= filled <= capacity. White space in front of a message
 * is dropped at once, so a message that has begun has its first byte at `begin`. A message is moved
 * to the front of the buffer at most once, and a buffer at least doubles, so any input costs time
 * linear in its size, however it was cut into pieces.
 */

#include "agent/wire/frame.h"

#include "agent/wire/lex.h"
#include "agent/wire/pages.h"

#include <string.h>

enum {
    MIN_ROOM_BYTES = 4096,
    MAX_ROOM_BYTES = 1024 * 1024,
    FEW_BYTES = 16 * 1024, /* capacity that is kept between messages */
    COPY_BYTES = 4096      /* a message up to this size is copied when it is detached */
};

struct TnFrame {
    TnLexer lexer;
    char *bytes;
    gsize capacity;
    gsize begin;  /* offset of the message, or of the first byte that was not looked at */
    gsize filled; /* bytes of input in the buffer */
    gboolean has_begun;
    gboolean is_handed_out; /* the message at `begin` is complete and its caller may look at it */
    gboolean is_skipping;   /* an error was told; the rest of its line is dropped */
    gboolean is_roomy;
    char *spare; /* from tn_frame_recycle; NULL: none */
    gsize spare_capacity;
};

TnFrame *
tn_frame_new(const TnFrameLimits *limits)
{
    static const TnFrameLimits defaults = {
        .message_bytes = TN_FRAME_MESSAGE_BYTES,
        .depth = TN_FRAME_DEPTH,
        .n_tokens = TN_FRAME_TOKENS,
    };
    TnFrame *frame = g_new0(TnFrame, 1);

    tn_lex_init(&frame->lexer, limits != NULL ? limits : &defaults);
    return frame;
}

static void
drop_spare(TnFrame *frame)
{
    frame->spare = tn_pages_resize(frame->spare, frame->spare_capacity, 0);
    frame->spare_capacity = 0;
}

void
tn_frame_free(TnFrame *frame)
{
    if (frame == NULL)
        return;
    drop_spare(frame);
    tn_lex_clear(&frame->lexer);
    (void)tn_pages_resize(frame->bytes, frame->capacity, 0);
    g_free(frame);
}

/* Drops N bytes of the message or of what stands before one. */
static void
drop_bytes(TnFrame *frame, gsize n)
{
    frame->begin += n;
    if (frame->begin == frame->filled)
        frame->begin = frame->filled = 0;
    frame->has_begun = FALSE;
    tn_lex_restart(&frame->lexer);
}

static void
drop_handed_out(TnFrame *frame)
{
    if (!frame->is_handed_out)
        return;
    frame->is_handed_out = FALSE;
    drop_bytes(frame, frame->lexer.read);
}

static void
resize_buffer(TnFrame *frame, gsize capacity)
{
    frame->bytes = frame->is_roomy ? tn_pages_resize_roomy(frame->bytes, frame->capacity, capacity)
                                   : tn_pages_resize(frame->bytes, frame->capacity, capacity);
    frame->capacity = capacity;
}

static void
move_to_front(TnFrame *frame)
{
    memmove(frame->bytes, frame->bytes + frame->begin, frame->filled - frame->begin);
    frame->filled -= frame->begin;
    frame->begin = 0;
}

/* After something large was dropped: memory goes back unless more input waits in it. */
static void
shrink_buffer(TnFrame *frame)
{
    if (frame->capacity <= FEW_BYTES || frame->filled - frame->begin > FEW_BYTES / 2)
        return;
    if (frame->begin > 0)
        move_to_front(frame);
    resize_buffer(frame, FEW_BYTES);
}

char *
tn_frame_reserve(TnFrame *frame, gsize *ret_room)
{
    drop_handed_out(frame);
    if (frame->capacity - frame->filled < MIN_ROOM_BYTES) {
        gsize capacity = MAX(frame->capacity * 2, FEW_BYTES);

        if (frame->begin > 0)
            move_to_front(frame);
        /* The last doubling would only be for bytes that no message may have. */
        if (capacity > MAX_ROOM_BYTES)
            capacity = MIN(capacity, MAX(frame->lexer.limits.message_bytes, frame->capacity) +
                                         MAX_ROOM_BYTES);
        if (frame->capacity - frame->filled < MIN_ROOM_BYTES)
            resize_buffer(frame, capacity);
    }
    *ret_room = MIN(frame->capacity - frame->filled, MAX_ROOM_BYTES);
    return frame->bytes + frame->filled;
}

void
tn_frame_set_roomy(TnFrame *frame, gboolean roomy)
{
    frame->is_roomy = roomy;
}

void
tn_frame_commit(TnFrame *frame, gsize n_bytes)
{
    g_assert(n_bytes <= frame->capacity - frame->filled);
    frame->filled += n_bytes;
}

/* FALSE when the end of the line has not arrived. */
static gboolean
skip_line(TnFrame *frame)
{
    const char *bytes = frame->bytes + frame->begin;
    gsize size = frame->filled - frame->begin;
    gsize at = 0;

    while (at < size && bytes[at] != '\n' && (uint8_t)bytes[at] != TN_LEXER_SENTINEL)
        at++;
    frame->is_skipping = at == size;
    drop_bytes(frame, MIN(at + 1, size));
    if (frame->is_skipping)
        shrink_buffer(frame);
    return !frame->is_skipping;
}

/* FALSE when there is nothing but white space and 0xFF. */
static gboolean
find_begin(TnFrame *frame)
{
    const char *bytes = frame->bytes;
    gsize at = frame->begin;

    while (at < frame->filled && (bytes[at] == '\n' || bytes[at] == ' ' || bytes[at] == '\t' ||
                                  bytes[at] == '\r' || (uint8_t)bytes[at] == TN_LEXER_SENTINEL))
        at++;
    frame->begin = at;
    frame->has_begun = at < frame->filled;
    if (!frame->has_begun)
        frame->begin = frame->filled = 0;
    return frame->has_begun;
}

static TnFrameResult
hand_out(TnFrame *frame, TnMessage *ret_message)
{
    frame->is_handed_out = TRUE;
    *ret_message = (TnMessage){
        .bytes = frame->bytes + frame->begin,
        .tokens = frame->lexer.tokens,
        .n_tokens = frame->lexer.n_tokens,
    };
    return TN_FRAME_MESSAGE;
}

TnFrameResult
tn_frame_next(TnFrame *frame, TnMessage *ret_message, const char **ret_why)
{
    TnLexer *lexer = &frame->lexer;

    drop_handed_out(frame);
    for (;;) {
        if (frame->is_skipping && !skip_line(frame))
            return TN_FRAME_MORE;
        if (!frame->has_begun && !find_begin(frame))
            return TN_FRAME_MORE;

        switch (tn_lex_run(lexer, frame->bytes + frame->begin, frame->filled - frame->begin)) {
        case TN_LEX_MORE:
            return TN_FRAME_MORE;
        case TN_LEX_DONE:
            return hand_out(frame, ret_message);
        case TN_LEX_RESYNC:
            drop_bytes(frame, lexer->read + 1);
            shrink_buffer(frame);
            break;
        case TN_LEX_FAILED:
            frame->is_skipping = TRUE;
            drop_bytes(frame, lexer->read);
            tn_lex_trim(lexer);
            shrink_buffer(frame);
            *ret_why = lexer->why;
            return TN_FRAME_ERROR;
        }
    }
}

/* Buffers of its exact size for the message; the frame keeps its own. */
static void
copy_message(TnFrame *frame, TnMessage *message)
{
    gsize size = frame->lexer.read;
    gsize tokens_size = message->n_tokens * sizeof(TnToken);
    char *bytes = tn_pages_resize(NULL, 0, size + 1);
    TnToken *tokens = tn_pages_resize(NULL, 0, tokens_size);

    memcpy(bytes, message->bytes, size);
    bytes[size] = '\0'; /* a number may be all of the message: it needs an end */
    memcpy(tokens, message->tokens, tokens_size);
    tn_message_own(message, bytes, size + 1, tokens, message->n_tokens);
    message->bytes = bytes;
}

/* A buffer for N_LEFT bytes and more: the spare one if it is large enough. */
static char *
take_buffer(TnFrame *frame, gsize n_left, gsize *ret_capacity)
{
    gsize capacity = MAX(FEW_BYTES, n_left + MIN_ROOM_BYTES);

    if (frame->spare_capacity < capacity) {
        *ret_capacity = capacity;
        return tn_pages_resize(NULL, 0, capacity);
    }
    *ret_capacity = frame->spare_capacity;
    frame->spare_capacity = 0;
    return g_steal_pointer(&frame->spare);
}

/* The frame's buffers for the message; the frame gets another one with the bytes behind it. */
static void
give_buffers(TnFrame *frame, TnMessage *message)
{
    gsize end = frame->begin + frame->lexer.read;
    gsize n_left = frame->filled - end;
    gsize capacity = 0;
    char *bytes = take_buffer(frame, n_left, &capacity);
    guint token_capacity = 0;
    TnToken *tokens = tn_lex_steal_tokens(&frame->lexer, &token_capacity);

    memcpy(bytes, frame->bytes + end, n_left);
    tn_message_own(message, frame->bytes, frame->capacity, tokens, token_capacity);
    frame->bytes = bytes;
    frame->capacity = capacity;
    frame->begin = 0;
    frame->filled = n_left;
    frame->lexer.read = 0;
}

void
tn_frame_detach(TnFrame *frame, TnMessage *message)
{
    g_assert(frame->is_handed_out && message->block == NULL);
    if (frame->lexer.read <= COPY_BYTES)
        copy_message(frame, message);
    else
        give_buffers(frame, message);
    drop_handed_out(frame);
}

void
tn_frame_recycle(TnFrame *frame, TnMessage *message)
{
    gsize capacity = 0;
    char *bytes = tn_message_steal_bytes(message, &capacity);

    if (capacity <= frame->spare_capacity) {
        (void)tn_pages_resize(bytes, capacity, 0);
        return;
    }
    drop_spare(frame);
    frame->spare = bytes;
    frame->spare_capacity = capacity;
}

void
tn_frame_reset(TnFrame *frame)
{
    drop_spare(frame);
    frame->is_handed_out = FALSE;
    frame->is_skipping = FALSE;
    drop_bytes(frame, frame->filled - frame->begin);
    tn_frame_trim(frame);
}

gsize
tn_frame_get_begun_bytes(const TnFrame *frame)
{
    return frame->has_begun && !frame->is_handed_out ? frame->filled - frame->begin : 0;
}

gboolean
tn_frame_has_input(const TnFrame *frame)
{
    gsize at = frame->begin + (frame->is_handed_out ? frame->lexer.read : 0);

    while (at < frame->filled && (frame->bytes[at] == '\n' || frame->bytes[at] == ' ' ||
                                  frame->bytes[at] == '\r' || frame->bytes[at] == '\t'))
        at++;
    return at < frame->filled;
}

void
tn_frame_trim(TnFrame *frame)
{
    drop_handed_out(frame);
    if (!frame->has_begun)
        tn_lex_trim(&frame->lexer);
    shrink_buffer(frame);
}
