/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order is the point. A loop device writes into its backing file when its own file system is
 * flushed by FIFREEZE; if the file system of that file is frozen already the flush never ends. So
 * each file system gets a level, one more than that of the file system its files lie on, and higher
 * levels go first. Nothing is allocated on disk and nothing opened between the first FIFREEZE and
 * the last FITHAW; the journal then takes single writes to a descriptor that is open.
 */

#include "platform/fsfreeze.h"

#include "platform/fd.h"
#include "platform/filesystems.h"
#include "platform/sysroot.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

enum {
    DEVICES_MAX = 256, /* looked at below one file system */
    THAWS_MAX = 64,    /* of one file system; each FITHAW undoes one FIFREEZE */
    JOURNAL_LIMIT_BYTES = 1024 * 1024,
};

struct TnFreezeJournal {
    int fd;
    gboolean is_live; /* in memory: each step is noted */
};

static int
open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int
freeze_real(int fd)
{
    return ioctl(fd, FIFREEZE, 0);
}

static int
thaw_real(int fd)
{
    return ioctl(fd, FITHAW, 0);
}

const TnFsfreezeOps tn_fsfreeze_ops = {
    .open = open_directory,
    .freeze = freeze_real,
    .thaw = thaw_real,
};

static void
free_item(gpointer data)
{
    TnFreezeItem *item = data;

    tn_fd_clear(&item->fd);
    g_free(item->path);
    g_free(item->name);
    g_free(item);
}

static GPtrArray *
make_items(void)
{
    return g_ptr_array_new_with_free_func(free_item);
}

static TnFreezeItem *
add_item(GPtrArray *items, const char *path, const char *name)
{
    TnFreezeItem *item = g_new0(TnFreezeItem, 1);

    item->path = g_strdup(path);
    item->name = g_strdup(name);
    item->fd = -1;
    g_ptr_array_add(items, item);
    return item;
}

/* The item whose mount point is the longest beginning of FILE. */
static TnFreezeItem *
find_holder(const GPtrArray *items, const char *file)
{
    TnFreezeItem *found = NULL;
    gsize best = 0;

    for (guint i = 0; i < items->len; i++) {
        TnFreezeItem *item = g_ptr_array_index(items, i);
        gsize size = strlen(item->path);

        while (size > 0 && item->path[size - 1] == '/')
            size--;
        if (strncmp(file, item->path, size) == 0 && file[size] == '/' &&
            (found == NULL || size > best)) {
            found = item;
            best = size;
        }
    }
    return found;
}

/* Adds the names of what device NAME is made of. */
static void
add_slaves(int root_fd, const char *name, GPtrArray *names)
{
    g_autofree char *path = g_strdup_printf("/sys/class/block/%s/slaves", name);
    g_autoptr(GPtrArray) slaves = tn_sysroot_list(root_fd, path, DEVICES_MAX);

    for (guint i = 0; slaves != NULL && i < slaves->len && names->len < DEVICES_MAX; i++)
        g_ptr_array_add(names, g_strdup(slaves->pdata[i]));
}

/* The file that a loop device, or the one that NAME is a partition of, stands on. */
static gboolean
read_backing_file(int root_fd, const char *name, char *buffer, gsize size)
{
    static const char *const places[] = {"loop/backing_file", "../loop/backing_file"};

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_strdup_printf("/sys/class/block/%s/%s", name, places[i]);

        if (tn_sysroot_read_attr(root_fd, path, buffer, size) > 0)
            return TRUE;
    }
    return FALSE;
}

/* Raises what ITEM stands on below ITEM's level; TRUE if that changed anything. */
static gboolean
sink_holders(int root_fd, const GPtrArray *items, TnFreezeItem *item)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    gboolean changed = FALSE;
    char file[PATH_MAX];

    g_ptr_array_add(names, g_strdup(item->name));
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        TnFreezeItem *holder = NULL;

        add_slaves(root_fd, name, names);
        if (read_backing_file(root_fd, name, file, sizeof(file)))
            holder = find_holder(items, file);
        if (holder != NULL && holder != item && item->level <= holder->level) {
            item->level = holder->level + 1;
            changed = TRUE;
        }
    }
    return changed;
}

static int
compare_levels(gconstpointer a, gconstpointer b, gpointer data)
{
    const TnFreezeItem *one = *(TnFreezeItem *const *)a;
    const TnFreezeItem *other = *(TnFreezeItem *const *)b;

    return (one->level < other->level) - (one->level > other->level);
}

