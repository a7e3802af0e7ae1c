/* SPDX-License-Identifier: BSD-3-Clause */
/* How the values of one column are read, whichever protocol brings them. */
#ifndef ADB_DRIVERS_MYSQL_MYSQL_VALUES_H
#define ADB_DRIVERS_MYSQL_MYSQL_VALUES_H

#include "drivers/mysql/mysql_driver.h"

enum adb__mysql_reading {
    ADB__MYSQL_AS_NULL,
    ADB__MYSQL_AS_INT,
    ADB__MYSQL_AS_UNSIGNED, /* of 64 bits: beyond INT64_MAX a DECIMAL */
    ADB__MYSQL_AS_FLOAT,
    ADB__MYSQL_AS_DOUBLE,
    ADB__MYSQL_AS_BITS, /* a number of up to 64 bits, as bytes, the highest first */
    ADB__MYSQL_AS_DATE,
    ADB__MYSQL_AS_TIME,
    ADB__MYSQL_AS_TIMESTAMP,
    ADB__MYSQL_AS_UUID, /* as text */
    ADB__MYSQL_AS_BYTES
};

/* Longer values of the binary protocol are fetched one by one. */
#define ADB__MYSQL_SHORT_BYTES 256

/* A column's value of the present row, as the binary protocol leaves it. */
struct adb__mysql_slot {
    enum adb__mysql_reading reading;
    adb_type type;     /* of AS_BYTES */
    unsigned decimals; /* of TIME and TIMESTAMP: digits of a second's fraction */
    unsigned width;    /* of a number on the wire: bytes */
    bool is_unsigned;
    unsigned long size;
    adb__mysql_bool is_null;
    union {
        int64_t integer;
        float real;
        double large_real;
        MYSQL_TIME moment;
        char *bytes; /* ADB__MYSQL_SHORT_BYTES */
    } as;
};

/* Into the sink, whatever the protocol. */
adb_status adb__mysql_give_unsigned(struct adb__sink *sink, size_t column, uint64_t number, adb_error *error);
adb_status adb__mysql_give_moment(struct adb__sink *sink, size_t column, const struct adb__mysql_slot *slot,
                                  const MYSQL_TIME *moment, adb_error *error);
/* What has a length: bits, UUIDs as text, and all that stays as it is. */
adb_status adb__mysql_give_bytes(struct adb__sink *sink, size_t column, const struct adb__mysql_slot *slot,
                                 const void *bytes, size_t size, adb_error *error);

/* A row while its values arrive. */
struct adb__mysql_row {
    const struct adb__mysql_columns *columns;
    struct adb__sink *sink;
    adb_error *error;
    adb_status status; /* ADB_OK: values are wanted */
};

/* A ps_result_callback of Connector/C's, with a struct adb__mysql_row. */
void adb__mysql_wire_value(void *row, unsigned column, unsigned char **bytes_io);

/* Room for any date or time as the server writes it: '-838:59:59.000000', '0000-00-00 00:00:00.000000'. */
#define ADB__MYSQL_MOMENT_SIZE 48

/* The number that a MYSQL_TIME stands for in asyncdb; false when there is none: a day that does not exist, such as the
 * zero date, and what is no time of day. */
bool adb__mysql_moment_read(const MYSQL_TIME *moment, enum adb__mysql_reading reading, int64_t *number_out);
/* It as text, the way the server would. Returns the length. */
size_t adb__mysql_moment_write(const MYSQL_TIME *moment, enum adb__mysql_reading reading, unsigned decimals,
                               char text_out[ADB__MYSQL_MOMENT_SIZE]);
/* The other way round: a DATE, TIME or TIMESTAMP for the server. False when it cannot have it. */
bool adb__mysql_moment_make(const adb_value *value, MYSQL_TIME *moment_out);

#endif
