/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Base64 around the kernels: what is too short for them, newlines, padding and the end. Everything
 * here is exact: no character is skipped but newlines, no bit is dropped.
 */

#include "agent/wire/base64.h"

#include "agent/wire/base64-kernel.h"

#include <endian.h>
#include <string.h>

/* A byte in each of the eight places of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
/* Sets the top bit of each byte of WORD, all of which are below 128, that is N or more. */
#define AT_LEAST(word, n) ((word) + EACH(128 - (n)))
/* 1 in each byte of WORD whose top bit is set. */
#define ONES(word) ((word) >> 7 & EACH(1))

enum {
    VALID = 0x40, /* set beside the value of each character of the alphabet */
    VALUE = 0x3f
};

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define ENTRY(character, value) [character] = VALID | (value)

static const uint8_t values[256] = {
    ENTRY('A', 0),  ENTRY('B', 1),  ENTRY('C', 2),  ENTRY('D', 3),  ENTRY('E', 4),  ENTRY('F', 5),
    ENTRY('G', 6),  ENTRY('H', 7),  ENTRY('I', 8),  ENTRY('J', 9),  ENTRY('K', 10), ENTRY('L', 11),
    ENTRY('M', 12), ENTRY('N', 13), ENTRY('O', 14), ENTRY('P', 15), ENTRY('Q', 16), ENTRY('R', 17),
    ENTRY('S', 18), ENTRY('T', 19), ENTRY('U', 20), ENTRY('V', 21), ENTRY('W', 22), ENTRY('X', 23),
    ENTRY('Y', 24), ENTRY('Z', 25), ENTRY('a', 26), ENTRY('b', 27), ENTRY('c', 28), ENTRY('d', 29),
    ENTRY('e', 30), ENTRY('f', 31), ENTRY('g', 32), ENTRY('h', 33), ENTRY('i', 34), ENTRY('j', 35),
    ENTRY('k', 36), ENTRY('l', 37), ENTRY('m', 38), ENTRY('n', 39), ENTRY('o', 40), ENTRY('p', 41),
    ENTRY('q', 42), ENTRY('r', 43), ENTRY('s', 44), ENTRY('t', 45), ENTRY('u', 46), ENTRY('v', 47),
    ENTRY('w', 48), ENTRY('x', 49), ENTRY('y', 50), ENTRY('z', 51), ENTRY('0', 52), ENTRY('1', 53),
    ENTRY('2', 54), ENTRY('3', 55), ENTRY('4', 56), ENTRY('5', 57), ENTRY('6', 58), ENTRY('7', 59),
    ENTRY('8', 60), ENTRY('9', 61), ENTRY('+', 62), ENTRY('/', 63),
};

/* Most of DATA, two groups at a time in one word: a table would need a load for each character,
 * which emulated processors, the ones that have no kernel, are slowest at. Aligned so that all of
 * the loop is on one page: QEMU's TCG looks for its code anew at each turn of one that is not, and
 * takes three times as long. */
__attribute__((noinline, aligned(1024))) static gsize
encode_most(const uint8_t *data, gsize size, char *out)
{
    gsize at = 0;

    for (; size - at >= sizeof(uint64_t); at += 6, out += 8) {
        uint64_t word;

        memcpy(&word, data + at, sizeof word);
        word = be64toh(word) >> 16;
        /* 48 bits become two times 24, four times 12, eight times 6. */
        word = (word & 0xffffff) | (word << 8 & UINT64_C(0x00ffffff00000000));
        word = (word & UINT64_C(0x00000fff00000fff)) | (word << 4 & UINT64_C(0x0fff00000fff0000));
        word = (word & UINT64_C(0x003f003f003f003f)) | (word << 2 & UINT64_C(0x3f003f003f003f00));
        /* 'A' + 26 is 6 before 'a', 'a' - 26 + 52 is 75 behind '0', and so on. */
        word = word + EACH('A') + ONES(AT_LEAST(word, 26)) * 6 - ONES(AT_LEAST(word, 52)) * 75 -
               ONES(AT_LEAST(word, 62)) * 15 + ONES(AT_LEAST(word, 63)) * 3;
        word = htobe64(word);
        memcpy(out, &word, sizeof word);
    }
    return at;
}