/* g_ptr_array_sort_with_data() is stable. */
static void
sort_items(int root_fd, GPtrArray *items)
{
    gboolean changed = TRUE;

    /* As many turns as items settle every chain; a ring, which cannot be, ends as well. */
    for (guint turn = 0; changed && turn < items->len; turn++) {
        changed = FALSE;
        for (guint i = 0; i < items->len; i++)
            changed |= sink_holders(root_fd, items, g_ptr_array_index(items, i));
    }
    g_ptr_array_sort_with_data(items, compare_levels, NULL);
}

static gboolean
is_same_path(const char *wanted, const char *path)
{
    gsize size = strlen(wanted);

    while (size > 1 && wanted[size - 1] == '/')
        size--;
    return strlen(path) == size && strncmp(wanted, path, size) == 0;
}

static GPtrArray *
choose_items(GPtrArray *items, const char *const *wanted, GPtrArray *unknown)
{
    GPtrArray *chosen = make_items();

    for (guint i = 0; i < items->len; i++) {
        const TnFreezeItem *item = g_ptr_array_index(items, i);
        gboolean is_wanted = FALSE;

        for (gsize j = 0; !is_wanted && wanted[j] != NULL; j++)
            is_wanted = is_same_path(wanted[j], item->path);
        if (is_wanted)
            add_item(chosen, item->path, item->name)->level = item->level;
    }
    for (gsize j = 0; unknown != NULL && wanted[j] != NULL; j++) {
        gboolean is_known = FALSE;

        for (guint i = 0; !is_known && i < items->len; i++)
            is_known = is_same_path(wanted[j], ((TnFreezeItem *)g_ptr_array_index(items, i))->path);
        if (!is_known)
            g_ptr_array_add(unknown, g_strdup(wanted[j]));
    }
    return chosen;
}

GPtrArray *
tn_fsfreeze_list(int root_fd, const char *const *wanted, GPtrArray **ret_unknown, GError **error)
{
    g_autoptr(GPtrArray) found = tn_filesystems_read(root_fd, TN_FILESYSTEMS_ON_DISKS, error);
    g_autoptr(GPtrArray) items = make_items();

    if (found == NULL)
        return NULL;
    for (guint i = 0; i < found->len; i++) {
        const TnFilesystem *filesystem = g_ptr_array_index(found, i);

        if (!g_str_has_prefix(filesystem->type, "fuse"))
            add_item(items, filesystem->path, filesystem->name);
    }
    sort_items(root_fd, items);
    if (ret_unknown != NULL)
        *ret_unknown = g_ptr_array_new_with_free_func(g_free);
    if (wanted != NULL)
        return choose_items(items, wanted, ret_unknown != NULL ? *ret_unknown : NULL);
    return g_steal_pointer(&items);
}

gboolean
tn_fsfreeze_open(GPtrArray *items, const TnFsfreezeOps *ops, GError **error)
{
    for (guint i = 0; i < items->len; i++) {
        TnFreezeItem *item = g_ptr_array_index(items, i);

        item->fd = ops->open(item->path);
        if (item->fd < 0 && errno == ENOTDIR) /* a file is mounted over: its directory is not */
            item->state = TN_FREEZE_SKIPPED;
        else if (item->fd < 0)
            return tn_error_from_errno(error, errno, "failed to open %s", item->path);
    }
    return TRUE;
}

/* One line, in one write: "WORD NAME PATH", the path escaped. */
static gboolean
note(TnFreezeJournal *journal, const char *word, const TnFreezeItem *item)
{
    g_autofree char *path = g_strescape(item->path, NULL);
    g_autofree char *line = g_strdup_printf("%s %s %s\n", word, item->name, path);

    return tn_fd_write_all(journal->fd, line, strlen(line), NULL);
}

TnFreezeJournal *
tn_fsfreeze_journal_new(const char *file, const GPtrArray *items, GError **error)
{
    g_autoptr(TnFreezeJournal) journal = g_new0(TnFreezeJournal, 1);
    struct statfs where = {0};

    journal->fd = -1;
    if (unlink(file) < 0 && errno != ENOENT) {
        tn_error_from_errno(error, errno, "replace '%s'", file);
        return NULL;
    }
    journal->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->fd < 0 || fstatfs(journal->fd, &where) < 0) {
        tn_error_from_errno(error, errno, "create '%s'", file);
        return NULL;
    }
    journal->is_live = where.f_type == TMPFS_MAGIC || where.f_type == RAMFS_MAGIC;
    for (guint i = 0; !journal->is_live && i < items->len; i++) {
        if (!note(journal, "try", g_ptr_array_index(items, i))) {
            tn_error_from_errno(error, errno, "write '%s'", file);
            return NULL;
        }
    }
    if (!journal->is_live)
        (void)fsync(journal->fd);
    return g_steal_pointer(&journal);
}

