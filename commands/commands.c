/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of module tables, and nothing else.
 */
#include "commands/commands.h"

#include "commands/cpu.h"
#include "commands/describe.h"
#include "commands/disks.h"
#include "commands/exec.h"
#include "commands/facts.h"
#include "commands/file.h"
#include "commands/fileinfo.h"
#include "commands/fileput.h"
#include "commands/fileset.h"
#include "commands/freeze.h"
#include "commands/jobctl.h"
#include "commands/jobexec.h"
#include "commands/logins.h"
#include "commands/memory.h"
#include "commands/net.h"
#include "commands/os.h"
#include "commands/password.h"
#include "commands/policycheck.h"
#include "commands/power.h"
#include "commands/settime.h"
#include "commands/ssh.h"
#include "commands/sync.h"
#include "commands/trim.h"

/* A new subject is one more line. */
/* clang-format off */
const TnModule *const tn_commands_modules[] = {
    &tn_sync_module,
    &tn_exec_module,
    &tn_file_module,
    &tn_fileinfo_module,
    &tn_fileput_module,
    &tn_fileset_module,
    &tn_jobexec_module,
    &tn_jobctl_module,
    &tn_os_module,
    &tn_cpu_module,
    &tn_memory_module,
    &tn_net_module,
    &tn_disks_module,
    &tn_facts_module,
    &tn_logins_module,
    &tn_freeze_module,
    &tn_trim_module,
    &tn_power_module,
    &tn_settime_module,
    &tn_password_module,
    &tn_ssh_module,
    &tn_describe_module,
    &tn_policycheck_module,
    NULL,
};
/* clang-format on */
