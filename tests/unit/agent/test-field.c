/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/error.h"
#include "agent/field.h"
#include "agent/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    int64_t id;
    bool online;
    bool has_online;
    GPtrArray *inner;
} Item;

typedef struct {
    char *name;
} Name;

typedef struct {
    bool flag;
    int64_t number;
    bool has_number;
    uint64_t big;
    double ratio;
    char *text;
    char *secret;
    int word;
    char **list;
    TnBytes bytes;
    Item item;
    bool has_item;
    GPtrArray *items;
    GPtrArray *names;
    TnBoolOrEnum either;
    int64_t whence;
} All;

static const char *const words[] = {"none", "some", NULL};
static const char *const seeks[] = {"set", "cur", "end", NULL};

static const TnField name_fields[] = {
    {NULL, TN_STRING(Name, name)},
    {0},
};

static const TnField item_fields[] = {
    {"id", TN_INT(Item, id, .flags = TN_FIELD_REQUIRED)},
    {"online", TN_BOOL(Item, online, TN_PRESENT(Item, has_online))},
    {"inner", TN_LIST(Item, inner, Name, .fields = name_fields)},
    {0},
};

static const TnField all_fields[] = {
    {"flag", TN_BOOL(All, flag)},
    {"number", TN_INT(All, number, .min = -5, .max = 10, TN_PRESENT(All, has_number))},
    {"big", TN_UINT(All, big)},
    {"ratio", TN_NUMBER(All, ratio)},
    {"text", TN_STRING(All, text, .max = 5)},
    {"secret", TN_STRING(All, secret, .flags = TN_FIELD_SECRET)},
    {"word", TN_ENUM(All, word, .words = words)},
    {"list", TN_STRV(All, list, .max = 3)},
    {"bytes", TN_BYTES(All, bytes, .max = 6)},
    {"item", TN_OBJECT(All, item, Item, .fields = item_fields, TN_PRESENT(All, has_item))},
    {"items", TN_LIST(All, items, Item, .fields = item_fields, .max = 3)},
    {"names", TN_LIST(All, names, Name, .fields = name_fields)},
    {"either", TN_BOOL_OR_ENUM(All, either, .words = words, .type_name = "Either")},
    {"whence", TN_INT_OR_ENUM(All, whence, .words = seeks)},
    {0},
};

static const TnField required_fields[] = {
    {"first", TN_INT(All, number, .flags = TN_FIELD_REQUIRED)},
    {"second", TN_STRING(All, text, .flags = TN_FIELD_REQUIRED)},
    {0},
};

/* Decodes ARGUMENTS, a JSON object, and keeps the frame for the bytes in it. */
static gboolean
decode(const TnField *fields, TnFrame *frame, const char *arguments, All *all, GError **error)
{
    g_autofree char *text = g_strdup_printf("{\"arguments\":%s}", arguments);
    TnMessage message = {0};
    const char *why = NULL;
    gsize room = 0;
    char *place = tn_frame_reserve(frame, &room);

    assert_true(strlen(text) <= room);
    memcpy(place, text, strlen(text));
    tn_frame_commit(frame, strlen(text));
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    return tn_fields_decode(fields, &message, tn_message_find(&message, 0, "arguments"), all,
                            error);
}

static void
assert_fails(const TnField *fields, const char *text, const char *expected)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GError) error = NULL;
    All all = {0};

    assert_false(decode(fields, frame, text, &all, &error));
    assert_non_null(error);
    assert_string_equal(error->message, expected);
    assert_true(g_error_matches(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC));
    tn_fields_clear(fields, &all);
}

