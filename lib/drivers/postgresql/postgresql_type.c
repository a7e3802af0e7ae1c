/* SPDX-License-Identifier: BSD-3-Clause */
/* The types of PostgreSQL that have a kind of value of their own, and how their text and binary forms are read. What
 * does not fit the kind (infinity) stays text, as the server writes it. */
#include "drivers/postgresql/postgresql.h"

#include "base/alloc.h"
#include "model/calendar.h"
#include "model/error.h"
#include "model/number.h"

#include <asyncdb/value.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01. */
#define DAYS_BEFORE_2000         10957
#define MICROSECONDS_BEFORE_2000 (DAYS_BEFORE_2000 * ADB__US_PER_DAY)

/* Bytes ------------------------------------------------------------------------------------------------------------ */

static inline uint64_t read_big_endian(const char *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

/* Two's complement of 1 to 8 bytes. Where the size is a constant, a load and a turn of its bytes. */
static inline int64_t read_signed(const char *bytes, size_t size)
{
    const unsigned unused_bits = (unsigned)(64 - 8 * size);
    return (int64_t)(read_big_endian(bytes, size) << unused_bits) >> unused_bits;
}

static adb_status refuse_size(const char *what, size_t size, adb_error *error)
{
    return adb__error_set(error, ADB_E_INTERNAL, "the server sent %s of %zu bytes", what, size);
}

/* Text and bytes --------------------------------------------------------------------------------------------------- */

static adb_status decode_text(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, bytes, size, error);
}

static adb_status decode_decimal(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                 adb_error *error)
{
    return adb__sink_bytes(sink, column, ADB_TYPE_DECIMAL, bytes, size, error);
}

static adb_status decode_json(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    return adb__sink_bytes(sink, column, ADB_TYPE_JSON, bytes, size, error);
}

/* A version, which is 1, and then text. */
static adb_status decode_jsonb(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size == 0 || bytes[0] != 1)
        return refuse_size("a jsonb of an unknown version", size, error);
    return adb__sink_bytes(sink, column, ADB_TYPE_JSON, bytes + 1, size - 1, error);
}

static adb_status decode_blob(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    return adb__sink_bytes(sink, column, ADB_TYPE_BLOB, bytes, size, error);
}

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return (byte | 0x20) - 'a' + 10;
}

/* bytea_output=escape, for those who have set it. */
static adb_status decode_escaped(struct adb__sink *sink, size_t column, const char *text, adb_error *error)
{
    size_t size;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &size);
    if (bytes == NULL)
        return adb__pg_no_memory(error);
    const adb_status status = adb__sink_bytes(sink, column, ADB_TYPE_BLOB, bytes, size, error);
    PQfreemem(bytes);
    return status;
}

static adb_status decode_bytea_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                    adb_error *error)
{
    void *memory;
    if (size < 2 || text[0] != '\\' || text[1] != 'x')
        return decode_escaped(sink, column, text, error);
    const adb_status status = adb__sink_reserve(sink, column, ADB_TYPE_BLOB, (size - 2) / 2, &memory, error);
    if (status != ADB_OK)
        return status;
    unsigned char *to = memory;
    for (size_t i = 2; i + 1 < size; i += 2)
        *to++ = (unsigned char)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    return ADB_OK;
}

static adb_status decode_uuid(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size != 16)
        return refuse_size("a uuid", size, error);
    return adb__sink_bytes(sink, column, ADB_TYPE_UUID, bytes, size, error);
}

static adb_status decode_uuid_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                   adb_error *error)
{
    const adb_value value = adb_text_n(text, size);
    uint8_t uuid[16];
    if (adb_value_to_uuid(&value, uuid) != ADB_OK)
        return decode_text(sink, column, text, size, error);
    return adb__sink_bytes(sink, column, ADB_TYPE_UUID, uuid, sizeof(uuid), error);
}

/* Numbers ---------------------------------------------------------------------------------------------------------- */

