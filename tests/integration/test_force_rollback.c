/* SPDX-License-Identifier: BSD-3-Clause */
/* A database opened with force_rollback: one connection for all, inside a transaction that close rolls back. */
#include "tests/lib/rig.h"

#define FORCED ADB_OPTIONS(.force_rollback = true)

/* What is written shows everywhere, and is gone after the close. (FR-01, FR-02, FR-04, FR-08, CTX-10) */
BOTH(writes_vanish_at_close)
{
    RIG(rig, kind, FORCED);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT(rows_are(other, adb_fetch_all(other, kind->rows, NULL, NULL, NULL), "1"));
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    CU_ASSERT(fake_table_is(""));
    adb_context_free(other);
    rig_close(&rig);
}

/* Transactions inside are savepoints: their commits show, and vanish too. (FR-03) */
BOTH(commits_vanish_at_close)
{
    RIG(rig, kind, FORCED);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    adb_database_close(rig.db, PATIENCE_MS);
    adb_database_connect(rig.db, PATIENCE_MS, NULL);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* One connection, one BEGIN, no COMMIT, whatever runs. */
TEST(nothing_is_ever_committed)
{
    struct rig rig;
    const adb_params sets[] = {*ADB_PARAMS({"n", adb_int(5)}), *ADB_PARAMS({"n", adb_int(6)})};
    rig_open_fake(&rig, "fake://?force_rollback=true&readers=2&max_size=5", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    adb_commit(rig.ctx, NULL, NULL);
    adb_execute_many(rig.ctx, "insert :n", sets, 2, NULL, NULL);
    CU_ASSERT(rows_are(rig.ctx, adb_fetch_all(rig.ctx, "select table", NULL, NULL, NULL), "1 5 6"));
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "BEGIN"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 0);
    rig_close(&rig);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "ROLLBACK"), 1);
    CU_ASSERT(fake_table_is(""));
}

/* A statement that ends the transaction is found out, and a new one begun. (TX-40) */
TEST(transaction_that_was_ended_is_begun_again)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?force_rollback=true", NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, "ROLLBACK", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, "insert 2", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "2"));
    rig_close(&rig);
    CU_ASSERT(fake_table_is(""));
}

/* A failed base transaction is a failed connect, and nothing is left half open. (LIFE-10, FR-09) */
TEST(base_transaction_that_fails_is_a_failed_connect)
{
    struct rig rig;
    adb_error error;
    rig_open_fake(&rig, "fake://?force_rollback=true", NULL);
    fake_text_fails("BEGIN", ADB_E_LOCKED, 0, 1);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_E_LOCKED);
    CU_ASSERT_FALSE(adb_database_is_connected(rig.db));
    CU_ASSERT_EQUAL(fake_count(FAKE_CLOSE, ""), 1);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    rig_close(&rig);
    CU_ASSERT(fake_table_is(""));
}

static void *use_it(void *data)
{
    struct rig *rig = data;
    adb_context *ctx = adb_context_new(rig->db, NULL, 0);
    for (int i = 0; i < 20; i++)
        adb_execute(ctx, rig->kind->insert, ADB_PARAMS({"n", adb_int(1)}), NULL, NULL);
    run_all(ctx);
    adb_context_free(ctx);
    return NULL;
}

/* Threads share the one connection in turn. (FR-02, FR-10, PAIN-09) */
BOTH(threads_share_the_connection)
{
    enum { N = 3 };
    pthread_t threads[N];
    RIG(rig, kind, FORCED);
    for (int i = 0; i < N; i++)
        pthread_create(&threads[i], NULL, use_it, &rig);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    adb_result *rows = adb_wait(rig.ctx, adb_fetch_all(rig.ctx, kind->rows, NULL, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_rows(rows), 20 * N);
    adb_result_unref(rows);
    CU_ASSERT_EQUAL(rig_stats(&rig).opened, 1);
    rig_close(&rig);
}

SUITE(force_rollback, CASES(writes_vanish_at_close), CASES(commits_vanish_at_close), CASE(nothing_is_ever_committed),
      CASE(transaction_that_was_ended_is_begun_again), CASE(base_transaction_that_fails_is_a_failed_connect),
      CASES(threads_share_the_connection))
