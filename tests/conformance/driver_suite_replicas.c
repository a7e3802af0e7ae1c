/* SPDX-License-Identifier: BSD-3-Clause */
/* Replicas: read-only copies for contexts that ask for one. Here the database is its own copy. */
#include "tests/conformance/driver_suite.h"

#include <stdatomic.h>
#include <stdio.h>

/* One note, and two replicas. */
static void replicated(void)
{
    static char url[512];
    static const char *replicas[2] = {url, url};
    NOTES("a");
    snprintf(url, sizeof(url), "%s", suite_url());
    suite_reopen(ADB_OPTIONS(.replicas = replicas, .n_replicas = 2));
}

/* A context on a replica reads. REP-01 REP-03 REP-05 REG-53 */
TEST(a_replica_answers_queries)
{
    replicated();
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(count_notes(lane_with(ADB_CONTEXT_REPLICA)), 1);
    suite_close();
}

static atomic_uint n_hooks;

static adb_status count_hook(adb_session *session, void *user_data)
{
    (void)session;
    (void)user_data;
    atomic_fetch_add(&n_hooks, 1);
    return ADB_OK;
}

/* Options hold for the primary and for each replica alike. OPT-24 */
TEST(a_replica_has_the_options_of_the_primary)
{
    static char url[512];
    static const char *replicas[1] = {url};
    NOTES("a");
    snprintf(url, sizeof(url), "%s", suite_url());
    atomic_store(&n_hooks, 0);
    suite_reopen(ADB_OPTIONS(.replicas = replicas, .n_replicas = 1, .on_connect = count_hook));
    CU_ASSERT_EQUAL(count_notes(lane_with(ADB_CONTEXT_REPLICA)), 1);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(atomic_load(&n_hooks), figures().opened);
    CU_ASSERT(figures().opened >= 2);
    suite_close();
}

static adb_flow count_rows(adb_result *batch, void *user_data)
{
    *(size_t *)user_data += adb_result_rows(batch);
    return ADB_CONTINUE;
}

/* Iterate too. ITER-14 */
TEST(a_replica_can_be_iterated)
{
    size_t n_rows = 0;
    replicated();
    adb_context *reader = lane_with(ADB_CONTEXT_REPLICA);
    adb_iterate(reader, "SELECT text FROM notes", NULL, count_rows, NULL, &n_rows);
    deliver(reader);
    CU_ASSERT_EQUAL(n_rows, 1);
    suite_close();
}

/* No write gets through, by whatever call it comes. REP-06 REP-07 */
TEST(a_replica_refuses_writes)
{
    const adb_params set = ADB_SET({"text", adb_text("b")});
    replicated();
    adb_context *reader = lane_with(ADB_CONTEXT_REPLICA);
    static const char insert[] = "INSERT INTO notes (text) VALUES (:text)";
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute(reader, insert, &set, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_execute_many(reader, insert, &set, 1, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_fetch_all(reader, "DELETE FROM notes", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* A transaction on a replica writes nothing either. REP-08 REP-09 */
TEST(a_transaction_on_a_replica_writes_nothing)
{
    replicated();
    adb_context *reader = lane_with(ADB_CONTEXT_REPLICA);
    adb_begin(reader, NULL, NULL, NULL);
    CU_ASSERT_FALSE(add_note(reader, "b"));
    adb_rollback(reader, NULL, NULL);
    CU_ASSERT_EQUAL(ended_in(reader, adb_begin(reader, ADB_TRANSACTION(.read_only = true), NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(reader), 1);
    CU_ASSERT_EQUAL(ended_in(reader, adb_commit(reader, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Beside a replica's context the primary's writes as ever, and the replica sees it. REP-10 */
TEST(the_primary_writes_beside_a_replica)
{
    replicated();
    adb_context *reader = lane_with(ADB_CONTEXT_REPLICA);
    CU_ASSERT_EQUAL(count_notes(reader), 1);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_EQUAL(count_notes(reader), 2);
    CU_ASSERT_FALSE(add_note(reader, "c"));
    suite_close();
}

/* Without replicas there is no such context. REP-04 */
TEST(without_replicas_there_is_no_context_on_one)
{
    suite_open(NULL);
    CU_ASSERT_PTR_NULL(adb_context_new(db, NULL, ADB_CONTEXT_REPLICA));
    suite_close();
}

/* Close closes the replicas' connections too; their contexts go on after the next connect. REP-02 REP-11 REP-12 LIFE-19
 * LIFE-20 REG-52 */
TEST(close_closes_replicas_too)
{
    replicated();
    adb_context *reader = lane_with(ADB_CONTEXT_REPLICA);
    CU_ASSERT_EQUAL(count_notes(reader), 1);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_EQUAL(figures().connections, 0);
    CU_ASSERT_EQUAL(adb_database_connect(db, 5000, NULL), ADB_OK);
    CU_ASSERT_EQUAL(count_notes(reader), 1);
    suite_close();
}

/* A replica that cannot be one is refused at open. REP-01 LIFE-18 */
TEST(a_bad_replica_is_refused_at_open)
{
    static const char *const bad[] = {"nowhere://", "sqlite://host/x"};
    adb_database *other = NULL;
    adb_error error = {0};
    suite_open(NULL);
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_NOT_EQUAL(
            adb_database_open(suite_url(), ADB_OPTIONS(.replicas = &bad[i], .n_replicas = 1), &other, &error), ADB_OK);
        CU_ASSERT_PTR_NULL(other);
        CU_ASSERT(error.message[0] != '\0');
    }
    suite_close();
}

GROUP(replicas, NEEDS(SUITE_SQL | SUITE_REPLICAS, a_replica_answers_queries),
      NEEDS(SUITE_SQL | SUITE_REPLICAS, a_replica_has_the_options_of_the_primary),
      NEEDS(SUITE_SQL | SUITE_REPLICAS, a_replica_can_be_iterated),
      NEEDS(SUITE_SQL | SUITE_REPLICAS, a_replica_refuses_writes),
      NEEDS(SUITE_SQL | SUITE_REPLICAS, a_transaction_on_a_replica_writes_nothing),
      NEEDS(SUITE_SQL | SUITE_REPLICAS, the_primary_writes_beside_a_replica),
      SQL(without_replicas_there_is_no_context_on_one), NEEDS(SUITE_SQL | SUITE_REPLICAS, close_closes_replicas_too),
      SQL(a_bad_replica_is_refused_at_open));
