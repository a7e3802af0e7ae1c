/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows as a database fills them: columns by number, name and table, and how long they live. What rows do by themselves
 * is tested in tests/unit/test_result.c. */
#include "tests/conformance/driver_suite.h"

#include <string.h>

static adb_row first(const char *sql)
{
    return adb_result_row(rows(sql), 0);
}

/* By number and by name, of written-out columns and of a star alike. REC-01 REC-03 REC-06 REC-22 REC-23 REG-09 REG-13
 * REG-29 REG-43 REG-44 PAIN-19 */
TEST(columns_are_reached_by_number_and_name)
{
    adb_value value;
    NOTES("a");
    adb_result *all = rows("SELECT * FROM notes");
    CU_ASSERT_EQUAL(adb_result_columns(all), 3);
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(all, 0), "id");
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(all, 1), "text");
    CU_ASSERT_EQUAL(adb_result_column_index(all, "completed"), 2);
    CU_ASSERT_EQUAL(adb_row_get(adb_result_row(all, 0), "text", &value), ADB_OK);
    CU_ASSERT_STRING_EQUAL(value.as.text, "a");
    CU_ASSERT(is_text(adb_result_row(all, 0), 1, "a"));
    suite_close();
}

/* A name that is not there is a status; a number beyond the end reads as NULL. REC-02 REC-15 REC-17 */
TEST(columns_that_are_not_there_are_told)
{
    adb_value value = adb_int(7);
    NOTES("a");
    const adb_row row = first("SELECT text FROM notes");
    CU_ASSERT_EQUAL(adb_row_get(row, "nothing", &value), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(value.as.integer, 7);
    CU_ASSERT_EQUAL(adb_result_column_index(row.result, "TEXT"), -1);
    CU_ASSERT(adb_row_is_null(row, 1));
    suite_close();
}

/* Names that come twice are both there; the name finds the first. CFL-13 REC-08 REC-09 REC-10 REC-16 REG-42 REG-67 */
TEST(columns_of_one_name_are_all_there)
{
    adb_value value;
    suite_open(NULL);
    adb_result *twice = rows("SELECT 1 AS id, 2 AS id");
    CU_ASSERT_EQUAL(adb_result_columns(twice), 2);
    CU_ASSERT_EQUAL(adb_result_column_count(twice, "id"), 2);
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(twice, 0), 1), 2);
    CU_ASSERT_EQUAL(adb_row_get(adb_result_row(twice, 0), "id", &value), ADB_OK);
    CU_ASSERT_EQUAL(value.as.integer, 1);
    suite_close();
}

/* The table tells equal names of a join apart, where the client library tells the table. REC-05 */
TEST(a_join_is_read_by_table_and_column)
{
    NOTES("a");
    table("tags", "id $int, text $text");
    must("INSERT INTO tags VALUES (1, 'tag')");
    adb_result *joined = rows("SELECT notes.text, tags.text FROM notes JOIN tags ON tags.id = notes.id");
    const int column = adb_result_column_find(joined, "tags", "text");
    if (adb_result_column_table(joined, 0) != NULL) {
        CU_ASSERT_EQUAL(column, 1);
        CU_ASSERT_EQUAL(adb_result_column_find(joined, "notes", "text"), 0);
    }
    CU_ASSERT_EQUAL(adb_result_column_find(joined, NULL, "text"), 0);
    suite_close();
}

/* A result needs neither connection nor context nor database. REC-21 */
TEST(a_result_outlives_its_database)
{
    NOTES("a", "b");
    adb_result *all = adb_wait(ctx, adb_fetch_all(ctx, "SELECT * FROM notes ORDER BY id", NULL, NULL, NULL), -1);
    suite_close();
    CU_ASSERT_EQUAL(adb_result_rows(all), 2);
    CU_ASSERT(is_text(adb_result_row(all, 1), 1, "b"));
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(all, 1), "text");
    adb_result_unref(all);
}

/* Rows of two queries are equal when their values are, and then hash alike. REC-13 REC-14 REC-20 */
TEST(rows_are_compared_by_their_values)
{
    NOTES("a", "a", "b");
    adb_result *all = rows("SELECT text, completed FROM notes ORDER BY id");
    const adb_row renamed = first("SELECT text AS x, completed AS y FROM notes ORDER BY id");
    CU_ASSERT(adb_row_equal(adb_result_row(all, 0), adb_result_row(all, 1)));
    CU_ASSERT(adb_row_equal(adb_result_row(all, 0), renamed));
    CU_ASSERT_EQUAL(adb_row_hash(adb_result_row(all, 0)), adb_row_hash(renamed));
    CU_ASSERT_FALSE(adb_row_equal(adb_result_row(all, 0), adb_result_row(all, 2)));
    suite_close();
}

/* A row is written as names and values in their order. REC-18 */
TEST(a_row_is_written_for_people)
{
    char text[64];
    suite_open(NULL);
    adb_row_format(first("SELECT 1 AS id, 'Ann' AS name, NULL AS id"), text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "id=1, name=Ann, id=NULL");
    suite_close();
}

/* Functions and labels are found by label; an expression without one keeps the database's name. REC-22 EXPR-09 */
TEST(expressions_are_found_by_label)
{
    NOTES("a", "b");
    const adb_row row = first("SELECT count(*) AS total, max(text) FROM notes");
    CU_ASSERT_EQUAL(adb_row_int(row, (size_t)adb_result_column_index(row.result, "total")), 2);
    CU_ASSERT_PTR_NOT_NULL(adb_result_column_name(row.result, 1));
    CU_ASSERT(is_text(row, 1, "b"));
    suite_close();
}

/* Each getter reads the same value, in its own type, as often as it is asked. REC-07 REC-24 REG-34 */
TEST(getters_read_the_same_value)
{
    NOTES("42");
    const adb_row row = first("SELECT text FROM notes");
    CU_ASSERT_EQUAL(adb_row_int(row, 0), 42);
    CU_ASSERT_EQUAL(adb_row_double(row, 0), 42.0);
    CU_ASSERT_PTR_EQUAL(adb_row_text(row, 0), adb_row_text(row, 0));
    CU_ASSERT_EQUAL(adb_row_value(row, 0).size, 2);
    suite_close();
}

GROUP(records, SQL(columns_are_reached_by_number_and_name), SQL(columns_that_are_not_there_are_told),
      SQL(columns_of_one_name_are_all_there), SQL(a_join_is_read_by_table_and_column),
      SQL(a_result_outlives_its_database), SQL(rows_are_compared_by_their_values), SQL(a_row_is_written_for_people),
      SQL(expressions_are_found_by_label), SQL(getters_read_the_same_value));
