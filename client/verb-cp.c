/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp: files and, with -r, directories between this side and a guest. Exactly one of source and
 * target is in a guest.
 */

#include "client/copytree.h"
#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <string.h>

typedef struct {
    gboolean is_recursive;
    gboolean keeps_existing;
    gboolean resumes;
    gboolean checks;
    const char *mode;
    const char *owner;
} CpOptions;

static const TnOption cp_options[] = {
    {"recursive", 'r', TN_OPTION_FLAG, offsetof(CpOptions, is_recursive), NULL,
     "copy a directory with all below it"},
    {"no-clobber", 'n', TN_OPTION_FLAG, offsetof(CpOptions, keeps_existing), NULL,
     "leave a file alone that is there already"},
    {"resume", 0, TN_OPTION_FLAG, offsetof(CpOptions, resumes), NULL,
     "go on with a copy that was broken off, and keep this one's part if it is"},
    {"checksum", 0, TN_OPTION_FLAG, offsetof(CpOptions, checks), NULL,
     "compare SHA-256 digests before the file takes its place"},
    {"mode", 0, TN_OPTION_STRING, offsetof(CpOptions, mode), "MODE",
     "permission bits in octal, instead of the source's"},
    {"owner", 0, TN_OPTION_STRING, offsetof(CpOptions, owner), "USER[:GROUP]",
     "owner of the file in the guest"},
    {0},
};

typedef struct {
    const TnInvocation *invocation;
    const CpOptions *options;
    TnCopy copy;
    char *user;
    char *group;
} Cp;

static void
clear_cp(Cp *cp)
{
    g_clear_pointer(&cp->copy.agent, tn_dial_close);
    g_free(cp->user);
    g_free(cp->group);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cp, clear_cp)

static void
report_left_out(gpointer data, const char *path, const char *why)
{
    tn_print_note(NULL, "left out '%s': %s", path, why);
}

/* What a stock agent cannot do is said once, or refused with --strict. */
static gboolean
report_loss(const Cp *cp, gboolean is_up, GError **error)
{
    const char *loss = NULL;

    if (cp->copy.is_plain)
        loss = is_up
                   ? "this agent has no tenon-file-put: the file was written in place, without "
                     "its mode and time"
                   : "this agent has no tenon-file-get: mode and time are not known, and the file "
                     "may have changed meanwhile";
    else if (cp->copy.is_mtime_lost)
        loss = "the file's time could not be kept";
    if (loss == NULL)
        return TRUE;
    if (cp->invocation->globals->is_strict) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_SOME, loss);
        return FALSE;
    }
    if (!cp->invocation->globals->is_quiet)
        tn_print_note(NULL, "%s", loss);
    return TRUE;
}

static int
finish_tree(const TnCopyTree *tree, GError **error)
{
    if (tree->n_failed == 0)
        return 0;
    g_set_error(error, TN_FAILURE, TN_FAILURE_SOME, "%u copied, %u left out", tree->n_copied,
                tree->n_failed);
    return -1;
}

static char *
choose_local(const char *local, const char *remote)
{
    g_autofree char *base = NULL;

    if (!g_str_has_suffix(local, "/") && !g_file_test(local, G_FILE_TEST_IS_DIR))
        return g_strdup(local);
    base = g_path_get_basename(remote);
    return g_build_filename(local, base, NULL);
}

static int
copy_down(Cp *cp, const char *remote, const char *target, GError **error)
{
    g_autofree char *local = choose_local(target, remote);
    g_auto(TnCopyStat) stat = {0};
    g_autoptr(GError) stat_error = NULL;
    gboolean has_stat = tn_copy_stat(cp->copy.agent, remote, TRUE, &stat, &stat_error);
    TnCopyTree tree = {.report = report_left_out};

    if (!has_stat && !g_error_matches(stat_error, TN_FAILURE, TN_FAILURE_NO_SUCH_COMMAND)) {
        g_propagate_error(error, g_steal_pointer(&stat_error));
        return -1;
    }
    if (cp->options->is_recursive && has_stat && g_strcmp0(stat.type, "directory") == 0)
        return tn_copytree_down(&cp->copy, &tree, remote, local, error) ? finish_tree(&tree, error)
                                                                        : -1;
    if (has_stat && g_strcmp0(stat.type, "file") != 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_GUEST, "'%s' is no file but a %s%s", remote,
                    stat.type == NULL ? "thing" : stat.type,
                    g_strcmp0(stat.type, "directory") == 0 ? " (use -r)" : "");
        return -1;
    }
    if (!tn_copy_down(&cp->copy, remote, has_stat ? &stat : NULL, local, error) ||
        !report_loss(cp, FALSE, error))
        return -1;
    return 0;
}

