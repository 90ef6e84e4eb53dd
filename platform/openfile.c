/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opening below a pinned directory. With a rule ("below"), the rule's directory is opened without
 * following any link, the rest is resolved beneath it by the kernel, what was found is examined
 * through an O_PATH descriptor, and that very object is reopened through /proc/self/fd. Without a
 * rule the path is free, as qemu-ga's is, but existing objects are still examined before they are
 * truncated, and new ones are created with O_EXCL.
 *
 * Where openat2 is missing (before Linux 5.6) the rest is walked one component at a time with
 * O_NOFOLLOW; such a walk cannot follow links safely, so a link is refused there.
 */

#include "platform/openfile.h"
#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* openat2 answers EAGAIN when a rename crossed its walk: 187 in 200,000 opens under attack. */
    RESOLVE_TRIES = 16,
    /* Creation races with removal of what was found; each round is one full look. */
    CREATE_TRIES = 8,
    /* No path that open(2) takes in one piece has more components than this. */
    DEPTH_MAX = 2048,
    FORBIDDEN_MAX = 32,
    FDINFO_LIMIT_BYTES = 4096,
};

struct TnOpenPlan {
    gatomicrefcount refs;
    TnOpenSpec *spec;
};

TnOpenSpec *
tn_open_spec_new(void)
{
    return g_new0(TnOpenSpec, 1);
}

void
tn_open_spec_free(TnOpenSpec *spec)
{
    if (spec == NULL)
        return;
    g_free(spec->path);
    g_free(spec->below);
    g_free(spec);
}

TnOpenPlan *
tn_open_plan_seal(TnOpenSpec *take_spec)
{
    TnOpenPlan *plan = g_new0(TnOpenPlan, 1);

    g_atomic_ref_count_init(&plan->refs);
    plan->spec = take_spec;
    return plan;
}

TnOpenPlan *
tn_open_plan_ref(const TnOpenPlan *plan)
{
    /* The count is not part of what the plan promises. */
    TnOpenPlan *counted = (TnOpenPlan *)(uintptr_t)plan;

    g_atomic_ref_count_inc(&counted->refs);
    return counted;
}

void
tn_open_plan_unref(TnOpenPlan *plan)
{
    if (plan == NULL || !g_atomic_ref_count_dec(&plan->refs))
        return;
    tn_open_spec_free(plan->spec);
    g_free(plan);
}

const TnOpenSpec *
tn_open_plan_get_spec(const TnOpenPlan *plan)
{
    return plan->spec;
}

gboolean
tn_open_flags_parse(const char *mode, TnOpenFlags *ret_flags)
{
    TnOpenFlags flags;

    switch (mode[0]) {
    case 'r':
        flags = TN_OPEN_READ;
        break;
    case 'w':
        flags = TN_OPEN_WRITE | TN_OPEN_CREATE | TN_OPEN_TRUNCATE;
        break;
    case 'a':
        flags = TN_OPEN_WRITE | TN_OPEN_CREATE | TN_OPEN_APPEND;
        break;
    default:
        return FALSE;
    }
    mode++;
    if (strcmp(mode, "+") == 0 || strcmp(mode, "b+") == 0 || strcmp(mode, "+b") == 0)
        flags |= TN_OPEN_READ | TN_OPEN_WRITE;
    else if (mode[0] != '\0' && strcmp(mode, "b") != 0)
        return FALSE;
    *ret_flags = flags;
    return TRUE;
}

/* Sets ERROR to strerror's text alone; always -1. */
static int
fail_with_errno(GError **error, int saved_errno)
{
    g_set_error_literal(error, G_IO_ERROR, (int)g_io_error_from_errno(saved_errno),
                        g_strerror(saved_errno));
    return -1;
}

/* The fs ids belong to this thread alone, and a change of fsuid from 0 takes CAP_FOWNER and its
 * like out of effect, so that ordinary permission bits decide (capabilities(7)). */
