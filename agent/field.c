/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: tokens to structs. One walk over table and tokens with a stack
 * of its own: a level per nested object or list, so its depth is that of the tables, which are
 * ours, and never that of the input. The words and their order are those of QAPI's input visitor:
 * member by member in the order of the table, unexpected members when their object is through.
 *
 * It deliberately does not log, look at policy or change the message, save that strings are
 * NUL-ended and base64 is decoded in place.
 */
#include "agent/field.h"

#include "agent/error.h"
#include "agent/wire/base64.h"

#include <math.h>
#include <string.h>

/* Deepest nesting of tables; a deeper one is a bug of its author. */
enum {
    LEVELS_MAX = 12
};

/* An object whose members are being decoded, or a list (list != NULL) and its elements. */
typedef struct {
    const TnField *row; /* of an object: the member in work, then the next one */
    const TnField *list;
    char *base;
    GPtrArray *array; /* borrowed from the struct that it stands in */
    const TnField *fields;
    guint token;   /* the object, 0: absent; of a list: its next element */
    guint n_found; /* object: members that the table knows; list: elements begun */
    guint n_all;
} Level;

typedef struct {
    TnMessage *message;
    guint n_levels;
    gssize element; /* of the string list in work, -1: none */
    Level levels[LEVELS_MAX];
} Decoder;

/* The element in work as QAPI names it, vcpus[0].online, and LAST behind it unless that is NULL. */
static char *
describe_place(const Decoder *decoder, const char *last)
{
    GString *place = g_string_new(NULL);

    for (guint i = 0; i < decoder->n_levels; i++) {
        const Level *level = &decoder->levels[i];

        if (level->list != NULL) {
            g_string_append_printf(place, "[%u]", level->n_found - 1);
            continue;
        }
        if (last != NULL && i + 1 == decoder->n_levels)
            break;
        g_string_append_printf(place, "%s%s", i > 0 ? "." : "", level->row->name);
    }
    if (decoder->element >= 0)
        g_string_append_printf(place, "[%" G_GSSIZE_FORMAT "]", decoder->element);
    if (last != NULL)
        g_string_append_printf(place, "%s%s", place->len > 0 ? "." : "", last);
    return g_string_free(place, FALSE);
}

static gboolean
fail_type(const Decoder *decoder, const char *expected, GError **error)
{
    g_autofree char *place = describe_place(decoder, NULL);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                "Invalid parameter type for '%s', expected: %s", place, expected);
    return FALSE;
}

/* QAPI has words of its own for these. */
static gboolean
fail_uint(const Decoder *decoder, GError **error)
{
    g_autofree char *place = describe_place(decoder, NULL);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, "Parameter '%s' expects uint64",
                place);
    return FALSE;
}

static gboolean
fail_value(const Decoder *decoder, const char *value, GError **error)
{
    g_autofree char *place = describe_place(decoder, NULL);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                "Parameter '%s' does not accept value '%s'", place, value);
    return FALSE;
}

static gboolean
fail_range(const Decoder *decoder, const TnField *row, GError **error)
{
    g_autofree char *place = describe_place(decoder, NULL);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                "Parameter '%s' expects a value from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                place, row->min, row->max);
    return FALSE;
}

/* LENGTH is of a string or of bytes (UNIT "bytes"), or of a list ("elements"). */
static gboolean
check_length(const Decoder *decoder, const TnField *row, guint64 length, const char *unit,
             GError **error)
{
    g_autofree char *place = NULL;

    if (row->max <= 0 || length <= (guint64)row->max)
        return TRUE;
    place = describe_place(decoder, NULL);
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                "Parameter '%s' has more than %" G_GINT64_FORMAT " %s", place, row->max, unit);
    return FALSE;
}

static gboolean
fail_missing(const Decoder *decoder, const char *name, GError **error)
{
    g_autofree char *place = describe_place(decoder, name);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, "Parameter '%s' is missing",
                place);
    return FALSE;
}

