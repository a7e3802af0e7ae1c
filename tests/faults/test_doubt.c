/* SPDX-License-Identifier: BSD-3-Clause */
/* Commits whose answer is lost on a real server, by an ended session, a network that swallows it, and a crash: a traced
 * transaction finds out what became of it, and nothing is done twice. */
#include "tests/faults/scene.h"

#include <inttypes.h>
#include <stdio.h>

static struct server proxy;

/* The first commit since then sleeps before it takes effect, until it is woken; perhaps never. */
static void make_first_commit_sleep(struct scene *scene)
{
    scene_must(scene, "DROP TABLE IF EXISTS woken");
    scene_must(scene, "CREATE TABLE woken (n INTEGER)");
    scene_must(scene, "DROP SEQUENCE IF EXISTS commits CASCADE");
    scene_must(scene, "CREATE SEQUENCE commits");
    scene_must(scene, "CREATE OR REPLACE FUNCTION sleep_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "IF nextval('commits') = 1 AND current_setting('adb.hurry', true) IS NULL THEN "
                      "WHILE NOT EXISTS (SELECT 1 FROM woken) LOOP PERFORM pg_sleep(0.01); END LOOP; END IF; "
                      "RETURN NULL; END $$");
    scene_must(scene, "CREATE CONSTRAINT TRIGGER sleep AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
                      "FOR EACH ROW EXECUTE FUNCTION sleep_once()");
}

static void wake_first_commit(const struct scene *scene)
{
    server_sql(scene->server, "INSERT INTO woken VALUES (1)");
}

#define SLEEPING "SELECT count(*) FROM pg_stat_activity WHERE usename = 'adb_test' AND wait_event = 'PgSleep'"

static adb_status insert_row(adb_session *session, void *user_data)
{
    unsigned *runs = user_data;
    adb_result *result = adb_session_execute(session, "INSERT INTO t (n) VALUES (1) RETURNING n", NULL);
    const adb_status status = adb_result_status(result);
    ++*runs;
    adb_session_return(session, result);
    return status;
}

static adb_job transact(struct scene *scene, unsigned retries, unsigned *runs)
{
    return adb_transact(scene->ctx, ADB_TRANSACTION(.traced = true, .retries = retries), insert_row, NULL, runs);
}

static int64_t rows(const struct scene *scene)
{
    return server_number(scene->server, "SELECT count(*) FROM t");
}

