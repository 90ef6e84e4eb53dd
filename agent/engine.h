/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channels.h"
#include "agent/registry.h"
#include "agent/state.h"
#include "policy/policy.h"

/*
 * The part of the agent that serves: dispatcher, workers, sessions and the channel, put together.
 */

typedef struct TnEngine TnEngine;

/* All borrowed, and must outlive the engine; the registry is started. */
typedef struct {
    const TnConfig *config;
    TnState *state;
    TnRegistry *registry;
    TnPolicyHolder *policy;
    /* The channel is over, WHY is for the log: the agent should end, but not from here. */
    void (*ended)(const char *why, gpointer data);
    gpointer data;
} TnEngineSetup;

/* Opens the channel and serves as soon as the main loop runs. SETUP is copied. Errors: those of
 * tn_channels_open. */
TnEngine *tn_engine_new(const TnEngineSetup *setup, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Tells log and service manager that the agent serves, and under which policy. */
void tn_engine_announce(TnEngine *engine);
/* Reads the policy again (SIGHUP) and announces what came of it. Blocks on disk; does nothing while
 * file systems are frozen. */
void tn_engine_reload(TnEngine *engine);
/* Ends what is under way, so that the agent can become another program: see tn_sessions_drain. DONE
 * is called once, from the main loop. */
void tn_engine_drain(TnEngine *engine, void (*done)(gpointer data), gpointer data);
/* Takes that back. */
void tn_engine_resume(TnEngine *engine);
/* A descriptor of the open serial port for that program (close-on-exec, the caller's), if nothing
 * is under way on it; else -1. */
int tn_engine_keep_port(const TnEngine *engine);
/* Ends all peers and drops all calls; programs that were started live on. Accepts NULL. */
void tn_engine_free(TnEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnEngine, tn_engine_free)
