/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Base64 on 64-bit Arm, where every processor has NEON: loads and stores take groups of three and
 * of four apart by themselves, and a table of 64 bytes is one instruction.
 */

#include "agent/wire/base64-kernel.h"

#include <arm_neon.h>

enum {
    BLOCK_BYTES = 48, /* that become 64 characters */
    BLOCK_CHARACTERS = 64,
    NO_VALUE = 0xff
};

static uint8x16x4_t
load_table(const uint8_t table[64])
{
    return (uint8x16x4_t){
        {vld1q_u8(table), vld1q_u8(table + 16), vld1q_u8(table + 32), vld1q_u8(table + 48)}};
}

static gsize
encode_neon(const uint8_t *data, gsize size, char *out)
{
    static const char alphabet[64] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8x16x4_t letters = load_table((const uint8_t *)alphabet);
    const uint8x16_t six_bits = vdupq_n_u8(0x3f);
    gsize at = 0;

    for (; size - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        uint8x16x3_t bytes = vld3q_u8(data + at);
        uint8x16x4_t text = {0};

        text.val[0] = vqtbl4q_u8(letters, vshrq_n_u8(bytes.val[0], 2));
        text.val[1] = vqtbl4q_u8(
            letters,
            vandq_u8(vorrq_u8(vshlq_n_u8(bytes.val[0], 4), vshrq_n_u8(bytes.val[1], 4)), six_bits));
        text.val[2] = vqtbl4q_u8(
            letters,
            vandq_u8(vorrq_u8(vshlq_n_u8(bytes.val[1], 2), vshrq_n_u8(bytes.val[2], 6)), six_bits));
        text.val[3] = vqtbl4q_u8(letters, vandq_u8(bytes.val[2], six_bits));
        vst4q_u8((uint8_t *)out, text);
        out += BLOCK_CHARACTERS;
    }
    return at;
}

/* The value of each character, NO_VALUE for what is not of the alphabet: offsets by range. */
static uint8x16_t
read_values(uint8x16_t text)
{
    uint8x16_t upper = vsubq_u8(text, vdupq_n_u8('A'));
    uint8x16_t lower = vsubq_u8(text, vdupq_n_u8('a'));
    uint8x16_t digit = vsubq_u8(text, vdupq_n_u8('0'));
    uint8x16_t value = vdupq_n_u8(NO_VALUE);

    value = vbslq_u8(vcltq_u8(upper, vdupq_n_u8(26)), upper, value);
    value = vbslq_u8(vcltq_u8(lower, vdupq_n_u8(26)), vaddq_u8(lower, vdupq_n_u8(26)), value);
    value = vbslq_u8(vcltq_u8(digit, vdupq_n_u8(10)), vaddq_u8(digit, vdupq_n_u8(52)), value);
    value = vbslq_u8(vceqq_u8(text, vdupq_n_u8('+')), vdupq_n_u8(62), value);
    return vbslq_u8(vceqq_u8(text, vdupq_n_u8('/')), vdupq_n_u8(63), value);
}

static gsize
decode_neon(const char *text, gsize size, uint8_t *out)
{
    gsize at = 0;

    for (; size - at >= BLOCK_CHARACTERS; at += BLOCK_CHARACTERS) {
        uint8x16x4_t block = vld4q_u8((const uint8_t *)text + at);
        uint8x16_t a = read_values(block.val[0]);
        uint8x16_t b = read_values(block.val[1]);
        uint8x16_t c = read_values(block.val[2]);
        uint8x16_t d = read_values(block.val[3]);
        uint8x16x3_t bytes = {0};

        if (vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) > 0x3f)
            break;
        bytes.val[0] = vorrq_u8(vshlq_n_u8(a, 2), vshrq_n_u8(b, 4));
        bytes.val[1] = vorrq_u8(vshlq_n_u8(b, 4), vshrq_n_u8(c, 2));
        bytes.val[2] = vorrq_u8(vshlq_n_u8(c, 6), d);
        vst3q_u8(out, bytes);
        out += BLOCK_BYTES;
    }
    return at;
}

void
tn_base64_kernel_list(const TnBase64Kernel *ret_kernels[TN_BASE64_KERNELS_MAX])
{
    static const TnBase64Kernel neon = {"neon", encode_neon, decode_neon};

    ret_kernels[0] = &neon;
    ret_kernels[1] = NULL;
}
