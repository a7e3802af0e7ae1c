/* SPDX-License-Identifier: BSD-3-Clause */
/* A database that forgets what was done to it: one connection inside a transaction that close rolls back. */
#include "tests/conformance/driver_suite.h"

#include <pthread.h>
#include <string.h>

/* A database that has one note, and is opened so that no other stays. */
static void forgetful(void)
{
    NOTES("kept");
    suite_reopen(ADB_OPTIONS(.force_rollback = true));
}

/* What is written shows to the end, and is gone with it. FR-01 FR-04 FR-12 LIFE-11 */
TEST(close_forgets_what_was_written)
{
    forgetful();
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(count_notes(ctx), 1);
        CU_ASSERT(add_note(ctx, "forgotten"));
        CU_ASSERT_EQUAL(count_notes(ctx), 2);
        CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
        CU_ASSERT_EQUAL(adb_database_connect(db, 5000, NULL), ADB_OK);
    }
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* All contexts share the one connection, and each sees what the others do. FR-02 CTX-10 */
TEST(all_contexts_share_the_one_connection)
{
    adb_context *others[4];
    adb_job jobs[4];
    forgetful();
    for (size_t i = 0; i < 4; i++) {
        others[i] = lane();
        jobs[i] = adb_execute(others[i], "INSERT INTO notes (text) VALUES ('x')", NULL, NULL, NULL);
    }
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(ended_in(others[i], jobs[i]), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 5);
    CU_ASSERT_EQUAL(figures().connections, 1);
    suite_close();
}

