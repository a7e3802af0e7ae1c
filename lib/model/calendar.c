/* SPDX-License-Identifier: BSD-3-Clause */
/* Calendar arithmetic in closed form, and a reader and writer of ISO 8601 that no locale and no time zone of the
 * process can disturb. Years count from March here: the leap day is then the last of its year, and months follow a
 * rule. */
#include "model/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAYS_PER_ERA INT64_C(146097) /* 400 years */
#define EPOCH_DAYS   INT64_C(719468) /* from 0000-03-01 to 1970-01-01 */

enum { YEAR_FIRST = 1, YEAR_LAST = 9999 };

/* Text in the course of being read. */
struct cursor {
    const char *at;
    const char *end;
};

/* What the text says, not yet looked at for sense. */
struct moment {
    bool has_date;
    bool has_time;
    bool year_out_of_range; /* signed, or more than four digits */
    int year, month, day;
    int hour, minute, second, microsecond;
    int zone_sign; /* 0: none, or Z */
    int zone_hour, zone_minute, zone_second;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* What floor_div() leaves, never negative. Not a - b * floor_div(a, b): near INT64_MIN that product overflows. */
static int64_t floor_rest(int64_t a, int64_t b)
{
    return a % b < 0 ? a % b + b : a % b;
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool adb__calendar_days(int64_t year, int month, int day, int64_t *days_out)
{
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12)
        return false;
    if (day < 1 || day > month_days(year, month))
        return false;

    const int64_t march_year = month <= 2 ? year - 1 : year;
    const int march_month = month <= 2 ? month + 9 : month - 3;
    const int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    *days_out = march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + day_of_year - EPOCH_DAYS;
    return true;
}

bool adb__calendar_microseconds(int hour, int minute, int second, int microsecond, int64_t *microseconds_out)
{
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    if (microsecond < 0 || microsecond >= ADB__US_PER_SECOND)
        return false;
    *microseconds_out = ((hour * 60 + minute) * 60 + second) * ADB__US_PER_SECOND + microsecond;
    return true;
}

struct adb__date adb__calendar_date(int64_t days)
{
    /* The epoch is added to the rest only, so that no number of days overflows. */
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = floor_rest(days, DAYS_PER_ERA) + EPOCH_DAYS;
    era += day_of_era / DAYS_PER_ERA;
    day_of_era %= DAYS_PER_ERA;

    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    const int march_month = (int)((5 * day_of_year + 2) / 153);
    const int month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct adb__date){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1),
    };
}

int64_t adb__calendar_split(int64_t timestamp, int64_t *microseconds_out)
{
    *microseconds_out = floor_rest(timestamp, ADB__US_PER_DAY);
    return floor_div(timestamp, ADB__US_PER_DAY);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool cursor_skip(struct cursor *cursor, char byte)
{
    if (cursor->at == cursor->end || *cursor->at != byte)
        return false;
    cursor->at++;
    return true;
}

/* Exactly two digits. */
static bool read_two(struct cursor *cursor, int *number_out)
{
    if (cursor->end - cursor->at < 2 || !is_digit(cursor->at[0]) || !is_digit(cursor->at[1]))
        return false;
    *number_out = (cursor->at[0] - '0') * 10 + (cursor->at[1] - '0');
    cursor->at += 2;
    return true;
}

static bool read_fraction(struct cursor *cursor, int *microsecond_out)
{
    const char *start = cursor->at;
    int number = 0;
    int weight = 100000;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        number += (*cursor->at - '0') * weight;
        weight /= 10;
    }
    *microsecond_out = number;
    return cursor->at > start;
}

static bool read_year(struct cursor *cursor, struct moment *moment)
{
    const bool is_signed = cursor_skip(cursor, '-') || cursor_skip(cursor, '+');
    int n_digits = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        if (n_digits < 4)
            moment->year = moment->year * 10 + (*cursor->at - '0');
        n_digits += n_digits < 5;
    }
    moment->year_out_of_range = is_signed || n_digits > 4;
    return n_digits >= 4;
}

static bool read_date(struct cursor *cursor, struct moment *moment)
{
    moment->has_date = true;
    return read_year(cursor, moment) && cursor_skip(cursor, '-') && read_two(cursor, &moment->month) &&
           cursor_skip(cursor, '-') && read_two(cursor, &moment->day);
}

static bool read_zone(struct cursor *cursor, struct moment *moment)
{
    const bool blank = cursor_skip(cursor, ' ');
    if (cursor->at == cursor->end)
        return !blank;
    if (cursor_skip(cursor, 'Z') || cursor_skip(cursor, 'z'))
        return true;

    moment->zone_sign = *cursor->at == '-' ? -1 : 1;
    if (!cursor_skip(cursor, '+') && !cursor_skip(cursor, '-'))
        return false;
    if (!read_two(cursor, &moment->zone_hour))
        return false;
    if (cursor_skip(cursor, ':') && !read_two(cursor, &moment->zone_minute))
        return false;
    return !cursor_skip(cursor, ':') || read_two(cursor, &moment->zone_second);
}

