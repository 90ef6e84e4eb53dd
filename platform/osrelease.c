/* SPDX-License-Identifier: Apache-2.0 */

/*
 * os-release(5), line by line. The file is written by distributions and edited by people, so one
 * line that makes no sense must not cost the others. It is no shell: no expansion, no `export`, no
 * value over several lines.
 */

#include "platform/osrelease.h"

#include "platform/sysroot.h"

#include <string.h>

enum {
    OS_RELEASE_LIMIT_BYTES = 65536,
    VALUE_BYTES = 128 /* what most values fit */
};

/* The word being read: AT stands at the next unread byte of the line that ends at END. */
typedef struct {
    const char *at;
    const char *end;
    GString *value;
} Word;

static const struct {
    const char *key;
    gsize size;
    gsize offset; /* of the member, in TnOsRelease */
} KEYS[] = {
    {"ID", 2, offsetof(TnOsRelease, id)},
    {"NAME", 4, offsetof(TnOsRelease, name)},
    {"PRETTY_NAME", 11, offsetof(TnOsRelease, pretty_name)},
    {"VERSION", 7, offsetof(TnOsRelease, version)},
    {"VERSION_ID", 10, offsetof(TnOsRelease, version_id)},
    {"VARIANT", 7, offsetof(TnOsRelease, variant)},
    {"VARIANT_ID", 10, offsetof(TnOsRelease, variant_id)},
};

static char **
find_slot(TnOsRelease *os, const char *key, gsize size)
{
    for (gsize i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        if (KEYS[i].size == size && memcmp(KEYS[i].key, key, size) == 0)
            return G_STRUCT_MEMBER_P(os, KEYS[i].offset);
    }
    return NULL;
}

static gboolean
take_single_quoted(Word *word)
{
    const char *close = memchr(word->at, '\'', (gsize)(word->end - word->at));

    if (close == NULL)
        return FALSE;
    g_string_append_len(word->value, word->at, close - word->at);
    word->at = close + 1;
    return TRUE;
}

/* Inside double quotes a backslash is one only before these; elsewhere it stands for itself. The
 * apostrophe is no shell's, but qemu-ga takes it and files are written that way. */
static gboolean
is_escapable(char c)
{
    return c == '$' || c == '"' || c == '\\' || c == '`' || c == '\'';
}

static gboolean
take_double_quoted(Word *word)
{
    while (word->at < word->end) {
        gsize plain = 0;

        while (word->at + plain < word->end && word->at[plain] != '"' && word->at[plain] != '\\')
            plain++;
        g_string_append_len(word->value, word->at, (gssize)plain);
        word->at += plain;
        if (word->at == word->end)
            return FALSE;
        if (*word->at++ == '"')
            return TRUE;
        if (word->at < word->end && is_escapable(*word->at))
            g_string_append_c(word->value, *word->at++);
        else
            g_string_append_c(word->value, '\\');
    }
    return FALSE;
}

/* Reads one shell word of plain, 'single' and "double" quoted parts; FALSE if a quote stays open.
 */
static gboolean
take_word(Word *word)
{
    while (word->at < word->end) {
        char c = *word->at++;

        if (g_ascii_isspace(c) || c == ';')
            return TRUE;
        if (c == '\'') {
            if (!take_single_quoted(word))
                return FALSE;
        } else if (c == '"') {
            if (!take_double_quoted(word))
                return FALSE;
        } else {
            if (c == '\\' && word->at < word->end)
                c = *word->at++;
            g_string_append_c(word->value, c);
        }
    }
    return TRUE;
}

static void
parse_line(const char *line, const char *end, GString *value, TnOsRelease *os)
{
    const char *equals = memchr(line, '=', (gsize)(end - line));
    Word word = {.end = end, .value = value};
    char **slot;

    if (equals == NULL)
        return;
    while (line < equals && (*line == ' ' || *line == '\t'))
        line++;
    slot = find_slot(os, line, (gsize)(equals - line));
    if (slot == NULL || memchr(equals, '\0', (gsize)(end - equals)) != NULL)
        return;
    word.at = equals + 1;
    g_string_truncate(value, 0);
    if (!take_word(&word))
        return;
    g_free(*slot);
    *slot = g_utf8_make_valid(value->str, (gssize)value->len);
}

void
tn_osrelease_clear(TnOsRelease *os)
{
    g_free(os->id);
    g_free(os->name);
    g_free(os->pretty_name);
    g_free(os->version);
    g_free(os->version_id);
    g_free(os->variant);
    g_free(os->variant_id);
    memset(os, 0, sizeof(*os));
}

void
tn_osrelease_parse(const char *text, gsize size, TnOsRelease *ret_os)
{
    g_autoptr(GString) value = g_string_sized_new(VALUE_BYTES);
    const char *at = text;
    const char *end = size > 0 ? text + size : text;

    memset(ret_os, 0, sizeof(*ret_os));
    if (size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end) {
        const char *newline = memchr(at, '\n', (gsize)(end - at));
        const char *line_end = newline != NULL ? newline : end;

        parse_line(at, line_end, value, ret_os);
        at = newline != NULL ? newline + 1 : end;
    }
}

gboolean
tn_osrelease_read(int root_fd, const char *override, TnOsRelease *ret_os, GError **error)
{
    g_autofree char *text = NULL;
    gsize size = 0;

    if (override != NULL) {
        if (!tn_sysroot_read_file(root_fd, override, OS_RELEASE_LIMIT_BYTES, &text, &size, error))
            return FALSE;
    } else if (!tn_sysroot_read_file(root_fd, "/etc/os-release", OS_RELEASE_LIMIT_BYTES, &text,
                                     &size, NULL)) {
        if (!tn_sysroot_read_file(root_fd, "/usr/lib/os-release", OS_RELEASE_LIMIT_BYTES, &text,
                                  &size, error))
            return FALSE;
    }
    tn_osrelease_parse(text, size, ret_os);
    return TRUE;
}
