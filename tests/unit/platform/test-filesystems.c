/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/filesystems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static char *
describe(const GPtrArray *filesystems)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < filesystems->len; i++) {
        const TnFilesystem *filesystem = filesystems->pdata[i];

        g_string_append_printf(text, "%s%s=%s:%s:%u", i > 0 ? " " : "", filesystem->mountpoint,
                               filesystem->name, filesystem->type, filesystem->disks->len);
    }
    return g_string_free(text, FALSE);
}

static void
expect(const char *tree, TnFilesystemsWhich which, const char *expected)
{
    tn_autofd int root_fd = tree_open_captured(tree);
    g_autoptr(GPtrArray) filesystems = tn_filesystems_read(root_fd, which, NULL);
    g_autofree char *text = NULL;

    assert_non_null(filesystems);
    text = describe(filesystems);
    assert_string_equal(text, expected);
}

static void
test_block_devices_once_latest_first(void **state)
{
    expect("debian-12", TN_FILESYSTEMS_ON_DISKS, "/srv/my data=vdb:xfs:1 /=vda1:ext4:1");
    expect("rhel-9", TN_FILESYSTEMS_ON_DISKS,
           "/data=dm-4:xfs:2 /boot/efi=sda1:vfat:1 /boot=sda2:xfs:1 /=dm-0:xfs:1");
    expect("ubuntu-24.04", TN_FILESYSTEMS_ON_DISKS,
           "/boot/efi=nvme0n1p15:vfat:1 /boot=nvme0n1p16:ext4:1 "
           "/snap/snapd/21759=loop1:squashfs:0 /snap/core22/1621=loop0:squashfs:0 "
           "/=nvme0n1p1:ext4:1");
    expect("alpine-3.20", TN_FILESYSTEMS_ON_DISKS, "/boot=vda1:ext4:1 /=vda3:ext4:1");
}

static void
test_btrfs_is_found_by_its_source(void **state)
{
    expect("kubevirt-fedora-40", TN_FILESYSTEMS_ON_DISKS,
           "/mnt/cdrom=sr0:iso9660:1 /boot/efi=vda2:vfat:1 /boot=vda3:ext4:1 /=vda4:btrfs:1");
}

static void
test_all_has_network_and_subvolumes(void **state)
{
    expect("kubevirt-fedora-40", TN_FILESYSTEMS_ALL,
           "/=vda4:btrfs:1 /home=vda4:btrfs:1 /boot=vda3:ext4:1 /boot/efi=vda2:vfat:1 "
           "/mnt/cdrom=sr0:iso9660:1");
    expect("rhel-9", TN_FILESYSTEMS_ALL,
           "/=dm-0:xfs:1 /boot=sda2:xfs:1 /boot/efi=sda1:vfat:1 /data=dm-4:xfs:2 "
           "/net/home=filer.example:/export/home:nfs4:0");
}

static void
test_tells_roots_and_read_only(void **state)
{
    tn_autofd int root_fd = tree_open_captured("kubevirt-fedora-40");
    g_autoptr(GPtrArray) all = tn_filesystems_read(root_fd, TN_FILESYSTEMS_ALL, NULL);

    assert_string_equal(((TnFilesystem *)all->pdata[0])->root, "/root");
    assert_string_equal(((TnFilesystem *)all->pdata[1])->root, "/home");
    assert_null(((TnFilesystem *)all->pdata[2])->root);
    assert_false(((TnFilesystem *)all->pdata[2])->read_only);
    assert_true(((TnFilesystem *)all->pdata[4])->read_only);
}

static gboolean
hang(const char *path, TnSpace *ret_space)
{
    g_usleep(G_USEC_PER_SEC);
    return TRUE;
}

static void
count(GPtrArray *filesystems, gpointer data)
{
    (*(guint *)data)++;
}

static TnFilesystem *
make(const char *type, const char *path)
{
    TnFilesystem *filesystem = g_new0(TnFilesystem, 1);

    filesystem->type = g_strdup(type);
    filesystem->path = g_strdup(path);
    return filesystem;
}

static void
test_local_ones_are_asked_at_once(void **state)
{
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)tn_filesystems_free_one);
    TnStatfs *statfs = tn_statfs_new(hang);
    guint n_done = 0;

    g_ptr_array_add(list, make("ext4", "/"));
    g_ptr_array_add(list, make("xfs", "/nonexistent/at-all"));
    assert_true(tn_filesystems_ask(list, statfs, 100, count, &n_done));
    assert_true(((TnFilesystem *)list->pdata[0])->has_space);
    assert_false(((TnFilesystem *)list->pdata[1])->has_space);
    assert_int_equal(n_done, 0);
    tn_statfs_free(statfs);
}

static void
test_a_hung_one_is_marked_and_the_rest_stands(void **state)
{
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)tn_filesystems_free_one);
    TnStatfs *statfs = tn_statfs_new(hang);
    guint n_done = 0;

    g_ptr_array_add(list, make("nfs4", "/net"));
    g_ptr_array_add(list, make("ext4", "/"));
    assert_false(tn_filesystems_ask(list, statfs, 50, count, &n_done));
    while (n_done == 0)
        g_main_context_iteration(NULL, TRUE);
    assert_true(((TnFilesystem *)list->pdata[0])->not_responding);
    assert_false(((TnFilesystem *)list->pdata[0])->has_space);
    assert_true(((TnFilesystem *)list->pdata[1])->has_space);
    assert_false(((TnFilesystem *)list->pdata[1])->not_responding);
    tn_statfs_free(statfs);
}

static gint64
read_cpu_us(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static gint64
time_mounts(guint n)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GString) text = g_string_new(NULL);
    gint64 best = G_MAXINT64;

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%u 1 %u:%u / /mnt/%u rw - ext4 /dev/x rw\n", i, 8 + i / 256,
                               i % 256, i);
    tree_put(tree, "proc/self/mountinfo", text->str);
    for (guint tries = 0; tries < 3; tries++) {
        gint64 start = read_cpu_us();
        g_autoptr(GPtrArray) list = tn_filesystems_read(tree->fd, TN_FILESYSTEMS_ON_DISKS, NULL);

        assert_int_equal(list->len, n);
        best = MIN(best, read_cpu_us() - start);
    }
    return best;
}

static void
test_time_grows_with_mounts(void **state)
{
    gint64 few = time_mounts(2500);
    gint64 many = time_mounts(10000);

    /* Four times the devices; a quadratic list would take sixteen times as long. */
    assert_true(many < 10 * few);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_devices_once_latest_first),
        cmocka_unit_test(test_btrfs_is_found_by_its_source),
        cmocka_unit_test(test_all_has_network_and_subvolumes),
        cmocka_unit_test(test_tells_roots_and_read_only),
        cmocka_unit_test(test_local_ones_are_asked_at_once),
        cmocka_unit_test(test_a_hung_one_is_marked_and_the_rest_stands),
        cmocka_unit_test(test_time_grows_with_mounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
