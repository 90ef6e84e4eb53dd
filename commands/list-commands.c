/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Build tool: prints the rows of all commands as C text (policy/command-rows.h).
 */

#include "agent/registry.h"
#include "commands/commands.h"

#include <stdio.h>

static const char *
word(gboolean value)
{
    return value ? "TRUE" : "FALSE";
}

int
main(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnRegistry) registry = tn_registry_new();
    const TnPolicyCommand *rows;
    guint n;

    for (gsize i = 0; tn_commands_modules[i] != NULL; i++) {
        if (!tn_registry_add(registry, tn_commands_modules[i], &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 1;
        }
    }
    rows = tn_registry_get_policy_commands(registry, &n);
    printf("/* SPDX-License-Identifier: Apache-2.0 */\n"
           "/* Made by commands/list-commands; do not edit. */\n"
           "#include \"policy/command-rows.h\"\n\n"
           "const TnPolicyCommand tn_command_rows[] = {\n");
    for (guint i = 0; i < n; i++)
        printf("    {\"%s\", \"%s\", %s, %s, %s, %s},\n", rows[i].name, rows[i].group,
               word(rows[i].while_frozen), word(rows[i].while_sealed), word(rows[i].always),
               word(rows[i].names_path));
    printf("};\nconst gsize tn_command_rows_n = %u;\n", n);
    return 0;
}
