/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any object through a table with every type: what is decoded and written again decodes and writes
 * the same once more; what is refused leaves a struct that clears; json-glib reads what was
 * written.
 */

#include "agent/field.h"
#include "agent/wire/frame.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <json-glib/json-glib.h>
#include <string.h>

typedef struct {
    char *name;
} Name;

typedef struct {
    int64_t id;
    bool online;
    bool has_online;
    GPtrArray *inner;
} Item;

typedef struct {
    bool flag;
    int64_t number;
    bool has_number;
    uint64_t big;
    double ratio;
    char *text;
    int word;
    char **list;
    Item item;
    bool has_item;
    GPtrArray *items;
    GPtrArray *names;
    TnBoolOrEnum either;
    int64_t whence;
} All;

typedef struct {
    TnBytes bytes;
    TnBytes secret;
} Bytes;

static const char *const words[] = {"none", "some", NULL};

static const TnField name_fields[] = {{NULL, TN_STRING(Name, name)}, {0}};

static const TnField item_fields[] = {
    {"id", TN_INT(Item, id, .flags = TN_FIELD_REQUIRED)},
    {"online", TN_BOOL(Item, online, TN_PRESENT(Item, has_online))},
    {"inner", TN_LIST(Item, inner, Name, .fields = name_fields, .max = 5)},
    {0},
};

static const TnField all_fields[] = {
    {"b", TN_BOOL(All, flag)},
    {"i", TN_INT(All, number, .min = -1000, .max = 1000, TN_PRESENT(All, has_number))},
    {"u", TN_UINT(All, big)},
    {"n", TN_NUMBER(All, ratio)},
    {"s", TN_STRING(All, text, .max = 50)},
    {"w", TN_ENUM(All, word, .words = words)},
    {"v", TN_STRV(All, list)},
    {"o", TN_OBJECT(All, item, Item, .fields = item_fields, TN_PRESENT(All, has_item))},
    {"l", TN_LIST(All, items, Item, .fields = item_fields)},
    {"m", TN_LIST(All, names, Name, .fields = name_fields)},
    {"e", TN_BOOL_OR_ENUM(All, either, .words = words, .type_name = "Either")},
    {"h", TN_INT_OR_ENUM(All, whence, .words = words)},
    {0},
};

static const TnField all_value = {NULL, .type = TN_TYPE_OBJECT, .fields = all_fields};

static const TnField bytes_fields[] = {
    {"x", TN_BYTES(Bytes, bytes, .max = 100)},
    {"y", TN_BYTES(Bytes, secret, .flags = TN_FIELD_SECRET)},
    {0},
};

static gboolean
read_object(TnFrame *frame, const char *bytes, gsize size, TnMessage *ret_message)
{
    const char *why = NULL;

    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size);

        memcpy(place, bytes, n);
        tn_frame_commit(frame, n);
        bytes += n;
        size -= n;
    }
    return tn_frame_next(frame, ret_message, &why) == TN_FRAME_MESSAGE &&
           ret_message->tokens[0].type == TN_TOKEN_ARRAY &&
           ret_message->tokens[0].n_children == 1 && ret_message->tokens[1].type == TN_TOKEN_OBJECT;
}

static gboolean
has_nul(const TnMessage *message)
{
    for (guint i = 0; i < message->n_tokens; i++) {
        if ((message->tokens[i].flags & TN_TOKEN_HAS_NUL) != 0)
            return TRUE;
    }
    return FALSE;
}

/* TEXT, a list of one object, decoded and written again; NULL when it is refused. */
static char *
pass_once(const char *text, gsize size)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new("[");
    TnMessage message = {0};
    All all = {0};
    gboolean is_good = FALSE;

    if (!read_object(frame, text, size, &message) || has_nul(&message))
        return NULL;
    is_good = tn_fields_decode(all_fields, &message, 1, &all, &error);
    g_assert_true(is_good == (error == NULL));
    if (is_good) {
        g_autoptr(TnEncoder) encoder = tn_encoder_new(&all_value, &all);
        TnBulk *bulk = NULL;

        g_assert_true(tn_encoder_step(encoder, out, &bulk));
    }
    tn_fields_clear(all_fields, &all);
    g_assert_null(all.text);
    g_assert_null(all.items);
    tn_fields_clear(all_fields, &all);
    g_string_append_c(out, ']');
    return is_good ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

static void
try_bytes(const char *text, gsize size)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GError) error = NULL;
    TnMessage message = {0};
    Bytes bytes = {0};

    if (!read_object(frame, text, size, &message) || has_nul(&message))
        return;
    if (tn_fields_decode(bytes_fields, &message, 1, &bytes, &error))
        g_assert_cmpuint(bytes.bytes.size, <=, 100);
    tn_fields_clear(bytes_fields, &bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *first = pass_once((const char *)data, size);
    g_autofree char *second = NULL;
    g_autoptr(JsonNode) node = NULL;

    try_bytes((const char *)data, size);
    if (first == NULL)
        return 0;
    second = pass_once(first, strlen(first));
    g_assert_cmpstr(first, ==, second);
    node = json_from_string(first, NULL);
    g_assert_nonnull(node);
    return 0;
}
