/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"
#include "platform/jobs.h"

/*
 * What the command modules that run programs share: how a channel limits captured output, and
 * captured bytes as bulk data of a reply.
 */

/* Gives the jobs the limits of the policy in force; before each start. */
void tn_joboutput_set_limits(TnCall *call);

/* Fills the budget of SPEC as the channel of CALL allows (clients.md R2): on a serial port both
 * streams share what fits a reply that libvirt takes, a listener allows 16 MiB each. */
void tn_joboutput_set_budget(TnCall *call, TnJobSpec *spec);

/* Charges SPEC with the grant of CALL: it is held until the child has ended. */
void tn_joboutput_set_charge(TnCall *call, TnJobSpec *spec);

/* Up to MAX bytes from OFFSET on as a reply's member; NULL when there are none (or CAPTURE is
 * NULL). The bytes stay whatever becomes of the record. */
TnBulk *tn_joboutput_bulk(const TnCapture *capture, guint64 offset, guint64 max);
