/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system this is and what its clock says. Every answer is read anew: a guest may be upgraded
 * or moved to another zone while the agent runs. Members that the system does not tell are left
 * out; the kernel's are always there (vdsm's poller needs kernel-release).
 */
#include "commands/os.h"

#include "platform/clock.h"
#include "platform/fd.h"
#include "platform/osrelease.h"
#include "platform/sysroot.h"
#include "platform/zone.h"

#include <errno.h>
#include <sys/utsname.h>

typedef struct {
    char *kernel_release;
    char *kernel_version;
    char *machine;
    TnOsRelease release;
} OsInfo;

typedef struct {
    char *name;
} HostName;

typedef struct {
    char *zone;
    int64_t offset_s;
} Timezone;

typedef struct {
    int64_t ns;
} Time;

static gboolean
run_osinfo(TnCall *call, const void *args, void *result, GError **error)
{
    OsInfo *info = result;
    struct utsname name = {0};
    g_autoptr(GError) ignored = NULL;

    if (uname(&name) < 0)
        return tn_error_from_errno(error, errno, "uname() failed");
    info->kernel_release = g_strdup(name.release);
    info->kernel_version = g_strdup(name.version);
    info->machine = g_strdup(name.machine);
    if (!tn_osrelease_read(TN_SYSROOT_HOST, NULL, &info->release, &ignored))
        g_debug("no os-release: %s", ignored->message);
    return TRUE;
}

static gboolean
run_host_name(TnCall *call, const void *args, void *result, GError **error)
{
    HostName *answer = result;

    answer->name = tn_zone_read_host_name(error);
    return answer->name != NULL;
}

static gboolean
run_timezone(TnCall *call, const void *args, void *result, GError **error)
{
    Timezone *answer = result;
    TnZone zone = {0};

    if (!tn_zone_read(tn_clock_realtime_ns(), &zone, error))
        return FALSE;
    answer->zone = g_strdup(zone.name);
    answer->offset_s = zone.offset_s;
    return TRUE;
}

static gboolean
run_time(TnCall *call, const void *args, void *result, GError **error)
{
    ((Time *)result)->ns = tn_clock_realtime_ns();
    return TRUE;
}

static const TnField osinfo_fields[] = {
    {"kernel-release", TN_STRING(OsInfo, kernel_release, .doc = "uname -r")},
    {"kernel-version", TN_STRING(OsInfo, kernel_version, .doc = "uname -v")},
    {"machine", TN_STRING(OsInfo, machine, .doc = "uname -m")},
    {"id", TN_STRING(OsInfo, release.id, .doc = "ID of os-release(5), and so on")},
    {"name", TN_STRING(OsInfo, release.name)},
    {"pretty-name", TN_STRING(OsInfo, release.pretty_name)},
    {"version", TN_STRING(OsInfo, release.version)},
    {"version-id", TN_STRING(OsInfo, release.version_id)},
    {"variant", TN_STRING(OsInfo, release.variant)},
    {"variant-id", TN_STRING(OsInfo, release.variant_id)},
    {0},
};

static const TnField osinfo_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = osinfo_fields,
};

static const TnField host_name_fields[] = {
    {"host-name",
     TN_STRING(HostName, name, .flags = TN_FIELD_REQUIRED, .doc = "as gethostname(2) has it")},
    {0},
};

static const TnField host_name_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = host_name_fields,
};

static const TnField timezone_fields[] = {
    {"zone", TN_STRING(Timezone, zone, .doc = "abbreviation in force now")},
    {"offset", TN_INT(Timezone, offset_s, .flags = TN_FIELD_REQUIRED,
                      .doc = "seconds from UTC, east positive")},
    {0},
};

static const TnField timezone_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = timezone_fields,
};

static const TnField time_result = {
    NULL, TN_INT(Time, ns, .flags = TN_FIELD_REQUIRED, .doc = "nanoseconds since the epoch")};

static const TnCommand commands[] = {
    {
        .name = "guest-get-osinfo",
        .group = "@info",
        .result = &osinfo_result,
        .result_size = sizeof(OsInfo),
        .run = run_osinfo,
        .since = "2.10",
        .doc = "Kernel and distribution.",
    },
    {
        .name = "guest-get-host-name",
        .group = "@info",
        .result = &host_name_result,
        .result_size = sizeof(HostName),
        .run = run_host_name,
        .since = "2.10",
        .doc = "The guest's host name.",
    },
    {
        .name = "guest-get-timezone",
        .group = "@info",
        .result = &timezone_result,
        .result_size = sizeof(Timezone),
        .run = run_timezone,
        .since = "2.10",
        .doc = "Local time zone.",
    },
    {
        .name = "guest-get-time",
        .group = "@info",
        .result = &time_result,
        .result_size = sizeof(Time),
        .run = run_time,
        .since = "1.5",
        .doc = "The guest's clock.",
    },
    {0},
};

const TnModule tn_os_module = {
    .name = "os",
    .commands = commands,
};
