/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs to text through their field tables. The walk keeps a stack of levels instead of
 * recursing, so it can stop at a bulk member and go on behind it, and a JSON node of any depth is
 * fine. It writes what it is given and decides nothing: an optional member that is not there is
 * left out, a required one is always written ("" and [] for NULL).
 *
 * It deliberately does not limit the text; dispatch compares its length with the channel's limit.
 */
#include "agent/encode.h"

#include "agent/wire/text.h"

#include <string.h>

enum {
    LEVEL_OBJECT,
    LEVEL_LIST,
    LEVEL_NODE_OBJECT,
    LEVEL_NODE_ARRAY,
};

#define APPEND_LITERAL(text, literal) tn_text_append((text), (literal), sizeof(literal) - 1)

void
tn_encoder_init(TnEncoder *encoder, const TnField *value, const void *base)
{
    encoder->value = value;
    encoder->base = base;
    encoder->has_begun = FALSE;
    encoder->is_in_bulk = FALSE;
    encoder->n_levels = 0;
    encoder->n_room = TN_ENCODER_INLINE_LEVELS;
    encoder->levels = encoder->own_levels;
}

void
tn_encoder_clear(TnEncoder *encoder)
{
    if (encoder->levels != encoder->own_levels)
        g_free(encoder->levels);
    encoder->levels = encoder->own_levels;
    encoder->n_levels = 0;
}

TnEncoder *
tn_encoder_new(const TnField *value, const void *base)
{
    TnEncoder *encoder = g_new(TnEncoder, 1);

    tn_encoder_init(encoder, value, base);
    return encoder;
}

void
tn_encoder_free(TnEncoder *encoder)
{
    if (encoder == NULL)
        return;
    tn_encoder_clear(encoder);
    g_free(encoder);
}

static TnEncoderLevel *
push_level(TnEncoder *encoder, int kind)
{
    TnEncoderLevel *level = NULL;

    if (encoder->n_levels == encoder->n_room) {
        TnEncoderLevel *levels = g_new(TnEncoderLevel, (gsize)encoder->n_room * 2);

        memcpy(levels, encoder->levels, encoder->n_levels * sizeof *levels);
        if (encoder->levels != encoder->own_levels)
            g_free(encoder->levels);
        encoder->levels = levels;
        encoder->n_room *= 2;
    }
    level = &encoder->levels[encoder->n_levels++];
    level->kind = kind;
    level->n_done = 0;
    return level;
}

/* `, "NAME": ` (no comma before the first): table names are plain ASCII, so they are copied. */
static void
append_name(GString *text, const char *name, gboolean is_first)
{
    gsize size = strlen(name);

    if (!is_first)
        APPEND_LITERAL(text, ", ");
    g_string_append_c(text, '"');
    tn_text_append(text, name, size);
    APPEND_LITERAL(text, "\": ");
}

static void
append_bool(GString *text, gboolean value)
{
    if (value)
        APPEND_LITERAL(text, "true");
    else
        APPEND_LITERAL(text, "false");
}

static void
append_strv(GString *text, char *const *strv)
{
    g_string_append_c(text, '[');
    for (gsize i = 0; strv != NULL && strv[i] != NULL; i++) {
        if (i > 0)
            APPEND_LITERAL(text, ", ");
        tn_text_append_string(text, strv[i], -1);
    }
    g_string_append_c(text, ']');
}

static void
append_encoded(GString *text, GBytes *encoded)
{
    gsize size = 0;
    const char *bytes = encoded != NULL ? g_bytes_get_data(encoded, &size) : NULL;

    if (bytes != NULL)
        tn_text_append(text, bytes, size);
    else
        APPEND_LITERAL(text, "[]");
}

/* WORD is an index that the command set, not data. */
static void
append_word(GString *text, const TnField *row, int64_t word)
{
    tn_text_append_string(text, row->words[word], -1);
}

static void
append_node_value(GString *text, JsonNode *node)
{
    switch (json_node_get_value_type(node)) {
    case G_TYPE_INT64:
        tn_text_append_int(text, json_node_get_int(node));
        return;
    case G_TYPE_DOUBLE:
        tn_text_append_double(text, json_node_get_double(node));
        return;
    case G_TYPE_BOOLEAN:
        append_bool(text, json_node_get_boolean(node));
        return;
    case G_TYPE_STRING:
        tn_text_append_string(text, json_node_get_string(node), -1);
        return;
    default:
        APPEND_LITERAL(text, "null");
    }
}

