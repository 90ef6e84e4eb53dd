/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A hash set of (object, key) with open addressing; entries are never removed one by one. The
 * function is SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).
 */

#include "agent/wire/keys.h"

#include <string.h>

enum {
    FIRST_SLOTS = 128
};

typedef struct {
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
} Sip;

static uint64_t
rotate(uint64_t value, unsigned int bits)
{
    return value << bits | value >> (64 - bits);
}

static void
mix(Sip *sip)
{
    sip->a += sip->b;
    sip->c += sip->d;
    sip->b = rotate(sip->b, 13) ^ sip->a;
    sip->d = rotate(sip->d, 16) ^ sip->c;
    sip->a = rotate(sip->a, 32) + sip->d;
    sip->c += sip->b;
    sip->d = rotate(sip->d, 21) ^ sip->a;
    sip->b = rotate(sip->b, 17) ^ sip->c;
    sip->c = rotate(sip->c, 32);
}

static void
absorb(Sip *sip, uint64_t word)
{
    sip->d ^= word;
    mix(sip);
    sip->a ^= word;
}

/* OBJECT goes in as if it stood before the key's bytes. */
static uint32_t
hash_key(const uint64_t seeds[2], guint object, const char *bytes, gsize size)
{
    Sip sip = {
        .a = seeds[0] ^ UINT64_C(0x736f6d6570736575),
        .b = seeds[1] ^ UINT64_C(0x646f72616e646f6d),
        .c = seeds[0] ^ UINT64_C(0x6c7967656e657261),
        .d = seeds[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t word = 0;
    gsize at = 0;

    absorb(&sip, object);
    for (; size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        absorb(&sip, word);
    }
    word = 0;
    memcpy(&word, bytes + at, size - at);
    absorb(&sip, word ^ (uint64_t)size << 56);

    sip.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        mix(&sip);
    word = sip.a ^ sip.b ^ sip.c ^ sip.d;
    return (uint32_t)(word ^ word >> 32);
}

/* The slot of an entry that is not in the table yet. */
static TnKeySlot *
find_free(TnKeySlot *slots, guint n_slots, uint32_t hash)
{
    guint at = hash & (n_slots - 1);

    while (slots[at].key != 0)
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static void
grow(TnKeys *keys)
{
    guint n_slots = keys->n_slots == 0 ? FIRST_SLOTS : keys->n_slots * 2;
    TnKeySlot *slots = g_new0(TnKeySlot, n_slots);

    if (keys->n_slots == 0) {
        for (gsize i = 0; i < G_N_ELEMENTS(keys->seeds); i++)
            keys->seeds[i] = (uint64_t)g_random_int() << 32 | g_random_int();
    }
    for (guint i = 0; i < keys->n_slots; i++) {
        if (keys->slots[i].key != 0)
            *find_free(slots, n_slots, keys->slots[i].hash) = keys->slots[i];
    }
    g_free(keys->slots);
    keys->slots = slots;
    keys->n_slots = n_slots;
}

gboolean
tn_keys_add(TnKeys *keys, const TnToken *tokens, const char *bytes, guint object, guint key)
{
    const char *name = bytes + tokens[key].start;
    gsize size = tokens[key].length;
    TnKeySlot entry = {.object = object, .key = key};
    guint at = 0;

    if (keys->n_used >= keys->n_slots / 2)
        grow(keys);

    entry.hash = hash_key(keys->seeds, object, name, size);
    at = entry.hash & (keys->n_slots - 1);
    for (; keys->slots[at].key != 0; at = (at + 1) & (keys->n_slots - 1)) {
        const TnKeySlot *slot = &keys->slots[at];
        const TnToken *other = &tokens[slot->key];

        if (slot->hash == entry.hash && slot->object == object && other->length == size &&
            memcmp(bytes + other->start, name, size) == 0)
            return FALSE;
    }
    keys->slots[at] = entry;
    keys->n_used++;
    return TRUE;
}

void
tn_keys_clear(TnKeys *keys)
{
    g_free(keys->slots);
    *keys = (TnKeys){0};
}
