/* SPDX-License-Identifier: BSD-3-Clause */
/* Values through the SQLite driver, in and out, and how columns are described. */
#include "tests/unit/sqlite_fixture.h"

#include <math.h>

static adb_value echo(struct session *s, adb_value value)
{
    CU_ASSERT_EQUAL(BIND(s, "SELECT ?1", value), ADB_OK);
    return adb_result_value(&s->result);
}

/* TYP-20 PAR-24 */
TEST(integers_and_null_come_back_exactly)
{
    static const int64_t numbers[] = {0, 1, -1, INT32_MAX, INT64_C(1) << 53, INT64_MAX, INT64_MIN};
    struct session s = {0};
    memory_open(&s);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const adb_value value = echo(&s, adb_int(numbers[i]));
        CU_ASSERT_EQUAL(value.type, ADB_TYPE_INT);
        CU_ASSERT_EQUAL(value.as.integer, numbers[i]);
    }
    CU_ASSERT_EQUAL(echo(&s, adb_null()).type, ADB_TYPE_NULL);
    session_close(&s);
}

/* SQLite has no truth values: they are numbers in storage, and the declared type tells. TYP-01 TYP-18 */
TEST(booleans_are_stored_as_numbers)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(echo(&s, adb_bool(true)).as.integer, 1);
    CU_ASSERT_EQUAL(echo(&s, adb_bool(false)).as.integer, 0);
    must(&s, "CREATE TABLE t (done BOOLEAN)");
    CU_ASSERT_EQUAL(BIND(&s, "INSERT INTO t VALUES (?1)", adb_bool(true)), ADB_OK);
    must(&s, "SELECT done FROM t");
    CU_ASSERT_EQUAL(adb_result_column_type(&s.result, 0), ADB_TYPE_BOOL);
    CU_ASSERT_TRUE(adb_row_bool(adb_result_row(&s.result, 0), 0));
    session_close(&s);
}

/* NaN is NULL to SQLite; everything else comes back bit by bit. */
TEST(doubles_come_back_exactly_but_nan_is_null)
{
    static const double numbers[] = {0.0, -1.5, 0.1, 1e308, 5e-324, INFINITY, -INFINITY};
    struct session s = {0};
    memory_open(&s);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const adb_value value = echo(&s, adb_double(numbers[i]));
        CU_ASSERT_EQUAL(value.type, ADB_TYPE_DOUBLE);
        CU_ASSERT(memcmp(&value.as.real, &numbers[i], sizeof(double)) == 0);
    }
    CU_ASSERT_EQUAL(echo(&s, adb_double(NAN)).type, ADB_TYPE_NULL);
    session_close(&s);
}

/* Empty is not NULL, and a NUL is a byte like any other. */
TEST(text_and_blobs_come_back_exactly)
{
    struct session s = {0};
    memory_open(&s);
    const adb_value values[] = {adb_text(""),
                                adb_text("h\xc3\xa9llo 'quoted' \"%s\""),
                                adb_text_n("a\0b", 3),
                                adb_blob("", 0),
                                adb_blob("\0\xff\x80", 3),
                                adb_text_n(NULL, 0),
                                adb_text("%x% ? :name $1")};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const adb_value value = echo(&s, values[i]);
        CU_ASSERT_EQUAL(value.type, values[i].type);
        CU_ASSERT_EQUAL(value.size, values[i].size);
        if (value.size > 0)
            CU_ASSERT(memcmp(value.as.text, values[i].as.text, value.size) == 0);
    }
    session_close(&s);
}

/* As text that SQLite's own functions read. TYP-02 TYP-03 TYP-04 TYP-05 TYP-07 TYP-15 */
TEST(other_types_are_stored_as_text)
{
    static const uint8_t uuid[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3,
                                     0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00};
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_date(2024, 2, 29)).as.text, "2024-02-29");
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_time(23, 59, 59, 1)).as.text, "23:59:59.000001");
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_timestamp(1500000)).as.text, "1970-01-01 00:00:01.5");
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_uuid(uuid)).as.text, "123e4567-e89b-12d3-a456-426614174000");
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_decimal("0.700000000000001")).as.text, "0.700000000000001");
    CU_ASSERT_STRING_EQUAL(echo(&s, adb_json("{\"a\": [1]}")).as.text, "{\"a\": [1]}");
    CU_ASSERT_EQUAL(BIND(&s, "SELECT CAST(strftime('%s', ?1) AS INTEGER)", adb_timestamp(86400000000)), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_value(&s.result).as.integer, 86400);
    session_close(&s);
}

