/* SPDX-License-Identifier: BSD-3-Clause */
/* A typed value: what is bound to a placeholder and what is read from a column. */
#ifndef ASYNCDB_VALUE_H
#define ASYNCDB_VALUE_H

#include <asyncdb/error.h>
#include <asyncdb/in_place.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The kinds of value. Numbers are never given to another meaning. */
typedef enum adb_type {
    ADB_TYPE_NULL = 0,       /**< SQL's NULL. */
    ADB_TYPE_BOOL = 1,       /**< true or false. */
    ADB_TYPE_INT = 2,        /**< 64-bit signed. */
    ADB_TYPE_DOUBLE = 3,     /**< IEEE 754, 64 bits. */
    ADB_TYPE_TEXT = 4,       /**< UTF-8; in results followed by a NUL that size does not count. */
    ADB_TYPE_BLOB = 5,       /**< Bytes; in results followed by a NUL that size does not count. */
    ADB_TYPE_DECIMAL = 6,    /**< Exact number as text. */
    ADB_TYPE_JSON = 7,       /**< JSON as text. */
    ADB_TYPE_DATE = 8,       /**< Days since 1970-01-01, proleptic Gregorian. */
    ADB_TYPE_TIME = 9,       /**< Microseconds since midnight. */
    ADB_TYPE_TIMESTAMP = 10, /**< Microseconds since 1970-01-01 00:00:00 UTC, without leap seconds. */
    ADB_TYPE_UUID = 11,      /**< Sixteen bytes in the order of the text form. */
    ADB_TYPE_LIST = 12       /**< Values for IN (:list); never in a result. */
} adb_type;

/**
 * One value.
 *
 * Plain data: copy it, keep it in arrays. Text, blobs and lists are borrowed, never owned: a constructor keeps the
 * caller's pointer, a result hands out its own, valid as long as the result is.
 *
 * A size of SIZE_MAX marks a value that its constructor could not make, such as adb_date(2024, 13, 1): submitting it is
 * ADB_E_PARAMETER, and it converts to nothing (ADB_E_TYPE).
 */
typedef struct adb_value {
    adb_type type; /**< Which member of as is meant. */
    size_t size;   /**< Bytes of text or blob; items of a list; else 0. */
    union {
        bool boolean;                  /**< BOOL. */
        int64_t integer;               /**< INT, DATE, TIME and TIMESTAMP. */
        double real;                   /**< DOUBLE. */
        const char *text;              /**< TEXT, DECIMAL and JSON. */
        const void *blob;              /**< BLOB. */
        uint8_t uuid[16];              /**< UUID. */
        const struct adb_value *items; /**< LIST. */
    } as; /**< The value. */
} adb_value;

/**
 * @name Making values
 * @{
 */

