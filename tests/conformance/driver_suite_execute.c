/* SPDX-License-Identifier: BSD-3-Clause */
/* Executing: what is told of changes and keys, and one statement with many sets of values. */
#include "tests/conformance/driver_suite.h"

#define INSERT "INSERT INTO notes (text) VALUES (:text)"

static adb_result *execute(const char *sql)
{
    adb_result *result = outcome(adb_execute(ctx, sql, NULL, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    return result;
}

/* The rows of an insert, update or delete, alike on all databases. QRY-08 QRY-14 QRY-15 CFL-07 PAIN-07 REG-38 REG-64 */
TEST(execute_tells_how_many_rows_it_changed)
{
    NOTES("a", "b", "c");
    CU_ASSERT_EQUAL(adb_result_affected(execute("INSERT INTO notes (text) VALUES ('d'), ('e')")), 2);
    CU_ASSERT_EQUAL(adb_result_affected(execute("UPDATE notes SET text = 'x' WHERE text > 'c'")), 2);
    CU_ASSERT_EQUAL(adb_result_affected(execute("UPDATE notes SET text = 'y' WHERE text = 'z'")), 0);
    CU_ASSERT_EQUAL(adb_result_affected(execute("DELETE FROM notes WHERE text = 'x'")), 2);
    CU_ASSERT_EQUAL(adb_result_affected(execute("DELETE FROM notes")), 3);
    suite_close();
}

/* Statements to which rows mean nothing say so. QRY-11 QRY-16 */
TEST(execute_of_ddl_or_select_has_no_row_count)
{
    NOTES("a");
    CU_ASSERT_EQUAL(adb_result_affected(execute("CREATE TABLE IF NOT EXISTS other (id INTEGER)")), -1);
    CU_ASSERT_EQUAL(adb_result_affected(execute("DROP TABLE other")), -1);
    CU_ASSERT_EQUAL(adb_result_affected(execute("SELECT * FROM notes")), -1);
    suite_close();
}

/* The key belongs to the job that inserted, never to one after it. QRY-09 QRY-10 */
TEST(a_key_is_told_by_the_insert_only)
{
    int64_t id = 0;
    NOTES("a");
    CU_ASSERT(adb_result_last_insert_id(execute("INSERT INTO notes (text) VALUES ('b')"), &id));
    CU_ASSERT_EQUAL(id, number("SELECT id FROM notes WHERE text = 'b'"));
    id = -7;
    CU_ASSERT_FALSE(adb_result_last_insert_id(execute("UPDATE notes SET text = 'c'"), &id));
    CU_ASSERT_FALSE(adb_result_last_insert_id(execute("DELETE FROM notes"), &id));
    CU_ASSERT_FALSE(adb_result_last_insert_id(execute("SELECT * FROM notes"), &id));
    CU_ASSERT_EQUAL(id, -7);
    suite_close();
}

/* What is fetched from a writing statement is written, and its row is given. QRY-12 QRY-17 */
TEST(insert_returning_gives_its_row)
{
    NOTES("a");
    adb_result *inserted = outcome(adb_fetch_one(ctx, "INSERT INTO notes (text) VALUES (:text) RETURNING id, text",
                                                 ADB_PARAMS({"text", adb_text("b")}), NULL, NULL));
    REQUIRE(adb_result_status(inserted) == ADB_OK);
    CU_ASSERT(is_text(adb_result_row(inserted, 0), 1, "b"));
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(inserted, 0), 0), number("SELECT id FROM notes WHERE text = 'b'"));
    CU_ASSERT_EQUAL(adb_result_affected(inserted), 1);
    suite_close();
}

/* Execute keeps the first row, and all rows are inserted however few are kept. QRY-08 QRY-13 */
TEST(execute_returning_inserts_every_row)
{
    NOTES("a");
    adb_result *inserted = execute("INSERT INTO notes (text) VALUES ('b'), ('c'), ('d') RETURNING id");
    CU_ASSERT_EQUAL(adb_result_affected(inserted), 3);
    CU_ASSERT_EQUAL(count_notes(ctx), 4);
    suite_close();
}

