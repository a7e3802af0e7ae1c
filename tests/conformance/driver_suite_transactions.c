/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions: what they keep and undo, who sees it, options, and ends that go wrong. */
#include "tests/conformance/driver_suite.h"

#include <string.h>

static void begin(const adb_transaction_options *options)
{
    REQUIRE(ended_well(adb_begin(ctx, options, NULL, NULL)));
}

/* What is committed is there for others, and after the database was opened anew. TX-32 */
TEST(a_commit_is_durable)
{
    NOTES("a");
    begin(NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(lane()), 2);
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* A context sees its own uncommitted rows; others see them after the commit only. TX-03 TX-26 CTX-04 CTX-35 PAIN-02 */
TEST(uncommitted_rows_are_ones_own)
{
    NOTES("a");
    adb_context *other = lane();
    begin(NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT_EQUAL(count_notes(other), 1);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(other), 2);
    suite_close();
}

/* A reading transaction sees one state of the database throughout. TX-23 */
TEST(a_read_transaction_sees_one_state)
{
    NOTES("a");
    adb_context *other = lane();
    begin(ADB_TRANSACTION(.isolation = suite->dialect->snapshot, .read_only = true));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(add_note(other, "b"));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* Writes are refused before they begin, and the level fails as for any other error. TX-20 TX-21 TX-38 REG-31 */
TEST(a_read_only_transaction_refuses_writes)
{
    NOTES("a");
    begin(ADB_TRANSACTION(.read_only = true));
    CU_ASSERT_EQUAL(ended(adb_execute(ctx, "DELETE FROM notes", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(add_note(ctx, "b"));
    suite_close();
}

/* Options that are none are refused at submission; what the database has not is a status of begin. TX-21 TX-22 TX-37
 * REG-31 */
TEST(options_that_cannot_be_are_refused)
{
    NOTES("a");
    CU_ASSERT_EQUAL(adb_begin(ctx, ADB_TRANSACTION(.isolation = 9), NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_INVAL);
    const adb_status status =
        ended(adb_begin(ctx, ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED), NULL, NULL));
    CU_ASSERT(status == ADB_OK || status == ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(ended_well(adb_begin(ctx, ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE), NULL, NULL)));
    suite_close();
}

/* A begin that fails opens a level in which nothing runs, and one rollback ends it. TX-17 TX-19 PAIN-06 */
TEST(a_begin_that_fails_holds_nothing)
{
    NOTES("a");
    const adb_transaction_options odd = {.size = sizeof(odd),
                                         .read_only = true,
                                         .lock = ADB_LOCK_EXCLUSIVE,
                                         .isolation = ADB_ISOLATION_READ_UNCOMMITTED,
                                         .deferrable = true};
    CU_ASSERT_NOT_EQUAL(ended(adb_begin(ctx, &odd, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(ended(adb_execute(ctx, "DELETE FROM notes", NULL, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(figures().held, 0);
    suite_close();
}

/* A commit that the database refuses is a rollback: nothing stays open, and the next transaction works. TX-18 TX-19
 * PAIN-06 */
TEST(a_commit_that_fails_rolls_back)
{
    NOTES("a");
    table("kept", "note $deferred");
    begin(NULL);
    CU_ASSERT(add_note(ctx, "b"));
    must("INSERT INTO kept (note) VALUES (77)");
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_FOREIGN_KEY);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    begin(NULL);
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    suite_close();
}

/* With the database's own way a failed statement leaves the transaction as the database leaves it: usable, or fit for
 * nothing but a rollback, and then commit says so. TX-33 */
TEST(a_transaction_may_go_on_after_an_error)
{
    const bool goes_on = (suite->can & SUITE_GOES_ON) != 0;
    NOTES("a");
    begin(ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE));
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_NOT_EQUAL(ended(adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(add_note(ctx, "c"), goes_on);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)) == ADB_OK, goes_on);
    CU_ASSERT_EQUAL(count_notes(ctx), goes_on ? 3 : 1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    suite_close();
}

/* The first error is the one that is told, by what follows it and by commit. TX-42 PAIN-03 */
TEST(commit_tells_the_first_error)
{
    NOTES("a");
    begin(NULL);
    adb_execute(ctx, "DELETE FROM first_missing", NULL, NULL, NULL);
    adb_execute(ctx, "DELETE FROM second_missing", NULL, NULL, NULL);
    adb_result *failed = outcome(adb_commit(ctx, NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_status(failed), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(adb_result_error(failed)->message, "first_missing"));
    suite_close();
}

/* BEGIN as a statement is nobody's transaction: it does not survive its job. TX-41 CFL-14 POOL-12 PAIN-06 */
TEST(a_transaction_begun_by_sql_is_rolled_back)
{
    NOTES("a");
    CU_ASSERT(ended_well(adb_execute_script(ctx, "BEGIN; INSERT INTO notes (text) VALUES ('b')", NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(lane()), 1);
    CU_ASSERT_EQUAL(figures().dirty_returns, 1);
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT_EQUAL(count_notes(lane()), 2);
    suite_close();
}

/* A COMMIT as a statement ends the transaction under the context: it is told, and nothing runs outside. */
TEST(a_commit_by_sql_loses_the_transaction)
{
    NOTES("a");
    begin(NULL);
    adb_execute(ctx, "COMMIT", NULL, NULL, NULL);
    const adb_status status = ended(adb_execute(ctx, "DELETE FROM notes", NULL, NULL, NULL));
    CU_ASSERT(status == ADB_E_TRANSACTION_LOST || status == ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_NOT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* One transaction that is rolled back in any case; its commit is no failure. FR-05 */
TEST(a_transaction_can_be_rolled_back_in_any_case)
{
    NOTES("a");
    begin(ADB_TRANSACTION(.force_rollback = true));
    CU_ASSERT(add_note(ctx, "b"));
    begin(ADB_TRANSACTION(.force_rollback = true));
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Begin takes a connection by itself, and the end of the transaction gives it back. TX-02 TX-31 TX-35 REG-66 */
TEST(a_transaction_holds_one_connection)
{
    NOTES("a");
    begin(NULL);
    until_held(1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 1);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    suite_close();
}

/* Transactions of several contexts, at once or in turn, all succeed. CTX-32 TX-10 REG-07 REG-12 REG-23 PAIN-01 */
TEST(transactions_of_several_contexts_all_succeed)
{
    adb_context *six[6];
    adb_job commits[6];
    NOTES(NULL);
    for (size_t i = 0; i < 6; i++) {
        six[i] = lane();
        adb_begin(six[i], NULL, NULL, NULL);
        adb_execute(six[i], "INSERT INTO notes (text) VALUES ('x')", NULL, NULL, NULL);
        commits[i] = adb_commit(six[i], NULL, NULL);
    }
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(ended_in(six[i], commits[i]), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 7);
    suite_close();
}

/* Cancelled work rolls its transaction back as failed work does. TX-01 */
TEST(a_cancelled_job_fails_its_transaction)
{
    NOTES("a");
    begin(NULL);
    CU_ASSERT(add_note(ctx, "b"));
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL);
    until_running(1);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

GROUP(transactions, NEEDS(SUITE_SQL | SUITE_PERSISTENT, a_commit_is_durable),
      NEEDS(SUITE_SQL | SUITE_READERS, uncommitted_rows_are_ones_own),
      NEEDS(SUITE_SQL | SUITE_READERS, a_read_transaction_sees_one_state), SQL(a_read_only_transaction_refuses_writes),
      SQL(options_that_cannot_be_are_refused), SQL(a_begin_that_fails_holds_nothing),
      NEEDS(SUITE_SQL | SUITE_DEFERRED, a_commit_that_fails_rolls_back), SQL(a_transaction_may_go_on_after_an_error),
      SQL(commit_tells_the_first_error), SQL(a_transaction_begun_by_sql_is_rolled_back),
      SQL(a_commit_by_sql_loses_the_transaction), SQL(a_transaction_can_be_rolled_back_in_any_case),
      SQL(a_transaction_holds_one_connection), SQL(transactions_of_several_contexts_all_succeed),
      SQL(a_cancelled_job_fails_its_transaction));
