/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Steps of the start that are longer than one call. Their order is main.c's affair.
 */

#include "agent/startup.h"

#include "agent/report.h"
#include "platform/names.h"

#include <string.h>

enum {
    RUN_DIR_MODE = 0755,
};

/* There is no log yet: the message goes to standard error, in its form. */
static gboolean
fail_early(TnLog **ret_log, TnStartStep step, const char *why)
{
    *ret_log = tn_log_new(NULL, FALSE, NULL);
    tn_log_install(*ret_log);
    tn_report_start_failure(step, why);
    return FALSE;
}

gboolean
tn_startup_open_log(const TnConfig *config, TnDaemon **ret_daemon, TnLog **ret_log,
                    int *ret_exit_code)
{
    g_autoptr(GError) error = NULL;

    *ret_exit_code = 1;
    *ret_daemon = NULL;
    if (config->daemonize && !tn_daemon_start(config->pid_path, ret_daemon, ret_exit_code, &error))
        return fail_early(ret_log, TN_START_DAEMON, error->message);
    if (config->daemonize && *ret_daemon == NULL)
        return FALSE;
    *ret_log = tn_log_new(config->log_path, config->verbose, &error);
    if (*ret_log == NULL) {
        g_prefix_error(&error, "unable to open specified log file: ");
        return fail_early(ret_log, TN_START_LOG, error->message);
    }
    tn_log_install(*ret_log);
    return TRUE;
}

TnPolicyHolder *
tn_startup_make_policy(const TnConfig *config, const TnRegistry *registry, GError **error)
{
    TnPolicyOptions options = {
        .compat = config->compat,
        .audit_file = config->check_only ? NULL : config->audit_path,
        .policy_dir = config->policy_dir,
        .lists = (const TnPolicyList *)(const void *)config->lists->data,
        .n_lists = config->lists->len,
    };
    guint n_commands;

    options.commands = tn_registry_get_policy_commands(registry, &n_commands);
    options.n_commands = n_commands;
    return tn_policy_holder_new(&options, error);
}

TnState *
tn_startup_open_state(const TnConfig *config, const char *state_dir, char **ret_run_dir,
                      GError **error)
{
    g_autofree char *name = g_path_get_basename(config->state_path);
    g_autofree char *mark_name = g_strdup_printf("%s.isfrozen", name);
    g_autofree char *mark = NULL;
    gboolean is_own = !config->compat && strcmp(state_dir, TN_STATE_DIR) == 0;

    if (is_own)
        (void)g_mkdir_with_parents(TN_RUN_DIR, RUN_DIR_MODE);
    *ret_run_dir = g_strdup(is_own ? TN_RUN_DIR : state_dir);
    mark = g_build_filename(*ret_run_dir, mark_name, NULL);
    return tn_state_new_with_mark(config->state_path, mark, error);
}
