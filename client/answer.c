/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies as token tables. The bytes come from a guest that may be hostile: they meet the strict
 * lexer of agent/wire and nothing else, every access checks the token's type, and nothing recurses.
 */

#include "client/answer.h"

#include "agent/wire/base64.h"
#include "agent/wire/text.h"
#include "client/failure.h"

#include <string.h>

typedef struct {
    guint end; /* first token behind the container */
    gboolean is_object;
    gboolean is_value_next;
    gboolean has_children;
} Level;

static gboolean
fill_frame(TnFrame *frame, const char *text, gsize size, TnMessage *message, GError **error)
{
    TnFrameResult result = TN_FRAME_MORE;
    const char *why = NULL;
    gsize done = 0;

    while (result == TN_FRAME_MORE && done < size) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size - done);

        memcpy(place, text + done, n);
        tn_frame_commit(frame, n);
        done += n;
        result = tn_frame_next(frame, message, &why);
    }
    if (result == TN_FRAME_MESSAGE && done == size && !tn_frame_has_input(frame))
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_PROTOCOL, "malformed reply: %s",
                result == TN_FRAME_ERROR     ? why
                : result == TN_FRAME_MESSAGE ? "more than one value"
                                             : "it ends early");
    return FALSE;
}

TnAnswer *
tn_answer_take(TnFrame *frame, TnMessage *message)
{
    TnAnswer *reply = g_new0(TnAnswer, 1);

    tn_frame_detach(frame, message);
    reply->message = *message;
    return reply;
}

TnAnswer *
tn_answer_parse(const char *text, gsize size, GError **error)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};

    if (!fill_frame(frame, text, size, &message, error))
        return NULL;
    return tn_answer_take(frame, &message);
}

void
tn_answer_free(TnAnswer *reply)
{
    if (reply == NULL)
        return;
    tn_message_clear(&reply->message);
    g_free(reply);
}

gboolean
tn_answer_unwrap(const TnAnswer *reply, guint *ret_at, GError **error)
{
    guint at = tn_answer_find(reply, 0, "error");
    const char *desc = NULL;

    if (at != 0) {
        desc = tn_answer_get_string(reply, at, "desc");
        if (desc == NULL) {
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                                "malformed reply: an error without a description");
            return FALSE;
        }
        g_propagate_error(error,
                          tn_failure_new_from_guest(tn_answer_get_string(reply, at, "class"), desc,
                                                    tn_answer_get_string(reply, at, "reason")));
        return FALSE;
    }
    at = tn_answer_find(reply, 0, "return");
    if (at == 0) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: neither a return nor an error");
        return FALSE;
    }
    *ret_at = at;
    return TRUE;
}

TnTokenType
tn_answer_get_type(const TnAnswer *reply, guint at)
{
    return (TnTokenType)reply->message.tokens[at].type;
}

guint
tn_answer_find(const TnAnswer *reply, guint at, const char *name)
{
    if (tn_answer_get_type(reply, at) != TN_TOKEN_OBJECT)
        return 0;
    return tn_message_find(&reply->message, at, name);
}

gboolean
tn_answer_get_int(const TnAnswer *reply, guint at, const char *name, gint64 *ret_value)
{
    guint found = tn_answer_find(reply, at, name);
    int64_t value = 0;

    if (found == 0 || tn_answer_get_type(reply, found) != TN_TOKEN_NUMBER ||
        !tn_message_get_int64(&reply->message, found, &value))
        return FALSE;
    *ret_value = value;
    return TRUE;
}

gboolean
tn_answer_get_bool(const TnAnswer *reply, guint at, const char *name, gboolean *ret_value)
{
    guint found = tn_answer_find(reply, at, name);
    TnTokenType type = found == 0 ? TN_TOKEN_NULL : tn_answer_get_type(reply, found);

    if (type != TN_TOKEN_TRUE && type != TN_TOKEN_FALSE)
        return FALSE;
    *ret_value = type == TN_TOKEN_TRUE;
    return TRUE;
}

gboolean
tn_answer_get_double(const TnAnswer *reply, guint at, const char *name, double *ret_value)
{
    guint found = tn_answer_find(reply, at, name);

    if (found == 0 || tn_answer_get_type(reply, found) != TN_TOKEN_NUMBER)
        return FALSE;
    *ret_value = tn_message_get_double(&reply->message, found);
    return TRUE;
}