/* Into a directory the file goes under its own name. A stock agent cannot tell; a slash can. */
static char *
choose_remote(Cp *cp, const char *remote, const char *local)
{
    g_autofree char *base = g_path_get_basename(local);
    g_auto(TnCopyStat) stat = {0};

    if (g_str_has_suffix(remote, "/"))
        return g_strconcat(remote, base, NULL);
    if (tn_copy_stat(cp->copy.agent, remote, TRUE, &stat, NULL) &&
        g_strcmp0(stat.type, "directory") == 0)
        return g_strconcat(remote, "/", base, NULL);
    return g_strdup(remote);
}

static int
copy_up(Cp *cp, const char *local, const char *target, GError **error)
{
    g_autofree char *remote = choose_remote(cp, target, local);
    TnCopyTree tree = {.report = report_left_out};

    if (!g_utf8_validate(remote, -1, NULL)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "the name of '%s' is not UTF-8", local);
        return -1;
    }
    if (g_file_test(local, G_FILE_TEST_IS_DIR)) {
        if (!cp->options->is_recursive) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "'%s' is a directory (use -r)", local);
            return -1;
        }
        return tn_copytree_up(&cp->copy, &tree, local, remote, error) ? finish_tree(&tree, error)
                                                                      : -1;
    }
    if (!tn_copy_up(&cp->copy, local, remote, error) || !report_loss(cp, TRUE, error))
        return -1;
    return 0;
}

static gboolean
prepare_copy(Cp *cp, GError **error)
{
    const CpOptions *options = cp->options;
    const TnGlobals *globals = cp->invocation->globals;

    tn_verb_split_owner(options->owner, &cp->user, &cp->group);
    cp->copy.user = cp->user;
    cp->copy.group = cp->group;
    cp->copy.keeps_existing = options->keeps_existing;
    cp->copy.resumes = options->resumes;
    cp->copy.checks = options->checks;
    cp->copy.shows_progress = !globals->is_quiet && !globals->is_json;
    return tn_verb_parse_mode(options->mode, &cp->copy.mode, error);
}

static int
run_cp(const TnInvocation *invocation, GError **error)
{
    const char *source = invocation->args[0];
    const char *target = invocation->args[1];
    g_auto(Cp) cp = {.invocation = invocation, .options = invocation->options};
    g_autofree char *endpoint = NULL;
    g_autofree char *path = NULL;
    g_autofree char *remote = NULL;
    gboolean is_down = tn_endpoint_split(source, &endpoint, &path);

    g_clear_pointer(&endpoint, g_free);
    g_clear_pointer(&path, g_free);
    if (is_down == tn_endpoint_split(target, &endpoint, &path)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "one of source and target must be ENDPOINT:/PATH, and the other not");
        return -1;
    }
    if (!prepare_copy(&cp, error))
        return -1;
    cp.copy.agent = tn_verb_open_path(invocation, is_down ? source : target, &remote, error);
    if (cp.copy.agent == NULL)
        return -1;
    return is_down ? copy_down(&cp, remote, target, error) : copy_up(&cp, source, remote, error);
}

const TnVerb tn_verb_cp = {
    .name = "cp",
    .synopsis = "SOURCE TARGET",
    .doc = "copy files to and from a guest (ENDPOINT:/PATH)",
    .options = cp_options,
    .options_size = sizeof(CpOptions),
    .n_args_min = 2,
    .n_args_max = 2,
    .run = run_cp,
};
