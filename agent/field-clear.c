/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases what a struct owns through its field table, level by level without recursion. Secrets
 * are overwritten before their memory goes back. It works on half-decoded and half-filled structs.
 */
#include "agent/field.h"

#include <string.h>

/* Deepest nesting of tables, as in field.c. */
enum {
    LEVELS_MAX = 12
};

/* An object (array NULL) or a list whose contents are being released. */
typedef struct {
    const TnField *row;
    char *base;
    GPtrArray *array;
    guint n_done;
} ClearLevel;

static void
clear_string(const TnField *row, char **slot)
{
    if (*slot != NULL && (row->flags & TN_FIELD_SECRET) != 0)
        explicit_bzero(*slot, strlen(*slot));
    g_clear_pointer(slot, g_free);
}

static void
clear_bytes(const TnField *row, TnBytes *slot)
{
    if (slot->data != NULL && (row->flags & TN_FIELD_SECRET) != 0)
        explicit_bzero(slot->data, slot->size);
    *slot = (TnBytes){0};
}

static void
clear_plain(const TnField *row, void *slot)
{
    switch (row->type) {
    case TN_TYPE_BOOL:
        *(bool *)slot = false;
        return;
    case TN_TYPE_INT:
    case TN_TYPE_INT_OR_ENUM:
        *(int64_t *)slot = 0;
        return;
    case TN_TYPE_UINT:
        *(uint64_t *)slot = 0;
        return;
    case TN_TYPE_NUMBER:
        *(double *)slot = 0;
        return;
    case TN_TYPE_ENUM:
        *(int *)slot = 0;
        return;
    case TN_TYPE_BOOL_OR_ENUM:
        *(TnBoolOrEnum *)slot = (TnBoolOrEnum){0};
        return;
    case TN_TYPE_STRING:
        clear_string(row, slot);
        return;
    case TN_TYPE_STRV:
        g_clear_pointer((char ***)slot, g_strfreev);
        return;
    case TN_TYPE_BYTES:
        clear_bytes(row, slot);
        return;
    case TN_TYPE_BULK:
        g_clear_pointer((TnBulk **)slot, tn_bulk_free);
        return;
    case TN_TYPE_ENCODED:
        g_clear_pointer((GBytes **)slot, g_bytes_unref);
        return;
    case TN_TYPE_NODE:
        g_clear_pointer((JsonNode **)slot, json_node_unref);
        return;
    case TN_TYPE_VOID:
    case TN_TYPE_OBJECT:
    case TN_TYPE_LIST:
        return;
    }
    g_assert_not_reached();
}

/* Clears one row of the object on top; returns the level below that is to be cleared next, if any,
 * in *RET_BELOW. */
static gboolean
clear_member(ClearLevel *level, ClearLevel *ret_below)
{
    const TnField *row = level->row++;
    char *slot = level->base + row->offset;

    if (row->present != 0)
        *(bool *)(level->base + row->present - 1) = false;
    if (row->type == TN_TYPE_OBJECT) {
        *ret_below = (ClearLevel){.row = row->fields, .base = slot};
        return TRUE;
    }
    if (row->type == TN_TYPE_LIST) {
        GPtrArray *array = g_steal_pointer((GPtrArray **)(void *)slot);

        *ret_below = (ClearLevel){.row = row->fields, .array = array};
        return array != NULL;
    }
    clear_plain(row, slot);
    return FALSE;
}

/* Clears the next element of the list on top; at its end the list itself. */
static gboolean
clear_element(ClearLevel *level, ClearLevel *ret_below)
{
    char *element = NULL;

    if (level->n_done == level->array->len) {
        /* Whoever made the list need not have named g_free; elements are released here once. */
        g_ptr_array_set_free_func(level->array, g_free);
        g_ptr_array_unref(level->array);
        return FALSE;
    }
    element = g_ptr_array_index(level->array, level->n_done++);
    if (level->row->name == NULL) {
        clear_plain(level->row, element + level->row->offset);
        return FALSE;
    }
    *ret_below = (ClearLevel){.row = level->row, .base = element};
    return TRUE;
}

/* Releases all that hangs below FIRST. */
static void
clear_levels(const ClearLevel *first)
{
    ClearLevel levels[LEVELS_MAX];
    guint n_levels = 1;

    levels[0] = *first;
    while (n_levels > 0) {
        ClearLevel *level = &levels[n_levels - 1];
        ClearLevel below = {0};
        gboolean is_deeper = FALSE;
        gboolean is_last = FALSE;

        if (level->array != NULL) {
            is_last = level->n_done == level->array->len;
            is_deeper = clear_element(level, &below);
        } else if (level->row->name != NULL) {
            is_deeper = clear_member(level, &below);
        } else {
            is_last = TRUE;
        }
        if (is_last)
            n_levels--;
        if (is_deeper) {
            g_assert(n_levels < LEVELS_MAX);
            levels[n_levels++] = below;
        }
    }
}

void
tn_fields_clear(const TnField *fields, void *data)
{
    clear_levels(&(ClearLevel){.row = fields, .base = data});
}

void
tn_fields_clear_value(const TnField *value, void *base)
{
    ClearLevel level = {.row = value, .base = base};
    ClearLevel below = {0};

    if (clear_member(&level, &below))
        clear_levels(&below);
}
