/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a disk's place in sysfs to the numbers by which a host knows it. The path itself names every
 * bridge and bus on the way; the last PCI address on it is the disk's controller, and that
 * controller's driver says how QEMU numbers its disks.
 */

#include "platform/disktopo.h"

#include "platform/fd.h"
#include "platform/scan.h"
#include "platform/sysroot.h"

#include <dirent.h>
#include <string.h>

enum {
    BASE_HEX = 16,
    BASE_DECIMAL = 10,
    PATH_BYTES = 1024,
    HOSTS_MAX = 64
};

/* What the path of a disk says. */
typedef struct {
    char controller[PATH_BYTES]; /* directory of the last PCI device; empty: none */
    char driver[64];
    TnPciAddress pci;
    gboolean has_host;
    guint64 host;
    gboolean has_target;
    guint64 target[3]; /* channel, target, unit of host:channel:target:unit */
} Place;

/* Takes a hexadecimal (or decimal) number up to STOP, or to the end when STOP is 0. */
static gboolean
take_number(TnScan *text, char stop, guint base, gint64 *ret_value)
{
    const char *at = stop != 0 ? memchr(text->at, stop, (gsize)(text->end - text->at)) : text->end;
    TnScan digits = {text->at, at};
    guint64 value;

    if (at == NULL || !tn_scan_to_u64(&digits, base, &value) || value > G_MAXINT32)
        return FALSE;
    *ret_value = (gint64)value;
    text->at = at < text->end ? at + 1 : at;
    return TRUE;
}

/* "0000:00:1f.2" */
static gboolean
parse_pci(TnScan part, TnPciAddress *ret_pci)
{
    TnPciAddress pci;

    if (!take_number(&part, ':', BASE_HEX, &pci.domain) ||
        !take_number(&part, ':', BASE_HEX, &pci.bus) ||
        !take_number(&part, '.', BASE_HEX, &pci.slot) ||
        !take_number(&part, 0, BASE_HEX, &pci.function))
        return FALSE;
    *ret_pci = pci;
    return TRUE;
}

/* "2:0:0:1" */
static gboolean
parse_target(TnScan part, guint64 *ret_target)
{
    gint64 numbers[4];

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        char stop = i + 1 < G_N_ELEMENTS(numbers) ? ':' : 0;

        if (!take_number(&part, stop, BASE_DECIMAL, &numbers[i]))
            return FALSE;
    }
    for (gsize i = 1; i < G_N_ELEMENTS(numbers); i++)
        ret_target[i - 1] = (guint64)numbers[i];
    return TRUE;
}

static gboolean
parse_host(TnScan part, guint64 *ret_host)
{
    static const char prefix[] = "host";

    if (strncmp(part.at, prefix, MIN(strlen(prefix), (gsize)(part.end - part.at))) != 0 ||
        (gsize)(part.end - part.at) <= strlen(prefix))
        return FALSE;
    part.at += strlen(prefix);
    return tn_scan_to_u64(&part, BASE_DECIMAL, ret_host);
}

/* Takes the path apart, component by component. */
static void
parse_path(const char *path, Place *place)
{
    const char *end = path + strlen(path);
    const char *at = path;

    while (at < end) {
        const char *slash = memchr(at, '/', (gsize)(end - at));
        TnScan part = {at, slash != NULL ? slash : end};

        if (parse_pci(part, &place->pci))
            g_strlcpy(place->controller, path,
                      MIN(sizeof(place->controller), (gsize)(part.end - path) + 1));
        else if (parse_host(part, &place->host))
            place->has_host = TRUE;
        else if (parse_target(part, place->target))
            place->has_target = TRUE;
        at = part.end < end ? part.end + 1 : end;
    }
}

static gint
compare_hosts(gconstpointer a, gconstpointer b)
{
    guint64 left = *(const guint64 *)a;
    guint64 right = *(const guint64 *)b;

    return left < right ? -1 : left > right;
}

