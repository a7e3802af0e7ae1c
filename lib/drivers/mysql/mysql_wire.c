/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of the binary protocol, straight from the packet into the sink.
 *
 * Connector/C calls back with each value where it lies. It spares a copy of each, and finding out for each row again
 * what a column is. The other client library only fills buffers: mysql_values.c. */
#include "drivers/mysql/mysql_values.h"

#include "model/error.h"

#include <string.h>

/* Little-endian, as on the wire; n_bytes is constant wherever it matters. */
static inline uint64_t load(const unsigned char *bytes, unsigned n_bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < n_bytes; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static int64_t load_int(const unsigned char *bytes, const struct adb__mysql_slot *slot)
{
    switch (slot->width) {
    case 1:
        return slot->is_unsigned ? bytes[0] : (int8_t)bytes[0];
    case 2:
        return slot->is_unsigned ? (int64_t)load(bytes, 2) : (int16_t)load(bytes, 2);
    case 4:
        return slot->is_unsigned ? (int64_t)load(bytes, 4) : (int32_t)load(bytes, 4);
    default:
        return (int64_t)load(bytes, 8);
    }
}

/* The length that stands before what has one. Moves behind it. */
static size_t take_length(const unsigned char **bytes_io)
{
    const unsigned char *bytes = *bytes_io;
    switch (bytes[0]) {
    case 252:
        *bytes_io += 3;
        return load(bytes + 1, 2);
    case 253:
        *bytes_io += 4;
        return load(bytes + 1, 3);
    case 254:
        *bytes_io += 9;
        return load(bytes + 1, 8);
    default:
        *bytes_io += 1;
        return bytes[0];
    }
}

/* Year, month, day; hour, minute, second; microseconds: as much of it as is not zero. */
static void take_date(const unsigned char *bytes, size_t size, MYSQL_TIME *moment_out)
{
    if (size >= 4) {
        moment_out->year = (unsigned)load(bytes, 2);
        moment_out->month = bytes[2];
        moment_out->day = bytes[3];
    }
    if (size >= 7) {
        moment_out->hour = bytes[4];
        moment_out->minute = bytes[5];
        moment_out->second = bytes[6];
    }
    if (size >= 11)
        moment_out->second_part = (unsigned long)load(bytes + 7, 4);
}

/* Sign, days; hour, minute, second; microseconds. */
static void take_time(const unsigned char *bytes, size_t size, MYSQL_TIME *moment_out)
{
    if (size >= 8) {
        moment_out->neg = bytes[0] != 0;
        moment_out->hour = (unsigned)load(bytes + 1, 4) * 24 + bytes[5];
        moment_out->minute = bytes[6];
        moment_out->second = bytes[7];
    }
    if (size >= 12)
        moment_out->second_part = (unsigned long)load(bytes + 8, 4);
}

static adb_status take_moment(struct adb__mysql_row *row, const struct adb__mysql_slot *slot, size_t column,
                              const unsigned char **bytes_io)
{
    MYSQL_TIME moment;
    const size_t size = take_length(bytes_io);
    memset(&moment, 0, sizeof(moment));
    if (slot->reading == ADB__MYSQL_AS_TIME)
        take_time(*bytes_io, size, &moment);
    else
        take_date(*bytes_io, size, &moment);
    *bytes_io += size;
    return adb__mysql_give_moment(row->sink, column, slot, &moment, row->error);
}

static void take_real(struct adb__mysql_row *row, const struct adb__mysql_slot *slot, size_t column,
                      const unsigned char **bytes_io)
{
    if (slot->reading == ADB__MYSQL_AS_FLOAT) {
        const uint32_t bits = (uint32_t)load(*bytes_io, 4);
        float number;
        memcpy(&number, &bits, sizeof(number));
        adb__sink_double(row->sink, column, (double)number);
    } else {
        const uint64_t bits = load(*bytes_io, 8);
        double number;
        memcpy(&number, &bits, sizeof(number));
        adb__sink_double(row->sink, column, number);
    }
    *bytes_io += slot->width;
}

/* Moves behind the value. */
static adb_status take_value(struct adb__mysql_row *row, const struct adb__mysql_slot *slot, size_t column,
                             const unsigned char **bytes_io)
{
    switch (slot->reading) {
    case ADB__MYSQL_AS_NULL:
        return ADB_OK;
    case ADB__MYSQL_AS_INT:
        adb__sink_int(row->sink, column, load_int(*bytes_io, slot));
        *bytes_io += slot->width;
        return ADB_OK;
    case ADB__MYSQL_AS_UNSIGNED:
        *bytes_io += slot->width;
        return adb__mysql_give_unsigned(row->sink, column, load(*bytes_io - slot->width, 8), row->error);
    case ADB__MYSQL_AS_FLOAT:
    case ADB__MYSQL_AS_DOUBLE:
        take_real(row, slot, column, bytes_io);
        return ADB_OK;
    case ADB__MYSQL_AS_DATE:
    case ADB__MYSQL_AS_TIME:
    case ADB__MYSQL_AS_TIMESTAMP:
        return take_moment(row, slot, column, bytes_io);
    default:
        break;
    }
    const size_t size = take_length(bytes_io);
    const void *bytes = *bytes_io;
    *bytes_io += size;
    return adb__mysql_give_bytes(row->sink, column, slot, bytes, size, row->error);
}

/* Nobody wants it, but the library has a look at where the next one begins. */
static void skip_value(const struct adb__mysql_slot *slot, const unsigned char **bytes_io)
{
    switch (slot->reading) {
    case ADB__MYSQL_AS_NULL:
        return;
    case ADB__MYSQL_AS_INT:
    case ADB__MYSQL_AS_UNSIGNED:
    case ADB__MYSQL_AS_FLOAT:
    case ADB__MYSQL_AS_DOUBLE:
        *bytes_io += slot->width;
        return;
    default:
        break;
    }
    const size_t size = take_length(bytes_io);
    *bytes_io += size;
}

/* Called by the library for each value of a row in turn; bytes_io NULL: it is NULL. */
void adb__mysql_wire_value(void *data, unsigned column, unsigned char **bytes_io)
{
    struct adb__mysql_row *row = data;
    const struct adb__mysql_slot *slot = &row->columns->slots[column];
    if (column == 0 && row->status == ADB_OK)
        row->status = adb__sink_row_begin(row->sink, row->error);
    if (bytes_io == NULL)
        return;
    const unsigned char *bytes = *bytes_io;
    if (row->status == ADB_OK)
        row->status = take_value(row, slot, column, &bytes);
    else
        skip_value(slot, &bytes);
    *bytes_io += bytes - *bytes_io;
}
