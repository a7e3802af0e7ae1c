/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions that the administrator ends: under a query, inside a transaction, under a commit, and all of them, often. */
#include "tests/faults/load.h"

#include <stdio.h>
#include <string.h>

/* That status, and the connection is gone. */
static bool is_lost(const adb_error *error, adb_status status)
{
    const bool right = error->status == status && (error->flags & ADB_ERROR_CONNECTION_LOST) != 0;
    if (!right)
        printf("# %s, flags %x: %s\n", adb_status_name(error->status), error->flags, error->message);
    return right;
}

/* The query ends as lost, once, and the next one of the same context runs on another connection. ERR-08 */
ON_BOTH(session_ended_under_a_query_is_a_lost_connection)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    scene_open(&scene, engine, NULL, NULL);
    const adb_job slow = adb_fetch_all(scene.ctx, engine->slow, NULL, NULL, NULL);
    adb_fetch_all(scene.ctx, "SELECT 1", NULL, tally_done, &tally);
    scene_await(&scene, engine->running, 1);
    scene_end_sessions(&scene);
    const adb_error error = error_of(scene.ctx, slow);
    CU_ASSERT(is_lost(&error, ADB_E_CONNECTION));
    run_all(scene.ctx);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 1);
    scene_is_healthy(&scene);
    CU_ASSERT_EQUAL(scene_stats(&scene).closed_lost, 1);
    scene_close(&scene);
}

/* One that replaces another may come up after all have been ended: then again. */
static bool none_is_left(void *data)
{
    const struct scene *scene = data;
    scene_end_sessions(data);
    return server_number(scene->server, scene->engine->sessions) == 0;
}

/* Idle connections that were ended are noticed before a statement is sent: no job fails. POOL-16 PAIN-14 */
ON_BOTH(sessions_ended_while_idle_are_healed_silently)
{
    struct scene scene;
    scene_open(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4, .min_size = 4, .check_after_ms = 1));
    scene_is_healthy(&scene);
    for (int i = 0; i < 5; i++) {
        await(none_is_left, &scene);
        CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT 1", NULL, NULL, NULL)), ADB_OK);
    }
    scene_is_healthy(&scene);
    scene_close(&scene);
}

#define INSERT(n) adb_execute(scene.ctx, "INSERT INTO t (n) VALUES (" #n ")", NULL, NULL, NULL)

