/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes, checks, copies and compares values. */
#include "model/value.h"

#include "base/alloc.h"
#include "model/calendar.h"
#include "model/number.h"

#include <string.h>

#define INVALID_SIZE SIZE_MAX

static adb_value value_invalid(adb_type type)
{
    return (adb_value){.type = type, .size = INVALID_SIZE};
}

/* TEXT, DECIMAL and JSON differ by name only. */
static adb_value value_of_text(adb_type type, const char *text, size_t size)
{
    if (text == NULL)
        return adb_null();
    return (adb_value){.type = type, .size = size, .as.text = text};
}

adb_value adb_null(void)
{
    return (adb_value){.type = ADB_TYPE_NULL};
}

adb_value adb_bool(bool value)
{
    return (adb_value){.type = ADB_TYPE_BOOL, .as.boolean = value};
}

adb_value adb_int(int64_t value)
{
    return (adb_value){.type = ADB_TYPE_INT, .as.integer = value};
}

adb_value adb_double(double value)
{
    return (adb_value){.type = ADB_TYPE_DOUBLE, .as.real = value};
}

adb_value adb_text(const char *text)
{
    return value_of_text(ADB_TYPE_TEXT, text, text == NULL ? 0 : strlen(text));
}

adb_value adb_text_n(const char *text, size_t size)
{
    return value_of_text(ADB_TYPE_TEXT, text, size);
}

adb_value adb_blob(const void *bytes, size_t size)
{
    if (bytes == NULL)
        return adb_null();
    return (adb_value){.type = ADB_TYPE_BLOB, .size = size, .as.blob = bytes};
}

adb_value adb_decimal(const char *digits)
{
    if (digits != NULL && !adb__number_valid(digits, strlen(digits)))
        return value_invalid(ADB_TYPE_DECIMAL);
    return value_of_text(ADB_TYPE_DECIMAL, digits, digits == NULL ? 0 : strlen(digits));
}

adb_value adb_json(const char *json)
{
    return value_of_text(ADB_TYPE_JSON, json, json == NULL ? 0 : strlen(json));
}

adb_value adb_date(int year, int month, int day)
{
    adb_value value = {.type = ADB_TYPE_DATE};
    if (!adb__calendar_days(year, month, day, &value.as.integer))
        return value_invalid(ADB_TYPE_DATE);
    return value;
}

adb_value adb_time(int hour, int minute, int second, int microsecond)
{
    adb_value value = {.type = ADB_TYPE_TIME};
    if (!adb__calendar_microseconds(hour, minute, second, microsecond, &value.as.integer))
        return value_invalid(ADB_TYPE_TIME);
    return value;
}

adb_value adb_timestamp(int64_t microseconds)
{
    return (adb_value){.type = ADB_TYPE_TIMESTAMP, .as.integer = microseconds};
}

adb_value adb_uuid(const uint8_t bytes[16])
{
    adb_value value = {.type = ADB_TYPE_UUID};
    if (bytes == NULL)
        return adb_null();
    memcpy(value.as.uuid, bytes, sizeof(value.as.uuid));
    return value;
}

adb_value adb_list(const adb_value *items, size_t n_items)
{
    if (items == NULL && n_items > 0)
        return value_invalid(ADB_TYPE_LIST);
    return (adb_value){.type = ADB_TYPE_LIST, .size = n_items, .as.items = items};
}

