/* SPDX-License-Identifier: BSD-3-Clause */
/* The conversion table of asyncdb/value.h, row by row, and the text of values. */
#include "model/convert.h"
#include "tests/lib/harness.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static const uint8_t uuid_bytes[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3,
                                       0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00};

#define LEAP_DAY_NOON INT64_C(1709208000000000) /* 2024-02-29 12:00 */

/* One value of each type, and one that could not be made: index by type. */
static void fill_zoo(adb_value zoo[14])
{
    const adb_value values[14] = {
        adb_null(),
        adb_bool(true),
        adb_int(7),
        adb_double(7.5),
        adb_text("x"),
        adb_blob("0123456789abcdef", 16),
        adb_decimal("7.5"),
        adb_json("{}"),
        adb_date(2024, 2, 29),
        adb_time(12, 0, 0, 0),
        adb_timestamp(LEAP_DAY_NOON),
        adb_uuid(uuid_bytes),
        adb_list(NULL, 0),
        adb_date(2024, 13, 1),
    };
    memcpy(zoo, values, sizeof(values));
}

static adb_status convert(int target, const adb_value *value)
{
    bool truth;
    int64_t integer;
    double real;
    int year, month, day;
    uint8_t uuid[16];
    switch (target) {
    case 0:
        return adb_value_to_bool(value, &truth);
    case 1:
        return adb_value_to_int(value, &integer);
    case 2:
        return adb_value_to_double(value, &real);
    case 3:
        return adb_value_to_date(value, &year, &month, &day);
    case 4:
        return adb_value_to_time(value, &integer);
    case 5:
        return adb_value_to_timestamp(value, &integer);
    default:
        return adb_value_to_uuid(value, uuid);
    }
}

/* TYP-13, TYP-15: exactly the pairs of the table convert; all others, NULL included, are ADB_E_TYPE. */
TEST(only_pairs_of_the_table_convert)
{
    /* Rows: bool, int, double, date, time, timestamp, uuid. Columns: the zoo; the texts "x" and {} are no numbers. */
    static const char *const table[] = {
        ".+++..+.......", ".+++..+.......", ".+++..+.......", "........+.+...",
        ".........++...", "........+.+...", ".....+.....+..",
    };
    adb_value zoo[14];
    fill_zoo(zoo);
    for (int target = 0; target < 7; target++) {
        for (size_t i = 0; i < 14; i++)
            CU_ASSERT_EQUAL(convert(target, &zoo[i]), table[target][i] == '+' ? ADB_OK : ADB_E_TYPE);
    }
}