TnFsIdentity
tn_open_plan_enter(const TnOpenPlan *plan)
{
    const TnOpenSpec *spec = plan->spec;
    TnFsIdentity before = {0};
    int saved = errno;

    if (!spec->as_user)
        return before;
    before.fsgid = (gid_t)setfsgid(spec->gid);
    before.fsuid = (uid_t)setfsuid(spec->uid);
    before.changed = TRUE;
    errno = saved;
    return before;
}

void
tn_open_plan_leave(const TnFsIdentity *before)
{
    int saved = errno;

    if (!before->changed)
        return;
    setfsuid(before->fsuid);
    setfsgid(before->fsgid);
    errno = saved;
}

static int
call_openat2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned int)flags,
        .mode = (flags & O_CREAT) != 0 ? (uint64_t)mode : (uint64_t)0,
        .resolve = resolve,
    };

    for (int i = 0; i < RESOLVE_TRIES; i++) {
        long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);

        if (fd >= 0 || errno != EAGAIN || (resolve & RESOLVE_CACHED) != 0)
            return (int)fd;
    }
    errno = EACCES;
    return -1;
}

/* The number of the mount that FD is on, as text that the caller owns; NULL: not to be had. Source:
 * proc(5), /proc/PID/fdinfo. */
static char *
find_mount(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
    g_autofree char *text = NULL;
    const char *found = NULL;

    if (tn_fd_read_file(AT_FDCWD, path, FDINFO_LIMIT_BYTES, &text, NULL, NULL))
        found = strstr(text, "mnt_id:");
    return found != NULL ? g_strndup(found, strcspn(found, "\n")) : NULL;
}

/* What is not known to be on one mount is not. */
static gboolean
check_same_mount(int one, int other)
{
    g_autofree char *mount = find_mount(one);
    g_autofree char *other_mount = find_mount(other);

    if (mount != NULL && g_strcmp0(mount, other_mount) == 0)
        return TRUE;
    errno = EXDEV;
    return FALSE;
}

/* The walk for kernels without openat2: PATH is relative, and ".." and links are refused. */
static int
walk_components(int dir_fd, const char *path, int flags, mode_t mode, gboolean cross_mounts)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    tn_autofd int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    guint n = g_strv_length(parts);

    for (guint i = 0; at >= 0 && i < n; i++) {
        gboolean last = i + 1 == n;
        int next;

        if (parts[i][0] == '\0' || strcmp(parts[i], ".") == 0)
            continue;
        if (strcmp(parts[i], "..") == 0) {
            errno = EXDEV;
            return -1;
        }
        next = openat(at, parts[i],
                      last ? flags | O_NOFOLLOW | O_CLOEXEC
                           : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                      last ? mode : 0);
        if (next < 0)
            return -1;
        close(at);
        at = next;
        if (!cross_mounts && !check_same_mount(dir_fd, at))
            return -1;
    }
    return tn_fd_steal(&at);
}

/* How the rest of a path is resolved below the rule's directory. */
static uint64_t
get_resolve_flags(const TnOpenSpec *spec)
{
    uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

    if (!spec->symlinks)
        resolve |= RESOLVE_NO_SYMLINKS;
    if (!spec->cross_mounts)
        resolve |= RESOLVE_NO_XDEV;
    return resolve;
}

static int
open_beneath(const TnOpenSpec *spec, int dir_fd, const char *rest, int flags, mode_t mode)
{
    int fd = call_openat2(dir_fd, rest, flags, mode, get_resolve_flags(spec));

    if (fd < 0 && errno == ENOSYS)
        return walk_components(dir_fd, rest, flags, mode, spec->cross_mounts);
    return fd;
}

/* Where the look-up starts and what remains of the path from there. CACHED: RESOLVE_CACHED or 0. */
static int
open_base(const TnOpenSpec *spec, uint64_t cached, const char **ret_rest)
{
    gsize length;
    int fd;

    if (spec->below == NULL) {
        *ret_rest = spec->path;
        return AT_FDCWD;
    }
    length = strlen(spec->below);
    while (length > 0 && spec->below[length - 1] == '/')
        length--;
    if (strncmp(spec->path, spec->below, length) != 0 ||
        (spec->path[length] != '/' && spec->path[length] != '\0')) {
        errno = EACCES;
        return -1;
    }
    fd = call_openat2(AT_FDCWD, spec->below, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                      RESOLVE_NO_SYMLINKS | cached);
    if (fd < 0 && errno == ENOSYS && cached == 0) {
        tn_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        fd = walk_components(root, spec->below, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, TRUE);
    }
    *ret_rest = spec->path + length;
    while (**ret_rest == '/')
        (*ret_rest)++;
    if (**ret_rest == '\0')
        *ret_rest = ".";
    return fd;
}

