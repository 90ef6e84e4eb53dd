/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems, and all facts at once. The two stand together because they share the threads that
 * ask file systems whose server may be gone: one that hangs is asked by one thread.
 *
 * guest-get-fsinfo answers at once as long as all file systems are local; else it is deferred and
 * leaves out the numbers that have not come in time, which is the only mark that its reply has.
 *
 * A section of tenon-get-info is what the command of that fact answers: its row is looked up and
 * its handler called, so there is one source for each figure, and policy is asked for each as if it
 * had come alone. Two sections are made here: fs, which shows what qemu-ga leaves out, and boot. A
 * section that fails is {error}, the others stand. Handlers called from here must not use their
 * module's state nor defer; those named below do not.
 */
#include "commands/facts.h"

#include "commands/diskfields.h"
#include "platform/block.h"
#include "platform/clock.h"
#include "platform/filesystems.h"
#include "platform/sysroot.h"

#include <string.h>
#include <time.h>

enum {
    /* Within the second that vdsm gives each call, with room for the rest of it. */
    SPACE_LIMIT_MS = 800,
    NS_PER_S = 1000000000
};

typedef struct {
    GPtrArray *list;
} List;

enum {
    SECTION_OS,
    SECTION_NET,
    SECTION_FS,
    SECTION_MEMORY,
    SECTION_CPU,
    SECTION_LOAD,
    SECTION_USERS,
    SECTION_TIME,
    SECTION_BOOT,
    SECTION_AGENT,
    SECTION_N
};

typedef struct {
    char **sections;
} Args;

typedef struct {
    JsonNode *sections[SECTION_N];
} Info;

typedef struct {
    char *id;
    int64_t time_ns;
    int64_t uptime_ns;
} Boot;

static const char *const section_names[SECTION_N + 1] = {
    "os", "net", "fs", "memory", "cpu", "load", "users", "time", "boot", "agent", NULL};

/* Whose answer a section is; NULL: made here. */
static const char *const section_commands[SECTION_N] = {
    [SECTION_OS] = "guest-get-osinfo",     [SECTION_NET] = "guest-network-get-interfaces",
    [SECTION_MEMORY] = "tenon-get-memory", [SECTION_CPU] = "guest-get-vcpus",
    [SECTION_LOAD] = "guest-get-load",     [SECTION_USERS] = "guest-get-users",
    [SECTION_TIME] = "guest-get-time",     [SECTION_AGENT] = "guest-info",
};

