/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>

/* Asks MODULE's COMMAND without arguments; the caller owns the member "return" of the answer. */
static inline JsonNode *
ask(const TnModule *module, const char *command)
{
    const TnModule *const modules[] = {module, NULL};
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autofree char *request = g_strdup_printf("{\"execute\":\"%s\"}", command);
    g_autofree char *answer = desk_ask(desk, request);
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);

    if (node == NULL || !json_object_has_member(json_node_get_object(node), "return"))
        g_error("%s: %s", command, answer);
    return json_node_copy(json_object_get_member(json_node_get_object(node), "return"));
}

/* Member NAME of the object that is element INDEX of LIST. */
static inline JsonNode *
pick(JsonNode *list, guint index, const char *name)
{
    return json_object_get_member(json_array_get_object_element(json_node_get_array(list), index),
                                  name);
}