/* NODE itself, or the beginning of a container that is pushed. */
static void
begin_node(TnEncoder *encoder, GString *text, JsonNode *node)
{
    TnEncoderLevel *level = NULL;

    if (node == NULL) {
        APPEND_LITERAL(text, "{}");
    } else if (JSON_NODE_HOLDS_OBJECT(node)) {
        level = push_level(encoder, LEVEL_NODE_OBJECT);
        json_object_iter_init_ordered(&level->node_iter, json_node_get_object(node));
        g_string_append_c(text, '{');
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        level = push_level(encoder, LEVEL_NODE_ARRAY);
        level->node_array = json_node_get_array(node);
        g_string_append_c(text, '[');
    } else {
        append_node_value(text, node);
    }
}

static void
begin_object(TnEncoder *encoder, GString *text, const TnField *fields, const char *base)
{
    TnEncoderLevel *level = push_level(encoder, LEVEL_OBJECT);

    level->row = fields;
    level->base = base;
    g_string_append_c(text, '{');
}

static void
begin_list(TnEncoder *encoder, GString *text, const TnField *row, const GPtrArray *list)
{
    TnEncoderLevel *level = NULL;

    if (list == NULL) {
        APPEND_LITERAL(text, "[]");
        return;
    }
    level = push_level(encoder, LEVEL_LIST);
    level->row = row->fields;
    level->list = list;
    g_string_append_c(text, '[');
}

/* The value of ROW at SLOT; containers are only begun. The bulk source if it is one: its opening
 * quote was written. */
static TnBulk *
begin_value(TnEncoder *encoder, GString *text, const TnField *row, const char *slot)
{
    const void *p = slot;
    const TnBoolOrEnum *alternate = p;

    switch (row->type) {
    case TN_TYPE_BOOL:
        append_bool(text, *(const bool *)p);
        return NULL;
    case TN_TYPE_INT:
    case TN_TYPE_INT_OR_ENUM:
        tn_text_append_int(text, *(const int64_t *)p);
        return NULL;
    case TN_TYPE_UINT:
        tn_text_append_uint(text, *(const uint64_t *)p);
        return NULL;
    case TN_TYPE_NUMBER:
        tn_text_append_double(text, *(const double *)p);
        return NULL;
    case TN_TYPE_STRING:
        tn_text_append_string(text, *(char *const *)p != NULL ? *(char *const *)p : "", -1);
        return NULL;
    case TN_TYPE_ENUM:
        append_word(text, row, *(const int *)p);
        return NULL;
    case TN_TYPE_STRV:
        append_strv(text, *(char **const *)p);
        return NULL;
    case TN_TYPE_OBJECT:
        begin_object(encoder, text, row->fields, slot);
        return NULL;
    case TN_TYPE_LIST:
        begin_list(encoder, text, row, *(GPtrArray *const *)p);
        return NULL;
    case TN_TYPE_BOOL_OR_ENUM:
        if (alternate->is_enum)
            append_word(text, row, alternate->word);
        else
            append_bool(text, alternate->flag);
        return NULL;
    case TN_TYPE_ENCODED:
        append_encoded(text, *(GBytes *const *)p);
        return NULL;
    case TN_TYPE_NODE:
        begin_node(encoder, text, *(JsonNode *const *)p);
        return NULL;
    case TN_TYPE_VOID:
        APPEND_LITERAL(text, "{}");
        return NULL;
    case TN_TYPE_BULK:
        if (*(TnBulk *const *)p == NULL) {
            APPEND_LITERAL(text, "\"\"");
            return NULL;
        }
        g_string_append_c(text, '"');
        encoder->is_in_bulk = TRUE;
        return *(TnBulk *const *)p;
    case TN_TYPE_BYTES:
        break;
    }
    g_assert_not_reached(); /* a table for arguments was used for a result */
}

/* Whether the member of ROW in the struct at BASE is written. */
static gboolean
is_there(const TnField *row, const char *base)
{
    const void *p = base + row->offset;

    if (row->present != 0)
        return *(const bool *)(const void *)(base + row->present - 1);
    if ((row->flags & TN_FIELD_REQUIRED) != 0)
        return TRUE;
    switch (row->type) {
    case TN_TYPE_STRING:
    case TN_TYPE_STRV:
    case TN_TYPE_LIST:
    case TN_TYPE_BULK:
    case TN_TYPE_ENCODED:
    case TN_TYPE_NODE:
        return *(void *const *)p != NULL;
    case TN_TYPE_BOOL:
    case TN_TYPE_INT:
    case TN_TYPE_UINT:
    case TN_TYPE_NUMBER:
    case TN_TYPE_ENUM:
    case TN_TYPE_BYTES:
    case TN_TYPE_OBJECT:
    case TN_TYPE_BOOL_OR_ENUM:
    case TN_TYPE_INT_OR_ENUM:
    case TN_TYPE_VOID:
        return TRUE;
    }
    g_assert_not_reached();
}