/* The transaction is gone: what follows of it fails, nothing of it runs outside, and after its end all is well. */
ON_BOTH(session_ended_inside_a_transaction_loses_the_transaction)
{
    struct scene scene;
    scene_open_table(&scene, engine, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_begin(scene.ctx, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(1)), ADB_OK);
    scene_end_sessions(&scene);
    scene_await(&scene, engine->sessions, 0);
    const adb_status second = status_of(scene.ctx, INSERT(2));
    CU_ASSERT(second == ADB_E_TRANSACTION_LOST || second == ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(3)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_begin(scene.ctx, NULL, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(4)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_commit(scene.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_commit(scene.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT count(*) FROM t"), 0);
    CU_ASSERT_EQUAL(adb_context_depth(scene.ctx), 0);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(5)), ADB_OK);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT count(*) FROM t"), 1);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* The statement that was running inside the transaction takes it along. */
ON_BOTH(session_ended_under_a_statement_of_a_transaction_loses_it)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    scene_open_table(&scene, engine, NULL, NULL);
    adb_begin(scene.ctx, NULL, tally_done, &tally);
    INSERT(1);
    const adb_job slow = adb_fetch_all(scene.ctx, engine->slow, NULL, NULL, NULL);
    const adb_job after = INSERT(2);
    const adb_job commit = adb_commit(scene.ctx, NULL, NULL);
    scene_await(&scene, engine->running, 1);
    scene_end_sessions(&scene);
    const adb_error error = error_of(scene.ctx, slow);
    CU_ASSERT(is_lost(&error, ADB_E_CONNECTION));
    CU_ASSERT_EQUAL(status_of(scene.ctx, after), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(scene.ctx, commit), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT count(*) FROM t"), 0);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* A commit that does not come to its end: on PostgreSQL by a constraint that is checked then, and sleeps. */
static void make_commit_hang_on_postgresql(struct scene *scene)
{
    scene_must(scene, "CREATE OR REPLACE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS "
                      "$$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$");
    scene_must(scene, "CREATE CONSTRAINT TRIGGER hang AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
                      "EXECUTE FUNCTION hang()");
}

/* The outcome of a commit whose session was ended under it is unknown; here it was no commit. */
ON_POSTGRESQL(session_ended_under_a_commit_leaves_its_outcome_unknown)
{
    struct scene scene;
    scene_open_table(&scene, engine, NULL, NULL);
    make_commit_hang_on_postgresql(&scene);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(1)), ADB_OK);
    const adb_job commit = adb_commit(scene.ctx, NULL, NULL);
    scene_await(&scene, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'adb_test' AND wait_event = 'PgSleep'",
                1);
    scene_end_sessions(&scene);
    const adb_error error = error_of(scene.ctx, commit);
    CU_ASSERT(is_lost(&error, ADB_E_OUTCOME_UNKNOWN));
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    CU_ASSERT_EQUAL(adb_context_depth(scene.ctx), 0);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT count(*) FROM t"), 0);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* The same where a backup holds commits back. */
TEST(session_ended_under_a_commit_leaves_its_outcome_unknown_mysql)
{
    struct scene scene, admin;
    if (!engine_available(&mysql))
        return;
    scene_open_table(&scene, &mysql, NULL, NULL);
    scene_open(&admin, &mysql, engine_server(&mysql)->admin_url, NULL);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, INSERT(1)), ADB_OK);
    adb_acquire(admin.ctx, NULL, NULL);
    scene_must(&admin, "FLUSH TABLES WITH READ LOCK");
    const adb_job commit = adb_commit(scene.ctx, NULL, NULL);
    scene_await(&scene, "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'COMMIT%'", 1);
    scene_end_sessions(&scene);
    const adb_error error = error_of(scene.ctx, commit);
    scene_must(&admin, "UNLOCK TABLES");
    adb_release(admin.ctx, NULL, NULL);
    CU_ASSERT(is_lost(&error, ADB_E_OUTCOME_UNKNOWN));
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    CU_ASSERT_EQUAL(adb_context_depth(scene.ctx), 0);
    scene_is_healthy(&scene);
    scene_close_with_others(&admin);
    scene_close(&scene);
}

/* All sessions at once, again and again, under load: the ledger is right. */
ON_BOTH(sessions_ended_under_load_lose_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 400000);
    for (int i = 0; i < FEWER(12, 5); i++) {
        load_run(&load, 200, load.n_done + 50 + (size_t)i);
        load_during(&load, 200, scene_end_sessions, &scene);
    }
    load_run(&load, 200, load.n_done + 200);
    load_drain(&load);
    load_settle(&load, "sessions ended under load");
    CU_ASSERT(scene_stats(&scene).closed_lost > 0); /* it has come; whether under a job is a matter of moments */
    load_close(&load);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

FAULTS(ended, BOTH_CASES(session_ended_under_a_query_is_a_lost_connection),
       BOTH_CASES(sessions_ended_while_idle_are_healed_silently),
       BOTH_CASES(session_ended_inside_a_transaction_loses_the_transaction),
       BOTH_CASES(session_ended_under_a_statement_of_a_transaction_loses_it),
       CASE(session_ended_under_a_commit_leaves_its_outcome_unknown),
       CASE(session_ended_under_a_commit_leaves_its_outcome_unknown_mysql),
       BOTH_CASES(sessions_ended_under_load_lose_nothing_that_was_acknowledged))
