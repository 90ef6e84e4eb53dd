/* SPDX-License-Identifier: Apache-2.0 */

/*
 * qemu-ga's lists, parsed fail-closed. qemu-ga compares the words between commas byte for byte and
 * says nothing about those that match no command, so that a blank, a ';' or a typing error leaves
 * the command open which somebody meant to close. Here ',' and ';' separate, blanks are trimmed,
 * and a name that no agent ever had is an error with its origin.
 *
 * Invariant: an allow list that was given, even empty, exists; one that was not given does not.
 */

#include "policy/lists.h"

#include <string.h>

struct TnLists {
    GHashTable *allowed; /* NULL: no allow list */
    GHashTable *blocked;
};

/* Commands of qemu-ga 10.2.2 on any system (its schema); none was ever removed. */
static const char *const QGA_COMMANDS[] = {
    "guest-exec",
    "guest-exec-status",
    "guest-file-close",
    "guest-file-flush",
    "guest-file-open",
    "guest-file-read",
    "guest-file-seek",
    "guest-file-write",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-freeze-list",
    "guest-fsfreeze-status",
    "guest-fsfreeze-thaw",
    "guest-fstrim",
    "guest-get-cpustats",
    "guest-get-devices",
    "guest-get-disks",
    "guest-get-diskstats",
    "guest-get-fsinfo",
    "guest-get-host-name",
    "guest-get-load",
    "guest-get-memory-block-info",
    "guest-get-memory-blocks",
    "guest-get-osinfo",
    "guest-get-time",
    "guest-get-timezone",
    "guest-get-users",
    "guest-get-vcpus",
    "guest-info",
    "guest-network-get-interfaces",
    "guest-network-get-route",
    "guest-ping",
    "guest-set-memory-blocks",
    "guest-set-time",
    "guest-set-user-password",
    "guest-set-vcpus",
    "guest-shutdown",
    "guest-ssh-add-authorized-keys",
    "guest-ssh-get-authorized-keys",
    "guest-ssh-remove-authorized-keys",
    "guest-suspend-disk",
    "guest-suspend-hybrid",
    "guest-suspend-ram",
    "guest-sync",
    "guest-sync-delimited",
};

enum {
    LIST_LIMIT_BYTES = 64 * 1024
};

TnLists *
tn_lists_new(void)
{
    TnLists *lists = g_new0(TnLists, 1);

    lists->blocked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return lists;
}

void
tn_lists_free(TnLists *lists)
{
    if (lists == NULL)
        return;
    g_clear_pointer(&lists->allowed, g_hash_table_unref);
    g_hash_table_unref(lists->blocked);
    g_free(lists);
}

gboolean
tn_lists_is_qga_command(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(QGA_COMMANDS); i++)
        if (strcmp(QGA_COMMANDS[i], name) == 0)
            return TRUE;
    return FALSE;
}

/* The names of TEXT. One that nobody knows is kept and warned of when LENIENT, else NULL, ERROR. */
static GPtrArray *
split_names(const TnPolicyList *list, GHashTable *known, gboolean lenient, GPtrArray *warnings,
            GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) words = g_strsplit_set(list->text, ",;", -1);

    for (gsize i = 0; words[i] != NULL; i++) {
        char *name = g_strstrip(words[i]);

        if (name[0] == '\0')
            continue;
        if (!tn_lists_is_qga_command(name) && !g_hash_table_contains(known, name)) {
            g_autofree char *shown = g_strescape(name, NULL);
            g_autofree char *message = g_strdup_printf(
                "%s: '%.100s' is no command of this agent nor of qemu-ga", list->origin, shown);

            if (!lenient) {
                g_set_error_literal(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, message);
                return NULL;
            }
            g_ptr_array_add(warnings, g_steal_pointer(&message));
        }
        g_ptr_array_add(names, g_strdup(name));
    }
    return g_steal_pointer(&names);
}

static void
insert_names(GHashTable *set, const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++)
        g_hash_table_add(set, g_strdup(g_ptr_array_index(names, i)));
}

gboolean
tn_lists_add(TnLists *lists, const TnPolicyList *list, GHashTable *known, gboolean lenient,
             GPtrArray *warnings, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;

    if (strlen(list->text) > LIST_LIMIT_BYTES) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID,
                    "%s: the list is longer than %d bytes", list->origin, LIST_LIMIT_BYTES);
        return FALSE;
    }
    names = split_names(list, known, lenient, warnings, error);
    if (names == NULL)
        return FALSE;
    if (list->is_legacy)
        g_ptr_array_add(warnings, g_strdup_printf("%s: qemu-ga ignores this name since 9.1; it is "
                                                  "honoured here, say %s instead",
                                                  list->origin,
                                                  list->is_allow ? "allow-rpcs" : "block-rpcs"));
    /* qemu-ga's own --dump-conf writes empty keys, which mean nothing there. */
    if (names->len == 0 && list->from_file) {
        g_ptr_array_add(warnings,
                        g_strdup_printf("%s: an empty list is taken as no list", list->origin));
        return TRUE;
    }
    if (list->is_allow && lists->allowed == NULL)
        lists->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    insert_names(list->is_allow ? lists->allowed : lists->blocked, names);
    return TRUE;
}

gboolean
tn_lists_allow(const TnLists *lists, const char *command)
{
    if (g_hash_table_size(lists->blocked) > 0 && g_hash_table_contains(lists->blocked, command))
        return FALSE;
    return lists->allowed == NULL || g_hash_table_contains(lists->allowed, command);
}
