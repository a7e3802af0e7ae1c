/* SPDX-License-Identifier: BSD-3-Clause */
/* Values for libpq: in text, so that the server reads them as the type that it has inferred, and blobs in binary. */
#include "drivers/postgresql/postgresql.h"

#include "model/calendar.h"
#include "model/convert.h"
#include "model/error.h"
#include "model/number.h"
#include "model/value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Room for a short value as text. */
#define SHORT_TEXT 96

/* The zone tells a timestamptz what is meant whatever the session's own is; a timestamp does not mind it. */
static size_t timestamp_text(int64_t timestamp, char text[SHORT_TEXT])
{
    int64_t microseconds;
    char time[ADB__CALENDAR_TEXT_SIZE];
    char rest[ADB__CALENDAR_TEXT_SIZE + 8];
    const int64_t days = adb__calendar_split(timestamp, &microseconds);
    adb__calendar_write_time(microseconds, time);
    snprintf(rest, sizeof(rest), " %s+00", time);
    return adb__pg_date_write(days, rest, text, SHORT_TEXT);
}

/* The most frequent value of all: without printf(). */
static size_t int_text(int64_t number, char text[SHORT_TEXT])
{
    char digits[20];
    size_t n_digits = 0;
    size_t size = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[n_digits++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        text[size++] = '-';
    while (n_digits > 0)
        text[size++] = digits[--n_digits];
    text[size] = '\0';
    return size;
}

static size_t short_text(const adb_value *value, char text[SHORT_TEXT])
{
    switch (value->type) {
    case ADB_TYPE_INT:
        return int_text(value->as.integer, text);
    case ADB_TYPE_DOUBLE:
        return adb__number_write_double(value->as.real, text);
    case ADB_TYPE_DATE:
        return adb__pg_date_write(value->as.integer, "", text, SHORT_TEXT);
    case ADB_TYPE_TIMESTAMP:
        return timestamp_text(value->as.integer, text);
    default:
        return adb__value_text(value, text);
    }
}

static adb_status encode_short(const adb_value *value, struct adb__arena *arena, const char **text_out,
                               adb_error *error)
{
    char text[SHORT_TEXT];
    const size_t size = short_text(value, text);
    *text_out = adb__arena_bytes(arena, text, size);
    return *text_out != NULL ? ADB_OK : adb__pg_no_memory(error);
}

/* A copy, because the caller's text need not end in a NUL. */
static adb_status encode_text(const adb_value *value, struct adb__arena *arena, const char **text_out, adb_error *error)
{
    if (value->size > 0 && memchr(value->as.text, '\0', value->size) != NULL)
        return adb__error_native(error, ADB_E_DATA, 0, 0, "22021", "PostgreSQL has no text with a NUL byte in it");
    *text_out = adb__arena_bytes(arena, value->size > 0 ? value->as.text : "", value->size);
    return *text_out != NULL ? ADB_OK : adb__pg_no_memory(error);
}

static adb_status encode_blob(const adb_value *value, struct adb__pg_values *values, size_t index,
                              struct adb__arena *arena, adb_error *error)
{
    if (value->size > INT_MAX)
        return adb__error_set(error, ADB_E_TOO_BIG, "a value of %zu bytes", value->size);
    if (values->formats == NULL) {
        const size_t bytes = (size_t)values->count * sizeof(values->formats[0]);
        values->formats = adb__arena_alloc(arena, bytes);
        values->sizes = adb__arena_alloc(arena, bytes);
        if (values->formats == NULL || values->sizes == NULL)
            return adb__pg_no_memory(error);
        memset(values->formats, 0, bytes);
        memset(values->sizes, 0, bytes);
    }
    values->texts[index] = value->size > 0 ? value->as.blob : ""; /* may stay where it is: its size is told */
    values->sizes[index] = (int)value->size;
    values->formats[index] = 1;
    return ADB_OK;
}

static adb_status encode(const adb_value *value, struct adb__pg_values *values, size_t index, struct adb__arena *arena,
                         adb_error *error)
{
    switch (value->type) {
    case ADB_TYPE_NULL:
        values->texts[index] = NULL;
        return ADB_OK;
    case ADB_TYPE_BOOL:
        values->texts[index] = value->as.boolean ? "true" : "false";
        return ADB_OK;
    case ADB_TYPE_INT:
    case ADB_TYPE_DOUBLE:
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
    case ADB_TYPE_UUID:
        return encode_short(value, arena, &values->texts[index], error);
    case ADB_TYPE_TEXT:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        return encode_text(value, arena, &values->texts[index], error);
    case ADB_TYPE_BLOB:
        return encode_blob(value, values, index, arena, error);
    case ADB_TYPE_LIST:
        break;
    }
    return adb__error_set(error, ADB_E_PARAMETER, "parameter %zu is of a kind that cannot be sent", index + 1);
}

adb_status adb__pg_values_encode(const adb_value *values, size_t n_values, struct adb__arena *arena,
                                 struct adb__pg_values *values_out, adb_error *error)
{
    struct adb__pg_values encoded = {.count = (int)n_values};
    if (n_values > adb__postgresql_driver.dialect.max_parameters)
        return adb__error_set(error, ADB_E_PARAMETER, "%zu parameters, PostgreSQL takes %zu at most", n_values,
                              adb__postgresql_driver.dialect.max_parameters);
    encoded.texts = adb__arena_alloc(arena, n_values * sizeof(encoded.texts[0]));
    if (encoded.texts == NULL)
        return adb__pg_no_memory(error);
    for (size_t i = 0; i < n_values; i++) {
        const adb_status status = encode(&values[i], &encoded, i, arena, error);
        if (status != ADB_OK)
            return status;
    }
    *values_out = encoded;
    return ADB_OK;
}