/* Transactions inside are savepoints: their commits show, and vanish in the end. FR-03 */
TEST(transactions_inside_are_savepoints)
{
    forgetful();
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(lane()), 2);
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* A failed job fails no more than itself: the transaction of force_rollback stands. FR-06 REG-36 */
TEST(an_error_inside_does_not_end_it)
{
    forgetful();
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_NOT_EQUAL(ended(adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(add_note(ctx, "c"));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Who may only read may not write there either, in a transaction that others write in. REP-06 REP-07 */
TEST(who_only_reads_writes_nothing_there)
{
    forgetful();
    adb_context *reader = lane_with(ADB_CONTEXT_READ_ONLY);
    const adb_params note = {.count = 0};
    static const char insert[] = "INSERT INTO notes (text) VALUES ('x')";
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(count_notes(reader), i + 1);
        CU_ASSERT_EQUAL(ended_in(reader, adb_execute(reader, insert, NULL, NULL, NULL)), ADB_E_READ_ONLY);
        CU_ASSERT_EQUAL(ended_in(reader, adb_execute_many(reader, insert, &note, 1, NULL, NULL)), ADB_E_READ_ONLY);
        adb_begin(reader, NULL, NULL, NULL);
        CU_ASSERT_EQUAL(ended_in(reader, adb_execute(reader, insert, NULL, NULL, NULL)), ADB_E_READ_ONLY);
        CU_ASSERT_EQUAL(ended_in(reader, adb_rollback(reader, NULL, NULL)), ADB_OK);
        adb_begin(ctx, ADB_TRANSACTION(.read_only = true), NULL, NULL);
        CU_ASSERT_EQUAL(ended(adb_execute_many(ctx, insert, &note, 1, NULL, NULL)), ADB_E_READ_ONLY);
        CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
        adb_begin(ctx, ADB_TRANSACTION(.read_only = true), NULL, NULL);
        CU_ASSERT_EQUAL(count_notes(ctx), i + 1);
        CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
        CU_ASSERT(add_note(ctx, "b"));
    }
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    suite_close();
}

/* Of sets that stand for themselves those before the one that failed stay, there as elsewhere. FR-06 */
TEST(sets_stand_for_themselves_there_too)
{
    const adb_params sets[] = {ADB_SET({"id", adb_int(11)}), ADB_SET({"id", adb_int(12)}), ADB_SET({"id", adb_int(11)}),
                               ADB_SET({"id", adb_int(13)})};
    const adb_request request = {.size = sizeof(request),
                                 .kind = ADB_REQUEST_EXECUTE_MANY,
                                 .sql = "INSERT INTO notes (id) VALUES (:id)",
                                 .sets = sets,
                                 .n_sets = 4,
                                 .flags = ADB_REQUEST_NOT_ATOMIC};
    forgetful();
    CU_ASSERT_EQUAL(ended(adb_submit(ctx, &request)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    CU_ASSERT_EQUAL(ended(adb_execute_many(ctx, request.sql, sets + 1, 3, NULL, NULL)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    CU_ASSERT(ended_well(adb_execute_many(ctx, request.sql, sets + 3, 1, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 4);
    suite_close();
}

/* Nor does giving back the connection that they all share, which elsewhere resets it. */
TEST(a_release_does_not_end_it)
{
    forgetful();
    CU_ASSERT(ended_well(adb_acquire(ctx, NULL, NULL)));
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 2);
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Tables made inside are gone too, where the database can undo that; nothing fails where it cannot. FR-11 TX-40 */
TEST(tables_made_inside_are_gone)
{
    forgetful();
    must("CREATE TABLE other (id INTEGER)");
    must("DROP TABLE notes");
    must("INSERT INTO other VALUES (1)");
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(ended(adb_execute(ctx, "DROP TABLE other", NULL, NULL, NULL)), ADB_E_UNDEFINED);
    suite_close();
}

/* Making a table inside is no failure, also where the database commits it without being asked. FR-11 TX-40 */
TEST(making_a_table_inside_is_no_failure)
{
    forgetful();
    must("CREATE TABLE other (id INTEGER)");
    must("INSERT INTO other VALUES (1)");
    CU_ASSERT(add_note(ctx, "b"));
    must("DROP TABLE other");
    CU_ASSERT(add_note(ctx, "c"));
    suite_close();
}

static void *close_elsewhere(void *database)
{
    return adb_database_close(database, 5000) == ADB_OK ? database : NULL;
}

/* Opened here, used there, closed elsewhere: it is the handle's state, no thread's. FR-08 FR-10 PAIN-09 REG-39 */
TEST(any_thread_may_close_it)
{
    pthread_t thread;
    void *closed = NULL;
    forgetful();
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    CU_ASSERT(add_note(ctx, "b"));
    REQUIRE(pthread_create(&thread, NULL, close_elsewhere, db) == 0);
    pthread_join(thread, &closed);
    CU_ASSERT_PTR_EQUAL(closed, db);
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* The mode is fixed when the handle is made, and can be read back. FR-07 FR-09 */
TEST(the_mode_is_fixed_at_open)
{
    forgetful();
    CU_ASSERT(adb_database_options(db)->force_rollback);
    suite_reopen(NULL);
    CU_ASSERT_FALSE(adb_database_options(db)->force_rollback);
    suite_close();
}

/* A statement that ends the transaction does not end the mode: from then on changes are forgotten again. */
TEST(the_transaction_is_opened_anew)
{
    forgetful();
    adb_execute(ctx, "ROLLBACK", NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    suite_reopen(NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

static adb_status refuse(adb_session *session, void *user_data)
{
    (void)user_data;
    return adb_session_fail(session, ADB_E_PERMISSION, "not today");
}

/* When the one connection cannot be had, connect says so and leaves nothing behind. LIFE-10 */
TEST(a_failed_connect_leaves_it_unconnected)
{
    adb_error error = {0};
    suite_open(ADB_OPTIONS(.force_rollback = true, .on_connect = refuse, .log_level = ADB_LOG_ERROR));
    CU_ASSERT_EQUAL(adb_database_connect(db, 5000, &error), ADB_E_PERMISSION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not today"));
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    CU_ASSERT_EQUAL(figures().connections, 0);
    suite_close();
}

#define PERSISTENT(name) NEEDS(SUITE_SQL | SUITE_PERSISTENT, name)

GROUP(force_rollback, PERSISTENT(close_forgets_what_was_written), PERSISTENT(all_contexts_share_the_one_connection),
      PERSISTENT(transactions_inside_are_savepoints), PERSISTENT(an_error_inside_does_not_end_it),
      PERSISTENT(who_only_reads_writes_nothing_there), PERSISTENT(a_release_does_not_end_it),
      PERSISTENT(sets_stand_for_themselves_there_too),
      NEEDS(SUITE_SQL | SUITE_PERSISTENT | SUITE_UNDOES_DDL, tables_made_inside_are_gone),
      PERSISTENT(making_a_table_inside_is_no_failure), PERSISTENT(any_thread_may_close_it),
      PERSISTENT(the_mode_is_fixed_at_open), PERSISTENT(the_transaction_is_opened_anew),
      SQL(a_failed_connect_leaves_it_unconnected));
