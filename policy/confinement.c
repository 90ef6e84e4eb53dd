/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Confinement as data. What is worth what is computed from the same members that the child gets,
 * never from the name of a profile.
 */

#include "policy/confinement.h"

#include "policy/policy.h"
#include "policy/rules-check.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What root must lose so that a read-only view and a private /dev hold: remounting, device nodes,
 * memory and code of the kernel and of other processes. */
#define VIEW_CAPS                                                                     \
    (BIT(CAP_SYS_ADMIN) | BIT(CAP_MKNOD) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_MODULE) | \
     BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_TIME))
#define BIT(CAP) (G_GUINT64_CONSTANT(1) << (CAP))

enum {
    GROUPS_LIMIT = 1024
};

struct TnSandboxCache {
    GHashTable *sandboxes; /* key to TnSandbox */
};

static void
free_sandbox(gpointer sandbox)
{
    tn_sandbox_free(sandbox);
}

TnSandboxCache *
tn_sandbox_cache_new(void)
{
    TnSandboxCache *cache = g_new0(TnSandboxCache, 1);

    cache->sandboxes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_sandbox);
    return cache;
}

void
tn_sandbox_cache_free(TnSandboxCache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_unref(cache->sandboxes);
    g_free(cache);
}

/* Appends the calls that WORDS stand for. */
static void
add_calls(GPtrArray *calls, const GPtrArray *words)
{
    for (guint i = 0; i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);
        const char *const *set = word[0] == '@' ? tn_profile_find_set(word) : NULL;

        for (gsize k = 0; set != NULL && set[k] != NULL; k++)
            g_ptr_array_add(calls, g_strdup(set[k]));
        if (set == NULL)
            g_ptr_array_add(calls, g_strdup(word));
    }
}

static TnConfine
resolve_builtins(const char *text)
{
    g_auto(GStrv) names = g_strsplit(text, "+", -1);
    TnConfine features = 0;

    for (gsize i = 0; names[i] != NULL; i++)
        features |= tn_profile_get_features(names[i]);
    return features;
}

static TnConfine
resolve_own(const TnProfileConf *conf, GPtrArray *deny, GPtrArray *allow)
{
    TnConfine features = resolve_builtins(conf->base_profile);

    add_calls(deny, conf->deny);
    add_calls(allow, conf->allow);
    if (conf->on_violation == 1)
        features |= TN_CONFINE_KILL;
    if (conf->on_violation == 2)
        features |= TN_CONFINE_LOG;
    if (conf->archs == 1)
        features |= TN_CONFINE_COMPAT_ARCH;
    if (conf->allow_ns->len > 0)
        features |= TN_CONFINE_USERNS;
    if (conf->debug == 1)
        features |= TN_CONFINE_DEBUG;
    if (conf->netns == 1)
        features |= TN_CONFINE_NETNS;
    if (conf->pidns == 1)
        features |= TN_CONFINE_PIDNS;
    /* A profile that only denies a call or two has a filter, whatever its base. */
    if (conf->deny->len > 0)
        features |= TN_CONFINE_FILTER;
    return features;
}

static char **
end_list(GPtrArray *list)
{
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

TnConfine
tn_confinement_resolve(const TnRules *rules, const char *text, char ***ret_deny, char ***ret_allow)
{
    g_auto(GStrv) names = g_strsplit(text, "+", -1);
    GPtrArray *deny = g_ptr_array_new();
    GPtrArray *allow = g_ptr_array_new();
    TnConfine features = 0;

    for (gsize i = 0; names[i] != NULL; i++) {
        const TnProfileConf *conf = tn_rules_find_profile(rules, names[i]);

        features |=
            conf != NULL ? resolve_own(conf, deny, allow) : tn_profile_get_features(names[i]);
    }
    *ret_deny = end_list(deny);
    *ret_allow = end_list(allow);
    return features;
}

static guint64
get_cap_mask(const TnExecConf *conf)
{
    guint64 mask = 0;

    for (guint i = 0; i < conf->caps->len; i++) {
        if (strcmp(g_ptr_array_index(conf->caps, i), TN_RULES_ALL_CAPS) == 0)
            return G_MAXUINT64;
        mask |= BIT(tn_rules_parse_cap(g_ptr_array_index(conf->caps, i)));
    }
    return mask;
}

static gboolean
is_caps_written(const TnExecConf *conf)
{
    gsize n;
    const TnKey *keys = tn_keys_get(conf->base.kind, &n);

    for (gsize i = 0; i < n; i++)
        if (strcmp(keys[i].name, "caps") == 0)
            return conf->base.key_places[i].line > 0;
    return FALSE;
}

/* Who confines a program at all confines its capabilities, unless the rule says otherwise. */
static void
compile_caps(TnExecRule *rule)
{
    const TnExecConf *conf = rule->conf;
    guint64 mask = get_cap_mask(conf);
    gboolean is_all = mask == G_MAXUINT64;

    rule->drops_caps = is_caps_written(conf) ? !is_all : rule->features != 0;
    rule->bounding = rule->drops_caps ? mask : G_MAXUINT64;
    if (!rule->drops_caps && (rule->features & TN_CONFINE_READ_ONLY) != 0) {
        rule->drops_caps = TRUE;
        rule->bounding = ~VIEW_CAPS;
    }
    rule->ambient = rule->user.uid == 0 || is_all ? 0 : mask;
}

gboolean
tn_confinement_compile(const TnRules *rules, TnExecRule *rule, GError **error)
{
    const TnExecConf *conf = rule->conf;
    g_autofree char *deny = NULL;
    g_autofree char *allow = NULL;

    rule->features =
        tn_confinement_resolve(rules, conf->profile, &rule->deny_calls, &rule->allow_calls);
    compile_caps(rule);
    rule->no_new_privs = conf->no_new_privs == TN_CHOICE_YES ||
                         (conf->no_new_privs == TN_CHOICE_AUTO && rule->user.uid != 0);
    deny = g_strjoinv(",", rule->deny_calls);
    allow = g_strjoinv(",", rule->allow_calls);
    rule->sandbox_key = g_strdup_printf("%x -%s +%s", (guint)rule->features, deny, allow);
    if (rule->user.uid != 0 && !rule->no_new_privs && (rule->features & TN_CONFINE_FILTER) != 0) {
        g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID,
                    "a filter cannot be loaded for user %s with no-new-privs = no",
                    rule->user.name);
        return FALSE;
    }
    return TRUE;
}