/* Twenty megabytes there and back. */
TEST(large_values_come_back)
{
    const size_t size = 20u << 20;
    struct session s = {0};
    char *bytes = malloc(size);
    REQUIRE(bytes != NULL);
    memory_open(&s);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + i % 23);
    must(&s, "CREATE TABLE t (x)");
    CU_ASSERT_EQUAL(BIND(&s, "INSERT INTO t VALUES (?1), (?2)", adb_text_n(bytes, size), adb_blob(bytes, size)),
                    ADB_OK);
    must(&s, "SELECT x FROM t");
    REQUIRE(adb_result_rows(&s.result) == 2);
    for (size_t row = 0; row < 2; row++) {
        const adb_value value = adb_row_value(adb_result_row(&s.result, row), 0);
        CU_ASSERT_EQUAL(value.size, size);
        CU_ASSERT(memcmp(value.as.text, bytes, size) == 0);
    }
    session_close(&s);
    free(bytes);
}

/* A name that is used twice is one number, and numbers need not come in order. PAR-04 PAR-08 REG-14 */
TEST(values_follow_their_numbers)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(BIND(&s, "SELECT ?3 || ?1 || ?2 || ?1", adb_text("a"), adb_text("b"), adb_text("c")), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_result_value(&s.result).as.text, "caba");
    session_close(&s);
}

/* PAR-22: too few, too many, and what cannot be bound. */
TEST(a_wrong_number_of_values_is_refused)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(run(&s, "SELECT ?1"), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(BIND(&s, "SELECT ?1", adb_int(1), adb_int(2)), ADB_E_PARAMETER);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.error.message, "1 parameters, 2 values"));
    const adb_value one = adb_int(1);
    CU_ASSERT_EQUAL(BIND(&s, "SELECT ?1", adb_list(&one, 1)), ADB_E_DATA);
    session_close(&s);
}

/* Neither the driver nor its log formats SQL text. PAR-09 PAR-10 */
TEST(percent_signs_are_left_alone)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT '%s%n' LIKE '%s%' AND 7 % 4 = 3"), 1);
    CU_ASSERT_TRUE(answer_is(&s, "SELECT strftime('%Y-%m', 0, 'unixepoch')", "1970-01"));
    session_close(&s);
}

/* Names, tables and declared types, with no row at all. QRY-30 REC-05 REC-22 REC-23 TYP-18 */
TEST(columns_are_described_even_without_rows)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), any)");
    must(&s, "SELECT t.id, name AS who, any, 1 + 1 FROM t");
    CU_ASSERT_EQUAL(adb_result_rows(&s.result), 0);
    REQUIRE(adb_result_columns(&s.result) == 4);
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(&s.result, 1), "who");
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(&s.result, 3), "1 + 1");
    CU_ASSERT_STRING_EQUAL(adb_result_column_decltype(&s.result, 1), "VARCHAR(20)");
    CU_ASSERT_PTR_NULL(adb_result_column_decltype(&s.result, 3));
    const char *table = adb_result_column_table(&s.result, 0);
    CU_ASSERT(table == NULL || strcmp(table, "t") == 0);
    CU_ASSERT_PTR_NULL(adb_result_column_table(&s.result, 3));
    session_close(&s);
}

