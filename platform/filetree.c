/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names and attributes. Everything works on a pinned directory and one name in it, never on a
 * path that somebody could exchange in between.
 */

#include "platform/filetree.h"
#include "platform/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* Each level of a tree that is being removed holds a descriptor. */
    DEPTH_MAX = 128,
    NAME_BUFFER_BYTES = 16384,
};

#define RENAME_NOREPLACE_FLAG 1u /* RENAME_NOREPLACE, renameat2(2) */

typedef struct {
    int fd;
    DIR *dir;
    char *name; /* in the level above */
} Level;

static gboolean
fail_with_errno(GError **error, int saved_errno)
{
    g_set_error_literal(error, G_IO_ERROR, (int)g_io_error_from_errno(saved_errno),
                        g_strerror(saved_errno));
    return FALSE;
}

/* The directory NAME in AT, made when it is missing. */
static int
enter_or_make(const TnOpenPlan *plan, int at, const char *name, mode_t mode)
{
    int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int fd;

    /* Below a rule, a link among the parents could lead out. */
    if (tn_open_plan_get_spec(plan)->below != NULL)
        flags |= O_NOFOLLOW;
    fd = openat(at, name, flags | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (mkdirat(at, name, mode) != 0 && errno != EEXIST)
        return -1;
    return openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
}

static gboolean
make_parents(const TnOpenPlan *plan, mode_t mode, GError **error)
{
    const char *rest = NULL;
    tn_autofd int at = tn_open_plan_open_base(plan, &rest, error);
    g_auto(GStrv) parts = NULL;

    if (at < 0)
        return FALSE;
    parts = g_strsplit(rest, "/", -1);
    for (guint i = 0; parts[i] != NULL; i++) {
        int next;

        if (parts[i][0] == '\0' || strcmp(parts[i], ".") == 0)
            continue;
        if (strcmp(parts[i], "..") == 0)
            return fail_with_errno(error, EACCES);
        next = enter_or_make(plan, at, parts[i], mode);
        if (next < 0)
            return fail_with_errno(error, errno);
        close(at);
        at = next;
    }
    return TRUE;
}

static gboolean
make_one(const TnOpenPlan *plan, mode_t mode, GError **error)
{
    g_autofree char *name = NULL;
    tn_autofd int dir = tn_open_plan_open_parent(plan, &name, error);
    tn_autofd int made = -1;

    if (dir < 0)
        return FALSE;
    if (mkdirat(dir, name, mode) != 0)
        return fail_with_errno(error, errno);
    /* The umask took bits away from the mode; the directory is ours and empty, so put them back. */
    made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (made < 0 || fchmod(made, mode) != 0)
        return fail_with_errno(error, errno);
    return TRUE;
}

gboolean
tn_filetree_mkdir(const TnOpenPlan *plan, gboolean parents, mode_t mode, GError **error)
{
    TnFsIdentity before;
    gboolean ok;

    if (!tn_open_plan_get_spec(plan)->may_create)
        return fail_with_errno(error, EACCES);
    before = tn_open_plan_enter(plan);
    ok = parents ? make_parents(plan, mode, error) : make_one(plan, mode, error);
    tn_open_plan_leave(&before);
    return ok;
}

static void
leave_level(GArray *levels)
{
    Level *top = &g_array_index(levels, Level, levels->len - 1);

    closedir(top->dir);
    g_free(top->name);
    g_array_set_size(levels, levels->len - 1);
}

static gboolean
enter_level(GArray *levels, int at, const char *name, dev_t device)
{
    Level level = {.fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat st;

    if (level.fd < 0)
        return FALSE;
    if (fstat(level.fd, &st) != 0 || st.st_dev != device || levels->len >= DEPTH_MAX) {
        errno = levels->len >= DEPTH_MAX ? ENAMETOOLONG : EXDEV;
        tn_fd_clear(&level.fd);
        return FALSE;
    }
    level.dir = fdopendir(level.fd);
    if (level.dir == NULL) {
        tn_fd_clear(&level.fd);
        return FALSE;
    }
    level.name = g_strdup(name);
    g_array_append_val(levels, level);
    return TRUE;
}

/* One step of the walk: removes an entry, goes down into a directory or up from an empty one. */
static gboolean
step_removal(GArray *levels, int at, dev_t device)
{
    Level *top = &g_array_index(levels, Level, levels->len - 1);
    const struct dirent *entry;

    errno = 0;
    entry = readdir(top->dir); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
    if (entry == NULL && errno != 0)
        return FALSE;
    if (entry == NULL) {
        int above = levels->len > 1 ? g_array_index(levels, Level, levels->len - 2).fd : at;
        g_autofree char *name = g_strdup(top->name);

        leave_level(levels);
        return unlinkat(above, name, AT_REMOVEDIR) == 0;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return TRUE;
    if (unlinkat(top->fd, entry->d_name, 0) == 0 || errno == ENOENT)
        return TRUE;
    /* Linux says EISDIR, POSIX EPERM (unlink(2)). */
    if (errno != EISDIR && errno != EPERM)
        return FALSE;
    return enter_level(levels, top->fd, entry->d_name, device);
}

static gboolean
remove_tree(int at, const char *name)
{
    g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(Level));
    struct stat st;
    gboolean ok;
    int saved;

    ok = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         enter_level(levels, at, name, st.st_dev);
    while (ok && levels->len > 0)
        ok = step_removal(levels, at, st.st_dev);
    saved = errno;
    while (levels->len > 0)
        leave_level(levels);
    errno = saved;
    return ok;
}

static gboolean
remove_name(int at, const char *name, gboolean recursive)
{
    if (unlinkat(at, name, 0) == 0)
        return TRUE;
    if (errno != EISDIR && errno != EPERM)
        return FALSE;
    if (unlinkat(at, name, AT_REMOVEDIR) == 0)
        return TRUE;
    return recursive && (errno == ENOTEMPTY || errno == EEXIST) && remove_tree(at, name);
}

gboolean
tn_filetree_remove(const TnOpenPlan *plan, gboolean recursive, GError **error)
{
    g_autofree char *name = NULL;
    tn_autofd int dir = -1;
    TnFsIdentity before;
    gboolean ok;

    if (!tn_open_plan_get_spec(plan)->may_write)
        return fail_with_errno(error, EACCES);
    dir = tn_open_plan_open_parent(plan, &name, error);
    if (dir < 0)
        return FALSE;
    before = tn_open_plan_enter(plan);
    ok = remove_name(dir, name, recursive);
    tn_open_plan_leave(&before);
    return ok || fail_with_errno(error, errno);
}

gboolean
tn_filetree_rename(const TnOpenPlan *from, const TnOpenPlan *to, gboolean no_replace,
                   GError **error)
{
    g_autofree char *old_name = NULL;
    g_autofree char *new_name = NULL;
    tn_autofd int old_dir = -1;
    tn_autofd int new_dir = -1;
    TnFsIdentity before;
    long how;

    if (!tn_open_plan_get_spec(from)->may_write || !tn_open_plan_get_spec(to)->may_create ||
        (!no_replace && !tn_open_plan_get_spec(to)->may_write))
        return fail_with_errno(error, EACCES);
    old_dir = tn_open_plan_open_parent(from, &old_name, error);
    if (old_dir < 0)
        return FALSE;
    new_dir = tn_open_plan_open_parent(to, &new_name, error);
    if (new_dir < 0)
        return FALSE;
    before = tn_open_plan_enter(from);
    how = syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name,
                  no_replace ? RENAME_NOREPLACE_FLAG : 0);
    tn_open_plan_leave(&before);
    return how == 0 || fail_with_errno(error, errno);
}

static gboolean
set_attributes(const char *path, gint64 mode, gint64 uid, gint64 gid, gint64 mtime_ns)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};

    if ((uid >= 0 || gid >= 0) &&
        chown(path, uid >= 0 ? (uid_t)uid : (uid_t)-1, gid >= 0 ? (gid_t)gid : (gid_t)-1) != 0)
        return FALSE;
    if (mode >= 0 && chmod(path, (mode_t)mode & 07777) != 0)
        return FALSE;
    if (mtime_ns == G_MININT64)
        return TRUE;
    times[1].tv_sec = mtime_ns / 1000000000;
    times[1].tv_nsec = mtime_ns % 1000000000;
    if (times[1].tv_nsec < 0) { /* before 1970: seconds round down */
        times[1].tv_nsec += 1000000000;
        times[1].tv_sec--;
    }
    return utimensat(AT_FDCWD, path, times, 0) == 0;
}

