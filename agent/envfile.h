/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/settings.h"

/* Where distributions keep the lists of qemu-ga's commands beside its own key file. */
#define TN_ENVFILE_RHEL   "/etc/sysconfig/qemu-ga"
#define TN_ENVFILE_DEBIAN "/etc/default/qemu-guest-agent"

/* Adds the lists that the environment file PATH holds, as the services of those distributions
 * would hand them to qemu-ga: BLACKLIST_RPC (el7, el8), and the options -a, -b, --allow-rpcs,
 * --block-rpcs and --blacklist within FILTER_RPC_ARGS (el9) and DAEMON_ARGS (Debian). Their origin
 * is PATH and they count as from a file. Nothing else is taken. A line that a shell would not take
 * becomes a block list of what stands there, which seals the policy. No file: nothing; one that
 * cannot be read: a list that seals. Sources: systemd.exec(5) EnvironmentFile=, the packages. */
void tn_envfile_add_lists(TnSettings *settings, const char *path);
