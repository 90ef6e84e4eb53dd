/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static GPtrArray *
read_addresses(int root_fd, guint major, guint minor)
{
    g_autofree char *name = NULL;

    return tn_block_read_addresses(root_fd, major, minor, &name);
}

static const TnDiskAddress *
get(const GPtrArray *addresses, guint index)
{
    assert_non_null(addresses);
    assert_true(index < addresses->len);
    return addresses->pdata[index];
}

static void
test_virtio_disk_and_partition(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autofree char *name = NULL;
    g_autoptr(GPtrArray) addresses = tn_block_read_addresses(root_fd, 254, 1, &name);
    const TnDiskAddress *address = get(addresses, 0);

    assert_string_equal(name, "vda1");
    assert_int_equal(addresses->len, 1);
    assert_int_equal(address->bus_type, TN_BUS_VIRTIO);
    assert_int_equal(address->pci.domain, 0);
    assert_int_equal(address->pci.bus, 4);
    assert_int_equal(address->pci.slot, 0);
    assert_int_equal(address->pci.function, 0);
    assert_string_equal(address->dev, "/dev/vda1");
    assert_string_equal(address->serial, "root-0001");
    assert_false(address->has_ccw);
}

static void
test_an_empty_serial_is_none(void **state)
{
    tn_autofd int root_fd = tree_open_captured("debian-12");
    g_autoptr(GPtrArray) addresses = read_addresses(root_fd, 254, 16);

    assert_null(get(addresses, 0)->serial);
}

static void
test_lvm_on_virtio_scsi(void **state)
{
    tn_autofd int root_fd = tree_open_captured("rhel-9");
    g_autoptr(GPtrArray) addresses = read_addresses(root_fd, 253, 0);
    const TnDiskAddress *address = get(addresses, 0);

    assert_int_equal(addresses->len, 1);
    assert_int_equal(address->bus_type, TN_BUS_SCSI);
    assert_int_equal(address->pci.slot, 5);
    assert_int_equal(address->bus, 0);
    assert_int_equal(address->target, 0);
    assert_int_equal(address->unit, 1);
    assert_string_equal(address->dev, "/dev/sda3");
    assert_string_equal(address->serial, "drive-scsi0-0-0-1");
}

static void
test_multipath_has_both_paths_once(void **state)
{
    tn_autofd int root_fd = tree_open_captured("rhel-9");
    g_autoptr(GPtrArray) addresses = read_addresses(root_fd, 253, 4);

    assert_int_equal(addresses->len, 2);
    assert_string_equal(get(addresses, 0)->dev, "/dev/sdb");
    assert_string_equal(get(addresses, 0)->serial, "mpath-lun");
    assert_int_equal(get(addresses, 0)->target, 3);
    assert_int_equal(get(addresses, 0)->unit, 5);
    assert_string_equal(get(addresses, 1)->dev, "/dev/sdc");
}

static void
test_nvme_and_ahci(void **state)
{
    tn_autofd int ubuntu_fd = tree_open_captured("ubuntu-24.04");
    tn_autofd int fedora_fd = tree_open_captured("kubevirt-fedora-40");
    g_autoptr(GPtrArray) nvme = read_addresses(ubuntu_fd, 259, 1);
    g_autoptr(GPtrArray) ahci = read_addresses(fedora_fd, 11, 0);

    assert_int_equal(get(nvme, 0)->bus_type, TN_BUS_NVME);
    assert_int_equal(get(nvme, 0)->pci.slot, 4);
    assert_string_equal(get(nvme, 0)->serial, "NVME-42");
    assert_int_equal(get(ahci, 0)->bus_type, TN_BUS_SATA);
    assert_int_equal(get(ahci, 0)->unit, 2);
    assert_int_equal(get(ahci, 0)->pci.function, 2);
}

static void
test_what_stands_on_no_disk(void **state)
{
    tn_autofd int root_fd = tree_open_captured("ubuntu-24.04");
    g_autoptr(GPtrArray) loop = read_addresses(root_fd, 7, 0);
    g_autofree char *name = NULL;
    g_autoptr(GPtrArray) none = tn_block_read_addresses(root_fd, 77, 7, &name);

    assert_int_equal(loop->len, 0);
    assert_int_equal(none->len, 0);
    assert_null(name);
}

static void
test_slaves_in_a_circle_end(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) addresses = NULL;

    tree_mkdir(tree, "sys/devices/virtual/block/dm-0/slaves");
    tree_mkdir(tree, "sys/devices/virtual/block/dm-1/slaves");
    tree_link(tree, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
    tree_link(tree, "sys/devices/virtual/block/dm-0/slaves/dm-1", "../../dm-1");
    tree_link(tree, "sys/devices/virtual/block/dm-1/slaves/dm-0", "../../dm-0");
    tree_link(tree, "sys/devices/virtual/block/dm-1/slaves/out", "../../../../../../../../etc");
    addresses = read_addresses(tree->fd, 253, 0);
    assert_int_equal(addresses->len, 1);
    assert_int_equal(get(addresses, 0)->bus_type, TN_BUS_UNKNOWN);
}

