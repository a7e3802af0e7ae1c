/* SPDX-License-Identifier: BSD-3-Clause */
/* What servers say of values, read without the library's own conversions. */
#include "tests/roundtrip/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool said_truth(const adb_value *sent, const char *text, size_t size)
{
    const char *words[] = {sent->as.boolean ? "true" : "false", sent->as.boolean ? "1" : "0"};
    for (size_t i = 0; i < 2; i++) {
        if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0)
            return true;
    }
    return false;
}

static bool is_text(const char *text, size_t size, const char *expected)
{
    return strlen(expected) == size && memcmp(text, expected, size) == 0;
}

bool said_integer(const adb_value *sent, const char *text, size_t size)
{
    char expected[32];
    snprintf(expected, sizeof(expected), "%" PRId64, sent->as.integer);
    return is_text(text, size, expected);
}

static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

bool said_double(const adb_value *sent, const char *text, size_t size)
{
    (void)size;
    return strtod(text, NULL) == sent->as.real;
}

bool said_about(const adb_value *sent, const char *text, size_t size)
{
    (void)size;
    return fabs(strtod(text, NULL) / 2 - sent->as.real / 2) <= fabs(sent->as.real) * 1e-15 + 1e-320;
}

bool said_float(const adb_value *sent, const char *text, size_t size)
{
    (void)size;
    return strtof(text, NULL) == (float)sent->as.real;
}

bool said_double_bits(const adb_value *sent, const char *text, size_t size)
{
    uint64_t bits = strtoull(text, NULL, 16);
    double real;
    memcpy(&real, &bits, sizeof(real));
    return size == 16 && same_double(real, sent->as.real);
}

/* Sign, digits without leading zeros, and how many of them follow the point, without trailing zeros. */
struct number {
    bool negative;
    const char *point; /* the end when there is none */
    const char *first, *end;
};

static struct number read_number(const char *text, size_t size)
{
    struct number number = {.negative = size > 0 && text[0] == '-', .first = text, .end = text + size};
    if (size > 0 && (text[0] == '-' || text[0] == '+'))
        number.first++;
    while (number.first < number.end && *number.first == '0')
        number.first++;
    number.point = memchr(number.first, '.', (size_t)(number.end - number.first));
    if (number.point == NULL)
        number.point = number.end;
    while (number.end > number.point && (number.end[-1] == '0' || number.end[-1] == '.'))
        number.end--;
    if (number.first == number.end)
        number.negative = false;
    return number;
}

bool decimals_equal(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const struct number x = read_number(a, a_size), y = read_number(b, b_size);
    return x.negative == y.negative && x.end - x.first == y.end - y.first && x.point - x.first == y.point - y.first &&
           memcmp(x.first, y.first, (size_t)(x.end - x.first)) == 0;
}

bool said_decimal(const adb_value *sent, const char *text, size_t size)
{
    return decimals_equal(sent->as.text, sent->size, text, size);
}

static int nibble(char digit)
{
    return digit >= '0' && digit <= '9'                     ? digit - '0'
           : (digit | 0x20) >= 'a' && (digit | 0x20) <= 'f' ? (digit | 0x20) - 'a' + 10
                                                            : -1;
}

bool said_bytes(const adb_value *sent, const char *text, size_t size)
{
    const uint8_t *bytes = sent->as.blob;
    if (size != sent->size * 2)
        return false;
    for (size_t i = 0; i < sent->size; i++) {
        if ((nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1])) != bytes[i])
            return false;
    }
    return true;
}

/* The calendar of the C library. */
static struct tm calendar(int64_t days)
{
    const time_t seconds = (time_t)(days * 86400);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    return tm;
}

static int write_date(int64_t days, char *out, size_t size)
{
    const struct tm tm = calendar(days);
    return snprintf(out, size, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void write_time(int64_t microseconds, char *out, size_t size)
{
    const int64_t seconds = microseconds / 1000000;
    snprintf(out, size, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64, seconds / 3600, seconds / 60 % 60,
             seconds % 60, microseconds % 1000000);
}

/* The fraction as it is, or without its zeros at the end, or without itself when it is nothing but zeros. */
static bool is_moment(const char *text, size_t size, const char *expected)
{
    const size_t length = strlen(expected);
    if (size > length || size < length - 7 || memcmp(text, expected, size) != 0)
        return false;
    return strspn(expected + size, ".0") == length - size;
}

bool said_date(const adb_value *sent, const char *text, size_t size)
{
    char expected[64];
    write_date(sent->as.integer, expected, sizeof(expected));
    return is_text(text, size, expected);
}

bool said_time(const adb_value *sent, const char *text, size_t size)
{
    char expected[64];
    write_time(sent->as.integer, expected, sizeof(expected));
    return is_moment(text, size, expected);
}

bool said_timestamp(const adb_value *sent, const char *text, size_t size)
{
    const int64_t day = INT64_C(86400000000);
    int64_t days = sent->as.integer / day, rest = sent->as.integer % day;
    if (rest < 0) {
        rest += day;
        days--;
    }
    char expected[96];
    const int n = write_date(days, expected, sizeof(expected));
    expected[n] = ' ';
    write_time(rest, expected + n + 1, sizeof(expected) - (size_t)n - 1);
    return is_moment(text, size, expected);
}

bool said_uuid(const adb_value *sent, const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size && n < 32; i++) {
        if (text[i] == '-')
            continue;
        if (nibble(text[i]) != (n % 2 == 0 ? sent->as.uuid[n / 2] >> 4 : sent->as.uuid[n / 2] & 15))
            return false;
        n++;
    }
    return n == 32 && (size == 32 || size == 36);
}
