/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of each type on their way into a column and out again. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* Store one value in a column of that type and read it back; it lives to the end of the test. */
static adb_value stored(const char *type, adb_value value)
{
    char columns[64];
    if (db == NULL)
        suite_open(NULL);
    snprintf(columns, sizeof(columns), "v $%s", type);
    table("kept", columns);
    REQUIRE(ended_well(adb_execute(ctx, "INSERT INTO kept (v) VALUES (:v)", ADB_PARAMS({"v", value}), NULL, NULL)));
    return answer("SELECT v FROM kept", NULL);
}

/* 1.500 is 1.5 to a column that keeps a fixed number of digits. */
static void cut_zeros(char *number)
{
    char *end = number + strlen(number);
    while (strchr(number, '.') != NULL && (end[-1] == '0' || end[-1] == '.'))
        *--end = '\0';
}

/* It comes back and is written as the text says. */
static bool comes_back(const char *type, adb_value value, const char *text)
{
    char got[256];
    const adb_value back = stored(type, value);
    adb_value_format(&back, got, sizeof(got));
    if (value.type == ADB_TYPE_DECIMAL)
        cut_zeros(got);
    if (strcmp(got, text) != 0)
        printf("# %s: %s, not %s\n", type, got, text);
    return strcmp(got, text) == 0;
}

/* A truth value reads as one, whatever the database stores. TYP-01 TYP-17 REG-11 */
TEST(truth_values_come_back)
{
    bool yes = false, no = true;
    adb_value value = stored("boolean", adb_bool(true));
    CU_ASSERT_EQUAL(adb_value_to_bool(&value, &yes), ADB_OK);
    value = stored("boolean", adb_bool(false));
    CU_ASSERT_EQUAL(adb_value_to_bool(&value, &no), ADB_OK);
    CU_ASSERT(yes && !no);
    suite_close();
}

/* All 64 bits. TYP-20 */
TEST(integers_of_64_bits_come_back)
{
    CU_ASSERT_EQUAL(stored("int", adb_int(INT64_MAX)).as.integer, INT64_MAX);
    CU_ASSERT_EQUAL(stored("int", adb_int(INT64_MIN)).as.integer, INT64_MIN);
    CU_ASSERT_EQUAL(stored("int", adb_int(0)).type, ADB_TYPE_INT);
    suite_close();
}

/* Exactly the same bits. TYP-06 */
TEST(doubles_come_back)
{
    CU_ASSERT_EQUAL(stored("real", adb_double(0.1)).as.real, 0.1);
    CU_ASSERT_EQUAL(stored("real", adb_double(-1.7976931348623157e308)).as.real, -1.7976931348623157e308);
    CU_ASSERT_EQUAL(stored("real", adb_double(5e-324)).as.real, 5e-324);
    suite_close();
}

/* Text of any letters, the empty one, and one with quotes. TYP-18 */
TEST(text_comes_back)
{
    CU_ASSERT(comes_back("text", adb_text("Grüße, 世界 🌍"), "Grüße, 世界 🌍"));
    CU_ASSERT(comes_back("text", adb_text("it's \"quoted\" \\ % :x ? $1"), "it's \"quoted\" \\ % :x ? $1"));
    const adb_value empty = stored("text", adb_text(""));
    CU_ASSERT(empty.type == ADB_TYPE_TEXT && empty.size == 0);
    suite_close();
}

/* Every byte, and no byte at all. TYP-15 */
TEST(blobs_come_back)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    adb_value back = stored("blob", adb_blob(bytes, sizeof(bytes)));
    CU_ASSERT_EQUAL(back.type, ADB_TYPE_BLOB);
    CU_ASSERT(back.size == sizeof(bytes) && memcmp(back.as.blob, bytes, sizeof(bytes)) == 0);
    back = stored("blob", adb_blob("", 0));
    CU_ASSERT(back.type == ADB_TYPE_BLOB && back.size == 0);
    suite_close();
}

/* A megabyte is one value. */
TEST(a_large_value_comes_back)
{
    static char large[1 << 20];
    memset(large, 'x', sizeof(large));
    const adb_value back = stored("blob", adb_blob(large, sizeof(large)));
    CU_ASSERT(back.size == sizeof(large) && memcmp(back.as.blob, large, sizeof(large)) == 0);
    suite_close();
}

/* Every digit of an exact number. TYP-05 REG-47 */
TEST(decimals_keep_their_digits)
{
    CU_ASSERT(comes_back("decimal", adb_decimal("0.700000000000001"), "0.700000000000001"));
    CU_ASSERT(comes_back("decimal", adb_decimal("-1234567890123456789.123456789"), "-1234567890123456789.123456789"));
    suite_close();
}