static gsize
encode_groups(const uint8_t *data, gsize size, char *out)
{
    gsize at = encode_most(data, size, out);

    out += at / 3 * 4;
    for (; size - at >= 3; at += 3) {
        uint32_t bits = (uint32_t)data[at] << 16 | (uint32_t)data[at + 1] << 8 | data[at + 2];

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & VALUE];
        *out++ = alphabet[bits >> 6 & VALUE];
        *out++ = alphabet[bits & VALUE];
    }
    return at;
}

/* Most of TEXT, as encode_most(). A byte of 128 or more spoils the bounds of its neighbour, and
 * ends the run by itself. */
__attribute__((noinline, aligned(1024))) static gsize
decode_most(const uint8_t *characters, gsize size, uint8_t *out)
{
    gsize at = 0;

    for (; size - at >= sizeof(uint64_t); at += 8, out += 6) {
        uint64_t word;
        uint64_t slash;
        uint64_t digit;
        uint64_t upper;
        uint64_t lower;
        uint64_t valid;

        memcpy(&word, characters + at, sizeof word);
        slash = AT_LEAST(word, '/');
        digit = AT_LEAST(word, '0');
        upper = AT_LEAST(word, 'A');
        lower = AT_LEAST(word, 'a');
        /* A character of the alphabet is behind an odd number of these bounds. */
        valid = AT_LEAST(word, '+') ^ AT_LEAST(word, '+' + 1) ^ slash ^ AT_LEAST(word, '9' + 1) ^
                upper ^ AT_LEAST(word, 'Z' + 1) ^ lower ^ AT_LEAST(word, 'z' + 1);
        if ((valid & ~word & EACH(128)) != EACH(128))
            break;
        /* '+' is 62, '/' would be 66, '0' 67, and so on. */
        word = word + EACH(62 - '+') - ONES(slash) * 3 - ONES(digit) * 12 - ONES(upper) * 69 -
               ONES(lower) * 6;
        word = be64toh(word);
        word = (word & UINT64_C(0x003f003f003f003f)) | (word >> 2 & UINT64_C(0x0fc00fc00fc00fc0));
        word = (word & UINT64_C(0x00000fff00000fff)) | (word >> 4 & UINT64_C(0x00fff00000fff000));
        word = (word & 0xffffff) | (word >> 8 & UINT64_C(0xffffff000000));
        word = htobe64(word << 16);
        memcpy(out, &word, 6);
    }
    return at;
}