static bool read_time(struct cursor *cursor, struct moment *moment)
{
    moment->has_time = true;
    if (!read_two(cursor, &moment->hour) || !cursor_skip(cursor, ':') || !read_two(cursor, &moment->minute))
        return false;
    if (cursor_skip(cursor, ':')) {
        if (!read_two(cursor, &moment->second))
            return false;
        if (cursor_skip(cursor, '.') && !read_fraction(cursor, &moment->microsecond))
            return false;
    }
    return read_zone(cursor, moment);
}

/* A date, a time, or both. */
static bool read_moment(const char *text, size_t size, struct moment *moment)
{
    struct cursor cursor = {.at = text, .end = text + size};
    *moment = (struct moment){0};
    if (size > 2 && text[2] == ':')
        return read_time(&cursor, moment) && cursor.at == cursor.end;
    if (!read_date(&cursor, moment))
        return false;
    if (cursor_skip(&cursor, ' ') || cursor_skip(&cursor, 'T') || cursor_skip(&cursor, 't'))
        return read_time(&cursor, moment) && cursor.at == cursor.end;
    return cursor.at == cursor.end;
}

/* What the clock says less its zone: less than no day or more than one where the zone crosses midnight. */
static bool moment_time(const struct moment *moment, int64_t *microseconds_out)
{
    int64_t clock = 0;
    int64_t zone = 0;
    if (!adb__calendar_microseconds(moment->hour, moment->minute, moment->second, moment->microsecond, &clock))
        return false;
    if (!adb__calendar_microseconds(moment->zone_hour, moment->zone_minute, moment->zone_second, 0, &zone))
        return false;
    *microseconds_out = clock - moment->zone_sign * zone;
    return true;
}

static bool moment_timestamp(const struct moment *moment, int64_t *microseconds_out)
{
    int64_t days = 0;
    int64_t microseconds = 0;
    if (moment->year_out_of_range || !adb__calendar_days(moment->year, moment->month, moment->day, &days))
        return false;
    if (!moment_time(moment, &microseconds))
        return false;
    microseconds += days * ADB__US_PER_DAY;

    const struct adb__date date = adb__calendar_date(floor_div(microseconds, ADB__US_PER_DAY));
    if (date.year < YEAR_FIRST || date.year > YEAR_LAST)
        return false; /* in its zone only */
    *microseconds_out = microseconds;
    return true;
}

adb_status adb__calendar_read_timestamp(const char *text, size_t size, int64_t *microseconds_out)
{
    struct moment moment;
    if (!read_moment(text, size, &moment) || !moment.has_date)
        return ADB_E_TYPE;
    return moment_timestamp(&moment, microseconds_out) ? ADB_OK : ADB_E_RANGE;
}

adb_status adb__calendar_read_date(const char *text, size_t size, int64_t *days_out)
{
    int64_t timestamp = 0;
    const adb_status status = adb__calendar_read_timestamp(text, size, &timestamp);
    if (status == ADB_OK)
        *days_out = floor_div(timestamp, ADB__US_PER_DAY);
    return status;
}

adb_status adb__calendar_read_time(const char *text, size_t size, int64_t *microseconds_out)
{
    struct moment moment;
    int64_t microseconds = 0;
    if (!read_moment(text, size, &moment) || !moment.has_time)
        return ADB_E_TYPE;
    if (moment.has_date ? !moment_timestamp(&moment, &microseconds) : !moment_time(&moment, &microseconds))
        return ADB_E_RANGE;
    adb__calendar_split(microseconds, microseconds_out);
    return ADB_OK;
}

size_t adb__calendar_write_date(int64_t days, char buffer[ADB__CALENDAR_TEXT_SIZE])
{
    const struct adb__date date = adb__calendar_date(days);
    const int64_t year = date.year < 0 ? -date.year : date.year;
    return (size_t)snprintf(buffer, ADB__CALENDAR_TEXT_SIZE, "%s%04" PRId64 "-%02d-%02d", date.year < 0 ? "-" : "",
                            year, date.month, date.day);
}

size_t adb__calendar_write_time(int64_t microseconds, char buffer[ADB__CALENDAR_TEXT_SIZE])
{
    const char *sign = microseconds < 0 ? "-" : "";
    const uint64_t magnitude = microseconds < 0 ? 0 - (uint64_t)microseconds : (uint64_t)microseconds;
    const uint64_t seconds = magnitude / ADB__US_PER_SECOND;
    const unsigned fraction = (unsigned)(magnitude % ADB__US_PER_SECOND);
    size_t size = (size_t)snprintf(buffer, ADB__CALENDAR_TEXT_SIZE, "%s%02" PRIu64 ":%02u:%02u", sign, seconds / 3600,
                                   (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    if (fraction == 0)
        return size;

    size += (size_t)snprintf(buffer + size, ADB__CALENDAR_TEXT_SIZE - size, ".%06u", fraction);
    while (buffer[size - 1] == '0')
        size--;
    buffer[size] = '\0';
    return size;
}

size_t adb__calendar_write_timestamp(int64_t microseconds, char buffer[ADB__CALENDAR_TEXT_SIZE])
{
    int64_t time_of_day = 0;
    char time[ADB__CALENDAR_TEXT_SIZE];
    const size_t date_size = adb__calendar_write_date(adb__calendar_split(microseconds, &time_of_day), buffer);
    const size_t time_size = adb__calendar_write_time(time_of_day, time);
    buffer[date_size] = ' ';
    memcpy(buffer + date_size + 1, time, time_size + 1);
    return date_size + 1 + time_size;
}
