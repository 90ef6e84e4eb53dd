/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host to guest. Every piece says where it belongs, so that after a lost connection the upload is
 * opened again by its token and goes on from the offset that the agent tells. The digest is made
 * while the bytes pass; what an earlier try has sent is read once more for it.
 */

#include "client/store.h"

#include "client/failure.h"
#include "client/fetch.h"

#include <errno.h>
#include <sys/random.h>

#define RETURN_US   G_GINT64_CONSTANT(30000000)
#define RETRIES     8  /* in a row, without a byte in between */
#define TOKEN_BYTES 16 /* as tenon-file-put-open takes it, in hexadecimal digits */

typedef struct {
    TnAgent *agent;
    TnStore *store;
    guint8 *buffer;
    gsize piece;
    gint64 upload; /* or the handle of a stock agent */
    char *token;
    gint64 next;   /* offset of the next byte to send */
    gint64 acked;  /* the agent has everything below */
    gint64 hashed; /* the digest has everything below */
    GChecksum *digest;
    GQueue sizes; /* of the pieces under way */
    gboolean is_at_end;
    gboolean must_stand; /* all was sent: an upload that is not there any more has ended */
} Writer;

static void
clear_writer(Writer *writer)
{
    g_free(writer->buffer);
    g_free(writer->token);
    g_clear_pointer(&writer->digest, g_checksum_free);
    g_queue_clear(&writer->sizes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Writer, clear_writer)

static gboolean
set_malformed(const char *what, GError **error)
{
    g_set_error(error, TN_FAILURE, TN_FAILURE_PROTOCOL, "malformed reply: %s", what);
    return FALSE;
}

/* Chosen and kept here before the agent hears of it: a reply that is lost leaves no upload behind
 * that nobody can name. Whoever knows it has the upload, so it is not to be guessed. */
static gboolean
choose_token(Writer *writer, GError **error)
{
    guint8 bytes[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES + 1];

    if (writer->token != NULL)
        return TRUE;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "random bytes: %s", g_strerror(errno));
        return FALSE;
    }
    for (guint i = 0; i < TOKEN_BYTES; i++)
        g_snprintf(text + (gsize)i * 2, 3, "%02x", bytes[i]);
    writer->token = g_strdup(text);
    if (writer->store->keep_token != NULL)
        writer->store->keep_token(writer->store->source_data, writer->token);
    return TRUE;
}

static gboolean
open_upload(Writer *writer, GError **error)
{
    const TnStore *store = writer->store;
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-put-open");
    g_autoptr(TnAnswer) answer = NULL;
    gint64 offset = 0;
    guint at = 0;

    if (!choose_token(writer, error))
        return FALSE;
    tn_ask_add_string(ask, "path", store->path);
    if (store->size >= 0)
        tn_ask_add_int(ask, "size", store->size);
    if (store->mode >= 0)
        tn_ask_add_int(ask, "mode", store->mode);
    if (store->user != NULL)
        tn_ask_add_string(ask, "user", store->user);
    if (store->group != NULL)
        tn_ask_add_string(ask, "group", store->group);
    tn_ask_add_string(ask, "exists", store->keeps_existing ? "fail" : "replace");
    tn_ask_add_string(ask, writer->must_stand ? "resume" : "token", writer->token);
    answer = tn_dial_send(writer->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    if (!tn_answer_get_int(answer, at, "upload", &writer->upload) ||
        !tn_answer_get_int(answer, at, "offset", &offset) || offset < 0 ||
        (store->size >= 0 && offset > store->size))
        return set_malformed("tenon-file-put-open gave no upload", error);
    writer->next = offset;
    writer->acked = offset;
    writer->is_at_end = FALSE;
    return TRUE;
}

static gboolean
digest_bytes(Writer *writer, gint64 offset, gsize size, GError **error)
{
    const TnStore *store = writer->store;

    if (writer->digest == NULL || offset + (gint64)size <= writer->hashed)
        return TRUE;
    while (writer->hashed < offset) {
        g_autofree guint8 *skipped = g_malloc(writer->piece);
        gsize wanted = MIN(writer->piece, (gsize)(offset - writer->hashed));
        gssize n = store->source(store->source_data, writer->hashed, skipped, wanted, error);

        if (n < 0)
            return FALSE;
        if (n == 0)
            return set_malformed("the upload is longer than the file", error);
        g_checksum_update(writer->digest, skipped, n);
        writer->hashed += n;
    }
    g_checksum_update(writer->digest, writer->buffer + (writer->hashed - offset),
                      (gssize)size - (gssize)(writer->hashed - offset));
    writer->hashed = offset + (gint64)size;
    return TRUE;
}

static gboolean
begin_piece(Writer *writer, GError **error)
{
    TnStore *store = writer->store;
    g_autoptr(TnAsk) ask = tn_ask_new(store->is_plain ? "guest-file-write" : "tenon-file-put");
    gsize wanted = writer->piece;
    gssize n = 0;

    if (store->size >= 0)
        wanted = (gsize)MIN((gint64)wanted, store->size - writer->next);
    if (wanted > 0)
        n = store->source(store->source_data, writer->next, writer->buffer, wanted, error);
    if (n < 0 || !digest_bytes(writer, writer->next, (gsize)n, error))
        return FALSE;
    if (n == 0) {
        writer->is_at_end = TRUE;
        if (store->size < 0 || writer->next == store->size)
            return TRUE;
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_CHANGED,
                            "the file became shorter while it was copied");
        return FALSE;
    }
    tn_ask_add_int(ask, store->is_plain ? "handle" : "upload", writer->upload);
    if (!store->is_plain)
        tn_ask_add_int(ask, "offset", writer->next);
    tn_ask_add_bytes(ask, "buf-b64", writer->buffer, (gsize)n);
    if (!tn_dial_begin(writer->agent, ask, error))
        return FALSE;
    writer->next += n;
    g_queue_push_tail(&writer->sizes, GSIZE_TO_POINTER((gsize)n));
    return TRUE;
}