static adb_status decode_bool(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size != 1)
        return refuse_size("a boolean", size, error);
    adb__sink_bool(sink, column, bytes[0] != 0);
    return ADB_OK;
}

static adb_status decode_bool_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                   adb_error *error)
{
    (void)size;
    (void)error;
    adb__sink_bool(sink, column, text[0] == 't');
    return ADB_OK;
}

static adb_status decode_int(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    switch (size) {
    case 2:
        adb__sink_int(sink, column, read_signed(bytes, 2));
        return ADB_OK;
    case 4:
        adb__sink_int(sink, column, read_signed(bytes, 4));
        return ADB_OK;
    case 8:
        adb__sink_int(sink, column, read_signed(bytes, 8));
        return ADB_OK;
    default:
        return refuse_size("an integer", size, error);
    }
}

static adb_status decode_oid(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size != 4)
        return refuse_size("an oid", size, error);
    adb__sink_int(sink, column, (int64_t)read_big_endian(bytes, 4));
    return ADB_OK;
}

static adb_status decode_int_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                  adb_error *error)
{
    int64_t number;
    if (adb__number_read_int(text, size, &number) != ADB_OK)
        return decode_text(sink, column, text, size, error);
    adb__sink_int(sink, column, number);
    return ADB_OK;
}

static adb_status decode_float(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size == 8) {
        const uint64_t bits = read_big_endian(bytes, 8);
        double number;
        memcpy(&number, &bits, sizeof(number));
        adb__sink_double(sink, column, number);
        return ADB_OK;
    }
    if (size == 4) {
        const uint32_t bits = (uint32_t)read_big_endian(bytes, 4);
        float number;
        memcpy(&number, &bits, sizeof(number));
        adb__sink_double(sink, column, (double)number);
        return ADB_OK;
    }
    return refuse_size("a floating-point number", size, error);
}

static adb_status decode_double_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                     adb_error *error)
{
    double number;
    if (adb__number_read_double(text, size, &number) != ADB_OK)
        return decode_text(sink, column, text, size, error);
    adb__sink_double(sink, column, number);
    return ADB_OK;
}

/* A real has the value of its 32 bits, whichever way it was sent: not that of its digits. */
static adb_status decode_real_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                   adb_error *error)
{
    double number;
    if (adb__number_read_double(text, size, &number) != ADB_OK)
        return decode_text(sink, column, text, size, error);
    adb__sink_double(sink, column, (double)(float)number);
    return ADB_OK;
}

/* Time ------------------------------------------------------------------------------------------------------------- */

size_t adb__pg_date_write(int64_t days, const char *rest, char *text, size_t text_size)
{
    const struct adb__date date = adb__calendar_date(days);
    const bool is_bc = date.year < 1;
    return (size_t)snprintf(text, text_size, "%04" PRId64 "-%02d-%02d%s%s", is_bc ? 1 - date.year : date.year,
                            date.month, date.day, rest, is_bc ? " BC" : "");
}

static adb_status decode_word(struct adb__sink *sink, size_t column, const char *word, adb_error *error)
{
    return decode_text(sink, column, word, strlen(word), error);
}

static adb_status decode_date(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size != 4)
        return refuse_size("a date", size, error);
    const int64_t days = read_signed(bytes, 4);
    if (days == INT32_MAX || days == INT32_MIN)
        return decode_word(sink, column, days > 0 ? "infinity" : "-infinity", error);
    adb__sink_moment(sink, column, ADB_TYPE_DATE, days + DAYS_BEFORE_2000);
    return ADB_OK;
}

static adb_status decode_time(struct adb__sink *sink, size_t column, const char *bytes, size_t size, adb_error *error)
{
    if (size != 8)
        return refuse_size("a time", size, error);
    const int64_t microseconds = read_signed(bytes, 8);
    if (microseconds >= ADB__US_PER_DAY)
        return decode_word(sink, column, "24:00:00", error);
    adb__sink_moment(sink, column, ADB_TYPE_TIME, microseconds);
    return ADB_OK;
}

