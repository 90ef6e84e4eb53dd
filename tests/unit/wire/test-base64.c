/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/wire/base64.h"

#include "agent/wire/base64-kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    MAX_BYTES = 1000
};

/* The kernels of this machine with NULL for plain C in front. */
static guint
list_kernels(const TnBase64Kernel *kernels[1 + TN_BASE64_KERNELS_MAX])
{
    guint n = 1;

    kernels[0] = NULL;
    tn_base64_kernel_list(kernels + 1);
    while (kernels[n] != NULL)
        n++;
    return n;
}

#define FOR_EACH_KERNEL(kernel)                                        \
    const TnBase64Kernel *kernels[1 + TN_BASE64_KERNELS_MAX] = {NULL}; \
    const guint n_kernels = list_kernels(kernels);                     \
    for (guint k = 0; k < n_kernels; k++)

static uint8_t *
make_random(gsize size)
{
    uint8_t *data = g_malloc(size + 1);

    for (gsize i = 0; i < size; i++)
        data[i] = (uint8_t)g_random_int();
    return data;
}

/* Buffers of exact size, so that a sanitizer or valgrind sees one byte too many. */
static void
test_like_glib_at_every_length(void **state)
{
    FOR_EACH_KERNEL(kernel)
    {
        for (gsize size = 0; size <= MAX_BYTES; size++) {
            g_autofree uint8_t *data = make_random(size);
            g_autofree uint8_t *exact = g_memdup2(data, MAX(size, 1));
            g_autofree char *expected = g_base64_encode(data, size);
            gsize length = tn_base64_encoded_size(size);
            g_autofree char *text = g_malloc(length + 1);
            g_autofree uint8_t *back = g_malloc(length + 1);
            gsize back_size = 1;

            text[length] = '!';
            assert_int_equal(tn_base64_encode_with(kernels[k], exact, size, text), length);
            assert_int_equal(text[length], '!');
            assert_memory_equal(text, expected, length);

            assert_true(tn_base64_decode_with(kernels[k], text, length, back, &back_size));
            assert_int_equal(back_size, size);
            assert_memory_equal(back, data, size);
            /* in place */
            assert_true(
                tn_base64_decode_with(kernels[k], text, length, (uint8_t *)text, &back_size));
            assert_int_equal(back_size, size);
            assert_memory_equal(text, data, size);
        }
    }
}

/* OUT has just the room that the contract asks for. */
static void
test_decode_stays_within_its_room(void **state)
{
    FOR_EACH_KERNEL(kernel)
    {
        for (gsize size = 0; size <= 300; size++) {
            g_autofree uint8_t *data = make_random(size);
            g_autofree char *text = g_base64_encode(data, size);
            gsize length = strlen(text);
            gsize room = length / 4 * 3;
            g_autofree uint8_t *out = g_malloc(room + 8);
            gsize out_size = 0;

            memset(out + room, 0xa5, 8);
            assert_true(tn_base64_decode_with(kernels[k], text, length, out, &out_size));
            assert_memory_equal(out, data, size);
            for (gsize i = 0; i < 8; i++)
                assert_int_equal(out[room + i], 0xa5);
        }
    }
}

static gboolean
is_of_alphabet(int c)
{
    return g_ascii_isalnum(c) || c == '+' || c == '/';
}

static void
test_every_bad_character_at_every_position(void **state)
{
    g_autofree uint8_t *data = make_random(150);
    g_autofree char *good = g_base64_encode(data, 150);
    gsize length = strlen(good);

    FOR_EACH_KERNEL(kernel)
    {
        g_autofree uint8_t *out = g_malloc(length);

        for (gsize at = 0; at < length; at++) {
            for (int c = 0; c < 256; c++) {
                g_autofree char *text = g_strdup(good);
                gsize size = 0;

                if (is_of_alphabet(c) || c == '\n')
                    continue;
                if (c == '=' && at == length - 1)
                    continue;
                text[at] = (char)c;
                assert_false(tn_base64_decode_with(kernels[k], text, length, out, &size));
            }
        }
    }
}

static void
test_every_character_has_its_value(void **state)
{
    FOR_EACH_KERNEL(kernel)
    {
        for (int c = 0; c < 256; c++) {
            char text[256];
            uint8_t out[256];
            uint8_t expected[256];
            gsize expected_size = 0;
            gsize size = 0;

            if (!is_of_alphabet(c))
                continue;
            memset(text, c, sizeof text);
            {
                g_autofree char *copy = g_strndup(text, sizeof text);
                g_autofree uint8_t *bytes = g_base64_decode(copy, &expected_size);

                memcpy(expected, bytes, expected_size);
            }
            assert_true(tn_base64_decode_with(kernels[k], text, sizeof text, out, &size));
            assert_int_equal(size, expected_size);
            assert_memory_equal(out, expected, size);
        }
    }
}