/* The session is ended under the commit: it was aborted, which is found out, and the retry gets through. */
ON_POSTGRESQL(transact_through_an_ended_commit_is_retried)
{
    struct scene scene;
    unsigned runs = 0;
    scene_open_table(&scene, engine, NULL, NULL);
    make_first_commit_sleep(&scene);
    const adb_job job = transact(&scene, 1, &runs);
    scene_await(&scene, SLEEPING, 1);
    server_sql(scene.server, engine->end_sessions);
    CU_ASSERT_EQUAL(value_of(scene.ctx, job), 1);
    CU_ASSERT_EQUAL(runs, 2);
    CU_ASSERT_EQUAL(rows(&scene), 1);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* The network swallows the answer: it was committed, which is found out, and nothing runs again. */
ON_POSTGRESQL(transact_through_a_lost_answer_is_committed_once)
{
    struct scene scene;
    unsigned runs = 0;
    server_start_before(&proxy, "chaos", "doubt_chaos", engine_server(engine));
    scene_open_table(&scene, engine, proxy.url, NULL);
    make_first_commit_sleep(&scene);
    const adb_job job = transact(&scene, 5, &runs);
    scene_await(&scene, SLEEPING, 1);
    proxy_tell(&proxy, "stall down");
    wake_first_commit(&scene);
    scene_await(&scene, "SELECT count(*) FROM t", 1);
    proxy_tell(&proxy, "reset");
    proxy_tell(&proxy, "clear");
    CU_ASSERT_EQUAL(value_of(scene.ctx, job), 1);
    CU_ASSERT_EQUAL(runs, 1);
    CU_ASSERT_EQUAL(rows(&scene), 1);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* The network breaks while the commit is still under way at the server: it is asked until it has ended. */
ON_POSTGRESQL(transact_waits_for_a_commit_under_way)
{
    struct scene scene;
    unsigned runs = 0;
    server_start_before(&proxy, "chaos", "doubt_chaos", engine_server(engine));
    scene_open_table(&scene, engine, proxy.url, NULL);
    make_first_commit_sleep(&scene);
    const adb_job job = transact(&scene, 5, &runs);
    scene_await(&scene, SLEEPING, 1);
    proxy_tell(&proxy, "reset");
    proxy_tell(&proxy, "clear");
    wake_first_commit(&scene);
    CU_ASSERT_EQUAL(value_of(scene.ctx, job), 1);
    CU_ASSERT_EQUAL(runs, 1);
    CU_ASSERT_EQUAL(rows(&scene), 1);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* The server crashes before the commit took effect, and comes back: it does not know the transaction any more, which is
 * then made again. */
ON_POSTGRESQL(transact_through_a_crash_is_made_again)
{
    struct scene scene;
    unsigned runs = 0;
    scene_open_table(&scene, engine, NULL, NULL);
    make_first_commit_sleep(&scene);
    const adb_job job = transact(&scene, 5, &runs);
    scene_await(&scene, SLEEPING, 1);
    server_kill(scene.server);
    server_again(scene.server, "adb.hurry=on"); /* the sequence is not sure to remember the first commit */
    CU_ASSERT_EQUAL(value_of(scene.ctx, job), 1);
    CU_ASSERT_EQUAL(runs, 2);
    CU_ASSERT_EQUAL(rows(&scene), 1);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* By hand: a commit that ends in doubt gives the id, and the server says what became of it. */
ON_POSTGRESQL(commit_in_doubt_is_resolved_by_hand)
{
    struct scene scene;
    scene_open_table(&scene, engine, NULL, NULL);
    make_first_commit_sleep(&scene);
    adb_begin(scene.ctx, ADB_TRANSACTION(.traced = true), NULL, NULL);
    adb_execute(scene.ctx, "INSERT INTO t (n) VALUES (1)", NULL, NULL, NULL);
    const adb_job commit = adb_commit(scene.ctx, NULL, NULL);
    scene_await(&scene, SLEEPING, 1);
    server_sql(scene.server, engine->end_sessions);
    adb_result *result = adb_wait(scene.ctx, commit, PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_OUTCOME_UNKNOWN);
    REQUIRE(adb_result_transaction_id(result) != NULL);
    adb_result *fate =
        adb_wait(scene.ctx, adb_resolve(scene.ctx, adb_result_transaction_id(result), NULL, NULL), PATIENCE_MS);
    REQUIRE(adb_result_rows(fate) == 1);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(fate, 0), 0), "aborted");
    adb_result_unref(fate);
    adb_result_unref(result);
    fate = adb_wait(scene.ctx, adb_resolve(scene.ctx, "no number", NULL, NULL), PATIENCE_MS);
    CU_ASSERT(adb_result_status(fate) != ADB_OK);
    adb_result_unref(fate);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* After a crash a number may be another transaction's: what the server says of it then is not believed. */
ON_POSTGRESQL(number_from_before_a_crash_is_not_taken_for_committed)
{
    static const char ask[] = "SELECT txid_current() || ':' || system_identifier || ':000000000000' "
                              "FROM pg_control_system()";
    struct scene scene;
    char other[96];
    scene_open_table(&scene, engine, NULL, NULL);
    adb_result *result = adb_wait(scene.ctx, adb_fetch_val(scene.ctx, ask, NULL, NULL, NULL), PATIENCE_MS);
    snprintf(other, sizeof(other), "%s", adb_row_text(adb_result_row(result, 0), 0));
    adb_result_unref(result);
    result = adb_wait(scene.ctx, adb_resolve(scene.ctx, other, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_TRUE(adb_row_is_null(adb_result_row(result, 0), 0));
    adb_result_unref(result);
    scene_close(&scene);
}

#define N_TRANSFERS FEWER(200, 60)

struct transfer {
    int64_t n;
    adb_status status;
};

static adb_status write_transfer(adb_session *session, void *user_data)
{
    const struct transfer *transfer = user_data;
    adb_result *result =
        adb_session_execute(session, "INSERT INTO t (n) VALUES (:n)", ADB_PARAMS({"n", adb_int(transfer->n)}));
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

static void note_transfer(adb_result *result, void *user_data)
{
    struct transfer *transfer = user_data;
    transfer->status = adb_result_status(result);
}

/* All sessions are ended again and again while transactions run and commit: each gets through, and is there once. */
ON_POSTGRESQL(ended_sessions_under_many_commits_do_nothing_twice)
{
    static struct transfer transfers[N_TRANSFERS];
    struct scene scene;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    adb_context *ctx = adb_context_new(scene.db, scene.queue, ADB_CONTEXT_PARALLEL);
    for (int64_t i = 0; i < N_TRANSFERS; i++) {
        transfers[i] = (struct transfer){.n = i, .status = ADB_E_INTERNAL};
        adb_transact(ctx, ADB_TRANSACTION(.traced = true, .retries = 1000, .backoff_ms = 1), write_transfer,
                     note_transfer, &transfers[i]);
        if (i % 10 == 9)
            server_sql(scene.server, engine->end_sessions);
        adb_queue_dispatch(scene.queue, 0);
    }
    run_all(ctx);
    adb_context_free(ctx);
    size_t good = 0;
    for (size_t i = 0; i < N_TRANSFERS; i++)
        good += transfers[i].status == ADB_OK;
    CU_ASSERT_EQUAL(good, N_TRANSFERS);
    CU_ASSERT_EQUAL(rows(&scene), N_TRANSFERS); /* n is the key */
    printf("# %d transactions while all sessions were ended %d times: all committed, %" PRIu64 " retries\n",
           N_TRANSFERS, N_TRANSFERS / 10, scene_stats(&scene).retries);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

static void drop_proxy(void)
{
    server_drop(&proxy);
}

FAULTS_AND(doubt, drop_proxy, CASE(transact_through_an_ended_commit_is_retried),
           CASE(transact_through_a_lost_answer_is_committed_once), CASE(transact_waits_for_a_commit_under_way),
           CASE(commit_in_doubt_is_resolved_by_hand), CASE(number_from_before_a_crash_is_not_taken_for_committed),
           CASE(ended_sessions_under_many_commits_do_nothing_twice),
           /* last, as it changes the server */ CASE(transact_through_a_crash_is_made_again))
