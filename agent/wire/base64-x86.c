/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Base64 with byte shuffles: AVX2, and SSSE3 for processors (and common virtual ones) without it.
 *
 * Encoding: three bytes a, b, c are shuffled into a group of four as b a c b; then one
 * multiplication moves the first and third six bits to their bytes, another the second and fourth.
 * A letter is its value plus an offset that depends on the range of the value.
 *
 * Decoding: a character is of the alphabet when the set of faults that its low half may have and
 * the set of those that its high half minds are disjoint. Its value is itself plus an offset that
 * depends on the high half alone, once '/' has been told from '+'. Two multiply-and-add bring four
 * times six bits together.
 */

#include "agent/wire/base64-kernel.h"

#include <immintrin.h>

#define SSSE3 __attribute__((target("ssse3")))
#define AVX2  __attribute__((target("avx2")))

/* Tables of 16 bytes, indexed by a half of a byte; the comments are those of the ranges. */

/* What is added to a value: 0: a-z; 1 to 10: digits; 11: +; 12: /; 13: A-Z */
#define LETTER_OFFSETS 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0
/* What is added to a character, by its high half; '/' is looked up one lower than '+' */
#define VALUE_OFFSETS 0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0
/* Faults that matter, by high half. 1: neither + nor /; 2: above 9; 4: zero; 8: above 10; 16: any
 */
#define HIGH_FAULTS 16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16
/* Faults that a low half is */
#define LOW_FAULTS 21, 17, 17, 17, 17, 17, 17, 17, 17, 17, 19, 26, 27, 27, 27, 26
/* Bytes b a c b of each group of three, and of each group of four the bytes that are left */
#define SPREAD 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10
#define GATHER 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1

enum {
    SSE_BYTES = 12, /* that become 16 characters */
    SSE_CHARACTERS = 16,
    AVX_BYTES = 24, /* that become 32 characters */
    AVX_CHARACTERS = 32,
    /* Characters that must stand behind a block, so that a store of whole registers stays within
     * the output: a third of the register's unused part, and a reserve. */
    SPARE_CHARACTERS = 16
};

SSSE3 static inline __m128i
encode_block_ssse3(__m128i bytes)
{
    const __m128i offsets = _mm_setr_epi8(LETTER_OFFSETS);
    __m128i spread = _mm_shuffle_epi8(bytes, _mm_setr_epi8(SPREAD));
    __m128i odd = _mm_mulhi_epu16(_mm_and_si128(spread, _mm_set1_epi32(0x0fc0fc00)),
                                  _mm_set1_epi32(0x04000040));
    __m128i even = _mm_mullo_epi16(_mm_and_si128(spread, _mm_set1_epi32(0x003f03f0)),
                                   _mm_set1_epi32(0x01000010));
    __m128i value = _mm_or_si128(odd, even);
    __m128i range = _mm_subs_epu8(value, _mm_set1_epi8(51));
    __m128i is_upper = _mm_cmpgt_epi8(_mm_set1_epi8(26), value);

    range = _mm_or_si128(range, _mm_and_si128(is_upper, _mm_set1_epi8(13)));
    return _mm_add_epi8(value, _mm_shuffle_epi8(offsets, range));
}

SSSE3 static gsize
encode_ssse3(const uint8_t *data, gsize size, char *out)
{
    gsize at = 0;

    /* a whole register is loaded for each block */
    for (; size - at >= 16; at += SSE_BYTES) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + at));

        _mm_storeu_si128((__m128i *)(void *)out, encode_block_ssse3(bytes));
        out += SSE_CHARACTERS;
    }
    return at;
}

/* The bytes of a block in front, zeros behind; *FAULTS becomes non-zero somewhere when a character
 * is not of the alphabet. */
SSSE3 static inline __m128i
decode_block_ssse3(__m128i text, __m128i *faults)
{
    const __m128i half = _mm_set1_epi8(0x0f);
    __m128i high = _mm_and_si128(_mm_srli_epi32(text, 4), half);
    __m128i is_slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('/'));
    __m128i offset = _mm_shuffle_epi8(_mm_setr_epi8(VALUE_OFFSETS), _mm_add_epi8(high, is_slash));
    __m128i value = _mm_add_epi8(text, offset);
    __m128i pairs = _mm_maddubs_epi16(value, _mm_set1_epi16(0x0140));
    __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));

    *faults = _mm_and_si128(_mm_shuffle_epi8(_mm_setr_epi8(LOW_FAULTS), _mm_and_si128(text, half)),
                            _mm_shuffle_epi8(_mm_setr_epi8(HIGH_FAULTS), high));
    return _mm_shuffle_epi8(groups, _mm_setr_epi8(GATHER));
}

SSSE3 static gsize
decode_ssse3(const char *text, gsize size, uint8_t *out)
{
    const __m128i zero = _mm_setzero_si128();
    gsize at = 0;

    for (; size - at >= SSE_CHARACTERS + SPARE_CHARACTERS; at += SSE_CHARACTERS) {
        __m128i faults = zero;
        __m128i bytes = decode_block_ssse3(
            _mm_loadu_si128((const __m128i *)(const void *)(text + at)), &faults);

        if (_mm_movemask_epi8(_mm_cmpeq_epi8(faults, zero)) != 0xffff)
            break;
        _mm_storeu_si128((__m128i *)(void *)out, bytes);
        out += SSE_BYTES;
    }
    return at;
}