void
tn_fsfreeze_journal_free(TnFreezeJournal *journal)
{
    if (journal == NULL)
        return;
    tn_fd_clear(&journal->fd);
    g_free(journal);
}

static TnFreezeItem *
find_item(const GPtrArray *items, const char *path)
{
    for (guint i = 0; i < items->len; i++) {
        TnFreezeItem *item = g_ptr_array_index(items, i);

        if (strcmp(item->path, path) == 0)
            return item;
    }
    return NULL;
}

GPtrArray *
tn_fsfreeze_journal_read(const char *file)
{
    GPtrArray *items = make_items();
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!tn_fd_read_file(AT_FDCWD, file, JOURNAL_LIMIT_BYTES, &text, NULL, NULL))
        return items;
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
        g_autofree char *path = NULL;
        TnFreezeItem *item;

        if (g_strv_length(words) != 3)
            continue; /* the end, or a line that was not finished */
        path = g_strcompress(words[2]);
        item = find_item(items, path);
        if (item == NULL)
            item = add_item(items, path, words[1]);
        item->state = strcmp(words[0], "done") == 0   ? TN_FREEZE_DONE
                      : strcmp(words[0], "skip") == 0 ? TN_FREEZE_SKIPPED
                                                      : TN_FREEZE_BEGUN;
    }
    return items;
}

static gboolean
freeze_item(TnFreezeItem *item, TnFreezeJournal *journal, const TnFsfreezeOps *ops, GError **error)
{
    if (journal->is_live && !note(journal, "try", item))
        return tn_error_from_errno(error, errno, "failed to note %s", item->path);
    if (ops->freeze(item->fd) == 0) {
        item->state = TN_FREEZE_DONE;
    } else if (errno == EOPNOTSUPP || errno == EBUSY) {
        item->state = TN_FREEZE_SKIPPED;
    } else {
        int saved = errno;

        if (journal->is_live)
            (void)note(journal, "skip", item);
        return tn_error_from_errno(error, saved, "failed to freeze %s", item->path);
    }
    /* Without this line it counts as begun, which thaws it as well. */
    if (journal->is_live)
        (void)note(journal, item->state == TN_FREEZE_DONE ? "done" : "skip", item);
    return TRUE;
}

gboolean
tn_fsfreeze_freeze(GPtrArray *items, TnFreezeJournal *journal, const TnFsfreezeOps *ops,
                   guint *ret_n, GError **error)
{
    guint n = 0;

    for (guint i = 0; i < items->len; i++) {
        TnFreezeItem *item = g_ptr_array_index(items, i);

        if (item->state == TN_FREEZE_SKIPPED)
            continue;
        if (!freeze_item(item, journal, ops, error))
            return FALSE;
        if (item->state == TN_FREEZE_DONE)
            n++;
    }
    *ret_n = n;
    return TRUE;
}

guint
tn_fsfreeze_thaw(GPtrArray *items, const TnFsfreezeOps *ops)
{
    guint n = 0;

    for (guint i = items->len; i-- > 0;) {
        TnFreezeItem *item = g_ptr_array_index(items, i);

        if (item->state != TN_FREEZE_DONE && item->state != TN_FREEZE_BEGUN)
            continue;
        if (item->fd < 0)
            item->fd = ops->open(item->path);
        if (item->fd >= 0 && ops->thaw(item->fd) == 0)
            n++;
        item->state = TN_FREEZE_SKIPPED;
        tn_fd_clear(&item->fd);
    }
    return n;
}

guint
tn_fsfreeze_thaw_all(int root_fd, const TnFsfreezeOps *ops)
{
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(root_fd, NULL, NULL, NULL);
    guint n = 0;

    for (guint i = items != NULL ? items->len : 0; i-- > 0;) {
        TnFreezeItem *item = g_ptr_array_index(items, i);
        guint times = 0;

        item->fd = ops->open(item->path);
        while (item->fd >= 0 && times < THAWS_MAX && ops->thaw(item->fd) == 0)
            times++;
        n += times > 0 ? 1 : 0;
    }
    return n;
}
