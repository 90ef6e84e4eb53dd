/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"
#include "client/print.h"

#include <glib.h>

/*
 * The parts of `tenonctl info`: one row of a table for each, with the command that answers it and
 * the way it is shown to people.
 */

typedef struct {
    const char *name;   /* on the command line */
    const char *member; /* in JSON, as in tenon-get-info */
    const char *command;
    const char *fallback; /* asked where the agent does not know COMMAND; NULL: nothing */
    const char *doc;
    const char *const *heads; /* NULL: two columns without heads */
    void (*fill)(TnTable *table, const TnAnswer *answer, guint at);
} TnInfoPart;

/* The section called NAME, or NULL. */
const TnInfoPart *tn_infopart_find(const char *name);

/* All sections; the last row has no name. */
const TnInfoPart *tn_infopart_get_all(void);

/* Asks for a section. Errors: those of tn_dial_send. */
TnAnswer *tn_infopart_ask(TnAgent *agent, const TnInfoPart *section, guint *ret_at, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Prints an answer of tn_infopart_ask for people. */
void tn_infopart_print(const TnInfoPart *section, const TnAnswer *answer, guint at);

/* "eth0 addresses" as one text: all addresses but those of the loopback, or NULL. Free with
 * g_free. */
char *tn_infopart_format_addresses(const TnAnswer *answer, guint at);
