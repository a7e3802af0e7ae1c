/* SPDX-License-Identifier: BSD-3-Clause */
/* Work that runs on the worker: adb_run(), adb_transact() with its retries, and the functions of a session. */
#include "tests/lib/rig.h"

#include <stdatomic.h>
#include <stdio.h>

static adb_status run_sql(adb_session *session, const char *sql)
{
    adb_result *result = adb_session_execute(session, sql, NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* What a work function is given: the rig's kind, and how often it has run. */
struct work {
    const struct kind *kind;
    const char *sql;
    atomic_uint runs;
};

static adb_status insert(adb_session *session, const struct kind *kind, int64_t n)
{
    adb_result *result = adb_session_execute(session, kind->insert, ADB_PARAMS({"n", adb_int(n)}));
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

static adb_status insert_two_and_return_rows(adb_session *session, void *user_data)
{
    const struct work *work = user_data;
    adb_status status = insert(session, work->kind, 1);
    if (status == ADB_OK)
        status = insert(session, work->kind, 2);
    adb_session_return(session, adb_session_fetch_one(session, work->kind->quick, NULL));
    adb_session_return(session, adb_session_fetch_all(session, work->kind->rows, NULL));
    return status;
}

/* Several statements for one hop; what the function returns is the outcome's. (RAW-03) */
BOTH(run_returns_the_last_result)
{
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    CU_ASSERT(rows_are(rig.ctx, adb_run(rig.ctx, insert_two_and_return_rows, NULL, &work), "1 2"));
    CU_ASSERT(rig_holds(&rig, "1 2"));
    rig_close(&rig);
}

static adb_status insert_and_fail(adb_session *session, void *user_data)
{
    const struct work *work = user_data;
    insert(session, work->kind, 1);
    return adb_session_fail(session, ADB_E_RANGE, "no such luck");
}

/* The function's status and message are the job's; without a transaction its statements stay. */
BOTH(run_fails_with_the_functions_own_words)
{
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    const adb_error error = error_of(rig.ctx, adb_run(rig.ctx, insert_and_fail, NULL, &work));
    CU_ASSERT_EQUAL(error.status, ADB_E_RANGE);
    CU_ASSERT_STRING_EQUAL(error.message, "no such luck");
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* A transaction is undone when its function fails. (TX-01, TX-09) */
BOTH(transact_rolls_back_what_fails)
{
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, insert_and_fail, NULL, &work)), ADB_E_RANGE);
    CU_ASSERT(rig_holds(&rig, ""));
    CU_ASSERT(rows_are(rig.ctx, adb_transact(rig.ctx, NULL, insert_two_and_return_rows, NULL, &work), "1 2"));
    CU_ASSERT(rig_holds(&rig, "1 2"));
    rig_close(&rig);
}

static adb_status return_nonsense(adb_session *session, void *user_data)
{
    (void)session;
    (void)user_data;
    return (adb_status)5;
}

/* A positive number is no status. */
TEST(positive_status_is_invalid)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, return_nonsense, NULL, NULL)), ADB_E_INVAL);
    rig_close(&rig);
}

static adb_status run_once_more(adb_session *session, void *user_data)
{
    struct work *work = user_data;
    work->runs++;
    const adb_status status = run_sql(session, "insert 7");
    return status == ADB_OK ? run_sql(session, work->sql) : status;
}

/* The database asks for another try three times: the fourth attempt is the only one that is kept. */
TEST(transact_retries_what_a_retry_may_cure)
{
    struct rig rig;
    struct work work = {.sql = "fail serialization 3"};
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job =
        adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 5, .backoff_ms = 1), run_once_more, NULL, &work);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(work.runs, 4);
    CU_ASSERT_EQUAL(rig_stats(&rig).retries, 3);
    CU_ASSERT(fake_table_is("7"));
    rig_close(&rig);
}

/* Attempts have a bound, and the last failure is the outcome. */
TEST(retries_are_bounded)
{
    struct rig rig;
    struct work work = {.sql = "fail locked"};
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job =
        adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 2, .backoff_ms = 1), run_once_more, NULL, &work);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_LOCKED);
    CU_ASSERT_EQUAL(work.runs, 3);
    CU_ASSERT(fake_table_is(""));
    CU_ASSERT_EQUAL(adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 1001), run_once_more, NULL, &work), 0);
    rig_close(&rig);
}

