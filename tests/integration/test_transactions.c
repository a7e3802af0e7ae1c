/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 7, and the transaction stack as a program sees it: levels, failure of a level, options. What happens when a
 * connection dies under a transaction is in test_transaction_loss.c. */
#include "tests/lib/rig.h"

#include <string.h>

static adb_status commit(struct rig *rig)
{
    return status_of(rig->ctx, adb_commit(rig->ctx, NULL, NULL));
}

static adb_status roll_back(struct rig *rig)
{
    return status_of(rig->ctx, adb_rollback(rig->ctx, NULL, NULL));
}

static adb_job begin(struct rig *rig, const adb_transaction_options *options)
{
    return adb_begin(rig->ctx, options, NULL, NULL);
}

/* The whole transaction goes out without waiting for any part of it. (TX-01, TX-03, TX-08, TX-32, REG-66) */
BOTH(transaction_is_submitted_in_one_go)
{
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    rig_close(&rig);
}

/* After a failure nothing of the level is run, and commit says that it was rolled back, and why. (TX-06, TX-33,
 * TX-42) */
BOTH(failed_statement_fails_its_level)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, 1, tally_done, &tally);
    rig_insert(&rig, -1, tally_done, &tally);
    rig_insert(&rig, 2, tally_done, &tally);
    const adb_error error = error_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).status, ADB_OK);
    CU_ASSERT_EQUAL(tally_seen(&tally, 1).status, ADB_E_CHECK);
    CU_ASSERT_EQUAL(tally_seen(&tally, 2).status, ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(error.status, ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, tally_seen(&tally, 1).message));
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A level that failed is rolled back with ADB_OK: that is what was to become of it. */
BOTH(rollback_of_a_failed_level_is_ok)
{
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, -1, NULL, NULL);
    CU_ASSERT_EQUAL(roll_back(&rig), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* Levels are savepoints: each is kept or undone by itself. (TX-04, TX-05, TX-07, TX-16) */
BOTH(levels_nest)
{
    RIG(rig, kind, NULL);
    for (int level = 1; level <= 3; level++) {
        begin(&rig, NULL);
        rig_insert(&rig, level, NULL, NULL);
    }
    adb_rollback(rig.ctx, NULL, NULL);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 2);
    begin(&rig, NULL);
    rig_insert(&rig, 4, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2 4"));
    rig_close(&rig);
}

/* An inner level that failed and was unwound leaves the outer one usable. (TX-06, REG-12) */
BOTH(inner_failure_leaves_the_outer_level)
{
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, -1, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    rig_close(&rig);
}

/* A begin in a failed level opens a failed one: the stack stays in step with what the program has submitted. */
BOTH(begin_in_a_failed_level_is_unwound_like_any_other)
{
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, -1, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begin(&rig, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 2);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_NO_TRANSACTION);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* ADB_ON_ERROR_CONTINUE is the database's own way: here a failed statement has no effect but its own. */
BOTH(on_error_continue_keeps_the_level)
{
    RIG(rig, kind, NULL);
    begin(&rig, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE));
    rig_insert(&rig, 1, NULL, NULL);
    rig_insert(&rig, -1, NULL, NULL);
    rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    rig_close(&rig);
}

/* A forced rollback is what was asked for, so commit is ADB_OK; it nests. (FR-05, FR-03) */
BOTH(forced_rollback_of_one_transaction)
{
    RIG(rig, kind, NULL);
    begin(&rig, ADB_TRANSACTION(.force_rollback = true));
    rig_insert(&rig, 1, NULL, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* Inside a transaction only the marked level is undone. */
BOTH(forced_rollback_of_an_inner_level)
{
    RIG(rig, kind, NULL);
    begin(&rig, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    begin(&rig, ADB_TRANSACTION(.force_rollback = true));
    rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* A second end is a status and nothing is sent. (TX-14, TX-12, PAIN-08) */
BOTH(end_without_begin_is_no_transaction)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(roll_back(&rig), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, ""), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* Freeing the context rolls back what is open, and the connection serves the next. (TX-30, TX-31, LIFE-15, PAIN-05) */
BOTH(free_of_the_context_rolls_back)
{
    RIG(rig, kind, ADB_OPTIONS(.max_size = 2));
    adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(ctx, adb_execute(ctx, kind->insert, ADB_PARAMS({"n", adb_int(1)}), NULL, NULL)), ADB_OK);
    adb_context_free(ctx);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "2"));
    rig_close(&rig);
}

/* Jobs that wait in a freed context do not run outside its transaction. */
BOTH(free_of_the_context_runs_nothing_outside)
{
    RIG(rig, kind, NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_fetch_all(ctx, kind->slow, NULL, NULL, NULL);
    adb_execute(ctx, kind->insert, ADB_PARAMS({"n", adb_int(1)}), NULL, NULL);
    adb_commit(ctx, NULL, NULL);
    rig_await_slow(&rig, 1);
    adb_context_free(ctx);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "2"));
    rig_close(&rig);
}

