/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables as JSON, for tenon-describe: what a host needs to know in order to word a request
 * or to read a reply. Built from the tables alone. Sub-objects stand in "members".
 */
#include "agent/field.h"

/* Deepest nesting of tables, as in field.c. */
enum {
    LEVELS_MAX = 12
};

typedef struct {
    const TnField *row;
    JsonArray *array; /* borrowed from the node */
} Level;

static const char *
get_type_word(const TnField *row)
{
    switch (row->type) {
    case TN_TYPE_BOOL:
        return "boolean";
    case TN_TYPE_INT:
    case TN_TYPE_UINT:
        return "integer";
    case TN_TYPE_NUMBER:
        return "number";
    case TN_TYPE_STRING:
    case TN_TYPE_ENUM:
        return "string";
    case TN_TYPE_BYTES:
    case TN_TYPE_BULK:
        return "base64";
    case TN_TYPE_STRV:
    case TN_TYPE_LIST:
    case TN_TYPE_ENCODED:
        return "array";
    case TN_TYPE_OBJECT:
    case TN_TYPE_VOID:
        return "object";
    case TN_TYPE_BOOL_OR_ENUM:
        return "boolean-or-string";
    case TN_TYPE_INT_OR_ENUM:
        return "integer-or-string";
    case TN_TYPE_NODE:
        return "any";
    }
    g_assert_not_reached();
}

static gboolean
has_length(const TnField *row)
{
    switch (row->type) {
    case TN_TYPE_STRING:
    case TN_TYPE_STRV:
    case TN_TYPE_BYTES:
    case TN_TYPE_LIST:
        return TRUE;
    case TN_TYPE_BOOL:
    case TN_TYPE_INT:
    case TN_TYPE_UINT:
    case TN_TYPE_NUMBER:
    case TN_TYPE_ENUM:
    case TN_TYPE_BULK:
    case TN_TYPE_ENCODED:
    case TN_TYPE_OBJECT:
    case TN_TYPE_BOOL_OR_ENUM:
    case TN_TYPE_INT_OR_ENUM:
    case TN_TYPE_NODE:
    case TN_TYPE_VOID:
        return FALSE;
    }
    g_assert_not_reached();
}

static void
describe_bounds(const TnField *row, JsonObject *object)
{
    if (row->min == 0 && row->max == 0)
        return;
    if (has_length(row)) {
        json_object_set_int_member(object, "max-length", row->max);
        return;
    }
    json_object_set_int_member(object, "min", row->min);
    json_object_set_int_member(object, "max", row->max);
}

static void
describe_words(const TnField *row, JsonObject *object)
{
    JsonArray *words = NULL;

    if (row->words == NULL)
        return;
    words = json_array_new();
    for (gsize i = 0; row->words[i] != NULL; i++)
        json_array_add_string_element(words, row->words[i]);
    json_object_set_array_member(object, "values", words);
}

/* Members of sub-objects that are still to be described, or NULL. */
static JsonArray *
describe_row(const TnField *row, JsonArray *array)
{
    JsonObject *object = json_object_new();
    JsonArray *members = NULL;

    json_array_add_object_element(array, object);
    if (row->name != NULL)
        json_object_set_string_member(object, "name", row->name);
    json_object_set_string_member(object, "type", get_type_word(row));
    if (row->type == TN_TYPE_STRV)
        json_object_set_string_member(object, "items", "string");
    json_object_set_boolean_member(object, "optional", (row->flags & TN_FIELD_REQUIRED) == 0);
    describe_bounds(row, object);
    describe_words(row, object);
    if (row->doc != NULL)
        json_object_set_string_member(object, "doc", row->doc);
    if (row->fields == NULL)
        return NULL;
    if (row->type == TN_TYPE_LIST && row->fields->name == NULL) {
        json_object_set_string_member(object, "items", get_type_word(row->fields));
        return NULL;
    }
    members = json_array_new();
    json_object_set_array_member(object, "members", members);
    return members;
}

static void
describe_levels(const TnField *fields, JsonArray *array)
{
    Level levels[LEVELS_MAX];
    guint n_levels = 1;

    levels[0] = (Level){.row = fields, .array = array};
    while (n_levels > 0) {
        Level *level = &levels[n_levels - 1];
        const TnField *row = level->row;
        JsonArray *members = NULL;

        if (row->name == NULL) {
            n_levels--;
            continue;
        }
        level->row++;
        members = describe_row(row, level->array);
        if (members != NULL) {
            g_assert(n_levels < LEVELS_MAX);
            levels[n_levels++] = (Level){.row = row->fields, .array = members};
        }
    }
}

JsonNode *
tn_fields_describe(const TnField *fields)
{
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();

    json_node_take_array(node, array);
    if (fields != NULL)
        describe_levels(fields, array);
    return node;
}

JsonNode *
tn_fields_describe_value(const TnField *value)
{
    JsonNode *node = NULL;
    JsonArray *array = NULL;
    JsonArray *members = NULL;

    if (value == NULL || value->type == TN_TYPE_VOID)
        return tn_fields_describe(NULL);
    if (value->type == TN_TYPE_OBJECT)
        return tn_fields_describe(value->fields);
    node = json_node_new(JSON_NODE_ARRAY);
    array = json_array_new();
    json_node_take_array(node, array);
    members = describe_row(value, array);
    if (members != NULL)
        describe_levels(value->fields, members);
    return node;
}