static const TnDisk *
find(const GPtrArray *disks, const char *name)
{
    for (guint i = 0; i < disks->len; i++) {
        if (strcmp(((const TnDisk *)disks->pdata[i])->name, name) == 0)
            return disks->pdata[i];
    }
    fail_msg("no %s", name);
    return disks->pdata[0];
}

static void
test_lists_disks(void **state)
{
    tn_autofd int root_fd = tree_open_captured("rhel-9");
    g_autoptr(GPtrArray) disks = tn_block_read_disks(root_fd, TRUE, NULL);

    assert_non_null(disks);
    assert_int_equal(disks->len, 9);
    assert_string_equal(((TnDisk *)disks->pdata[0])->name, "/dev/sda");
    assert_string_equal(((TnDisk *)disks->pdata[1])->name, "/dev/sda1");
    assert_true(find(disks, "/dev/sda1")->partition);
    assert_string_equal(find(disks, "/dev/sda1")->dependencies[0], "/dev/sda");
    assert_false(find(disks, "/dev/sda1")->has_address);
    assert_false(find(disks, "/dev/sda")->partition);
    assert_null(find(disks, "/dev/sda")->dependencies[0]);
    assert_true(find(disks, "/dev/sda")->has_address);
    assert_string_equal(find(disks, "/dev/dm-3")->alias, "mpatha");
    assert_string_equal(find(disks, "/dev/dm-3")->dependencies[0], "/dev/sdb");
    assert_string_equal(find(disks, "/dev/dm-3")->dependencies[1], "/dev/sdc");
    assert_false(find(disks, "/dev/dm-3")->has_address);
}

static void
test_disks_without_size_are_left_out(void **state)
{
    tn_autofd int debian_fd = tree_open_captured("debian-12");
    tn_autofd int ubuntu_fd = tree_open_captured("ubuntu-24.04");
    g_autoptr(GPtrArray) debian = tn_block_read_disks(debian_fd, FALSE, NULL);
    g_autoptr(GPtrArray) ubuntu = tn_block_read_disks(ubuntu_fd, FALSE, NULL);

    assert_int_equal(debian->len, 3);
    assert_int_equal(ubuntu->len, 6);
    assert_string_equal(find(ubuntu, "/dev/loop0")->name, "/dev/loop0");
}

static void
test_finds_nodes_by_name(void **state)
{
    tn_autofd int root_fd = tree_open_captured("kubevirt-fedora-40");
    guint major = 0;
    guint minor = 0;

    assert_true(tn_block_find_node(root_fd, "/dev/vda4", &major, &minor));
    assert_int_equal(major, 252);
    assert_int_equal(minor, 4);
    assert_false(tn_block_find_node(root_fd, "/dev/nothing", &major, &minor));
    assert_false(tn_block_find_node(TN_SYSROOT_HOST, "/etc/hostname", &major, &minor));
    assert_false(tn_block_find_node(TN_SYSROOT_HOST, "relative", &major, &minor));
}

static void
test_noise_is_left_out(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) disks = NULL;
    g_autofree char *noise = g_strnfill(4096, 'x');

    tree_put(tree, "sys/devices/pci0000:00/0000:00:09.0/virtio9/block/vdz/size", "8\n");
    tree_put(tree, "sys/devices/pci0000:00/0000:00:09.0/virtio9/block/vdz/dev", "254:99\n");
    tree_put(tree, "sys/devices/pci0000:00/0000:00:09.0/virtio9/block/vdz/serial", noise);
    tree_put(tree, "sys/devices/virtual/block/dm-9/size", "8\n");
    tree_put(tree, "sys/devices/virtual/block/dm-9/dm/name", noise);
    tree_put(tree, "sys/devices/virtual/block/md0/size", noise);
    tree_link(tree, "sys/block/vdz", "../devices/pci0000:00/0000:00:09.0/virtio9/block/vdz");
    tree_link(tree, "sys/block/dm-9", "../devices/virtual/block/dm-9");
    tree_link(tree, "sys/block/md0", "../devices/virtual/block/md0");
    tree_link(tree, "sys/block/gone", "../devices/none");
    disks = tn_block_read_disks(tree->fd, FALSE, NULL);
    assert_int_equal(disks->len, 2);
    assert_null(find(disks, "/dev/vdz")->address.serial);
    assert_null(find(disks, "/dev/dm-9")->alias);
}

static void
test_says_what_is_missing(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    assert_null(tn_block_read_disks(tree->fd, FALSE, &error));
    assert_string_equal(error->message, "open '/sys/block': No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virtio_disk_and_partition),
        cmocka_unit_test(test_an_empty_serial_is_none),
        cmocka_unit_test(test_lvm_on_virtio_scsi),
        cmocka_unit_test(test_multipath_has_both_paths_once),
        cmocka_unit_test(test_nvme_and_ahci),
        cmocka_unit_test(test_what_stands_on_no_disk),
        cmocka_unit_test(test_slaves_in_a_circle_end),
        cmocka_unit_test(test_lists_disks),
        cmocka_unit_test(test_disks_without_size_are_left_out),
        cmocka_unit_test(test_finds_nodes_by_name),
        cmocka_unit_test(test_noise_is_left_out),
        cmocka_unit_test(test_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