static int
open_at(const TnOpenSpec *spec, int base, const char *rest, int flags, mode_t mode)
{
    if (spec->below == NULL)
        return openat(AT_FDCWD, rest, flags | O_CLOEXEC, mode);
    return open_beneath(spec, base, rest, flags | O_CLOEXEC, mode);
}

/* May what was found be opened? errno says why not. */
static gboolean
check_found(const TnOpenSpec *spec, const struct stat *st, TnOpenFlags flags)
{
    gboolean directory = S_ISDIR(st->st_mode);

    if (directory && (flags & TN_OPEN_WRITE) != 0) {
        errno = EISDIR;
        return FALSE;
    }
    if ((flags & TN_OPEN_DIRECTORY) != 0 && !directory) {
        errno = ENOTDIR;
        return FALSE;
    }
    if (spec->below == NULL || (flags & TN_OPEN_PATH) != 0)
        return TRUE;
    /* A directory is listed, never written: who may read below it may see its names. */
    if (spec->types != 0 && (spec->types & 1u << (st->st_mode >> 12)) == 0 && !directory) {
        errno = EACCES;
        return FALSE;
    }
    if (spec->max_read_bytes != 0 && (flags & TN_OPEN_READ) != 0 && S_ISREG(st->st_mode) &&
        (uint64_t)st->st_size > spec->max_read_bytes) {
        errno = EFBIG;
        return FALSE;
    }
    if (!spec->hardlinks && S_ISREG(st->st_mode) && st->st_nlink != 1) {
        errno = EACCES;
        return FALSE;
    }
    return TRUE;
}

static int
get_access_flags(TnOpenFlags flags)
{
    int how = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

    if ((flags & TN_OPEN_READ) != 0 && (flags & TN_OPEN_WRITE) != 0)
        how |= O_RDWR;
    else if ((flags & TN_OPEN_WRITE) != 0)
        how |= O_WRONLY;
    if ((flags & TN_OPEN_APPEND) != 0)
        how |= O_APPEND;
    return how;
}

