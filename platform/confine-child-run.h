/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child.h"

#include <linux/filter.h>

/*
 * The confining steps of a child, for child-run.c alone; the same rules hold as there: they run
 * between clone and exec in the agent's memory, make async-signal-safe and raw system calls only
 * and change nothing but the child. Each returns 0 or the errno of what could not be done; a step
 * that is not asked for does nothing.
 */

/* Leaves the agent's mount and network namespaces. Source: unshare(2). Runs after clone. */
int tn_confine_make_namespaces(const TnSpawnConfine *confine);

/* What clone(2) has to be told besides: a process cannot leave its own PID namespace. No step; the
 * parent asks. */
unsigned tn_confine_get_clone_flags(const TnSpawnConfine *confine);

/* Makes every mount read-only, then /tmp and a /dev of a few harmless nodes of its own, and the
 * /proc of a new PID namespace; each if it is asked for. Needs Linux 5.12. Sources:
 * mount_setattr(2), mount(2). Runs after clone. */
int tn_confine_make_mounts(const TnSpawnConfine *confine);

/* Takes capabilities out of the bounding set. Source: capabilities(7). Runs after clone. */
int tn_confine_drop_bounding(const TnSpawnConfine *confine);

/* Groups, group, user. Source: credentials(7). Runs after clone. */
int tn_confine_change_user(const TnSpawnConfine *confine);

/* Inheritable and ambient capabilities; what root holds after exec is the bounding set. Runs after
 * clone. */
int tn_confine_set_capabilities(const TnSpawnConfine *confine);

/* Source: PR_SET_PDEATHSIG(2const). Runs after clone. */
int tn_confine_set_death_signal(const TnSpawnConfine *confine);

/* Source: PR_SET_NO_NEW_PRIVS(2const). Runs after clone. */
int tn_confine_set_no_new_privs(const TnSpawnConfine *confine);

/* Installs the programs in their order. Source: seccomp(2). Runs after clone. */
int tn_confine_install_filters(const struct sock_fprog *filters, guint n_filters);
