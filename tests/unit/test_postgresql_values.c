/* SPDX-License-Identifier: BSD-3-Clause */
/* Values on their way to PostgreSQL and back: what is sent, and what each form that the server may send is read as. */
#include "base/alloc.h"
#include "drivers/postgresql/postgresql.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

/* Some OIDs, which never change. */
enum {
    BOOLOID = 16,
    BYTEAOID = 17,
    INT8OID = 20,
    INT2OID = 21,
    INT4OID = 23,
    TEXTOID = 25,
    OIDOID = 26,
    JSONOID = 114,
    FLOAT4OID = 700,
    FLOAT8OID = 701,
    INET = 869,
    DATEOID = 1082,
    TIMEOID = 1083,
    TIMESTAMPOID = 1114,
    TIMESTAMPTZOID = 1184,
    NUMERICOID = 1700,
    UUIDOID = 2950,
    JSONBOID = 3802
};

/* Sending ---------------------------------------------------------------------------------------------------------- */

static struct adb__arena arena;

static const char *sent_as(adb_value value)
{
    static char text[128];
    struct adb__pg_values values;
    adb_error error;
    REQUIRE(adb__pg_values_encode(&value, 1, &arena, &values, &error) == ADB_OK);
    snprintf(text, sizeof(text), "%s", values.texts[0] != NULL ? values.texts[0] : "(null)");
    adb__arena_reset(&arena);
    return text;
}

/* As the text of whatever type the server has inferred: a boolean is one of jsonb too, a point in time has its zone. */
TEST(values_are_sent_as_text)
{
    CU_ASSERT_STRING_EQUAL(sent_as(adb_null()), "(null)");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_bool(true)), "true");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_int(INT64_MIN)), "-9223372036854775808");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_double(0.1)), "0.1");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_text_n("abcdef", 3)), "abc");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_decimal("1.50")), "1.50");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_date(2024, 2, 29)), "2024-02-29");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_time(23, 59, 59, 10)), "23:59:59.00001");
    CU_ASSERT_STRING_EQUAL(sent_as(adb_timestamp(1500000)), "1970-01-01 00:00:01.5+00");
}

/* Years before 1 as PostgreSQL counts them. */
TEST(years_before_christ_are_counted_backwards)
{
    const adb_value ides = {.type = ADB_TYPE_DATE, .as.integer = -735160};
    const adb_value zero = {.type = ADB_TYPE_TIMESTAMP, .as.integer = INT64_C(-719528) * 86400 * 1000000};
    CU_ASSERT_STRING_EQUAL(sent_as(ides), "0044-03-15 BC");
    CU_ASSERT_STRING_EQUAL(sent_as(zero), "0001-01-01 00:00:00+00 BC");
}

/* Bytes are sent as they are, with their number. */
TEST(blobs_are_sent_in_binary)
{
    const adb_value two[] = {adb_int(1), adb_blob("a\0b", 3)};
    struct adb__pg_values values;
    adb_error error;
    REQUIRE(adb__pg_values_encode(two, 2, &arena, &values, &error) == ADB_OK);
    CU_ASSERT(values.count == 2 && values.formats[0] == 0 && values.formats[1] == 1 && values.sizes[1] == 3);
    CU_ASSERT_EQUAL(memcmp(values.texts[1], "a\0b", 3), 0);
    adb__arena_reset(&arena);
}

/* Before anything is sent. */
TEST(text_with_a_nul_is_refused)
{
    const adb_value value = adb_text_n("a\0b", 3);
    struct adb__pg_values values;
    adb_error error;
    CU_ASSERT_EQUAL(adb__pg_values_encode(&value, 1, &arena, &values, &error), ADB_E_DATA);
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "22021");
    adb__arena_reset(&arena);
}

/* As many as the protocol can count, and no more. */
TEST(too_many_values_are_refused)
{
    static adb_value values[65536];
    struct adb__pg_values encoded;
    adb_error error;
    CU_ASSERT_EQUAL(adb__pg_values_encode(values, 65535, &arena, &encoded, &error), ADB_OK);
    CU_ASSERT_EQUAL(adb__pg_values_encode(values, 65536, &arena, &encoded, &error), ADB_E_PARAMETER);
    adb__arena_reset(&arena);
}

