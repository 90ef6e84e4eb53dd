/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * The guest's facts as the objects that KubeVirt's API gives for a virtual machine: guestosinfo,
 * userlist and filesystemlist, with its names and types. Source: KubeVirt's
 * VirtualMachineInstanceGuestAgentInfo and its lists.
 */

/* Prints to stdout, as one line, the object for SECTION: "os", "users" or "fs"; NULL: all three as
 * members of one. What the agent refuses to tell is left out. Errors: TN_FAILURE_USAGE for another
 * section; those of tn_dial_send that are no refusals. */
gboolean tn_kubevirt_print(TnAgent *agent, const char *section, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
