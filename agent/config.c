/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Arguments, environment and key file to one immutable value. The key file comes first, so that
 * arguments override it; to find it, the arguments are read twice, as qemu-ga does (which is why it
 * complains twice about an option that it does not know).
 *
 * Messages go through glib's default handler: there is no log yet.
 */

#include "agent/config.h"

#include "agent/envfile.h"
#include "agent/settings.h"
#include "build-config.h"
#include "platform/names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    OPTION_POLICY = 0x100, /* options that have no letter */
    OPTION_CHECK,
    ACTIVATION_FD = 3,
};

/* What differs between the two names. */
typedef struct {
    const char *config_path;
    const char *config_variable;
    const char *pid_path;
    const char *state_dir;
    const char *hook_path;
} Defaults;

static const Defaults tenond_defaults = {
    .config_path = "/etc/tenon/tenond.conf",
    .config_variable = "TENON_CONF",
    .pid_path = TN_RUN_DIR "/tenond.pid",
    .state_dir = TN_STATE_DIR,
    .hook_path = "/etc/tenon/fsfreeze-hook",
};

static const Defaults qga_defaults = {
    .config_path = "/etc/qemu/qemu-ga.conf",
    .config_variable = "QGA_CONF",
    .pid_path = "/var/run/qemu-ga.pid",
    .state_dir = "/var/run",
    .hook_path = "/etc/qemu/fsfreeze-hook",
};

static const char *const method_names[] = {
    [TN_METHOD_VIRTIO] = "virtio-serial",
    [TN_METHOD_ISA] = "isa-serial",
    [TN_METHOD_UNIX] = "unix-listen",
    [TN_METHOD_VSOCK] = "vsock-listen",
};

static const char letters[] = "hVvdc:m:p:l:f:F::b:a:t:Dr";

/* tenon's own come last: as qemu-ga they are cut off. */
static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"verbose", no_argument, NULL, 'v'},
    {"daemonize", no_argument, NULL, 'd'},
    {"config", required_argument, NULL, 'c'},
    {"method", required_argument, NULL, 'm'},
    {"path", required_argument, NULL, 'p'},
    {"logfile", required_argument, NULL, 'l'},
    {"pidfile", required_argument, NULL, 'f'},
    {"fsfreeze-hook", optional_argument, NULL, 'F'},
    {"block-rpcs", required_argument, NULL, 'b'},
    {"allow-rpcs", required_argument, NULL, 'a'},
    {"statedir", required_argument, NULL, 't'},
    {"dump-conf", no_argument, NULL, 'D'},
    {"retry-path", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"check", no_argument, NULL, OPTION_CHECK},
    {NULL, 0, NULL, 0},
};

enum {
    N_COMMON_OPTIONS = 15
};

typedef struct {
    gboolean compat;
    int argc;
    char **argv;
    struct option options[G_N_ELEMENTS(options)];
    const Defaults *defaults;
    TnSettings settings;
    gboolean dump;
    gboolean check_only;
    int port_fd;
    int kept_fd;
    char **kept_names;
    gboolean is_activated;
} Reading;

static void
init_reading(Reading *reading, int argc, char **argv)
{
    g_autofree char *base = g_path_get_basename(argc > 0 ? argv[0] : "tenond");
    gsize n = 0;

    *reading = (Reading){.argc = argc, .argv = argv};
    reading->compat = strcmp(base, "qemu-ga") == 0;
    reading->defaults = reading->compat ? &qga_defaults : &tenond_defaults;
    tn_settings_init(&reading->settings);
    for (gsize i = 0; i < G_N_ELEMENTS(options) - 1; i++) {
        if (i != N_COMMON_OPTIONS && (i < N_COMMON_OPTIONS || !reading->compat))
            reading->options[n++] = options[i];
    }
}

static void
print_help(const Reading *reading)
{
    printf(
        "Usage: %s [OPTION]...\n"
        "Serves the host's requests in this guest.\n"
        "\n"
        "  -m, --method=METHOD    virtio-serial (default), isa-serial, unix-listen, vsock-listen\n"
        "  -p, --path=PATH        port, socket, or CID:PORT\n"
        "  -r, --retry-path       wait for the port and open it again when it was removed\n"
        "  -c, --config=FILE      key file (default %s)\n"
        "  -b, --block-rpcs=LIST  commands that are refused; 'help' prints all names\n"
        "  -a, --allow-rpcs=LIST  the only commands that are not refused\n"
        "  -F, --fsfreeze-hook[=PROGRAM]\n"
        "                         run around a freeze (default %s)\n"
        "  -t, --statedir=DIR     where state is kept (default %s)\n"
        "  -l, --logfile=FILE     where messages go (default: standard error)\n"
        "  -v, --verbose          more messages\n"
        "  -d, --daemonize        go into the background\n"
        "  -f, --pidfile=FILE     with -d (default %s)\n"
        "  -D, --dump-conf        print the configuration and exit\n"
        "  -V, --version          print the version and exit\n"
        "  -h, --help             print this and exit\n",
        reading->argv[0], reading->defaults->config_path, reading->defaults->hook_path,
        reading->defaults->state_dir, reading->defaults->pid_path);
    if (!reading->compat)
        printf("      --policy=DIR       read the policy from DIR instead of its usual places;\n"
               "                         preset:NAME is one of those that come with the program\n"
               "      --check            say whether the policy is in order and exit\n");
}