const char *
tn_answer_get_text(const TnAnswer *reply, guint at)
{
    if (tn_answer_get_type(reply, at) != TN_TOKEN_STRING ||
        (reply->message.tokens[at].flags & TN_TOKEN_HAS_NUL) != 0)
        return NULL;
    return tn_message_get_string(&reply->message, at);
}

const char *
tn_answer_get_string(const TnAnswer *reply, guint at, const char *name)
{
    guint found = tn_answer_find(reply, at, name);

    return found == 0 ? NULL : tn_answer_get_text(reply, found);
}

gboolean
tn_answer_get_bytes(TnAnswer *reply, guint at, const char *name, const guint8 **ret_data,
                    gsize *ret_size, GError **error)
{
    guint found = tn_answer_find(reply, at, name);
    const TnToken *token = &reply->message.tokens[found];
    guint8 *place = NULL;
    gsize size = 0;

    if (found != 0) {
        place = (guint8 *)reply->message.bytes + token->start;
        if (token->type != TN_TOKEN_STRING ||
            !tn_base64_decode(reply->message.bytes + token->start, token->length, place, &size)) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                        "malformed reply: '%s' is no valid base64", name);
            return FALSE;
        }
    }
    *ret_data = place;
    *ret_size = size;
    return TRUE;
}

guint
tn_answer_next(const TnAnswer *reply, guint at, guint *iter)
{
    const TnToken *tokens = reply->message.tokens;

    if (tokens[at].type != TN_TOKEN_ARRAY)
        return 0;
    *iter = *iter == 0 ? at + 1 : tokens[*iter].next;
    return *iter < tokens[at].next ? *iter : 0;
}

guint
tn_answer_next_member(const TnAnswer *reply, guint at, guint *iter, const char **ret_key)
{
    const TnToken *tokens = reply->message.tokens;

    if (tokens[at].type != TN_TOKEN_OBJECT)
        return 0;
    *iter = *iter == 0 ? at + 1 : tokens[*iter + 1].next;
    if (*iter >= tokens[at].next)
        return 0;
    *ret_key = tn_message_get_string(&reply->message, *iter);
    return *iter + 1;
}

static void
append_scalar(const TnAnswer *reply, guint at, gsize elide_above, GString *out)
{
    const TnToken *token = &reply->message.tokens[at];
    const char *bytes = reply->message.bytes + token->start;

    switch ((TnTokenType)token->type) {
    case TN_TOKEN_NULL:
        g_string_append(out, "null");
        break;
    case TN_TOKEN_FALSE:
        g_string_append(out, "false");
        break;
    case TN_TOKEN_TRUE:
        g_string_append(out, "true");
        break;
    case TN_TOKEN_NUMBER:
        g_string_append_len(out, bytes, (gssize)token->length);
        break;
    case TN_TOKEN_STRING:
        if (token->length > elide_above)
            g_string_append_printf(out, "\"<%u bytes>\"", token->length);
        else
            tn_text_append_string(out, bytes, (gssize)token->length);
        break;
    case TN_TOKEN_ARRAY:
    case TN_TOKEN_OBJECT:
        break;
    }
}

static void
append_separator(Level *level, GString *out)
{
    if (level->is_value_next)
        g_string_append(out, ": ");
    else if (level->has_children)
        g_string_append(out, ", ");
    level->has_children = TRUE;
    if (level->is_object)
        level->is_value_next = !level->is_value_next;
}

static void
close_levels(GArray *levels, guint at, GString *out)
{
    while (levels->len > 0) {
        const Level *level = &g_array_index(levels, Level, levels->len - 1);

        if (at < level->end)
            break;
        g_string_append_c(out, level->is_object ? '}' : ']');
        g_array_set_size(levels, levels->len - 1);
    }
}

void
tn_answer_append_json(const TnAnswer *reply, guint at, gsize elide_above, GString *out)
{
    const TnToken *tokens = reply->message.tokens;
    g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(Level));
    guint end = tokens[at].next;

    for (guint i = at; i < end; i++) {
        close_levels(levels, i, out);
        if (levels->len > 0)
            append_separator(&g_array_index(levels, Level, levels->len - 1), out);
        if (tokens[i].type == TN_TOKEN_ARRAY || tokens[i].type == TN_TOKEN_OBJECT) {
            Level level = {.end = tokens[i].next, .is_object = tokens[i].type == TN_TOKEN_OBJECT};

            g_string_append_c(out, level.is_object ? '{' : '[');
            g_array_append_val(levels, level);
        } else {
            append_scalar(reply, i, elide_above, out);
        }
    }
    close_levels(levels, end, out);
}
