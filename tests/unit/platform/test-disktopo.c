/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/disktopo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

#define PCI "/sys/devices/pci0000:00/0000:00:1f.2"

static TnDiskAddress
locate(const Tree *tree, const char *path)
{
    TnDiskAddress address;

    tn_disktopo_locate(tree->fd, path, &address);
    return address;
}

static void
expect(TnDiskAddress address, TnBus bus_type, gint64 bus, gint64 target, gint64 unit)
{
    assert_int_equal(address.bus_type, bus_type);
    assert_int_equal(address.bus, bus);
    assert_int_equal(address.target, target);
    assert_int_equal(address.unit, unit);
}

static void
set_driver(const Tree *tree, const char *driver)
{
    g_autofree char *target = g_strconcat("../../../bus/pci/drivers/", driver, NULL);
    g_autofree char *path = g_strconcat(tree->path, PCI "/driver", NULL);

    (void)unlink(path);
    tree_link(tree, PCI "/driver", target);
}

static void
test_ide_counts_buses(void **state)
{
    g_autoptr(Tree) tree = tree_new();

    tree_mkdir(tree, PCI "/ata1/host0");
    tree_mkdir(tree, PCI "/ata2/host1");
    set_driver(tree, "ata_piix");
    expect(locate(tree, PCI "/ata2/host1/target1:0:1/1:0:1:0/block/sdb"), TN_BUS_IDE, 1, 0, 1);
    expect(locate(tree, PCI "/ata9/host9/target9:0:1/9:0:1:0/block/sdb"), TN_BUS_UNKNOWN, 0, 0, 0);
}

static void
test_ahci_counts_ports_by_number(void **state)
{
    g_autoptr(Tree) tree = tree_new();

    tree_mkdir(tree, PCI "/ata1/host9");
    tree_mkdir(tree, PCI "/ata2/host10");
    tree_mkdir(tree, PCI "/ata3/host11");
    set_driver(tree, "ahci");
    expect(locate(tree, PCI "/ata2/host10/target10:0:0/10:0:0:0/block/sda"), TN_BUS_SATA, 0, 0, 1);
}

static void
test_by_driver(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    static const char scsi[] = PCI "/host2/target2:1:6/2:1:6:3/block/sda";

    set_driver(tree, "sym53c8xx");
    expect(locate(tree, scsi), TN_BUS_SCSI, 0, 0, 6);
    set_driver(tree, "xhci_hcd");
    expect(locate(tree, PCI "/usb1/1-1/1-1:1.0/host2/target2:0:0/2:0:0:1/block/sda"), TN_BUS_USB, 0,
           0, 1);
    set_driver(tree, "virtio-pci");
    expect(locate(tree, scsi), TN_BUS_SCSI, 1, 6, 3);
    expect(locate(tree, PCI "/virtio3/block/vda"), TN_BUS_VIRTIO, 0, 0, 0);
    set_driver(tree, "vmw_pvscsi");
    expect(locate(tree, scsi), TN_BUS_SCSI, 1, 6, 3);
    set_driver(tree, "nvme");
    expect(locate(tree, PCI "/nvme/nvme0/nvme0n1"), TN_BUS_NVME, 0, 0, 0);
    set_driver(tree, "never-heard");
    expect(locate(tree, PCI "/block/x"), TN_BUS_UNKNOWN, 0, 0, 0);
}

static void
test_the_last_bridge_is_the_controller(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    TnDiskAddress address =
        locate(tree, "/sys/devices/pci0001:00/0001:00:1c.0/0001:0a:00.7/virtio1/block/vda");

    assert_int_equal(address.pci.domain, 1);
    assert_int_equal(address.pci.bus, 10);
    assert_int_equal(address.pci.slot, 0);
    assert_int_equal(address.pci.function, 7);
}

static void
test_without_pci(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    TnDiskAddress address = locate(tree, "/sys/devices/css0/0.1.0003/0.1.001f/virtio2/block/vda");

    assert_int_equal(address.bus_type, TN_BUS_VIRTIO);
    assert_true(address.has_ccw);
    assert_int_equal(address.ccw.cssid, 0);
    assert_int_equal(address.ccw.ssid, 1);
    assert_int_equal(address.ccw.subchno, 3);
    assert_int_equal(address.ccw.devno, 31);
    assert_int_equal(address.pci.domain, -1);
    assert_int_equal(address.pci.function, -1);
    address = locate(tree, "/sys/devices/platform/a003e00.virtio_mmio/virtio0/block/vda");
    assert_int_equal(address.bus_type, TN_BUS_VIRTIO);
    assert_false(address.has_ccw);
    assert_int_equal(address.pci.bus, -1);
    assert_int_equal(locate(tree, "/sys/devices/vbd-51712/block/xvda").bus_type, TN_BUS_XEN);
    assert_int_equal(locate(tree, "/sys/devices/platform/x/block/mtd").bus_type, TN_BUS_UNKNOWN);
}

static void
test_nvme_multipath_is_found_by_its_controller(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    TnDiskAddress address;

    tree_mkdir(tree, PCI "/nvme/nvme1");
    set_driver(tree, "nvme");
    tree_link(tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1",
              "../../../pci0000:00/0000:00:1f.2/nvme/nvme1");
    address = locate(tree, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
    assert_int_equal(address.bus_type, TN_BUS_NVME);
    assert_int_equal(address.pci.slot, 31);
    assert_int_equal(address.pci.function, 2);
}

static void
test_odd_paths_do_no_harm(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    static const char *const odd[] = {"",
                                      "/",
                                      "//",
                                      "/sys/devices/css",
                                      "/sys/devices/css0/",
                                      "/sys/devices/css0/0.0.0/",
                                      "/sys/devices/0000:00:1f.2",
                                      "/sys/devices/0000:00:1f.",
                                      "/sys/devices/:::.",
                                      "/1:2:3:4:5",
                                      "/host/host99999999999999999999/hostx",
                                      "/sys/devices/virtual/nvme-subsystem/",
                                      "/sys/devices/virtual/nvme-subsystem/x/"};

    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++)
        assert_int_equal(locate(tree, odd[i]).bus_type, TN_BUS_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ide_counts_buses),
        cmocka_unit_test(test_ahci_counts_ports_by_number),
        cmocka_unit_test(test_by_driver),
        cmocka_unit_test(test_the_last_bridge_is_the_controller),
        cmocka_unit_test(test_without_pci),
        cmocka_unit_test(test_nvme_multipath_is_found_by_its_controller),
        cmocka_unit_test(test_odd_paths_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