/* Opens the very object behind the O_PATH descriptor FOUND. */
static int
reopen_found(int found, TnOpenFlags flags)
{
    char path[64];
    struct stat st;
    int fd;

    g_snprintf(path, sizeof path, "/proc/self/fd/%d", found);
    fd = open(path, get_access_flags(flags) | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if ((flags & TN_OPEN_TRUNCATE) != 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        ftruncate(fd, 0) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int
create_new(const TnOpenSpec *spec, int base, const char *rest, TnOpenFlags flags)
{
    int fd = open_at(spec, base, rest, get_access_flags(flags) | O_CREAT | O_EXCL,
                     spec->create_mode & 07777);

    /* The umask of the agent must not decide: the plan's mode does. */
    if (fd >= 0 && fchmod(fd, spec->create_mode & 07777) != 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static gboolean
check_asked(const TnOpenSpec *spec, TnOpenFlags flags)
{
    gboolean reads = (flags & (TN_OPEN_READ | TN_OPEN_DIRECTORY)) != 0;
    gboolean writes = (flags & TN_OPEN_WRITE) != 0;

    if ((reads && !spec->may_read) ||
        (spec->append_only && writes && (flags & TN_OPEN_APPEND) == 0) ||
        (writes && !spec->may_write && !spec->append_only && !spec->may_create)) {
        errno = EACCES;
        return FALSE;
    }
    return TRUE;
}

static gboolean
is_same_object(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The forbidden directories that exist, as objects. */
static guint
stat_forbidden(const TnOpenSpec *spec, struct stat *objects)
{
    guint n = 0;

    for (gsize i = 0; spec->forbidden[i] != NULL && n < FORBIDDEN_MAX; i++)
        if (stat(spec->forbidden[i], &objects[n]) == 0)
            n++;
    return n;
}

static gboolean
is_one_of(const struct stat *object, const struct stat *objects, guint n)
{
    for (guint i = 0; i < n; i++)
        if (is_same_object(object, &objects[i]))
            return TRUE;
    return FALSE;
}

/* FALSE and EACCES when DIR_FD is one of the forbidden directories or lies below one, also through
 * a bind mount or a link: objects are compared, not names. */
static gboolean
check_directory(const TnOpenSpec *spec, int dir_fd)
{
    struct stat forbidden[FORBIDDEN_MAX];
    tn_autofd int at = -1;
    struct stat here;
    struct stat above = {0};
    guint n;

    if (spec->forbidden == NULL)
        return TRUE;
    n = stat_forbidden(spec, forbidden);
    at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (at < 0 || fstat(at, &here) != 0)
        return FALSE;
    for (int i = 0; i < DEPTH_MAX; i++) {
        int up;

        if (is_one_of(&here, forbidden, n))
            break;
        up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up < 0)
            return FALSE;
        close(at);
        at = up;
        if (fstat(at, &above) != 0)
            return FALSE;
        if (is_same_object(&here, &above))
            return TRUE; /* the root */
        here = above;
    }
    errno = EACCES;
    return FALSE;
}

/* The directory of the last component, for check_directory. */
static gboolean
check_place(const TnOpenSpec *spec, int base, const char *rest)
{
    g_autofree char *dir = g_path_get_dirname(rest);
    tn_autofd int fd = open_at(spec, base, dir, O_PATH | O_DIRECTORY, 0);

    return fd >= 0 && check_directory(spec, fd);
}

/* Opens what an O_PATH descriptor found, if it may be. */
static int
open_found(const TnOpenSpec *spec, int take_found, TnOpenFlags flags)
{
    tn_autofd int found = take_found;
    struct stat st;

    if (fstat(found, &st) != 0 || !check_found(spec, &st, flags))
        return -1;
    if ((flags & TN_OPEN_EXCLUSIVE) != 0) {
        errno = EEXIST;
        return -1;
    }
    if ((flags & TN_OPEN_PATH) != 0)
        return tn_fd_steal(&found);
    if ((flags & TN_OPEN_WRITE) != 0 && !spec->may_write && !spec->append_only) {
        errno = EACCES; /* the rule lets new files be made, not old ones changed */
        return -1;
    }
    return reopen_found(found, flags);
}

static int
get_look_flags(TnOpenFlags flags)
{
    return O_PATH | O_CLOEXEC | ((flags & TN_OPEN_NOFOLLOW) != 0 ? O_NOFOLLOW : 0);
}

/* Looks, then opens what was seen, or creates what was not there. */
static int
look_and_open(const TnOpenSpec *spec, int base, const char *rest, TnOpenFlags flags)
{
    for (int i = 0; i < CREATE_TRIES; i++) {
        int found = open_at(spec, base, rest, get_look_flags(flags), 0);
        int fd;

        if (found >= 0)
            return open_found(spec, found, flags);
        if (errno != ENOENT || (flags & TN_OPEN_CREATE) == 0)
            return -1;
        if (!spec->may_create) {
            errno = EACCES;
            return -1;
        }
        fd = create_new(spec, base, rest, flags);
        /* Somebody else made it meanwhile: look at what they made. A dangling link ends here too,
         * after as many rounds: O_EXCL never writes through one. */
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* What leads out of the rule's directory was never allowed; how it was tried is not told. */
static int
fail_to_open(const TnOpenSpec *spec, int why, GError **error)
{
    if (spec->below != NULL && (why == EXDEV || why == ELOOP))
        why = EACCES;
    return fail_with_errno(error, why);
}

int
tn_open_plan_open(const TnOpenPlan *plan, TnOpenFlags flags, GError **error)
{
    const TnOpenSpec *spec = plan->spec;
    const char *rest = NULL;
    TnFsIdentity before;
    int base;
    int fd = -1;
    int why;

    if (!check_asked(spec, flags))
        return fail_with_errno(error, errno);
    base = open_base(spec, 0, &rest);
    if (base == -1)
        return fail_with_errno(error, errno);
    before = tn_open_plan_enter(plan);
    if (spec->forbidden == NULL || (flags & TN_OPEN_WRITE) == 0 || check_place(spec, base, rest))
        fd = look_and_open(spec, base, rest, flags);
    why = errno;
    tn_open_plan_leave(&before);
    if (base >= 0)
        close(base);
    return fd < 0 ? fail_to_open(spec, why, error) : fd;
}

/* The object, when it is in the kernel's memory and LOCAL; else -1. Why not is for a worker to
 * find: older kernels know no such flag, or no such call. */
static int
find_cached(const TnOpenSpec *spec, int base, const char *rest, TnOpenFlags flags,
            const TnLocalFs *local)
{
    uint64_t resolve = RESOLVE_CACHED | (spec->below != NULL ? get_resolve_flags(spec) : 0);
    tn_autofd int found = call_openat2(base, rest, get_look_flags(flags), 0, resolve);

    return found >= 0 && tn_localfs_knows(local, found) ? tn_fd_steal(&found) : -1;
}

int
tn_open_plan_open_now(const TnOpenPlan *plan, TnOpenFlags flags, const TnLocalFs *local,
                      GError **error)
{
    const TnOpenSpec *spec = plan->spec;
    const char *rest = NULL;
    TnFsIdentity before;
    int base;
    int found;
    int fd = TN_OPEN_MIGHT_BLOCK;
    int why;

    if ((flags & (TN_OPEN_WRITE | TN_OPEN_CREATE)) != 0)
        return TN_OPEN_MIGHT_BLOCK;
    if (!check_asked(spec, flags))
        return fail_with_errno(error, errno);
    base = open_base(spec, RESOLVE_CACHED, &rest);
    if (base == -1)
        return TN_OPEN_MIGHT_BLOCK;
    before = tn_open_plan_enter(plan);
    found = find_cached(spec, base, rest, flags, local);
    if (found >= 0)
        fd = open_found(spec, found, flags);
    why = errno;
    tn_open_plan_leave(&before);
    if (base >= 0)
        close(base);
    return fd == -1 ? fail_to_open(spec, why, error) : fd;
}

int
tn_open_plan_open_parent(const TnOpenPlan *plan, char **ret_name, GError **error)
{
    const TnOpenSpec *spec = plan->spec;
    g_autofree char *name = g_path_get_basename(spec->path);
    g_autofree char *dir = NULL;
    const char *rest = NULL;
    TnFsIdentity before;
    int base;
    int fd;
    int why;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "/") == 0 ||
        g_str_has_suffix(spec->path, "/"))
        return fail_with_errno(error, EINVAL);
    base = open_base(spec, 0, &rest);
    if (base == -1)
        return fail_with_errno(error, errno);
    dir = g_path_get_dirname(rest);
    before = tn_open_plan_enter(plan);
    fd = open_at(spec, base, dir, O_PATH | O_DIRECTORY, 0);
    if (fd >= 0 && !check_directory(spec, fd)) {
        why = errno;
        tn_fd_clear(&fd);
        errno = why;
    }
    why = errno;
    tn_open_plan_leave(&before);
    if (base >= 0)
        close(base);
    if (fd < 0)
        return fail_to_open(spec, why, error);
    *ret_name = g_steal_pointer(&name);
    return fd;
}

int
tn_open_plan_open_base(const TnOpenPlan *plan, const char **ret_rest, GError **error)
{
    const char *rest = NULL;
    int base = open_base(plan->spec, 0, &rest);

    if (base == AT_FDCWD) {
        base = open(rest[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        while (*rest == '/')
            rest++;
    }
    if (base < 0)
        return fail_with_errno(error, errno);
    *ret_rest = *rest != '\0' ? rest : ".";
    return base;
}
