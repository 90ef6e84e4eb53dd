/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the disks which blocks are free. One file system that cannot does not spoil the others:
 * each has its own result.
 */
#include "commands/trim.h"

#include "platform/fd.h"
#include "platform/filesystems.h"
#include "platform/sysroot.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>

typedef struct {
    int64_t minimum;
} TrimArgs;

typedef struct {
    char *path;
    int64_t trimmed;
    int64_t minimum;
    bool is_trimmed;
    char *error;
} TrimResult;

typedef struct {
    GPtrArray *paths;
} Trim;

static void
trim_one(const char *path, guint64 minimum, TrimResult *result)
{
    struct fstrim_range range = {.start = 0, .len = UINT64_MAX, .minlen = minimum};
    tn_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0) {
        result->error = g_strdup_printf("failed to open: %s", g_strerror(errno));
    } else if (ioctl(fd, FITRIM, &range) == 0) {
        result->is_trimmed = true;
        result->minimum = (int64_t)MIN(range.minlen, G_MAXINT64);
        result->trimmed = (int64_t)MIN(range.len, G_MAXINT64);
    } else if (errno == ENOTTY || errno == EOPNOTSUPP) {
        result->error = g_strdup("trim not supported");
    } else {
        result->error = g_strdup_printf("failed to trim: %s", g_strerror(errno));
    }
}

static gboolean
run_trim(TnCall *call, const void *data, void *result, GError **error)
{
    const TrimArgs *args = data;
    g_autoptr(GPtrArray) found =
        tn_filesystems_read(TN_SYSROOT_HOST, TN_FILESYSTEMS_ON_DISKS, error);
    Trim *answer = result;

    if (found == NULL)
        return FALSE;
    answer->paths = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < found->len; i++) {
        const TnFilesystem *filesystem = g_ptr_array_index(found, i);
        TrimResult one = {.path = g_strdup(filesystem->path)};

        /* The kernel counts a negative one as huge, as qemu-ga hands it over. */
        trim_one(filesystem->path, (guint64)args->minimum, &one);
        g_ptr_array_add(answer->paths, g_memdup2(&one, sizeof(one)));
    }
    return TRUE;
}

static const TnField trim_args[] = {
    {"minimum", TN_INT(TrimArgs, minimum, .doc = "smallest run of free bytes that is told")},
    {0},
};

static const TnField path_fields[] = {
    {"path", TN_STRING(TrimResult, path, .flags = TN_FIELD_REQUIRED)},
    {"trimmed", TN_INT(TrimResult, trimmed, TN_PRESENT(TrimResult, is_trimmed), .doc = "bytes")},
    {"minimum", TN_INT(TrimResult, minimum, TN_PRESENT(TrimResult, is_trimmed))},
    {"error", TN_STRING(TrimResult, error)},
    {0},
};

static const TnField trim_fields[] = {
    {"paths", TN_LIST(Trim, paths, TrimResult, .fields = path_fields, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField trim_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = trim_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-fstrim",
        .group = "@fstrim",
        .args = trim_args,
        .args_size = sizeof(TrimArgs),
        .result = &trim_result,
        .result_size = sizeof(Trim),
        .run = run_trim,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "1.2",
        .doc = "Tells the disks which blocks are free.",
    },
    {0},
};

const TnModule tn_trim_module = {
    .name = "trim",
    .commands = commands,
};