/* Other failures are final, and so is any without retries. */
TEST(other_failures_are_not_retried)
{
    struct rig rig;
    struct work unique = {.sql = "fail unique"}, locked = {.sql = "fail locked"};
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(
        status_of(rig.ctx, adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 5), run_once_more, NULL, &unique)),
        ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(unique.runs, 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, run_once_more, NULL, &locked)), ADB_E_LOCKED);
    CU_ASSERT_EQUAL(locked.runs, 1);
    rig_close(&rig);
}

/* A commit that the database refuses is retried like a statement; a lost one never is. */
TEST(refused_commit_is_retried_and_a_lost_one_is_not)
{
    struct rig rig;
    struct work work = {.sql = "write"};
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("COMMIT", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION, 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 3, .backoff_ms = 1),
                                                    run_once_more, NULL, &work)),
                    ADB_OK);
    CU_ASSERT_EQUAL(work.runs, 2);
    CU_ASSERT(fake_table_is("7"));
    fake_text_fails("COMMIT", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
    const adb_error error =
        error_of(rig.ctx, adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 3), run_once_more, NULL, &work));
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT(error.flags & ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(work.runs, 3);
    rig_close(&rig);
}

static bool has_run(void *data)
{
    return ((struct work *)data)->runs > 0;
}

/* The pause between attempts ends when the job is cancelled. */
TEST(cancel_ends_the_pause_between_attempts)
{
    struct rig rig;
    struct work work = {.sql = "fail locked"};
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job =
        adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 1000, .backoff_ms = 1000), run_once_more, NULL, &work);
    await(has_run, &work);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* Inside a transaction it is one savepoint and one attempt. */
TEST(transact_inside_a_transaction_is_a_savepoint)
{
    struct rig rig;
    struct work work = {.sql = "fail locked"};
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    adb_transact(rig.ctx, ADB_TRANSACTION(.retries = 5), run_once_more, NULL, &work);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(work.runs, 1);
    CU_ASSERT(fake_table_is("1"));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "BEGIN"), 1);
    rig_close(&rig);
}

/* Checks inside a work function: CUnit belongs to the test's thread. */
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return adb_session_fail(session, ADB_E_INTERNAL, #condition);                                              \
    } while (0)

static bool add_rows(adb_result *batch, void *user_data)
{
    *(size_t *)user_data += adb_result_rows(batch);
    return *(size_t *)user_data < 3;
}

static int64_t value_in(adb_result *result)
{
    const int64_t value = adb_result_rows(result) > 0 ? adb_row_int(adb_result_row(result, 0), 0) : -1;
    adb_result_unref(result);
    return value;
}

static size_t rows_in(adb_result *result)
{
    const size_t n = adb_result_status(result) == ADB_OK ? adb_result_rows(result) : 999;
    adb_result_unref(result);
    return n;
}

static adb_status use_statements(adb_session *session, void *user_data)
{
    const struct work *work = user_data;
    const struct kind *kind = work->kind;
    const adb_params sets[] = {*ADB_PARAMS({"n", adb_int(1)}), *ADB_PARAMS({"n", adb_int(2)}),
                               *ADB_PARAMS({"n", adb_int(3)}), *ADB_PARAMS({"n", adb_int(4)})};
    size_t n = 0;
    EXPECT(rows_in(adb_session_execute_many(session, kind->insert, sets, 4)) == 0);
    EXPECT(rows_in(adb_session_execute_many(session, kind->insert, sets, 0)) == 0);
    EXPECT(rows_in(adb_session_fetch_all(session, kind->rows, NULL)) == 4);
    EXPECT(rows_in(adb_session_fetch_one(session, kind->rows, NULL)) == 1);
    EXPECT(value_in(adb_session_fetch_val(session, kind->quick, NULL)) == 1);
    EXPECT(rows_in(adb_session_iterate(session, kind->rows, NULL, add_rows, &n)) == 0 && n >= 3);
    EXPECT(rows_in(adb_session_execute_script(session,
                                              kind == &kind_fake ? "write; value 5;" : "SELECT 1; SELECT 5")) == 1);
    EXPECT(rows_in(adb_session_execute(session, NULL, NULL)) == 999);
    EXPECT(adb_session_error(session)->status == ADB_E_INVAL);
    EXPECT(rows_in(adb_session_execute(session, kind->insert, NULL)) == 999);
    EXPECT(adb_session_error(session)->status == ADB_E_PARAMETER);
    EXPECT(adb_session_native(session) != NULL && !adb_session_stopped(session));
    return ADB_OK;
}

