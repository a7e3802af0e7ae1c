/* SPDX-License-Identifier: BSD-3-Clause */
/* Savepoints, and transactions as functions that run on the worker. */
#include "tests/conformance/driver_suite.h"

#define INSERT "INSERT INTO notes (text) VALUES ('x')"

static adb_status execute(adb_session *session, const char *sql)
{
    adb_result *result = adb_session_execute(session, sql, NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

static void begin(void)
{
    REQUIRE(ended_well(adb_begin(ctx, NULL, NULL, NULL)));
}

/* Of three levels each is undone or kept by itself, innermost first: it is a stack. CFL-09 TX-04 TX-05 TX-07 TX-15
 * TX-16 */
TEST(each_level_ends_by_itself)
{
    NOTES("a");
    begin();
    CU_ASSERT(add_note(ctx, "b"));
    begin();
    CU_ASSERT(add_note(ctx, "c"));
    begin();
    CU_ASSERT(add_note(ctx, "d"));
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 3);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

/* What an inner level has committed goes with the outer one. TX-05 */
TEST(an_outer_rollback_undoes_inner_commits)
{
    NOTES("a");
    begin();
    begin();
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Levels one after the other in one transaction do not get in each other's way. TX-04 TX-05 */
TEST(levels_follow_one_another)
{
    NOTES("a");
    begin();
    for (int i = 0; i < 3; i++) {
        begin();
        CU_ASSERT(add_note(ctx, "b"));
        CU_ASSERT(ended_well(i == 1 ? adb_rollback(ctx, NULL, NULL) : adb_commit(ctx, NULL, NULL)));
    }
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

/* Isolation and the like are the outermost level's; a nested one must agree. TX-22 */
TEST(a_nested_level_must_agree_with_the_outermost)
{
    NOTES("a");
    REQUIRE(ended_well(adb_begin(ctx, ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE), NULL, NULL)));
    CU_ASSERT(ended_well(adb_begin(ctx, ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE), NULL, NULL)));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended(adb_begin(ctx, ADB_TRANSACTION(.read_only = true), NULL, NULL)), ADB_E_STATE);
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    suite_close();
}

static adb_status insert_once(adb_session *session, void *user_data)
{
    (void)user_data;
    return execute(session, INSERT);
}

/* One function, many runs at once, each a transaction of its own. TX-09 TX-10 CFL-08 REG-37 */
TEST(one_function_runs_in_many_transactions)
{
    adb_context *six[6];
    adb_job jobs[6];
    NOTES(NULL);
    for (size_t i = 0; i < 6; i++) {
        six[i] = lane();
        jobs[i] = adb_transact(six[i], NULL, insert_once, NULL, NULL);
    }
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(ended_in(six[i], jobs[i]), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 7);
    suite_close();
}

/* user_data: how often still. */
static adb_status insert_nested(adb_session *session, void *user_data)
{
    int *left = user_data;
    adb_status status = adb_session_begin(session, NULL);
    if (status == ADB_OK)
        status = execute(session, INSERT);
    if (status == ADB_OK && --*left > 0)
        status = insert_nested(session, left);
    return status == ADB_OK ? adb_session_commit(session) : status;
}

/* A function may call itself, one level deeper each time. TX-11 */
TEST(a_function_may_nest_in_itself)
{
    int left = 4;
    NOTES(NULL);
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, insert_nested, NULL, &left)));
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(count_notes(ctx), 5);
    suite_close();
}

/* The level of adb_transact() is not the function's to end: it is told so, and the end of the function decides. */
static adb_status end_by_hand(adb_session *session, void *user_data)
{
    adb_status *seen = user_data;
    const adb_status status = execute(session, INSERT);
    *seen = adb_session_rollback(session);
    return status;
}

/* Ending the scope by hand is a status, sends nothing, and does no harm at the end of the scope. TX-12 TX-13 CFL-08
 * PAIN-08 REG-62 */
