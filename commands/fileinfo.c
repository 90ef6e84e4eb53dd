/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking at files without a handle. Every path is opened through the grant's plan, once, and all
 * that is told comes from that descriptor.
 */

#include "commands/fileinfo.h"
#include "commands/filebulk.h"
#include "platform/fd.h"
#include "platform/filestat.h"
#include "platform/names.h"
#include "platform/uploads.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_LIST_ENTRIES = 1000,
    MAX_LIST_ENTRIES = 100000,
};

typedef struct {
    char *path;
    bool follow;
    bool has_follow;
    char *after;
    int64_t max;
    bool has_max;
    int64_t offset;
    bool has_offset;
    int64_t count;
    bool has_count;
    char *version;
} InfoArgs;

#define PATH_ROW                                                                                  \
    {                                                                                             \
        "path", TN_STRING(InfoArgs, path, .flags = TN_FIELD_REQUIRED, .subject = TN_SUBJECT_PATH, \
                          .doc = "absolute path")                                                 \
    }

static const TnField stat_args[] = {
    PATH_ROW,
    {"follow", TN_BOOL(InfoArgs, follow, TN_PRESENT(InfoArgs, has_follow),
                       .doc = "look at what a link names (default), not at the link")},
    {0},
};

static const TnField list_args[] = {
    PATH_ROW,
    {"after", TN_STRING(InfoArgs, after, .doc = "last name seen; entries behind it are listed")},
    {"max", TN_INT(InfoArgs, max, TN_PRESENT(InfoArgs, has_max), .min = 1, .max = MAX_LIST_ENTRIES,
                   .doc = "entries at most; 1000 when absent")},
    {0},
};

static const TnField get_args[] = {
    PATH_ROW,
    {"offset",
     TN_INT(InfoArgs, offset, TN_PRESENT(InfoArgs, has_offset), .min = 0,
            .max = G_MAXINT64 - TN_FILE_READ_LIMIT_BYTES, .doc = "where to begin, in bytes")},
    {"count", TN_INT(InfoArgs, count, TN_PRESENT(InfoArgs, has_count), .min = 0,
                     .max = TN_FILE_READ_LIMIT_BYTES,
                     .doc = "bytes at most; what one reply holds if absent")},
    {"version", TN_STRING(InfoArgs, version, .doc = "version that the file must still have")},
    {0},
};

static const TnField hash_args[] = {
    PATH_ROW,
    {"offset", TN_INT(InfoArgs, offset, TN_PRESENT(InfoArgs, has_offset), .min = 0,
                      .max = G_MAXINT64, .doc = "where to begin, in bytes")},
    {"length", TN_INT(InfoArgs, count, TN_PRESENT(InfoArgs, has_count), .min = 0, .max = G_MAXINT64,
                      .doc = "bytes at most; to the end when absent")},
    {0},
};

typedef struct {
    char *type;
    int64_t size;
    int64_t mode;
    int64_t uid;
    int64_t gid;
    char *user;
    char *group;
    int64_t mtime_ns;
    char *version;
    char *target;
} StatResult;

static const TnField stat_fields[] = {
    {"type", TN_STRING(StatResult, type, .flags = TN_FIELD_REQUIRED,
                       .doc = "file, directory, link, fifo, socket, char, block or unknown")},
    {"size", TN_INT(StatResult, size, .flags = TN_FIELD_REQUIRED, .doc = "bytes")},
    {"mode", TN_INT(StatResult, mode, .flags = TN_FIELD_REQUIRED, .doc = "permission bits")},
    {"uid", TN_INT(StatResult, uid, .flags = TN_FIELD_REQUIRED, .doc = "owner's number")},
    {"gid", TN_INT(StatResult, gid, .flags = TN_FIELD_REQUIRED, .doc = "group's number")},
    {"user", TN_STRING(StatResult, user, .doc = "owner's name, if it has one")},
    {"group", TN_STRING(StatResult, group, .doc = "group's name, if it has one")},
    {"mtime-ns",
     TN_INT(StatResult, mtime_ns, .flags = TN_FIELD_REQUIRED, .doc = "last change, since 1970")},
    {"version", TN_STRING(StatResult, version, .flags = TN_FIELD_REQUIRED,
                          .doc = "opaque word that changes when the file does")},
    {"target", TN_STRING(StatResult, target, .doc = "what a link names")},
    {0},
};

