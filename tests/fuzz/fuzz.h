/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A fuzz target is one file fuzz-NAME.c that defines this function, libFuzzer's own entry. It
 * aborts on any wrong result. tests/fuzz/meson.build lists it once, and it becomes two programs:
 * the fuzzer (-Dfuzz=true, clang) and a replay of tests/fuzz/corpus/NAME in every test run.
 */

/* Tries SIZE bytes at DATA (possibly NULL when SIZE is 0); returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