const char *adb_type_name(adb_type type)
{
    static const char *const names[] = {
        [ADB_TYPE_NULL] = "null",       [ADB_TYPE_BOOL] = "bool",           [ADB_TYPE_INT] = "int",
        [ADB_TYPE_DOUBLE] = "double",   [ADB_TYPE_TEXT] = "text",           [ADB_TYPE_BLOB] = "blob",
        [ADB_TYPE_DECIMAL] = "decimal", [ADB_TYPE_JSON] = "json",           [ADB_TYPE_DATE] = "date",
        [ADB_TYPE_TIME] = "time",       [ADB_TYPE_TIMESTAMP] = "timestamp", [ADB_TYPE_UUID] = "uuid",
        [ADB_TYPE_LIST] = "list",
    };
    const size_t index = (size_t)type; /* a negative number becomes a large one */
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

static bool has_bytes(adb_type type)
{
    return type == ADB_TYPE_TEXT || type == ADB_TYPE_BLOB || type == ADB_TYPE_DECIMAL || type == ADB_TYPE_JSON;
}

/* Whatever may stand in a list. */
static adb_status scalar_check(const adb_value *value)
{
    if ((size_t)value->type >= ADB_TYPE_LIST || value->size == INVALID_SIZE)
        return ADB_E_PARAMETER;
    if (!has_bytes(value->type))
        return ADB_OK;
    if (value->as.blob == NULL)
        return ADB_E_PARAMETER;
    return value->size < ADB__VALUE_MAX_BYTES ? ADB_OK : ADB_E_TOO_BIG;
}

adb_status adb__value_check(const adb_value *value)
{
    if (value->type != ADB_TYPE_LIST)
        return scalar_check(value);
    if (value->size == INVALID_SIZE || (value->as.items == NULL && value->size > 0))
        return ADB_E_PARAMETER;
    if (value->size >= ADB__VALUE_MAX_BYTES / sizeof(adb_value))
        return ADB_E_TOO_BIG;

    adb_status status = ADB_OK;
    for (size_t i = 0; i < value->size && status == ADB_OK; i++)
        status = scalar_check(&value->as.items[i]);
    return status;
}

static adb_status scalar_copy(struct adb__arena *arena, const adb_value *value, adb_value *copy_out)
{
    adb_value copy = *value;
    if (has_bytes(value->type)) {
        copy.as.blob = adb__arena_bytes(arena, value->as.blob, value->size);
        if (copy.as.blob == NULL)
            return ADB_E_NOMEM;
    }
    *copy_out = copy;
    return ADB_OK;
}

adb_status adb__value_copy(struct adb__arena *arena, const adb_value *value, adb_value *copy_out)
{
    adb_status status = adb__value_check(value);
    if (status != ADB_OK)
        return status;
    if (value->type != ADB_TYPE_LIST)
        return scalar_copy(arena, value, copy_out);

    adb_value *items = adb__arena_alloc(arena, value->size * sizeof(*items));
    if (items == NULL)
        return ADB_E_NOMEM;
    for (size_t i = 0; i < value->size && status == ADB_OK; i++)
        status = scalar_copy(arena, &value->as.items[i], &items[i]);
    if (status == ADB_OK)
        *copy_out = (adb_value){.type = ADB_TYPE_LIST, .size = value->size, .as.items = items};
    return status;
}

/* The integer that is the same number as the double, if there is one. Both limits are exact as doubles. */
static bool integer_of_double(double real, int64_t *integer_out)
{
    if (!(real >= -0x1p63 && real < 0x1p63))
        return false;
    *integer_out = (int64_t)real;
    return (double)*integer_out == real;
}

static bool double_equal(double a, double b)
{
    return a == b || (a != a && b != b);
}

/* An INT against a DOUBLE. Compared as integers: as doubles 2^53 and 2^53 + 1 would be the same. */
static bool mixed_equal(int64_t integer, double real)
{
    int64_t other = 0;
    return integer_of_double(real, &other) && integer == other;
}

static bool list_equal(const adb_value *a, const adb_value *b)
{
    if (a->size != b->size || a->size == INVALID_SIZE)
        return a->size == b->size;
    for (size_t i = 0; i < a->size; i++) {
        if (!adb_value_equal(&a->as.items[i], &b->as.items[i]))
            return false;
    }
    return true;
}

/* Two values of one type. */
static bool same_type_equal(const adb_value *a, const adb_value *b)
{
    if (a->type == ADB_TYPE_LIST)
        return list_equal(a, b);
    if (a->size != b->size || a->size == INVALID_SIZE)
        return a->size == b->size;
    if (has_bytes(a->type))
        return a->size == 0 || memcmp(a->as.blob, b->as.blob, a->size) == 0;

    switch (a->type) {
    case ADB_TYPE_BOOL:
        return a->as.boolean == b->as.boolean;
    case ADB_TYPE_DOUBLE:
        return double_equal(a->as.real, b->as.real);
    case ADB_TYPE_UUID:
        return memcmp(a->as.uuid, b->as.uuid, sizeof(a->as.uuid)) == 0;
    case ADB_TYPE_INT:
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
        return a->as.integer == b->as.integer;
    default:
        return true;
    }
}

bool adb_value_equal(const adb_value *a, const adb_value *b)
{
    const adb_value null = adb_null();
    a = a == NULL ? &null : a;
    b = b == NULL ? &null : b;
    if (a->type == b->type)
        return same_type_equal(a, b);
    if (a->type == ADB_TYPE_INT && b->type == ADB_TYPE_DOUBLE)
        return mixed_equal(a->as.integer, b->as.real);
    if (a->type == ADB_TYPE_DOUBLE && b->type == ADB_TYPE_INT)
        return mixed_equal(b->as.integer, a->as.real);
    return false;
}

/* The finalizer of splitmix64: each bit of the input sways each bit of the output. */
static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t word = 0;
    hash = hash_word(hash, size);
    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = hash_word(hash, word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, at, size);
    return hash_word(hash, word);
}

static uint64_t hash_double(uint64_t hash, double real)
{
    uint64_t bits = 0;
    int64_t integer = 0;
    if (integer_of_double(real, &integer))
        return hash_word(hash, (uint64_t)integer);
    if (real == real) /* all NaNs are one: bits stay 0 */
        memcpy(&bits, &real, sizeof(bits));
    return hash_word(hash, ~bits);
}

uint64_t adb__value_hash(uint64_t hash, const adb_value *value)
{
    /* INT and DOUBLE may be equal, so they go by one name. */
    hash = hash_word(hash, value->type == ADB_TYPE_DOUBLE ? ADB_TYPE_INT : (uint64_t)value->type);
    if (value->size == INVALID_SIZE)
        return hash_word(hash, value->size);
    if (has_bytes(value->type))
        return hash_bytes(hash, value->as.blob, value->size);

    switch (value->type) {
    case ADB_TYPE_BOOL:
        return hash_word(hash, value->as.boolean);
    case ADB_TYPE_DOUBLE:
        return hash_double(hash, value->as.real);
    case ADB_TYPE_UUID:
        return hash_bytes(hash, value->as.uuid, sizeof(value->as.uuid));
    case ADB_TYPE_INT:
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
        return hash_word(hash, (uint64_t)value->as.integer);
    case ADB_TYPE_LIST:
        for (size_t i = 0; i < value->size; i++)
            hash = adb__value_hash(hash, &value->as.items[i]);
        return hash_word(hash, value->size);
    default:
        return hash;
    }
}
