/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/config.h"
#include "agent/daemon.h"
#include "agent/registry.h"
#include "agent/state.h"
#include "platform/log.h"
#include "policy/policy.h"

/*
 * The first steps of the agent, which need no knowledge of any room above.
 */

/* Into the background if CONFIG says so, then the log, which is installed. FALSE: the process must
 * exit with *RET_EXIT_CODE, and why was said; that is also how the parent of a background agent
 * ends. *RET_DAEMON is NULL in the foreground; *RET_LOG may be set in any case. */
gboolean tn_startup_open_log(const TnConfig *config, TnDaemon **ret_daemon, TnLog **ret_log,
                             int *ret_exit_code) G_GNUC_WARN_UNUSED_RESULT;

/* The first policy, for the commands of REGISTRY. Errors: those of tn_policy_holder_new. */
TnPolicyHolder *tn_startup_make_policy(const TnConfig *config, const TnRegistry *registry,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens the state, whose frozen mark lies where it does not outlive this boot: in tenond's run
 * directory (made if need be) while the state directory is the built-in one, else in STATE_DIR
 * (that is qemu-ga's way). *RET_RUN_DIR, that directory, is the caller's, on failure too. Errors:
 * those of tn_state_new(). */
TnState *tn_startup_open_state(const TnConfig *config, const char *state_dir, char **ret_run_dir,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
