/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading of an args line into a TnPattern. A placeholder that is not exactly one of the known ones
 * is an error, never a literal: a typing error must not turn into a rule that nobody wrote.
 */

#include "policy/match.h"

#include "policy/match-pattern.h"
#include "policy/policy.h"
#include "policy/words.h"

#include <string.h>

static void
clear_part(gpointer data)
{
    TnPart *part = data;

    g_free(part->text);
    g_strfreev(part->words);
}

static void
clear_element(gpointer data)
{
    TnElement *element = data;

    for (gsize i = 0; i < element->n_parts; i++)
        clear_part(&element->parts[i]);
    g_free(element->parts);
    g_strfreev(element->flags);
    g_free(element->source);
}

void
tn_pattern_free(TnPattern *pattern)
{
    if (pattern == NULL)
        return;
    for (gsize i = 0; i < pattern->n_elements; i++)
        clear_element(&pattern->elements[i]);
    g_free(pattern->elements);
    g_free(pattern->text);
    g_free(pattern);
}

G_GNUC_PRINTF(2, 3)
static gboolean
fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error != NULL)
        *error = g_error_new_valist(TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, format, args);
    va_end(args);
    return FALSE;
}

/* One element while it is read. */
typedef struct {
    GArray *parts;    /* of TnPart, cleared by clear_part */
    GString *literal; /* what was read of a literal; has_literal also when it is empty */
    gboolean has_literal;
    TnElementKind kind;
    char **flags;
} Word;

static void
flush_literal(Word *word)
{
    TnPart part = {.kind = TN_PART_LITERAL};

    if (!word->has_literal)
        return;
    part.text = g_strdup(word->literal->str);
    g_array_append_val(word->parts, part);
    g_string_truncate(word->literal, 0);
    word->has_literal = FALSE;
}

static gboolean
parse_range(const char *value, TnPart *part, GError **error)
{
    const char *dots = strstr(value, "..");
    g_autofree char *low = NULL;

    if (dots == NULL)
        return fail(error, "{int} needs a range: {int:1..100}");
    low = g_strndup(value, (gsize)(dots - value));
    /* glib takes a plus, which the form that is matched never has. */
    if (strchr(value, '+') != NULL ||
        !g_ascii_string_to_signed(low, 10, G_MININT64, G_MAXINT64, &part->min, NULL) ||
        !g_ascii_string_to_signed(dots + 2, 10, G_MININT64, G_MAXINT64, &part->max, NULL))
        return fail(error, "{int:%s}: two decimal numbers with .. between are expected", value);
    if (part->min > part->max)
        return fail(error, "{int:%s}: the range is empty", value);
    return TRUE;
}

/* Blank-separated words of a placeholder; NULL when there is none. */
static char **
parse_list(const char *value)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit(value, " ", -1);

    for (gsize i = 0; words[i] != NULL; i++)
        if (words[i][0] != '\0')
            g_ptr_array_add(list, g_strdup(words[i]));
    if (list->len == 0)
        return NULL;
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

static gboolean
parse_prefix(const char *value, TnPart *part, GError **error)
{
    gsize n = strlen(value);

    if (value[0] != '/' || strstr(value, "//") != NULL || strstr(value, "/../") != NULL ||
        strstr(value, "/./") != NULL || g_str_has_suffix(value, "/..") ||
        g_str_has_suffix(value, "/.") || (n > 1 && value[n - 1] == '/') ||
        n > TN_PATTERN_PATH_LIMIT_BYTES)
        return fail(error, "{path:%s}: an absolute directory in its plain form is expected", value);
    part->text = g_strdup(value);
    return TRUE;
}

static gboolean
parse_glob(const char *value, TnPart *part, GError **error)
{
    gsize n = strlen(value);

    if (n == 0 || n > TN_PATTERN_GLOB_LIMIT_BYTES)
        return fail(error, "{glob}: a pattern of 1 to %d bytes is expected",
                    TN_PATTERN_GLOB_LIMIT_BYTES);
    part->text = g_strdup(value);
    return TRUE;
}

/* A placeholder that is a part of a word. *RET_KNOWN is FALSE when NAME is none of these. */
static gboolean
parse_part(const char *name, const char *value, TnPart *part, gboolean *ret_known, GError **error)
{
    *ret_known = TRUE;
    if (strcmp(name, "int") == 0) {
        part->kind = TN_PART_INT;
        return parse_range(value, part, error);
    }
    if (strcmp(name, "word") == 0) {
        part->kind = TN_PART_WORD;
        return value[0] == '\0' || fail(error, "{word} takes no value");
    }
    if (strcmp(name, "enum") == 0) {
        part->kind = TN_PART_ENUM;
        part->words = parse_list(value);
        return part->words != NULL || fail(error, "{enum} needs words: {enum:a b}");
    }
    if (strcmp(name, "glob") == 0) {
        part->kind = TN_PART_GLOB;
        return parse_glob(value, part, error);
    }
    if (strcmp(name, "path") == 0) {
        part->kind = TN_PART_PATH;
        return parse_prefix(value, part, error);
    }
    *ret_known = FALSE;
    return TRUE;
}