static void
add_hosts(int dir_fd, GArray *hosts)
{
    tn_autofd int list_fd = dir_fd < 0 ? -1 : fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
    const struct dirent *entry;

    if (dir == NULL)
        return;
    tn_fd_steal(&list_fd);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while (hosts->len < HOSTS_MAX && (entry = readdir(dir)) != NULL) {
        TnScan name = {entry->d_name, entry->d_name + strlen(entry->d_name)};
        guint64 host;

        if (parse_host(name, &host))
            g_array_append_val(hosts, host);
    }
    closedir(dir);
}

/* The position of HOST among those of its controller, whose ports are numbered by it: directly
 * below the PCI device, or below its ataN; -1: not among them. */
static gint64
find_host(int root_fd, const char *controller, guint64 host)
{
    g_autoptr(GArray) hosts = g_array_new(FALSE, FALSE, sizeof(guint64));
    tn_autofd int dir_fd = tn_sysroot_open(root_fd, controller, O_RDONLY | O_DIRECTORY);
    tn_autofd int list_fd = dir_fd < 0 ? -1 : fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
    const struct dirent *entry;

    if (dir == NULL)
        return -1;
    tn_fd_steal(&list_fd);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while (hosts->len < HOSTS_MAX && (entry = readdir(dir)) != NULL) {
        TnScan name = {entry->d_name, entry->d_name + strlen(entry->d_name)};
        guint64 found;

        if (parse_host(name, &found)) {
            g_array_append_val(hosts, found);
        } else if (g_str_has_prefix(entry->d_name, "ata") && g_ascii_isdigit(entry->d_name[3])) {
            tn_autofd int port_fd =
                openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

            add_hosts(port_fd, hosts);
        }
    }
    closedir(dir);
    g_array_sort(hosts, compare_hosts);
    for (guint i = 0; i < hosts->len; i++) {
        if (g_array_index(hosts, guint64, i) == host)
            return i;
    }
    return -1;
}

static void
read_driver(int root_fd, Place *place)
{
    g_autofree char *path = g_strconcat(place->controller, "/driver", NULL);
    char target[PATH_BYTES];
    const char *slash;

    if (tn_sysroot_read_link(root_fd, path, target, sizeof(target)) < 0)
        return;
    slash = strrchr(target, '/');
    g_strlcpy(place->driver, slash != NULL ? slash + 1 : target, sizeof(place->driver));
}

static void
set_target(const Place *place, TnBus bus_type, TnDiskAddress *address)
{
    address->bus_type = (int)bus_type;
    if (!place->has_target)
        return;
    address->bus = (int64_t)place->target[0];
    address->target = (int64_t)place->target[1];
    address->unit = (int64_t)place->target[2];
}

/* ata_piix: one host per IDE bus, two targets on each. */
static void
set_ide(int root_fd, const Place *place, TnDiskAddress *address)
{
    gint64 index = place->has_host ? find_host(root_fd, place->controller, place->host) : -1;

    if (index < 0 || !place->has_target)
        return;
    address->bus_type = TN_BUS_IDE;
    address->bus = index;
    address->unit = (int64_t)place->target[1];
}

/* ahci: one host per port. */
static void
set_sata(int root_fd, const Place *place, TnDiskAddress *address)
{
    gint64 index = place->has_host ? find_host(root_fd, place->controller, place->host) : -1;

    if (index < 0 || !place->has_target)
        return;
    address->bus_type = TN_BUS_SATA;
    address->unit = index;
}