static void
test_newlines(void **state)
{
    static const char *const newlines[] = {"\n", "\r\n"};

    FOR_EACH_KERNEL(kernel)
    {
        for (gsize n = 0; n < G_N_ELEMENTS(newlines); n++) {
            for (gsize columns = 1; columns <= 100; columns++) {
                g_autofree uint8_t *data = make_random(400 + columns % 3);
                g_autofree char *flat = g_base64_encode(data, 400 + columns % 3);
                g_autoptr(GString) text = g_string_new(newlines[n]);
                gsize size = 0;

                for (gsize at = 0; at < strlen(flat); at += columns) {
                    g_string_append_len(text, flat + at, (gssize)MIN(columns, strlen(flat) - at));
                    g_string_append(text, newlines[n]);
                }
                /* in place, as requests are decoded */
                assert_true(tn_base64_decode_with(kernels[k], text->str, text->len,
                                                  (uint8_t *)text->str, &size));
                assert_int_equal(size, 400 + columns % 3);
                assert_memory_equal(text->str, data, size);
            }
        }
    }
}

static void
test_endings(void **state)
{
    static const struct {
        const char *text;
        gssize size; /* -1: an error */
        const char *bytes;
    } cases[] = {
        {"", 0, ""},           {"QQ==", 1, "A"},       {"QQ", 1, "A"},
        {"QUI=", 2, "AB"},     {"QUI", 2, "AB"},       {"QUJD", 3, "ABC"},
        {"QUJDQQ", 4, "ABCA"}, {"\n", 0, ""},          {"QQ==\n", 1, "A"},
        {"QQ=\n=", 1, "A"},    {"Q\nQ\n=\n=", 1, "A"}, {"QQ\r\n==\r\n", 1, "A"},
        {"Q", -1, ""},         {"QUJDQ", -1, ""},      {"QQ=", -1, ""},
        {"QQ===", -1, ""},     {"QUI==", -1, ""},      {"QUJD=", -1, ""},
        {"QUJD==", -1, ""},    {"=", -1, ""},          {"====", -1, ""},
        {"Q===", -1, ""},      {"QR==", -1, ""},       {"QR", -1, ""},
        {"QUJ=", -1, ""},      {"QUJ", -1, ""},        {"QQ==QQ==", -1, ""},
        {"QQ=Q", -1, ""},      {"QQ==\r", -1, ""},     {"Q Q==", -1, ""},
        {"QQ==x", -1, ""},     {"\r", -1, ""},         {"QUJD\rQUJD", -1, ""},
        {"QUJ-", -1, ""},      {"QUJ_", -1, ""},       {"Q=Q=", -1, ""},
    };

    FOR_EACH_KERNEL(kernel)
    {
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
            /* alone, and behind enough for the widest kernel */
            for (gsize prefix = 0; prefix <= 400; prefix += 100) {
                g_autoptr(GString) text = g_string_new(NULL);
                g_autofree uint8_t *out = NULL;
                gsize size = 0;
                gboolean is_good = FALSE;

                for (gsize j = 0; j < prefix; j += 4)
                    g_string_append(text, "AAAA");
                g_string_append(text, cases[i].text);
                out = g_malloc(text->len + 1);
                is_good = tn_base64_decode_with(kernels[k], text->str, text->len, out, &size);
                assert_int_equal(is_good, cases[i].size >= 0);
                if (is_good) {
                    assert_int_equal(size, prefix / 4 * 3 + (gsize)cases[i].size);
                    assert_memory_equal(out + prefix / 4 * 3, cases[i].bytes, (gsize)cases[i].size);
                }
            }
        }
    }
}

static void
test_dispatch(void **state)
{
    g_autofree uint8_t *data = make_random(100000);
    g_autofree char *expected = g_base64_encode(data, 100000);
    g_autofree char *text = g_malloc(tn_base64_encoded_size(100000));
    gsize length = tn_base64_encode(data, 100000, text);
    gsize size = 0;

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
    assert_true(tn_base64_decode(text, length, (uint8_t *)text, &size));
    assert_int_equal(size, 100000);
    assert_memory_equal(text, data, size);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_glib_at_every_length),
        cmocka_unit_test(test_decode_stays_within_its_room),
        cmocka_unit_test(test_every_bad_character_at_every_position),
        cmocka_unit_test(test_every_character_has_its_value),
        cmocka_unit_test(test_newlines),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_dispatch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