/* A NULL pointer is the caller's mistake, not the value's. */
TEST(null_pointers_are_invalid)
{
    const adb_value value = adb_date(2024, 2, 29);
    int part = 0;
    for (int target = 0; target < 7; target++)
        CU_ASSERT_EQUAL(convert(target, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_bool(&value, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_int(&value, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_double(&value, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_date(&value, &part, NULL, &part), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_time(&value, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_timestamp(&value, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_uuid(&value, NULL), ADB_E_INVAL);
}

/* TYP-01, TYP-17, REG-11: truth comes from booleans, from numbers that are not zero, and from words. */
TEST(bool_from_numbers_and_words)
{
    const adb_value yes[] = {adb_bool(true), adb_int(-1), adb_double(0.1), adb_text("true"), adb_decimal("0.01")};
    const adb_value no[] = {adb_bool(false), adb_int(0), adb_double(-0.0), adb_text("off"), adb_json("false")};
    const adb_value nan = adb_double(NAN);
    bool truth = false;
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT(adb_value_to_bool(&yes[i], &truth) == ADB_OK && truth);
        CU_ASSERT(adb_value_to_bool(&no[i], &truth) == ADB_OK && !truth);
    }
    truth = true;
    CU_ASSERT(adb_value_to_bool(&nan, &truth) == ADB_E_RANGE && truth);
}

/* TYP-20: fractions are cut off as in C; what does not fit in 64 bits is ADB_E_RANGE. */
TEST(int_cuts_fractions_and_checks_range)
{
    const struct {
        adb_value value;
        adb_status status;
        int64_t integer;
    } cases[] = {
        {adb_double(2.9), ADB_OK, 2},
        {adb_double(-2.9), ADB_OK, -2},
        {adb_double(-0x1p63), ADB_OK, INT64_MIN},
        {adb_double(0x1p63), ADB_E_RANGE, 77},
        {adb_double(NAN), ADB_E_RANGE, 77},
        {adb_double(-INFINITY), ADB_E_RANGE, 77},
        {adb_bool(true), ADB_OK, 1},
        {adb_decimal("9007199254740993"), ADB_OK, INT64_C(9007199254740993)},
        {adb_text("99999999999999999999"), ADB_E_RANGE, 77},
        {adb_text("ninety"), ADB_E_TYPE, 77},
        {adb_json("42"), ADB_OK, 42},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t integer = 77;
        CU_ASSERT_EQUAL(adb_value_to_int(&cases[i].value, &integer), cases[i].status);
        CU_ASSERT_EQUAL(integer, cases[i].integer);
    }
}

/* TYP-05, TYP-06: decimals and integers give the nearest double. */
TEST(double_from_numbers_and_text)
{
    const struct {
        adb_value value;
        adb_status status;
        double real;
    } cases[] = {
        {adb_decimal("0.700000000000001"), ADB_OK, 0.700000000000001},
        {adb_int((INT64_C(1) << 53) + 1), ADB_OK, 0x1p53},
        {adb_bool(true), ADB_OK, 1},
        {adb_text("1e400"), ADB_E_RANGE, 77},
        {adb_text(""), ADB_E_TYPE, 77},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double real = 77;
        CU_ASSERT_EQUAL(adb_value_to_double(&cases[i].value, &real), cases[i].status);
        CU_ASSERT_EQUAL(real, cases[i].real);
    }
}

static void check_date(adb_value value, int year, int month, int day)
{
    int parts[3] = {0};
    CU_ASSERT_EQUAL(adb_value_to_date(&value, &parts[0], &parts[1], &parts[2]), ADB_OK);
    CU_ASSERT(parts[0] == year && parts[1] == month && parts[2] == day);
}

/* TYP-03, TYP-12, TYP-14: dates come from dates, timestamps and text; before 1970 they round down. */
TEST(date_from_dates_timestamps_and_text)
{
    const adb_value too_far = {.type = ADB_TYPE_DATE, .as.integer = INT64_MAX};
    int parts[3];
    check_date(adb_date(2024, 2, 29), 2024, 2, 29);
    check_date(adb_timestamp(LEAP_DAY_NOON), 2024, 2, 29);
    check_date(adb_timestamp(-1), 1969, 12, 31);
    check_date(adb_text("2024-02-29 12:00"), 2024, 2, 29);
    check_date((adb_value){.type = ADB_TYPE_DATE, .as.integer = -719529}, -1, 12, 31);
    CU_ASSERT_EQUAL(adb_value_to_date(&too_far, &parts[0], &parts[1], &parts[2]), ADB_E_RANGE);
}

/* TYP-02, TYP-04: times and timestamps; a date is its midnight, and one too far away does not fit. */
TEST(times_and_timestamps_convert)
{
    const adb_value stamp = adb_timestamp(-1);
    const adb_value date = adb_date(1970, 1, 2);
    const adb_value too_far = {.type = ADB_TYPE_DATE, .as.integer = INT64_MAX};
    const adb_value text = adb_text("1970-01-01 00:00:01.5");
    int64_t us = 77;
    CU_ASSERT_EQUAL(adb_value_to_timestamp(&too_far, &us), ADB_E_RANGE);
    CU_ASSERT_EQUAL(us, 77);
    CU_ASSERT(adb_value_to_time(&stamp, &us) == ADB_OK && us == INT64_C(86399999999));
    CU_ASSERT(adb_value_to_timestamp(&date, &us) == ADB_OK && us == INT64_C(86400000000));
    CU_ASSERT(adb_value_to_timestamp(&text, &us) == ADB_OK && us == 1500000);
    CU_ASSERT(adb_value_to_time(&text, &us) == ADB_OK && us == 1500000);
}

/* TYP-15: a UUID is read from sixteen bytes, or from text with or without dashes in any case. */
TEST(uuid_from_bytes_and_text)
{
    const adb_value good[] = {
        adb_uuid(uuid_bytes), adb_blob(uuid_bytes, 16), adb_text("123e4567-e89b-12d3-a456-426614174000"),
        adb_text("123E4567-E89B-12D3-A456-426614174000"), adb_text("123e4567e89b12d3a456426614174000")};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint8_t uuid[16] = {0};
        CU_ASSERT_EQUAL(adb_value_to_uuid(&good[i], uuid), ADB_OK);
        CU_ASSERT_EQUAL(memcmp(uuid, uuid_bytes, 16), 0);
    }
}

/* Anything that is not quite a UUID is ADB_E_TYPE and leaves the output alone. */
TEST(malformed_uuids_are_refused)
{
    const adb_value bad[] = {adb_blob(uuid_bytes, 15),
                             adb_text(""),
                             adb_text("123e4567"),
                             adb_text("123e4567-e89b-12d3-a456-42661417400g"),
                             adb_text("123e4567e-89b-12d3-a456-426614174000"),
                             adb_text("123e4567e89b12d3a45642661417400"),
                             adb_text("123e4567-e89b-12d3-a456-4266141740000")};
    uint8_t uuid[16] = {77};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_EQUAL(adb_value_to_uuid(&bad[i], uuid), ADB_E_TYPE);
    CU_ASSERT_EQUAL(uuid[0], 77);
}

static void check_format(adb_value value, const char *expected)
{
    char text[64];
    CU_ASSERT_EQUAL(adb_value_format(&value, text, sizeof(text)), strlen(expected));
    CU_ASSERT_STRING_EQUAL(text, expected);
}

/* Each type has the text that the header promises. */
TEST(format_writes_each_type)
{
    const adb_value items[] = {adb_int(1), adb_text("a"), adb_null()};
    check_format(adb_null(), "NULL");
    check_format(adb_bool(false), "false");
    check_format(adb_int(INT64_MIN), "-9223372036854775808");
    check_format(adb_double(0.1), "0.1");
    check_format(adb_text_n("abc", 2), "ab");
    check_format(adb_blob("\x0a\xff", 2), "x'0AFF'");
    check_format(adb_decimal("1.50"), "1.50");
    check_format(adb_json("{}"), "{}");
    check_format(adb_date(2024, 2, 29), "2024-02-29");
    check_format(adb_time(23, 59, 59, 500000), "23:59:59.5");
    check_format(adb_timestamp(LEAP_DAY_NOON), "2024-02-29 12:00:00");
    check_format(adb_uuid(uuid_bytes), "123e4567-e89b-12d3-a456-426614174000");
    check_format(adb_list(items, 3), "(1, a, NULL)");
    check_format(adb_list(NULL, 0), "()");
    check_format(adb_date(2024, 13, 1), "invalid date");
}

/* TYP-15: what is formatted converts back to the same value. */
TEST(formatted_values_convert_back)
{
    char text[64];
    int64_t us = 0;
    uint8_t uuid[16];
    const adb_value stamp = adb_timestamp(LEAP_DAY_NOON + 123456);
    const adb_value id = adb_uuid(uuid_bytes);
    adb_value_format(&stamp, text, sizeof(text));
    const adb_value stamp_text = adb_text(text);
    CU_ASSERT(adb_value_to_timestamp(&stamp_text, &us) == ADB_OK && us == stamp.as.integer);
    adb_value_format(&id, text, sizeof(text));
    const adb_value id_text = adb_text(text);
    CU_ASSERT(adb_value_to_uuid(&id_text, uuid) == ADB_OK && memcmp(uuid, uuid_bytes, 16) == 0);
}

/* As snprintf(): never writes past the size, always ends in a NUL, always tells the whole length. */
TEST(format_cuts_at_any_size)
{
    const adb_value items[] = {adb_blob("\x01\x02", 2), adb_text("text"), adb_int(-42)};
    const adb_value list = adb_list(items, 3);
    char whole[64];
    const size_t length = adb_value_format(&list, whole, sizeof(whole));
    for (size_t size = 0; size <= length + 2; size++) {
        char text[64];
        memset(text, '#', sizeof(text));
        CU_ASSERT_EQUAL(adb_value_format(&list, text, size), length);
        CU_ASSERT_EQUAL(text[size], '#');
        if (size > 0)
            CU_ASSERT(strlen(text) == (size <= length ? size - 1 : length) && strncmp(text, whole, strlen(text)) == 0);
    }
    CU_ASSERT_EQUAL(adb_value_format(&list, NULL, 0), length);
    CU_ASSERT_EQUAL(adb_value_format(NULL, NULL, 10), 4);
}

SUITE(convert, CASE(only_pairs_of_the_table_convert), CASE(null_pointers_are_invalid),
      CASE(bool_from_numbers_and_words), CASE(int_cuts_fractions_and_checks_range), CASE(double_from_numbers_and_text),
      CASE(date_from_dates_timestamps_and_text), CASE(times_and_timestamps_convert), CASE(uuid_from_bytes_and_text),
      CASE(malformed_uuids_are_refused), CASE(format_writes_each_type), CASE(formatted_values_convert_back),
      CASE(format_cuts_at_any_size))