/* By the controller's driver; one that is not known is SCSI if its disks are numbered so. */
static void
set_by_driver(int root_fd, const Place *place, TnDiskAddress *address)
{
    static const char *const usb[] = {"xhci_hcd", "ehci-pci", "ehci_hcd", "uhci_hcd",
                                      "ohci-pci", "ohci_hcd", NULL};

    if (strcmp(place->driver, "ata_piix") == 0) {
        set_ide(root_fd, place, address);
    } else if (strcmp(place->driver, "ahci") == 0) {
        set_sata(root_fd, place, address);
    } else if (strcmp(place->driver, "nvme") == 0) {
        address->bus_type = TN_BUS_NVME;
    } else if (strcmp(place->driver, "sym53c8xx") == 0) {
        address->bus_type = TN_BUS_SCSI;
        address->unit = place->has_target ? (int64_t)place->target[1] : 0;
    } else if (g_strv_contains(usb, place->driver)) {
        set_target(place, TN_BUS_USB, address);
    } else if (strcmp(place->driver, "virtio-pci") == 0 && !place->has_target) {
        address->bus_type = TN_BUS_VIRTIO;
    } else if (place->has_target) {
        set_target(place, TN_BUS_SCSI, address);
    }
}

/* /sys/devices/css0/0.0.0003/0.0.0001/virtio0/...: subchannel, then device. */
static gboolean
parse_ccw(const char *path, TnCcwAddress *ret_ccw)
{
    const char *css = strstr(path, "/devices/css");
    TnCcwAddress ccw;
    gint64 ignored;
    TnScan rest;

    if (css == NULL)
        return FALSE;
    rest = (TnScan){css + strlen("/devices/css"), css + strlen(css)};
    if (!take_number(&rest, '/', BASE_HEX, &ignored) ||
        !take_number(&rest, '.', BASE_HEX, &ccw.cssid) ||
        !take_number(&rest, '.', BASE_HEX, &ccw.ssid) ||
        !take_number(&rest, '/', BASE_HEX, &ccw.subchno) ||
        !take_number(&rest, '.', BASE_HEX, &ignored) ||
        !take_number(&rest, '.', BASE_HEX, &ignored) ||
        !take_number(&rest, '/', BASE_HEX, &ccw.devno))
        return FALSE;
    *ret_ccw = ccw;
    return TRUE;
}

/* Disks without PCI: mapped virtio, Xen, channel devices. */
static void
set_without_pci(const char *path, const Place *place, TnDiskAddress *address)
{
    address->has_ccw = parse_ccw(path, &address->ccw);
    if (strstr(path, "/virtio") != NULL && !place->has_target)
        address->bus_type = TN_BUS_VIRTIO;
    else if (strstr(path, "/devices/vbd-") != NULL)
        address->bus_type = TN_BUS_XEN;
    else if (place->has_target && address->has_ccw)
        set_target(place, TN_BUS_SCSI, address);
}

/* nvme with several controllers hangs below a subsystem; its first controller stands for it. */
static char *
resolve_subsystem(int root_fd, const char *path)
{
    const char *mark = strstr(path, "/nvme-subsystem/");
    const char *end = mark != NULL ? strchr(mark + strlen("/nvme-subsystem/"), '/') : NULL;
    g_autofree char *dir_path = NULL;
    g_autofree char *found = NULL;

    if (end == NULL)
        return g_strdup(path);
    dir_path = g_strndup(path, (gsize)(end - path));
    for (guint i = 0; found == NULL && i < HOSTS_MAX; i++) {
        g_autofree char *link = g_strdup_printf("%s/nvme%u", dir_path, i);
        char target[PATH_BYTES];

        if (tn_sysroot_read_link(root_fd, link, target, sizeof(target)) > 0)
            found = g_canonicalize_filename(target, dir_path);
    }
    return found != NULL ? g_steal_pointer(&found) : g_strdup(path);
}

void
tn_disktopo_locate(int root_fd, const char *path, TnDiskAddress *ret_address)
{
    g_autofree char *real = resolve_subsystem(root_fd, path);
    Place place = {.pci = {-1, -1, -1, -1}};

    parse_path(real, &place);
    *ret_address = (TnDiskAddress){.pci = place.pci, .bus_type = TN_BUS_UNKNOWN};
    if (place.controller[0] == '\0') {
        set_without_pci(real, &place, ret_address);
        return;
    }
    read_driver(root_fd, &place);
    set_by_driver(root_fd, &place, ret_address);
}