/* A nested level takes isolation and the like from the outermost, or says the same. (TX-20, TX-21, TX-22) */
TEST(nested_options_must_agree)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    begin(&rig, ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE));
    CU_ASSERT_EQUAL(status_of(rig.ctx, begin(&rig, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begin(&rig, ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE))), ADB_OK);
    CU_ASSERT(status_of(rig.ctx, begin(&rig, ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED))) != ADB_OK);
    CU_ASSERT_EQUAL(roll_back(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_texts(), "BEGIN SERIALIZABLE; SAVEPOINT adb_2; SAVEPOINT adb_3; "));
    rig_close(&rig);
}

/* What the database has not is refused by begin, and the level is there to be unwound. (TX-21) */
TEST(unsupported_option_fails_the_level)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begin(&rig, ADB_TRANSACTION(.deferrable = true))), ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(commit(&rig), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(begin(&rig, ADB_TRANSACTION(.isolation = (adb_isolation)9)), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_INVAL);
    rig_close(&rig);
}

/* A write in a read-only transaction is refused, and fails its level. (TX-20) */
BOTH(read_only_transaction_refuses_writes)
{
    RIG(rig, kind, NULL);
    begin(&rig, ADB_TRANSACTION(.read_only = true));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(roll_back(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* Sets of values are all or nothing, in a transaction as a savepoint. (CFL-10, QRY-18, QRY-19) */
BOTH(execute_many_is_atomic)
{
    const adb_params good[] = {*ADB_PARAMS({"n", adb_int(1)}), *ADB_PARAMS({"n", adb_int(2)})};
    const adb_params bad[] = {*ADB_PARAMS({"n", adb_int(3)}), *ADB_PARAMS({"n", adb_int(-1)})};
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute_many(rig.ctx, kind->insert, good, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute_many(rig.ctx, kind->insert, bad, 2, NULL, NULL)), ADB_E_CHECK);
    begin(&rig, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE));
    rig_insert(&rig, 4, NULL, NULL);
    adb_execute_many(rig.ctx, kind->insert, bad, 2, NULL, NULL);
    CU_ASSERT_EQUAL(commit(&rig), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2 4"));
    rig_close(&rig);
}

/* Six transactions side by side, six rows. (TX-10, CTX-32, REG-07, REG-12) */
BOTH(transactions_run_side_by_side)
{
    enum { N = 6 };
    adb_context *contexts[N];
    adb_job commits[N];
    RIG(rig, kind, NULL);
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, NULL, 0);
        adb_begin(contexts[i], NULL, NULL, NULL);
        adb_execute(contexts[i], kind->insert, ADB_PARAMS({"n", adb_int(7)}), NULL, NULL);
        commits[i] = adb_commit(contexts[i], NULL, NULL);
    }
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(status_of(contexts[i], commits[i]), ADB_OK);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT(rig_holds(&rig, "7 7 7 7 7 7"));
    rig_close(&rig);
}

SUITE(transactions, CASES(transaction_is_submitted_in_one_go), CASES(failed_statement_fails_its_level),
      CASES(rollback_of_a_failed_level_is_ok), CASES(levels_nest), CASES(inner_failure_leaves_the_outer_level),
      CASES(begin_in_a_failed_level_is_unwound_like_any_other), CASES(on_error_continue_keeps_the_level),
      CASES(forced_rollback_of_one_transaction), CASES(forced_rollback_of_an_inner_level),
      CASES(end_without_begin_is_no_transaction), CASES(free_of_the_context_rolls_back),
      CASES(free_of_the_context_runs_nothing_outside), CASE(nested_options_must_agree),
      CASE(unsupported_option_fails_the_level), CASES(read_only_transaction_refuses_writes),
      CASES(execute_many_is_atomic), CASES(transactions_run_side_by_side))
