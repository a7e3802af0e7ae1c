/* SPDX-License-Identifier: BSD-3-Clause */
/* One value as another type, and any value as text: the table in asyncdb/value.h, row by row. */
#include "model/convert.h"

#include "model/calendar.h"
#include "model/number.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { UUID_SIZE = 16, UUID_TEXT_SIZE = 36 };

_Static_assert(ADB__VALUE_TEXT_SIZE >= ADB__CALENDAR_TEXT_SIZE, "dates and times are written in place");

/* Marked by its constructor as impossible: converts to nothing. */
static bool is_invalid(const adb_value *value)
{
    return value->size == SIZE_MAX;
}

static bool is_text(const adb_value *value)
{
    return value->type == ADB_TYPE_TEXT || value->type == ADB_TYPE_DECIMAL || value->type == ADB_TYPE_JSON;
}

static adb_status double_to_bool(double real, bool *value_out)
{
    if (real != real)
        return ADB_E_RANGE;
    *value_out = real != 0.0;
    return ADB_OK;
}

static adb_status double_to_int(double real, int64_t *value_out)
{
    if (!(real >= -0x1p63 && real < 0x1p63)) /* catches NaN too */
        return ADB_E_RANGE;
    *value_out = (int64_t)real;
    return ADB_OK;
}

