/* SPDX-License-Identifier: BSD-3-Clause */
/* How a value goes over the wire: alone, or as one of many (mysql_many.c). */
#ifndef ADB_DRIVERS_MYSQL_MYSQL_BIND_H
#define ADB_DRIVERS_MYSQL_MYSQL_BIND_H

#include "drivers/mysql/mysql_driver.h"
#include "model/convert.h"

/* What a value is converted to that cannot be sent from where it is. */
struct adb__mysql_room {
    union {
        int64_t integer;
        double real;
        MYSQL_TIME moment;
        char text[ADB__VALUE_TEXT_SIZE];
    } as;
    unsigned long size;
};

/* What the protocol adds to a value: its length, its type. */
#define ADB__MYSQL_BYTES_AROUND 16

/* Is it sent from where it is? */
static inline bool adb__mysql_is_text(adb_type type)
{
    return type == ADB_TYPE_TEXT || type == ADB_TYPE_BLOB || type == ADB_TYPE_DECIMAL || type == ADB_TYPE_JSON;
}

/* At most. */
static inline size_t adb__mysql_wire_size(const adb_value *value)
{
    const size_t size = adb__mysql_is_text(value->type) ? value->size : sizeof(struct adb__mysql_room);
    return ADB__MYSQL_BYTES_AROUND + size;
}

enum enum_field_types adb__mysql_wire_type(adb_type type);
/* Convert a value that is not sent from where it is. ADB_E_DATA when the server has no such value. */
adb_status adb__mysql_fill_room(const adb_value *value, size_t index, struct adb__mysql_room *room, adb_error *error);
/* Where it is sent from. */
void *adb__mysql_bytes_of(const adb_value *value, struct adb__mysql_room *room);
/* ADB_E_TOO_BIG: the server would break the connection over it. */
adb_status adb__mysql_check_size(const struct adb__mysql *conn, size_t size, adb_error *error);

#endif
