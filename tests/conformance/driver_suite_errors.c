/* SPDX-License-Identifier: BSD-3-Clause */
/* Failures in one set of words: the same status for the same mistake on every database. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* The statement fails so, and says so in full: status, one line, the database's own number or SQLSTATE. */
static bool fails(const char *sql, adb_status status)
{
    const adb_error *error = adb_result_error(outcome(adb_execute(ctx, sql, NULL, NULL, NULL)));
    if (error->status != status)
        printf("# %s: %s: %s\n", sql, adb_status_name(error->status), error->message);
    return error->status == status && error->message[0] != '\0' && strchr(error->message, '\n') == NULL &&
           (error->native_code != 0 || error->sqlstate[0] != '\0');
}

/* Each constraint has a status of its own. ERR-01 ERR-02 */
TEST(constraints_have_a_status_each)
{
    NOTES("a");
    table("strict", "id $key, name $text NOT NULL, age $int CHECK (age >= 0)");
    table("child", "note $foreign");
    must("INSERT INTO strict VALUES (1, 'a', 1)");
    CU_ASSERT(fails("INSERT INTO strict VALUES (1, 'b', 1)", ADB_E_UNIQUE));
    CU_ASSERT(fails("INSERT INTO strict (id, age) VALUES (2, 1)", ADB_E_NOT_NULL));
    CU_ASSERT(fails("INSERT INTO strict VALUES (3, 'c', -1)", ADB_E_CHECK));
    CU_ASSERT(fails("INSERT INTO child VALUES (77)", ADB_E_FOREIGN_KEY));
    suite_close();
}

/* What cannot be parsed, is not there, or is there already. ERR-02 */
TEST(mistakes_in_sql_have_a_status_each)
{
    NOTES("a");
    CU_ASSERT(fails("SELEKT 1", ADB_E_SYNTAX));
    CU_ASSERT(fails("SELECT * FROM nowhere", ADB_E_UNDEFINED));
    CU_ASSERT(fails("SELECT missing FROM notes", ADB_E_UNDEFINED));
    CU_ASSERT(fails("SELECT no_such_function(1)", ADB_E_UNDEFINED));
    CU_ASSERT(fails("CREATE TABLE notes (id INTEGER)", ADB_E_EXISTS));
    suite_close();
}

/* A SQLSTATE is told, and the number of the client library where it has one. ERR-01 */
TEST(an_error_has_a_sqlstate)
{
    NOTES("a");
    const adb_error *error =
        adb_result_error(outcome(adb_execute(ctx, "INSERT INTO notes (id) VALUES (1)", NULL, NULL, NULL)));
    CU_ASSERT_STRING_EQUAL(error->sqlstate, suite->dialect->unique_sqlstate);
    CU_ASSERT_EQUAL(error->native_code, suite->dialect->unique_code);
    CU_ASSERT_EQUAL(error->flags, 0);
    suite_close();
}

/* Misuse is a status, never an abort: a release too many, a commit too many, a job that never was. ERR-03 ERR-06 */
TEST(misuse_is_a_status)
{
    suite_open(NULL);
    CU_ASSERT_EQUAL(ended(adb_release(ctx, NULL, NULL)), ADB_E_STATE);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(adb_cancel(ctx, 123456789), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(ended(123456789), ADB_E_NOT_FOUND);
    suite_close();
}

/* A failed result has no rows and no columns, and any getter may be asked. ERR-08 */
TEST(a_failed_result_can_be_read)
{
    suite_open(NULL);
    adb_result *failed = outcome(adb_fetch_all(ctx, suite->dialect->wrong, NULL, NULL, NULL));
    CU_ASSERT_NOT_EQUAL(adb_result_status(failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_rows(failed) + adb_result_columns(failed), 0);
    CU_ASSERT(adb_row_is_null(adb_result_row(failed, 0), 0));
    CU_ASSERT_EQUAL(adb_result_affected(failed), -1);
    CU_ASSERT_FALSE(adb_result_last_insert_id(failed, NULL));
    suite_close();
}

/* Errors in a transaction release it at its end, and the pool is as it was. ERR-09 QRY-32 */
TEST(errors_leave_no_connection_held)
{
    NOTES("a");
    for (int i = 0; i < 5; i++) {
        adb_begin(ctx, NULL, NULL, NULL);
        adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL);
        CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    }
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(figures().held, 0);
    CU_ASSERT_EQUAL(figures().connections, figures().opened);
    suite_close();
}

GROUP(errors, SQL(constraints_have_a_status_each), SQL(mistakes_in_sql_have_a_status_each),
      SQL(an_error_has_a_sqlstate), SQL(misuse_is_a_status), SQL(a_failed_result_can_be_read),
      SQL(errors_leave_no_connection_held));