static const TnField stat_result = {"return", .type = TN_TYPE_OBJECT, .fields = stat_fields};

typedef struct {
    char *name;
    char *name_b64;
    char *type;
    int64_t size;
    int64_t mode;
    int64_t mtime_ns;
} EntryResult;

static const TnField entry_fields[] = {
    {"name", TN_STRING(EntryResult, name, .flags = TN_FIELD_REQUIRED, .doc = "name; see name-b64")},
    {"name-b64",
     TN_STRING(EntryResult, name_b64, .doc = "the name's bytes when they are not UTF-8")},
    {"type", TN_STRING(EntryResult, type, .flags = TN_FIELD_REQUIRED, .doc = "as in stat")},
    {"size", TN_INT(EntryResult, size, .flags = TN_FIELD_REQUIRED, .doc = "bytes")},
    {"mode", TN_INT(EntryResult, mode, .flags = TN_FIELD_REQUIRED, .doc = "permission bits")},
    {"mtime-ns",
     TN_INT(EntryResult, mtime_ns, .flags = TN_FIELD_REQUIRED, .doc = "last change, since 1970")},
    {0},
};

typedef struct {
    GPtrArray *entries;
    bool more;
} ListResult;

static const TnField list_fields[] = {
    {"entries", TN_LIST(ListResult, entries, EntryResult, .flags = TN_FIELD_REQUIRED,
                        .fields = entry_fields, .doc = "in byte order of their names")},
    {"more", TN_BOOL(ListResult, more, .flags = TN_FIELD_REQUIRED, .doc = "there are more")},
    {0},
};

static const TnField list_result = {"return", .type = TN_TYPE_OBJECT, .fields = list_fields};

typedef struct {
    int64_t size;
    char *version;
    TnBulk *data;
    int64_t count;
    bool eof;
    int fd; /* of a local file system that was not known yet; else -1 */
} GetResult;

static const TnField get_fields[] = {
    {"size", TN_INT(GetResult, size, .flags = TN_FIELD_REQUIRED, .doc = "of the whole file")},
    {"version", TN_STRING(GetResult, version, .flags = TN_FIELD_REQUIRED, .doc = "as in stat")},
    {"buf-b64", TN_BULK(GetResult, data, .flags = TN_FIELD_REQUIRED, .doc = "the bytes")},
    {"count", TN_INT(GetResult, count, .flags = TN_FIELD_REQUIRED, .doc = "bytes that were read")},
    {"eof", TN_BOOL(GetResult, eof, .flags = TN_FIELD_REQUIRED, .doc = "the read met the end")},
    {0},
};

static const TnField get_result = {"return", .type = TN_TYPE_OBJECT, .fields = get_fields};

typedef struct {
    char *sha256;
    int64_t bytes;
    char *version;
} HashResult;

static const TnField hash_fields[] = {
    {"sha256", TN_STRING(HashResult, sha256, .flags = TN_FIELD_REQUIRED, .doc = "lower-case hex")},
    {"bytes", TN_INT(HashResult, bytes, .flags = TN_FIELD_REQUIRED, .doc = "bytes digested")},
    {"version", TN_STRING(HashResult, version, .flags = TN_FIELD_REQUIRED, .doc = "as in stat")},
    {0},
};

static const TnField hash_result = {"return", .type = TN_TYPE_OBJECT, .fields = hash_fields};

static gboolean
fail_to_open(const InfoArgs *args, const char *verb, const GError *why, GError **error)
{
    g_set_error(error, why->domain, why->code, "failed to %s '%s': %s", verb, args->path,
                why->message);
    return FALSE;
}

