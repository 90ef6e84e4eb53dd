/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line parser. A file is lines, a line is a comment, a section or a key; there is no
 * continuation and no include, so that the place of a mistake is always one line. Limits are
 * checked before anything is stored.
 */

#include "policy/rules.h"

#include "policy/policy.h"
#include "policy/words.h"

#include <string.h>

#define FORMAT_MARK "#!tenon-policy "

/* Where the parser stands in one file. */
typedef struct {
    TnRules *rules;
    const char *file; /* interned */
    guint line;
    TnSection *section; /* borrowed from RULES; NULL before the first */
    gboolean seen[TN_SECTION_N];
} Parser;

static void
free_section(gpointer section)
{
    tn_section_free(section);
}

TnRules *
tn_rules_new(void)
{
    TnRules *rules = g_new0(TnRules, 1);
    TnPlace nowhere = {0};

    rules->policy = (TnPolicyConf *)tn_section_new(TN_SECTION_POLICY, NULL, &nowhere);
    rules->commands = (TnCommandsConf *)tn_section_new(TN_SECTION_COMMANDS, NULL, &nowhere);
    rules->audit = (TnAuditConf *)tn_section_new(TN_SECTION_AUDIT, NULL, &nowhere);
    rules->exec_default = (TnExecConf *)tn_section_new(TN_SECTION_EXEC_DEFAULT, NULL, &nowhere);
    rules->execs = g_ptr_array_new_with_free_func(free_section);
    rules->files = g_ptr_array_new_with_free_func(free_section);
    rules->profiles = g_ptr_array_new_with_free_func(free_section);
    return rules;
}

void
tn_rules_free(TnRules *rules)
{
    if (rules == NULL)
        return;
    tn_section_free(&rules->policy->base);
    tn_section_free(&rules->commands->base);
    tn_section_free(&rules->audit->base);
    tn_section_free(&rules->exec_default->base);
    g_ptr_array_unref(rules->execs);
    g_ptr_array_unref(rules->files);
    g_ptr_array_unref(rules->profiles);
    g_free(rules);
}

/* Sets ERROR to the place and the message; COLUMN counts bytes from 1. Returns FALSE. */
G_GNUC_PRINTF(4, 5)
static gboolean
fail(const Parser *parser, gsize column, GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, "%s:%u:%" G_GSIZE_FORMAT ": %s",
                parser->file, parser->line, column, message);
    return FALSE;
}

static GPtrArray *
get_list(const TnRules *rules, TnSectionKind kind)
{
    switch (kind) {
    case TN_SECTION_EXEC:
        return rules->execs;
    case TN_SECTION_FILE:
        return rules->files;
    case TN_SECTION_PROFILE:
        return rules->profiles;
    case TN_SECTION_POLICY:
    case TN_SECTION_COMMANDS:
    case TN_SECTION_EXEC_DEFAULT:
    case TN_SECTION_AUDIT:
    case TN_SECTION_N:
        break;
    }
    return NULL;
}

static TnSection *
get_single(const TnRules *rules, TnSectionKind kind)
{
    switch (kind) {
    case TN_SECTION_POLICY:
        return &rules->policy->base;
    case TN_SECTION_COMMANDS:
        return &rules->commands->base;
    case TN_SECTION_EXEC_DEFAULT:
        return &rules->exec_default->base;
    case TN_SECTION_AUDIT:
        return &rules->audit->base;
    case TN_SECTION_EXEC:
    case TN_SECTION_FILE:
    case TN_SECTION_PROFILE:
    case TN_SECTION_N:
        break;
    }
    return NULL;
}

static gboolean
is_name(const char *name)
{
    gsize n = strlen(name);

    if (n == 0 || n > 64 || !g_ascii_isalnum(name[0]))
        return FALSE;
    for (gsize i = 1; i < n; i++)
        if (!g_ascii_isalnum(name[i]) && strchr("_.-", name[i]) == NULL)
            return FALSE;
    return TRUE;
}