/* Each of the statement functions. */
BOTH(session_runs_statements)
{
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    const adb_error error = error_of(rig.ctx, adb_run(rig.ctx, use_statements, NULL, &work));
    if (error.status != ADB_OK)
        printf("%s\n", error.message);
    CU_ASSERT_EQUAL(error.status, ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2 3 4"));
    rig_close(&rig);
}

static adb_status use_levels(adb_session *session, void *user_data)
{
    const struct kind *kind = ((const struct work *)user_data)->kind;
    EXPECT(adb_session_depth(session) == 1);
    EXPECT(adb_session_commit(session) == ADB_E_NO_TRANSACTION);
    EXPECT(adb_session_rollback(session) == ADB_E_NO_TRANSACTION);
    EXPECT(adb_session_begin(session, NULL) == ADB_OK && adb_session_depth(session) == 2);
    EXPECT(insert(session, kind, 1) == ADB_OK && adb_session_commit(session) == ADB_OK);
    EXPECT(adb_session_begin(session, NULL) == ADB_OK);
    EXPECT(insert(session, kind, 2) == ADB_OK && adb_session_rollback(session) == ADB_OK);
    EXPECT(insert(session, kind, -1) == ADB_E_CHECK && insert(session, kind, 3) == ADB_OK);
    EXPECT(adb_session_begin(session, NULL) == ADB_OK && insert(session, kind, 4) == ADB_OK);
    return ADB_OK;
}

/* Levels of the function are its own: it may not end the context's, and what it leaves open is undone. (TX-11, TX-15)
 * */
BOTH(session_levels_are_the_functions_own)
{
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_error error = error_of(rig.ctx, adb_run(rig.ctx, use_levels, NULL, &work));
    if (error.status != ADB_OK)
        printf("%s\n", error.message);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 3"));
    rig_close(&rig);
}

static adb_status insert_one(adb_session *session, void *user_data)
{
    struct work *work = user_data;
    work->runs++;
    return insert(session, work->kind, 7);
}

/* One function, many contexts at once: a transaction each. (TX-10, REG-37) */
BOTH(transactions_of_one_function_run_side_by_side)
{
    enum { N = 6 };
    adb_context *contexts[N];
    adb_job jobs[N];
    struct work work = {.kind = kind};
    RIG(rig, kind, NULL);
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, NULL, 0);
        jobs[i] = adb_transact(contexts[i], NULL, insert_one, NULL, &work);
    }
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(status_of(contexts[i], jobs[i]), ADB_OK);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT_EQUAL(work.runs, N);
    CU_ASSERT(rig_holds(&rig, "7 7 7 7 7 7"));
    rig_close(&rig);
}

static adb_status leave_dirty(adb_session *session, void *user_data)
{
    (void)user_data;
    return run_sql(session, "dirty");
}

/* What a function leaves open by text is nobody's, and is rolled back. */
TEST(open_transaction_of_a_function_is_rolled_back)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, leave_dirty, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 1);
    CU_ASSERT(fake_table_is("1"));
    rig_close(&rig);
}

static adb_status lose_it(adb_session *session, void *user_data)
{
    (void)user_data;
    run_sql(session, "lose");
    return run_sql(session, "insert 1") == ADB_E_CONNECTION ? ADB_OK : ADB_E_INTERNAL;
}

/* After a loss every later statement of the function says so, none runs on another connection; a transaction of it is
 * not committed, whatever the function returns. */
TEST(lost_connection_ends_the_session)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, lose_it, NULL, NULL)), ADB_OK);
    CU_ASSERT_NOT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, lose_it, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is(""));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

SUITE(work, CASES(run_returns_the_last_result), CASES(run_fails_with_the_functions_own_words),
      CASES(transact_rolls_back_what_fails), CASE(positive_status_is_invalid),
      CASE(transact_retries_what_a_retry_may_cure), CASE(retries_are_bounded), CASE(other_failures_are_not_retried),
      CASE(refused_commit_is_retried_and_a_lost_one_is_not), CASE(cancel_ends_the_pause_between_attempts),
      CASE(transact_inside_a_transaction_is_a_savepoint), CASES(session_runs_statements),
      CASES(session_levels_are_the_functions_own), CASES(transactions_of_one_function_run_side_by_side),
      CASE(open_transaction_of_a_function_is_rolled_back), CASE(lost_connection_ends_the_session))
