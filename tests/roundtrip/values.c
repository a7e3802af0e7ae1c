/* SPDX-License-Identifier: BSD-3-Clause */
/* Random values: uniform bits would hardly ever meet an edge, so each maker throws dice for the edges first. */
#include "tests/roundtrip/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define US_PER_DAY  INT64_C(86400000000)
#define YEAR_1      INT64_C(-719162)  /* 0001-01-01 */
#define YEAR_9999   INT64_C(2932896)  /* 9999-12-31 */
#define YEAR_BC4713 INT64_C(-2440587) /* 4713-01-01 BC of the Julian calendar, and a day or so more */

/* SplitMix64. */
uint64_t maker_bits(struct maker *maker)
{
    uint64_t bits = maker->state += UINT64_C(0x9e3779b97f4a7c15);
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

uint64_t maker_below(struct maker *maker, uint64_t limit)
{
    return maker_bits(maker) % limit;
}

/* Low and high themselves one time in eight each. */
static int64_t between(struct maker *maker, int64_t low, int64_t high)
{
    switch (maker_below(maker, 8)) {
    case 0:
        return low;
    case 1:
        return high;
    default:
        return low + (int64_t)maker_below(maker, (uint64_t)(high - low) + 1);
    }
}

/* Numbers and truth
 * ---------------------------------------------------------------------------------------------------------- */

adb_value make_bool(struct maker *maker)
{
    return adb_bool(maker_below(maker, 2) == 1);
}

/* Of any length in bits, with its neighbours: 2^n - 1, 2^n, 2^n + 1, and anything between. */
static int64_t integer_of(struct maker *maker, unsigned bits)
{
    const unsigned n = (unsigned)maker_below(maker, bits);
    const uint64_t power = UINT64_C(1) << n;
    uint64_t value = power;
    switch (maker_below(maker, 4)) {
    case 0:
        value = power - 1;
        break;
    case 1:
        break;
    case 2:
        value = n == bits - 1 ? power : power + 1;
        break;
    default:
        value = maker_bits(maker) % power;
        break;
    }
    const bool negative = value >= UINT64_C(1) << (bits - 1) || maker_below(maker, 2) == 1;
    return negative ? (int64_t)(0 - value) : (int64_t)value;
}

adb_value make_int64(struct maker *maker)
{
    return adb_int(integer_of(maker, 64));
}

adb_value make_int32(struct maker *maker)
{
    return adb_int(integer_of(maker, 32));
}

adb_value make_int16(struct maker *maker)
{
    return adb_int(integer_of(maker, 16));
}

static double double_of_bits(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

adb_value make_double(struct maker *maker)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   0.1,
                                   1e15,
                                   1e16,
                                   1e17,
                                   5e-324,
                                   -5e-324,
                                   2.2250738585072014e-308,
                                   1e308,
                                   123456789,
                                   9007199254740993.0,
                                   2.2250738585072009e-308,
                                   1.7976931348623157e308,
                                   -1.7976931348623157e308,
                                   0.30000000000000004};
    if (maker_below(maker, 4) == 0)
        return adb_double(edges[maker_below(maker, sizeof(edges) / sizeof(edges[0]))]);
    if (maker_below(maker, 4) == 0) /* subnormal */
        return adb_double(double_of_bits(maker_bits(maker) & UINT64_C(0x800fffffffffffff)));
    if (maker_below(maker, 2) == 0) /* of everyday size */
        return adb_double((double)(int64_t)maker_bits(maker) / 1e12);
    const double any = double_of_bits(maker_bits(maker));
    return adb_double(isfinite(any) ? any : 0.5);
}

adb_value make_any_double(struct maker *maker)
{
    switch (maker_below(maker, 16)) {
    case 0:
        return adb_double((double)INFINITY);
    case 1:
        return adb_double(-(double)INFINITY);
    case 2:
        return adb_double((double)NAN);
    default:
        return make_double(maker);
    }
}

