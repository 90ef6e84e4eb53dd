/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table of keys reads the file and writes it back. Lists are kept as texts: what is in them is
 * policy's business.
 */

#include "agent/settings.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define GROUP "general"

enum {
    FILE_LIMIT_BYTES = 1024 * 1024
};

typedef enum {
    KEY_BOOLEAN,
    KEY_STRING,
    KEY_BLOCK,
    KEY_ALLOW,
} KeyKind;

typedef struct {
    const char *name;
    KeyKind kind;
    gsize offset;       /* of booleans and strings */
    gboolean is_legacy; /* qemu-ga has dropped it; tenon's own file never had it */
} Key;

/* In the order in which they are printed: qemu-ga's. */
static const Key keys[] = {
    {"daemon", KEY_BOOLEAN, G_STRUCT_OFFSET(TnSettings, daemonize), FALSE},
    {"method", KEY_STRING, G_STRUCT_OFFSET(TnSettings, method), FALSE},
    {"path", KEY_STRING, G_STRUCT_OFFSET(TnSettings, path), FALSE},
    {"logfile", KEY_STRING, G_STRUCT_OFFSET(TnSettings, log_path), FALSE},
    {"pidfile", KEY_STRING, G_STRUCT_OFFSET(TnSettings, pid_path), FALSE},
    {"fsfreeze-hook", KEY_STRING, G_STRUCT_OFFSET(TnSettings, hook_path), FALSE},
    {"statedir", KEY_STRING, G_STRUCT_OFFSET(TnSettings, state_dir), FALSE},
    {"verbose", KEY_BOOLEAN, G_STRUCT_OFFSET(TnSettings, verbose), FALSE},
    {"retry-path", KEY_BOOLEAN, G_STRUCT_OFFSET(TnSettings, retry_path), FALSE},
    {"policy", KEY_STRING, G_STRUCT_OFFSET(TnSettings, policy_dir), FALSE},
    {"hide-interfaces", KEY_STRING, G_STRUCT_OFFSET(TnSettings, hide_interfaces), FALSE},
    {"block-rpcs", KEY_BLOCK, 0, FALSE},
    {"allow-rpcs", KEY_ALLOW, 0, FALSE},
    {"blacklist", KEY_BLOCK, 0, TRUE},
    {"whitelist", KEY_ALLOW, 0, TRUE},
};

void
tn_settings_init(TnSettings *settings)
{
    *settings = (TnSettings){
        .lists = g_array_new(FALSE, FALSE, sizeof(TnPolicyList)),
        .texts = g_ptr_array_new_with_free_func(g_free),
    };
}

void
tn_settings_clear(TnSettings *settings)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keys[i].kind == KEY_STRING)
            g_free(G_STRUCT_MEMBER(char *, settings, keys[i].offset));
    }
    if (settings->lists != NULL)
        g_array_free(settings->lists, TRUE);
    if (settings->texts != NULL)
        g_ptr_array_free(settings->texts, TRUE);
    *settings = (TnSettings){0};
}

void
tn_settings_set(char **text, const char *value)
{
    char *copy = g_strdup(value);

    g_free(*text);
    *text = copy;
}

static const char *
keep_text(TnSettings *settings, const char *text)
{
    char *copy = g_strdup(text);

    g_ptr_array_add(settings->texts, copy);
    return copy;
}

void
tn_settings_add_list(TnSettings *settings, const TnPolicyList *list)
{
    TnPolicyList copy = *list;

    copy.text = keep_text(settings, list->text);
    copy.origin = keep_text(settings, list->origin);
    g_array_append_val(settings->lists, copy);
}

static const Key *
find_key(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static gboolean
check_names(GKeyFile *file, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    g_auto(GStrv) names = NULL;

    for (gsize i = 0; groups[i] != NULL; i++) {
        if (strcmp(groups[i], GROUP) == 0)
            continue;
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown group [%s]", groups[i]);
        return FALSE;
    }
    names = g_key_file_get_keys(file, GROUP, NULL, NULL);
    for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
        const Key *key = find_key(names[i]);

        if (key != NULL && !key->is_legacy)
            continue;
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown key '%s'", names[i]);
        return FALSE;
    }
    return TRUE;
}

static gboolean
take_key(TnSettings *settings, GKeyFile *file, const Key *key, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *value = NULL;

    if (!g_key_file_has_key(file, GROUP, key->name, NULL))
        return TRUE;
    if (key->kind == KEY_BOOLEAN) {
        gboolean flag = g_key_file_get_boolean(file, GROUP, key->name, &failure);

        if (failure == NULL)
            G_STRUCT_MEMBER(gboolean, settings, key->offset) = flag;
    } else {
        value = g_key_file_get_string(file, GROUP, key->name, &failure);
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (key->kind == KEY_STRING) {
        tn_settings_set(&G_STRUCT_MEMBER(char *, settings, key->offset), value);
    } else if (key->kind != KEY_BOOLEAN) {
        const TnPolicyList list = {
            .text = value,
            .origin = path,
            .is_allow = key->kind == KEY_ALLOW,
            .from_file = TRUE,
            .is_legacy = key->is_legacy,
        };

        tn_settings_add_list(settings, &list);
    }
    return TRUE;
}

static char *
read_file(const char *path, gsize *ret_size, GError **error)
{
    g_autofree char *text = NULL;
    struct stat status;

    /* Asked first, since to open a FIFO would wait for its writer. */
    if (stat(path, &status) < 0) {
        int saved = errno;

        g_set_error_literal(error, G_IO_ERROR, (gint)g_io_error_from_errno(saved),
                            g_strerror(saved));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "Not a regular file");
        return NULL;
    }
    if (!tn_fd_read_file(AT_FDCWD, path, FILE_LIMIT_BYTES, &text, ret_size, error))
        return NULL;
    if (memchr(text, '\0', *ret_size) != NULL) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the file has a NUL byte");
        return NULL;
    }
    return g_steal_pointer(&text);
}

gboolean
tn_settings_load(TnSettings *settings, const char *path, gboolean strict, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text = NULL;
    gsize size = 0;

    text = read_file(path, &size, error);
    if (text == NULL)
        return FALSE;
    if (!g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, error))
        return FALSE;
    if (strict && !check_names(file, error))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!take_key(settings, file, &keys[i], path, error))
            return FALSE;
    }
    return TRUE;
}

/* The lists of one kind as one; NULL when there is none. */
static char *
join_lists(const TnSettings *settings, gboolean is_allow)
{
    GString *text = NULL;

    for (guint i = 0; i < settings->lists->len; i++) {
        const TnPolicyList *list = &g_array_index(settings->lists, TnPolicyList, i);

        if (list->is_allow != is_allow)
            continue;
        if (text == NULL)
            text = g_string_new(list->text);
        else if (*list->text != '\0')
            g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", list->text);
    }
    return text == NULL ? NULL : g_string_free(text, FALSE);
}

char *
tn_settings_print(const TnSettings *settings)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const Key *key = &keys[i];
        const void *member = (const char *)settings + key->offset;
        g_autofree char *value = NULL;

        if (key->is_legacy)
            continue;
        if (key->kind == KEY_BOOLEAN) {
            g_key_file_set_boolean(file, GROUP, key->name, *(const gboolean *)member);
            continue;
        }
        if (key->kind == KEY_STRING)
            value = g_strdup(*(char *const *)member);
        else
            value = join_lists(settings, key->kind == KEY_ALLOW);
        if (value != NULL)
            g_key_file_set_string(file, GROUP, key->name, value);
    }
    return g_key_file_to_data(file, NULL, NULL);
}
