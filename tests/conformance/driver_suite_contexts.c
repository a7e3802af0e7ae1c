/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts: what is shared and what is not, between contexts, threads and databases. */
#include "tests/conformance/driver_suite.h"

#include <pthread.h>
#include <stdio.h>

/* Making a context, and asking it anything, opens nothing. CTX-01 */
TEST(a_new_context_holds_nothing)
{
    suite_open(NULL);
    adb_context *other = lane();
    CU_ASSERT_PTR_EQUAL(adb_context_database(other), db);
    CU_ASSERT_EQUAL(adb_context_pending(other) + adb_context_depth(other), 0);
    CU_ASSERT_EQUAL(figures().opened, 0);
    CU_ASSERT_EQUAL(figures().contexts, 2);
    suite_close();
}

/* A connection that was acquired is the same one for each job: its temporary table is there. CTX-02 CTX-28 TX-34
 * POOL-10 */
TEST(an_acquired_connection_stays_the_same)
{
    char sql[128];
    suite_open(NULL);
    snprintf(sql, sizeof(sql), "CREATE %s TABLE own (n INTEGER)", suite->dialect->temporary);
    adb_acquire(ctx, NULL, NULL);
    must(sql);
    must("INSERT INTO own VALUES (5)");
    CU_ASSERT_EQUAL(number("SELECT n FROM own"), 5);
    must("DROP TABLE own");
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    suite_close();
}

/* Two handles that acquire at once hold one connection, and the second release gives it back. CTX-26 */
TEST(acquires_at_once_take_one_connection)
{
    suite_open(NULL);
    adb_context *shared = adb_context_share(ctx, NULL);
    const adb_job first = adb_acquire(ctx, NULL, NULL), second = adb_acquire(shared, NULL, NULL);
    CU_ASSERT(ended_well(first) && ended_in(shared, second) == ADB_OK);
    CU_ASSERT_EQUAL(figures().connections, 1);
    CU_ASSERT_EQUAL(ended_in(shared, adb_release(shared, NULL, NULL)), ADB_OK);
    until_held(1);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended(adb_release(ctx, NULL, NULL)), ADB_E_STATE);
    adb_context_free(shared);
    suite_close();
}

/* A release inside a transaction leaves the transaction its connection: commit is no failure. TX-36 REG-60 */
TEST(a_release_inside_a_transaction_leaves_it)
{
    NOTES("a");
    adb_acquire(ctx, NULL, NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(lane()), 2);
    suite_close();
}

