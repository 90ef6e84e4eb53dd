/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Kinds are listed by what is local, not by what is remote: an unknown kind is then served by a
 * worker, which is always right. fuseblk has a block device and yet a program behind it, so that a
 * device number alone says nothing.
 */

#include "platform/localfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

enum {
    LEARNT_MAX = 256, /* more file systems come and go: they are learnt anew */
};

/* Those that linux/magic.h does not have, from the headers of their file systems. */
#define MAGIC_UFS2   0x19540119
#define MAGIC_ZFS    0x2fc12fc1
#define MAGIC_NTFS   0x5346544e
#define MAGIC_NTFS3  0x7366746e
#define MAGIC_JFS    0x3153464a
#define MAGIC_BCACHE 0xca451a4e
#define MAGIC_UDF2   0x15013346
#define MAGIC_EXFAT  0x2011bab0

struct TnLocalFs {
    GHashTable *devices; /* a set of GINT64 device numbers */
};

TnLocalFs *
tn_localfs_new(void)
{
    TnLocalFs *local = g_new0(TnLocalFs, 1);

    local->devices = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return local;
}

void
tn_localfs_free(TnLocalFs *local)
{
    if (local == NULL)
        return;
    g_hash_table_unref(local->devices);
    g_free(local);
}

/* fstat() would ask the server of a network file system. */
static gboolean
find_device(int fd, gint64 *ret_device)
{
    struct statx found;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &found) != 0)
        return FALSE;
    *ret_device = (gint64)makedev(found.stx_dev_major, found.stx_dev_minor);
    return TRUE;
}

gboolean
tn_localfs_knows(const TnLocalFs *local, int fd)
{
    gint64 device = 0;

    return find_device(fd, &device) && g_hash_table_contains(local->devices, &device);
}

void
tn_localfs_learn(TnLocalFs *local, int fd)
{
    gint64 device = 0;

    if (!find_device(fd, &device))
        return;
    if (g_hash_table_size(local->devices) >= LEARNT_MAX)
        g_hash_table_remove_all(local->devices);
    g_hash_table_add(local->devices, g_memdup2(&device, sizeof device));
}

gboolean
tn_localfs_test(int fd)
{
    static const guint32 kinds[] = {
        EXT4_SUPER_MAGIC,
        XFS_SUPER_MAGIC,
        BTRFS_SUPER_MAGIC,
        TMPFS_MAGIC,
        OVERLAYFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC,
        MSDOS_SUPER_MAGIC,
        ISOFS_SUPER_MAGIC,
        SQUASHFS_MAGIC,
        RAMFS_MAGIC,
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        DEVPTS_SUPER_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        PSTOREFS_MAGIC,
        EFIVARFS_MAGIC,
        EROFS_SUPER_MAGIC_V1,
        NILFS_SUPER_MAGIC,
        REISERFS_SUPER_MAGIC,
        HUGETLBFS_MAGIC,
        PIPEFS_MAGIC,
        MAGIC_UFS2,
        MAGIC_ZFS,
        MAGIC_NTFS,
        MAGIC_NTFS3,
        MAGIC_JFS,
        MAGIC_BCACHE,
        MAGIC_UDF2,
        MAGIC_EXFAT,
    };
    struct statfs found;

    if (fstatfs(fd, &found) != 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if ((guint32)found.f_type == kinds[i])
            return TRUE;
    return FALSE;
}
