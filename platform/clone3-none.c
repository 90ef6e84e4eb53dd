/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For architectures without a clone3 of ours: the spawner then uses clone(2), which can do all but
 * start a child inside a cgroup.
 */

#include "platform/clone3.h"

#include <errno.h>

long
tn_clone3(const struct clone_args *args, size_t size, int (*run)(void *), void *data)
{
    return -ENOSYS;
}
