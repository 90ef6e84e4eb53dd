/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest to host. tenon-file-get opens, reads and closes in one request, so a piece depends on no
 * state in the agent and can be asked for again; its version word ties the pieces together. The
 * handle of a stock agent moves with each read: pieces come in order and a broken copy is lost.
 */

#include "client/fetch.h"

#include "client/failure.h"

#define PIECE_MAX_BYTES ((gsize)1 << 20)
#define ENVELOPE_BYTES  4096
#define RETURN_US       G_GINT64_CONSTANT(30000000)
#define RETRIES         8 /* in a row, without a byte in between */
#define BASE64_LINE(n)  ((n) / 4 * 3)

typedef struct {
    TnAgent *agent;
    TnFetch *fetch;
    gsize piece;
    char *version;
    gint64 handle; /* of a stock agent */
    gint64 asked;  /* offset behind the last byte that was asked for */
    gint64 size;   /* of the file, as last told; < 0: unknown */
    guint n_begun;
    gboolean is_eof;
} Reader;

static void
clear_reader(Reader *reader)
{
    g_free(reader->version);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, clear_reader)

gsize
tn_fetch_get_piece(const TnAgent *agent)
{
    return MIN(PIECE_MAX_BYTES, BASE64_LINE(tn_dial_get_reply_max(agent) - ENVELOPE_BYTES));
}

gboolean
tn_fetch_may_retry(const GError *error)
{
    return g_error_matches(error, TN_FAILURE, TN_FAILURE_CONNECTION_LOST) ||
           g_error_matches(error, TN_FAILURE, TN_FAILURE_AGENT_ABSENT);
}

static gboolean
begin_get(Reader *reader, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-get");

    tn_ask_add_string(ask, "path", reader->fetch->path);
    tn_ask_add_int(ask, "offset", reader->asked);
    tn_ask_add_int(ask, "count", (gint64)reader->piece);
    if (reader->version != NULL)
        tn_ask_add_string(ask, "version", reader->version);
    if (!tn_dial_begin(reader->agent, ask, error))
        return FALSE;
    reader->asked += (gint64)reader->piece;
    reader->n_begun++;
    return TRUE;
}

static gboolean
begin_read(Reader *reader, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-file-read");

    tn_ask_add_int(ask, "handle", reader->handle);
    tn_ask_add_int(ask, "count", (gint64)reader->piece);
    if (!tn_dial_begin(reader->agent, ask, error))
        return FALSE;
    reader->n_begun++;
    return TRUE;
}

/* Forgets what is under way; the next request begins at the first byte that is missing. */
static void
realign(Reader *reader)
{
    tn_dial_abandon(reader->agent);
    reader->n_begun = 0;
    reader->asked = reader->fetch->offset;
}

/* What ANSWER brings goes to the sink. */
static gboolean
use_piece(Reader *reader, TnAnswer *answer, guint at, GError **error)
{
    TnFetch *fetch = reader->fetch;
    const guint8 *bytes = NULL;
    gsize size = 0;

    (void)tn_answer_get_bool(answer, at, "eof", &reader->is_eof);
    (void)tn_answer_get_int(answer, at, "size", &reader->size);
    if (!fetch->is_plain && reader->version == NULL)
        reader->version = g_strdup(tn_answer_get_string(answer, at, "version"));
    if (!tn_answer_get_bytes(answer, at, "buf-b64", &bytes, &size, error))
        return FALSE;
    if (size > reader->piece || (size == 0 && !reader->is_eof)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: a piece of the wrong size");
        return FALSE;
    }
    if (size > 0 && !fetch->sink(fetch->sink_data, bytes, size, error))
        return FALSE;
    fetch->offset += (gint64)size;
    /* A short piece leaves a gap before what was asked for next. A handle leaves none. */
    if (size < reader->piece && !reader->is_eof && !fetch->is_plain)
        realign(reader);
    return TRUE;
}