/* Wherever memory ends, it is a status. */
TEST(want_of_memory_is_a_status)
{
    const adb_value values[] = {adb_text("text"), adb_int(1), adb_blob("x", 1)};
    struct adb__pg_values encoded;
    adb_error error;
    fault_watch();
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        fault_arm(n);
        const adb_status status = adb__pg_values_encode(values, 3, &arena, &encoded, &error);
        CU_ASSERT(FAULT_DONE() ? status == ADB_E_NOMEM : status == ADB_OK);
        adb__arena_reset(&arena);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

static struct adb_result result;

/* The value that these bytes are read as. */
static adb_value read_as(Oid oid, bool binary, const char *bytes, size_t size)
{
    static const struct adb__column column = {.name = "v"};
    const struct adb__pg_type *type = adb__pg_type_find(oid);
    struct adb__sink sink = {.result = &result};
    adb_error error;
    adb__result_fini(&result);
    adb__result_init(&result, NULL, 0, NULL);
    REQUIRE(adb__sink_columns(&sink, &column, 1, &error) == ADB_OK);
    REQUIRE(adb__sink_row_begin(&sink, &error) == ADB_OK);
    REQUIRE((binary ? type->binary : type->text)(&sink, 0, bytes, size, &error) == ADB_OK);
    REQUIRE(adb__sink_row_end(&sink, &error) == ADB_OK);
    return adb_row_value(adb_result_row(&result, 0), 0);
}

static void fini_result(void)
{
    adb__result_fini(&result);
}

static bool is(adb_value value, adb_value expected)
{
    if (!adb_value_equal(&value, &expected))
        printf("# type %d, number %lld, text %.*s\n", (int)value.type, (long long)value.as.integer,
               value.type == ADB_TYPE_TEXT ? (int)value.size : 0, value.as.text);
    return value.type == expected.type && adb_value_equal(&value, &expected);
}

#define TEXT_OF(oid, text)    read_as(oid, false, text, strlen(text))
#define BINARY_OF(oid, bytes) read_as(oid, true, bytes, sizeof(bytes) - 1)

/* Both forms of one value are the same value. TYP-01 */
TEST(numbers_are_read_in_both_forms)
{
    CU_ASSERT(is(TEXT_OF(BOOLOID, "t"), adb_bool(true)) && is(BINARY_OF(BOOLOID, "\0"), adb_bool(false)));
    CU_ASSERT(is(TEXT_OF(INT2OID, "-2"), adb_int(-2)) && is(BINARY_OF(INT2OID, "\xff\xfe"), adb_int(-2)));
    CU_ASSERT(is(TEXT_OF(INT4OID, "16909060"), adb_int(0x01020304)));
    CU_ASSERT(is(BINARY_OF(INT4OID, "\x01\x02\x03\x04"), adb_int(0x01020304)));
    CU_ASSERT(is(BINARY_OF(INT8OID, "\x80\0\0\0\0\0\0\0"), adb_int(INT64_MIN)));
    CU_ASSERT(is(BINARY_OF(OIDOID, "\xff\xff\xff\xff"), adb_int(4294967295)));
    CU_ASSERT(is(TEXT_OF(FLOAT8OID, "1.5"), adb_double(1.5)));
    CU_ASSERT(is(BINARY_OF(FLOAT8OID, "\x3f\xf8\0\0\0\0\0\0"), adb_double(1.5)));
    CU_ASSERT(is(TEXT_OF(FLOAT4OID, "0.1"), adb_double((double)0.1f)));
    CU_ASSERT(is(BINARY_OF(FLOAT4OID, "\x3d\xcc\xcc\xcd"), adb_double((double)0.1f)));
    fini_result();
}

/* Exact, with the zeros that are shown. */
TEST(binary_numerics_are_exact)
{
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\3\0\1\0\0\0\4\0\1\x09\x29\x1a\x85"), adb_decimal("12345.6789")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\1\0\0\x40\0\0\2\0\1"), adb_decimal("-1.00")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\0\0\0\0\0\0\0"), adb_decimal("0")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\1\xff\xfe\0\0\0\6\0\x64"), adb_decimal("0.000001")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\1\0\2\0\0\0\0\0\1"), adb_decimal("100000000")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\0\0\0\xc0\0\0\0"), adb_decimal("NaN")));
    CU_ASSERT(is(BINARY_OF(NUMERICOID, "\0\0\0\0\xf0\0\0\0"), adb_decimal("-Infinity")));
    CU_ASSERT_EQUAL(read_as(NUMERICOID, true, "\0\1\0\x40\0\0\0\0\0\1", 10).size, 257);
    fini_result();
}

