/* SPDX-License-Identifier: BSD-3-Clause */
/* Fetching: all, one, a value, some; scripts and DDL; what the next query sees. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* Every row in order; none is no failure, and its columns are known all the same. QRY-01 QRY-37 */
TEST(fetch_all_gives_every_row_in_order)
{
    NOTES("a", "b", "c");
    adb_result *all = rows("SELECT text FROM notes ORDER BY id");
    CU_ASSERT_EQUAL(adb_result_rows(all), 3);
    CU_ASSERT(is_text(adb_result_row(all, 0), 0, "a"));
    CU_ASSERT(is_text(adb_result_row(all, 2), 0, "c"));
    adb_result *none = rows("SELECT text FROM notes WHERE text = 'd'");
    CU_ASSERT_EQUAL(adb_result_rows(none), 0);
    CU_ASSERT_EQUAL(adb_result_columns(none), 1);
    suite_close();
}

/* The first row of many, or none. QRY-02 REG-48 */
TEST(fetch_one_gives_the_first_row_or_none)
{
    NOTES("a", "b");
    adb_result *one = outcome(adb_fetch_one(ctx, "SELECT text FROM notes ORDER BY id", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_rows(one), 1);
    CU_ASSERT(is_text(adb_result_row(one, 0), 0, "a"));
    one = outcome(adb_fetch_one(ctx, "SELECT text FROM notes WHERE text = 'd'", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(one), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_rows(one), 0);
    suite_close();
}

static adb_result *fetch_column(size_t column, const char *name)
{
    return outcome(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = "SELECT 1 AS a, 2 AS b",
                                               .column = column, .column_name = name)));
}

/* The first column unless told, any other by number or name. QRY-03 QRY-04 */
TEST(fetch_val_gives_a_column_by_number_or_name)
{
    suite_open(NULL);
    CU_ASSERT_EQUAL(answer("SELECT 1 AS a, 2 AS b", NULL).as.integer, 1);
    CU_ASSERT_EQUAL(adb_result_value(fetch_column(1, NULL)).as.integer, 2);
    CU_ASSERT_EQUAL(adb_result_value(fetch_column(0, "b")).as.integer, 2);
    suite_close();
}

/* A column that is not there is a status, by number and by name. QRY-06 */
TEST(fetch_val_of_no_column_fails)
{
    suite_open(NULL);
    CU_ASSERT_EQUAL(adb_result_status(fetch_column(2, NULL)), ADB_E_RANGE);
    adb_result *failed = fetch_column(0, "c");
    CU_ASSERT_EQUAL(adb_result_status(failed), ADB_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(adb_result_error(failed)->message, "c"));
    suite_close();
}

