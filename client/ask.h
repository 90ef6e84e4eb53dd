/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * One request to an agent, written member by member. Beside the text it keeps a form for traces in
 * which secrets and bulk data are replaced by their length. Nothing here fails: texts that come
 * from a user are checked for UTF-8 before (JSON cannot carry anything else).
 */

typedef struct TnAsk TnAsk;

/* A request for COMMAND without arguments. Free with tn_ask_free. */
TnAsk *tn_ask_new(const char *command);
void tn_ask_free(TnAsk *ask);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAsk, tn_ask_free)

/* Adds the argument NAME; VALUE is copied. */
void tn_ask_add_string(TnAsk *ask, const char *name, const char *value);
/* As tn_ask_add_string. */
void tn_ask_add_int(TnAsk *ask, const char *name, gint64 value);
/* As tn_ask_add_string. */
void tn_ask_add_bool(TnAsk *ask, const char *name, gboolean value);
/* VALUES ends in NULL; it may itself be NULL: then nothing is added. */
void tn_ask_add_strings(TnAsk *ask, const char *name, const char *const *values);
/* As base64; masked in traces. */
void tn_ask_add_bytes(TnAsk *ask, const char *name, const guint8 *data, gsize size);
/* As add_strings, masked in traces. */
void tn_ask_add_secret_strings(TnAsk *ask, const char *name, const char *const *values);
/* Adds JSON text as it stands; the caller vouches for it. */
void tn_ask_add_json(TnAsk *ask, const char *name, const char *json);

/* The command, owned by ASK. */
const char *tn_ask_get_command(const TnAsk *ask);

/* Ends the request and returns its line (without newline), owned by ASK; nothing can be added
 * afterwards. */
const GString *tn_ask_get_text(TnAsk *ask);

/* The line for traces, owned by ASK. */
const char *tn_ask_get_shown(TnAsk *ask);
