/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Walks sysfs from a device number to the disks below it. A device's directory is found by one
 * link (/sys/dev/block/M:m); whatever stands below /devices/virtual/ is made of its slaves, the
 * rest is a disk or a partition of one. Names in sysfs come from drivers and from administrators
 * (device mapper): data, not paths.
 */

#include "platform/block.h"

#include "platform/fd.h"
#include "platform/serial.h"
#include "platform/sysroot.h"
#include "platform/udevdb.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    PATH_BYTES = 1024,
    NAME_BYTES = 256,
    /* Devices visited below one, so that a loop of links or a hostile tree comes to an end. */
    VISITED_MAX = 4096,
    /* Minors are 20 bits (Linux 2.6 and later). */
    DISKS_MAX = 65536
};

void
tn_block_free_address(TnDiskAddress *address)
{
    if (address == NULL)
        return;
    g_free(address->serial);
    g_free(address->dev);
    g_free(address);
}

void
tn_block_free_disk(TnDisk *disk)
{
    if (disk == NULL)
        return;
    g_free(disk->name);
    g_strfreev(disk->dependencies);
    g_free(disk->address.serial);
    g_free(disk->address.dev);
    g_free(disk->alias);
    g_free(disk);
}

/* The link LINK of sysfs as a path below the root, or NULL. */
static char *
resolve_link(int root_fd, const char *link)
{
    g_autofree char *dir = g_path_get_dirname(link);
    char target[PATH_BYTES];

    if (tn_sysroot_read_link(root_fd, link, target, sizeof(target)) < 0)
        return NULL;
    return g_canonicalize_filename(target, dir);
}

static const char *
get_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The device node of a kernel name, where `!` stands for a slash (cciss!c0d0). */
static char *
make_node(const char *name)
{
    g_autofree char *node = g_strconcat("/dev/", name, NULL);

    return g_utf8_make_valid(g_strdelimit(node, "!", '/'), -1);
}

static gboolean
has_file(int root_fd, const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    tn_autofd int fd = tn_sysroot_open(root_fd, path, O_PATH);

    return fd >= 0;
}

static char *
find_device(int root_fd, guint major, guint minor)
{
    char link[64];

    g_snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major, minor);
    return resolve_link(root_fd, link);
}

gboolean
tn_block_find_node(int root_fd, const char *path, guint *ret_major, guint *ret_minor)
{
    g_autofree char *link = NULL;
    g_autofree char *device = NULL;
    struct stat status;

    if (root_fd == TN_SYSROOT_HOST) {
        if (*path != '/' || stat(path, &status) < 0 || !S_ISBLK(status.st_mode))
            return FALSE;
        *ret_major = major(status.st_rdev);
        *ret_minor = minor(status.st_rdev);
        return TRUE;
    }
    link = g_strconcat("/sys/class/block/", get_base(path), NULL);
    device = resolve_link(root_fd, link);
    return device != NULL && tn_sysroot_read_devno(root_fd, device, ret_major, ret_minor);
}

/* The directory of the whole disk: a partition's parent, else PATH. The caller owns it. */
static char *
find_disk(int root_fd, const char *path)
{
    return has_file(root_fd, path, "partition") ? g_path_get_dirname(path) : g_strdup(path);
}

static void
fill_address(int root_fd, const char *path, gboolean may_wait, TnDiskAddress *address)
{
    g_autofree char *disk = find_disk(root_fd, path);

    tn_disktopo_locate(root_fd, disk, address);
    address->dev = make_node(get_base(path));
    address->serial = tn_serial_read(root_fd, disk, get_base(disk), may_wait);
}

static gboolean
is_virtual(const char *path)
{
    return strstr(path, "/devices/virtual/block/") != NULL;
}

/* Adds the directories of what PATH is made of to the end of QUEUE. */
static void
add_slaves(int root_fd, const char *path, GPtrArray *queue)
{
    g_autofree char *dir = g_strconcat(path, "/slaves", NULL);
    g_autoptr(GPtrArray) names = tn_sysroot_list(root_fd, dir, DISKS_MAX);

    for (guint i = 0; names != NULL && i < names->len && queue->len < VISITED_MAX; i++) {
        g_autofree char *link = g_build_filename(dir, names->pdata[i], NULL);
        char *slave = resolve_link(root_fd, link);

        if (slave != NULL)
            g_ptr_array_add(queue, slave);
    }
}