/**
 * Make SQL's NULL.
 *
 * @return The NULL value.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_null(void);

/**
 * Make a truth value.
 *
 * @param value  true or false.
 * @return A BOOL; databases without that type get 1 or 0.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_bool(bool value);

/**
 * Make an integer.
 *
 * @param value  Any.
 * @return An INT.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_int(int64_t value);

/**
 * Make a floating-point number.
 *
 * @param value  Any; what becomes of NaN and infinities is up to the database.
 * @return A DOUBLE.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_double(double value);

/**
 * Make text of a C string.
 *
 * @param text  UTF-8, ended by a NUL; NULL gives SQL's NULL.
 * @return A TEXT, or NULL.
 *
 * Ownership: borrows @p text; submission copies it.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_text(const char *text);

/**
 * Make text of counted bytes.
 *
 * @param text  UTF-8, need not end in a NUL; NULL gives SQL's NULL. A NUL inside is passed on: some databases refuse
 *              it.
 * @param size  Bytes.
 * @return A TEXT, or NULL.
 *
 * Ownership: borrows @p text; submission copies it.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_text_n(const char *text, size_t size);

/**
 * Make a blob.
 *
 * @param bytes  Any bytes; NULL gives SQL's NULL. For an empty blob give a pointer to anything.
 * @param size   How many.
 * @return A BLOB, or NULL.
 *
 * Ownership: borrows @p bytes; submission copies them.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_blob(const void *bytes, size_t size);

/**
 * Make an exact number.
 *
 * @param digits  `[+-]digits[.digits][e[+-]digits]`, or NaN or Infinity where the database has them; NULL gives SQL's
 *                NULL. Other text gives a value that submission refuses.
 * @return A DECIMAL, or NULL.
 *
 * Ownership: borrows @p digits; submission copies them.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_decimal(const char *digits);

/**
 * Make a JSON value.
 *
 * @param json  JSON text, not checked here; NULL gives SQL's NULL, "null" gives JSON's.
 * @return A JSON, or NULL.
 *
 * Ownership: borrows @p json; submission copies it.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_json(const char *json);

/**
 * Make a date.
 *
 * @param year   1 to 9999.
 * @param month  1 to 12.
 * @param day    1 to the last of the month.
 * @return A DATE. One that does not exist gives a value that submission refuses.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_date(int year, int month, int day);

/**
 * Make a time of day.
 *
 * @param hour         0 to 23.
 * @param minute       0 to 59.
 * @param second       0 to 59.
 * @param microsecond  0 to 999999.
 * @return A TIME. One out of range gives a value that submission refuses.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_time(int hour, int minute, int second, int microsecond);

/**
 * Make a point in time.
 *
 * @param microseconds  Since 1970-01-01 00:00:00 UTC; time(NULL) * 1000000 is now.
 * @return A TIMESTAMP.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_timestamp(int64_t microseconds);

/**
 * Make a UUID.
 *
 * @param bytes  Sixteen bytes in the order of the text form; NULL gives SQL's NULL.
 * @return A UUID, or NULL.
 *
 * Ownership: copies @p bytes.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_uuid(const uint8_t bytes[16]);

/**
 * Make the values of `IN (:list)`.
 *
 * @param items    Values of any kind but lists.
 * @param n_items  How many; 0 matches nothing. NULL @p items with another count gives a value that submission refuses.
 * @return A LIST.
 *
 * Ownership: borrows @p items; submission copies them.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_list(const adb_value *items, size_t n_items);

/** @} */

/**
 * @name Conversions
 *
 * What is not in this table is ADB_E_TYPE; so are NULL, lists and text that does not read as what is asked for.
 * ADB_E_RANGE: it reads well, but does not fit. ADB_E_INVAL: a NULL pointer. On failure the output is untouched.
 *
 *     to         from        how
 *     bool       BOOL        as it is
 *                INT DOUBLE  0 is false, others true; NaN is ADB_E_RANGE
 *                text        true t yes y on, false f no n off in any
 *                            case; or a number, as above
 *     int        INT         as it is
 *                BOOL        1 or 0
 *                DOUBLE      fraction cut off as in C; ADB_E_RANGE
 *                            beyond 64 bits, and for NaN
 *                text        a number, read exactly, fraction cut off;
 *                            ADB_E_RANGE likewise
 *     double     DOUBLE      as it is
 *                INT         rounded to the nearest
 *                BOOL        1 or 0
 *                text        a number, rounded to the nearest;
 *                            ADB_E_RANGE when too large for a double
 *     date       DATE        as it is
 *                TIMESTAMP   the day in UTC
 *                text        a date, or a timestamp's day in UTC
 *     time       TIME        as it is
 *                TIMESTAMP   the time of day in UTC
 *                text        a time, or a timestamp's time of day in UTC
 *     timestamp  TIMESTAMP   as it is
 *                DATE        its midnight, UTC
 *                text        a timestamp, or a date's midnight
 *     uuid       UUID        as it is
 *                BLOB        when it has sixteen bytes, else ADB_E_TYPE
 *                text        36 characters with dashes, or 32 without,
 *                            in any case
 *
 * "text" is TEXT, DECIMAL and JSON. It is read whole: no blanks around it, nothing after it, whatever the locale.
 *
 *     a number     [+-]digits[.digits][e[+-]digits], with digits on one
 *                  side of the point at least; [+-]inf, [+-]infinity, nan
 *                  in any case
 *     a date       YYYY-MM-DD
 *     a time       HH:MM[:SS[.fraction]][zone], brought to UTC within the
 *                  day when there is a zone
 *     a timestamp  date, a blank or T, time
 *     a zone       Z, or +HH[:MM[:SS]], or the same with -; a blank may
 *                  precede it; without one it is UTC
 *
 * Of a fraction the first six digits count, the rest is cut off. Years other than 0001 to 9999, days that do not exist,
 * hour 24 and second 60 are ADB_E_RANGE. No number converts to a date or time, nor the other way.
 *
 * @{
 */

