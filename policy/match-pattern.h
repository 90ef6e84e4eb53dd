/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The compiled form of an args line, shared by the two halves of the matcher (match-parse.c makes
 * it, match.c runs it).
 */

enum {
    TN_PATTERN_ELEMENTS_LIMIT = 256,
    TN_PATTERN_PARTS_LIMIT = 32,
    TN_PATTERN_WORD_LIMIT_BYTES = 128,
    TN_PATTERN_INT_LIMIT_BYTES = 20,    /* "-9223372036854775808" */
    TN_PATTERN_PATH_LIMIT_BYTES = 4095, /* PATH_MAX without its NUL */
    TN_PATTERN_GLOB_LIMIT_BYTES = 255,
    TN_PATTERN_ARG_LIMIT_BYTES = 16384, /* longer arguments fit {any} and {rest} only */
    TN_PATTERN_SHOWN_BYTES = 64
};

typedef enum {
    TN_PART_LITERAL,
    TN_PART_INT,
    TN_PART_WORD,
    TN_PART_ENUM,
    TN_PART_GLOB,
    TN_PART_PATH,
    TN_PART_N
} TnPartKind;

typedef struct {
    TnPartKind kind;
    char *text;   /* the literal, the glob or the prefix */
    char **words; /* of an enum */
    gint64 min;
    gint64 max;
} TnPart;

typedef enum {
    TN_ELEMENT_PARTS,
    TN_ELEMENT_FLAG,
    TN_ELEMENT_ANY,
    TN_ELEMENT_REST,
    TN_ELEMENT_N
} TnElementKind;

typedef struct {
    TnElementKind kind;
    TnPart *parts;
    gsize n_parts;
    char **flags;
    char *source; /* as it was written */
} TnElement;

struct TnPattern {
    char *text;
    TnElement *elements;
    gsize n_elements;
};