/* Our microseconds end thirty years before PostgreSQL's do. */
static adb_status decode_far_moment(struct adb__sink *sink, size_t column, int64_t moment, const char *zone,
                                    adb_error *error)
{
    int64_t microseconds;
    char time[ADB__CALENDAR_TEXT_SIZE];
    char rest[ADB__CALENDAR_TEXT_SIZE + 8];
    char text[96];
    const int64_t days = adb__calendar_split(moment, &microseconds) + DAYS_BEFORE_2000;
    adb__calendar_write_time(microseconds, time);
    snprintf(rest, sizeof(rest), " %s%s", time, zone);
    adb__pg_date_write(days, rest, text, sizeof(text));
    return decode_word(sink, column, text, error);
}

static adb_status decode_moment(struct adb__sink *sink, size_t column, int64_t moment, const char *zone,
                                adb_error *error)
{
    if (moment == INT64_MAX || moment == INT64_MIN)
        return decode_word(sink, column, moment > 0 ? "infinity" : "-infinity", error);
    if (moment > INT64_MAX - MICROSECONDS_BEFORE_2000)
        return decode_far_moment(sink, column, moment, zone, error);
    adb__sink_moment(sink, column, ADB_TYPE_TIMESTAMP, moment + MICROSECONDS_BEFORE_2000);
    return ADB_OK;
}

static adb_status decode_timestamp(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                   adb_error *error)
{
    if (size != 8)
        return refuse_size("a timestamp", size, error);
    return decode_moment(sink, column, read_signed(bytes, 8), "", error);
}

static adb_status decode_timestamptz(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                     adb_error *error)
{
    if (size != 8)
        return refuse_size("a timestamp", size, error);
    return decode_moment(sink, column, read_signed(bytes, 8), "+00", error);
}

typedef adb_status (*read_fn)(const char *text, size_t size, int64_t *moment_out);

/* The calendar repeats itself after 400 years. */
#define YEARS_OF_CYCLE 400
#define DAYS_OF_CYCLE  146097

/* A text with a year outside 1 to 9999 as one with a year inside, so many cycles away. False: it is none. */
static bool move_year(const char *text, size_t size, char moved[ADB__CALENDAR_TEXT_SIZE], int64_t *cycles_out)
{
    const size_t n_digits = strspn(text, "0123456789");
    const bool is_bc = size > 3 && strcmp(text + size - 3, " BC") == 0;
    const size_t end = is_bc ? size - 3 : size;
    if (n_digits < 4 || n_digits > 7 || end < n_digits || end - n_digits > 40)
        return false;
    const int64_t shown = strtoll(text, NULL, 10);
    const int64_t year = is_bc ? 1 - shown : shown;
    *cycles_out = year < 1 ? year / YEARS_OF_CYCLE - 1 : (year - 1) / YEARS_OF_CYCLE;
    snprintf(moved, ADB__CALENDAR_TEXT_SIZE, "%04d%.*s", (int)(year - *cycles_out * YEARS_OF_CYCLE),
             (int)(end - n_digits), text + n_digits);
    return true;
}

/* Any year. Days or microseconds, of which there are so many in a cycle. */
static bool read_moment(read_fn read, const char *text, size_t size, int64_t cycle, int64_t *moment_out)
{
    char moved[ADB__CALENDAR_TEXT_SIZE];
    int64_t cycles;
    int64_t offset;
    if (read(text, size, moment_out) == ADB_OK)
        return true;
    return cycle > 0 && move_year(text, size, moved, &cycles) && read(moved, strlen(moved), moment_out) == ADB_OK &&
           !__builtin_mul_overflow(cycles, cycle, &offset) && !__builtin_add_overflow(*moment_out, offset, moment_out);
}