/* A SELECT may be executed. QRY-35 */
TEST(a_select_can_be_executed)
{
    NOTES("a", "b");
    CU_ASSERT_EQUAL(adb_result_status(execute("SELECT * FROM notes")), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* Statements of one word succeed like any other. QRY-16 REG-64 */
TEST(a_command_of_one_word_succeeds)
{
    NOTES("a");
    CU_ASSERT_EQUAL(adb_result_status(execute(suite->dialect->command)), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(execute(suite->dialect->command)), -1);
    suite_close();
}

/* Each set in its turn, and the sum of what they changed. QRY-18 QRY-22 CFL-21 */
TEST(execute_many_runs_each_set_in_order)
{
    const adb_params sets[] = {ADB_SET({"text", adb_text("b")}), ADB_SET({"text", adb_text("a")}),
                               ADB_SET({"text", adb_null()})};
    NOTES(NULL);
    adb_result *many = outcome(adb_execute_many(ctx, INSERT, sets, 3, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(many), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(many), 3);
    adb_result *all = rows("SELECT text FROM notes ORDER BY id");
    CU_ASSERT(is_text(adb_result_row(all, 1), 0, "b"));
    CU_ASSERT(is_text(adb_result_row(all, 2), 0, "a"));
    CU_ASSERT(adb_row_is_null(adb_result_row(all, 3), 0));
    suite_close();
}

/* Positional sets, a thousand of them. QRY-22 PAIN-11 */
TEST(execute_many_takes_a_thousand_positional_sets)
{
    static adb_param values[1000];
    static adb_params sets[1000];
    for (size_t i = 0; i < 1000; i++) {
        values[i] = (adb_param){NULL, adb_int((int64_t)i)};
        sets[i] = (adb_params){&values[i], 1};
    }
    NOTES(NULL);
    table("numbers", "n $int");
    CU_ASSERT(ended_well(adb_execute_many(ctx, "INSERT INTO numbers VALUES (?)", sets, 1000, NULL, NULL)));
    CU_ASSERT_EQUAL(number("SELECT sum(n) FROM numbers"), 499500);
    suite_close();
}

static adb_job insert_keys(unsigned flags)
{
    const adb_params sets[] = {ADB_SET({"id", adb_int(11)}), ADB_SET({"id", adb_int(12)}), ADB_SET({"id", adb_int(11)}),
                               ADB_SET({"id", adb_int(13)})};
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE_MANY, .flags = flags,
                                       .sql = "INSERT INTO notes (id) VALUES (:id)", .sets = sets, .n_sets = 4));
}

/* A set that fails takes the others with it, unless the caller says otherwise. QRY-19 CFL-10 */
TEST(execute_many_is_all_or_nothing)
{
    NOTES("a");
    CU_ASSERT_EQUAL(ended(insert_keys(0)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(ended(insert_keys(ADB_REQUEST_NOT_ATOMIC)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

/* Inside a transaction that goes on after errors, the sets are a savepoint of it. QRY-19 */
TEST(execute_many_fails_alone_in_a_transaction)
{
    NOTES("a");
    adb_begin(ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_EQUAL(ended(insert_keys(0)), ADB_E_UNIQUE);
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

/* One bad set among many, and nothing is sent. QRY-20 */
TEST(execute_many_checks_all_sets_first)
{
    const adb_params sets[] = {ADB_SET({"text", adb_text("b")}), ADB_SET({"txt", adb_text("c")})};
    NOTES("a");
    CU_ASSERT_EQUAL(adb_execute_many(ctx, INSERT, sets, 2, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* No sets: nothing to do, and that is done. QRY-21 QRY-23 */
TEST(execute_many_of_nothing_does_nothing)
{
    NOTES("a");
    adb_result *many = outcome(adb_execute_many(ctx, INSERT, NULL, 0, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(many), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

GROUP(execute, SQL(execute_tells_how_many_rows_it_changed), SQL(execute_of_ddl_or_select_has_no_row_count),
      NEEDS(SUITE_SQL | SUITE_KEYS, a_key_is_told_by_the_insert_only), NEEDS(SUITE_SQL | SUITE_RETURNING, insert_returning_gives_its_row),
      NEEDS(SUITE_SQL | SUITE_RETURNING, execute_returning_inserts_every_row), SQL(a_select_can_be_executed),
      SQL(a_command_of_one_word_succeeds), SQL(execute_many_runs_each_set_in_order),
      SQL(execute_many_takes_a_thousand_positional_sets), SQL(execute_many_is_all_or_nothing),
      SQL(execute_many_fails_alone_in_a_transaction), SQL(execute_many_checks_all_sets_first),
      SQL(execute_many_of_nothing_does_nothing));
