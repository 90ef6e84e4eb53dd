/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/encode.h"
#include "agent/field.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    int64_t id;
    char *note;
} Item;

typedef struct {
    bool flag;
    int64_t number;
    uint64_t big;
    double ratio;
    bool has_ratio;
    char *text;
    char *maybe;
    int word;
    char **list;
    Item item;
    GPtrArray *items;
    GPtrArray *names;
    TnBoolOrEnum either;
    int64_t whence;
    JsonNode *node;
    JsonNode *no_node;
} All;

typedef struct {
    char *name;
} Name;

static const char *const words[] = {"none", "some", NULL};

static const TnField item_fields[] = {
    {"id", TN_INT(Item, id, .flags = TN_FIELD_REQUIRED)},
    {"note", TN_STRING(Item, note)},
    {0},
};

static const TnField name_fields[] = {
    {NULL, TN_STRING(Name, name)},
    {0},
};

static const TnField all_fields[] = {
    {"flag", TN_BOOL(All, flag)},
    {"number", TN_INT(All, number)},
    {"big", TN_UINT(All, big)},
    {"ratio", TN_NUMBER(All, ratio, TN_PRESENT(All, has_ratio))},
    {"text", TN_STRING(All, text, .flags = TN_FIELD_REQUIRED)},
    {"maybe", TN_STRING(All, maybe)},
    {"word", TN_ENUM(All, word, .words = words)},
    {"list", TN_STRV(All, list)},
    {"item", TN_OBJECT(All, item, Item, .fields = item_fields)},
    {"items", TN_LIST(All, items, Item, .fields = item_fields, .flags = TN_FIELD_REQUIRED)},
    {"names", TN_LIST(All, names, Name, .fields = name_fields)},
    {"either", TN_BOOL_OR_ENUM(All, either, .words = words)},
    {"whence", TN_INT_OR_ENUM(All, whence, .words = words)},
    {"node", TN_NODE(All, node)},
    {"no-node", TN_NODE(All, no_node)},
    {0},
};

static const TnField all_value = {NULL, .type = TN_TYPE_OBJECT, .fields = all_fields};

static void
assert_encodes(const TnField *value, const void *base, const char *expected)
{
    g_autoptr(TnEncoder) encoder = tn_encoder_new(value, base);
    g_autoptr(GString) text = g_string_new(NULL);
    TnBulk *bulk = NULL;

    assert_true(tn_encoder_step(encoder, text, &bulk));
    assert_null(bulk);
    assert_string_equal(text->str, expected);
}

static void
test_zero(void **state)
{
    All all = {0};

    assert_encodes(&all_value, &all,
                   "{\"flag\": false, \"number\": 0, \"big\": 0, \"text\": \"\", "
                   "\"word\": \"none\", \"item\": {\"id\": 0}, \"items\": [], "
                   "\"either\": false, \"whence\": 0}");
}

static void *
make_item(int64_t id, const char *note)
{
    Item *item = g_new0(Item, 1);

    item->id = id;
    item->note = g_strdup(note);
    return item;
}

static void
test_everything(void **state)
{
    All all = {
        .flag = true,
        .number = INT64_MIN,
        .big = UINT64_MAX,
        .ratio = 0.5,
        .has_ratio = true,
        .text = g_strdup("\"\xc3\xa9\xff\n"),
        .maybe = g_strdup("m"),
        .word = 1,
        .list = g_strsplit("a b", " ", 0),
        .item = {.id = 1, .note = g_strdup("n")},
        .items = g_ptr_array_new(),
        .names = g_ptr_array_new_with_free_func(g_free),
        .either = {.is_enum = true, .word = 1},
        .whence = 2,
        .node =
            json_from_string("{\"z\":[1,2.5,null,true,\"\xc3\xa9\",[],{}],\"a\":{\"b\":-1}}", NULL),
    };
    Name *name = g_new0(Name, 1);

    name->name = g_strdup("x");
    g_ptr_array_add(all.items, make_item(2, NULL));
    g_ptr_array_add(all.items, make_item(3, "three"));
    g_ptr_array_add(all.names, name);
    assert_encodes(
        &all_value, &all,
        "{\"flag\": true, \"number\": -9223372036854775808, \"big\": 18446744073709551615, "
        "\"ratio\": 0.5, \"text\": \"\\\"\\u00E9\\uFFFD\\n\", \"maybe\": \"m\", \"word\": \"some\", "
        "\"list\": [\"a\", \"b\"], \"item\": {\"id\": 1, \"note\": \"n\"}, "
        "\"items\": [{\"id\": 2}, {\"id\": 3, \"note\": \"three\"}], \"names\": [\"x\"], "
        "\"either\": \"some\", \"whence\": 2, \"node\": {\"z\": [1, 2.5, null, true, \"\\u00E9\", "
        "[], {}], \"a\": {\"b\": -1}}}");

    tn_fields_clear(all_fields, &all);
    assert_true(all.text == NULL && all.list == NULL && all.items == NULL && all.names == NULL);
    assert_true(all.node == NULL && all.item.note == NULL && all.number == 0 && !all.has_ratio);
}

