/* SPDX-License-Identifier: Apache-2.0 */

/*
 * mountinfo, parsed in place: one allocation for the text, one for the table. Fields are separated
 * by exactly one space, since the kernel escapes those inside (fs/seq_file.c, mangle_path), so two
 * of them in a row are an empty field, such as a mount without a source.
 *
 * Every user of a machine can give names to mount points; what a line says is data, never a path
 * to trust.
 */

#include "platform/mounts.h"

#include "platform/scan.h"
#include "platform/sysroot.h"

#include <string.h>

enum {
    MOUNTINFO_LIMIT_BYTES = 64 * 1024 * 1024,
    BASE_OCTAL = 8,
    BASE_DECIMAL = 10
};

struct TnMounts {
    char *text;
    GArray *mounts;
};

/* Takes the field up to the next space and ends it with a NUL in place. */
static char *
take_field(char **at, const char *end)
{
    char *field = *at;
    char *space;

    if (field == NULL)
        return NULL;
    space = memchr(field, ' ', (gsize)(end - field));
    if (space != NULL)
        *space = '\0';
    *at = space != NULL ? space + 1 : NULL;
    return field;
}

static gboolean
is_octal(char c)
{
    return c >= '0' && c < '0' + BASE_OCTAL;
}

/* Undoes \040 and the like in place. An escape that makes no byte, or NUL, stays as it is. */
static void
unescape(char *text)
{
    char *from = strchr(text, '\\');
    char *to = from;

    while (from != NULL && *from != '\0') {
        if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
            int byte =
                ((from[1] - '0') * BASE_OCTAL + (from[2] - '0')) * BASE_OCTAL + (from[3] - '0');

            if (byte > 0 && byte <= G_MAXUINT8) {
                *to++ = (char)byte;
                from += 4;
                continue;
            }
        }
        *to++ = *from++;
    }
    if (to != NULL)
        *to = '\0';
}

static gboolean
parse_number(const char *text, const char *end, guint *ret_number)
{
    TnScan digits = {text, end};
    guint64 number;

    if (!tn_scan_to_u64(&digits, BASE_DECIMAL, &number) || number > G_MAXUINT)
        return FALSE;
    *ret_number = (guint)number;
    return TRUE;
}

static gboolean
parse_device(const char *field, TnMount *mount)
{
    const char *colon = strchr(field, ':');

    return colon != NULL && parse_number(field, colon, &mount->major) &&
           parse_number(colon + 1, colon + strlen(colon), &mount->minor);
}

/* LINE ends at END, where a NUL stands. */
static gboolean
parse_line(char *line, const char *end, TnMount *mount)
{
    char *at = line;
    char *fields[6] = {NULL};
    char *rest[3] = {NULL};
    char *field;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        fields[i] = take_field(&at, end);
    /* Optional fields ("shared:2") up to a lone dash. */
    while ((field = take_field(&at, end)) != NULL && strcmp(field, "-") != 0)
        ;
    for (gsize i = 0; i < G_N_ELEMENTS(rest); i++)
        rest[i] = take_field(&at, end);
    if (rest[2] == NULL || !parse_device(fields[2], mount))
        return FALSE;
    for (gsize i = 3; i < G_N_ELEMENTS(fields); i++)
        unescape(fields[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(rest); i++)
        unescape(rest[i]);
    mount->root = fields[3];
    mount->point = fields[4];
    mount->options = fields[5];
    mount->type = rest[0];
    mount->source = rest[1];
    mount->super_options = rest[2];
    return *mount->point == '/' && *mount->type != '\0';
}

TnMounts *
tn_mounts_parse(char *take_text, gsize size)
{
    TnMounts *mounts = g_new0(TnMounts, 1);
    char *text = g_realloc(take_text, size + 1);
    char *end = text + size;
    char *at = text;

    *end = '\0';
    mounts->text = text;
    mounts->mounts = g_array_new(FALSE, FALSE, sizeof(TnMount));
    while (at < end) {
        char *newline = memchr(at, '\n', (gsize)(end - at));
        char *line_end = newline != NULL ? newline : end;
        TnMount mount = {0};

        *line_end = '\0';
        /* A NUL in the line would hide what follows it: noise. */
        if (memchr(at, '\0', (gsize)(line_end - at)) == NULL && parse_line(at, line_end, &mount))
            g_array_append_val(mounts->mounts, mount);
        at = line_end + 1;
    }
    return mounts;
}

TnMounts *
tn_mounts_read(int root_fd, GError **error)
{
    char *text = NULL;
    gsize size = 0;

    if (!tn_sysroot_read_file(root_fd, "/proc/self/mountinfo", MOUNTINFO_LIMIT_BYTES, &text, &size,
                              error))
        return NULL;
    return tn_mounts_parse(text, size);
}

void
tn_mounts_free(TnMounts *mounts)
{
    if (mounts == NULL)
        return;
    g_array_unref(mounts->mounts);
    g_free(mounts->text);
    g_free(mounts);
}

guint
tn_mounts_count(const TnMounts *mounts)
{
    return mounts->mounts->len;
}

const TnMount *
tn_mounts_get(const TnMounts *mounts, guint index)
{
    g_assert(index < mounts->mounts->len);
    return &g_array_index(mounts->mounts, TnMount, index);
}

gboolean
tn_mounts_has_option(const char *options, const char *word)
{
    gsize size = strlen(word);

    for (const char *at = options; at != NULL; at = strchr(at, ',')) {
        if (*at == ',')
            at++;
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return TRUE;
    }
    return FALSE;
}
