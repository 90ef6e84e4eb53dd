/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/field.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    int64_t id;
} Item;

typedef struct {
    char *path;
    int64_t count;
    int mode;
    char **arg;
    TnBytes data;
    GPtrArray *items;
} Args;

static const char *const words[] = {"r", "w", NULL};

static const TnField item_fields[] = {
    {"id", TN_INT(Item, id, .flags = TN_FIELD_REQUIRED, .doc = "a number")},
    {0},
};

static const TnField fields[] = {
    {"path", TN_STRING(Args, path, .flags = TN_FIELD_REQUIRED, .max = 4096)},
    {"count", TN_INT(Args, count, .min = 1, .max = 9)},
    {"mode", TN_ENUM(Args, mode, .words = words)},
    {"arg", TN_STRV(Args, arg)},
    {"data", TN_BYTES(Args, data)},
    {"items", TN_LIST(Args, items, Item, .fields = item_fields)},
    {0},
};

static void
assert_json(JsonNode *take_node, const char *expected)
{
    g_autoptr(JsonNode) node = take_node;
    g_autofree char *text = json_to_string(node, FALSE);

    assert_string_equal(text, expected);
}

static void
test_fields(void **state)
{
    assert_json(
        tn_fields_describe(fields),
        "[{\"name\":\"path\",\"type\":\"string\",\"optional\":false,\"max-length\":4096},"
        "{\"name\":\"count\",\"type\":\"integer\",\"optional\":true,\"min\":1,\"max\":9},"
        "{\"name\":\"mode\",\"type\":\"string\",\"optional\":true,\"values\":[\"r\",\"w\"]},"
        "{\"name\":\"arg\",\"type\":\"array\",\"items\":\"string\",\"optional\":true},"
        "{\"name\":\"data\",\"type\":\"base64\",\"optional\":true},"
        "{\"name\":\"items\",\"type\":\"array\",\"optional\":true,\"members\":[{\"name\":\"id\","
        "\"type\":\"integer\",\"optional\":false,\"doc\":\"a number\"}]}]");
    assert_json(tn_fields_describe(NULL), "[]");
}

static void
test_values(void **state)
{
    static const TnField object = {NULL, .type = TN_TYPE_OBJECT, .fields = item_fields};
    static const TnField list = {
        NULL, TN_LIST(Args, items, Item, .fields = item_fields, .flags = TN_FIELD_REQUIRED)};
    static const TnField number = {NULL, TN_INT(Item, id, .flags = TN_FIELD_REQUIRED)};
    static const TnField nothing = {NULL, .type = TN_TYPE_VOID};

    assert_json(tn_fields_describe_value(&object),
                "[{\"name\":\"id\",\"type\":\"integer\",\"optional\":false,\"doc\":\"a number\"}]");
    assert_json(tn_fields_describe_value(&list),
                "[{\"type\":\"array\",\"optional\":false,\"members\":[{\"name\":\"id\","
                "\"type\":\"integer\",\"optional\":false,\"doc\":\"a number\"}]}]");
    assert_json(tn_fields_describe_value(&number), "[{\"type\":\"integer\",\"optional\":false}]");
    assert_json(tn_fields_describe_value(&nothing), "[]");
    assert_json(tn_fields_describe_value(NULL), "[]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