static const TnField any_filesystem_fields[] = {
    {"name", TN_STRING(TnFilesystem, name, .flags = TN_FIELD_REQUIRED)},
    {"mountpoint", TN_STRING(TnFilesystem, mountpoint, .flags = TN_FIELD_REQUIRED)},
    {"type", TN_STRING(TnFilesystem, type, .flags = TN_FIELD_REQUIRED)},
    {"source", TN_STRING(TnFilesystem, source, .flags = TN_FIELD_REQUIRED)},
    {"root", TN_STRING(TnFilesystem, root, .doc = "part of the file system, such as a subvolume")},
    {"read-only", TN_BOOL(TnFilesystem, read_only, .flags = TN_FIELD_REQUIRED)},
    {"not-responding", TN_BOOL(TnFilesystem, not_responding, .flags = TN_FIELD_REQUIRED,
                               .doc = "its server does not answer, so there are no numbers")},
    {"used-bytes", TN_UINT(TnFilesystem, space.used_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"total-bytes", TN_UINT(TnFilesystem, space.total_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"total-bytes-privileged",
     TN_UINT(TnFilesystem, space.total_privileged_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"inodes", TN_UINT(TnFilesystem, space.files, TN_PRESENT(TnFilesystem, has_files))},
    {"inodes-free", TN_UINT(TnFilesystem, space.files_free, TN_PRESENT(TnFilesystem, has_files))},
    {0},
};

static const TnField filesystems_row = {NULL, .type = TN_TYPE_LIST, .size = sizeof(TnFilesystem),
                                        .fields = any_filesystem_fields,
                                        .flags = TN_FIELD_REQUIRED};

static const TnField boot_fields[] = {
    {"id", TN_STRING(Boot, id, .doc = "another one after each start of the kernel")},
    {"time-ns", TN_INT(Boot, time_ns, .flags = TN_FIELD_REQUIRED)},
    {"uptime-ns", TN_INT(Boot, uptime_ns, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField boot_row = {NULL, .type = TN_TYPE_OBJECT, .fields = boot_fields,
                                 .flags = TN_FIELD_REQUIRED};

/* The value of ROW at BASE as a tree. */
static JsonNode *
make_node(const TnField *row, const void *base)
{
    g_autoptr(TnEncoder) encoder = tn_encoder_new(row, base);
    g_autoptr(GString) text = g_string_new(NULL);
    TnBulk *bulk = NULL;

    /* No fact has a bulk member. */
    if (!tn_encoder_step(encoder, text, &bulk))
        return NULL;
    return json_from_string(text->str, NULL);
}

static JsonNode *
make_error(const char *words)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "error", words);
    json_node_take_object(node, object);
    return node;
}

static const TnCommand *
find_command(TnCall *call, const char *name, const char **ret_why_disabled)
{
    for (guint i = 0; i < tn_call_get_n_commands(call); i++) {
        const TnCommand *command = tn_call_get_nth_command(call, i, ret_why_disabled);

        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

static JsonNode *
ask_command(TnCall *call, const char *name)
{
    const char *why_disabled = NULL;
    const TnCommand *command = find_command(call, name, &why_disabled);
    g_autofree void *result = NULL;
    g_autoptr(GError) error = NULL;
    JsonNode *node = NULL;

    if (command == NULL || command->result == NULL)
        return make_error("not offered by this agent");
    if (why_disabled != NULL) {
        g_autofree char *words =
            g_strdup_printf("Command %s has been disabled: %s", name, why_disabled);

        return make_error(words);
    }
    result = g_malloc0(command->result_size);
    if (command->run(call, NULL, result, &error))
        node = make_node(command->result, result);
    tn_fields_clear_value(command->result, result);
    return node != NULL ? node : make_error(error != NULL ? error->message : "no answer");
}

static JsonNode *
read_boot(void)
{
    struct timespec uptime = {0};
    char id[64];
    Boot boot = {0};
    JsonNode *node;

    (void)clock_gettime(CLOCK_BOOTTIME, &uptime);
    boot.uptime_ns = (int64_t)uptime.tv_sec * NS_PER_S + uptime.tv_nsec;
    boot.time_ns = tn_clock_realtime_ns() - boot.uptime_ns;
    if (tn_sysroot_read_attr(TN_SYSROOT_HOST, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) >
        0)
        boot.id = g_strdup(id);
    node = make_node(&boot_row, &boot);
    g_free(boot.id);
    return node;
}

static JsonNode *
make_filesystems(GPtrArray *filesystems)
{
    return make_node(&filesystems_row, &filesystems);
}

static void
answer_info(GPtrArray *filesystems, gpointer data)
{
    TnCall *call = data;
    Info *info = tn_call_get_result(call);

    info->sections[SECTION_FS] = make_filesystems(filesystems);
    g_ptr_array_unref(filesystems);
    tn_call_return(call);
}

static void
read_filesystems(TnCall *call, Info *info)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *filesystems = tn_filesystems_read(TN_SYSROOT_HOST, TN_FILESYSTEMS_ALL, &error);

    if (filesystems == NULL) {
        info->sections[SECTION_FS] = make_error(error->message);
    } else if (tn_filesystems_ask(filesystems, tn_call_get_module(call), SPACE_LIMIT_MS,
                                  answer_info, call)) {
        info->sections[SECTION_FS] = make_filesystems(filesystems);
        g_ptr_array_unref(filesystems);
    } else {
        tn_call_defer(call);
    }
}

static gboolean
check_sections(char *const *sections, GError **error)
{
    for (gsize i = 0; sections != NULL && sections[i] != NULL; i++) {
        if (!g_strv_contains(section_names, sections[i])) {
            g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                        "Parameter 'sections[%" G_GSIZE_FORMAT "]' does not accept value '%s'", i,
                        sections[i]);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
is_wanted(char *const *sections, guint section)
{
    return sections == NULL ||
           g_strv_contains((const char *const *)sections, section_names[section]);
}

static gboolean
run_info(TnCall *call, const void *data, void *result, GError **error)
{
    const Args *args = data;
    Info *info = result;

    if (!check_sections(args->sections, error))
        return FALSE;
    for (guint i = 0; i < SECTION_N; i++) {
        if (is_wanted(args->sections, i) && section_commands[i] != NULL)
            info->sections[i] = ask_command(call, section_commands[i]);
    }
    if (is_wanted(args->sections, SECTION_BOOT))
        info->sections[SECTION_BOOT] = read_boot();
    if (is_wanted(args->sections, SECTION_FS))
        read_filesystems(call, info);
    return TRUE;
}

/* What the result's table does not name would not be released with it. */
static void
drop_private(GPtrArray *filesystems)
{
    for (guint i = 0; i < filesystems->len; i++) {
        TnFilesystem *filesystem = filesystems->pdata[i];

        g_clear_pointer(&filesystem->path, g_free);
        g_clear_pointer(&filesystem->source, g_free);
        g_clear_pointer(&filesystem->root, g_free);
    }
}

static void
answer_fsinfo(GPtrArray *filesystems, gpointer data)
{
    drop_private(filesystems);
    tn_call_return(data);
}

static gboolean
run_fsinfo(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;
    TnStatfs *statfs = tn_call_get_module(call);

    answer->list = tn_filesystems_read(TN_SYSROOT_HOST, TN_FILESYSTEMS_ON_DISKS, error);
    if (answer->list == NULL)
        return FALSE;
    if (tn_filesystems_ask(answer->list, statfs, SPACE_LIMIT_MS, answer_fsinfo, call))
        drop_private(answer->list);
    else
        tn_call_defer(call);
    return TRUE;
}

static const TnField filesystem_fields[] = {
    {"name", TN_STRING(TnFilesystem, name, .flags = TN_FIELD_REQUIRED)},
    {"mountpoint", TN_STRING(TnFilesystem, mountpoint, .flags = TN_FIELD_REQUIRED)},
    {"type", TN_STRING(TnFilesystem, type, .flags = TN_FIELD_REQUIRED)},
    {"used-bytes", TN_UINT(TnFilesystem, space.used_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"total-bytes", TN_UINT(TnFilesystem, space.total_bytes, TN_PRESENT(TnFilesystem, has_space),
                            .doc = "without the blocks reserved for root")},
    {"total-bytes-privileged",
     TN_UINT(TnFilesystem, space.total_privileged_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"disk", TN_LIST(TnFilesystem, disks, TnDiskAddress, .fields = tn_diskfields_address,
                     .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField fsinfo_result = {
    NULL,
    TN_LIST(List, list, TnFilesystem, .fields = filesystem_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField info_args[] = {
    {"sections", TN_STRV(Args, sections, .doc = "those wanted; absent: all")},
    {0},
};

static const TnField info_fields[] = {
    {"os", TN_NODE(Info, sections[SECTION_OS], .doc = "as guest-get-osinfo, and so on")},
    {"net", TN_NODE(Info, sections[SECTION_NET])},
    {"fs", TN_NODE(Info, sections[SECTION_FS], .doc = "file systems of all kinds")},
    {"memory", TN_NODE(Info, sections[SECTION_MEMORY])},
    {"cpu", TN_NODE(Info, sections[SECTION_CPU])},
    {"load", TN_NODE(Info, sections[SECTION_LOAD])},
    {"users", TN_NODE(Info, sections[SECTION_USERS])},
    {"time", TN_NODE(Info, sections[SECTION_TIME])},
    {"boot", TN_NODE(Info, sections[SECTION_BOOT], .doc = "id, time-ns, uptime-ns")},
    {"agent", TN_NODE(Info, sections[SECTION_AGENT])},
    {0},
};

static const TnField info_result = {NULL, .type = TN_TYPE_OBJECT, .flags = TN_FIELD_REQUIRED,
                                    .fields = info_fields};

static const TnCommand commands[] = {
    {
        .name = "guest-get-fsinfo",
        .group = "@info",
        .result = &fsinfo_result,
        .result_size = sizeof(List),
        .run = run_fsinfo,
        .since = "2.2",
        .doc = "Mounted file systems on block devices.",
    },
    {
        .name = "tenon-get-info",
        .group = "@info",
        .args = info_args,
        .args_size = sizeof(Args),
        .result = &info_result,
        .result_size = sizeof(Info),
        .run = run_info,
        .since = "0.1",
        .doc = "Facts about the guest, many in one reply.",
    },
    {0},
};

static gpointer
create_statfs(const TnModuleContext *context)
{
    return tn_statfs_new(tn_statfs_read);
}

static void
destroy_statfs(gpointer module)
{
    tn_statfs_free(module);
}

const TnModule tn_facts_module = {
    .name = "facts",
    .commands = commands,
    .create = create_statfs,
    .destroy = destroy_statfs,
};