/* NULL is a value of a row; no row is no row. QRY-05 */
TEST(no_row_differs_from_null)
{
    NOTES(NULL);
    adb_result *null = outcome(adb_fetch_val(ctx, "SELECT text FROM notes", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_rows(null), 1);
    CU_ASSERT_EQUAL(adb_result_value(null).type, ADB_TYPE_NULL);
    adb_result *none = outcome(adb_fetch_val(ctx, "SELECT text FROM notes WHERE id < 0", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(none), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_rows(none), 0);
    suite_close();
}

/* Fetch-val reads a column as fetch-one does. QRY-07 REG-26 */
TEST(fetch_val_reads_as_fetch_one_does)
{
    NOTES("a");
    adb_result *one = outcome(adb_fetch_one(ctx, "SELECT completed FROM notes", NULL, NULL, NULL));
    const adb_value expected = adb_row_value(adb_result_row(one, 0), 0);
    const adb_value value = answer("SELECT completed FROM notes", NULL);
    CU_ASSERT(adb_value_equal(&value, &expected));
    suite_close();
}

/* No more rows than asked for; to ask for none is a mistake. QRY-24 QRY-25 QRY-26 */
TEST(fetch_many_stops_at_its_limit)
{
    NOTES("a", "b", "c");
    adb_result *two = outcome(adb_fetch_many(ctx, "SELECT text FROM notes ORDER BY id", NULL, 2, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_rows(two), 2);
    CU_ASSERT(is_text(adb_result_row(two, 1), 0, "b"));
    adb_result *all = outcome(adb_fetch_many(ctx, "SELECT text FROM notes", NULL, 9, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_rows(all), 3);
    CU_ASSERT_EQUAL(adb_fetch_many(ctx, "SELECT text FROM notes", NULL, 0, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_INVAL);
    suite_close();
}

/* What is not read to its end holds nothing open: the table can go at once. QRY-36 */
TEST(an_early_end_closes_the_cursor)
{
    NOTES("a", "b", "c");
    adb_fetch_one(ctx, "SELECT text FROM notes", NULL, NULL, NULL);
    adb_fetch_many(ctx, "SELECT text FROM notes", NULL, 2, NULL, NULL);
    adb_execute(ctx, "SELECT text FROM notes", NULL, NULL, NULL);
    adb_fetch_all(ctx, "SELECT missing FROM notes", NULL, NULL, NULL);
    must("DROP TABLE notes");
    suite_close();
}

/* One text, one statement; a script runs several, up to the first that fails. QRY-28 */
TEST(several_statements_need_a_script)
{
    NOTES("a");
    static const char text[] = "INSERT INTO notes (text) VALUES ('b'); INSERT INTO notes (text) VALUES ('c;d')";
    CU_ASSERT_EQUAL(ended(adb_execute(ctx, text, NULL, NULL, NULL)), ADB_E_MULTI);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(ended_well(adb_execute_script(ctx, text, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    CU_ASSERT_NOT_EQUAL(ended(adb_execute_script(ctx,
                                                 "DELETE FROM notes WHERE text = 'b'; DELETE FROM nowhere;"
                                                 "DELETE FROM notes",
                                                 NULL, NULL)),
                        ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* Its outcome is that of its last statement. */
TEST(a_script_ends_as_its_last_statement)
{
    int64_t id = 0;
    NOTES("a", "b");
    adb_result *updated = outcome(adb_execute_script(
        ctx, "DELETE FROM notes WHERE text = 'a'; UPDATE notes SET text = 'b' WHERE id > 0;", NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_affected(updated), 1);
    CU_ASSERT_FALSE(adb_result_last_insert_id(updated, &id));
    adb_result *inserted =
        outcome(adb_execute_script(ctx, "DELETE FROM notes; INSERT INTO notes (text) VALUES ('c'), ('d')", NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_affected(inserted), 2);
    CU_ASSERT_EQUAL(adb_result_last_insert_id(inserted, &id), (suite->can & SUITE_KEYS) != 0);
    CU_ASSERT_EQUAL(adb_result_rows(outcome(adb_execute_script(ctx, "DELETE FROM notes; SELECT 1", NULL, NULL))), 1);
    suite_close();
}

/* DDL runs through execute; fetched, it yields no rows and no columns. QRY-29 QRY-30 */
TEST(ddl_can_be_executed_and_fetched)
{
    suite_open(NULL);
    must("DROP TABLE IF EXISTS other");
    must("CREATE TABLE other (id INTEGER)");
    adb_result *dropped = rows("DROP TABLE other");
    CU_ASSERT_EQUAL(adb_result_rows(dropped), 0);
    CU_ASSERT_EQUAL(adb_result_columns(dropped), 0);
    suite_close();
}

/* Create and drop inside a transaction. REG-27 */
TEST(ddl_can_stand_in_a_transaction)
{
    suite_open(NULL);
    must("DROP TABLE IF EXISTS other");
    adb_begin(ctx, NULL, NULL, NULL);
    must("CREATE TABLE other (id INTEGER)");
    must("DROP TABLE other");
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    suite_close();
}

/* Where a database commits by itself before it makes a table, the transaction is gone: that is told, and nothing runs
 * outside of it. REG-27 TX-40 */
TEST(ddl_that_commits_by_itself_is_told)
{
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    must("CREATE TABLE other (id INTEGER)");
    CU_ASSERT_EQUAL(add_note(ctx, "c"), (suite->can & SUITE_UNDOES_DDL) != 0);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)) == ADB_OK, (suite->can & SUITE_UNDOES_DDL) != 0);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    CU_ASSERT_EQUAL(count_notes(ctx), (suite->can & SUITE_UNDOES_DDL) ? 3 : 2);
    suite_close();
}

/* Without a transaction a write is there for everybody at once. QRY-31 CTX-34 REG-49 REG-65 */
TEST(a_write_is_seen_by_other_contexts_at_once)
{
    NOTES("a");
    adb_context *other = lane();
    CU_ASSERT_EQUAL(count_notes(other), 1);
    CU_ASSERT(add_note(other, "b"));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* A statement that is kept prepared follows the table when it changes. QRY-33 */
TEST(a_repeated_statement_follows_the_schema)
{
    NOTES("a");
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(adb_result_columns(rows("SELECT * FROM notes")), 3);
    must("ALTER TABLE notes ADD COLUMN more VARCHAR(10)");
    CU_ASSERT_EQUAL(adb_result_columns(rows("SELECT * FROM notes")), 4);
    suite_close();
}

/* Text may be counted instead of ended by a NUL. QRY-34 */
TEST(a_statement_may_be_counted_text)
{
    suite_open(NULL);
    adb_result *counted = outcome(adb_submit(
        ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = "SELECT 12 of a longer text", .sql_size = 9)));
    CU_ASSERT_EQUAL(adb_result_value(counted).as.integer, 12);
    suite_close();
}

/* Statements may share their columns' shape or not: the library keeps none of them. REG-24 */
TEST(many_shapes_of_results_leave_nothing_behind)
{
    char sql[64];
    suite_open(ADB_OPTIONS(.statement_cache = 4));
    for (int i = 0; i < 500; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d AS a%d, 'x' AS b%d", i, i, i);
        adb_result *result = adb_wait(ctx, adb_fetch_all(ctx, sql, NULL, NULL, NULL), -1);
        CU_ASSERT_EQUAL(adb_row_int(adb_result_row(result, 0), 0), i);
        adb_result_unref(result);
    }
    suite_close();
}

GROUP(queries, SQL(fetch_all_gives_every_row_in_order), SQL(fetch_one_gives_the_first_row_or_none),
      SQL(fetch_val_gives_a_column_by_number_or_name), SQL(fetch_val_of_no_column_fails), SQL(no_row_differs_from_null),
      SQL(fetch_val_reads_as_fetch_one_does), SQL(fetch_many_stops_at_its_limit), SQL(an_early_end_closes_the_cursor),
      SQL(several_statements_need_a_script), SQL(a_script_ends_as_its_last_statement),
      SQL(ddl_can_be_executed_and_fetched), NEEDS(SUITE_SQL | SUITE_UNDOES_DDL, ddl_can_stand_in_a_transaction),
      SQL(ddl_that_commits_by_itself_is_told), SQL(a_write_is_seen_by_other_contexts_at_once),
      SQL(a_repeated_statement_follows_the_schema), SQL(a_statement_may_be_counted_text),
      SQL(many_shapes_of_results_leave_nothing_behind));