TEST(a_function_cannot_end_its_own_scope)
{
    adb_status seen = ADB_OK;
    NOTES("a");
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, end_by_hand, NULL, &seen)));
    CU_ASSERT_EQUAL(seen, ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

static adb_status leave_open(adb_session *session, void *user_data)
{
    (void)user_data;
    CU_ASSERT_EQUAL(adb_session_begin(session, NULL), ADB_OK);
    CU_ASSERT_EQUAL(execute(session, INSERT), ADB_OK);
    CU_ASSERT_EQUAL(adb_session_depth(session), 1);
    return ADB_OK;
}

/* Levels that a function leaves open are rolled back. TX-30 PAIN-06 */
TEST(levels_left_open_are_rolled_back)
{
    NOTES("a");
    CU_ASSERT(ended_well(adb_run(ctx, leave_open, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    suite_close();
}

static adb_status absorb(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_status status = execute(session, INSERT);
    CU_ASSERT_EQUAL(adb_session_begin(session, NULL), ADB_OK);
    CU_ASSERT_EQUAL(execute(session, INSERT), ADB_OK);
    CU_ASSERT_NOT_EQUAL(execute(session, suite->dialect->wrong), ADB_OK);
    CU_ASSERT_EQUAL(adb_session_rollback(session), ADB_OK);
    return status == ADB_OK ? execute(session, INSERT) : status;
}

/* A function that undoes its inner failure goes on with the outer transaction. TX-06 */
TEST(a_function_may_absorb_an_inner_failure)
{
    NOTES("a");
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, absorb, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

static adb_status two_transactions(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_status status = adb_session_begin(session, NULL);
    if (status == ADB_OK)
        status = execute(session, INSERT);
    if (status == ADB_OK)
        status = adb_session_rollback(session);
    if (status == ADB_OK)
        status = adb_session_begin(session, NULL);
    if (status == ADB_OK)
        status = execute(session, INSERT);
    return status == ADB_OK ? adb_session_commit(session) : status;
}

/* Inside the context's own transaction a function's levels are savepoints. TX-24 TX-25 */
TEST(a_function_works_inside_the_contexts_transaction)
{
    NOTES("a");
    begin();
    CU_ASSERT(ended_well(adb_run(ctx, two_transactions, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 1);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

static adb_status fail_twice(adb_session *session, void *user_data)
{
    int *runs = user_data;
    const adb_status status = execute(session, INSERT);
    if (status != ADB_OK || ++*runs > 2)
        return status;
    return adb_session_fail(session, ADB_E_SERIALIZATION, "played by the test");
}

/* A transaction that the database chose to fail is tried again as a whole, as often as was said. */
TEST(transact_tries_again_when_a_retry_may_help)
{
    int runs = 0;
    NOTES("a");
    CU_ASSERT(ended_well(adb_transact(ctx, ADB_TRANSACTION(.retries = 3, .backoff_ms = 1), fail_twice, NULL, &runs)));
    CU_ASSERT_EQUAL(runs, 3);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT_EQUAL(figures().retries, 2);
    runs = 0;
    CU_ASSERT_EQUAL(ended(adb_transact(ctx, NULL, fail_twice, NULL, &runs)), ADB_E_SERIALIZATION);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

GROUP(nesting, SQL(each_level_ends_by_itself), SQL(an_outer_rollback_undoes_inner_commits),
      SQL(levels_follow_one_another), SQL(a_nested_level_must_agree_with_the_outermost),
      SQL(one_function_runs_in_many_transactions), SQL(a_function_may_nest_in_itself),
      SQL(a_function_cannot_end_its_own_scope), SQL(levels_left_open_are_rolled_back),
      SQL(a_function_may_absorb_an_inner_failure), SQL(a_function_works_inside_the_contexts_transaction),
      SQL(transact_tries_again_when_a_retry_may_help));