static gboolean
take_piece(Reader *reader, GError **error)
{
    TnAnswer *answer = NULL;
    gboolean is_used = FALSE;
    guint at = 0;

    reader->n_begun--;
    answer = tn_dial_finish(reader->agent, TN_DIAL_ANSWER_US, &at, error);
    is_used = answer != NULL && use_piece(reader, answer, at, error);
    tn_dial_recycle(reader->agent, answer);
    return is_used;
}

/* Begins as many requests as are worth it: one until the size is known, then up to the end. */
static gboolean
fill_window(Reader *reader, GError **error)
{
    guint depth = tn_dial_get_depth(reader->agent);

    while (reader->n_begun < depth) {
        if (reader->n_begun > 0 && (reader->size < 0 || reader->asked >= reader->size) &&
            !reader->fetch->is_plain)
            return TRUE;
        if (!(reader->fetch->is_plain ? begin_read(reader, error) : begin_get(reader, error)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_tenon(Reader *reader, GError **error)
{
    guint n_failed = 0;

    while (!reader->is_eof) {
        g_autoptr(GError) turn_error = NULL;
        gint64 before = reader->fetch->offset;

        if (fill_window(reader, &turn_error) && take_piece(reader, &turn_error)) {
            n_failed = 0;
            continue;
        }
        n_failed = reader->fetch->offset > before ? 1 : n_failed + 1;
        if (!tn_fetch_may_retry(turn_error) || n_failed > RETRIES ||
            !tn_dial_again(reader->agent, RETURN_US, NULL)) {
            realign(reader);
            g_propagate_error(error, g_steal_pointer(&turn_error));
            return FALSE;
        }
        realign(reader);
    }
    realign(reader);
    return TRUE;
}

static gboolean
open_plain(Reader *reader, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-file-open");
    g_autoptr(TnAsk) seek = tn_ask_new("guest-file-seek");
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(TnAnswer) sought = NULL;
    int64_t handle = 0;
    guint at = 0;

    tn_ask_add_string(ask, "path", reader->fetch->path);
    tn_ask_add_string(ask, "mode", "r");
    answer = tn_dial_send(reader->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    if (tn_answer_get_type(answer, at) != TN_TOKEN_NUMBER ||
        !tn_message_get_int64(&answer->message, at, &handle)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: guest-file-open gave no handle");
        return FALSE;
    }
    reader->handle = handle;
    if (reader->fetch->offset == 0)
        return TRUE;
    tn_ask_add_int(seek, "handle", handle);
    tn_ask_add_int(seek, "offset", reader->fetch->offset);
    tn_ask_add_int(seek, "whence", 0);
    sought = tn_dial_send(reader->agent, seek, TN_DIAL_ANSWER_US, &at, error);
    return sought != NULL;
}

static void
close_plain(Reader *reader)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-file-close");
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;
    guint at = 0;

    tn_ask_add_int(ask, "handle", reader->handle);
    answer = tn_dial_send(reader->agent, ask, TN_DIAL_ANSWER_US, &at, &error);
    if (answer == NULL)
        g_debug("close: %s", error->message);
}

static gboolean
read_plain(Reader *reader, GError **error)
{
    gboolean is_read = TRUE;

    reader->fetch->is_plain = TRUE;
    if (!open_plain(reader, error))
        return FALSE;
    while (is_read && !reader->is_eof)
        is_read = fill_window(reader, error) && take_piece(reader, error);
    tn_dial_abandon(reader->agent);
    close_plain(reader);
    return is_read;
}

gboolean
tn_fetch_run(TnAgent *agent, TnFetch *fetch, GError **error)
{
    g_auto(Reader) reader = {
        .agent = agent,
        .fetch = fetch,
        .piece = tn_fetch_get_piece(agent),
        .version = g_strdup(fetch->version),
        .asked = fetch->offset,
        .size = -1,
    };
    g_autoptr(GError) tenon_error = NULL;

    if (read_tenon(&reader, &tenon_error))
        return TRUE;
    if (!g_error_matches(tenon_error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND)) {
        g_propagate_error(error, g_steal_pointer(&tenon_error));
        return FALSE;
    }
    return read_plain(&reader, error);
}
