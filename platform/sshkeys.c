/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authorized_keys as its owner. The thread takes on the user's file system ids and no
 * supplementary groups for the whole work, so whatever the user put in the way (links, FIFOs,
 * other people's files) is met with the user's rights. The new text goes to a hidden file in .ssh
 * and takes the old one's place by rename: sshd never sees half a file.
 */

#include "platform/sshkeys.h"
#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FILE_LIMIT_BYTES = 1024 * 1024,
    GROUPS_MAX = 65536, /* NGROUPS_MAX */
};

#define FILE_NAME "authorized_keys"

/* The rights that this thread had before. */
typedef struct {
    uid_t fsuid;
    gid_t fsgid;
    gid_t *groups;
    int n_groups;
} Rights;

/* System calls by number: glibc's setgroups changes all threads (nptl(7)). */
static gboolean
take_rights(const TnAccount *user, Rights *before, GError **error)
{
    before->groups = g_new(gid_t, GROUPS_MAX);
    before->n_groups = getgroups(GROUPS_MAX, before->groups);
    if (before->n_groups < 0 || (user->uid != 0 && syscall(SYS_setgroups, 0, NULL) != 0)) {
        int saved = errno;

        g_clear_pointer(&before->groups, g_free);
        return tn_error_from_errno(error, saved, "failed to drop groups");
    }
    before->fsgid = (gid_t)setfsgid(user->gid);
    before->fsuid = (uid_t)setfsuid(user->uid);
    return TRUE;
}

static void
give_rights_back(const TnAccount *user, Rights *before)
{
    setfsuid(before->fsuid);
    setfsgid(before->fsgid);
    if (user->uid != 0)
        (void)syscall(SYS_setgroups, before->n_groups, before->groups);
    g_free(before->groups);
}

static gboolean
refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "'%s' %s", path, why);
    return FALSE;
}

static gboolean
check_owner(int fd, const TnAccount *user, const char *path, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return tn_error_from_errno(error, errno, "stat '%s'", path);
    return st.st_uid == user->uid || refuse(error, path, "belongs to somebody else");
}

/* A directory that is not a link and belongs to the user; -1 and errno's text else. */
static int
open_directory(int at, const char *name, const TnAccount *user, const char *path, GError **error)
{
    tn_autofd int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        struct stat st;
        int saved = errno;

        if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            refuse(error, path, "is a link");
        else
            tn_error_from_errno(error, saved, "open '%s'", path);
        return -1;
    }
    return check_owner(fd, user, path, error) ? tn_fd_steal(&fd) : -1;
}

/* The user's .ssh, made when MAKE; -1 without an error when it is missing and not to be made. */
static int
open_ssh_directory(const TnAccount *user, gboolean make, GError **error)
{
    g_autofree char *path = g_build_filename(user->home, ".ssh", NULL);
    tn_autofd int home = open_directory(AT_FDCWD, user->home, user, user->home, error);
    struct stat st;

    if (home < 0)
        return -1;
    if (fstatat(home, ".ssh", &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) {
            tn_error_from_errno(error, errno, "open '%s'", path);
            return -1;
        }
        if (!make)
            return -1;
        if (mkdirat(home, ".ssh", 0700) != 0 && errno != EEXIST) {
            tn_error_from_errno(error, errno, "mkdir '%s'", path);
            return -1;
        }
    }
    return open_directory(home, ".ssh", user, path, error);
}

/* The file's text and mode; *RET_TEXT stays NULL when there is no file. */
static gboolean
read_text(int dir, const TnAccount *user, char **ret_text, mode_t *ret_mode, GError **error)
{
    g_autofree char *path = g_build_filename(user->home, ".ssh", FILE_NAME, NULL);
    tn_autofd int fd = openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return TRUE;
    if (fd < 0 && errno == ELOOP)
        return refuse(error, path, "is a link");
    if (fd < 0)
        return tn_error_from_errno(error, errno, "open '%s'", path);
    if (fstat(fd, &st) != 0)
        return tn_error_from_errno(error, errno, "stat '%s'", path);
    if (!S_ISREG(st.st_mode))
        return refuse(error, path, "is not a regular file");
    if (st.st_uid != user->uid)
        return refuse(error, path, "belongs to somebody else");
    if (!tn_fd_read_all(fd, path, FILE_LIMIT_BYTES, ret_text, NULL, error))
        return FALSE;
    *ret_mode = st.st_mode & 07777;
    return TRUE;
}

static gboolean
write_and_rename(int dir, int fd, const char *hidden, const GString *text, mode_t mode)
{
    g_autoptr(GError) why = NULL;

    if (!tn_fd_write_all(fd, text->str, text->len, &why))
        return FALSE;
    return fchmod(fd, mode) == 0 && fsync(fd) == 0 && renameat(dir, hidden, dir, FILE_NAME) == 0;
}