adb_status adb_value_to_bool(const adb_value *value, bool *value_out)
{
    if (value == NULL || value_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__number_read_bool(value->as.text, value->size, value_out);
    if (value->type == ADB_TYPE_DOUBLE)
        return double_to_bool(value->as.real, value_out);
    if (value->type != ADB_TYPE_BOOL && value->type != ADB_TYPE_INT)
        return ADB_E_TYPE;
    *value_out = value->type == ADB_TYPE_BOOL ? value->as.boolean : value->as.integer != 0;
    return ADB_OK;
}

adb_status adb_value_to_int(const adb_value *value, int64_t *value_out)
{
    if (value == NULL || value_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__number_read_int(value->as.text, value->size, value_out);
    if (value->type == ADB_TYPE_DOUBLE)
        return double_to_int(value->as.real, value_out);
    if (value->type != ADB_TYPE_BOOL && value->type != ADB_TYPE_INT)
        return ADB_E_TYPE;
    *value_out = value->type == ADB_TYPE_BOOL ? value->as.boolean : value->as.integer;
    return ADB_OK;
}

adb_status adb_value_to_double(const adb_value *value, double *value_out)
{
    if (value == NULL || value_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__number_read_double(value->as.text, value->size, value_out);
    switch (value->type) {
    case ADB_TYPE_DOUBLE:
        *value_out = value->as.real;
        return ADB_OK;
    case ADB_TYPE_INT:
        *value_out = (double)value->as.integer;
        return ADB_OK;
    case ADB_TYPE_BOOL:
        *value_out = value->as.boolean;
        return ADB_OK;
    default:
        return ADB_E_TYPE;
    }
}

static adb_status value_to_days(const adb_value *value, int64_t *days_out)
{
    int64_t time_of_day = 0;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__calendar_read_date(value->as.text, value->size, days_out);
    if (value->type != ADB_TYPE_DATE && value->type != ADB_TYPE_TIMESTAMP)
        return ADB_E_TYPE;
    *days_out = value->type == ADB_TYPE_DATE ? value->as.integer : adb__calendar_split(value->as.integer, &time_of_day);
    return ADB_OK;
}

adb_status adb_value_to_date(const adb_value *value, int *year_out, int *month_out, int *day_out)
{
    int64_t days = 0;
    if (value == NULL || year_out == NULL || month_out == NULL || day_out == NULL)
        return ADB_E_INVAL;
    const adb_status status = value_to_days(value, &days);
    if (status != ADB_OK)
        return status;

    const struct adb__date date = adb__calendar_date(days);
    if (date.year < INT_MIN || date.year > INT_MAX)
        return ADB_E_RANGE;
    *year_out = (int)date.year;
    *month_out = date.month;
    *day_out = date.day;
    return ADB_OK;
}

adb_status adb_value_to_time(const adb_value *value, int64_t *microseconds_out)
{
    if (value == NULL || microseconds_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__calendar_read_time(value->as.text, value->size, microseconds_out);
    switch (value->type) {
    case ADB_TYPE_TIME:
        *microseconds_out = value->as.integer;
        return ADB_OK;
    case ADB_TYPE_TIMESTAMP:
        adb__calendar_split(value->as.integer, microseconds_out);
        return ADB_OK;
    default:
        return ADB_E_TYPE;
    }
}

adb_status adb_value_to_timestamp(const adb_value *value, int64_t *microseconds_out)
{
    int64_t microseconds = 0;
    if (value == NULL || microseconds_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return adb__calendar_read_timestamp(value->as.text, value->size, microseconds_out);
    switch (value->type) {
    case ADB_TYPE_TIMESTAMP:
        *microseconds_out = value->as.integer;
        return ADB_OK;
    case ADB_TYPE_DATE:
        if (__builtin_mul_overflow(value->as.integer, ADB__US_PER_DAY, &microseconds))
            return ADB_E_RANGE;
        *microseconds_out = microseconds;
        return ADB_OK;
    default:
        return ADB_E_TYPE;
    }
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* A dash precedes these bytes in the long form. */
static bool uuid_dash_before(size_t index)
{
    return index == 4 || index == 6 || index == 8 || index == 10;
}

static adb_status uuid_read(const char *text, size_t size, uint8_t uuid_out[16])
{
    uint8_t uuid[UUID_SIZE];
    const bool dashes = size == UUID_TEXT_SIZE;
    if (!dashes && size != 2 * UUID_SIZE)
        return ADB_E_TYPE;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (dashes && uuid_dash_before(i) && *text++ != '-')
            return ADB_E_TYPE;
        const int high = hex_digit(text[0]);
        const int low = hex_digit(text[1]);
        if (high < 0 || low < 0)
            return ADB_E_TYPE;
        uuid[i] = (uint8_t)(high * 16 + low);
        text += 2;
    }
    memcpy(uuid_out, uuid, sizeof(uuid));
    return ADB_OK;
}

static size_t uuid_write(const uint8_t uuid[16], char *buffer)
{
    static const char digits[] = "0123456789abcdef";
    char *at = buffer;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (uuid_dash_before(i))
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = '\0';
    return (size_t)(at - buffer);
}

adb_status adb_value_to_uuid(const adb_value *value, uint8_t uuid_out[16])
{
    if (value == NULL || uuid_out == NULL)
        return ADB_E_INVAL;
    if (is_invalid(value))
        return ADB_E_TYPE;
    if (is_text(value))
        return uuid_read(value->as.text, value->size, uuid_out);
    if (value->type == ADB_TYPE_UUID)
        memcpy(uuid_out, value->as.uuid, UUID_SIZE);
    else if (value->type == ADB_TYPE_BLOB && value->size == UUID_SIZE)
        memcpy(uuid_out, value->as.blob, UUID_SIZE);
    else
        return ADB_E_TYPE;
    return ADB_OK;
}

size_t adb__value_text(const adb_value *value, char buffer[ADB__VALUE_TEXT_SIZE])
{
    switch (value->type) {
    case ADB_TYPE_DATE:
        return adb__calendar_write_date(value->as.integer, buffer);
    case ADB_TYPE_TIME:
        return adb__calendar_write_time(value->as.integer, buffer);
    case ADB_TYPE_TIMESTAMP:
        return adb__calendar_write_timestamp(value->as.integer, buffer);
    case ADB_TYPE_UUID:
        return uuid_write(value->as.uuid, buffer);
    default:
        buffer[0] = '\0';
        return 0;
    }
}

/* Where adb_value_format() writes: counts what does not fit. */
struct writer {
    char *buffer;
    size_t size;
    size_t length;
};

static void write_bytes(struct writer *writer, const char *bytes, size_t size)
{
    if (writer->length < writer->size && size > 0) {
        const size_t room = writer->size - writer->length;
        memcpy(writer->buffer + writer->length, bytes, size < room ? size : room);
    }
    writer->length += size;
}

static void write_text(struct writer *writer, const char *text)
{
    write_bytes(writer, text, strlen(text));
}

static void write_blob(struct writer *writer, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t i = 0;
    write_text(writer, "x'");
    for (; i < size && writer->length < writer->size; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        write_bytes(writer, pair, sizeof(pair));
    }
    writer->length += 2 * (size - i);
    write_text(writer, "'");
}

static void write_value(struct writer *writer, const adb_value *value);

static void write_list(struct writer *writer, const adb_value *list)
{
    write_text(writer, "(");
    for (size_t i = 0; i < list->size; i++) {
        write_text(writer, i == 0 ? "" : ", ");
        write_value(writer, &list->as.items[i]);
    }
    write_text(writer, ")");
}

static void write_value(struct writer *writer, const adb_value *value)
{
    char text[ADB__VALUE_TEXT_SIZE] = "";
    if (is_invalid(value)) {
        write_text(writer, "invalid ");
        write_text(writer, adb_type_name(value->type));
        return;
    }
    switch (value->type) {
    case ADB_TYPE_NULL:
        write_text(writer, "NULL");
        break;
    case ADB_TYPE_BOOL:
        write_text(writer, value->as.boolean ? "true" : "false");
        break;
    case ADB_TYPE_INT:
        write_bytes(writer, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value->as.integer));
        break;
    case ADB_TYPE_DOUBLE:
        write_bytes(writer, text, adb__number_write_double(value->as.real, text));
        break;
    case ADB_TYPE_TEXT:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        write_bytes(writer, value->as.text, value->size);
        break;
    case ADB_TYPE_BLOB:
        write_blob(writer, value->as.blob, value->size);
        break;
    case ADB_TYPE_LIST:
        write_list(writer, value);
        break;
    default:
        write_bytes(writer, text, adb__value_text(value, text));
        break;
    }
}

size_t adb_value_format(const adb_value *value, char *buffer, size_t size)
{
    const adb_value null = {.type = ADB_TYPE_NULL};
    struct writer writer = {.buffer = buffer, .size = buffer == NULL ? 0 : size};
    write_value(&writer, value == NULL ? &null : value);
    if (writer.size > 0)
        buffer[writer.length < size ? writer.length : size - 1] = '\0';
    return writer.length;
}