static gboolean
fail_unexpected(const Decoder *decoder, const char *name, GError **error)
{
    g_autofree char *place = describe_place(decoder, name);

    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, "Parameter '%s' is unexpected",
                place);
    return FALSE;
}

static gboolean
decode_int(const Decoder *decoder, const TnField *row, guint token, int64_t *slot, GError **error)
{
    int64_t value = 0;

    if (!tn_message_get_int64(decoder->message, token, &value))
        return fail_type(decoder, "integer", error);
    if ((row->min != 0 || row->max != 0) && (value < row->min || value > row->max))
        return fail_range(decoder, row, error);
    *slot = value;
    return TRUE;
}

static gboolean
decode_uint(const Decoder *decoder, const TnField *row, guint token, uint64_t *slot, GError **error)
{
    uint64_t value = 0;
    int64_t negative = 0;

    /* QAPI takes a negative number for the same bits without sign. */
    if (!tn_message_get_uint64(decoder->message, token, &value)) {
        if (!tn_message_get_int64(decoder->message, token, &negative))
            return fail_uint(decoder, error);
        value = (uint64_t)negative;
    }
    if ((row->min != 0 || row->max != 0) &&
        (value < (uint64_t)row->min || value > (uint64_t)row->max))
        return fail_range(decoder, row, error);
    *slot = value;
    return TRUE;
}

static gboolean
decode_number(const Decoder *decoder, const TnField *row, guint token, double *slot, GError **error)
{
    double value = 0;

    if (decoder->message->tokens[token].type != TN_TOKEN_NUMBER)
        return fail_type(decoder, "number", error);
    value = tn_message_get_double(decoder->message, token);
    if (!isfinite(value))
        return fail_type(decoder, "number", error);
    if ((row->min != 0 || row->max != 0) && (value < (double)row->min || value > (double)row->max))
        return fail_range(decoder, row, error);
    *slot = value;
    return TRUE;
}

static gboolean
decode_bool(const Decoder *decoder, guint token, bool *slot, GError **error)
{
    uint8_t type = decoder->message->tokens[token].type;

    if (type != TN_TOKEN_TRUE && type != TN_TOKEN_FALSE)
        return fail_type(decoder, "boolean", error);
    *slot = type == TN_TOKEN_TRUE;
    return TRUE;
}

static gboolean
decode_string(const Decoder *decoder, const TnField *row, guint token, char **slot, GError **error)
{
    const TnToken *t = &decoder->message->tokens[token];

    if (t->type != TN_TOKEN_STRING)
        return fail_type(decoder, "string", error);
    if (!check_length(decoder, row, t->length, "bytes", error))
        return FALSE;
    *slot = g_strndup(decoder->message->bytes + t->start, t->length);
    return TRUE;
}

static gboolean
decode_word(const Decoder *decoder, const TnField *row, guint token, int *slot, GError **error)
{
    const char *word = NULL;

    if (decoder->message->tokens[token].type != TN_TOKEN_STRING)
        return fail_type(decoder, "string", error);
    word = tn_message_get_string(decoder->message, token);
    for (int i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], word) == 0) {
            *slot = i;
            return TRUE;
        }
    }
    return fail_value(decoder, word, error);
}

static gboolean
decode_strv(Decoder *decoder, const TnField *row, guint token, char ***slot, GError **error)
{
    const TnToken *tokens = decoder->message->tokens;
    g_auto(GStrv) strv = NULL;
    guint element = token + 1;

    if (tokens[token].type != TN_TOKEN_ARRAY)
        return fail_type(decoder, "array", error);
    if (!check_length(decoder, row, tokens[token].n_children, "elements", error))
        return FALSE;
    strv = g_new0(char *, (gsize)tokens[token].n_children + 1);
    for (guint i = 0; i < tokens[token].n_children; i++, element = tokens[element].next) {
        decoder->element = i;
        if (tokens[element].type != TN_TOKEN_STRING)
            return fail_type(decoder, "string", error);
        strv[i] =
            g_strndup(decoder->message->bytes + tokens[element].start, tokens[element].length);
    }
    decoder->element = -1;
    *slot = g_steal_pointer(&strv);
    return TRUE;
}