static gboolean
replace_text(int dir, const TnAccount *user, const GString *text, mode_t mode, GError **error)
{
    g_autofree char *hidden =
        g_strdup_printf(".%s.%08x%08x", FILE_NAME, g_random_int(), g_random_int());
    tn_autofd int fd =
        openat(dir, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int saved;

    if (fd >= 0 && write_and_rename(dir, fd, hidden, text, mode)) {
        (void)fsync(dir);
        return TRUE;
    }
    saved = errno;
    if (fd >= 0)
        (void)unlinkat(dir, hidden, 0);
    return tn_error_from_errno(error, saved, "failed to write '%s/.ssh/%s'", user->home, FILE_NAME);
}

static gboolean
is_key_line(const char *line)
{
    while (*line == ' ' || *line == '\t')
        line++;
    return *line != '\0' && *line != '#';
}

static gboolean
check_keys(const char *const *keys, GError **error)
{
    for (gsize i = 0; keys[i] != NULL; i++) {
        gboolean good = is_key_line(keys[i]);

        for (const char *at = keys[i]; good && *at != '\0'; at++)
            good = !g_ascii_iscntrl(*at) || *at == '\t';
        if (!good) {
            g_autofree char *shown = g_strescape(keys[i], NULL);

            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        "invalid OpenSSH public key: '%s'", shown);
            return FALSE;
        }
    }
    return TRUE;
}

static void
append_line(GString *text, const char *line)
{
    g_string_append(text, line);
    g_string_append_c(text, '\n');
}

/* Lines of TEXT, a carriage return or missing newline at the end notwithstanding. */
static char **
split_lines(const char *text)
{
    char **lines = g_strsplit(text, "\n", -1);
    guint n = g_strv_length(lines);

    if (n > 0 && lines[n - 1][0] == '\0')
        g_clear_pointer(&lines[n - 1], g_free);
    return lines;
}

static gboolean
has_key(const char *const *keys, const char *line)
{
    return keys != NULL && g_strv_contains(keys, line);
}

typedef struct {
    const char *const *add;
    const char *const *drop;
    gboolean reset;
    char ***ret_keys; /* read only */
} Change;

static void
collect_keys(const char *text, char ***ret_keys)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_auto(GStrv) lines = split_lines(text);

    for (guint i = 0; lines[i] != NULL; i++)
        if (is_key_line(lines[i]))
            g_ptr_array_add(keys, g_strdup(g_strchomp(lines[i])));
    g_ptr_array_add(keys, NULL);
    *ret_keys = (char **)g_ptr_array_free(g_steal_pointer(&keys), FALSE);
}

static GString *
build_text(const char *old, const Change *change)
{
    g_auto(GStrv) lines = split_lines(old != NULL && !change->reset ? old : "");
    GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
    GString *text = g_string_new(NULL);

    for (guint i = 0; lines[i] != NULL; i++) {
        if (has_key(change->drop, lines[i]))
            continue;
        g_hash_table_add(seen, lines[i]);
        append_line(text, lines[i]);
    }
    for (gsize i = 0; change->add != NULL && change->add[i] != NULL; i++)
        if (g_hash_table_add(seen, (gpointer)(uintptr_t)change->add[i]))
            append_line(text, change->add[i]);
    g_hash_table_unref(seen);
    return text;
}

static gboolean
work_as_user(const TnAccount *user, const Change *change, GError **error)
{
    g_autoptr(GError) why = NULL;
    tn_autofd int dir = open_ssh_directory(user, change->add != NULL, &why);
    g_autofree char *old = NULL;
    GString *text;
    mode_t mode = 0600;
    gboolean ok;

    if (dir < 0 && why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (dir >= 0 && !read_text(dir, user, &old, &mode, error))
        return FALSE;
    if (change->ret_keys != NULL && old == NULL)
        return tn_error_from_errno(error, ENOENT, "open '%s/.ssh/%s'", user->home, FILE_NAME);
    if (change->ret_keys != NULL) {
        collect_keys(old, change->ret_keys);
        return TRUE;
    }
    if (old == NULL && change->add == NULL)
        return TRUE;
    text = build_text(old, change);
    ok = (old != NULL && strcmp(old, text->str) == 0) || replace_text(dir, user, text, mode, error);
    g_string_free(text, TRUE);
    return ok;
}

static gboolean
change_keys(const TnAccount *user, const Change *change, GError **error)
{
    Rights before = {0};
    gboolean ok;

    if (!take_rights(user, &before, error))
        return FALSE;
    ok = work_as_user(user, change, error);
    give_rights_back(user, &before);
    return ok;
}

char **
tn_sshkeys_read(const TnAccount *user, GError **error)
{
    char **keys = NULL;
    const Change change = {.ret_keys = &keys};

    return change_keys(user, &change, error) ? keys : NULL;
}

gboolean
tn_sshkeys_add(const TnAccount *user, const char *const *keys, gboolean reset, GError **error)
{
    const Change change = {.add = keys, .reset = reset};

    return check_keys(keys, error) && change_keys(user, &change, error);
}

gboolean
tn_sshkeys_remove(const TnAccount *user, const char *const *keys, GError **error)
{
    const Change change = {.drop = keys};

    return check_keys(keys, error) && change_keys(user, &change, error);
}
