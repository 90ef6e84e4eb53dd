/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a confined child may try. test-confinement starts itself under a policy with the name of an
 * attack; the exit code is the errno that the attack met, 0 when it went through.
 */

/* Runs the attack NAME with the word ARG (may be NULL). Returns 0, an errno, or 200 when there is
 * no such attack. */
int attack_run(const char *name, const char *arg);
