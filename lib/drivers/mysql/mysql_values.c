/* SPDX-License-Identifier: BSD-3-Clause */
/* Values into the sink: the same ones, whichever protocol brings them. */
#include "drivers/mysql/mysql_values.h"

#include "model/calendar.h"
#include "model/error.h"
#include "model/number.h"
#include "model/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Both protocols --------------------------------------------------------------------------------------------------- */

adb_status adb__mysql_give_unsigned(struct adb__sink *sink, size_t column, uint64_t number, adb_error *error)
{
    char digits[24];
    if (number <= INT64_MAX) {
        adb__sink_int(sink, column, (int64_t)number);
        return ADB_OK;
    }
    const int size = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    return adb__sink_bytes(sink, column, ADB_TYPE_DECIMAL, digits, (size_t)size, error);
}

static adb_status give_bits(struct adb__sink *sink, size_t column, const void *bytes, size_t size, adb_error *error)
{
    const unsigned char *byte = bytes;
    uint64_t number = 0;
    if (size > sizeof(number))
        return adb__sink_bytes(sink, column, ADB_TYPE_BLOB, bytes, size, error);
    for (size_t i = 0; i < size; i++)
        number = number << 8 | byte[i];
    return adb__mysql_give_unsigned(sink, column, number, error);
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    const char lower = (char)(letter | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static adb_status give_uuid(struct adb__sink *sink, size_t column, const char *text, size_t size, adb_error *error)
{
    uint8_t uuid[16];
    size_t n_digits = 0;
    for (size_t i = 0; i < size && n_digits <= 32; i++) {
        const int digit = digit_of(text[i]);
        if (digit < 0 && text[i] == '-')
            continue;
        if (digit < 0 || n_digits == 32) {
            n_digits = 33;
            break;
        }
        uuid[n_digits / 2] = (uint8_t)(n_digits % 2 == 0 ? digit << 4 : uuid[n_digits / 2] | digit);
        n_digits++;
    }
    if (n_digits != 32)
        return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, text, size, error);
    return adb__sink_bytes(sink, column, ADB_TYPE_UUID, uuid, sizeof(uuid), error);
}

static adb_type moment_type(enum adb__mysql_reading reading)
{
    if (reading == ADB__MYSQL_AS_DATE)
        return ADB_TYPE_DATE;
    return reading == ADB__MYSQL_AS_TIME ? ADB_TYPE_TIME : ADB_TYPE_TIMESTAMP;
}

/* What is no moment for us is the text that the server has for it: better than a wrong one. */
adb_status adb__mysql_give_moment(struct adb__sink *sink, size_t column, const struct adb__mysql_slot *slot,
                                  const MYSQL_TIME *moment, adb_error *error)
{
    char text[ADB__MYSQL_MOMENT_SIZE];
    int64_t number;
    if (adb__mysql_moment_read(moment, slot->reading, &number)) {
        adb__sink_moment(sink, column, moment_type(slot->reading), number);
        return ADB_OK;
    }
    const size_t size = adb__mysql_moment_write(moment, slot->reading, slot->decimals, text);
    return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, text, size, error);
}

adb_status adb__mysql_give_bytes(struct adb__sink *sink, size_t column, const struct adb__mysql_slot *slot,
                                 const void *bytes, size_t size, adb_error *error)
{
    if (slot->reading == ADB__MYSQL_AS_BYTES)
        return adb__sink_bytes(sink, column, slot->type, bytes, size, error);
    if (slot->reading == ADB__MYSQL_AS_UUID)
        return give_uuid(sink, column, bytes, size, error);
    return give_bits(sink, column, bytes, size, error);
}

/* Binary, by buffers --------------------------------------------------------------------------------------------------
 */

/* Straight from the library's packet to where it stays. */
static adb_status give_long(MYSQL_STMT *stmt, struct adb__sink *sink, size_t column, const struct adb__mysql_slot *slot,
                            adb_error *error)
{
    void *room;
    unsigned long size;
    adb__mysql_bool is_null = 0;
    const adb_status status = adb__sink_reserve(sink, column, slot->type, slot->size, &room, error);
    if (status != ADB_OK)
        return status;
    MYSQL_BIND bind = {.buffer = room, .buffer_length = slot->size, .length = &size, .is_null = &is_null};
    bind.buffer_type = slot->type == ADB_TYPE_BLOB ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
    if (mysql_stmt_fetch_column(stmt, &bind, (unsigned)column, 0) != 0)
        return adb__error_set(error, ADB_E_INTERNAL, "the client library does not give the value of column %zu",
                              column);
    return ADB_OK;
}