static void
test_everything(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GError) error = NULL;
    All all = {0};
    const Item *item = NULL;

    assert_true(
        decode(all_fields, frame,
               "{\"flag\":true,\"number\":-5,\"big\":18446744073709551615,\"ratio\":1.5e1,"
               "\"text\":\"\\u00e9\",\"secret\":\"s\",\"word\":\"some\",\"list\":[\"a\",\"\"],"
               "\"bytes\":\"aGVs\\nbG8=\",\"item\":{\"id\":7},"
               "\"items\":[{\"id\":1,\"online\":false,\"inner\":[\"x\",\"y\"]},{\"id\":2}],"
               "\"names\":[\"n\"],\"either\":\"some\",\"whence\":\"end\"}",
               &all, &error));
    assert_null(error);
    assert_true(all.flag && all.has_number && all.number == -5 && all.big == UINT64_MAX);
    assert_true(all.ratio > 14.9 && all.ratio < 15.1);
    assert_string_equal(all.text, "\xc3\xa9");
    assert_int_equal(all.word, 1);
    assert_true(all.list[0][0] == 'a' && all.list[1][0] == '\0' && all.list[2] == NULL);
    assert_int_equal(all.bytes.size, 5);
    assert_memory_equal(all.bytes.data, "hello", 5);
    assert_true(all.has_item && all.item.id == 7 && !all.item.has_online);
    assert_int_equal(all.items->len, 2);
    item = g_ptr_array_index(all.items, 0);
    assert_true(item->id == 1 && item->has_online && !item->online && item->inner->len == 2);
    assert_string_equal(((Name *)g_ptr_array_index(item->inner, 1))->name, "y");
    item = g_ptr_array_index(all.items, 1);
    assert_true(item->id == 2 && !item->has_online && item->inner == NULL);
    assert_true(all.either.is_enum && all.either.word == 1 && all.whence == 2);

    tn_fields_clear(all_fields, &all);
    assert_true(all.text == NULL && all.items == NULL && all.names == NULL && all.list == NULL);
    assert_true(all.bytes.data == NULL && !all.has_item && all.item.id == 0 && all.whence == 0);
}

static void
test_absent(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    All all = {0};
    All zero = {0};

    assert_true(decode(all_fields, frame, "{}", &all, NULL));
    assert_memory_equal(&all, &zero, sizeof all);
}

static void
test_empty(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    All all = {0};

    assert_true(decode(all_fields, frame,
                       "{\"text\":\"\",\"list\":[],\"bytes\":\"\",\"items\":[],\"either\":true,"
                       "\"whence\":7}",
                       &all, NULL));
    assert_true(all.text != NULL && all.list != NULL && all.list[0] == NULL);
    assert_true(all.bytes.data != NULL && all.bytes.size == 0 && all.items->len == 0);
    assert_true(!all.either.is_enum && all.either.flag && all.whence == 7);
    tn_fields_clear(all_fields, &all);
}

static void
test_no_object(void **state)
{
    TnMessage message = {0};
    All all = {0};

    assert_true(tn_fields_decode(all_fields, &message, 0, &all, NULL));
}

static void
test_missing_and_unexpected(void **state)
{
    assert_fails(required_fields, "{}", "Parameter 'first' is missing");
    assert_fails(required_fields, "{\"second\":\"x\"}", "Parameter 'first' is missing");
    assert_fails(required_fields, "{\"first\":1}", "Parameter 'second' is missing");
    /* types come before what is too much, in the order of the table */
    assert_fails(required_fields, "{\"x\":1,\"second\":2,\"first\":1}",
                 "Invalid parameter type for 'second', expected: string");
    assert_fails(required_fields, "{\"x\":1,\"y\":2,\"second\":\"\",\"first\":1}",
                 "Parameter 'x' is unexpected");
    assert_fails(all_fields, "{\"item\":{\"online\":true}}", "Parameter 'item.id' is missing");
    assert_fails(all_fields, "{\"items\":[{\"id\":1},{}]}", "Parameter 'items[1].id' is missing");
    assert_fails(all_fields, "{\"items\":[{\"id\":1,\"a\":2}]}",
                 "Parameter 'items[0].a' is unexpected");
}