static const TnSandbox *
get_sandbox(TnSandboxCache *cache, const TnExecRule *rule, GError **error)
{
    TnSandbox *sandbox = g_hash_table_lookup(cache->sandboxes, rule->sandbox_key);
    const TnSandboxSpec spec = {
        .features = rule->features,
        .deny = (const char *const *)rule->deny_calls,
        .allow = (const char *const *)rule->allow_calls,
    };

    if (sandbox != NULL)
        return sandbox;
    sandbox = tn_sandbox_compile(&spec, error);
    if (sandbox != NULL)
        g_hash_table_insert(cache->sandboxes, g_strdup(rule->sandbox_key), sandbox);
    return sandbox;
}

static void
fill_groups_of(const TnUser *user, TnSpawnConfine *confine)
{
    int n = GROUPS_LIMIT;
    gid_t *groups = g_new0(gid_t, GROUPS_LIMIT);

    if (getgrouplist(user->name, user->gid, groups, &n) < 0)
        n = 0;
    confine->groups = groups;
    confine->n_groups = (guint)n;
}

static void
fill_user(const TnExecRule *rule, const TnUser *user, TnSpawnConfine *confine)
{
    gboolean chosen = user != &rule->user;

    if (rule->keeps_user && !chosen)
        return;
    confine->sets_ids = TRUE;
    confine->uid = user->uid;
    confine->gid = chosen ? user->gid : rule->gid;
    if (chosen) {
        fill_groups_of(user, confine);
        return;
    }
    confine->n_groups = rule->groups->len;
    confine->groups = g_new(gid_t, rule->groups->len + 1);
    for (guint i = 0; i < rule->groups->len; i++)
        confine->groups[i] = g_array_index(rule->groups, gid_t, i);
}

gboolean
tn_confinement_fill(TnSandboxCache *cache, const TnExecRule *rule, const TnUser *user,
                    TnSpawnConfine *confine, GError **error)
{
    if ((rule->features & TN_CONFINE_FILTER) != 0) {
        const TnSandbox *sandbox = get_sandbox(cache, rule, error);

        if (sandbox == NULL)
            return FALSE;
        confine->filters[0] = g_bytes_ref(sandbox->known);
        confine->filters[1] = g_bytes_ref(sandbox->denied);
    }
    fill_user(rule, user, confine);
    confine->is_read_only = (rule->features & TN_CONFINE_READ_ONLY) != 0;
    confine->makes_network = (rule->features & TN_CONFINE_NETNS) != 0;
    confine->makes_pids = (rule->features & TN_CONFINE_PIDNS) != 0;
    confine->drops_caps = rule->drops_caps;
    confine->bounding = rule->bounding;
    confine->ambient = user->uid != 0 ? rule->ambient : 0;
    confine->sets_no_new_privs =
        rule->no_new_privs || (user->uid != 0 && confine->filters[0] != NULL);
    confine->death_signal = rule->conf->survive_agent == 0 ? SIGKILL : 0;
    return TRUE;
}

const char *
tn_confinement_get_strength(const TnExecRule *rule, const char **ret_words)
{
    gboolean is_root = rule->user.uid == 0 || rule->conf->user_from_request == 1;
    gboolean filtered =
        (rule->features & TN_CONFINE_FILTER) != 0 && (rule->features & TN_CONFINE_LOG) == 0;
    gboolean view = (rule->features & TN_CONFINE_READ_ONLY) != 0;
    gboolean no_ipc = (rule->features & TN_CONFINE_NO_IPC) != 0;
    gboolean alone =
        (rule->features & TN_CONFINE_PIDNS) != 0 &&
        (rule->features & (TN_CONFINE_NO_NETWORK | TN_CONFINE_NO_IPC | TN_CONFINE_NETNS)) != 0;

    if (!is_root && filtered && view && rule->no_new_privs && alone) {
        *ret_words = "as S3, without a network, and alone among processes: a boundary also to "
                     "other programs of its user";
        return "S4";
    }
    if (!is_root && filtered && view && rule->no_new_privs) {
        *ret_words = "a user of its own, filter, no new privileges, read-only view: a boundary";
        return "S3";
    }
    if (is_root && filtered && view && no_ipc && rule->drops_caps && rule->bounding == 0) {
        *ret_words = "root without capabilities, read-only view, no sockets: holds accidents and "
                     "most misuse";
        return "S2";
    }
    if (filtered || !is_root) {
        *ret_words = is_root ? "root with a filter: less surface, no boundary"
                             : "a user of its own without a full confinement";
        return "S1";
    }
    *ret_words = "unrestricted root";
    return "S0";
}