static adb_status give_slot(MYSQL_STMT *stmt, const struct adb__mysql_slot *slot, struct adb__sink *sink, size_t column,
                            adb_error *error)
{
    switch (slot->reading) {
    case ADB__MYSQL_AS_NULL:
        return ADB_OK;
    case ADB__MYSQL_AS_INT:
        adb__sink_int(sink, column, slot->as.integer);
        return ADB_OK;
    case ADB__MYSQL_AS_UNSIGNED:
        return adb__mysql_give_unsigned(sink, column, (uint64_t)slot->as.integer, error);
    case ADB__MYSQL_AS_FLOAT:
        adb__sink_double(sink, column, (double)slot->as.real);
        return ADB_OK;
    case ADB__MYSQL_AS_DOUBLE:
        adb__sink_double(sink, column, slot->as.large_real);
        return ADB_OK;
    case ADB__MYSQL_AS_DATE:
    case ADB__MYSQL_AS_TIME:
    case ADB__MYSQL_AS_TIMESTAMP:
        return adb__mysql_give_moment(sink, column, slot, &slot->as.moment, error);
    default:
        break;
    }
    if (slot->size > ADB__MYSQL_SHORT_BYTES)
        return give_long(stmt, sink, column, slot, error);
    return adb__mysql_give_bytes(sink, column, slot, slot->as.bytes, slot->size, error);
}

adb_status adb__mysql_row_binary(MYSQL_STMT *stmt, const struct adb__mysql_columns *columns, struct adb__sink *sink,
                                 adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    for (size_t i = 0; i < columns->count && status == ADB_OK; i++) {
        if (!columns->slots[i].is_null)
            status = give_slot(stmt, &columns->slots[i], sink, i, error);
    }
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}

/* Text ------------------------------------------------------------------------------------------------------------- */

static adb_status give_moment_text(struct adb__sink *sink, size_t column, enum adb__mysql_reading reading,
                                   const char *text, size_t size, adb_error *error)
{
    int64_t number;
    adb_status status;
    if (reading == ADB__MYSQL_AS_DATE)
        status = adb__calendar_read_date(text, size, &number);
    else if (reading == ADB__MYSQL_AS_TIME)
        status = adb__calendar_read_time(text, size, &number);
    else
        status = adb__calendar_read_timestamp(text, size, &number);
    if (status != ADB_OK)
        return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, text, size, error);
    adb__sink_moment(sink, column, moment_type(reading), number);
    return ADB_OK;
}

/* A FLOAT is written with fewer digits than it has: the nearest one to them is meant. */
static adb_status give_number_text(struct adb__sink *sink, size_t column, enum adb__mysql_reading reading,
                                   const char *text, size_t size, adb_error *error)
{
    int64_t integer;
    double real;
    if (reading == ADB__MYSQL_AS_FLOAT || reading == ADB__MYSQL_AS_DOUBLE) {
        if (adb__number_read_double(text, size, &real) != ADB_OK)
            return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, text, size, error);
        adb__sink_double(sink, column, reading == ADB__MYSQL_AS_FLOAT ? (double)(float)real : real);
        return ADB_OK;
    }
    if (adb__number_read_int(text, size, &integer) != ADB_OK)
        return adb__sink_bytes(sink, column, ADB_TYPE_DECIMAL, text, size, error);
    adb__sink_int(sink, column, integer);
    return ADB_OK;
}

static adb_status give_text(const struct adb__mysql_slot *slot, struct adb__sink *sink, size_t column, const char *text,
                            size_t size, adb_error *error)
{
    switch (slot->reading) {
    case ADB__MYSQL_AS_NULL:
        return ADB_OK;
    case ADB__MYSQL_AS_INT:
    case ADB__MYSQL_AS_UNSIGNED:
    case ADB__MYSQL_AS_FLOAT:
    case ADB__MYSQL_AS_DOUBLE:
        return give_number_text(sink, column, slot->reading, text, size, error);
    case ADB__MYSQL_AS_DATE:
    case ADB__MYSQL_AS_TIME:
    case ADB__MYSQL_AS_TIMESTAMP:
        return give_moment_text(sink, column, slot->reading, text, size, error);
    default:
        return adb__mysql_give_bytes(sink, column, slot, text, size, error);
    }
}

adb_status adb__mysql_row_text(const struct adb__mysql_columns *columns, MYSQL_ROW row, const unsigned long *sizes,
                               struct adb__sink *sink, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    for (size_t i = 0; i < columns->count && status == ADB_OK; i++) {
        if (row[i] != NULL)
            status = give_text(&columns->slots[i], sink, i, row[i], sizes[i], error);
    }
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}