/* JSON comes back as it went, read once: a string stays a string. TYP-07 TYP-08 TYP-09 TYP-10 PAIN-15 REG-02 REG-50 */
TEST(json_comes_back_as_text)
{
    CU_ASSERT(
        comes_back("json", adb_json("{\"text\": \"hello\", \"bool\": true}"), "{\"text\": \"hello\", \"bool\": true}"));
    CU_ASSERT(comes_back("json", adb_json("[1, \"two\", null]"), "[1, \"two\", null]"));
    CU_ASSERT(comes_back("json", adb_json("\"1\""), "\"1\""));
    suite_close();
}

/* The column says that it holds JSON, even where the database stores text. TYP-09 TYP-18 */
TEST(columns_tell_their_declared_type)
{
    suite_open(NULL);
    table("kept", "a $int, b $text, c $boolean, d $json, e $date");
    adb_result *none = rows("SELECT a, b, c, d, e, 1 AS f FROM kept");
    static const adb_type types[] = {ADB_TYPE_INT, ADB_TYPE_TEXT, ADB_TYPE_BOOL, ADB_TYPE_JSON, ADB_TYPE_DATE};
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(adb_result_column_type(none, i), types[i]);
    CU_ASSERT_PTR_NOT_NULL(adb_result_column_decltype(none, 1));
    suite_close();
}

/* A day. TYP-03 */
TEST(dates_come_back)
{
    int year = 0, month = 0, day = 0;
    const adb_value back = stored("date", adb_date(2024, 2, 29));
    CU_ASSERT_EQUAL(adb_value_to_date(&back, &year, &month, &day), ADB_OK);
    CU_ASSERT(year == 2024 && month == 2 && day == 29);
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM kept WHERE v > '2024-02-28' AND v < '2024-03-01'"), 1);
    suite_close();
}

/* A time of day, with its microseconds. TYP-04 REG-02 */
TEST(times_come_back)
{
    int64_t microseconds = 0;
    const adb_value back = stored("time", adb_time(23, 59, 58, 123456));
    CU_ASSERT_EQUAL(adb_value_to_time(&back, &microseconds), ADB_OK);
    CU_ASSERT_EQUAL(microseconds, ((23 * 60 + 59) * 60 + 58) * INT64_C(1000000) + 123456);
    suite_close();
}

/* A point in time, with its microseconds, also before 1970. TYP-02 */
TEST(timestamps_come_back)
{
    static const int64_t moments[] = {0, INT64_C(1709164799123456), INT64_C(-86399000001)};
    for (size_t i = 0; i < 3; i++) {
        int64_t microseconds = 1;
        const adb_value back = stored("timestamp", adb_timestamp(moments[i]));
        CU_ASSERT_EQUAL(adb_value_to_timestamp(&back, &microseconds), ADB_OK);
        CU_ASSERT_EQUAL(microseconds, moments[i]);
    }
    suite_close();
}

/* Sixteen bytes, in order. TYP-15 */
TEST(uuids_come_back)
{
    static const uint8_t uuid[16] = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
                                     0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};
    uint8_t back_bytes[16] = {0};
    const adb_value back = stored("uuid", adb_uuid(uuid));
    CU_ASSERT_EQUAL(adb_value_to_uuid(&back, back_bytes), ADB_OK);
    CU_ASSERT_EQUAL(memcmp(back_bytes, uuid, 16), 0);
    suite_close();
}

/* NULL in a column of any type. TYP-13 */
TEST(null_comes_back_from_every_type)
{
    for (const struct suite_word *word = suite->dialect->words; word->name != NULL; word++) {
        if (strcmp(word->name, "key") != 0 && strstr(word->text, "REFERENCES") == NULL)
            CU_ASSERT_EQUAL(stored(word->name, adb_null()).type, ADB_TYPE_NULL);
    }
    suite_close();
}

/* A value of an enumeration is its name. TYP-11 REG-02 */
TEST(names_of_enumerations_are_text)
{
    CU_ASSERT(comes_back("text", adb_text("EXPIRED"), "EXPIRED"));
    suite_close();
}

GROUP(types, SQL(truth_values_come_back), SQL(integers_of_64_bits_come_back), SQL(doubles_come_back),
      SQL(text_comes_back), SQL(blobs_come_back), SQL(a_large_value_comes_back), SQL(decimals_keep_their_digits),
      SQL(json_comes_back_as_text), SQL(columns_tell_their_declared_type), SQL(dates_come_back), SQL(times_come_back),
      SQL(timestamps_come_back), SQL(uuids_come_back), SQL(null_comes_back_from_every_type),
      SQL(names_of_enumerations_are_text));