static gboolean
decode_bytes(const Decoder *decoder, const TnField *row, guint token, TnBytes *slot, GError **error)
{
    const TnToken *t = &decoder->message->tokens[token];
    char *text = decoder->message->bytes + t->start;
    gsize size = 0;

    if (t->type != TN_TOKEN_STRING)
        return fail_type(decoder, "string", error);
    if (!tn_base64_decode(text, t->length, (uint8_t *)text, &size)) {
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                            "Base64 data contains invalid characters");
        return FALSE;
    }
    if (!check_length(decoder, row, size, "bytes", error))
        return FALSE;
    slot->data = (uint8_t *)text;
    slot->size = size;
    return TRUE;
}

static gboolean
decode_bool_or_enum(const Decoder *decoder, const TnField *row, guint token, TnBoolOrEnum *slot,
                    GError **error)
{
    switch (decoder->message->tokens[token].type) {
    case TN_TOKEN_TRUE:
    case TN_TOKEN_FALSE:
        return decode_bool(decoder, token, &slot->flag, error);
    case TN_TOKEN_STRING:
        slot->is_enum = true;
        return decode_word(decoder, row, token, &slot->word, error);
    default:
        return fail_type(decoder, row->type_name, error);
    }
}

static gboolean
decode_int_or_enum(const Decoder *decoder, const TnField *row, guint token, int64_t *slot,
                   GError **error)
{
    int word = 0;

    switch (decoder->message->tokens[token].type) {
    case TN_TOKEN_NUMBER:
        return decode_int(decoder, row, token, slot, error);
    case TN_TOKEN_STRING:
        if (!decode_word(decoder, row, token, &word, error))
            return FALSE;
        *slot = word;
        return TRUE;
    default:
        return fail_type(decoder, row->type_name != NULL ? row->type_name : "integer", error);
    }
}

/* A value without members of its own into SLOT. */
static gboolean
decode_plain(Decoder *decoder, const TnField *row, guint token, void *slot, GError **error)
{
    switch (row->type) {
    case TN_TYPE_BOOL:
        return decode_bool(decoder, token, slot, error);
    case TN_TYPE_INT:
        return decode_int(decoder, row, token, slot, error);
    case TN_TYPE_UINT:
        return decode_uint(decoder, row, token, slot, error);
    case TN_TYPE_NUMBER:
        return decode_number(decoder, row, token, slot, error);
    case TN_TYPE_STRING:
        return decode_string(decoder, row, token, slot, error);
    case TN_TYPE_ENUM:
        return decode_word(decoder, row, token, slot, error);
    case TN_TYPE_STRV:
        return decode_strv(decoder, row, token, slot, error);
    case TN_TYPE_BYTES:
        return decode_bytes(decoder, row, token, slot, error);
    case TN_TYPE_BOOL_OR_ENUM:
        return decode_bool_or_enum(decoder, row, token, slot, error);
    case TN_TYPE_INT_OR_ENUM:
        return decode_int_or_enum(decoder, row, token, slot, error);
    case TN_TYPE_OBJECT:
    case TN_TYPE_LIST:
    case TN_TYPE_BULK:
    case TN_TYPE_ENCODED:
    case TN_TYPE_NODE:
    case TN_TYPE_VOID:
        break;
    }
    g_assert_not_reached(); /* a table for results was used for arguments */
}

static void
enter_object(Decoder *decoder, const TnField *fields,
             char *base /* NOLINT(readability-non-const-parameter): members are written by it */,
             guint token)
{
    g_assert(decoder->n_levels < LEVELS_MAX);
    decoder->levels[decoder->n_levels++] = (Level){
        .row = fields,
        .fields = fields,
        .base = base,
        .token = token,
        .n_all = token != 0 ? decoder->message->tokens[token].n_children : 0,
    };
}

