/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What differs between the two names, and the values that come out. Texts and exit codes are
 * compared with qemu-ga's in tests/compat.
 */

#include "agent/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The arguments are copied, because getopt_long moves them about. */
static TnConfigResult
read_config(const char *const *argv, TnConfig **ret_config)
{
    g_autofree char **copy = NULL;
    guint argc = 0;

    while (argv[argc] != NULL)
        argc++;
    copy = g_memdup2(argv, (argc + 1) * sizeof *argv);
    return tn_config_new((int)argc, copy, ret_config);
}

static int
clean_environment(void **state)
{
    g_setenv("TENON_CONF", "/nonexistent/tenond.conf", TRUE);
    g_setenv("QGA_CONF", "/nonexistent/qemu-ga.conf", TRUE);
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("NOTIFY_SOCKET");
    return 0;
}

static void
test_defaults_of_tenond(void **state)
{
    g_autoptr(TnConfig) config = NULL;

    assert_int_equal(read_config((const char *[]){"/usr/sbin/tenond", NULL}, &config),
                     TN_CONFIG_RUN);
    assert_false(config->compat);
    assert_int_equal(config->method, TN_METHOD_VIRTIO);
    assert_string_equal(config->path, "/dev/virtio-ports/org.qemu.guest_agent.0");
    assert_string_equal(config->pid_path, "/run/tenon/tenond.pid");
    assert_string_equal(config->state_path, "/var/lib/tenon/qga.state");
    assert_null(config->hook_path);
    assert_null(config->log_path);
    assert_null(config->policy_dir);
    assert_null(config->fault);
    assert_int_equal(config->lists->len, 0);
}

static void
test_defaults_of_qemu_ga(void **state)
{
    g_autoptr(TnConfig) config = NULL;

    assert_int_equal(read_config((const char *[]){"qemu-ga", "-F", "junk", NULL}, &config),
                     TN_CONFIG_RUN);
    assert_true(config->compat);
    assert_string_equal(config->pid_path, "/var/run/qemu-ga.pid");
    assert_string_equal(config->state_path, "/var/run/qga.state");
    assert_string_equal(config->hook_path, "/etc/qemu/fsfreeze-hook");
}

static void
test_values(void **state)
{
    g_autoptr(TnConfig) config = NULL;
    const char *argv[] = {"tenond",     "-m",      "vsock-listen", "-p",  "3:1024", "-v", "-r",
                          "--policy=p", "--check", "-b",           "a",   "-a",     "b",  "-l",
                          "log",        "-F/hook", "-t",           "dir", NULL};

    assert_int_equal(read_config(argv, &config), TN_CONFIG_RUN);
    assert_int_equal(config->method, TN_METHOD_VSOCK);
    assert_string_equal(config->path, "3:1024");
    assert_true(config->verbose && config->retry_path && config->check_only);
    assert_false(config->daemonize);
    assert_string_equal(config->policy_dir, "p");
    assert_string_equal(config->log_path, "log");
    assert_string_equal(config->hook_path, "/hook");
    assert_string_equal(config->state_path, "dir/qga.state");
    assert_int_equal(config->lists->len, 2);
    assert_false(g_array_index(config->lists, TnPolicyList, 0).is_allow);
    assert_string_equal(g_array_index(config->lists, TnPolicyList, 1).text, "b");
}

static void
test_interfaces_to_hide(void **state)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "tenon-hide-XXXXXX", NULL);
    g_autoptr(TnConfig) config = NULL;
    int fd = g_mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    assert_true(
        g_file_set_contents(path, "[general]\nhide-interfaces = veth*, kind:tun ,,\n", -1, NULL));
    assert_int_equal(read_config((const char *[]){"tenond", "-c", path, NULL}, &config),
                     TN_CONFIG_RUN);
    (void)unlink(path);
    assert_int_equal(g_strv_length(config->hide_interfaces), 2);
    assert_string_equal(config->hide_interfaces[0], "veth*");
    assert_string_equal(config->hide_interfaces[1], "kind:tun");
}

static void
test_daemon_paths_are_absolute(void **state)
{
    g_autoptr(TnConfig) config = NULL;
    g_autofree char *directory = g_get_current_dir();
    g_autofree char *expected = g_build_filename(directory, "s", NULL);

    assert_int_equal(read_config((const char *[]){"tenond", "-d", "-m", "unix-listen", "-p", "s",
                                                  "-f", "/p", NULL},
                                 &config),
                     TN_CONFIG_RUN);
    assert_string_equal(config->path, expected);
    assert_string_equal(config->pid_path, "/p");
}

static void
test_results(void **state)
{
    static const struct {
        const char *argv[4];
        TnConfigResult result;
    } cases[] = {
        {{"tenond", "-V", NULL}, TN_CONFIG_DONE},
        {{"tenond", "-h", NULL}, TN_CONFIG_DONE},
        {{"tenond", "-D", NULL}, TN_CONFIG_DONE},
        {{"tenond", "-b", "help", NULL}, TN_CONFIG_NAMES},
        {{"qemu-ga", "-a", "?", NULL}, TN_CONFIG_NAMES},
        {{"tenond", "-x", NULL}, TN_CONFIG_WRONG},
        {{"tenond", "operand", NULL}, TN_CONFIG_WRONG},
        {{"qemu-ga", "--check", NULL}, TN_CONFIG_WRONG},
        {{"qemu-ga", "--policy=x", NULL}, TN_CONFIG_WRONG},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TnConfig) config = NULL;

        assert_int_equal(read_config(cases[i].argv, &config), cases[i].result);
        assert_null(config);
    }
}

static void
test_unknown_method_is_told_later(void **state)
{
    g_autoptr(TnConfig) config = NULL;

    assert_int_equal(read_config((const char *[]){"tenond", "-m", "foo", "-p", "x", NULL}, &config),
                     TN_CONFIG_RUN);
    assert_string_equal(config->fault, "unsupported channel method/type: foo");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults_of_tenond, clean_environment),
        cmocka_unit_test_setup(test_defaults_of_qemu_ga, clean_environment),
        cmocka_unit_test_setup(test_values, clean_environment),
        cmocka_unit_test_setup(test_interfaces_to_hide, clean_environment),
        cmocka_unit_test_setup(test_daemon_paths_are_absolute, clean_environment),
        cmocka_unit_test_setup(test_results, clean_environment),
        cmocka_unit_test_setup(test_unknown_method_is_told_later, clean_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
