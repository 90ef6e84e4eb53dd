/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"
#include "policy/policy.h"

#include <glib.h>

/*
 * Name to command row and module state. Filled from module tables when the agent starts, before the
 * first request; read only afterwards. Main thread only.
 */

typedef struct TnRegistry TnRegistry;

typedef struct {
    const TnCommand *command;
    const TnPolicyCommand *policy; /* what policy knows of it */
    gpointer module;               /* what the module's create returned; NULL before the start */
} TnRegistryEntry;

/* An empty registry. */
TnRegistry *tn_registry_new(void);
/* Destroys the modules in the reverse order of their creation. NULL is accepted. */
void tn_registry_free(TnRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnRegistry, tn_registry_free)

/* Appends the commands of MODULE, which must outlive REGISTRY, in their order. Only before
 * tn_registry_start(). Errors: TN_REQUEST_ERROR_GENERIC when a name is taken already; then none of
 * the module's commands is added. */
gboolean tn_registry_add(TnRegistry *registry, const TnModule *module, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Creates the states of all modules in their order. CONTEXT is copied, its member registry is set
 * to REGISTRY; what it points to must outlive REGISTRY. Once. */
void tn_registry_start(TnRegistry *registry, const TnModuleContext *context);
/* The copy that tn_registry_start() made. */
const TnModuleContext *tn_registry_get_context(const TnRegistry *registry);

/* NULL: no such command. Borrowed; valid after tn_registry_start(). */
const TnRegistryEntry *tn_registry_find(const TnRegistry *registry, const char *name);
guint tn_registry_get_n_commands(const TnRegistry *registry);
/* NTH < n, in the order of addition. Borrowed; valid after tn_registry_start(). */
const TnRegistryEntry *tn_registry_get_nth(const TnRegistry *registry, guint nth);

/* One row per command, in the order of addition, for policy; *RET_N of them (not NULL-ended).
 * Borrowed, valid until the next tn_registry_add(). May be called before tn_registry_start(). */
const TnPolicyCommand *tn_registry_get_policy_commands(const TnRegistry *registry, guint *ret_n);
