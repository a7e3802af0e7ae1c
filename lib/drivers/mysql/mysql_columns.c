/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server says of a column, as a description for the result and a way to read its values. */
#include "drivers/mysql/mysql_values.h"

#include "base/alloc.h"
#include "config.h"
#include "model/error.h"

#include <string.h>

/* The character set of what is no text. */
#define BINARY_CHARSET 63

/* Types that not every client library has a name for. */
#define TYPE_JSON   245
#define TYPE_VECTOR 242

/* A column's type in all respects. */
struct nature {
    const char *decltype;
    adb_type type; /* the hint */
    enum adb__mysql_reading reading;
};

static const struct nature text_nature = {"varchar", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
static const struct nature json_nature = {"json", ADB_TYPE_JSON, ADB__MYSQL_AS_BYTES};
static const struct nature uuid_nature = {"uuid", ADB_TYPE_UUID, ADB__MYSQL_AS_UUID};

/* What MariaDB adds to a field: the name of its type, or of the format of its text. */
static bool has_attribute(const MYSQL_FIELD *field, bool is_format, const char *word)
{
#ifdef HAVE_MARIADB_FIELD_ATTR
    MARIADB_CONST_STRING name = {NULL, 0};
    if (mariadb_field_attr(&name, field,
                           is_format ? MARIADB_FIELD_ATTR_FORMAT_NAME : MARIADB_FIELD_ATTR_DATA_TYPE_NAME))
        return false;
    return name.str != NULL && name.length == strlen(word) && memcmp(name.str, word, name.length) == 0;
#else
    (void)field;
    (void)is_format;
    (void)word;
    return false;
#endif
}

static struct nature nature_of_bytes(const MYSQL_FIELD *field)
{
    const bool is_long = field->type == MYSQL_TYPE_BLOB || field->type == MYSQL_TYPE_TINY_BLOB ||
                         field->type == MYSQL_TYPE_MEDIUM_BLOB || field->type == MYSQL_TYPE_LONG_BLOB;
    const bool is_fixed = field->type == MYSQL_TYPE_STRING;
    if ((field->flags & ENUM_FLAG) != 0)
        return (struct nature){"enum", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
    if ((field->flags & SET_FLAG) != 0)
        return (struct nature){"set", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
    if (has_attribute(field, true, "json"))
        return json_nature;
    if (has_attribute(field, false, "uuid"))
        return uuid_nature;
    if (has_attribute(field, false, "inet6"))
        return (struct nature){"inet6", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
    if (has_attribute(field, false, "inet4"))
        return (struct nature){"inet4", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
    if (field->charsetnr == BINARY_CHARSET)
        return (struct nature){is_long    ? "blob"
                               : is_fixed ? "binary"
                                          : "varbinary",
                               ADB_TYPE_BLOB, ADB__MYSQL_AS_BYTES};
    if (is_long || is_fixed)
        return (struct nature){is_long ? "text" : "char", ADB_TYPE_TEXT, ADB__MYSQL_AS_BYTES};
    return text_nature;
}

/* TINYINT(1) is how BOOLEAN is declared. The value stays the number that it is; the hint tells. */
static struct nature nature_of_tiny(const MYSQL_FIELD *field)
{
    const bool is_boolean = field->length == 1 && (field->flags & UNSIGNED_FLAG) == 0;
    return (struct nature){is_boolean ? "boolean" : "tinyint", is_boolean ? ADB_TYPE_BOOL : ADB_TYPE_INT,
                           ADB__MYSQL_AS_INT};
}

static struct nature nature_of_number(const MYSQL_FIELD *field)
{
    const bool is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
    switch ((int)field->type) {
    case MYSQL_TYPE_SHORT:
        return (struct nature){is_unsigned ? "smallint unsigned" : "smallint", ADB_TYPE_INT, ADB__MYSQL_AS_INT};
    case MYSQL_TYPE_INT24:
        return (struct nature){is_unsigned ? "mediumint unsigned" : "mediumint", ADB_TYPE_INT, ADB__MYSQL_AS_INT};
    case MYSQL_TYPE_LONG:
        return (struct nature){is_unsigned ? "int unsigned" : "int", ADB_TYPE_INT, ADB__MYSQL_AS_INT};
    default:
        return (struct nature){is_unsigned ? "bigint unsigned" : "bigint", ADB_TYPE_INT,
                               is_unsigned ? ADB__MYSQL_AS_UNSIGNED : ADB__MYSQL_AS_INT};
    }
}

static struct nature nature_of(const MYSQL_FIELD *field)
{
    switch ((int)field->type) {
    case MYSQL_TYPE_TINY:
        return nature_of_tiny(field);
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return nature_of_number(field);
    case MYSQL_TYPE_YEAR:
        return (struct nature){"year", ADB_TYPE_INT, ADB__MYSQL_AS_INT};
    case MYSQL_TYPE_FLOAT:
        return (struct nature){"float", ADB_TYPE_DOUBLE, ADB__MYSQL_AS_FLOAT};
    case MYSQL_TYPE_DOUBLE:
        return (struct nature){"double", ADB_TYPE_DOUBLE, ADB__MYSQL_AS_DOUBLE};
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return (struct nature){"decimal", ADB_TYPE_DECIMAL, ADB__MYSQL_AS_BYTES};
    case MYSQL_TYPE_BIT:
        return (struct nature){"bit", ADB_TYPE_INT, ADB__MYSQL_AS_BITS};
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return (struct nature){"date", ADB_TYPE_DATE, ADB__MYSQL_AS_DATE};
    case MYSQL_TYPE_TIME:
        return (struct nature){"time", ADB_TYPE_TIME, ADB__MYSQL_AS_TIME};
    case MYSQL_TYPE_DATETIME:
        return (struct nature){"datetime", ADB_TYPE_TIMESTAMP, ADB__MYSQL_AS_TIMESTAMP};
    case MYSQL_TYPE_TIMESTAMP:
        return (struct nature){"timestamp", ADB_TYPE_TIMESTAMP, ADB__MYSQL_AS_TIMESTAMP};
    case MYSQL_TYPE_NULL:
        return (struct nature){NULL, ADB_TYPE_NULL, ADB__MYSQL_AS_NULL};
    case MYSQL_TYPE_GEOMETRY:
        return (struct nature){"geometry", ADB_TYPE_BLOB, ADB__MYSQL_AS_BYTES};
    case TYPE_VECTOR:
        return (struct nature){"vector", ADB_TYPE_BLOB, ADB__MYSQL_AS_BYTES};
    case TYPE_JSON:
        return json_nature;
    default:
        return nature_of_bytes(field);
    }
}

/* Bytes of a number in the binary protocol. */
static unsigned width_of(const MYSQL_FIELD *field)
{
    switch ((int)field->type) {
    case MYSQL_TYPE_TINY:
        return 1;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
        return 2;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_FLOAT:
        return 4;
    default:
        return 8;
    }
}

/* Describing ------------------------------------------------------------------------------------------------------- */

static const char *copy_of(const char *text, char **room_io)
{
    if (text == NULL || text[0] == '\0')
        return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = memcpy(*room_io, text, size);
    *room_io += size;
    return copy;
}

static size_t size_of(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

/* Where the binary protocol is to put the column's values. */
static void bind_slot(MYSQL_BIND *bind, struct adb__mysql_slot *slot, const MYSQL_FIELD *field, char **room_io)
{
    *bind = (MYSQL_BIND){.buffer = &slot->as, .length = &slot->size, .is_null = &slot->is_null};
    bind->is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
    switch (slot->reading) {
    case ADB__MYSQL_AS_NULL:
        bind->buffer_type = MYSQL_TYPE_NULL;
        break;
    case ADB__MYSQL_AS_INT:
    case ADB__MYSQL_AS_UNSIGNED:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        break;
    case ADB__MYSQL_AS_FLOAT:
        bind->buffer_type = MYSQL_TYPE_FLOAT;
        break;
    case ADB__MYSQL_AS_DOUBLE:
        bind->buffer_type = MYSQL_TYPE_DOUBLE;
        break;
    case ADB__MYSQL_AS_DATE:
        bind->buffer_type = MYSQL_TYPE_DATE;
        bind->buffer_length = sizeof(slot->as.moment);
        break;
    case ADB__MYSQL_AS_TIME:
        bind->buffer_type = MYSQL_TYPE_TIME;
        bind->buffer_length = sizeof(slot->as.moment);
        break;
    case ADB__MYSQL_AS_TIMESTAMP:
        bind->buffer_type = MYSQL_TYPE_DATETIME;
        bind->buffer_length = sizeof(slot->as.moment);
        break;
    default:
        bind->buffer_type =
            slot->type == ADB_TYPE_BLOB || slot->reading == ADB__MYSQL_AS_BITS ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        slot->as.bytes = *room_io;
        bind->buffer = *room_io;
        bind->buffer_length = ADB__MYSQL_SHORT_BYTES;
        *room_io += ADB__MYSQL_SHORT_BYTES;
        break;
    }
}

/* Is it all described already? The server tells of the columns with each execution, for a table may have changed. */
static bool is_described(const struct adb__mysql_columns *columns, const MYSQL_FIELD *fields, size_t n_fields)
{
    if (columns->count != n_fields)
        return false;
    for (size_t i = 0; i < n_fields; i++) {
        const struct nature nature = nature_of(&fields[i]);
        const struct adb__column *column = &columns->descriptions[i];
        const char *name = column->name == NULL ? "" : column->name;
        if (columns->slots[i].reading != nature.reading || column->type != nature.type ||
            column->decltype != nature.decltype || columns->slots[i].decimals != fields[i].decimals ||
            strcmp(name, fields[i].name) != 0)
            return false;
    }
    return true;
}

static size_t room_for_texts(const MYSQL_FIELD *fields, size_t n_fields)
{
    size_t size = 0;
    for (size_t i = 0; i < n_fields; i++)
        size += size_of(fields[i].name) + size_of(fields[i].org_table);
    return size;
}

/* One block: descriptions, slots, binds, buffers, texts. */
adb_status adb__mysql_columns_describe(struct adb__mysql_columns *columns, const MYSQL_FIELD *fields, size_t n_fields,
                                       bool with_binds, adb_error *error)
{
    if (is_described(columns, fields, n_fields))
        return ADB_OK;
    const size_t size_each = sizeof(struct adb__column) + sizeof(struct adb__mysql_slot) +
                             (with_binds ? sizeof(MYSQL_BIND) + ADB__MYSQL_SHORT_BYTES : 0);
    struct adb__mysql_slot *slots = adb__alloc_zeroed(n_fields * size_each + room_for_texts(fields, n_fields));
    if (slots == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu columns", n_fields);

    adb__mysql_columns_fini(columns);
    *columns = (struct adb__mysql_columns){.count = n_fields, .slots = slots};
    columns->descriptions = (struct adb__column *)(slots + n_fields);
    char *room = (char *)(columns->descriptions + n_fields);
    if (with_binds) {
        columns->binds = (MYSQL_BIND *)room;
        room += n_fields * sizeof(MYSQL_BIND);
    }
    for (size_t i = 0; i < n_fields; i++) {
        const struct nature nature = nature_of(&fields[i]);
        slots[i].reading = nature.reading;
        slots[i].type = nature.type;
        slots[i].decimals = fields[i].decimals;
        slots[i].width = width_of(&fields[i]);
        slots[i].is_unsigned = (fields[i].flags & UNSIGNED_FLAG) != 0;
        if (with_binds)
            bind_slot(&columns->binds[i], &slots[i], &fields[i], &room);
        columns->descriptions[i] = (struct adb__column){
            .decltype = nature.decltype, .type = nature.type, .name = copy_of(fields[i].name, &room)};
        columns->descriptions[i].table = copy_of(fields[i].org_table, &room);
    }
    return ADB_OK;
}

void adb__mysql_columns_fini(struct adb__mysql_columns *columns)
{
    adb__free(columns->slots);
    *columns = (struct adb__mysql_columns){.count = 0};
}

size_t adb__mysql_columns_bytes(const struct adb__mysql_columns *columns)
{
    const size_t size_each = sizeof(struct adb__column) + sizeof(struct adb__mysql_slot) +
                             (columns->binds != NULL ? sizeof(MYSQL_BIND) + ADB__MYSQL_SHORT_BYTES : 0);
    return columns->count * size_each;
}