GPtrArray *
tn_block_read_addresses(int root_fd, guint major, guint minor, char **ret_name)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func((GDestroyNotify)tn_block_free_address);
    g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    char *start = find_device(root_fd, major, minor);
    gboolean may_wait = root_fd != TN_SYSROOT_HOST || !tn_udevdb_is_built();

    *ret_name = start != NULL ? g_utf8_make_valid(get_base(start), -1) : NULL;
    if (start != NULL)
        g_ptr_array_add(queue, start);
    for (guint i = 0; i < queue->len; i++) {
        char *path = queue->pdata[i];
        TnDiskAddress *address;

        if (!g_hash_table_add(seen, path))
            continue;
        if (is_virtual(path)) {
            add_slaves(root_fd, path, queue);
            continue;
        }
        address = g_new0(TnDiskAddress, 1);
        fill_address(root_fd, path, may_wait, address);
        g_ptr_array_add(addresses, address);
    }
    return addresses;
}

static gboolean
has_size(int root_fd, const char *path)
{
    g_autofree char *file = g_strconcat(path, "/size", NULL);
    guint64 sectors = 0;

    return tn_sysroot_read_u64(root_fd, file, 10, &sectors) && sectors > 0;
}

static char **
list_slave_nodes(int root_fd, const char *path)
{
    g_autofree char *dir = g_strconcat(path, "/slaves", NULL);
    g_autoptr(GPtrArray) names = tn_sysroot_list(root_fd, dir, DISKS_MAX);
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    for (guint i = 0; names != NULL && i < names->len; i++)
        g_ptr_array_add(nodes, make_node(names->pdata[i]));
    g_ptr_array_add(nodes, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&nodes), FALSE);
}

static char *
read_alias(int root_fd, const char *path)
{
    g_autofree char *file = g_strconcat(path, "/dm/name", NULL);
    char alias[NAME_BYTES];

    if (tn_sysroot_read_attr(root_fd, file, alias, sizeof(alias)) < 0)
        return NULL;
    return g_utf8_make_valid(alias, -1);
}

static void
add_partitions(int root_fd, const char *path, const char *disk_node, GPtrArray *disks)
{
    g_autoptr(GPtrArray) names = tn_sysroot_list(root_fd, path, DISKS_MAX);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *dir = g_build_filename(path, names->pdata[i], NULL);
        TnDisk *partition;

        if (!g_str_has_prefix(names->pdata[i], get_base(path)) ||
            !has_file(root_fd, dir, "partition"))
            continue;
        partition = g_new0(TnDisk, 1);
        partition->name = make_node(names->pdata[i]);
        partition->partition = true;
        partition->dependencies = g_new0(char *, 2);
        partition->dependencies[0] = g_strdup(disk_node);
        g_ptr_array_add(disks, partition);
    }
}

static void
add_disk(int root_fd, const char *path, gboolean with_smart, GPtrArray *disks)
{
    TnDisk *disk = g_new0(TnDisk, 1);

    disk->name = make_node(get_base(path));
    disk->dependencies = list_slave_nodes(root_fd, path);
    disk->alias = read_alias(root_fd, path);
    disk->has_address = !is_virtual(path);
    if (disk->has_address)
        fill_address(root_fd, path, TRUE, &disk->address);
    if (with_smart && disk->has_address && disk->address.bus_type == TN_BUS_NVME)
        disk->has_smart = tn_smart_read(root_fd, disk->name, &disk->smart);
    g_ptr_array_add(disks, disk);
    add_partitions(root_fd, path, disk->name, disks);
}

GPtrArray *
tn_block_read_disks(int root_fd, gboolean with_smart, GError **error)
{
    g_autoptr(GPtrArray) names = tn_sysroot_list(root_fd, "/sys/block", DISKS_MAX);
    GPtrArray *disks;

    if (names == NULL) {
        tn_error_from_errno(error, errno, "open '/sys/block'");
        return NULL;
    }
    disks = g_ptr_array_new_with_free_func((GDestroyNotify)tn_block_free_disk);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *link = g_build_filename("/sys/block", names->pdata[i], NULL);
        g_autofree char *path = resolve_link(root_fd, link);

        if (path != NULL && has_size(root_fd, path))
            add_disk(root_fd, path, with_smart, disks);
    }
    return disks;
}
