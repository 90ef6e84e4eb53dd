/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of QMP as guest agents speak it. A line begins with "return" or "error" and holds
 * nothing behind its brace, because hosts take it apart with regular expressions; it is ASCII,
 * because one byte above that ends libvirt's channel for good. Ids are rendered from their tokens
 * and never copied: the source text could hold a newline.
 */
#include "agent/message.h"

#include "agent/error.h"
#include "agent/wire/text.h"

#include <string.h>

#define APPEND_LITERAL(text, literal) g_string_append_len((text), (literal), sizeof(literal) - 1)

/* A container whose members are being rendered. */
typedef struct {
    guint token;
    guint n_done; /* elements; keys and values */
} Level;

static gboolean
fail(GError **error, const char *format, const char *name)
{
    g_autofree char *text = NULL;

    if (name == NULL) {
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, format);
        return FALSE;
    }
    text = g_strdup_printf("QMP input member '%s' is %s", name, format);
    g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, text);
    return FALSE;
}

/* A NUL inside a string would end it early for everything behind this point. */
static gboolean
check_nul(const TnMessage *message, GError **error)
{
    for (guint i = 0; i < message->n_tokens; i++) {
        if ((message->tokens[i].flags & TN_TOKEN_HAS_NUL) != 0)
            return fail(error, "QMP input string contains U+0000", NULL);
    }
    return TRUE;
}

static gboolean
read_member(const TnMessage *message, guint key, TnRequest *request, GError **error)
{
    const char *name = tn_message_get_string(message, key);
    guint value = key + 1;

    if (strcmp(name, "execute") == 0) {
        if (message->tokens[value].type != TN_TOKEN_STRING)
            return fail(error, "QMP input member 'execute' must be a string", NULL);
        request->name = tn_message_get_string(message, value);
    } else if (strcmp(name, "arguments") == 0) {
        if (message->tokens[value].type != TN_TOKEN_OBJECT)
            return fail(error, "QMP input member 'arguments' must be an object", NULL);
        request->arguments = value;
    } else if (strcmp(name, "id") == 0) {
        request->id = value;
    } else {
        return fail(error, "unexpected", name);
    }
    return TRUE;
}

gboolean
tn_message_parse(const TnMessage *message, TnRequest *ret_request, GError **error)
{
    TnRequest request = {0};
    guint key = 1;

    if (message->tokens[0].type != TN_TOKEN_OBJECT)
        return fail(error, "QMP input must be a JSON object", NULL);
    if (!check_nul(message, error))
        return FALSE;
    for (guint i = 0; i < message->tokens[0].n_children; i++) {
        if (!read_member(message, key, &request, error))
            return FALSE;
        key = message->tokens[key + 1].next;
    }
    if (request.name == NULL)
        return fail(error, "QMP input lacks member 'execute'", NULL);
    *ret_request = request;
    return TRUE;
}

guint
tn_message_find_id(const TnMessage *message)
{
    if (message->tokens[0].type != TN_TOKEN_OBJECT)
        return 0;
    return tn_message_find(message, 0, "id");
}

static void
append_scalar(const TnMessage *message, guint token, GString *text)
{
    const TnToken *t = &message->tokens[token];
    const char *bytes = message->bytes + t->start;

    switch ((TnTokenType)t->type) {
    case TN_TOKEN_NULL:
        APPEND_LITERAL(text, "null");
        return;
    case TN_TOKEN_FALSE:
        APPEND_LITERAL(text, "false");
        return;
    case TN_TOKEN_TRUE:
        APPEND_LITERAL(text, "true");
        return;
    case TN_TOKEN_NUMBER:
        g_string_append_len(text, bytes, (gssize)t->length);
        return;
    case TN_TOKEN_STRING:
        tn_text_append_string(text, bytes, (gssize)t->length);
        return;
    case TN_TOKEN_ARRAY:
    case TN_TOKEN_OBJECT:
        break;
    }
    g_assert_not_reached();
}

/* What stands between the last member of LEVEL and the next one. */
static void
append_separator(const TnMessage *message, const Level *level, GString *text)
{
    gboolean is_value =
        message->tokens[level->token].type == TN_TOKEN_OBJECT && level->n_done % 2 == 1;

    if (is_value)
        g_string_append_c(text, ':');
    else if (level->n_done > 0)
        g_string_append_c(text, ',');
}

/* Closes the containers that end before token NEXT. */
static void
close_levels(const TnMessage *message, GArray *levels, guint next, GString *text)
{
    while (levels->len > 0) {
        guint token = g_array_index(levels, Level, levels->len - 1).token;

        if (message->tokens[token].next > next)
            return;
        g_string_append_c(text, message->tokens[token].type == TN_TOKEN_OBJECT ? '}' : ']');
        g_array_set_size(levels, levels->len - 1);
    }
}

gboolean
tn_message_append_token(const TnMessage *message, guint token, gsize limit, GString *text)
{
    g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(Level));
    guint end = message->tokens[token].next;
    gsize before = text->len;

    for (guint i = token; i < end; i++) {
        const TnToken *t = &message->tokens[i];

        close_levels(message, levels, i, text);
        if (levels->len > 0) {
            Level *level = &g_array_index(levels, Level, levels->len - 1);

            append_separator(message, level, text);
            level->n_done++;
        }
        if (t->type == TN_TOKEN_ARRAY || t->type == TN_TOKEN_OBJECT) {
            Level level = {.token = i};

            g_string_append_c(text, t->type == TN_TOKEN_OBJECT ? '{' : '[');
            g_array_append_val(levels, level);
        } else if (t->length <= limit) {
            append_scalar(message, i, text);
        }
        if (t->length > limit || text->len - before > limit) {
            g_string_truncate(text, before);
            return FALSE;
        }
    }
    close_levels(message, levels, end, text);
    if (text->len - before > limit) {
        g_string_truncate(text, before);
        return FALSE;
    }
    return TRUE;
}

void
tn_message_begin_return(GString *line, gboolean delimited)
{
    if (delimited)
        g_string_append_c(line, '\xff');
    APPEND_LITERAL(line, "{\"return\": ");
}

void
tn_message_end_line(GString *line, const char *id)
{
    if (id != NULL) {
        APPEND_LITERAL(line, ", \"id\": ");
        g_string_append(line, id);
    }
    APPEND_LITERAL(line, "}\n");
}

/* Length of DESC, cut between two characters. */
static gssize
measure_desc(const char *desc)
{
    gsize size = strnlen(desc, TN_MESSAGE_DESC_BYTES + 1);

    if (size <= TN_MESSAGE_DESC_BYTES)
        return (gssize)size;
    size = TN_MESSAGE_DESC_BYTES;
    for (guint i = 0; i < 3 && ((guchar)desc[size] & 0xc0) == 0x80; i++)
        size--;
    return (gssize)size;
}

void
tn_message_append_error(GString *line, const char *error_class, const char *desc,
                        const char *reason, const char *id)
{
    APPEND_LITERAL(line, "{\"error\": {\"class\": ");
    tn_text_append_string(line, error_class, -1);
    APPEND_LITERAL(line, ", \"desc\": ");
    tn_text_append_string(line, desc, measure_desc(desc));
    if (reason != NULL) {
        APPEND_LITERAL(line, ", \"reason\": ");
        tn_text_append_string(line, reason, -1);
    }
    g_string_append_c(line, '}');
    tn_message_end_line(line, id);
}
