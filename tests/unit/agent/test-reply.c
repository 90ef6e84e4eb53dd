/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Gives SIZE bytes, PIECE at a time, then the end, or an error if FAILS. */
typedef struct {
    TnBulk bulk;
    const guint8 *data;
    gsize size;
    gsize piece;
    gsize largest;
    gboolean fails;
} Source;

static gssize
pull_source(TnBulk *bulk, gsize max, const uint8_t **ret_data, GError **error)
{
    Source *source = (Source *)(void *)bulk;
    gsize n = MIN(MIN(max, source->piece), source->size);

    source->largest = MAX(source->largest, max);
    if (n == 0 && source->fails) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "gone");
        return -1;
    }
    *ret_data = source->data;
    source->data += n;
    source->size -= n;
    return (gssize)n;
}

typedef struct {
    TnBulk *first;
    TnBulk *second;
    int64_t count;
} Result;

static const TnField fields[] = {
    {"first", TN_BULK(Result, first)},
    {"second", TN_BULK(Result, second)},
    {"count", TN_INT(Result, count)},
    {0},
};
static const TnField value = {NULL, .type = TN_TYPE_OBJECT, .fields = fields};

static char *
run_reply(Result *result, gsize max, const char *id)
{
    TnReply reply = {0};
    g_autoptr(GString) line = g_string_new(NULL);

    assert_false(tn_reply_begin(&reply, line, FALSE, &value, result, id));
    while (!tn_reply_fill(&reply, line, max))
        ;
    tn_reply_clear(&reply);
    return g_string_free(g_steal_pointer(&line), FALSE);
}

/* Every size around the groups of three, in pieces that do not fit them. */
static void
test_pieces(void **state)
{
    static const gsize pieces[] = {1, 2, 3, 4, 5, 7, 1000};
    guint8 data[64];

    for (gsize i = 0; i < sizeof data; i++)
        data[i] = (guint8)(i * 37);
    for (gsize size = 0; size <= sizeof data; size++) {
        for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
            Source first = {{pull_source, NULL}, data, size, pieces[i], 0, FALSE};
            Source second = {{pull_source, NULL}, data, sizeof data - size, pieces[i], 0, TRUE};
            Result result = {&first.bulk, &second.bulk, 5};
            g_autofree char *b64 = g_base64_encode(data, size);
            g_autofree char *rest = g_base64_encode(data, sizeof data - size);
            g_autofree char *expected = g_strdup_printf(
                "{\"return\": {\"first\": \"%s\", \"second\": \"%s\", \"count\": 5}, \"id\": 9}\n",
                b64, rest);
            g_autofree char *actual = run_reply(&result, 1 + size, "9");

            assert_string_equal(actual, expected);
        }
    }
}

/* What is in memory at a time follows MAX, not the size of the data. */
static void
test_memory(void **state)
{
    enum {
        SIZE = 3 << 20,
        MAX_BYTES = 65536
    };
    g_autofree guint8 *data = g_malloc0(SIZE);
    Source source = {{pull_source, NULL}, data, SIZE, SIZE, 0, FALSE};
    Result result = {&source.bulk, NULL, 0};
    TnReply reply = {0};
    g_autoptr(GString) line = g_string_new(NULL);
    gboolean is_complete = FALSE;
    gsize total = 0;

    assert_false(tn_reply_begin(&reply, line, FALSE, &value, &result, NULL));
    total = line->len;
    while (!is_complete) {
        g_string_truncate(line, 0);
        is_complete = tn_reply_fill(&reply, line, MAX_BYTES);
        assert_true(line->len <= MAX_BYTES + 4096 * 2);
        total += line->len;
    }
    tn_reply_clear(&reply);
    assert_true(source.largest <= TN_BULK_PIECE_BYTES);
    assert_int_equal(total,
                     strlen("{\"return\": {\"first\": \"\", \"count\": 0}}\n") + SIZE / 3 * 4);
}

static void
test_small(void **state)
{
    TnReply reply = {0};
    g_autoptr(GString) line = g_string_new(NULL);
    Result result = {NULL, NULL, 1};

    assert_true(tn_reply_begin(&reply, line, TRUE, &value, &result, "1"));
    assert_string_equal(line->str, "\xff{\"return\": {\"count\": 1}, \"id\": 1}\n");
    g_string_truncate(line, 0);
    assert_true(tn_reply_begin(&reply, line, FALSE, NULL, NULL, NULL));
    assert_string_equal(line->str, "{\"return\": {}}\n");
    tn_reply_clear(&reply);
}

static void
test_kept_text(void **state)
{
    TnReply reply = {0};
    g_autoptr(GString) line = g_string_new(NULL);

    reply.text = g_string_new("{\"return\": {}}\n");
    while (!tn_reply_fill(&reply, line, 4))
        ;
    assert_string_equal(line->str, "{\"return\": {}}\n");
    tn_reply_clear(&reply);
    assert_true(tn_reply_fill(&reply, line, 4)); /* silent */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_kept_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