adb_value make_float(struct maker *maker)
{
    const uint32_t bits = (uint32_t)maker_bits(maker);
    float real;
    memcpy(&real, &bits, sizeof(real));
    return adb_double(isfinite(real) ? (double)real : 0.25);
}

static adb_value digits(struct maker *maker, unsigned whole, unsigned fraction)
{
    char text[160];
    size_t n = 0;
    if (maker_below(maker, 2) == 1)
        text[n++] = '-';
    const bool nines = maker_below(maker, 8) == 0;
    text[n++] = whole == 0 ? '0' : (char)('1' + (nines ? 8 : maker_below(maker, 9)));
    for (unsigned i = 1; i < whole; i++)
        text[n++] = (char)('0' + (nines ? 9 : maker_below(maker, 10)));
    if (fraction > 0)
        text[n++] = '.';
    for (unsigned i = 0; i < fraction; i++)
        text[n++] = (char)('0' + (nines ? 9 : maker_below(maker, 10)));
    return adb_decimal(adb__arena_bytes(&maker->arena, text, n));
}

adb_value make_decimal(struct maker *maker)
{
    const unsigned n = 1 + (unsigned)maker_below(maker, 65);
    const unsigned fraction = (unsigned)maker_below(maker, n + 1);
    return digits(maker, n - fraction, fraction);
}

adb_value make_decimal_65_30(struct maker *maker)
{
    return digits(maker, (unsigned)between(maker, 0, 35), (unsigned)between(maker, 0, 30));
}

adb_value make_digits_65(struct maker *maker)
{
    return digits(maker, (unsigned)between(maker, 1, 65), 0);
}

/* Text, bytes, JSON, UUIDs
 * ---------------------------------------------------------------------------------------------------------- */

/* What quoting, tokenizers and wire formats may stumble upon. */
static uint32_t odd_character(struct maker *maker)
{
    static const char odd[] = "'\"\\`%_:?$@{}[](),;-/*#\n\r\t\b\f\x1a\x1b\x01\x7f aZ09~";
    return (unsigned char)odd[maker_below(maker, sizeof(odd) - 1)];
}

static uint32_t character(struct maker *maker)
{
    uint32_t found;
    switch (maker_below(maker, 5)) {
    case 0:
        return odd_character(maker);
    case 1:
        found = (uint32_t)between(maker, 0x80, 0x7ff);
        break;
    case 2:
        found = (uint32_t)between(maker, 0x800, 0xffff);
        break;
    case 3:
        found = (uint32_t)between(maker, 0x10000, 0x10ffff);
        break;
    default:
        return (uint32_t)between(maker, 0x20, 0x7e);
    }
    return found >= 0xd800 && found <= 0xdfff ? 0xfffd : found; /* a surrogate is no character */
}

static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00 >> size) | code);
    return size;
}

static adb_value text_of(struct maker *maker, size_t n, bool with_nul)
{
    char *text = adb__arena_alloc(&maker->arena, n * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; text != NULL && i < n; i++)
        size += encode(with_nul && maker_below(maker, 8) == 0 ? 0 : character(maker), text + size);
    return adb_text_n(text, size);
}

adb_value make_text(struct maker *maker)
{
    return text_of(maker, maker_below(maker, 4) == 0 ? maker_below(maker, 3) : maker_below(maker, 100), false);
}

adb_value make_text_nul(struct maker *maker)
{
    return text_of(maker, maker_below(maker, 100), true);
}

static adb_value blob_of(struct maker *maker, size_t size)
{
    uint8_t *bytes = adb__arena_alloc(&maker->arena, size + 1);
    for (size_t i = 0; bytes != NULL && i < size; i++)
        bytes[i] = (uint8_t)(maker_bits(maker) >> 32);
    return adb_blob(bytes, size);
}

adb_value make_blob(struct maker *maker)
{
    return blob_of(maker, maker_below(maker, 4) == 0 ? maker_below(maker, 3) : maker_below(maker, 300));
}

adb_value make_large_blob(struct maker *maker)
{
    return blob_of(maker, 1u << 20);
}

adb_value make_large_text(struct maker *maker)
{
    return text_of(maker, 350000, false);
}

