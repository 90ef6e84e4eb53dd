/* SPDX-License-Identifier: Apache-2.0 */

/*
 * udev's database through libudev, loaded when it is first asked: an agent that nobody asks for
 * disks does without it.
 */

#include "platform/udevdb.h"

#include <dlfcn.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* libudev(3); the handles are its own. */
typedef struct {
    void *(*new)(void);
    void *(*unref)(void *udev);
    void *(*device_new)(void *udev, char type, dev_t number);
    void *(*device_unref)(void *device);
    const char *(*get_property)(void *device, const char *key);
} Ops;

static gboolean
load_ops(Ops *ret_ops)
{
    void *library = dlopen("libudev.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    Ops ops = {0};

    if (library == NULL)
        return FALSE;
    *(void **)&ops.new = dlsym(library, "udev_new");
    *(void **)&ops.unref = dlsym(library, "udev_unref");
    *(void **)&ops.device_new = dlsym(library, "udev_device_new_from_devnum");
    *(void **)&ops.device_unref = dlsym(library, "udev_device_unref");
    *(void **)&ops.get_property = dlsym(library, "udev_device_get_property_value");
    dlclose(library);
    if (ops.new == NULL || ops.unref == NULL || ops.device_new == NULL ||
        ops.device_unref == NULL || ops.get_property == NULL)
        return FALSE;
    *ret_ops = ops;
    return TRUE;
}

char *
tn_udevdb_read_property(guint major, guint minor, const char *key)
{
    Ops ops;
    void *udev;
    void *device;
    char *copy = NULL;

    if (!load_ops(&ops))
        return NULL;
    udev = ops.new();
    device = udev == NULL ? NULL : ops.device_new(udev, 'b', makedev(major, minor));
    if (device != NULL) {
        const char *value = ops.get_property(device, key);

        copy = value != NULL ? g_utf8_make_valid(value, -1) : NULL;
        ops.device_unref(device);
    }
    if (udev != NULL)
        ops.unref(udev);
    return copy;
}

gboolean
tn_udevdb_is_there(void)
{
    /* What udev's own library looks at to tell whether the daemon runs. */
    return access("/run/udev/control", F_OK) == 0;
}

gboolean
tn_udevdb_is_built(void)
{
    return TRUE;
}