/**
 * Convert to a truth value; see the table under Conversions.
 *
 * @param value      The value.
 * @param value_out  The outcome.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_bool(const adb_value *value, bool *value_out);

/**
 * Convert to an integer; see the table under Conversions. A fraction is cut off, as in C.
 *
 * @param value      The value.
 * @param value_out  The outcome.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_int(const adb_value *value, int64_t *value_out);

/**
 * Convert to a floating-point number; see the table under Conversions. Decimals and large integers lose digits here.
 *
 * @param value      The value.
 * @param value_out  The outcome.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_double(const adb_value *value, double *value_out);

/**
 * Convert to a calendar date; see the table under Conversions.
 *
 * @param value      The value.
 * @param year_out   Astronomical: the year before 1 is 0. Only DATE and TIMESTAMP columns give years outside 1 to 9999.
 * @param month_out  1 to 12.
 * @param day_out    1 to 31.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_date(const adb_value *value, int *year_out, int *month_out, int *day_out);

/**
 * Convert to a time of day; see the table under Conversions.
 *
 * @param value             The value.
 * @param microseconds_out  Since midnight. Only TIME columns of databases whose times are spans (MySQL) give negative
 *                          ones, or a day and more.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_time(const adb_value *value, int64_t *microseconds_out);

/**
 * Convert to a point in time; see the table under Conversions.
 *
 * @param value             The value.
 * @param microseconds_out  Since 1970-01-01 00:00:00 UTC.
 * @return ADB_OK, ADB_E_TYPE, ADB_E_RANGE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_timestamp(const adb_value *value, int64_t *microseconds_out);

/**
 * Convert to the bytes of a UUID; see the table under Conversions.
 *
 * @param value     The value.
 * @param uuid_out  Sixteen bytes in the order of the text form.
 * @return ADB_OK, ADB_E_TYPE or ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_value_to_uuid(const adb_value *value, uint8_t uuid_out[16]);

/** @} */

/**
 * @name Writing and comparing values
 * @{
 */

/**
 * Write a value as text for people, as snprintf() would.
 *
 * NULL is `NULL`, truth values `true` and `false`, a number the shortest text that reads back equal, with a point
 * whatever the locale, a blob `x'0AFF'`, a list `(1, 2)`. Dates and times are ISO 8601 in UTC: `2024-02-29`,
 * `23:59:59.5`, `2024-02-29 23:59:59.5`, with a fraction only when there is one. Text is as it is, without quotes: the
 * outcome is no SQL. A cut may fall inside a character.
 *
 * @param value   The value; a NULL pointer counts as NULL.
 * @param buffer  Where to write; may be NULL when @p size is 0.
 * @param size    Bytes to write at most, the NUL included.
 * @return The length that the whole text has, without the NUL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_value_format(const adb_value *value, char *buffer, size_t size);

/**
 * Compare two values.
 *
 * INT and DOUBLE are equal when they are the same number, exactly; NaN equals NaN, and NULL equals NULL. Else the types
 * must match: text is compared byte by byte, decimals too, so that 1.0 and 1.00 differ.
 *
 * @param a  A value; a NULL pointer counts as NULL.
 * @param b  Another.
 * @return true when they are equal.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_value_equal(const adb_value *a, const adb_value *b);

/**
 * Name a type.
 *
 * @param type  Any value.
 * @return A word in lower case, such as "timestamp"; "unknown" for a number outside the set.
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_type_name(adb_type type);

/** @} */

/** A value for a placeholder. */
typedef struct adb_param {
    const char *name; /**< Without the colon; NULL: positional. */
    adb_value value;  /**< What to bind. */
} adb_param;

/** The values of one statement. */
typedef struct adb_params {
    const adb_param *items; /**< In any order when named, in theirs when positional. */
    size_t count;           /**< How many. */
} adb_params;

/**
 * Parameters in place: ADB_PARAMS({"name", adb_text("x")}, {"age", adb_int(3)}), positional with {NULL, adb_int(3)}.
 *
 * Valid to the end of the enclosing block in C, and of the whole expression, such as the call, in C++.
 */
#define ADB_PARAMS(...) ADB__ITEMS_IN_PLACE(adb_params, adb_param, __VA_ARGS__)

/** One element of an array of parameter sets, for adb_execute_many(). In C only: C++ fills an adb_params by hand. */
#define ADB_SET(...) \
    ((adb_params){(const adb_param[]){__VA_ARGS__}, sizeof((const adb_param[]){__VA_ARGS__}) / sizeof(adb_param)})

#ifdef __cplusplus
}
#endif

#endif
