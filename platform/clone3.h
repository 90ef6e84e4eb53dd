/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/sched.h>
#include <stddef.h>

/*
 * clone3(2) with a stack of the child's own. libc has no function for it, and syscall(2) cannot do
 * it: the child would return on a stack that holds no return address. One file per architecture,
 * chosen by the build; where there is none, the call fails with ENOSYS.
 */

/* Calls RUN(DATA) in the child, on the stack that ARGS names; RUN never returns. The child's pid,
 * or -errno. */
long tn_clone3(const struct clone_args *args, size_t size, int (*run)(void *), void *data);