static adb_status decode_moment_text(struct adb__sink *sink, size_t column, adb_type type, read_fn read,
                                     const char *text, size_t size, adb_error *error)
{
    static const int64_t cycles[] = {
        [ADB_TYPE_DATE] = DAYS_OF_CYCLE, [ADB_TYPE_TIME] = 0, [ADB_TYPE_TIMESTAMP] = DAYS_OF_CYCLE * ADB__US_PER_DAY};
    int64_t moment;
    if (!read_moment(read, text, size, cycles[type], &moment))
        return decode_text(sink, column, text, size, error);
    adb__sink_moment(sink, column, type, moment);
    return ADB_OK;
}

static adb_status decode_date_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                   adb_error *error)
{
    return decode_moment_text(sink, column, ADB_TYPE_DATE, adb__calendar_read_date, text, size, error);
}

static adb_status decode_time_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                   adb_error *error)
{
    return decode_moment_text(sink, column, ADB_TYPE_TIME, adb__calendar_read_time, text, size, error);
}

static adb_status decode_timestamp_text(struct adb__sink *sink, size_t column, const char *text, size_t size,
                                        adb_error *error)
{
    return decode_moment_text(sink, column, ADB_TYPE_TIMESTAMP, adb__calendar_read_timestamp, text, size, error);
}

/* The table -------------------------------------------------------------------------------------------------------- */