static int
open_granted(TnCall *call, const InfoArgs *args, const char *verb, TnOpenFlags flags,
             GError **error)
{
    g_autoptr(GError) why = NULL;
    int fd = tn_open_plan_open(tn_grant_get_open_plan(tn_call_get_grant(call)), flags, &why);

    if (fd < 0)
        fail_to_open(args, verb, why, error);
    return fd;
}

static gboolean
run_stat(TnCall *call, const void *data, void *data_result, GError **error)
{
    const InfoArgs *args = data;
    StatResult *result = data_result;
    TnOpenFlags flags = TN_OPEN_PATH | (args->has_follow && !args->follow ? TN_OPEN_NOFOLLOW : 0);
    tn_autofd int fd = open_granted(call, args, "stat", flags, error);
    TnFileStat st = {0};

    if (fd < 0 || !tn_filestat_read(fd, &st, error))
        return FALSE;
    result->type = g_strdup(st.type);
    result->size = (gint64)st.size;
    result->mode = st.mode;
    result->uid = st.uid;
    result->gid = st.gid;
    result->mtime_ns = st.mtime_ns;
    result->user = g_steal_pointer(&st.user);
    result->group = g_steal_pointer(&st.group);
    result->version = g_steal_pointer(&st.version);
    result->target = g_steal_pointer(&st.target);
    tn_filestat_clear(&st);
    return TRUE;
}

static EntryResult *
convert_entry(TnDirEntry *entry)
{
    EntryResult *result = g_new0(EntryResult, 1);

    if (!g_utf8_validate(entry->name, -1, NULL))
        result->name_b64 = g_base64_encode((const guchar *)entry->name, strlen(entry->name));
    result->name = g_steal_pointer(&entry->name);
    result->type = g_strdup(entry->type);
    result->size = (gint64)entry->size;
    result->mode = entry->mode;
    result->mtime_ns = entry->mtime_ns;
    return result;
}

static gboolean
run_list(TnCall *call, const void *data, void *data_result, GError **error)
{
    const InfoArgs *args = data;
    ListResult *result = data_result;
    tn_autofd int fd = open_granted(call, args, "list", TN_OPEN_READ | TN_OPEN_DIRECTORY, error);
    g_autoptr(GPtrArray) entries = NULL;
    gboolean more = FALSE;

    if (fd < 0)
        return FALSE;
    entries = tn_filestat_list(
        fd, args->after, args->has_max ? (guint)args->max : DEFAULT_LIST_ENTRIES, &more, error);
    if (entries == NULL)
        return FALSE;
    result->entries = g_ptr_array_new();
    for (guint i = 0; i < entries->len; i++)
        g_ptr_array_add(result->entries, convert_entry(entries->pdata[i]));
    result->more = more;
    return TRUE;
}

static gboolean
check_version(const InfoArgs *args, const char *version, GError **error)
{
    if (args->version == NULL || strcmp(args->version, version) == 0)
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NOT_FOUND,
                "failed to read '%s': the file has changed: its version is %s", args->path,
                version);
    return FALSE;
}

/* What the rule lets be read of one file in one go, and what the channel carries. */
static guint64
get_size(TnCall *call, const InfoArgs *args)
{
    const TnOpenSpec *spec = tn_open_plan_get_spec(tn_grant_get_open_plan(tn_call_get_grant(call)));
    guint64 size = args->has_count ? (guint64)args->count : TN_FILE_READ_LIMIT_BYTES;

    if (spec->max_read_bytes != 0)
        size = MIN(size, spec->max_read_bytes);
    return tn_filebulk_fit(call, size);
}

static gboolean
get_content(TnCall *call, const InfoArgs *args, int fd, gboolean is_local, GetResult *result,
            GError **error)
{
    struct stat st;
    gint64 offset;
    int why = 0;

    if (fstat(fd, &st) != 0)
        return tn_error_from_errno(error, errno, "failed to read '%s'", args->path);
    result->size = st.st_size;
    result->version = tn_filestat_make_version(&st);
    if (!check_version(args, result->version, error))
        return FALSE;
    offset = S_ISREG(st.st_mode) ? args->offset : -1;
    result->data = (is_local ? tn_filebulk_new : tn_filebulk_load)(
        fd, offset, get_size(call, args), &result->count, &result->eof, &why);
    return result->data != NULL ||
           tn_error_from_errno(error, why, "failed to read '%s'", args->path);
}

