/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/*
 * The scan on which the speed of bulk input rests: the length of the run of bytes at the beginning
 * of TEXT that stand for themselves in a JSON string, that is, printable ASCII (and DEL) without
 * quote and backslash.
 */

/* The span, byte by byte. */
static inline size_t
tn_plain_bytes(const uint8_t *text, size_t size)
{
    size_t at = 0;

    while (at < size && text[at] >= 0x20 && text[at] < 0x80 && text[at] != '"' && text[at] != '\\')
        at++;
    return at;
}

#if defined(__SSE2__)

/* All ones in each byte that ends the span. The comparison is signed: bytes from 0x80 up are below
 * 0x20 as well. */
static inline __m128i
tn_plain_match(__m128i bytes)
{
    __m128i special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));

    special = _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    return _mm_or_si128(special, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}

/* The span; never reads beyond SIZE. */
static inline size_t
tn_plain_span(const uint8_t *text, size_t size)
{
    size_t at = 0;

    for (; size - at >= 64; at += 64) {
        const __m128i *place = (const __m128i *)(const void *)(text + at);
        __m128i low = _mm_or_si128(tn_plain_match(_mm_loadu_si128(place)),
                                   tn_plain_match(_mm_loadu_si128(place + 1)));
        __m128i high = _mm_or_si128(tn_plain_match(_mm_loadu_si128(place + 2)),
                                    tn_plain_match(_mm_loadu_si128(place + 3)));

        if (_mm_movemask_epi8(_mm_or_si128(low, high)) != 0)
            break;
    }
    for (; size - at >= 16; at += 16) {
        const __m128i *place = (const __m128i *)(const void *)(text + at);
        unsigned int mask = (unsigned int)_mm_movemask_epi8(tn_plain_match(_mm_loadu_si128(place)));

        if (mask != 0)
            return at + (size_t)__builtin_ctz(mask);
    }
    return at + tn_plain_bytes(text + at, size - at);
}

#elif defined(__aarch64__)

/* All ones in each byte that ends the span; signed, so that 0x80 and above are included. */
static inline uint8x16_t
tn_plain_match(uint8x16_t bytes)
{
    uint8x16_t special = vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(0x20));

    special = vorrq_u8(special, vceqq_u8(bytes, vdupq_n_u8('"')));
    return vorrq_u8(special, vceqq_u8(bytes, vdupq_n_u8('\\')));
}

/* The span; never reads beyond SIZE. */
static inline size_t
tn_plain_span(const uint8_t *text, size_t size)
{
    size_t at = 0;

    for (; size - at >= 64; at += 64) {
        uint8x16_t low =
            vorrq_u8(tn_plain_match(vld1q_u8(text + at)), tn_plain_match(vld1q_u8(text + at + 16)));
        uint8x16_t high = vorrq_u8(tn_plain_match(vld1q_u8(text + at + 32)),
                                   tn_plain_match(vld1q_u8(text + at + 48)));

        if (vmaxvq_u8(vorrq_u8(low, high)) != 0)
            break;
    }
    for (; size - at >= 16; at += 16) {
        if (vmaxvq_u8(tn_plain_match(vld1q_u8(text + at))) != 0)
            break;
    }
    return at + tn_plain_bytes(text + at, size - at);
}

#else

/* The span; never reads beyond SIZE. Eight bytes at a time: a top bit is set in the sum for each
 * byte that may need a look. */
static inline size_t
tn_plain_span(const uint8_t *text, size_t size)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = ones * 0x80;
    size_t at = 0;

    for (; size - at >= 8; at += 8) {
        uint64_t word = 0;
        uint64_t quotes = 0;
        uint64_t slashes = 0;

        memcpy(&word, text + at, sizeof word);
        quotes = word ^ ones * '"';
        slashes = word ^ ones * '\\';
        if (((word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones)) & tops) != 0)
            break;
    }
    /* A borrow may have run into a neighbour that is plain, so the rest decides. */
    return at + tn_plain_bytes(text + at, size - at);
}

#endif
