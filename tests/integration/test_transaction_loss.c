/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises 6 and 8: a transaction is bound to one connection, nothing of it runs elsewhere, and nothing dirty goes
 * back. */
#include "tests/lib/rig.h"

#include <string.h>

static adb_status commit(struct rig *rig)
{
    return status_of(rig->ctx, adb_commit(rig->ctx, NULL, NULL));
}

static adb_status execute(struct rig *rig, const char *sql)
{
    return status_of(rig->ctx, adb_execute(rig->ctx, sql, NULL, NULL, NULL));
}

/* The connection dies: every later job fails until the stack is unwound, and none of it has run elsewhere. */
TEST(lost_connection_loses_the_transaction)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(&rig, "insert 4"), ADB_OK);
    CU_ASSERT(fake_table_is("4"));
    rig_close(&rig);
}

/* A begin in a lost transaction opens a lost level; each takes its own end. */
TEST(begin_in_a_lost_transaction_is_lost)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "SAVEPOINT"), 0);
    rig_close(&rig);
}

/* The connection dies between two jobs of a transaction: the next statement has not run, nor may it elsewhere. */
TEST(idle_loss_inside_a_transaction_loses_it)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=2", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    fake_lose_idle();
    const adb_status status = execute(&rig, "insert 2");
    CU_ASSERT(status == ADB_E_TRANSACTION_LOST || status == ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_LOST);
    CU_ASSERT(fake_table_is(""));
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_OK);
    rig_close(&rig);
}

/* An acquired connection that dies is not replaced behind the program's back. (CTX-02, CTX-25, REG-63) */
TEST(lost_connection_loses_the_hold)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_acquire(rig.ctx, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_E_STATE);
    CU_ASSERT(fake_table_is("2"));
    rig_close(&rig);
}

/* The database itself ends the transaction (a raw COMMIT): what follows does not run outside. */
TEST(transaction_ended_by_a_statement_is_lost)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "COMMIT"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_LOST);
    CU_ASSERT(fake_table_is("1"));
    rig_close(&rig);
}

/* BEGIN fails: the level is there and failed, nothing runs outside, and the connection goes back. (TX-17, TX-19,
 * PAIN-06) */
TEST(begin_that_fails_opens_a_failed_level)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("BEGIN", ADB_E_LOCKED, 0, 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_E_LOCKED);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 1);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT(fake_table_is(""));
    CU_ASSERT_EQUAL(rig_stats(&rig).held, 0);
    rig_close(&rig);
}

/* A begin that was cancelled while it waited opens a failed level too. */
BOTH(begin_that_is_cancelled_opens_a_failed_level)
{
    RIG(rig, kind, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    const adb_job begin = adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_job insert = rig_insert(&rig, 1, NULL, NULL);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, begin), ADB_OK);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begin), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(status_of(rig.ctx, insert), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_NO_TRANSACTION);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A statement of a transaction that was cancelled while it waited fails the level: the transaction is not whole. */
BOTH(cancelled_statement_fails_its_level)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.lock = ADB_LOCK_DEFAULT), NULL, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    const adb_job insert = rig_insert(&rig, 1, NULL, NULL);
    rig_await_slow(&rig, 1);
    adb_cancel(rig.ctx, insert);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A commit that was cancelled while it waited has ended the level all the same, and nothing was kept. */
BOTH(cancelled_commit_ends_the_level)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    const adb_job end = adb_commit(rig.ctx, NULL, NULL);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, end), ADB_OK);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, end), ADB_E_CANCELLED);
    CU_ASSERT(rig_holds(&rig, ""));
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    rig_close(&rig);
}

/* COMMIT is refused by the database: rolled back, the level over, the connection clean. (TX-18, PAIN-06) */
TEST(commit_that_fails_rolls_back)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    fake_text_fails("COMMIT", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION, 1);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_SERIALIZATION);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 0);
    rig_close(&rig);
}

/* The connection dies under COMMIT: nobody knows what became of it, and it says so. */
TEST(commit_that_is_lost_is_outcome_unknown)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    fake_text_fails("COMMIT", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
    const adb_error error = error_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT(error.flags & ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 1);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    rig_close(&rig);
}

/* ROLLBACK of an open level fails: the connection is given up, which rolls back for sure. (POOL-13) */
TEST(rollback_that_fails_discards_the_connection)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    fake_text_fails("ROLLBACK", ADB_E_IO, 0, 10);
    CU_ASSERT(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)) != ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

/* A transaction that nobody owns is rolled back before the next lane gets the connection. (POOL-12, CFL-14, TX-41) */
TEST(dirty_return_is_rolled_back)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "dirty"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_texts(), "dirty; ROLLBACK; insert 1; "));
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 1);
    CU_ASSERT(fake_table_is("1"));
    rig_close(&rig);
}

/* And where that fails, the connection is discarded. */
TEST(dirty_return_that_stays_is_discarded)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    fake_text_fails("ROLLBACK", ADB_E_IO, 0, 10);
    CU_ASSERT_EQUAL(execute(&rig, "dirty"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_dirty, 1);
    CU_ASSERT(fake_table_is("1"));
    rig_close(&rig);
}

/* A plain BEGIN by text on SQLite: rolled back behind the job, so that the next job is not inside. */
TEST(begin_by_text_is_rolled_back)
{
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "BEGIN IMMEDIATE"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 1);
    rig_close(&rig);
}

/* What an acquired connection has open by text is its own while it is held, and rolled back at the release. */
TEST(release_rolls_back_what_is_open)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    adb_acquire(rig.ctx, NULL, NULL);
    adb_acquire(rig.ctx, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "BEGIN"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, "reset"), 1);
    rig_close(&rig);
}

SUITE(transaction_loss, CASE(lost_connection_loses_the_transaction), CASE(begin_in_a_lost_transaction_is_lost),
      CASE(idle_loss_inside_a_transaction_loses_it), CASE(lost_connection_loses_the_hold),
      CASE(transaction_ended_by_a_statement_is_lost), CASE(begin_that_fails_opens_a_failed_level),
      CASES(begin_that_is_cancelled_opens_a_failed_level), CASES(cancelled_statement_fails_its_level),
      CASES(cancelled_commit_ends_the_level), CASE(commit_that_fails_rolls_back),
      CASE(commit_that_is_lost_is_outcome_unknown), CASE(rollback_that_fails_discards_the_connection),
      CASE(dirty_return_is_rolled_back), CASE(dirty_return_that_stays_is_discarded), CASE(begin_by_text_is_rolled_back),
      CASE(release_rolls_back_what_is_open))