static void
end_level(TnEncoder *encoder, GString *text, char bracket)
{
    encoder->n_levels--;
    g_string_append_c(text, bracket);
}

/* Members of the object on top until one opens a level below or is bulk, or the object ends. */
static TnBulk *
step_object(TnEncoder *encoder, TnEncoderLevel *level, GString *text)
{
    guint n_levels = encoder->n_levels;

    while (level->row->name != NULL) {
        const TnField *row = level->row++;
        TnBulk *bulk = NULL;

        if (!is_there(row, level->base))
            continue;
        append_name(text, row->name, level->n_done++ == 0);
        /* May move the levels, but only if it adds one. */
        bulk = begin_value(encoder, text, row, level->base + row->offset);
        if (bulk != NULL || encoder->n_levels != n_levels)
            return bulk;
    }
    end_level(encoder, text, '}');
    return NULL;
}

static TnBulk *
step_list(TnEncoder *encoder, TnEncoderLevel *level, GString *text)
{
    const char *element = NULL;

    if (level->n_done == level->list->len) {
        end_level(encoder, text, ']');
        return NULL;
    }
    if (level->n_done > 0)
        APPEND_LITERAL(text, ", ");
    element = g_ptr_array_index(level->list, level->n_done++);
    if (level->row->name == NULL)
        return begin_value(encoder, text, level->row, element + level->row->offset);
    begin_object(encoder, text, level->row, element);
    return NULL;
}

static void
step_node_object(TnEncoder *encoder, TnEncoderLevel *level, GString *text)
{
    const char *name = NULL;
    JsonNode *node = NULL;

    if (!json_object_iter_next_ordered(&level->node_iter, &name, &node)) {
        end_level(encoder, text, '}');
        return;
    }
    if (level->n_done++ > 0)
        APPEND_LITERAL(text, ", ");
    tn_text_append_string(text, name, -1);
    APPEND_LITERAL(text, ": ");
    begin_node(encoder, text, node);
}

static void
step_node_array(TnEncoder *encoder, TnEncoderLevel *level, GString *text)
{
    guint nth = level->n_done++;

    if (nth == json_array_get_length(level->node_array)) {
        end_level(encoder, text, ']');
        return;
    }
    if (nth > 0)
        APPEND_LITERAL(text, ", ");
    begin_node(encoder, text, json_array_get_element(level->node_array, nth));
}

static TnBulk *
step_level(TnEncoder *encoder, TnEncoderLevel *level, GString *text)
{
    switch (level->kind) {
    case LEVEL_OBJECT:
        return step_object(encoder, level, text);
    case LEVEL_LIST:
        return step_list(encoder, level, text);
    case LEVEL_NODE_OBJECT:
        step_node_object(encoder, level, text);
        return NULL;
    default:
        step_node_array(encoder, level, text);
        return NULL;
    }
}

gboolean
tn_encoder_step(TnEncoder *encoder, GString *text, TnBulk **ret_bulk)
{
    TnBulk *bulk = NULL;

    if (encoder->is_in_bulk) {
        encoder->is_in_bulk = FALSE;
        g_string_append_c(text, '"');
    }
    if (!encoder->has_begun) {
        encoder->has_begun = TRUE;
        bulk = begin_value(encoder, text, encoder->value, encoder->base + encoder->value->offset);
    }
    while (bulk == NULL && encoder->n_levels > 0)
        bulk = step_level(encoder, &encoder->levels[encoder->n_levels - 1], text);
    if (bulk != NULL)
        *ret_bulk = bulk;
    return bulk == NULL;
}

GBytes *
tn_fields_encode(const TnField *value, const void *base)
{
    TnEncoder encoder;
    GString *text = g_string_new(NULL);
    TnBulk *bulk = NULL;
    gboolean is_whole = FALSE;

    tn_encoder_init(&encoder, value, base);
    is_whole = tn_encoder_step(&encoder, text, &bulk);
    tn_encoder_clear(&encoder);
    g_assert(is_whole);
    return g_string_free_to_bytes(text);
}
