/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/bulk.h"
#include "agent/wire/frame.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Field tables: one array of TnField beside each args or result struct decodes it from tokens,
 * encodes it to text, clears it and describes it. The typed macros name struct and member; a
 * macro that does not fit its member does not compile.
 *
 * Memory of a decoded args struct: strings and lists are copies that tn_fields_clear releases;
 * TnBytes borrow from the message (see tn_call_steal_bytes).
 */

/* A byte span decoded in place from the request; data is NULL when the member was absent. */
typedef struct {
    uint8_t *data;
    gsize size;
} TnBytes;

typedef enum {
    TN_TYPE_BOOL,   /* bool */
    TN_TYPE_INT,    /* int64_t */
    TN_TYPE_UINT,   /* uint64_t */
    TN_TYPE_NUMBER, /* double */
    TN_TYPE_STRING, /* char *, owned */
    TN_TYPE_ENUM,   /* int, an index into words */
    TN_TYPE_STRV,   /* char **, owned, NULL when absent */
    TN_TYPE_BYTES,  /* TnBytes: base64 on the wire; args only, and only at their top level */
    TN_TYPE_BULK,   /* TnBulk *: base64 on the wire; results only */
    TN_TYPE_OBJECT, /* a struct in place, described by fields */
    TN_TYPE_LIST,   /* GPtrArray * of owned g_malloc'd structs, described by fields and size; or of
                       one scalar per struct when fields is one unnamed row */
    TN_TYPE_BOOL_OR_ENUM, /* TnBoolOrEnum, an alternate such as capture-output */
    TN_TYPE_INT_OR_ENUM,  /* int64_t: the integer itself or the index into words */
    TN_TYPE_ENCODED,      /* GBytes *, owned reference: a list described by fields that
                             tn_fields_encode() has turned into text before; results only */
    TN_TYPE_NODE,         /* JsonNode *, owned: for a shape that no other type fits; results only */
    TN_TYPE_VOID,         /* nothing: encodes as {} */
} TnFieldType;

typedef struct {
    bool is_enum;
    bool flag;
    int word;
} TnBoolOrEnum;

typedef enum {
    TN_FIELD_REQUIRED = 1 << 0, /* args: an error when absent; results: always written */
    TN_FIELD_SECRET = 1 << 1,   /* never in a log, an audit record or a core */
} TnFieldFlags;

/* What policy looks at: the dispatcher copies pointers of marked arguments into the TnAction. */
typedef enum {
    TN_SUBJECT_NONE,
    TN_SUBJECT_PATH,
    TN_SUBJECT_TO,
    TN_SUBJECT_ARGV,
    TN_SUBJECT_ENV,
    TN_SUBJECT_ENV_ADDED, /* on top of the built environment, not instead of it */
    TN_SUBJECT_CWD,
    TN_SUBJECT_USER,
    TN_SUBJECT_STDIN,
    TN_SUBJECT_TIMEOUT_MS,
    TN_SUBJECT_OUTPUT_MAX,
    TN_SUBJECT_MODE,
} TnSubject;

typedef struct TnField TnField;

struct TnField {
    const char *name;
    TnFieldType type;
    TnFieldFlags flags;
    TnSubject subject;
    size_t offset;
    /* Offset of the bool that says that an optional scalar is there, plus 1; 0: none. Strings,
     * lists, bytes and nodes are absent when NULL. */
    size_t present;
    int64_t min; /* numbers: both 0 means no bound; strings and lists: max is a length */
    int64_t max;
    const char *const *words; /* TN_TYPE_ENUM and alternates, NULL-ended */
    const char *type_name;    /* alternates: the name for "expected: NAME" (QAPI's type) */
    const TnField *fields;    /* OBJECT, LIST; ends in an empty row */
    size_t size;              /* LIST: size of an element's struct */
    const char *doc;
};

/* The cast to the member's type makes a wrong TN_FIELD_* for a member a compile error. */
#define TN_MEMBER(owner, member, ctype) \
    (offsetof(owner, member) + 0 * sizeof((ctype *)0 == &((owner *)0)->member))
#define TN_PRESENT(owner, member) .present = (TN_MEMBER(owner, member, bool) + 1)

#define TN_BOOL(owner, member, ...) \
    .type = TN_TYPE_BOOL, .offset = TN_MEMBER(owner, member, bool), __VA_ARGS__
#define TN_INT(owner, member, ...) \
    .type = TN_TYPE_INT, .offset = TN_MEMBER(owner, member, int64_t), __VA_ARGS__
