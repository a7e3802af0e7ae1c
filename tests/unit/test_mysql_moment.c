/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates and times between the client library's struct and our numbers: that they come back, and what becomes of those
 * that only MySQL has. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "drivers/mysql/mysql_values.h"

#include <string.h>

#define ROUNDS 20000

static const int64_t us_per_day = INT64_C(86400000000);

static int64_t between(uint64_t *state, int64_t least, int64_t most)
{
    return least + (int64_t)(adb__random(state) % (uint64_t)(most - least + 1));
}

static bool comes_back(adb_type type, enum adb__mysql_reading reading, int64_t number)
{
    const adb_value value = {.type = type, .as.integer = number};
    MYSQL_TIME moment;
    int64_t back = number + 1;
    return adb__mysql_moment_make(&value, &moment) && adb__mysql_moment_read(&moment, reading, &back) && back == number;
}

/* Every day and every microsecond that asyncdb and MySQL both have, from the year 1 to 9999. TYP-02 TYP-03 TYP-04 */
TEST(moments_come_back)
{
    const int64_t first_day = -719162, last_day = 2932896;
    uint64_t state = 42;
    CU_ASSERT(comes_back(ADB_TYPE_DATE, ADB__MYSQL_AS_DATE, first_day));
    CU_ASSERT(comes_back(ADB_TYPE_DATE, ADB__MYSQL_AS_DATE, last_day));
    CU_ASSERT(comes_back(ADB_TYPE_TIMESTAMP, ADB__MYSQL_AS_TIMESTAMP, (last_day + 1) * us_per_day - 1));
    for (int i = 0; i < ROUNDS; i++) {
        const int64_t day = between(&state, first_day, last_day);
        const int64_t time = between(&state, 0, us_per_day - 1);
        CU_ASSERT(comes_back(ADB_TYPE_DATE, ADB__MYSQL_AS_DATE, day));
        CU_ASSERT(comes_back(ADB_TYPE_TIME, ADB__MYSQL_AS_TIME, time));
        CU_ASSERT(comes_back(ADB_TYPE_TIMESTAMP, ADB__MYSQL_AS_TIMESTAMP, day * us_per_day + time));
    }
}

/* A moment that the server has no room for is not sent. */
TEST(moments_out_of_range_are_refused)
{
    MYSQL_TIME moment;
    CU_ASSERT_FALSE(adb__mysql_moment_make(&(adb_value){.type = ADB_TYPE_DATE, .as.integer = 2932897}, &moment));
    CU_ASSERT_FALSE(adb__mysql_moment_make(&(adb_value){.type = ADB_TYPE_TIME, .as.integer = -1}, &moment));
    CU_ASSERT_FALSE(adb__mysql_moment_make(&(adb_value){.type = ADB_TYPE_TIME, .as.integer = us_per_day}, &moment));
    CU_ASSERT_FALSE(adb__mysql_moment_make(&(adb_value){.type = ADB_TYPE_TIMESTAMP, .as.integer = INT64_MAX}, &moment));
    CU_ASSERT_FALSE(adb__mysql_moment_make(&(adb_value){.type = ADB_TYPE_TIMESTAMP, .as.integer = INT64_MIN}, &moment));
}

static bool is_text(MYSQL_TIME moment, enum adb__mysql_reading reading, unsigned decimals, const char *expected)
{
    char text[ADB__MYSQL_MOMENT_SIZE];
    int64_t number;
    const size_t size = adb__mysql_moment_write(&moment, reading, decimals, text);
    return !adb__mysql_moment_read(&moment, reading, &number) && strcmp(text, expected) == 0 &&
           size == strlen(expected);
}

/* Zero dates, days that do not exist, durations: the text that the server has for them, and never a wrong moment. */
TEST(what_is_no_moment_stays_text)
{
    const MYSQL_TIME zero = {.year = 0};
    const MYSQL_TIME no_day = {.year = 2024, .month = 2, .day = 31, .hour = 10, .second_part = 120000};
    const MYSQL_TIME no_month = {.year = 2024};
    const MYSQL_TIME duration = {.hour = 838, .minute = 59, .second = 59, .second_part = 1, .neg = true};
    CU_ASSERT(is_text(zero, ADB__MYSQL_AS_DATE, 0, "0000-00-00"));
    CU_ASSERT(is_text(zero, ADB__MYSQL_AS_TIMESTAMP, 0, "0000-00-00 00:00:00"));
    CU_ASSERT(is_text(zero, ADB__MYSQL_AS_TIMESTAMP, 3, "0000-00-00 00:00:00.000"));
    CU_ASSERT(is_text(no_day, ADB__MYSQL_AS_DATE, 0, "2024-02-31"));
    CU_ASSERT(is_text(no_day, ADB__MYSQL_AS_TIMESTAMP, 2, "2024-02-31 10:00:00.12"));
    CU_ASSERT(is_text(no_month, ADB__MYSQL_AS_DATE, 0, "2024-00-00"));
    CU_ASSERT(is_text(duration, ADB__MYSQL_AS_TIME, 6, "-838:59:59.000001"));
    CU_ASSERT(is_text(duration, ADB__MYSQL_AS_TIME, 0, "-838:59:59"));
    CU_ASSERT(is_text(duration, ADB__MYSQL_AS_TIME, 39, "-838:59:59.000001"));
}

SUITE(mysql_moment, CASE(moments_come_back), CASE(moments_out_of_range_are_refused), CASE(what_is_no_moment_stays_text))