static gsize
decode_groups(const char *text, gsize size, uint8_t *out)
{
    const uint8_t *characters = (const uint8_t *)text;
    gsize at = decode_most(characters, size, out);

    out += at / 4 * 3;
    for (; size - at >= 4; at += 4) {
        uint32_t a = values[characters[at]];
        uint32_t b = values[characters[at + 1]];
        uint32_t c = values[characters[at + 2]];
        uint32_t d = values[characters[at + 3]];
        uint32_t bits = (a & VALUE) << 18 | (b & VALUE) << 12 | (c & VALUE) << 6 | (d & VALUE);

        if ((a & b & c & d & VALID) == 0)
            break;
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    return at;
}

gsize
tn_base64_encode_with(const TnBase64Kernel *kernel, const uint8_t *data, gsize size, char *out)
{
    /* Nothing may be NULL, to which not even 0 can be added. */
    if (size == 0)
        return 0;

    gsize at = kernel != NULL ? kernel->encode(data, size, out) : 0;
    char *end = out + at / 3 * 4;
    gsize n = encode_groups(data + at, size - at, end);

    at += n;
    end += n / 3 * 4;
    if (at < size) {
        uint32_t bits = (uint32_t)data[at] << 16;

        if (size - at == 2)
            bits |= (uint32_t)data[at + 1] << 8;
        *end++ = alphabet[bits >> 18];
        *end++ = alphabet[bits >> 12 & VALUE];
        if (size - at == 2)
            *end++ = alphabet[bits >> 6 & VALUE];
        else
            *end++ = '=';
        *end++ = '=';
    }
    return (gsize)(end - out);
}

/* The characters of a group that is not yet, or never will be, four. */
typedef struct {
    uint32_t bits;
    guint n;         /* characters of the alphabet */
    guint n_padding; /* and '=' behind them */
} Group;

static gboolean
add_character(Group *group, uint8_t character)
{
    if (character == '=') {
        group->n_padding++;
        return group->n >= 2 && group->n + group->n_padding <= 4;
    }
    if ((values[character] & VALID) == 0 || group->n_padding > 0)
        return FALSE;
    group->bits = group->bits << 6 | (values[character] & VALUE);
    group->n++;
    return TRUE;
}

/* The last group is complete with its padding or has none at all, and its spare bits are zero. */
static gboolean
end_group(const Group *group, uint8_t **out)
{
    if (group->n == 0)
        return TRUE;
    if (group->n_padding != 0 && group->n + group->n_padding != 4)
        return FALSE;
    if (group->n == 2 && (group->bits & 0xf) == 0) {
        *(*out)++ = (uint8_t)(group->bits >> 4);
        return TRUE;
    }
    if (group->n == 3 && (group->bits & 0x3) == 0) {
        *(*out)++ = (uint8_t)(group->bits >> 10);
        *(*out)++ = (uint8_t)(group->bits >> 2);
        return TRUE;
    }
    return FALSE;
}

static gsize
measure_newline(const char *text, gsize size)
{
    if (text[0] == '\n')
        return 1;
    return size >= 2 && text[0] == '\r' && text[1] == '\n' ? 2 : 0;
}

gboolean
tn_base64_decode_with(const TnBase64Kernel *kernel, const char *text, gsize size, uint8_t *out,
                      gsize *ret_size)
{
    Group group = {0};
    uint8_t *end = out;
    gsize at = 0;

    while (at < size) {
        gsize n = 0;

        if (group.n == 0) {
            n = kernel != NULL ? kernel->decode(text + at, size - at, end) : 0;
            end += n / 4 * 3;
            at += n;
            n = decode_groups(text + at, size - at, end);
            end += n / 4 * 3;
            at += n;
            if (at == size)
                break;
        }
        n = measure_newline(text + at, size - at);
        if (n == 0) {
            if (!add_character(&group, (uint8_t)text[at]))
                return FALSE;
            n = 1;
        }
        at += n;
        if (group.n == 4) {
            *end++ = (uint8_t)(group.bits >> 16);
            *end++ = (uint8_t)(group.bits >> 8);
            *end++ = (uint8_t)group.bits;
            group = (Group){0};
        }
    }
    if (!end_group(&group, &end))
        return FALSE;
    *ret_size = (gsize)(end - out);
    return TRUE;
}

gsize
tn_base64_encode(const uint8_t *data, gsize size, char *out)
{
    const TnBase64Kernel *kernels[TN_BASE64_KERNELS_MAX] = {NULL};

    tn_base64_kernel_list(kernels);
    return tn_base64_encode_with(kernels[0], data, size, out);
}

gboolean
tn_base64_decode(const char *text, gsize size, uint8_t *out, gsize *ret_size)
{
    const TnBase64Kernel *kernels[TN_BASE64_KERNELS_MAX] = {NULL};

    tn_base64_kernel_list(kernels);
    return tn_base64_decode_with(kernels[0], text, size, out, ret_size);
}
