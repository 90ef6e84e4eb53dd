/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/field.h"

#include <glib.h>

/*
 * The encoder of field.h with its state in the open, so that a small reply needs no allocation.
 */

enum {
    TN_ENCODER_INLINE_LEVELS = 12
};

/* An object, a list or a JSON container whose members are being written. */
typedef struct {
    int kind;           /* private to encode.c */
    guint n_done;       /* members or elements written */
    const TnField *row; /* object: next row; list: the row of its elements */
    const char *base;
    const GPtrArray *list;
    JsonArray *node_array;
    JsonObjectIter node_iter;
} TnEncoderLevel;

struct TnEncoder {
    const TnField *value;
    const char *base;
    gboolean has_begun;
    gboolean is_in_bulk; /* the closing quote of a bulk member is due */
    guint n_levels;
    guint n_room;
    TnEncoderLevel *levels; /* own_levels, or allocated when a node is deeper than those */
    TnEncoderLevel own_levels[TN_ENCODER_INLINE_LEVELS];
};

/* As tn_encoder_new() in place; end with tn_encoder_clear(). ENCODER must not be moved. */
void tn_encoder_init(TnEncoder *encoder, const TnField *value, const void *base);
void tn_encoder_clear(TnEncoder *encoder);
