/* SPDX-License-Identifier: BSD-3-Clause */
/* The client library's own handle, and work on the worker around it. */
#include "tests/conformance/driver_suite.h"

static void *seen[4];
static size_t n_seen;

static adb_status look(adb_session *session, void *user_data)
{
    (void)user_data;
    seen[n_seen++] = adb_session_native(session);
    return ADB_OK;
}

/* A held connection is the same one each time. RAW-01 RAW-02 RAW-05 */
TEST(a_held_connection_has_one_native_handle)
{
    suite_open(NULL);
    n_seen = 0;
    adb_acquire(ctx, NULL, NULL);
    adb_run(ctx, look, NULL, NULL);
    adb_acquire(ctx, NULL, NULL);
    adb_run(ctx, look, NULL, NULL);
    adb_release(ctx, NULL, NULL);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT(n_seen == 2 && seen[0] != NULL && seen[0] == seen[1]);
    suite_close();
}

static adb_status insert_native(adb_session *session, void *user_data)
{
    (void)user_data;
    return suite->dialect->native_execute(adb_session_native(session), "INSERT INTO notes (text) VALUES ('native')");
}

/* What is done by the client library itself is part of the open transaction. RAW-03 PAR-25 */
TEST(native_work_is_inside_the_transaction)
{
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(ended_well(adb_run(ctx, insert_native, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, insert_native, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

static adb_status begin_native(adb_session *session, void *user_data)
{
    (void)user_data;
    if (suite->dialect->native_execute(adb_session_native(session), "BEGIN") != ADB_OK)
        return ADB_E_SQL;
    return insert_native(session, NULL);
}

/* A transaction left open behind the library's back is found and rolled back. RAW-01 TX-41 */
TEST(a_native_transaction_left_open_is_rolled_back)
{
    NOTES("a");
    adb_transact(ctx, NULL, insert_native, NULL, NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    adb_begin(ctx, NULL, NULL, NULL); /* on the connection that writes */
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT(ended_well(adb_run(ctx, begin_native, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(lane()), 2);
    CU_ASSERT_EQUAL(figures().dirty_returns, 1);
    suite_close();
}

static adb_status copy_rows(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result *all = adb_session_fetch_all(session, "SELECT text FROM notes ORDER BY id", NULL);
    adb_status status = adb_result_status(all);
    for (size_t i = 0; i < adb_result_rows(all) && status == ADB_OK; i++) {
        const adb_value value = adb_row_value(adb_result_row(all, i), 0);
        adb_result *one =
            adb_session_execute(session, "INSERT INTO notes (text) VALUES (:text)", ADB_PARAMS({"text", value}));
        status = adb_result_status(one);
        adb_result_unref(one);
    }
    adb_result_unref(all);
    if (status == ADB_OK)
        adb_session_return(session, adb_session_fetch_val(session, "SELECT count(*) FROM notes", NULL));
    return status;
}

/* Many statements for one hop, and the last result as the job's own. RAW-03 */
TEST(a_function_runs_many_statements)
{
    NOTES("a", "b", "c");
    adb_result *copied = outcome(adb_transact(ctx, NULL, copy_rows, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(copied), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_value(copied).as.integer, 6);
    suite_close();
}

GROUP(raw, SQL(a_held_connection_has_one_native_handle), SQL(native_work_is_inside_the_transaction),
      SQL(a_native_transaction_left_open_is_rolled_back), SQL(a_function_runs_many_statements));