/* Days and microseconds count from 2000 on the wire. */
TEST(moments_are_read_in_both_forms)
{
    CU_ASSERT(is(TEXT_OF(DATEOID, "2000-01-02"), adb_date(2000, 1, 2)));
    CU_ASSERT(is(BINARY_OF(DATEOID, "\0\0\0\1"), adb_date(2000, 1, 2)));
    CU_ASSERT(is(TEXT_OF(TIMEOID, "00:00:00.000258"), adb_time(0, 0, 0, 258)));
    CU_ASSERT(is(BINARY_OF(TIMEOID, "\0\0\0\0\0\0\1\2"), adb_time(0, 0, 0, 258)));
    CU_ASSERT(is(TEXT_OF(TIMESTAMPOID, "2000-01-01 00:00:00.5"), adb_timestamp(946684800500000)));
    CU_ASSERT(is(TEXT_OF(TIMESTAMPTZOID, "2000-01-01 02:00:00.5+02"), adb_timestamp(946684800500000)));
    CU_ASSERT(is(BINARY_OF(TIMESTAMPOID, "\0\0\0\0\0\x07\xa1\x20"), adb_timestamp(946684800500000)));
    fini_result();
}

/* Years that only columns have, and what is no moment at all. */
TEST(far_years_are_moments_and_infinity_is_text)
{
    const adb_value ides = {.type = ADB_TYPE_DATE, .as.integer = -735160};
    CU_ASSERT(is(TEXT_OF(DATEOID, "0044-03-15 BC"), ides));
    CU_ASSERT(is(BINARY_OF(DATEOID, "\xff\xf4\x9d\x7b"), ides));
    CU_ASSERT(is(TEXT_OF(DATEOID, "12024-02-29"), (adb_value){.type = ADB_TYPE_DATE, .as.integer = 3672207}));
    CU_ASSERT_EQUAL(TEXT_OF(TIMESTAMPTZOID, "0044-03-15 12:00:00+00 BC").type, ADB_TYPE_TIMESTAMP);
    CU_ASSERT(is(TEXT_OF(DATEOID, "infinity"), adb_text("infinity")));
    CU_ASSERT(is(BINARY_OF(DATEOID, "\x80\0\0\0"), adb_text("-infinity")));
    CU_ASSERT(is(BINARY_OF(TIMESTAMPOID, "\x7f\xff\xff\xff\xff\xff\xff\xff"), adb_text("infinity")));
    CU_ASSERT(is(TEXT_OF(TIMEOID, "24:00:00"), adb_text("24:00:00")));
    CU_ASSERT(is(BINARY_OF(TIMEOID, "\0\0\0\x14\x1d\xd7\x60\0"), adb_text("24:00:00")));
    fini_result();
}

/* Bytes in hexadecimal digits or escaped; identifiers; JSON without the version that precedes it. */
TEST(bytes_are_read_in_both_forms)
{
    static const uint8_t uuid[16] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4, 5, 6, 7, 8};
    CU_ASSERT(is(TEXT_OF(BYTEAOID, "\\x6100ff"), adb_blob("a\0\xff", 3)));
    CU_ASSERT(is(TEXT_OF(BYTEAOID, "a\\000\\377"), adb_blob("a\0\xff", 3)));
    CU_ASSERT(is(BINARY_OF(BYTEAOID, "a\0\xff"), adb_blob("a\0\xff", 3)));
    CU_ASSERT(is(TEXT_OF(UUIDOID, "12345678-9abc-def0-0102-030405060708"), adb_uuid(uuid)));
    CU_ASSERT(is(read_as(UUIDOID, true, (const char *)uuid, 16), adb_uuid(uuid)));
    CU_ASSERT(is(BINARY_OF(JSONBOID, "\1{}"), adb_json("{}")) && is(BINARY_OF(JSONOID, "{}"), adb_json("{}")));
    CU_ASSERT(is(BINARY_OF(TEXTOID, "h\xc3\xa4"), adb_text("h\xc3\xa4")));
    fini_result();
}

/* A type without a kind of value is the server's text, and has its name; of a stranger even that is unknown. */
TEST(other_types_are_text)
{
    CU_ASSERT(is(TEXT_OF(INET, "10.0.0.1"), adb_text("10.0.0.1")));
    CU_ASSERT_STRING_EQUAL(adb__pg_type_find(INET)->name, "inet");
    CU_ASSERT_PTR_NULL(adb__pg_type_find(INET)->binary);
    CU_ASSERT_PTR_NULL(adb__pg_type_find(987654)->name);
    CU_ASSERT(is(TEXT_OF(987654, "x"), adb_text("x")));
    fini_result();
}

SUITE(postgresql_values, CASE(values_are_sent_as_text), CASE(years_before_christ_are_counted_backwards),
      CASE(blobs_are_sent_in_binary), CASE(text_with_a_nul_is_refused), CASE(too_many_values_are_refused),
      CASE(want_of_memory_is_a_status), CASE(numbers_are_read_in_both_forms), CASE(binary_numerics_are_exact),
      CASE(moments_are_read_in_both_forms), CASE(far_years_are_moments_and_infinity_is_text),
      CASE(bytes_are_read_in_both_forms), CASE(other_types_are_text))
