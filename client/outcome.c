/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of a program's end. It is written for scripts: every member is always there.
 */

#include "client/outcome.h"

#include "agent/wire/text.h"

#include <stdio.h>

static void
append_int_or_null(GString *line, const char *name, gint64 value, gboolean is_set)
{
    g_string_append_printf(line, "\"%s\": ", name);
    if (is_set)
        tn_text_append_int(line, value);
    else
        g_string_append(line, "null");
}

static void
append_stream(GString *line, const char *name, const TnOutcomeStream *stream)
{
    g_autofree char *sha256 =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, stream->data, stream->size);
    const char *text = stream->size == 0 ? "" : (const char *)stream->data;

    g_string_append_printf(line, ", \"%s\": {", name);
    if (g_utf8_validate_len(text, stream->size, NULL)) {
        g_string_append(line, "\"text\": ");
        tn_text_append_string(line, text, (gssize)stream->size);
    } else {
        g_autofree char *b64 = g_base64_encode(stream->data, stream->size);

        g_string_append_printf(line, "\"b64\": \"%s\"", b64);
    }
    g_string_append_printf(line, ", \"bytes\": %" G_GSIZE_FORMAT ", \"truncated\": %s, ",
                           stream->size, stream->omitted != 0 ? "true" : "false");
    append_int_or_null(line, "omitted", stream->omitted, stream->omitted >= 0);
    g_string_append_printf(line, ", \"sha256\": \"%s\"}", sha256);
}

void
tn_outcome_print(const TnOutcome *outcome)
{
    g_autoptr(GString) line = g_string_new("{");
    gboolean is_timeout = g_strcmp0(outcome->reason, "timeout") == 0;

    append_int_or_null(line, "job", outcome->job, outcome->job > 0);
    g_string_append(line, ", ");
    append_int_or_null(line, "pid", outcome->pid, outcome->pid > 0);
    g_string_append(line, ", ");
    append_int_or_null(line, "exit-code", outcome->exit_code,
                       outcome->signal == 0 && outcome->exit_code >= 0);
    g_string_append(line, ", ");
    append_int_or_null(line, "signal", outcome->signal, outcome->signal > 0);
    g_string_append(line, ", \"reason\": ");
    if (outcome->reason == NULL)
        g_string_append(line, "null");
    else
        tn_text_append_string(line, outcome->reason, -1);
    g_string_append_printf(line, ", \"timed-out\": %s, ", is_timeout ? "true" : "false");
    append_int_or_null(line, "duration-ms", outcome->duration_us / 1000, TRUE);
    append_stream(line, "out", &outcome->out);
    append_stream(line, "err", &outcome->err);
    g_string_append(line, "}\n");
    (void)fwrite(line->str, 1, line->len, stdout);
}
