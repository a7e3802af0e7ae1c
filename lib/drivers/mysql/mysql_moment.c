/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates and times between the client library's struct and our numbers. */
#include "drivers/mysql/mysql_values.h"

#include "model/calendar.h"

#include <stdio.h>

#define MOST_DECIMALS 6

static bool read_day(const MYSQL_TIME *moment, int64_t *days_out)
{
    return moment->month > 0 && moment->day > 0 &&
           adb__calendar_days(moment->year, (int)moment->month, (int)moment->day, days_out);
}

static bool read_time(const MYSQL_TIME *moment, int64_t *microseconds_out)
{
    return !moment->neg && moment->hour < 24 &&
           adb__calendar_microseconds((int)moment->hour, (int)moment->minute, (int)moment->second,
                                      (int)moment->second_part, microseconds_out);
}

bool adb__mysql_moment_read(const MYSQL_TIME *moment, enum adb__mysql_reading reading, int64_t *number_out)
{
    int64_t days = 0;
    int64_t microseconds = 0;
    if (reading == ADB__MYSQL_AS_TIME)
        return read_time(moment, number_out);
    if (!read_day(moment, &days))
        return false;
    if (reading == ADB__MYSQL_AS_TIMESTAMP && !read_time(moment, &microseconds))
        return false;
    *number_out = reading == ADB__MYSQL_AS_DATE ? days : days * ADB__US_PER_DAY + microseconds;
    return true;
}

size_t adb__mysql_moment_write(const MYSQL_TIME *moment, enum adb__mysql_reading reading, unsigned decimals,
                               char text[ADB__MYSQL_MOMENT_SIZE])
{
    int size = 0;
    if (reading != ADB__MYSQL_AS_TIME)
        size = snprintf(text, ADB__MYSQL_MOMENT_SIZE, "%04u-%02u-%02u", moment->year % 10000, moment->month % 100,
                        moment->day % 100);
    if (reading == ADB__MYSQL_AS_DATE)
        return (size_t)size;

    const char *before = reading == ADB__MYSQL_AS_TIMESTAMP ? " " : moment->neg ? "-" : "";
    size += snprintf(text + size, (size_t)(ADB__MYSQL_MOMENT_SIZE - size), "%s%02u:%02u:%02u", before, moment->hour,
                     moment->minute % 100, moment->second % 100);
    if (decimals > MOST_DECIMALS) /* the server does not say: as many as it takes */
        decimals = moment->second_part > 0 ? MOST_DECIMALS : 0;
    if (decimals > 0) {
        snprintf(text + size, (size_t)(ADB__MYSQL_MOMENT_SIZE - size), ".%06lu", moment->second_part % 1000000);
        size += 1 + (int)decimals;
        text[size] = '\0';
    }
    return (size_t)size;
}

static void make_time(int64_t microseconds, MYSQL_TIME *moment)
{
    moment->second_part = (unsigned long)(microseconds % ADB__US_PER_SECOND);
    microseconds /= ADB__US_PER_SECOND;
    moment->second = (unsigned)(microseconds % 60);
    moment->minute = (unsigned)(microseconds / 60 % 60);
    moment->hour = (unsigned)(microseconds / 3600);
}

static bool make_day(int64_t days, MYSQL_TIME *moment)
{
    const struct adb__date date = adb__calendar_date(days);
    if (date.year < 0 || date.year > 9999)
        return false;
    moment->year = (unsigned)date.year;
    moment->month = (unsigned)date.month;
    moment->day = (unsigned)date.day;
    return true;
}

bool adb__mysql_moment_make(const adb_value *value, MYSQL_TIME *moment_out)
{
    MYSQL_TIME moment = {.time_type = MYSQL_TIMESTAMP_DATE};
    int64_t microseconds = 0;
    bool possible = true;
    switch (value->type) {
    case ADB_TYPE_DATE:
        possible = make_day(value->as.integer, &moment);
        break;
    case ADB_TYPE_TIME:
        moment.time_type = MYSQL_TIMESTAMP_TIME;
        possible = value->as.integer >= 0 && value->as.integer < ADB__US_PER_DAY;
        make_time(possible ? value->as.integer : 0, &moment);
        break;
    default:
        moment.time_type = MYSQL_TIMESTAMP_DATETIME;
        possible = make_day(adb__calendar_split(value->as.integer, &microseconds), &moment);
        make_time(microseconds, &moment);
        break;
    }
    *moment_out = moment;
    return possible;
}
