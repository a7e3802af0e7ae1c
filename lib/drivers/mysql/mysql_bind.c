/* SPDX-License-Identifier: BSD-3-Clause */
/* Values into the parameters of a prepared statement. */
#include "drivers/mysql/mysql_bind.h"

#include "drivers/mysql/mysql_values.h"
#include "model/error.h"

#include <math.h>
#include <string.h>

enum enum_field_types adb__mysql_wire_type(adb_type type)
{
    switch (type) {
    case ADB_TYPE_BOOL:
    case ADB_TYPE_INT:
        return MYSQL_TYPE_LONGLONG;
    case ADB_TYPE_DOUBLE:
        return MYSQL_TYPE_DOUBLE;
    case ADB_TYPE_DECIMAL:
        return MYSQL_TYPE_NEWDECIMAL;
    case ADB_TYPE_BLOB:
        return MYSQL_TYPE_BLOB;
    case ADB_TYPE_DATE:
        return MYSQL_TYPE_DATE;
    case ADB_TYPE_TIME:
        return MYSQL_TYPE_TIME;
    case ADB_TYPE_TIMESTAMP:
        return MYSQL_TYPE_DATETIME;
    case ADB_TYPE_NULL:
        return MYSQL_TYPE_NULL;
    default:
        return MYSQL_TYPE_STRING;
    }
}

static adb_status refuse_moment(const adb_value *value, size_t index, adb_error *error)
{
    char text[ADB__VALUE_TEXT_SIZE];
    adb__value_text(value, text);
    return adb__error_set(error, ADB_E_DATA, "the database has no %s such as %s (parameter %zu)",
                          adb_type_name(value->type), text, index + 1);
}

adb_status adb__mysql_fill_room(const adb_value *value, size_t index, struct adb__mysql_room *room, adb_error *error)
{
    switch (value->type) {
    case ADB_TYPE_BOOL:
        room->as.integer = value->as.boolean;
        return ADB_OK;
    case ADB_TYPE_INT:
        room->as.integer = value->as.integer;
        return ADB_OK;
    case ADB_TYPE_DOUBLE:
        room->as.real = value->as.real;
        /* The server would store something else without a word. */
        if (!isfinite(value->as.real))
            return adb__error_set(error, ADB_E_DATA, "the database has no NaN and no infinity (parameter %zu)",
                                  index + 1);
        return ADB_OK;
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
        return adb__mysql_moment_make(value, &room->as.moment) ? ADB_OK : refuse_moment(value, index, error);
    case ADB_TYPE_UUID:
        room->size = adb__value_text(value, room->as.text);
        return ADB_OK;
    case ADB_TYPE_LIST:
        return adb__error_set(error, ADB_E_PARAMETER, "parameter %zu is a list", index + 1);
    default:
        return ADB_OK;
    }
}

void *adb__mysql_bytes_of(const adb_value *value, struct adb__mysql_room *room)
{
    if (!adb__mysql_is_text(value->type))
        return &room->as;
    /* MYSQL_BIND is for both directions, so it has no const; parameters are only read. */
    return value->size > 0 ? (void *)(uintptr_t)value->as.blob : &room->as;
}

static adb_status bind_value(const adb_value *value, size_t index, MYSQL_BIND *bind, struct adb__mysql_room *room,
                             adb_error *error)
{
    bind->buffer_type = adb__mysql_wire_type(value->type);
    bind->buffer = adb__mysql_bytes_of(value, room);
    bind->length = &room->size;
    if (adb__mysql_is_text(value->type)) {
        room->size = value->size;
        bind->buffer_length = room->size;
        return ADB_OK;
    }
    const adb_status status = adb__mysql_fill_room(value, index, room, error);
    bind->buffer_length = room->size;
    return status;
}

adb_status adb__mysql_check_size(const struct adb__mysql *conn, size_t size, adb_error *error)
{
    if (size < conn->max_packet)
        return ADB_OK;
    return adb__error_set(error, ADB_E_TOO_BIG, "%zu bytes to send, and the server takes %zu (max_allowed_packet)",
                          size, conn->max_packet);
}

adb_status adb__mysql_bind(struct adb__mysql *conn, struct adb__mysql_statement *prepared, const adb_value *values,
                           size_t n_values, adb_error *error)
{
    size_t size = ADB__MYSQL_BYTES_AROUND;
    if (n_values != prepared->n_parameters)
        return adb__error_set(error, ADB_E_PARAMETER, "the statement has %zu parameters, %zu values are given",
                              prepared->n_parameters, n_values);
    for (size_t i = 0; i < n_values; i++) {
        const adb_status status = bind_value(&values[i], i, &prepared->parameters[i], &prepared->rooms[i], error);
        if (status != ADB_OK)
            return status;
        size += adb__mysql_wire_size(&values[i]);
    }
    const adb_status status = adb__mysql_check_size(conn, size, error);
    if (status != ADB_OK || n_values == 0)
        return status;
    if (mysql_stmt_bind_param(prepared->stmt, prepared->parameters) != 0)
        return adb__mysql_stmt_error(conn, prepared->stmt, ADB__MYSQL_BEFORE, error);
    return ADB_OK;
}
