/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a fuzz target once over each file of the directories that are given, and once over nothing
 * at all. Fails when a directory is empty: a test that tries nothing proves nothing.
 */

#include "tests/fuzz/fuzz.h"

#include <glib.h>

static guint
replay_directory(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) directory = g_dir_open(path, 0, &error);
    const char *name = NULL;
    guint n = 0;

    if (directory == NULL) {
        g_printerr("%s\n", error->message);
        return 0;
    }
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *contents = NULL;
        g_autofree uint8_t *exact = NULL;
        gsize size = 0;

        if (!g_file_get_contents(file, &contents, &size, &error)) {
            g_printerr("%s\n", error->message);
            return 0;
        }
        /* without the NUL that glib puts behind, so that a sanitizer sees a read too far */
        exact = g_memdup2(contents, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
        n++;
    }
    return n;
}

int
main(int argc, char **argv)
{
    (void)LLVMFuzzerTestOneInput(NULL, 0);
    for (int i = 1; i < argc; i++) {
        guint n = replay_directory(argv[i]);

        g_print("%s: %u inputs\n", argv[i], n);
        if (n == 0)
            return 1;
    }
    return 0;
}
