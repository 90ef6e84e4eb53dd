/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * What a processor does best: the long regular middle of base64. base64.c does the rest around it,
 * and is alone in using this, together with the test that tries each kernel by itself.
 */

typedef struct {
    const char *name;
    /* Encodes a multiple of 3 bytes, as many of SIZE as it likes, to OUT, and returns their number;
     * writes nothing behind their characters. */
    gsize (*encode)(const uint8_t *data, gsize size, char *out);
    /* Decodes a multiple of 4 characters, as many of SIZE as it likes, but stops in front of any
     * that is not of the alphabet; returns their number. May write up to SIZE / 4 * 3 bytes, and
     * over its own input where OUT is not behind TEXT. */
    gsize (*decode)(const char *text, gsize size, uint8_t *out);
} TnBase64Kernel;

/* The kernels that this processor can run, fastest first, ended by NULL; at most
 * TN_BASE64_KERNELS_MAX entries with that NULL. The plain one is not among them. */
#define TN_BASE64_KERNELS_MAX 4
void tn_base64_kernel_list(const TnBase64Kernel *ret_kernels[TN_BASE64_KERNELS_MAX]);

/* As tn_base64_encode and tn_base64_decode, with KERNEL; NULL: plain C alone. */
gsize tn_base64_encode_with(const TnBase64Kernel *kernel, const uint8_t *data, gsize size,
                            char *out);
/* See above. */
gboolean tn_base64_decode_with(const TnBase64Kernel *kernel, const char *text, gsize size,
                               uint8_t *out, gsize *ret_size) G_GNUC_WARN_UNUSED_RESULT;