adb_value make_uuid(struct maker *maker)
{
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)maker_bits(maker);
    if (maker_below(maker, 8) == 0)
        memset(bytes, maker_below(maker, 2) == 1 ? 0xff : 0, sizeof(bytes));
    return adb_uuid(bytes);
}

/* Servers that know the standard take no other. */
adb_value make_uuid_4(struct maker *maker)
{
    adb_value value = make_uuid(maker);
    value.as.uuid[6] = (uint8_t)((value.as.uuid[6] & 0x0f) | 0x40);
    value.as.uuid[8] = (uint8_t)((value.as.uuid[8] & 0x3f) | 0x80);
    return value;
}

/* A string without anything to escape: escapes have more than one way to be written. */
static size_t json_string(struct maker *maker, char *out)
{
    size_t size = 0;
    out[size++] = '"';
    for (size_t n = maker_below(maker, 12); n > 0; n--) {
        const uint32_t code = character(maker);
        if (code >= 0x20 && code != 0x7f && code != '"' && code != '\\')
            size += encode(code, out + size);
    }
    out[size++] = '"';
    return size;
}

static size_t json_item(struct maker *maker, char *out)
{
    static const char *const words[] = {"null", "true", "false", "[]", "{}", "0", "-1", "1.50", "12345678901234567890"};
    if (maker_below(maker, 2) == 0)
        return json_string(maker, out);
    const char *word = words[maker_below(maker, sizeof(words) / sizeof(words[0]))];
    memcpy(out, word, strlen(word));
    return strlen(word);
}

/* Keys of one length in order, one blank after comma and colon: jsonb leaves that as it is. */
adb_value make_json(struct maker *maker)
{
    char out[1024];
    const size_t n = maker_below(maker, 6);
    const bool object = maker_below(maker, 2) == 0;
    if (n == 0) {
        const size_t size = json_item(maker, out);
        return adb_json(adb__arena_bytes(&maker->arena, out, size));
    }
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size += (size_t)snprintf(out + size, 16, i > 0 ? ", " : object ? "{" : "[");
        if (object)
            size += (size_t)snprintf(out + size, 16, "\"k%zu\": ", i);
        size += json_item(maker, out + size);
    }
    out[size++] = object ? '}' : ']';
    return adb_json(adb__arena_bytes(&maker->arena, out, size));
}

/* Dates and times
 * ---------------------------------------------------------------------------------------------------------- */

static adb_value date_of(int64_t days)
{
    return (adb_value){.type = ADB_TYPE_DATE, .as.integer = days};
}

adb_value make_date(struct maker *maker)
{
    return date_of(between(maker, YEAR_1, YEAR_9999));
}

adb_value make_ancient_date(struct maker *maker)
{
    return date_of(between(maker, YEAR_BC4713, YEAR_1 - 1));
}

/* One in three without a fraction, one in three in milliseconds. */
static int64_t cut(struct maker *maker, int64_t microseconds)
{
    static const int64_t grains[] = {1, 1000, 1000000};
    const int64_t grain = grains[maker_below(maker, 3)];
    const int64_t rest = microseconds % grain;
    return microseconds - (rest < 0 ? rest + grain : rest);
}

adb_value make_time(struct maker *maker)
{
    return (adb_value){.type = ADB_TYPE_TIME, .as.integer = cut(maker, between(maker, 0, US_PER_DAY - 1))};
}

adb_value make_timestamp(struct maker *maker)
{
    return adb_timestamp(cut(maker, between(maker, YEAR_1 * US_PER_DAY, (YEAR_9999 + 1) * US_PER_DAY - 1)));
}

adb_value make_ancient_timestamp(struct maker *maker)
{
    return adb_timestamp(cut(maker, between(maker, YEAR_BC4713 * US_PER_DAY, YEAR_1 * US_PER_DAY - 1)));
}

adb_value make_recent_timestamp(struct maker *maker)
{
    return adb_timestamp(cut(maker, between(maker, US_PER_DAY, 24836 * US_PER_DAY)));
}