gboolean
tn_filetree_set(const TnOpenPlan *plan, gint64 mode, gint64 uid, gint64 gid, gint64 mtime_ns,
                GError **error)
{
    tn_autofd int fd = -1;
    TnFsIdentity before;
    struct stat st;
    char path[64];
    gboolean ok;

    if (!tn_open_plan_get_spec(plan)->may_write)
        return fail_with_errno(error, EACCES);
    fd = tn_open_plan_open(plan, TN_OPEN_PATH | TN_OPEN_NOFOLLOW, error);
    if (fd < 0)
        return FALSE;
    if (fstat(fd, &st) != 0)
        return fail_with_errno(error, errno);
    if (S_ISLNK(st.st_mode))
        return fail_with_errno(error, ELOOP);
    /* An O_PATH descriptor takes no fchmod; its magic link leads to the very same object. */
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    before = tn_open_plan_enter(plan);
    ok = set_attributes(path, mode, uid, gid, mtime_ns);
    tn_open_plan_leave(&before);
    return ok || fail_with_errno(error, errno);
}

static gint64
parse_id(const char *text)
{
    guint64 number = 0;

    /* 2^32-1 means "unchanged" to chown(2). */
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &number, NULL) ? (gint64)number
                                                                                   : -1;
}

gint64
tn_filetree_find_uid(const char *user)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct passwd record;
    struct passwd *found = NULL;

    if (getpwnam_r(user, &record, buffer, NAME_BUFFER_BYTES, &found) == 0 && found != NULL)
        return found->pw_uid;
    return parse_id(user);
}

gint64
tn_filetree_find_gid(const char *group)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER_BYTES);
    struct group record;
    struct group *found = NULL;

    if (getgrnam_r(group, &record, buffer, NAME_BUFFER_BYTES, &found) == 0 && found != NULL)
        return found->gr_gid;
    return parse_id(group);
}
