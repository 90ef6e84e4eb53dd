/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chooses among the mounts. qemu-ga lists what stands on block devices and nothing else, which
 * hosts rely on (freeze, trim and disks are matched with it); people also want to see the rest.
 */

#include "platform/filesystems.h"

#include "platform/block.h"
#include "platform/mounts.h"

#include <string.h>

enum {
    MINOR_BITS = 32
};

void
tn_filesystems_free_one(TnFilesystem *filesystem)
{
    if (filesystem == NULL)
        return;
    g_free(filesystem->name);
    g_free(filesystem->mountpoint);
    g_free(filesystem->type);
    g_free(filesystem->source);
    g_free(filesystem->root);
    g_free(filesystem->path);
    g_clear_pointer(&filesystem->disks, g_ptr_array_unref);
    g_free(filesystem);
}

/* What the kernel shows of itself; also tmpfs, which is memory. */
static gboolean
is_pseudo(const char *type)
{
    static const char *const pseudo[] = {
        "autofs",          "binfmt_misc", "bpf",         "cgroup",    "cgroup2",
        "configfs",        "debugfs",     "devpts",      "devtmpfs",  "efivarfs",
        "fuse.gvfsd-fuse", "fuse.lxcfs",  "fuse.portal", "fusectl",   "hugetlbfs",
        "mqueue",          "nfsd",        "nsfs",        "proc",      "pstore",
        "ramfs",           "rpc_pipefs",  "securityfs",  "selinuxfs", "smackfs",
        "sysfs",           "tmpfs",       "tracefs",     "xenfs",     NULL};

    return g_strv_contains(pseudo, type);
}

/* btrfs has no block device of its own; its source names one of its disks. FALSE: none at all. */
static gboolean
find_block_device(int root_fd, const TnMount *mount, guint *ret_major, guint *ret_minor)
{
    *ret_major = mount->major;
    *ret_minor = mount->minor;
    if (mount->major != 0)
        return TRUE;
    return strcmp(mount->type, "btrfs") == 0 &&
           tn_block_find_node(root_fd, mount->source, ret_major, ret_minor);
}

static guint64
join_device(guint major, guint minor)
{
    return (guint64)major << MINOR_BITS | minor;
}

/* What makes two mounts the same for the reader; the caller owns it. */
static char *
make_key(const TnMount *mount, TnFilesystemsWhich which, guint64 device)
{
    gboolean is_subvolume = which == TN_FILESYSTEMS_ALL && strcmp(mount->type, "btrfs") == 0;

    return g_strdup_printf("%" G_GINT64_MODIFIER "x%s", device, is_subvolume ? mount->root : "");
}

static TnFilesystem *
make_filesystem(int root_fd, const TnMount *mount, gboolean on_disk, guint major, guint minor)
{
    TnFilesystem *filesystem = g_new0(TnFilesystem, 1);

    filesystem->device = join_device(mount->major, mount->minor);
    filesystem->path = g_strdup(mount->point);
    filesystem->mountpoint = g_utf8_make_valid(mount->point, -1);
    filesystem->type = g_utf8_make_valid(mount->type, -1);
    filesystem->source = g_utf8_make_valid(mount->source, -1);
    if (strcmp(mount->root, "/") != 0)
        filesystem->root = g_utf8_make_valid(mount->root, -1);
    filesystem->read_only = tn_mounts_has_option(mount->options, "ro") ||
                            tn_mounts_has_option(mount->super_options, "ro");
    if (on_disk) {
        filesystem->disks = tn_block_read_addresses(root_fd, major, minor, &filesystem->name);
    } else {
        filesystem->disks = g_ptr_array_new();
    }
    if (filesystem->name == NULL)
        filesystem->name = g_strdup(filesystem->source);
    return filesystem;
}

static void
reverse_order(GPtrArray *array)
{
    for (guint i = 0; i < array->len / 2; i++) {
        gpointer other = array->pdata[array->len - 1 - i];

        array->pdata[array->len - 1 - i] = array->pdata[i];
        array->pdata[i] = other;
    }
}

GPtrArray *
tn_filesystems_read(int root_fd, TnFilesystemsWhich which, GError **error)
{
    g_autoptr(TnMounts) mounts = tn_mounts_read(root_fd, error);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *found;

    if (mounts == NULL)
        return NULL;
    found = g_ptr_array_new_with_free_func((GDestroyNotify)tn_filesystems_free_one);
    for (guint i = 0; i < tn_mounts_count(mounts); i++) {
        const TnMount *mount = tn_mounts_get(mounts, i);
        guint major = 0;
        guint minor = 0;
        gboolean on_disk = find_block_device(root_fd, mount, &major, &minor);

        if (!on_disk && (which == TN_FILESYSTEMS_ON_DISKS || is_pseudo(mount->type)))
            continue;
        if (g_hash_table_add(seen, make_key(mount, which, join_device(major, minor))))
            g_ptr_array_add(found, make_filesystem(root_fd, mount, on_disk, major, minor));
    }
    if (which == TN_FILESYSTEMS_ON_DISKS)
        reverse_order(found);
    return found;
}

static void
set_space(TnFilesystem *filesystem, const TnSpace *space)
{
    filesystem->space = *space;
    filesystem->has_space = true;
    /* btrfs and vfat have no table of files. */
    filesystem->has_files = space->files > 0;
}

/* What a batch of questions is about: the file system of each item, and whom to tell. */
typedef struct {
    GPtrArray *filesystems;
    GPtrArray *asked;
    TnFilesystemsDone done;
    gpointer data;
} Question;

static void
take_answers(GArray *items, gpointer data)
{
    Question *question = data;

    for (guint i = 0; i < items->len; i++) {
        const TnStatfsItem *item = &g_array_index(items, TnStatfsItem, i);
        TnFilesystem *filesystem = question->asked->pdata[i];

        if (item->state == TN_STATFS_DONE)
            set_space(filesystem, &item->space);
        filesystem->not_responding = item->state == TN_STATFS_STALLED;
    }
    question->done(question->filesystems, question->data);
    g_ptr_array_unref(question->asked);
    g_free(question);
}

gboolean
tn_filesystems_ask(GPtrArray *filesystems, TnStatfs *statfs, guint limit_ms, TnFilesystemsDone done,
                   gpointer data)
{
    g_autoptr(GPtrArray) asked = g_ptr_array_new();
    g_autoptr(GArray) items = g_array_new(FALSE, TRUE, sizeof(TnStatfsItem));
    Question *question;

    for (guint i = 0; i < filesystems->len; i++) {
        TnFilesystem *filesystem = filesystems->pdata[i];
        TnStatfsItem item = {.device = filesystem->device, .path = filesystem->path};

        if (!tn_statfs_is_local(filesystem->type)) {
            g_array_append_val(items, item);
            g_ptr_array_add(asked, filesystem);
        } else if (tn_statfs_read(filesystem->path, &item.space)) {
            set_space(filesystem, &item.space);
        }
    }
    if (items->len == 0)
        return TRUE;
    question = g_new0(Question, 1);
    question->filesystems = filesystems;
    question->asked = g_steal_pointer(&asked);
    question->done = done;
    question->data = data;
    tn_statfs_ask(statfs, g_steal_pointer(&items), limit_ms, take_answers, question);
    return FALSE;
}