/* The key file that the arguments or the environment name; NULL: the default. Its first reading of
 * the arguments is silent under tenon's own name. */
static const char *
find_config_path(const Reading *reading)
{
    const char *path = NULL;
    int option;

    optind = 0;
    opterr = reading->compat ? 1 : 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    while ((option = getopt_long(reading->argc, reading->argv, letters, reading->options, NULL)) !=
           -1) {
        if (option == 'c')
            path = optarg;
    }
    return path;
}

static gboolean
load_file(Reading *reading)
{
    g_autoptr(GError) error = NULL;
    const char *named = find_config_path(reading);
    const char *path = named;

    if (path == NULL)
        path = g_getenv(reading->defaults->config_variable);
    if (path == NULL)
        path = reading->defaults->config_path;
    if (tn_settings_load(&reading->settings, path, !reading->compat, &error))
        return TRUE;
    if (named == NULL && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE;
    g_critical("error loading configuration from path: %s, %s", path, error->message);
    return FALSE;
}

static void
add_list(Reading *reading, gboolean is_allow)
{
    const TnPolicyList list = {
        .text = optarg,
        .origin = is_allow ? "-a" : "-b",
        .is_allow = is_allow,
    };

    tn_settings_add_list(&reading->settings, &list);
}

/* The member that an option with a value sets; NULL when it sets none. */
static char **
find_text(TnSettings *settings, int option)
{
    switch (option) {
    case 'm':
        return &settings->method;
    case 'p':
        return &settings->path;
    case 'l':
        return &settings->log_path;
    case 'f':
        return &settings->pid_path;
    case 'F':
        return &settings->hook_path;
    case 't':
        return &settings->state_dir;
    case OPTION_POLICY:
        return &settings->policy_dir;
    default:
        return NULL;
    }
}

static gboolean *
find_flag(Reading *reading, int option)
{
    switch (option) {
    case 'v':
        return &reading->settings.verbose;
    case 'd':
        return &reading->settings.daemonize;
    case 'r':
        return &reading->settings.retry_path;
    case 'D':
        return &reading->dump;
    case OPTION_CHECK:
        return &reading->check_only;
    default:
        return NULL;
    }
}

static TnConfigResult
refuse_option(const Reading *reading)
{
    fprintf(reading->compat ? stdout : stderr,
            "Unknown option, try '%s --help' for more information.\n", reading->argv[0]);
    return TN_CONFIG_WRONG;
}

static TnConfigResult
take_option(Reading *reading, int option)
{
    char **text = find_text(&reading->settings, option);
    gboolean *flag = find_flag(reading, option);

    if (text != NULL) {
        tn_settings_set(text, optarg != NULL ? optarg : reading->defaults->hook_path);
        return TN_CONFIG_RUN;
    }
    if (flag != NULL) {
        *flag = TRUE;
        return TN_CONFIG_RUN;
    }
    switch (option) {
    case 'c': /* was read before */
        return TN_CONFIG_RUN;
    case 'a':
    case 'b':
        if (strcmp(optarg, "help") == 0 || strcmp(optarg, "?") == 0)
            return TN_CONFIG_NAMES;
        add_list(reading, option == 'a');
        return TN_CONFIG_RUN;
    case 'h':
        print_help(reading);
        return TN_CONFIG_DONE;
    case 'V':
        printf(reading->compat ? "QEMU Guest Agent " TN_QGA_VERSION " (tenon " TN_VERSION ")\n"
                               : "tenond " TN_VERSION "\n");
        return TN_CONFIG_DONE;
    default:
        return refuse_option(reading);
    }
}

static TnConfigResult
take_options(Reading *reading)
{
    int option;

    optind = 0;
    opterr = 1;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    while ((option = getopt_long(reading->argc, reading->argv, letters, reading->options, NULL)) !=
           -1) {
        TnConfigResult result = take_option(reading, option);

        if (result != TN_CONFIG_RUN)
            return result;
    }
    /* qemu-ga ignores what is left over. */
    if (!reading->compat && optind < reading->argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", reading->argv[0], reading->argv[optind]);
        return refuse_option(reading);
    }
    return TN_CONFIG_RUN;
}

/* Sets aside what an earlier agent left with the service manager, or with the program that it
 * became: the descriptors behind the sockets, called tenon-something. The number of the others. */
static gint64
take_kept(Reading *reading, gint64 n_fds)
{
    const char *text = g_getenv("LISTEN_FDNAMES");
    g_auto(GStrv) names = text != NULL ? g_strsplit(text, ":", 0) : NULL;
    gint64 n_sockets = 0;
    gint64 kept = 0;

    if (names == NULL || (gint64)g_strv_length(names) != n_fds)
        return n_fds;
    while (n_sockets < n_fds && !g_str_has_prefix(names[n_sockets], TN_HANDOVER_PREFIX))
        n_sockets++;
    for (gint64 i = n_sockets; i < n_fds; i++)
        fcntl(ACTIVATION_FD + (int)i, F_SETFD, FD_CLOEXEC);
    kept = n_sockets;
    if (kept < n_fds && strcmp(names[kept], TN_HANDOVER_PORT) == 0)
        reading->port_fd = ACTIVATION_FD + (int)kept++;
    if (kept < n_fds) {
        reading->kept_fd = ACTIVATION_FD + (int)kept;
        reading->kept_names = g_strdupv(names + kept);
    }
    return n_sockets;
}

static gint64
take_number_variable(const char *name)
{
    const char *text = g_getenv(name);
    gint64 value = -1;

    if (text != NULL && !g_ascii_string_to_signed(text, 10, 0, G_MAXINT, &value, NULL))
        value = -1;
    return value;
}

/* A socket that the service manager passes takes the place of method and path. Source:
 * sd_listen_fds(3). */
static gboolean
take_activation(Reading *reading)
{
    gint64 pid = take_number_variable("LISTEN_PID");
    gint64 n_fds = take_number_variable("LISTEN_FDS");
    int domain = -1;
    socklen_t size = sizeof domain;

    if (pid == getpid() && n_fds > 0)
        n_fds = take_kept(reading, n_fds);
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    if (pid != getpid() || n_fds <= 0)
        return TRUE;
    if (n_fds > 1) {
        g_critical("socket activation passed %" G_GINT64_FORMAT " sockets; one can be served",
                   n_fds);
        return FALSE;
    }
    if (fcntl(ACTIVATION_FD, F_GETFD) < 0) {
        g_critical("Socket activation failed: invalid file descriptor fd = %d: %s", ACTIVATION_FD,
                   g_strerror(errno));
        return FALSE;
    }
    if (getsockopt(ACTIVATION_FD, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
        domain = -1;
    reading->is_activated = TRUE;
    tn_settings_set(&reading->settings.path, NULL);
    tn_settings_set(&reading->settings.method,
                    method_names[domain == AF_VSOCK ? TN_METHOD_VSOCK : TN_METHOD_UNIX]);
    return TRUE;
}

static void
set_default(char **text, const char *value)
{
    if (*text == NULL)
        tn_settings_set(text, value);
}

static gboolean
fill_defaults(Reading *reading)
{
    TnSettings *settings = &reading->settings;

    set_default(&settings->method, method_names[TN_METHOD_VIRTIO]);
    set_default(&settings->pid_path, reading->defaults->pid_path);
    set_default(&settings->state_dir, reading->defaults->state_dir);
    if (reading->is_activated || settings->path != NULL)
        return TRUE;
    if (strcmp(settings->method, method_names[TN_METHOD_VIRTIO]) == 0)
        tn_settings_set(&settings->path, TN_VIRTIO_PORT_PATH);
    if (strcmp(settings->method, method_names[TN_METHOD_ISA]) == 0)
        tn_settings_set(&settings->path, TN_ISA_SERIAL_PATH);
    if (settings->path == NULL)
        g_critical("must specify a path for this channel");
    return settings->path != NULL;
}

/* A daemon's directory is /. */
static void
make_absolute(char **path)
{
    if (*path != NULL && !g_path_is_absolute(*path)) {
        g_autofree char *absolute = g_canonicalize_filename(*path, NULL);

        tn_settings_set(path, absolute);
    }
}

static void
make_all_absolute(TnSettings *settings)
{
    if (strcmp(settings->method, method_names[TN_METHOD_VSOCK]) != 0)
        make_absolute(&settings->path);
    make_absolute(&settings->log_path);
    make_absolute(&settings->pid_path);
    make_absolute(&settings->hook_path);
    make_absolute(&settings->state_dir);
    if (settings->policy_dir != NULL && !g_str_has_prefix(settings->policy_dir, "preset:"))
        make_absolute(&settings->policy_dir);
}

static void
find_method(TnConfig *config, const Reading *reading)
{
    for (guint i = 0; i < G_N_ELEMENTS(method_names); i++) {
        if (strcmp(reading->settings.method, method_names[i]) == 0) {
            config->method = reading->is_activated ? TN_METHOD_ACTIVATION : (TnMethod)i;
            return;
        }
    }
    config->fault =
        g_strdup_printf("unsupported channel method/type: %s", reading->settings.method);
}

/* The words of a comma list, or NULL. */
static char **
split_words(const char *text)
{
    g_auto(GStrv) parts = text != NULL ? g_strsplit(text, ",", -1) : NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (parts == NULL)
        return NULL;
    for (gsize i = 0; parts[i] != NULL; i++) {
        if (*g_strstrip(parts[i]) != '\0')
            g_ptr_array_add(words, g_strdup(parts[i]));
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* Takes the settings' texts. */
static TnConfig *
make_config(Reading *reading)
{
    TnSettings *settings = &reading->settings;
    TnConfig *config = g_new0(TnConfig, 1);
    gboolean is_trial = strcmp(settings->state_dir, reading->defaults->state_dir) != 0;

    if (reading->compat) {
        tn_envfile_add_lists(settings, TN_ENVFILE_RHEL);
        tn_envfile_add_lists(settings, TN_ENVFILE_DEBIAN);
    }
    if (settings->daemonize)
        make_all_absolute(settings);
    *config = (TnConfig){
        .compat = reading->compat,
        .path = g_steal_pointer(&settings->path),
        .log_path = g_steal_pointer(&settings->log_path),
        .pid_path = g_steal_pointer(&settings->pid_path),
        .hook_path = g_steal_pointer(&settings->hook_path),
        .state_path = g_build_filename(settings->state_dir, "qga.state", NULL),
        .audit_path = is_trial ? g_build_filename(settings->state_dir, "audit.jsonl", NULL)
                               : g_strdup(TN_AUDIT_FILE),
        .policy_dir = g_steal_pointer(&settings->policy_dir),
        .hide_interfaces = split_words(settings->hide_interfaces),
        .verbose = settings->verbose,
        .daemonize = settings->daemonize,
        .retry_path = settings->retry_path,
        .check_only = reading->check_only,
        .notify_socket = g_strdup(g_getenv("NOTIFY_SOCKET")),
        .port_fd = reading->port_fd,
        .kept_fd = reading->kept_fd,
        .kept_names = g_steal_pointer(&reading->kept_names),
        .lists = g_steal_pointer(&settings->lists),
        .texts = g_steal_pointer(&settings->texts),
    };
    find_method(config, reading);
    return config;
}

static TnConfigResult
read_all(Reading *reading)
{
    TnConfigResult result = TN_CONFIG_RUN;

    if (!load_file(reading))
        return TN_CONFIG_WRONG;
    result = take_options(reading);
    if (result != TN_CONFIG_RUN)
        return result;
    if (!take_activation(reading) || !fill_defaults(reading))
        return TN_CONFIG_WRONG;
    if (reading->dump) {
        g_autofree char *text = tn_settings_print(&reading->settings);

        fputs(text, stdout);
        return TN_CONFIG_DONE;
    }
    return TN_CONFIG_RUN;
}

TnConfigResult
tn_config_new(int argc, char **argv, TnConfig **ret_config)
{
    Reading reading;
    TnConfigResult result = TN_CONFIG_RUN;

    init_reading(&reading, argc, argv);
    result = read_all(&reading);
    if (result == TN_CONFIG_RUN)
        *ret_config = make_config(&reading);
    g_strfreev(reading.kept_names);
    tn_settings_clear(&reading.settings);
    return result;
}

void
tn_config_free(TnConfig *config)
{
    if (config == NULL)
        return;
    g_free(config->path);
    g_free(config->fault);
    g_free(config->log_path);
    g_free(config->pid_path);
    g_free(config->hook_path);
    g_free(config->state_path);
    g_free(config->audit_path);
    g_free(config->policy_dir);
    g_strfreev(config->hide_interfaces);
    g_free(config->notify_socket);
    g_strfreev(config->kept_names);
    if (config->lists != NULL)
        g_array_free(config->lists, TRUE);
    if (config->texts != NULL)
        g_ptr_array_free(config->texts, TRUE);
    g_free(config);
}
