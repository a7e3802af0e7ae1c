/* SPDX-License-Identifier: BSD-3-Clause */
/* The calendar against independent counts: a walk over every day, and the C library's own. */
#include "model/calendar.h"
#include "tests/lib/harness.h"

#include <string.h>
#include <time.h>

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The next day, by the rule of thumb. */
static struct adb__date day_after(struct adb__date date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int length = lengths[date.month - 1] + (date.month == 2 && is_leap((int)date.year));
    if (date.day < length)
        return (struct adb__date){date.year, date.month, date.day + 1};
    if (date.month < 12)
        return (struct adb__date){date.year, date.month + 1, 1};
    return (struct adb__date){date.year + 1, 1, 1};
}

static bool same_date(struct adb__date a, struct adb__date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ (*state >> 33);
}

/* TYP-03: both directions agree with a walk over each day from 0001-01-01 to 9999-12-31. */
TEST(every_day_of_the_range_counts_as_in_a_walk)
{
    struct adb__date date = {1, 1, 1};
    int64_t expected = -719162;
    size_t n_wrong = 0;
    for (; date.year <= 9999; date = day_after(date), expected++) {
        int64_t days = 0;
        n_wrong += !adb__calendar_days(date.year, date.month, date.day, &days) || days != expected;
        n_wrong += !same_date(adb__calendar_date(expected), date);
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
    CU_ASSERT_EQUAL(expected, 2932897);
}

/* Days far outside the range still follow one another, up to the last that the type holds. */
TEST(any_number_of_days_has_a_date)
{
    uint64_t state = 1;
    size_t n_wrong = 0;
    for (int i = 0; i < 20000; i++) {
        const int64_t days = (int64_t)random_next(&state) >> (i % 40);
        const struct adb__date date = adb__calendar_date(days);
        n_wrong += date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31;
        if (date.year > 0 && date.year < INT32_MAX)
            n_wrong += !same_date(adb__calendar_date(days + 1), day_after(date));
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
    CU_ASSERT(adb__calendar_date(INT64_MAX).year > INT64_C(25000000000000000));
    CU_ASSERT(adb__calendar_date(INT64_MIN).year < INT64_C(-25000000000000000));
}

/* What does not exist is refused, and the output stays as it was. */
TEST(dates_that_do_not_exist_are_refused)
{
    static const int dates[][3] = {{2023, 2, 29}, {1900, 2, 29}, {2100, 2, 29}, {2024, 2, 30}, {2024, 13, 1},
                                   {2024, 0, 1},  {2024, 1, 0},  {2024, 4, 31}, {2024, 1, 32}, {0, 1, 1},
                                   {10000, 1, 1}, {-1, 1, 1},    {2024, -1, 1}, {2024, 1, -1}};
    int64_t days = 77;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        CU_ASSERT_FALSE(adb__calendar_days(dates[i][0], dates[i][1], dates[i][2], &days));
    CU_ASSERT_EQUAL(days, 77);
    CU_ASSERT(adb__calendar_days(2000, 2, 29, &days) && adb__calendar_days(2024, 2, 29, &days));
}

/* Each field of a time of day has its limits. */
TEST(times_out_of_range_are_refused)
{
    static const int times[][4] = {{24, 0, 0, 0}, {-1, 0, 0, 0}, {0, 60, 0, 0},      {0, -1, 0, 0},
                                   {0, 0, 60, 0}, {0, 0, -1, 0}, {0, 0, 0, 1000000}, {0, 0, 0, -1}};
    int64_t us = 77;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        CU_ASSERT_FALSE(adb__calendar_microseconds(times[i][0], times[i][1], times[i][2], times[i][3], &us));
    CU_ASSERT_EQUAL(us, 77);
    CU_ASSERT(adb__calendar_microseconds(23, 59, 59, 999999, &us));
    CU_ASSERT_EQUAL(us, ADB__US_PER_DAY - 1);
}

/* TYP-02, TYP-03, TYP-04, REG-02: what is written reads back as the same microsecond, and agrees with gmtime_r(). */
TEST(timestamps_round_trip_and_agree_with_gmtime)
{
    uint64_t state = 2;
    for (int i = 0; i < 20000; i++) {
        char text[ADB__CALENDAR_TEXT_SIZE];
        char other[64];
        struct tm tm;
        int64_t read = 0;
        const int64_t first = INT64_C(-62135596800000000);
        const int64_t us = first + (int64_t)(random_next(&state) % UINT64_C(315537897600000000));
        const size_t size = adb__calendar_write_timestamp(us, text);
        CU_ASSERT_EQUAL(adb__calendar_read_timestamp(text, size, &read), ADB_OK);
        CU_ASSERT_EQUAL(read, us);

        const time_t seconds = (time_t)(us / 1000000 - (us % 1000000 < 0));
        gmtime_r(&seconds, &tm);
        snprintf(other, sizeof(other), "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        CU_ASSERT_EQUAL(strncmp(text, other, 19), 0);
    }
}

struct read_case {
    const char *text;
    adb_status status;
    int64_t value;
};

typedef adb_status read_fn(const char *text, size_t size, int64_t *value_out);

/* Each text gives its status and value; on failure the output stays as it was. */
static void check_reads(read_fn *read, const struct read_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        int64_t value = 77;
        const adb_status status = read(cases[i].text, strlen(cases[i].text), &value);
        const int64_t expected = cases[i].status == ADB_OK ? cases[i].value : 77;
        if (status != cases[i].status || value != expected)
            printf("\"%s\": %d, %lld\n", cases[i].text, (int)status, (long long)value);
        CU_ASSERT_EQUAL(status, cases[i].status);
        CU_ASSERT_EQUAL(value, expected);
    }
}

/* Well-formed text that means no date is ADB_E_RANGE, other text ADB_E_TYPE. */
TEST(date_texts_are_read_as_documented)
{
    static const struct read_case cases[] = {
        {"1970-01-01", ADB_OK, 0},
        {"1969-12-31", ADB_OK, -1},
        {"2024-02-29", ADB_OK, 19782},
        {"0001-01-01", ADB_OK, -719162},
        {"9999-12-31", ADB_OK, 2932896},
        {"2024-02-29 23:30:00-02:00", ADB_OK, 19783},
        {"2024-02-29T00:30Z", ADB_OK, 19782},
        {"2023-02-29", ADB_E_RANGE, 0},
        {"2024-13-01", ADB_E_RANGE, 0},
        {"0000-00-00", ADB_E_RANGE, 0},
        {"-0044-03-15", ADB_E_RANGE, 0},
        {"+2024-02-29", ADB_E_RANGE, 0},
        {"12024-02-29", ADB_E_RANGE, 0},
        {"99999999999999999999-01-01", ADB_E_RANGE, 0},
        {"", ADB_E_TYPE, 0},
        {"2024", ADB_E_TYPE, 0},
        {"2024-2-29", ADB_E_TYPE, 0},
        {"24-02-29", ADB_E_TYPE, 0},
        {"2024-02-29 ", ADB_E_TYPE, 0},
        {" 2024-02-29", ADB_E_TYPE, 0},
        {"2024-02-29x", ADB_E_TYPE, 0},
        {"2024/02/29", ADB_E_TYPE, 0},
        {"23:59", ADB_E_TYPE, 0},
        {"infinity", ADB_E_TYPE, 0},
    };
    check_reads(adb__calendar_read_date, cases, sizeof(cases) / sizeof(cases[0]));
}

/* Seconds, fraction and zone are optional; a zone brings the time to UTC within the day. */
TEST(time_texts_are_read_as_documented)
{
    static const struct read_case cases[] = {
        {"00:00", ADB_OK, 0},
        {"23:59", ADB_OK, INT64_C(86340000000)},
        {"23:59:59", ADB_OK, INT64_C(86399000000)},
        {"00:00:00.5", ADB_OK, 500000},
        {"00:00:00.000001", ADB_OK, 1},
        {"00:00:00.0000019", ADB_OK, 1},
        {"00:00:00.99999999999999999999", ADB_OK, 999999},
        {"00:30+01", ADB_OK, INT64_C(84600000000)},
        {"23:30-01:00", ADB_OK, INT64_C(1800000000)},
        {"01:00Z", ADB_OK, INT64_C(3600000000)},
        {"01:00 +01:00", ADB_OK, 0},
        {"2024-02-29 00:00:01", ADB_OK, 1000000},
        {"24:00:00", ADB_E_RANGE, 0},
        {"23:60", ADB_E_RANGE, 0},
        {"23:59:60", ADB_E_RANGE, 0},
        {"12:00+24", ADB_E_RANGE, 0},
        {"12:00+01:60", ADB_E_RANGE, 0},
        {"2024-02-30 00:00:01", ADB_E_RANGE, 0},
        {"12", ADB_E_TYPE, 0},
        {"1:00", ADB_E_TYPE, 0},
        {"12:0", ADB_E_TYPE, 0},
        {"12:00:", ADB_E_TYPE, 0},
        {"12:00:00.", ADB_E_TYPE, 0},
        {"12:00:00,5", ADB_E_TYPE, 0},
        {"12:00 ", ADB_E_TYPE, 0},
        {"12:00+", ADB_E_TYPE, 0},
        {"12:00+1", ADB_E_TYPE, 0},
        {"12:00+01:", ADB_E_TYPE, 0},
        {"12:00 UTC", ADB_E_TYPE, 0},
        {"2024-02-29", ADB_E_TYPE, 0},
    };
    check_reads(adb__calendar_read_time, cases, sizeof(cases) / sizeof(cases[0]));
}

/* A blank or a T between date and time; a point in time outside the years is refused, whatever its zone says. */
TEST(timestamp_texts_are_read_as_documented)
{
    static const struct read_case cases[] = {
        {"1970-01-01", ADB_OK, 0},
        {"1970-01-01 00:00", ADB_OK, 0},
        {"1970-01-01T00:00:00Z", ADB_OK, 0},
        {"1970-01-01t00:00:00z", ADB_OK, 0},
        {"1970-01-01 01:00:00+01", ADB_OK, 0},
        {"1970-01-01 00:19:32+00:19:32", ADB_OK, 0},
        {"1969-12-31 23:59:59.999999", ADB_OK, -1},
        {"1969-12-31 23:30:00 -01:30", ADB_OK, INT64_C(3600000000)},
        {"9999-12-31 23:59:59.999999", ADB_OK, INT64_C(253402300799999999)},
        {"0001-01-01 00:00:00", ADB_OK, INT64_C(-62135596800000000)},
        {"0001-01-01 00:00:00+01", ADB_E_RANGE, 0},
        {"9999-12-31 23:59:59-01", ADB_E_RANGE, 0},
        {"1970-01-01 24:00", ADB_E_RANGE, 0},
        {"1970-02-29 00:00", ADB_E_RANGE, 0},
        {"1970-01-01  00:00", ADB_E_TYPE, 0},
        {"1970-01-01_00:00", ADB_E_TYPE, 0},
        {"1970-01-01T", ADB_E_TYPE, 0},
        {"00:00", ADB_E_TYPE, 0},
        {"1700000000", ADB_E_TYPE, 0},
        {"2460000.5", ADB_E_TYPE, 0},
    };
    check_reads(adb__calendar_read_timestamp, cases, sizeof(cases) / sizeof(cases[0]));
}

/* A fraction is written only when there is one; spans, negative ones too, keep all their hours. */
TEST(texts_are_written_as_documented)
{
    char text[ADB__CALENDAR_TEXT_SIZE];
    CU_ASSERT_EQUAL(adb__calendar_write_date(19782, text), 10);
    CU_ASSERT_STRING_EQUAL(text, "2024-02-29");
    CU_ASSERT_EQUAL(adb__calendar_write_date(-719529, text), 11);
    CU_ASSERT_STRING_EQUAL(text, "-0001-12-31");
    CU_ASSERT_EQUAL(adb__calendar_write_time(INT64_C(86399000001), text), 15);
    CU_ASSERT_STRING_EQUAL(text, "23:59:59.000001");
    CU_ASSERT_EQUAL(adb__calendar_write_time(INT64_C(-3020399000000), text), 10);
    CU_ASSERT_STRING_EQUAL(text, "-838:59:59");
    CU_ASSERT_EQUAL(adb__calendar_write_timestamp(500000, text), 21);
    CU_ASSERT_STRING_EQUAL(text, "1970-01-01 00:00:00.5");
}

/* The largest and smallest numbers have texts that fit. */
TEST(extreme_numbers_are_written_whole)
{
    char text[ADB__CALENDAR_TEXT_SIZE];
    const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(adb__calendar_write_date(extremes[i], text), strlen(text));
        CU_ASSERT_EQUAL(adb__calendar_write_time(extremes[i], text), strlen(text));
        CU_ASSERT_EQUAL(adb__calendar_write_timestamp(extremes[i], text), strlen(text));
    }
    CU_ASSERT_STRING_EQUAL(text, "294247-01-10 04:00:54.775807");
    adb__calendar_write_time(INT64_MIN, text);
    CU_ASSERT_STRING_EQUAL(text, "-2562047788:00:54.775808");
}

SUITE(calendar, CASE(every_day_of_the_range_counts_as_in_a_walk), CASE(any_number_of_days_has_a_date),
      CASE(dates_that_do_not_exist_are_refused), CASE(times_out_of_range_are_refused),
      CASE(timestamps_round_trip_and_agree_with_gmtime), CASE(date_texts_are_read_as_documented),
      CASE(time_texts_are_read_as_documented), CASE(timestamp_texts_are_read_as_documented),
      CASE(texts_are_written_as_documented), CASE(extreme_numbers_are_written_whole))
