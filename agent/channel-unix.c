/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the unix socket stands and who may use it. The mode is set on the descriptor before bind,
 * because bind takes it from there: there is no moment at which the socket is open to others.
 */

#include "agent/channel-unix.h"

#include "agent/channel-socket.h"
#include "platform/fd.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    BACKLOG = 128
};

typedef struct {
    const TnPolicyHolder *policy;
    char *path; /* NULL: adopted, stays */
    dev_t device;
    ino_t inode;
} Place;

static void
remove_socket(gpointer data)
{
    Place *place = data;
    struct stat found;

    if (place->path != NULL && lstat(place->path, &found) == 0 && found.st_dev == place->device &&
        found.st_ino == place->inode)
        unlink(place->path);
    g_free(place->path);
    g_free(place);
}

static gboolean
check_client(int fd, gconstpointer data, char **ret_why)
{
    const Place *place = data;
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        *ret_why = g_strdup(g_strerror(errno));
        return FALSE;
    }
    if (tn_policy_is_client_uid(tn_policy_holder_get(place->policy), peer.uid))
        return TRUE;
    *ret_why = g_strdup_printf("user id %u may not speak to the agent", peer.uid);
    return FALSE;
}

static gboolean
remove_stale(const char *path, GError **error)
{
    struct stat found;

    if (lstat(path, &found) < 0)
        return TRUE; /* bind will say what is wrong, if anything is */
    if (!S_ISSOCK(found.st_mode)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                    "Failed to bind socket to %s: it exists and is no socket", path);
        return FALSE;
    }
    if (unlink(path) < 0)
        return tn_error_from_errno(error, errno, "Failed to bind socket to %s", path);
    return TRUE;
}

static int
bind_path(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    tn_autofd int fd = -1;

    if (strlen(path) >= sizeof address.sun_path) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                    "UNIX socket path '%s' is too long: at most %" G_GSIZE_FORMAT " bytes", path,
                    sizeof address.sun_path - 1);
        return -1;
    }
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || fchmod(fd, 0600) < 0) {
        tn_error_from_errno(error, errno, "Failed to create socket");
        return -1;
    }
    if (!remove_stale(path, error))
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0) {
        tn_error_from_errno(error, errno, "Failed to bind socket to %s", path);
        return -1;
    }
    return tn_fd_steal(&fd);
}

static TnChannel *
make_channel(int fd, const char *name, Place *place, const TnChannelHandler *handler)
{
    TnSocketSetup setup = {
        .name = name,
        .check = check_client,
        .check_data = place,
        .closed = remove_socket,
        .closed_data = place,
    };

    return tn_channel_socket_new(fd, &setup, handler);
}

TnChannel *
tn_channel_unix_open(const char *path, const TnPolicyHolder *policy,
                     const TnChannelHandler *handler, GError **error)
{
    int fd = bind_path(path, error);
    struct stat found;

    if (fd < 0)
        return NULL;

    Place *place = g_new0(Place, 1);
    place->policy = policy;
    if (lstat(path, &found) == 0) {
        place->path = g_strdup(path);
        place->device = found.st_dev;
        place->inode = found.st_ino;
    }
    return make_channel(fd, path, place, handler);
}

TnChannel *
tn_channel_unix_adopt(int fd, const char *name, const TnPolicyHolder *policy,
                      const TnChannelHandler *handler)
{
    Place *place = g_new0(Place, 1);

    place->policy = policy;
    return make_channel(fd, name, place, handler);
}