/* A second handle is the same lane: its jobs are inside the transaction of the first. CFL-03 CTX-05 CTX-22 CTX-24 */
TEST(a_shared_context_is_the_same_lane)
{
    NOTES("a");
    adb_context *shared = adb_context_share(ctx, NULL);
    REQUIRE(ended_well(adb_begin(ctx, NULL, NULL, NULL)));
    CU_ASSERT(add_note(shared, "b"));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    CU_ASSERT_EQUAL(adb_context_depth(shared), 1);
    CU_ASSERT_EQUAL(ended_in(shared, adb_rollback(shared, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    adb_context_free(shared);
    suite_close();
}

/* Whoever begins, and whoever ends: the state is the lane's, so no handle's view goes stale. TX-27 TX-28 CTX-15 */
TEST(any_handle_may_end_the_transaction)
{
    NOTES("a");
    adb_context *shared = adb_context_share(ctx, NULL);
    CU_ASSERT_EQUAL(ended_in(shared, adb_begin(shared, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(adb_context_depth(shared), 0);
    CU_ASSERT_EQUAL(ended_in(shared, adb_commit(shared, NULL, NULL)), ADB_E_NO_TRANSACTION);
    adb_context_free(shared);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* Freeing one of two handles ends nothing; freeing the last rolls back. CTX-06 CTX-07 TX-30 */
TEST(the_last_handle_rolls_back)
{
    NOTES("a");
    adb_context *first = adb_context_new(db, NULL, 0);
    adb_context *second = adb_context_share(first, NULL);
    CU_ASSERT_EQUAL(ended_in(first, adb_begin(first, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(first, "b"));
    adb_context_free(first);
    CU_ASSERT_EQUAL(adb_context_depth(second), 1);
    CU_ASSERT_EQUAL(count_notes(second), 2);
    adb_context_free(second);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

static void *look_at_own_context(void *found)
{
    adb_context *own = adb_thread_context(db);
    *(bool *)found = own != NULL && own == adb_thread_context(db);
    if (own != NULL)
        *(bool *)found = *(bool *)found && adb_context_depth(own) == 0 && count_notes(own) == 1;
    return own;
}

/* Each thread has a context of its own, and inherits nothing of another's. CTX-03 CTX-04 CTX-08 CTX-23 CTX-33 PAIN-02
 * REG-07 */
TEST(each_thread_has_a_context_of_its_own)
{
    pthread_t thread;
    void *theirs = NULL;
    bool found = false;
    NOTES("a");
    adb_context *mine = adb_thread_context(db);
    CU_ASSERT_PTR_EQUAL(mine, adb_thread_context(db));
    if (suite->can & SUITE_READERS) {
        CU_ASSERT_EQUAL(ended_in(mine, adb_begin(mine, NULL, NULL, NULL)), ADB_OK);
        CU_ASSERT(add_note(mine, "b"));
    }
    REQUIRE(pthread_create(&thread, NULL, look_at_own_context, &found) == 0);
    pthread_join(thread, &theirs);
    CU_ASSERT(found && theirs != mine);
    adb_rollback(mine, NULL, NULL);
    deliver(mine);
    suite_close();
}

/* Two databases in one thread are two lanes: work for the one never runs on the other. CTX-09 CTX-21 */
TEST(two_databases_do_not_mix)
{
    adb_database *second = NULL;
    NOTES("a");
    REQUIRE(adb_database_open(suite_url(), NULL, &second, NULL) == ADB_OK);
    adb_context *there = adb_context_new(second, NULL, 0);
    CU_ASSERT_EQUAL(ended_in(there, adb_begin(there, ADB_TRANSACTION(.read_only = true), NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_NOT_EQUAL(ended_in(there, adb_execute(there, "DELETE FROM notes", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    adb_context_free(there);
    adb_database_free(second);
    suite_close();
}

/* Two contexts in transactions of their own at once, one inside the other in time. CTX-17 CTX-18 CTX-19 CTX-20 CFL-04
 * TX-25 */
TEST(a_new_connection_is_another_context)
{
    NOTES("a");
    adb_context *inner = lane();
    REQUIRE(ended_well(
        adb_begin(ctx, ADB_TRANSACTION(.isolation = suite->dialect->snapshot, .read_only = true), NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(ended_in(inner, adb_begin(inner, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(inner, "b"));
    CU_ASSERT_EQUAL(ended_in(inner, adb_commit(inner, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_close();
}

/* A lane that had an error inside keeps its connection to its release, and loses nothing. CTX-27 ERR-09 */
TEST(an_error_in_a_held_lane_keeps_the_connection)
{
    NOTES("a");
    adb_acquire(ctx, NULL, NULL);
    CU_ASSERT_NOT_EQUAL(ended(adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(figures().connections, figures().opened);
    suite_close();
}

#define INSERT_NOTE "INSERT INTO notes (text) VALUES ('x')"

static const adb_params one_note = {.count = 0};

/* Outside a transaction, and in one that the function has begun. */
static adb_status write_in_a_session(adb_session *session, void *user_data)
{
    (void)user_data;
    for (int i = 0; i < 4; i++) {
        if (i / 2 == 1)
            CU_ASSERT_EQUAL(adb_session_begin(session, NULL), ADB_OK);
        adb_result *result = i % 2 == 0 ? adb_session_execute(session, "DELETE FROM notes", NULL)
                                        : adb_session_execute_many(session, INSERT_NOTE, &one_note, 1);
        CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_READ_ONLY);
        adb_result_unref(result);
        if (i / 2 == 1)
            CU_ASSERT_EQUAL(adb_session_rollback(session), ADB_OK);
    }
    return ADB_OK;
}

/* By whatever call. */
static void refused_writes(adb_context *reader)
{
    const adb_request loose = {.size = sizeof(loose),
                               .kind = ADB_REQUEST_EXECUTE_MANY,
                               .sql = INSERT_NOTE,
                               .sets = &one_note,
                               .n_sets = 1,
                               .flags = ADB_REQUEST_NOT_ATOMIC};
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute(reader, "DELETE FROM notes", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_fetch_all(reader, "DELETE FROM notes", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute_script(reader, "DELETE FROM notes", NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute_many(reader, INSERT_NOTE, &one_note, 1, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_submit(reader, &loose)), ADB_E_READ_ONLY);
}

/* A context that reads only is refused every write, through whatever call. REP-06 REP-07 ERR-05 */
TEST(a_read_only_context_refuses_writes)
{
    NOTES("a");
    adb_context *reader = lane_with(ADB_CONTEXT_READ_ONLY);
    CU_ASSERT_EQUAL(count_notes(reader), 1);
    refused_writes(reader);
    CU_ASSERT_EQUAL(ended_in(reader, adb_run(reader, write_in_a_session, NULL, NULL)), ADB_OK);
    adb_acquire(reader, NULL, NULL);
    refused_writes(reader);
    CU_ASSERT_EQUAL(ended_in(reader, adb_release(reader, NULL, NULL)), ADB_OK);
    adb_begin(reader, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute_many(reader, INSERT_NOTE, &one_note, 1, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_rollback(reader, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Flags that are none are refused. CTX-29 CFL-25 */
TEST(unknown_flags_of_a_context_are_refused)
{
    suite_open(NULL);
    CU_ASSERT_PTR_NULL(adb_context_new(db, NULL, 1u << 20));
    CU_ASSERT_PTR_NULL(adb_context_new(db, NULL, ADB_CONTEXT_REPLICA));
    CU_ASSERT_EQUAL(figures().contexts, 1);
    suite_close();
}

/* Its transaction is over when that ends, and not by another end that was one too many. */
TEST(a_parallel_context_stays_in_its_transaction)
{
    NOTES("a");
    adb_context *parallel = lane_with(ADB_CONTEXT_PARALLEL);
    adb_begin(parallel, NULL, NULL, NULL);
    adb_execute(parallel, "INSERT INTO notes (text) VALUES ('b')", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(ended_in(parallel, adb_release(parallel, NULL, NULL)), ADB_E_STATE);
    CU_ASSERT_EQUAL(count_notes(parallel), 2);
    CU_ASSERT_EQUAL(ended_in(parallel, adb_rollback(parallel, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(parallel), 1);
    suite_close();
}

/* A parallel context gives up the order of its jobs, and none of them. */
TEST(a_parallel_context_loses_no_job)
{
    NOTES(NULL);
    adb_context *fan = lane_with(ADB_CONTEXT_PARALLEL);
    for (int i = 0; i < 50; i++)
        REQUIRE(adb_execute(fan, "INSERT INTO notes (text) VALUES ('x')", NULL, NULL, NULL) != 0);
    deliver(fan);
    CU_ASSERT_EQUAL(count_notes(ctx), 51);
    CU_ASSERT_EQUAL(ended_in(fan, adb_begin(fan, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(fan, "y"));
    CU_ASSERT_EQUAL(ended_in(fan, adb_rollback(fan, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 51);
    suite_close();
}

static void *submit_a_hundred(void *handle)
{
    adb_context *own = handle;
    for (int i = 0; i < 100; i++)
        adb_execute(own, "INSERT INTO notes (text) VALUES ('x')", NULL, NULL, NULL);
    deliver(own);
    return NULL;
}

/* Many threads on one lane, each through a handle of its own: every job runs once. CTX-33 CTX-12 PAIN-01 */
TEST(threads_share_a_lane_by_handles)
{
    pthread_t threads[4];
    adb_context *handles[4];
    NOTES(NULL);
    for (size_t i = 0; i < 4; i++) {
        handles[i] = adb_context_share(ctx, NULL);
        REQUIRE(pthread_create(&threads[i], NULL, submit_a_hundred, handles[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        adb_context_free(handles[i]);
    }
    CU_ASSERT_EQUAL(count_notes(ctx), 401);
    suite_close();
}

GROUP(contexts, SQL(a_new_context_holds_nothing),
      NEEDS(SUITE_SQL | SUITE_SESSION, an_acquired_connection_stays_the_same),
      SQL(acquires_at_once_take_one_connection), SQL(a_release_inside_a_transaction_leaves_it),
      SQL(a_shared_context_is_the_same_lane), SQL(any_handle_may_end_the_transaction), SQL(the_last_handle_rolls_back),
      SQL(each_thread_has_a_context_of_its_own), SQL(two_databases_do_not_mix),
      NEEDS(SUITE_SQL | SUITE_READERS, a_new_connection_is_another_context),
      SQL(an_error_in_a_held_lane_keeps_the_connection), SQL(a_read_only_context_refuses_writes),
      SQL(unknown_flags_of_a_context_are_refused), SQL(a_parallel_context_stays_in_its_transaction),
      SQL(a_parallel_context_loses_no_job), SQL(threads_share_a_lane_by_handles));
