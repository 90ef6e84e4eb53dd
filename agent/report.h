/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/registry.h"
#include "policy/policy.h"

/*
 * What the program prints and ends, instead of serving.
 */

/* The names of all commands on standard output, one a line, in the order of their tables. */
void tn_report_names(const TnRegistry *registry);

/* Whether the policy is in order: warnings and what seals it on standard error, then one line on
 * standard output. Returns the exit code: 0, or 2 when the agent would be sealed. */
int tn_report_policy(const TnPolicy *policy);

/* Logs what the journal should hear of the policy that is in force: warnings, and why it is sealed.
 */
void tn_report_log_policy(const TnPolicy *policy);

/* Reads the policy of HOLDER again, at the service manager's or the owner's SIGHUP, and logs what
 * came of it. */
void tn_report_reload_policy(TnPolicyHolder *holder);

/* What was being done when the start failed. */
typedef enum {
    TN_START_DAEMON, /* pid file, fork */
    TN_START_LOG,
    TN_START_STATE,
    TN_START_POLICY,
    TN_START_METHOD,
    TN_START_CHANNEL,
    TN_START_N,
} TnStartStep;

/* Logs WHY and the lines that qemu-ga says behind it. */
void tn_report_start_failure(TnStartStep step, const char *why);