/* TYP-18 */
TEST(declared_types_become_hints)
{
    static const struct {
        const char *decltype;
        adb_type type;
    } hints[] = {
        {"bool", ADB_TYPE_BOOL},
        {"Boolean", ADB_TYPE_BOOL},
        {"INTEGER", ADB_TYPE_INT},
        {"bigint", ADB_TYPE_INT},
        {"UNSIGNED INT", ADB_TYPE_INT},
        {"REAL", ADB_TYPE_DOUBLE},
        {"double", ADB_TYPE_DOUBLE},
        {"FLOAT", ADB_TYPE_DOUBLE},
        {"nchar(5)", ADB_TYPE_TEXT},
        {"CLOB", ADB_TYPE_TEXT},
        {"text", ADB_TYPE_TEXT},
        {"BLOB", ADB_TYPE_BLOB},
        {"DATE", ADB_TYPE_DATE},
        {"time", ADB_TYPE_TIME},
        {"DATETIME", ADB_TYPE_TIMESTAMP},
        {"TIMESTAMP", ADB_TYPE_TIMESTAMP},
        {"DECIMAL(10,2)", ADB_TYPE_DECIMAL},
        {"numeric", ADB_TYPE_DECIMAL},
        {"JSON", ADB_TYPE_JSON},
        {"jsonb", ADB_TYPE_JSON},
        {"UUID", ADB_TYPE_UUID},
        {"geometry", ADB_TYPE_NULL},
        {"", ADB_TYPE_NULL},
    };
    struct session s = {0};
    memory_open(&s);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        char sql[80];
        snprintf(sql, sizeof(sql), "CREATE TABLE t%zu (a %s)", i, hints[i].decltype);
        must(&s, sql);
        snprintf(sql, sizeof(sql), "SELECT a FROM t%zu", i);
        must(&s, sql);
        CU_ASSERT_EQUAL(adb_result_column_type(&s.result, 0), hints[i].type);
    }
    session_close(&s);
}

/* The class that the value is stored in counts, whatever the column says. TYP-18 REC-08 REG-42 */
TEST(values_keep_their_storage_class)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a INTEGER)");
    must(&s, "INSERT INTO t VALUES ('text'), (1.5), (x'00'), (NULL), (7)");
    must(&s, "SELECT a, a AS a FROM t ORDER BY rowid");
    static const adb_type types[] = {ADB_TYPE_TEXT, ADB_TYPE_DOUBLE, ADB_TYPE_BLOB, ADB_TYPE_NULL, ADB_TYPE_INT};
    REQUIRE(adb_result_rows(&s.result) == 5);
    CU_ASSERT_EQUAL(adb_result_columns(&s.result), 2);
    for (size_t row = 0; row < 5; row++)
        CU_ASSERT_EQUAL(adb_row_value(adb_result_row(&s.result, row), 0).type, types[row]);
    session_close(&s);
}

/* The same text in each row stays a text; whatever encoding the database has, texts come out as UTF-8. */
static void read_texts(const char *encoding)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, encoding);
    must(&s, "CREATE TABLE t (a TEXT)");
    must(&s, "INSERT INTO t VALUES ('Zürich'), (''), ('日本')");
    must(&s, "SELECT a, 'Straße' FROM t ORDER BY rowid");
    static const char *const texts[] = {"Zürich", "", "日本"};
    REQUIRE(adb_result_rows(&s.result) == 3);
    for (size_t row = 0; row < 3; row++) {
        const adb_value constant = adb_row_value(adb_result_row(&s.result, row), 1);
        CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(&s.result, row), 0), texts[row]);
        CU_ASSERT(constant.type == ADB_TYPE_TEXT && constant.size == strlen("Straße"));
    }
    session_close(&s);
}

TEST(texts_are_utf8_in_every_encoding)
{
    read_texts("PRAGMA encoding = 'UTF-8'");
    read_texts("PRAGMA encoding = 'UTF-16le'");
    read_texts("PRAGMA encoding = 'UTF-16be'");
}

SUITE(sqlite_values, CASE(integers_and_null_come_back_exactly), CASE(booleans_are_stored_as_numbers),
      CASE(doubles_come_back_exactly_but_nan_is_null), CASE(text_and_blobs_come_back_exactly),
      CASE(other_types_are_stored_as_text), CASE(large_values_come_back), CASE(values_follow_their_numbers),
      CASE(a_wrong_number_of_values_is_refused), CASE(percent_signs_are_left_alone),
      CASE(columns_are_described_even_without_rows), CASE(declared_types_become_hints),
      CASE(values_keep_their_storage_class), CASE(texts_are_utf8_in_every_encoding))