/* In a worker. */
static gboolean
work_get(TnCall *call, const void *data, void *data_result, GError **error)
{
    GetResult *result = data_result;
    tn_autofd int fd = open_granted(call, data, "open", TN_OPEN_READ, error);
    gboolean is_local = fd >= 0 && tn_localfs_test(fd);

    if (fd < 0 || !get_content(call, data, fd, is_local, result, error))
        return FALSE;
    if (is_local)
        result->fd = tn_fd_steal(&fd);
    return TRUE;
}

static gboolean
end_get(TnCall *call, const void *args, void *data_result, GError **error)
{
    GetResult *result = data_result;

    if (result->fd >= 0)
        tn_localfs_learn(tn_call_get_context(call)->local, result->fd);
    tn_fd_clear(&result->fd);
    return *error == NULL;
}

static gboolean
run_get(TnCall *call, const void *data, void *data_result, GError **error)
{
    const InfoArgs *args = data;
    GetResult *result = data_result;
    g_autoptr(GError) why = NULL;
    tn_autofd int fd = tn_open_plan_open_now(tn_grant_get_open_plan(tn_call_get_grant(call)),
                                             TN_OPEN_READ, tn_call_get_context(call)->local, &why);

    result->fd = -1;
    if (fd == TN_OPEN_MIGHT_BLOCK)
        return tn_call_go_on(call, work_get, end_get);
    if (fd < 0)
        return fail_to_open(args, "open", why, error);
    return get_content(call, args, fd, TRUE, result, error);
}

static gboolean
run_hash(TnCall *call, const void *data, void *data_result, GError **error)
{
    const InfoArgs *args = data;
    HashResult *result = data_result;
    tn_autofd int fd = open_granted(call, args, "open", TN_OPEN_READ, error);
    struct stat st;

    if (fd < 0)
        return FALSE;
    if (fstat(fd, &st) != 0)
        return tn_error_from_errno(error, errno, "failed to read '%s'", args->path);
    if (!S_ISREG(st.st_mode)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "failed to read '%s': not a regular file", args->path);
        return FALSE;
    }
    result->version = tn_filestat_make_version(&st);
    result->sha256 = tn_sha256_of_fd(fd, args->offset, args->has_count ? args->count : -1,
                                     &result->bytes, error);
    if (result->sha256 == NULL)
        g_prefix_error(error, "failed to read '%s': ", args->path);
    return result->sha256 != NULL;
}

static const TnCommand fileinfo_commands[] = {
    {
        .name = "tenon-file-stat",
        .group = "@file-read",
        .args = stat_args,
        .args_size = sizeof(InfoArgs),
        .result = &stat_result,
        .result_size = sizeof(StatResult),
        .run = run_stat,
        .flags = TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "what a file is",
    },
    {
        .name = "tenon-file-list",
        .group = "@file-read",
        .args = list_args,
        .args_size = sizeof(InfoArgs),
        .result = &list_result,
        .result_size = sizeof(ListResult),
        .run = run_list,
        .flags = TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "entries of a directory",
    },
    {
        .name = "tenon-file-get",
        .group = "@file-read",
        .args = get_args,
        .args_size = sizeof(InfoArgs),
        .result = &get_result,
        .result_size = sizeof(GetResult),
        .run = run_get,
        .since = "0.1",
        .doc = "open, read and close a file in one",
    },
    {
        .name = "tenon-file-hash",
        .group = "@file-read",
        .args = hash_args,
        .args_size = sizeof(InfoArgs),
        .result = &hash_result,
        .result_size = sizeof(HashResult),
        .run = run_hash,
        .flags = TN_COMMAND_BLOCKING,
        .since = "0.1",
        .doc = "sha256 of a file or a part of it",
    },
    {0},
};

const TnModule tn_fileinfo_module = {
    .name = "fileinfo",
    .commands = fileinfo_commands,
};