/* A placeholder that stands for whole arguments. */
static gboolean
parse_whole(const char *name, const char *value, Word *word, GError **error)
{
    if (word->kind != TN_ELEMENT_PARTS)
        return fail(error, "{flag}, {any} and {rest} stand for whole arguments");
    if (strcmp(name, "flag") == 0) {
        word->kind = TN_ELEMENT_FLAG;
        word->flags = parse_list(value);
        return word->flags != NULL || fail(error, "{flag} needs words: {flag:-v --all}");
    }
    if (strcmp(name, "any") == 0)
        word->kind = TN_ELEMENT_ANY;
    else if (strcmp(name, "rest") == 0)
        word->kind = TN_ELEMENT_REST;
    else
        return fail(error, "unknown placeholder {%.40s}", name);
    return value[0] == '\0' || fail(error, "{%s} takes no value", name);
}

static gboolean
parse_placeholder(const char **cursor, Word *word, GError **error)
{
    const char *begin = *cursor + 1;
    gsize n = strcspn(begin, "{}\"");
    g_autofree char *name = g_strndup(begin, n);
    char *colon = strchr(name, ':');
    const char *value = "";
    TnPart part = {.kind = TN_PART_LITERAL};
    gboolean known = FALSE;

    if (begin[n] != '}')
        return fail(error, "the placeholder does not end; a brace that is meant goes in quotes");
    if (colon != NULL) {
        *colon = '\0';
        value = colon + 1;
        if (value[0] == '\0')
            return fail(error, "{%.40s:} has no value", name);
    }
    if (!parse_part(name, value, &part, &known, error)) {
        clear_part(&part);
        return FALSE;
    }
    if (known) {
        flush_literal(word);
        g_array_append_val(word->parts, part);
    } else if (!parse_whole(name, value, word, error)) {
        return FALSE;
    }
    *cursor = begin + n + 1;
    return TRUE;
}

static gboolean
read_word(const char **cursor, Word *word, GError **error)
{
    while (**cursor != '\0' && **cursor != ' ') {
        switch (**cursor) {
        case '"':
            if (!tn_words_unquote(cursor, word->literal, error))
                return FALSE;
            word->has_literal = TRUE;
            break;
        case '{':
            if (!parse_placeholder(cursor, word, error))
                return FALSE;
            break;
        case '}':
            return fail(error, "a brace that is meant goes in quotes");
        default:
            g_string_append_c(word->literal, **cursor);
            word->has_literal = TRUE;
            (*cursor)++;
        }
    }
    flush_literal(word);
    return TRUE;
}

static gboolean
check_word(const Word *word, GError **error)
{
    if (word->parts->len > TN_PATTERN_PARTS_LIMIT)
        return fail(error, "more than %d parts in one word", TN_PATTERN_PARTS_LIMIT);
    if (word->kind != TN_ELEMENT_PARTS)
        return word->parts->len == 0 ||
               fail(error, "{flag}, {any} and {rest} stand for whole arguments");
    for (guint i = 0; i + 1 < word->parts->len; i++) {
        const TnPart *part = &g_array_index(word->parts, TnPart, i);

        if (part->kind == TN_PART_GLOB || part->kind == TN_PART_PATH)
            return fail(error, "{glob} and {path} only at the end of a word");
    }
    return TRUE;
}

/* One element from **CURSOR, which is no blank, into ELEMENT. */
static gboolean
parse_element(const char **cursor, TnElement *element, GError **error)
{
    const char *begin = *cursor;
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(TnPart));
    g_autoptr(GString) literal = g_string_new(NULL);
    Word word = {.parts = parts, .literal = literal, .kind = TN_ELEMENT_PARTS};

    g_array_set_clear_func(parts, clear_part);
    if (!read_word(cursor, &word, error) || !check_word(&word, error)) {
        g_strfreev(word.flags);
        return FALSE;
    }
    element->kind = word.kind;
    element->flags = word.flags;
    element->source = g_strndup(begin, (gsize)(*cursor - begin));
    element->n_parts = parts->len;
    g_array_set_clear_func(parts, NULL);
    element->parts = (TnPart *)(gpointer)g_array_free(g_steal_pointer(&parts), FALSE);
    return TRUE;
}

static gboolean
parse_line(const char **cursor, GArray *elements, GError **error)
{
    for (;;) {
        TnElement element = {.kind = TN_ELEMENT_PARTS};

        *cursor += strspn(*cursor, " ");
        if (**cursor == '\0')
            return TRUE;
        if (elements->len == TN_PATTERN_ELEMENTS_LIMIT)
            return fail(error, "more than %d elements", TN_PATTERN_ELEMENTS_LIMIT);
        if (elements->len > 0 &&
            g_array_index(elements, TnElement, elements->len - 1).kind == TN_ELEMENT_REST)
            return fail(error, "{rest} must be the last element");
        if (!parse_element(cursor, &element, error))
            return FALSE;
        g_array_append_val(elements, element);
    }
}

TnPattern *
tn_pattern_parse(const char *text, gsize *ret_offset, GError **error)
{
    g_autoptr(GArray) elements = g_array_new(FALSE, FALSE, sizeof(TnElement));
    const char *cursor = text;
    TnPattern *pattern;

    g_array_set_clear_func(elements, clear_element);
    if (!parse_line(&cursor, elements, error)) {
        *ret_offset = (gsize)(cursor - text);
        return NULL;
    }
    pattern = g_new0(TnPattern, 1);
    pattern->text = g_strdup(text);
    pattern->n_elements = elements->len;
    g_array_set_clear_func(elements, NULL);
    pattern->elements = (TnElement *)(gpointer)g_array_free(g_steal_pointer(&elements), FALSE);
    return pattern;
}