static void
test_types(void **state)
{
    static const struct {
        const char *text;
        const char *place;
        const char *expected;
    } rows[] = {
        {"{\"flag\":1}", "flag", "boolean"},
        {"{\"flag\":null}", "flag", "boolean"},
        {"{\"number\":1.0}", "number", "integer"},
        {"{\"number\":1e3}", "number", "integer"},
        {"{\"number\":\"1\"}", "number", "integer"},
        {"{\"number\":true}", "number", "integer"},
        {"{\"number\":null}", "number", "integer"},
        {"{\"number\":9223372036854775808}", "number", "integer"},
        {"{\"ratio\":\"1\"}", "ratio", "number"},
        {"{\"ratio\":1e999}", "ratio", "number"},
        {"{\"text\":1}", "text", "string"},
        {"{\"word\":1}", "word", "string"},
        {"{\"list\":\"a\"}", "list", "array"},
        {"{\"list\":[\"a\",null]}", "list[1]", "string"},
        {"{\"bytes\":[]}", "bytes", "string"},
        {"{\"item\":[]}", "item", "object"},
        {"{\"items\":{}}", "items", "array"},
        {"{\"items\":[{\"id\":1},3]}", "items[1]", "object"},
        {"{\"items\":[{\"id\":1,\"online\":0}]}", "items[0].online", "boolean"},
        {"{\"items\":[{\"id\":1,\"inner\":[\"a\",1]}]}", "items[0].inner[1]", "string"},
        {"{\"names\":[\"a\",1]}", "names[1]", "string"},
        {"{\"either\":1}", "either", "Either"},
        {"{\"whence\":true}", "whence", "integer"},
        {"{\"whence\":1.5}", "whence", "integer"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *expected = g_strdup_printf("Invalid parameter type for '%s', expected: %s",
                                                    rows[i].place, rows[i].expected);

        assert_fails(all_fields, rows[i].text, expected);
    }
}

static void
test_values(void **state)
{
    assert_fails(all_fields, "{\"number\":-6}", "Parameter 'number' expects a value from -5 to 10");
    assert_fails(all_fields, "{\"number\":11}", "Parameter 'number' expects a value from -5 to 10");
    assert_fails(all_fields, "{\"big\":18446744073709551616}", "Parameter 'big' expects uint64");
    assert_fails(all_fields, "{\"big\":\"1\"}", "Parameter 'big' expects uint64");
    assert_fails(all_fields, "{\"text\":\"123456\"}", "Parameter 'text' has more than 5 bytes");
    assert_fails(all_fields, "{\"list\":[\"\",\"\",\"\",\"\"]}",
                 "Parameter 'list' has more than 3 elements");
    assert_fails(all_fields, "{\"bytes\":\"AAAAAAAAAAAA\"}",
                 "Parameter 'bytes' has more than 6 bytes");
    assert_fails(all_fields, "{\"bytes\":\"a*==\"}", "Base64 data contains invalid characters");
    assert_fails(all_fields, "{\"word\":\"few\"}", "Parameter 'word' does not accept value 'few'");
    assert_fails(all_fields, "{\"either\":\"few\"}",
                 "Parameter 'either' does not accept value 'few'");
    assert_fails(all_fields, "{\"whence\":\"few\"}",
                 "Parameter 'whence' does not accept value 'few'");
}

static void
test_secret_is_overwritten(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    static const TnField fields[] = {
        {"bytes", TN_BYTES(All, bytes, .flags = TN_FIELD_SECRET)},
        {0},
    };
    All all = {0};
    uint8_t *data = NULL;

    assert_true(decode(fields, frame, "{\"bytes\":\"cGFzcw==\"}", &all, NULL));
    data = all.bytes.data;
    assert_memory_equal(data, "pass", 4);
    tn_fields_clear(fields, &all);
    assert_memory_equal(data, "\0\0\0\0", 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_no_object),
        cmocka_unit_test(test_missing_and_unexpected),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_secret_is_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