static gboolean
enter_list(Decoder *decoder, const TnField *row, guint token, GPtrArray **slot, GError **error)
{
    const TnToken *t = &decoder->message->tokens[token];

    if (t->type != TN_TOKEN_ARRAY)
        return fail_type(decoder, "array", error);
    if (!check_length(decoder, row, t->n_children, "elements", error))
        return FALSE;
    g_assert(decoder->n_levels < LEVELS_MAX);
    *slot = g_ptr_array_new_with_free_func(g_free);
    decoder->levels[decoder->n_levels++] = (Level){
        .list = row,
        .array = *slot,
        .fields = row->fields,
        .token = token + 1,
        .n_all = t->n_children,
    };
    return TRUE;
}

/* One row of the object on top. */
static gboolean
decode_member(Decoder *decoder, Level *level, GError **error)
{
    const TnField *row = level->row;
    guint token =
        level->token != 0 ? tn_message_find(decoder->message, level->token, row->name) : 0;
    char *slot = level->base + row->offset;

    if (token == 0) {
        level->row++;
        if ((row->flags & TN_FIELD_REQUIRED) == 0)
            return TRUE;
        return fail_missing(decoder, row->name, error);
    }
    level->n_found++;
    if (row->type == TN_TYPE_LIST) {
        if (!enter_list(decoder, row, token, (GPtrArray **)(void *)slot, error))
            return FALSE;
    } else if (row->type == TN_TYPE_OBJECT) {
        if (decoder->message->tokens[token].type != TN_TOKEN_OBJECT)
            return fail_type(decoder, "object", error);
        enter_object(decoder, row->fields, slot, token);
    } else {
        if (!decode_plain(decoder, row, token, slot, error))
            return FALSE;
        level->row++;
    }
    if (row->present != 0)
        *(bool *)(level->base + row->present - 1) = true;
    return TRUE;
}

/* One element of the list on top. */
static gboolean
decode_element(Decoder *decoder, Level *level, GError **error)
{
    const TnField *row = level->list;
    guint token = level->token;
    char *element = g_malloc0(row->size);

    g_ptr_array_add(level->array, element);
    level->token = decoder->message->tokens[token].next;
    level->n_found++;
    if (row->fields->name == NULL)
        return decode_plain(decoder, row->fields, token, element + row->fields->offset, error);
    if (decoder->message->tokens[token].type != TN_TOKEN_OBJECT)
        return fail_type(decoder, "object", error);
    enter_object(decoder, row->fields, element, token);
    return TRUE;
}

/* The first member of the object on top that its table does not know. */
static gboolean
check_unexpected(const Decoder *decoder, const Level *level, GError **error)
{
    const TnToken *tokens = decoder->message->tokens;
    guint key = level->token + 1;

    if (level->n_found == level->n_all)
        return TRUE;
    for (guint i = 0; i < level->n_all; i++, key = tokens[key + 1].next) {
        const char *name = tn_message_get_string(decoder->message, key);
        const TnField *row = level->fields;

        while (row->name != NULL && strcmp(row->name, name) != 0)
            row++;
        if (row->name == NULL)
            return fail_unexpected(decoder, name, error);
    }
    return TRUE;
}

/* Back to the level above, whose row that led here is done. */
static void
leave_level(Decoder *decoder)
{
    decoder->n_levels--;
    if (decoder->n_levels > 0) {
        Level *above = &decoder->levels[decoder->n_levels - 1];

        if (above->list == NULL)
            above->row++;
    }
}

gboolean
tn_fields_decode(const TnField *fields, TnMessage *message, guint object, void *out, GError **error)
{
    Decoder decoder;

    decoder.message = message;
    decoder.n_levels = 0;
    decoder.element = -1;
    enter_object(&decoder, fields, out, object);
    while (decoder.n_levels > 0) {
        Level *level = &decoder.levels[decoder.n_levels - 1];

        if (level->list != NULL && level->n_found < level->n_all) {
            if (!decode_element(&decoder, level, error))
                return FALSE;
        } else if (level->list == NULL && level->row->name != NULL) {
            if (!decode_member(&decoder, level, error))
                return FALSE;
        } else {
            if (level->list == NULL && !check_unexpected(&decoder, level, error))
                return FALSE;
            leave_level(&decoder);
        }
    }
    return TRUE;
}