AVX2 static inline __m256i
double_table(__m128i table)
{
    return _mm256_broadcastsi128_si256(table);
}

AVX2 static inline __m256i
encode_block_avx2(const uint8_t *data)
{
    const __m256i offsets = double_table(_mm_setr_epi8(LETTER_OFFSETS));
    __m256i bytes = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)data)),
        _mm_loadu_si128((const __m128i *)(const void *)(data + SSE_BYTES)), 1);
    __m256i spread = _mm256_shuffle_epi8(bytes, double_table(_mm_setr_epi8(SPREAD)));
    __m256i odd = _mm256_mulhi_epu16(_mm256_and_si256(spread, _mm256_set1_epi32(0x0fc0fc00)),
                                     _mm256_set1_epi32(0x04000040));
    __m256i even = _mm256_mullo_epi16(_mm256_and_si256(spread, _mm256_set1_epi32(0x003f03f0)),
                                      _mm256_set1_epi32(0x01000010));
    __m256i value = _mm256_or_si256(odd, even);
    __m256i range = _mm256_subs_epu8(value, _mm256_set1_epi8(51));
    __m256i is_upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), value);

    range = _mm256_or_si256(range, _mm256_and_si256(is_upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(value, _mm256_shuffle_epi8(offsets, range));
}

AVX2 static gsize
encode_avx2(const uint8_t *data, gsize size, char *out)
{
    gsize at = 0;

    /* the second load of a block reaches 4 bytes behind it */
    for (; size - at >= 2 * AVX_BYTES + 4; at += 2 * AVX_BYTES) {
        __m256i first = encode_block_avx2(data + at);
        __m256i second = encode_block_avx2(data + at + AVX_BYTES);

        _mm256_storeu_si256((__m256i *)(void *)out, first);
        _mm256_storeu_si256((__m256i *)(void *)(out + AVX_CHARACTERS), second);
        out += 2 * AVX_CHARACTERS;
    }
    /* The compiler does not always see to it: with the upper halves in use, all SSE code that
     * follows would run at a fraction of its speed. */
    _mm256_zeroupper();
    return at + encode_ssse3(data + at, size - at, out);
}

AVX2 static inline __m256i
decode_block_avx2(__m256i text, __m256i *faults)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), half);
    __m256i is_slash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('/'));
    __m256i offset = _mm256_shuffle_epi8(double_table(_mm_setr_epi8(VALUE_OFFSETS)),
                                         _mm256_add_epi8(high, is_slash));
    __m256i value = _mm256_add_epi8(text, offset);
    __m256i pairs = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0140));
    __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i halves = _mm256_shuffle_epi8(groups, double_table(_mm_setr_epi8(GATHER)));

    *faults = _mm256_and_si256(
        _mm256_shuffle_epi8(double_table(_mm_setr_epi8(LOW_FAULTS)), _mm256_and_si256(text, half)),
        _mm256_shuffle_epi8(double_table(_mm_setr_epi8(HIGH_FAULTS)), high));
    return _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

AVX2 static gsize
decode_avx2(const char *text, gsize size, uint8_t *out)
{
    gsize at = 0;

    for (; size - at >= 2 * AVX_CHARACTERS + SPARE_CHARACTERS; at += 2 * AVX_CHARACTERS) {
        const __m256i *place = (const __m256i *)(const void *)(text + at);
        __m256i first_faults = _mm256_setzero_si256();
        __m256i second_faults = _mm256_setzero_si256();
        __m256i first = decode_block_avx2(_mm256_loadu_si256(place), &first_faults);
        __m256i second = decode_block_avx2(_mm256_loadu_si256(place + 1), &second_faults);
        __m256i faults = _mm256_or_si256(first_faults, second_faults);

        if (!_mm256_testz_si256(faults, faults))
            break;
        _mm256_storeu_si256((__m256i *)(void *)out, first);
        _mm256_storeu_si256((__m256i *)(void *)(out + AVX_BYTES), second);
        out += 2 * AVX_BYTES;
    }
    /* The compiler does not always see to it: with the upper halves in use, all SSE code that
     * follows would run at a fraction of its speed. */
    _mm256_zeroupper();
    return at + decode_ssse3(text + at, size - at, out);
}

void
tn_base64_kernel_list(const TnBase64Kernel *ret_kernels[TN_BASE64_KERNELS_MAX])
{
    static const TnBase64Kernel avx2 = {"avx2", encode_avx2, decode_avx2};
    static const TnBase64Kernel ssse3 = {"ssse3", encode_ssse3, decode_ssse3};
    guint n = 0;

    if (__builtin_cpu_supports("avx2"))
        ret_kernels[n++] = &avx2;
    if (__builtin_cpu_supports("ssse3"))
        ret_kernels[n++] = &ssse3;
    ret_kernels[n] = NULL;
}
