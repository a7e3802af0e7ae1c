/* SPDX-License-Identifier: BSD-3-Clause */
/* Random values of each type, and what a database server should say of them in its own words. */
#ifndef ADB_TESTS_ROUNDTRIP_VALUES_H
#define ADB_TESTS_ROUNDTRIP_VALUES_H

#include "base/arena.h"

#include <asyncdb/value.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes values; their bytes live in its arena. The same seed makes the same values. */
struct maker {
    uint64_t state;
    struct adb__arena arena;
};

uint64_t maker_bits(struct maker *maker);
/* 0 <= value < limit */
uint64_t maker_below(struct maker *maker, uint64_t limit);

/* One value. Edges come as often as the rest. */
typedef adb_value (*make_fn)(struct maker *maker);

adb_value make_bool(struct maker *maker);
adb_value make_int64(struct maker *maker);
adb_value make_int32(struct maker *maker);
adb_value make_int16(struct maker *maker);
adb_value make_double(struct maker *maker); /* any but infinities and NaN */
adb_value make_any_double(struct maker *maker);
adb_value make_float(struct maker *maker);   /* what 32 bits hold */
adb_value make_decimal(struct maker *maker); /* up to 65 digits, anywhere the point */
adb_value make_decimal_65_30(struct maker *maker);
adb_value make_digits_65(struct maker *maker); /* up to 65 digits, no point */
adb_value make_text(struct maker *maker);      /* of all planes of Unicode, but for U+0000 */
adb_value make_text_nul(struct maker *maker);  /* with U+0000 too */
adb_value make_blob(struct maker *maker);
adb_value make_large_blob(struct maker *maker);   /* a megabyte */
adb_value make_large_text(struct maker *maker);   /* a megabyte */
adb_value make_date(struct maker *maker);         /* years 1 to 9999 */
adb_value make_ancient_date(struct maker *maker); /* back to 4713 BC */
adb_value make_time(struct maker *maker);
adb_value make_timestamp(struct maker *maker);         /* years 1 to 9999 */
adb_value make_ancient_timestamp(struct maker *maker); /* back to 4713 BC */
adb_value make_recent_timestamp(struct maker *maker);  /* 1970 to 2037 */
adb_value make_uuid(struct maker *maker);
adb_value make_uuid_4(struct maker *maker); /* of version 4 */
adb_value make_json(struct maker *maker);   /* written as jsonb writes it */

/* Does the text that the server computed of a value say that it is the one that was sent? */
typedef bool (*said_fn)(const adb_value *sent, const char *text, size_t size);

bool said_truth(const adb_value *sent, const char *text, size_t size);       /* true false, or 1 0 */
bool said_integer(const adb_value *sent, const char *text, size_t size);     /* also days and microseconds since 1970 */
bool said_double(const adb_value *sent, const char *text, size_t size);      /* reads as the same number */
bool said_about(const adb_value *sent, const char *text, size_t size);       /* as near as fifteen digits come */
bool said_float(const adb_value *sent, const char *text, size_t size);       /* the same, in 32 bits */
bool said_double_bits(const adb_value *sent, const char *text, size_t size); /* sixteen hexadecimal digits */
bool said_decimal(const adb_value *sent, const char *text, size_t size);     /* the same number, exactly */
bool said_bytes(const adb_value *sent, const char *text, size_t size);       /* text, blob, JSON in hexadecimal */
bool said_date(const adb_value *sent, const char *text, size_t size);        /* 2024-02-29 */
bool said_time(const adb_value *sent, const char *text, size_t size);        /* 23:59:59[.5] */
bool said_timestamp(const adb_value *sent, const char *text, size_t size);
bool said_uuid(const adb_value *sent, const char *text, size_t size); /* with dashes or without, in any case */

/* The same number, however it is written. */
bool decimals_equal(const char *a, size_t a_size, const char *b, size_t b_size);

#endif