static const TnSection *
find_named(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const TnSection *section = g_ptr_array_index(list, i);

        if (strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

static gboolean
open_single(Parser *parser, TnSectionKind kind, const char *name, GError **error)
{
    const char *word = tn_keys_get_section(kind)->word;
    TnSection *section = get_single(parser->rules, kind);

    if (name != NULL)
        return fail(parser, 1, error, "[%s] takes no name", word);
    if (parser->seen[kind])
        return fail(parser, 1, error, "[%s] stands in this file already", word);
    parser->seen[kind] = TRUE;
    parser->section = section;
    if (section->place.line == 0)
        section->place = (TnPlace){parser->file, parser->line};
    return TRUE;
}

static gboolean
open_named(Parser *parser, TnSectionKind kind, const char *name, GError **error)
{
    const char *word = tn_keys_get_section(kind)->word;
    GPtrArray *list = get_list(parser->rules, kind);
    const TnSection *other;
    TnPlace place = {parser->file, parser->line};

    if (name == NULL)
        return fail(parser, 1, error, "[%s] needs a name: [%s NAME]", word, word);
    if (!is_name(name))
        return fail(parser, 1, error, "[%s %.64s]: a name is letters, digits, _ . -", word, name);
    other = find_named(list, name);
    if (other != NULL)
        return fail(parser, 1, error, "[%s %s] stands already in %s:%u", word, name,
                    other->place.file, other->place.line);
    if (parser->rules->execs->len + parser->rules->files->len + parser->rules->profiles->len >=
        TN_RULES_SECTIONS_LIMIT)
        return fail(parser, 1, error, "more than %d sections", TN_RULES_SECTIONS_LIMIT);
    parser->section = tn_section_new(kind, name, &place);
    g_ptr_array_add(list, parser->section);
    return TRUE;
}

static gboolean
parse_section(Parser *parser, char *line, GError **error)
{
    gsize n = strlen(line);
    char *name;

    parser->section = NULL;
    if (n < 2 || line[n - 1] != ']')
        return fail(parser, n, error, "the section's ] is missing");
    line[n - 1] = '\0';
    line++;
    name = strchr(line, ' ');
    if (name != NULL)
        *name++ = '\0';
    for (TnSectionKind kind = 0; kind < TN_SECTION_N; kind++) {
        const TnSectionInfo *info = tn_keys_get_section(kind);

        if (strcmp(info->word, line) == 0)
            return info->named ? open_named(parser, kind, name, error)
                               : open_single(parser, kind, name, error);
    }
    return fail(parser, 2, error,
                "unknown section [%.40s]; there are policy, commands, exec, "
                "exec-default, file, profile, audit",
                line);
}

static const TnKey *
find_key(TnSectionKind kind, const char *name, gsize *ret_index)
{
    gsize n;
    const TnKey *keys = tn_keys_get(kind, &n);

    for (gsize i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            *ret_index = i;
            return &keys[i];
        }
    }
    return NULL;
}

/* LINE is the key's line without blanks around, which began at column INDENT + 1. */
static gboolean
parse_key(Parser *parser, char *line, gsize indent, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    char *equals = strchr(line, '=');
    char *value;
    const TnKey *key;
    TnPlace *place;
    gsize index = 0;
    gsize offset = 0;
    gsize column;

    if (equals == NULL)
        return fail(parser, indent + 1, error, "neither a section, nor key = value, nor a comment");
    if (parser->section == NULL)
        return fail(parser, indent + 1, error, "a key before the first section");
    *equals = '\0';
    value = equals + 1 + strspn(equals + 1, " ");
    g_strchomp(line);
    column = indent + (gsize)(value - line) + 1;
    key = find_key(parser->section->kind, line, &index);
    if (key == NULL)
        return fail(parser, indent + 1, error, "unknown key %.40s in [%s]", line,
                    tn_keys_get_section(parser->section->kind)->word);
    place = &parser->section->key_places[index];
    if (place->line > 0 && key->type != TN_KEY_WORDS && key->type != TN_KEY_ARGS)
        return fail(parser, indent + 1, error, "%s was set already in %s:%u", line, place->file,
                    place->line);
    if (value[0] == '\0')
        return fail(parser, column, error, "%s: the value is empty", line);
    if (!tn_words_check_inline(value, &offset, &wrong) ||
        !tn_section_set(parser->section, key, value, &offset, &wrong))
        return fail(parser, column + offset, error, "%s", wrong->message);
    *place = (TnPlace){parser->file, parser->line};
    return TRUE;
}

static gboolean
parse_format(const Parser *parser, const char *line, GError **error)
{
    guint64 format;

    if (parser->line != 1 || !g_str_has_prefix(line, FORMAT_MARK))
        return TRUE;
    if (!g_ascii_string_to_unsigned(line + strlen(FORMAT_MARK), 10, 1, TN_RULES_FORMAT, &format,
                                    NULL))
        return fail(parser, strlen(FORMAT_MARK) + 1, error,
                    "format %.20s is not known; this program reads 1 to %d",
                    line + strlen(FORMAT_MARK), TN_RULES_FORMAT);
    return TRUE;
}

static gboolean
check_bytes(const Parser *parser, const char *line, gsize size, GError **error)
{
    const char *end = NULL;

    if (size > TN_RULES_LINE_LIMIT_BYTES)
        return fail(parser, TN_RULES_LINE_LIMIT_BYTES, error, "the line is longer than %d bytes",
                    TN_RULES_LINE_LIMIT_BYTES);
    for (gsize i = 0; i < size; i++)
        if (g_ascii_iscntrl(line[i]))
            return fail(parser, i + 1, error, "control character 0x%02x (a tab is one)",
                        (guint)(guchar)line[i]);
    if (!g_utf8_validate(line, (gssize)size, &end))
        return fail(parser, (gsize)(end - line) + 1, error, "not UTF-8");
    if (parser->line == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        return fail(parser, 1, error, "the file begins with a byte order mark");
    return TRUE;
}

static gboolean
parse_line(Parser *parser, const char *bytes, gsize size, GError **error)
{
    g_autofree char *line = NULL;
    gsize indent;

    if (size > 0 && bytes[size - 1] == '\r')
        size--;
    if (!check_bytes(parser, bytes, size, error))
        return FALSE;
    line = g_strndup(bytes, size);
    g_strchomp(line);
    indent = strspn(line, " ");
    if (line[indent] == '\0')
        return TRUE;
    if (line[indent] == '#')
        return parse_format(parser, line, error);
    if (line[indent] == '[')
        return parse_section(parser, line + indent, error);
    return parse_key(parser, line + indent, indent, error);
}

gboolean
tn_rules_add(TnRules *rules, const char *file, const char *text, gsize size, GError **error)
{
    Parser parser = {.rules = rules, .file = g_intern_string(file)};
    gsize at = 0;

    if (rules->n_files == TN_RULES_FILES_LIMIT)
        return fail(&parser, 0, error, "more than %d files", TN_RULES_FILES_LIMIT);
    if (size > TN_RULES_TOTAL_LIMIT_BYTES - rules->n_bytes)
        return fail(&parser, 0, error, "all files together are longer than %d bytes",
                    TN_RULES_TOTAL_LIMIT_BYTES);
    rules->n_files++;
    rules->n_bytes += size;
    while (at < size) {
        const char *newline = memchr(text + at, '\n', size - at);
        gsize length = newline != NULL ? (gsize)(newline - text) - at : size - at;

        parser.line++;
        if (!parse_line(&parser, text + at, length, error))
            return FALSE;
        at += length + 1;
    }
    return TRUE;
}

const TnProfileConf *
tn_rules_find_profile(const TnRules *rules, const char *name)
{
    return (const TnProfileConf *)find_named(rules->profiles, name);
}

static void
print_section(const TnSection *section, GString *out)
{
    gsize n;
    const TnKey *keys = tn_keys_get(section->kind, &n);

    g_string_append_printf(
        out, "%s[%s%s%s]\n", out->len > 0 ? "\n" : "", tn_keys_get_section(section->kind)->word,
        section->name != NULL ? " " : "", section->name != NULL ? section->name : "");
    for (gsize i = 0; i < n; i++) {
        const TnPlace *place = &section->key_places[i];

        g_string_append_printf(out, "%s = ", keys[i].name);
        tn_section_print(section, &keys[i], out);
        g_string_append_c(out, '\n');
        if (place->line > 0)
            g_string_append_printf(out, "# %s:%u\n", place->file, place->line);
    }
}

static void
print_list(const GPtrArray *list, GString *out)
{
    for (guint i = 0; i < list->len; i++)
        print_section(g_ptr_array_index(list, i), out);
}

void
tn_rules_print(const TnRules *rules, GString *out)
{
    print_section(&rules->policy->base, out);
    print_section(&rules->commands->base, out);
    if (rules->policy->mode == TN_MODE_COMPAT)
        print_section(&rules->exec_default->base, out);
    print_list(rules->execs, out);
    print_list(rules->files, out);
    print_list(rules->profiles, out);
    print_section(&rules->audit->base, out);
}