#define TN_UINT(owner, member, ...) \
    .type = TN_TYPE_UINT, .offset = TN_MEMBER(owner, member, uint64_t), __VA_ARGS__
#define TN_NUMBER(owner, member, ...) \
    .type = TN_TYPE_NUMBER, .offset = TN_MEMBER(owner, member, double), __VA_ARGS__
#define TN_STRING(owner, member, ...) \
    .type = TN_TYPE_STRING, .offset = TN_MEMBER(owner, member, char *), __VA_ARGS__
#define TN_ENUM(owner, member, ...) \
    .type = TN_TYPE_ENUM, .offset = TN_MEMBER(owner, member, int), __VA_ARGS__
#define TN_STRV(owner, member, ...) \
    .type = TN_TYPE_STRV, .offset = TN_MEMBER(owner, member, char **), __VA_ARGS__
#define TN_BYTES(owner, member, ...) \
    .type = TN_TYPE_BYTES, .offset = TN_MEMBER(owner, member, TnBytes), __VA_ARGS__
#define TN_BULK(owner, member, ...) \
    .type = TN_TYPE_BULK, .offset = TN_MEMBER(owner, member, TnBulk *), __VA_ARGS__
#define TN_OBJECT(owner, member, ctype, ...) \
    .type = TN_TYPE_OBJECT, .offset = TN_MEMBER(owner, member, ctype), __VA_ARGS__
#define TN_LIST(owner, member, ctype, ...)                                                        \
    .type = TN_TYPE_LIST, .offset = TN_MEMBER(owner, member, GPtrArray *), .size = sizeof(ctype), \
    __VA_ARGS__
#define TN_ENCODED(owner, member, ctype, ...)                                                     \
    .type = TN_TYPE_ENCODED, .offset = TN_MEMBER(owner, member, GBytes *), .size = sizeof(ctype), \
    __VA_ARGS__
#define TN_BOOL_OR_ENUM(owner, member, ...) \
    .type = TN_TYPE_BOOL_OR_ENUM, .offset = TN_MEMBER(owner, member, TnBoolOrEnum), __VA_ARGS__
#define TN_INT_OR_ENUM(owner, member, ...) \
    .type = TN_TYPE_INT_OR_ENUM, .offset = TN_MEMBER(owner, member, int64_t), __VA_ARGS__
#define TN_NODE(owner, member, ...) \
    .type = TN_TYPE_NODE, .offset = TN_MEMBER(owner, member, JsonNode *), __VA_ARGS__

/* Decodes the object token OBJECT (0: no arguments given, taken as {}) of MESSAGE into OUT, which
 * the caller has zeroed. Errors: TN_REQUEST_ERROR in qemu-ga's words (qga-behaviour section 4)
 * with element paths such as vcpus[0].online; OUT must then be cleared all the same. */
gboolean tn_fields_decode(const TnField *fields, TnMessage *message, guint object, void *out,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Releases what the fields of DATA own and sets them to zero; DATA itself stays. */
void tn_fields_clear(const TnField *fields, void *data);

/* The same for one row, whose name is not used, at BASE: what tn_encoder_new() takes. */
void tn_fields_clear_value(const TnField *value, void *base);

/* FIELDS (NULL: none) as the JSON array that tenon-describe returns; sub-objects stand in
 * "members". The caller owns the node. */
JsonNode *tn_fields_describe(const TnField *fields);
/* A result row (NULL: nothing) the same way: the members of an object, or one entry for any other
 * type. */
JsonNode *tn_fields_describe_value(const TnField *value);

/* VALUE at BASE as text at once, for a TN_TYPE_ENCODED; a bulk member in it is a mistake of the
 * program. The caller owns the reference. */
GBytes *tn_fields_encode(const TnField *value, const void *base);

/*
 * Encoding is resumable because a bulk member must not be in memory as a whole: step() appends
 * text until the value is complete or a bulk member is reached, whose content the caller then
 * writes before the next step (the opening and closing quotes are part of the text). Members
 * behind the bulk are read only after it, so that count and eof can be set by its last pull.
 */
typedef struct TnEncoder TnEncoder;

/* VALUE is one row (its name is not used) at BASE; both must outlive the encoder. */
TnEncoder *tn_encoder_new(const TnField *value, const void *base);
void tn_encoder_free(TnEncoder *encoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnEncoder, tn_encoder_free)

/* TRUE: the value is complete. FALSE: *RET_BULK (borrowed from the result struct) comes next. */
gboolean tn_encoder_step(TnEncoder *encoder, GString *text, TnBulk **ret_bulk)
    G_GNUC_WARN_UNUSED_RESULT;
