/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/token.h"

/*
 * The keys of the large objects of one message, hashed, so that an object with 100,000 members
 * costs linear time to check for duplicates. The hash is keyed at random: whoever writes the
 * message cannot make keys collide.
 */

typedef struct {
    uint32_t object; /* token of the object */
    uint32_t key;    /* token of the key; 0: the slot is free, since token 0 is never a key */
    uint32_t hash;
} TnKeySlot;

/* All zero is empty and valid. */
typedef struct {
    TnKeySlot *slots;
    guint n_slots; /* a power of two, or 0 */
    guint n_used;
    uint64_t seeds[2];
} TnKeys;

/* Adds the string token KEY as a key of OBJECT; FALSE when OBJECT has that key already. TOKENS
 * and BYTES are those of the message. At most as many entries as a message may have tokens. */
gboolean tn_keys_add(TnKeys *keys, const TnToken *tokens, const char *bytes, guint object,
                     guint key) G_GNUC_WARN_UNUSED_RESULT;
/* Forgets all keys and frees their memory. */
void tn_keys_clear(TnKeys *keys);