static gboolean
finish_piece(Writer *writer, GError **error)
{
    const TnStore *store = writer->store;
    gint64 size = (gint64)GPOINTER_TO_SIZE(g_queue_pop_head(&writer->sizes));
    g_autoptr(TnAnswer) answer = NULL;
    gint64 told = 0;
    guint at = 0;

    answer = tn_dial_finish(writer->agent, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    if (!tn_answer_get_int(answer, at, store->is_plain ? "count" : "offset", &told))
        return set_malformed("a write without a count", error);
    if (told != (store->is_plain ? size : writer->acked + size)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_GUEST,
                            "the agent wrote a part of a piece only");
        return FALSE;
    }
    writer->acked += size;
    if (store->report != NULL)
        store->report(store->source_data, writer->acked);
    return TRUE;
}

static gboolean
send_pieces(Writer *writer, GError **error)
{
    while (!writer->is_at_end || writer->sizes.length > 0) {
        if (!writer->is_at_end && writer->sizes.length < tn_dial_get_depth(writer->agent)) {
            if (!begin_piece(writer, error))
                return FALSE;
        } else if (!finish_piece(writer, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static void
drop_pieces(Writer *writer)
{
    tn_dial_abandon(writer->agent);
    g_queue_clear(&writer->sizes);
}

/* Opens and sends until everything is there, over as many connections as it takes. */
static gboolean
send_all(Writer *writer, GError **error)
{
    gboolean is_token_old = writer->token != NULL && !writer->must_stand;
    guint n_failed = 0;
    gint64 best = 0;

    for (;;) {
        g_autoptr(GError) send_error = NULL;

        if (open_upload(writer, &send_error) && send_pieces(writer, &send_error))
            return TRUE;
        drop_pieces(writer);
        n_failed = writer->acked > best ? 1 : n_failed + 1;
        best = MAX(best, writer->acked);
        /* A token of long ago that the agent has forgotten is no reason to fail. */
        if (is_token_old && tn_failure_get_exit_code(send_error) == 1) {
            is_token_old = FALSE;
            g_clear_pointer(&writer->token, g_free);
            continue;
        }
        if (!tn_fetch_may_retry(send_error) || writer->token == NULL || !writer->store->can_seek ||
            n_failed > RETRIES || !tn_dial_again(writer->agent, RETURN_US, NULL)) {
            g_propagate_error(error, g_steal_pointer(&send_error));
            return FALSE;
        }
    }
}

static gboolean
send_simple(Writer *writer, const char *command, const char *member, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new(command);
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_int(ask, member, writer->upload);
    answer = tn_dial_send(writer->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer != NULL;
}

static void
drop_upload(Writer *writer)
{
    g_autoptr(GError) error = NULL;

    if (writer->upload > 0 && writer->store->keep_token == NULL &&
        !send_simple(writer, "tenon-file-put-drop", "upload", &error))
        g_debug("drop upload: %s", error->message);
}

/* A synced file of some size takes its time: the disk's, not the agent's. */
static gboolean
close_upload(Writer *writer, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-put-close");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_int(ask, "upload", writer->upload);
    if (writer->digest != NULL)
        tn_ask_add_string(ask, "sha256", g_checksum_get_string(writer->digest));
    answer = tn_dial_send(writer->agent, ask, 10 * TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    return TRUE;
}

static gboolean
is_in_place(const Writer *writer)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-hash");
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;
    guint at = 0;

    if (writer->digest == NULL)
        return FALSE;
    tn_ask_add_string(ask, "path", writer->store->path);
    answer = tn_dial_send(writer->agent, ask, 10 * TN_DIAL_ANSWER_US, &at, &error);
    return answer != NULL && g_strcmp0(tn_answer_get_string(answer, at, "sha256"),
                                       g_checksum_get_string(writer->digest)) == 0;
}

/* Closes, over as many connections as it takes. When one was lost while the agent checked, synced
 * and renamed, either the upload still stands, and is closed again, or it is over: then the file in
 * its place tells by its digest whether it is ours. */
static gboolean
finish_upload(Writer *writer, GError **error)
{
    for (guint n_failed = 0;; n_failed++) {
        g_autoptr(GError) close_error = NULL;
        g_autoptr(GError) send_error = NULL;

        if (close_upload(writer, &close_error))
            return TRUE;
        if (!tn_fetch_may_retry(close_error) || writer->token == NULL || !writer->store->can_seek ||
            n_failed >= RETRIES || !tn_dial_again(writer->agent, RETURN_US, NULL)) {
            g_propagate_error(error, g_steal_pointer(&close_error));
            return FALSE;
        }
        writer->is_at_end = FALSE;
        writer->must_stand = TRUE;
        if (send_all(writer, &send_error))
            continue;
        if (is_in_place(writer))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&send_error));
        return FALSE;
    }
}

/* The file is in place by now, so this is no failure of the copy. */
static void
set_mtime(const Writer *writer)
{
    TnStore *store = writer->store;
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-set");
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;
    guint at = 0;

    if (store->mtime_ns < 0)
        return;
    tn_ask_add_string(ask, "path", store->path);
    tn_ask_add_int(ask, "mtime-ns", store->mtime_ns);
    answer = tn_dial_send(writer->agent, ask, TN_DIAL_ANSWER_US, &at, &error);
    store->is_mtime_lost = answer == NULL;
}

static gboolean
open_plain(Writer *writer, GError **error)
{
    const TnStore *store = writer->store;
    g_autoptr(TnAsk) ask = tn_ask_new("guest-file-open");
    g_autoptr(TnAnswer) answer = NULL;
    int64_t handle = 0;
    guint at = 0;

    if (store->user != NULL || store->group != NULL || store->keeps_existing || store->checks) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND,
                            "this agent has no tenon-file-put, which --owner, --no-clobber and "
                            "--checksum need");
        return FALSE;
    }
    tn_ask_add_string(ask, "path", store->path);
    tn_ask_add_string(ask, "mode", "w");
    answer = tn_dial_send(writer->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    if (tn_answer_get_type(answer, at) != TN_TOKEN_NUMBER ||
        !tn_message_get_int64(&answer->message, at, &handle))
        return set_malformed("guest-file-open gave no handle", error);
    writer->upload = handle;
    return TRUE;
}

static gboolean
write_plain(Writer *writer, GError **error)
{
    gboolean is_written = FALSE;

    writer->store->is_plain = TRUE;
    if (!open_plain(writer, error))
        return FALSE;
    is_written = send_pieces(writer, error);
    drop_pieces(writer);
    if (!is_written) {
        g_autoptr(GError) ignored = NULL;

        if (!send_simple(writer, "guest-file-close", "handle", &ignored))
            g_debug("close: %s", ignored->message);
        return FALSE;
    }
    /* A stock agent buffers: what did not fit is told by the flush. */
    return send_simple(writer, "guest-file-flush", "handle", error) &&
           send_simple(writer, "guest-file-close", "handle", error);
}

gboolean
tn_store_run(TnAgent *agent, TnStore *store, GError **error)
{
    g_auto(Writer) writer = {
        .agent = agent,
        .store = store,
        .piece = tn_dial_get_piece(agent),
        .token = g_strdup(store->token),
    };
    g_autoptr(GError) tenon_error = NULL;
    gboolean is_written = FALSE;

    writer.buffer = g_malloc(writer.piece);
    if (store->checks)
        writer.digest = g_checksum_new(G_CHECKSUM_SHA256);
    is_written = send_all(&writer, &tenon_error);
    if (!is_written && g_error_matches(tenon_error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND))
        return write_plain(&writer, error);
    is_written = is_written && finish_upload(&writer, &tenon_error);
    store->written = writer.next;
    if (is_written) {
        set_mtime(&writer);
        return TRUE;
    }
    drop_upload(&writer);
    g_propagate_error(error, g_steal_pointer(&tenon_error));
    return FALSE;
}
