/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates, times of day and points in time as numbers and as ISO 8601 text: proleptic Gregorian, UTC. The forms of text
 * that are read are those of the table in asyncdb/value.h. */
#ifndef ADB_MODEL_CALENDAR_H
#define ADB_MODEL_CALENDAR_H

#include <asyncdb/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB__US_PER_SECOND INT64_C(1000000)
#define ADB__US_PER_DAY    INT64_C(86400000000)

/* Room for any date, time of day or point in time, the NUL included. */
#define ADB__CALENDAR_TEXT_SIZE 48

struct adb__date {
    int64_t year; /* astronomical: before 1 comes 0 */
    int month;
    int day;
};

/* Days since 1970-01-01, microseconds since midnight. False when out of range; years are 1 to 9999. */
bool adb__calendar_days(int64_t year, int month, int day, int64_t *days_out);
bool adb__calendar_microseconds(int hour, int minute, int second, int microsecond, int64_t *microseconds_out);
/* Any number of days. */
struct adb__date adb__calendar_date(int64_t days);
/* Split a point in time: its day, and its time of day into *microseconds_out. */
int64_t adb__calendar_split(int64_t timestamp, int64_t *microseconds_out);

/* ADB_E_TYPE for text of another form, ADB_E_RANGE for what does not exist. */
adb_status adb__calendar_read_date(const char *text, size_t size, int64_t *days_out);
adb_status adb__calendar_read_time(const char *text, size_t size, int64_t *microseconds_out);
adb_status adb__calendar_read_timestamp(const char *text, size_t size, int64_t *microseconds_out);

/* Any number; returns the length. */
size_t adb__calendar_write_date(int64_t days, char buffer[ADB__CALENDAR_TEXT_SIZE]);
size_t adb__calendar_write_time(int64_t microseconds, char buffer[ADB__CALENDAR_TEXT_SIZE]);
size_t adb__calendar_write_timestamp(int64_t microseconds, char buffer[ADB__CALENDAR_TEXT_SIZE]);

#endif
