/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as text. Two strings grow side by side: what is sent, and what a trace may show.
 */

#include "client/ask.h"

#include "agent/wire/base64.h"
#include "agent/wire/text.h"

struct TnAsk {
    char *command;
    GString *text;
    GString *shown;
    gboolean has_arguments;
    gboolean is_ended;
};

/* tn_base64_encode stores up to this many bytes behind its output. */
#define ENCODE_ROOM 32

TnAsk *
tn_ask_new(const char *command)
{
    TnAsk *ask = g_new0(TnAsk, 1);

    ask->command = g_strdup(command);
    ask->text = g_string_new("{\"execute\": ");
    tn_text_append_string(ask->text, command, -1);
    ask->shown = g_string_new(ask->text->str);
    return ask;
}

void
tn_ask_free(TnAsk *ask)
{
    if (ask == NULL)
        return;
    g_free(ask->command);
    g_string_free(ask->text, TRUE);
    g_string_free(ask->shown, TRUE);
    g_free(ask);
}

static void
begin_member(TnAsk *ask, const char *name)
{
    gsize from = ask->text->len;

    g_assert(!ask->is_ended);
    g_string_append(ask->text, ask->has_arguments ? ", " : ", \"arguments\": {");
    ask->has_arguments = TRUE;
    tn_text_append_string(ask->text, name, -1);
    g_string_append(ask->text, ": ");
    g_string_append(ask->shown, ask->text->str + from);
}

static void
show_since(TnAsk *ask, gsize from)
{
    g_string_append_len(ask->shown, ask->text->str + from, (gssize)(ask->text->len - from));
}

static void
append_strings(GString *text, const char *const *values)
{
    g_string_append_c(text, '[');
    for (gsize i = 0; values[i] != NULL; i++) {
        if (i > 0)
            g_string_append(text, ", ");
        tn_text_append_string(text, values[i], -1);
    }
    g_string_append_c(text, ']');
}

void
tn_ask_add_string(TnAsk *ask, const char *name, const char *value)
{
    gsize from = 0;

    begin_member(ask, name);
    from = ask->text->len;
    tn_text_append_string(ask->text, value, -1);
    show_since(ask, from);
}

void
tn_ask_add_int(TnAsk *ask, const char *name, gint64 value)
{
    gsize from = 0;

    begin_member(ask, name);
    from = ask->text->len;
    tn_text_append_int(ask->text, value);
    show_since(ask, from);
}

void
tn_ask_add_bool(TnAsk *ask, const char *name, gboolean value)
{
    tn_ask_add_json(ask, name, value ? "true" : "false");
}

void
tn_ask_add_strings(TnAsk *ask, const char *name, const char *const *values)
{
    gsize from = 0;

    if (values == NULL)
        return;
    begin_member(ask, name);
    from = ask->text->len;
    append_strings(ask->text, values);
    show_since(ask, from);
}

void
tn_ask_add_bytes(TnAsk *ask, const char *name, const guint8 *data, gsize size)
{
    gsize from = 0;
    gsize n = 0;

    begin_member(ask, name);
    g_string_append_c(ask->text, '"');
    from = ask->text->len;
    g_string_set_size(ask->text, from + tn_base64_encoded_size(size) + ENCODE_ROOM);
    n = tn_base64_encode(data, size, ask->text->str + from);
    g_string_truncate(ask->text, from + n);
    g_string_append_c(ask->text, '"');
    g_string_append_printf(ask->shown, "\"<%" G_GSIZE_FORMAT " bytes>\"", size);
}

void
tn_ask_add_secret_strings(TnAsk *ask, const char *name, const char *const *values)
{
    if (values == NULL)
        return;
    begin_member(ask, name);
    append_strings(ask->text, values);
    g_string_append(ask->shown, "\"<secret>\"");
}

void
tn_ask_add_json(TnAsk *ask, const char *name, const char *json)
{
    begin_member(ask, name);
    g_string_append(ask->text, json);
    g_string_append(ask->shown, json);
}

const char *
tn_ask_get_command(const TnAsk *ask)
{
    return ask->command;
}

static void
end_text(TnAsk *ask)
{
    const char *tail = ask->has_arguments ? "}}" : "}";

    if (ask->is_ended)
        return;
    g_string_append(ask->text, tail);
    g_string_append(ask->shown, tail);
    ask->is_ended = TRUE;
}

const GString *
tn_ask_get_text(TnAsk *ask)
{
    end_text(ask);
    return ask->text;
}

const char *
tn_ask_get_shown(TnAsk *ask)
{
    end_text(ask);
    return ask->shown->str;
}