/* By OID, which never changes. Names as format_type() gives them. Of others the server is asked for the name. */
static const struct adb__pg_type types[] = {
    {16, "boolean", ADB_TYPE_BOOL, decode_bool_text, decode_bool},
    {17, "bytea", ADB_TYPE_BLOB, decode_bytea_text, decode_blob},
    {18, "\"char\"", ADB_TYPE_TEXT, decode_text, decode_text},
    {19, "name", ADB_TYPE_TEXT, decode_text, decode_text},
    {20, "bigint", ADB_TYPE_INT, decode_int_text, decode_int},
    {21, "smallint", ADB_TYPE_INT, decode_int_text, decode_int},
    {23, "integer", ADB_TYPE_INT, decode_int_text, decode_int},
    {24, "regproc", ADB_TYPE_TEXT, decode_text, NULL},
    {25, "text", ADB_TYPE_TEXT, decode_text, decode_text},
    {26, "oid", ADB_TYPE_INT, decode_int_text, decode_oid},
    {28, "xid", ADB_TYPE_INT, decode_int_text, decode_oid},
    {29, "cid", ADB_TYPE_INT, decode_int_text, decode_oid},
    {114, "json", ADB_TYPE_JSON, decode_json, decode_json},
    {142, "xml", ADB_TYPE_TEXT, decode_text, NULL},
    {199, "json[]", ADB_TYPE_TEXT, decode_text, NULL},
    {600, "point", ADB_TYPE_TEXT, decode_text, NULL},
    {650, "cidr", ADB_TYPE_TEXT, decode_text, NULL},
    {651, "cidr[]", ADB_TYPE_TEXT, decode_text, NULL},
    {700, "real", ADB_TYPE_DOUBLE, decode_real_text, decode_float},
    {701, "double precision", ADB_TYPE_DOUBLE, decode_double_text, decode_float},
    {705, "unknown", ADB_TYPE_TEXT, decode_text, decode_text},
    {718, "circle", ADB_TYPE_TEXT, decode_text, NULL},
    {774, "macaddr8", ADB_TYPE_TEXT, decode_text, NULL},
    {790, "money", ADB_TYPE_TEXT, decode_text, NULL},
    {829, "macaddr", ADB_TYPE_TEXT, decode_text, NULL},
    {869, "inet", ADB_TYPE_TEXT, decode_text, NULL},
    {1000, "boolean[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1001, "bytea[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1003, "name[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1005, "smallint[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1007, "integer[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1009, "text[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1014, "character[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1015, "character varying[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1016, "bigint[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1021, "real[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1022, "double precision[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1028, "oid[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1041, "inet[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1042, "character", ADB_TYPE_TEXT, decode_text, decode_text},
    {1043, "character varying", ADB_TYPE_TEXT, decode_text, decode_text},
    {1082, "date", ADB_TYPE_DATE, decode_date_text, decode_date},
    {1083, "time without time zone", ADB_TYPE_TIME, decode_time_text, decode_time},
    {1114, "timestamp without time zone", ADB_TYPE_TIMESTAMP, decode_timestamp_text, decode_timestamp},
    {1115, "timestamp without time zone[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1182, "date[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1183, "time without time zone[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1184, "timestamp with time zone", ADB_TYPE_TIMESTAMP, decode_timestamp_text, decode_timestamptz},
    {1185, "timestamp with time zone[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1186, "interval", ADB_TYPE_TEXT, decode_text, NULL},
    {1187, "interval[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1231, "numeric[]", ADB_TYPE_TEXT, decode_text, NULL},
    {1266, "time with time zone", ADB_TYPE_TEXT, decode_text, NULL},
    {1560, "bit", ADB_TYPE_TEXT, decode_text, NULL},
    {1562, "bit varying", ADB_TYPE_TEXT, decode_text, NULL},
    {1700, "numeric", ADB_TYPE_DECIMAL, decode_decimal, adb__pg_numeric_decode},
    {2205, "regclass", ADB_TYPE_TEXT, decode_text, NULL},
    {2206, "regtype", ADB_TYPE_TEXT, decode_text, NULL},
    {2249, "record", ADB_TYPE_TEXT, decode_text, NULL},
    {2275, "cstring", ADB_TYPE_TEXT, decode_text, NULL},
    {2278, "void", ADB_TYPE_TEXT, decode_text, NULL},
    {2950, "uuid", ADB_TYPE_UUID, decode_uuid_text, decode_uuid},
    {2951, "uuid[]", ADB_TYPE_TEXT, decode_text, NULL},
    {3220, "pg_lsn", ADB_TYPE_TEXT, decode_text, NULL},
    {3614, "tsvector", ADB_TYPE_TEXT, decode_text, NULL},
    {3615, "tsquery", ADB_TYPE_TEXT, decode_text, NULL},
    {3802, "jsonb", ADB_TYPE_JSON, decode_json, decode_jsonb},
    {3807, "jsonb[]", ADB_TYPE_TEXT, decode_text, NULL},
    {3904, "int4range", ADB_TYPE_TEXT, decode_text, NULL},
    {3906, "numrange", ADB_TYPE_TEXT, decode_text, NULL},
    {3908, "tsrange", ADB_TYPE_TEXT, decode_text, NULL},
    {3910, "tstzrange", ADB_TYPE_TEXT, decode_text, NULL},
    {3912, "daterange", ADB_TYPE_TEXT, decode_text, NULL},
    {3926, "int8range", ADB_TYPE_TEXT, decode_text, NULL},
    {4451, "int4multirange", ADB_TYPE_TEXT, decode_text, NULL},
    {4532, "nummultirange", ADB_TYPE_TEXT, decode_text, NULL},
    {4533, "tsmultirange", ADB_TYPE_TEXT, decode_text, NULL},
    {4534, "tstzmultirange", ADB_TYPE_TEXT, decode_text, NULL},
    {4535, "datemultirange", ADB_TYPE_TEXT, decode_text, NULL},
    {4536, "int8multirange", ADB_TYPE_TEXT, decode_text, NULL},
    {5069, "xid8", ADB_TYPE_TEXT, decode_text, NULL},
};

static const struct adb__pg_type any_other = {0, NULL, ADB_TYPE_TEXT, decode_text, NULL};

const struct adb__pg_type *adb__pg_type_find(Oid oid)
{
    size_t low = 0;
    size_t high = sizeof(types) / sizeof(types[0]);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (types[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof(types) / sizeof(types[0]) && types[low].oid == oid ? &types[low] : &any_other;
}