static void
test_deep_node(void **state)
{
    enum {
        DEPTH = 1000
    };
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    g_autoptr(GString) expected = g_string_new(NULL);
    static const TnField value = {NULL, .type = TN_TYPE_NODE, .offset = offsetof(All, node)};
    All all = {0};

    json_node_take_array(node, json_array_new());
    for (guint i = 1; i < DEPTH; i++) {
        JsonNode *outer = json_node_new(JSON_NODE_ARRAY);

        json_node_take_array(outer, json_array_new());
        json_array_add_element(json_node_get_array(outer), node);
        node = outer;
    }
    for (guint i = 0; i < DEPTH; i++)
        g_string_append_c(expected, '[');
    for (guint i = 0; i < DEPTH; i++)
        g_string_append_c(expected, ']');
    all.node = node;
    assert_encodes(&value, &all, expected->str);
    tn_fields_clear_value(&value, &all);
    assert_null(all.node);
}

static void
test_single_values(void **state)
{
    static const TnField number = {NULL, TN_INT(Item, id)};
    static const TnField nothing = {NULL, .type = TN_TYPE_VOID};
    static const TnField list = {NULL, TN_LIST(All, items, Item, .fields = item_fields)};
    Item item = {.id = 7};
    All all = {.items = g_ptr_array_new()};

    assert_encodes(&number, &item, "7");
    assert_encodes(&nothing, &item, "{}");
    assert_encodes(&list, &all, "[]");
    g_ptr_array_add(all.items, make_item(1, "a"));
    assert_encodes(&list, &all, "[{\"id\": 1, \"note\": \"a\"}]");
    tn_fields_clear_value(&list, &all);
    assert_null(all.items);
}

typedef struct {
    TnBulk *bulk;
    int64_t count;
    TnBulk *none;
} Read;

static const TnField read_fields[] = {
    {"buf-b64", TN_BULK(Read, bulk, .flags = TN_FIELD_REQUIRED)},
    {"count", TN_INT(Read, count, .flags = TN_FIELD_REQUIRED)},
    {"none", TN_BULK(Read, none, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField read_value = {NULL, .type = TN_TYPE_OBJECT, .fields = read_fields};

static void
test_bulk_stops(void **state)
{
    TnBulk bulk = {0};
    Read result = {.bulk = &bulk};
    g_autoptr(TnEncoder) encoder = tn_encoder_new(&read_value, &result);
    g_autoptr(GString) text = g_string_new(NULL);
    TnBulk *next = NULL;

    assert_false(tn_encoder_step(encoder, text, &next));
    assert_ptr_equal(next, &bulk);
    assert_string_equal(text->str, "{\"buf-b64\": \"");
    g_string_append(text, "AAAA");
    result.count = 3; /* members behind the bulk are read after it */
    assert_true(tn_encoder_step(encoder, text, &next));
    assert_string_equal(text->str, "{\"buf-b64\": \"AAAA\", \"count\": 3, \"none\": \"\"}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero),       cmocka_unit_test(test_everything),
        cmocka_unit_test(test_deep_node),  cmocka_unit_test(test_single_values),
        cmocka_unit_test(test_bulk_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
