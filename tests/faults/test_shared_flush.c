/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes of several contexts that wait for the disk together on PostgreSQL: each is a transaction of its own, fails
 * alone, and what was reported is there when the server comes back from kill -9. */
#include "tests/faults/scene.h"

#include <stdio.h>
#include <string.h>

#define N_LANES 16

/* x 666: the session ends in the middle of it. */
#define TABLES                                                                                                         \
    "DROP TABLE IF EXISTS t, parent CASCADE;"                                                                          \
    "CREATE TABLE parent (id BIGINT PRIMARY KEY);"                                                                     \
    "CREATE TABLE t (n BIGINT, x BIGINT, parent BIGINT REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"              \
    "CREATE UNIQUE INDEX ON t (n) WHERE x = 0;"                                                                        \
    "CREATE OR REPLACE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS "                                           \
    "'BEGIN IF new.x = 666 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN new; END';"             \
    "CREATE TRIGGER ends BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION ends()"

#define INSERT "INSERT INTO t (n, x, parent) VALUES (:n, :x, :parent) RETURNING txid_current()"

/* One connection, contexts that write, and somebody who holds them up. */
struct convoy {
    struct scene scene;
    adb_context *lanes[N_LANES];
    adb_database *other_db;
    adb_context *other;
    struct tally tally;
    adb_job held; /* the connection is busy with it */
};

/* The log is written by nobody but those who wait for it, or what is lost in a crash would hardly ever be lost. */
static void server_prepare(struct scene *scene)
{
    static bool done;
    if (done)
        return;
    done = true;
    scene_open(scene, &postgresql, NULL, NULL);
    server_stop(scene->server);
    server_again(scene->server, "wal_writer_delay=10s");
    scene_close(scene);
}

static void convoy_open(struct convoy *convoy, const char *setting, const adb_options *options)
{
    char url[SERVER_TEXT + 80];
    adb_options own = {.size = sizeof(own)};
    *convoy = (struct convoy){.tally = TALLY_INIT};
    struct scene *scene = &convoy->scene;
    server_prepare(scene);
    snprintf(url, sizeof(url), "%s%s%s", engine_server(&postgresql)->url, setting[0] != '\0' ? "&" : "", setting);
    if (options != NULL)
        own = *options;
    own.max_size = own.max_size == 0 ? 1 : own.max_size;
    scene_open(scene, &postgresql, url, &own);
    REQUIRE(status_of(scene->ctx, adb_execute_script(scene->ctx, TABLES, NULL, NULL)) == ADB_OK);
    for (size_t i = 0; i < N_LANES; i++)
        convoy->lanes[i] = adb_context_new(scene->db, scene->queue, 0);
    REQUIRE(adb_database_open(scene->server->url, ADB_OPTIONS(.max_size = 1), &convoy->other_db, NULL) == ADB_OK);
    convoy->other = adb_context_new(convoy->other_db, scene->queue, 0);
    REQUIRE(status_of(convoy->other, adb_acquire(convoy->other, NULL, NULL)) == ADB_OK);
}

static void convoy_close(struct convoy *convoy)
{
    for (size_t i = 0; i < N_LANES; i++)
        adb_context_free(convoy->lanes[i]);
    adb_context_free(convoy->other);
    CU_ASSERT_EQUAL(adb_database_close(convoy->other_db, PATIENCE_MS), ADB_OK);
    adb_database_free(convoy->other_db);
    scene_close(&convoy->scene);
}

static void other_must(struct convoy *convoy, const char *sql)
{
    CU_ASSERT_EQUAL(status_of(convoy->other, adb_execute(convoy->other, sql, NULL, NULL, NULL)), ADB_OK);
}

static adb_job insert(struct convoy *convoy, size_t lane, int64_t n, int64_t x)
{
    return adb_execute(convoy->lanes[lane], INSERT,
                       ADB_PARAMS({"n", adb_int(n)}, {"x", adb_int(x)}, {"parent", adb_null()}), tally_done,
                       &convoy->tally);
}

/* A statement is sent with others only when it has been run by itself. */
static void convoy_learn(struct convoy *convoy)
{
    for (int i = 0; i < 3; i++)
        insert(convoy, 0, -1 - i, 1);
    run_all(convoy->lanes[0]);
    CU_ASSERT_EQUAL(tally_of(&convoy->tally, ADB_OK), 3);
    convoy->tally = (struct tally)TALLY_INIT;
}

/* What is submitted until convoy_go() waits for the one connection. */
static void convoy_hold(struct convoy *convoy)
{
    struct scene *scene = &convoy->scene;
    other_must(convoy, "BEGIN");
    other_must(convoy, "SELECT pg_advisory_xact_lock(1)");
    convoy->held = adb_execute(scene->ctx, "SELECT pg_advisory_xact_lock(1)", NULL, NULL, NULL);
    scene_await(scene, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", 1);
}

static void convoy_go(struct convoy *convoy)
{
    other_must(convoy, "COMMIT");
    CU_ASSERT_EQUAL(status_of(convoy->scene.ctx, convoy->held), ADB_OK);
}

static void run_lanes(struct convoy *convoy)
{
    for (size_t i = 0; i < N_LANES; i++)
        run_all(convoy->lanes[i]);
}

static int64_t count(struct convoy *convoy, const char *sql)
{
    return value_of(convoy->scene.ctx, adb_fetch_one(convoy->scene.ctx, sql, NULL, NULL, NULL));
}

static uint64_t n_groups(struct convoy *convoy)
{
    return scene_stats(&convoy->scene).group_commits;
}

/* As many writes at once as there are lanes; which of them share is the figures' to tell. */
static void write_together(struct convoy *convoy)
{
    convoy_hold(convoy);
    for (size_t i = 0; i < N_LANES; i++)
        insert(convoy, i, (int64_t)i, 0);
    convoy_go(convoy);
    run_lanes(convoy);
}

static bool session_has(struct convoy *convoy, const char *setting, const char *value)
{
    char sql[160];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_settings WHERE name = '%s' AND setting = '%s'", setting, value);
    return count(convoy, sql) == 1;
}

/* Sharing ---------------------------------------------------------------------------------------------------------- */

/* One wait for the disk, and as many transactions as jobs. */
ON_POSTGRESQL(writes_that_wait_share_a_flush)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    const uint64_t before = n_groups(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES);
    CU_ASSERT_EQUAL(n_groups(&convoy), before + 1);
    for (size_t i = 1; i < N_LANES; i++)
        CU_ASSERT(tally_seen(&convoy.tally, i).value > tally_seen(&convoy.tally, i - 1).value);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(DISTINCT xmin::text) FROM t WHERE x = 0"), N_LANES);
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "on"));
    CU_ASSERT_TRUE(session_has(&convoy, "statement_timeout", "0"));
    convoy_close(&convoy);
}

/* A failing one fails alone, at its statement or at its commit. */
ON_POSTGRESQL(failing_writes_fail_alone)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    const uint64_t before = n_groups(&convoy);
    convoy_hold(&convoy);
    for (size_t i = 0; i < N_LANES; i++) {
        if (i == 5)
            adb_execute(convoy.lanes[i], INSERT,
                        ADB_PARAMS({"n", adb_int(5)}, {"x", adb_int(0)}, {"parent", adb_int(404)}), tally_done,
                        &convoy.tally);
        else
            insert(&convoy, i, i == 7 ? 6 : (int64_t)i, 0);
    }
    convoy_go(&convoy);
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES - 2);
    CU_ASSERT_EQUAL(tally_seen(&convoy.tally, 5).status, ADB_E_FOREIGN_KEY);
    CU_ASSERT_EQUAL(tally_seen(&convoy.tally, 7).status, ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(n_groups(&convoy), before + 1);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE x = 0"), N_LANES - 2);
    convoy_close(&convoy);
}

/* What was cancelled while it waited is left out, and what is behind it in its context is not. */
ON_POSTGRESQL(writes_cancelled_before_they_are_sent_take_nobody_along)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    const uint64_t before = n_groups(&convoy);
    convoy_hold(&convoy);
    for (size_t i = 0; i < N_LANES; i++) {
        const adb_job job = insert(&convoy, i, (int64_t)i, 0);
        if (i % 2 == 1)
            CU_ASSERT_EQUAL(adb_cancel(convoy.lanes[i], job), ADB_OK);
        insert(&convoy, i, 100 + (int64_t)i, 0);
    }
    convoy_go(&convoy);
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_E_CANCELLED), N_LANES / 2);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES / 2 + N_LANES);
    CU_ASSERT_EQUAL(n_groups(&convoy), before + 1);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE n BETWEEN 0 AND 99"), N_LANES / 2);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE n >= 100"), N_LANES);
    convoy_close(&convoy);
}

/* One after the other, each sees what the one before has done. */
ON_POSTGRESQL(writes_of_one_context_keep_their_order)
{
    struct convoy convoy;
    int64_t expected = 1;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    insert(&convoy, 0, 1, 1);
    for (int i = 0; i < 3; i++) { /* so that this one is known, too */
        adb_execute(convoy.lanes[0], "UPDATE t SET x = 2 * x + ? WHERE n = 1", ADB_PARAMS({0, adb_int(i)}), tally_done,
                    &convoy.tally);
        expected = 2 * expected + i;
    }
    run_all(convoy.lanes[0]);
    const uint64_t before = n_groups(&convoy);
    convoy_hold(&convoy);
    for (int i = 0; i < 40; i++) {
        adb_execute(convoy.lanes[0], "UPDATE t SET x = 2 * x + ? WHERE n = 1", ADB_PARAMS({0, adb_int(i % 3)}),
                    tally_done, &convoy.tally);
        expected = 2 * expected + i % 3;
    }
    insert(&convoy, 1, 100, 0);
    convoy_go(&convoy);
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), 45);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT x FROM t WHERE n = 1"), expected);
    CU_ASSERT(n_groups(&convoy) > before);
    convoy_close(&convoy);
}

/* Stopping --------------------------------------------------------------------------------------------------------- */

/* One waits for somebody else's row: the others do not wait with it. */
static void others_complete_while_one_is_locked_out(adb_status outcome, int timeout_ms)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    convoy_hold(&convoy);
    struct tally lone = TALLY_INIT;
    adb_job blocked = 0;
    for (size_t i = 0; i < N_LANES; i++) {
        if (i != 3) {
            insert(&convoy, i, (int64_t)i, 0);
            continue;
        }
        const adb_request request = {.size = sizeof(request),
                                     .kind = ADB_REQUEST_EXECUTE,
                                     .sql = INSERT,
                                     .params =
                                         ADB_PARAMS({"n", adb_int(1000)}, {"x", adb_int(0)}, {"parent", adb_null()}),
                                     .timeout_ms = timeout_ms,
                                     .done = tally_done,
                                     .user_data = &lone};
        blocked = adb_submit(convoy.lanes[i], &request);
    }
    other_must(&convoy, "INSERT INTO t VALUES (1000, 0)"); /* in its transaction */
    CU_ASSERT_NOT_EQUAL(blocked, 0);
    CU_ASSERT_EQUAL(adb_cancel(convoy.scene.ctx, convoy.held), ADB_OK); /* and not its lock, which is the same */
    while (tally_n(&convoy.tally) < N_LANES - 1) {
        REQUIRE(adb_queue_wait(convoy.scene.queue, PATIENCE_MS) == ADB_OK);
        adb_queue_dispatch(convoy.scene.queue, 0);
    }
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES - 1);
    if (outcome == ADB_E_CANCELLED) {
        CU_ASSERT_EQUAL(tally_n(&lone), 0);
        adb_cancel(convoy.lanes[3], blocked);
    } else if (outcome == ADB_OK) {
        CU_ASSERT_EQUAL(tally_n(&lone), 0);
        other_must(&convoy, "ROLLBACK");
    }
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&lone, outcome), 1);
    if (outcome != ADB_OK)
        other_must(&convoy, "ROLLBACK");
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE x = 0"), outcome == ADB_OK ? N_LANES : N_LANES - 1);
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "on"));
    convoy_close(&convoy);
}

ON_POSTGRESQL(a_lock_holds_nobody_else_up)
{
    others_complete_while_one_is_locked_out(ADB_OK, 0);
}

ON_POSTGRESQL(one_behind_a_lock_is_cancelled)
{
    others_complete_while_one_is_locked_out(ADB_E_CANCELLED, 0);
}

ON_POSTGRESQL(one_behind_a_lock_has_its_deadline)
{
    others_complete_while_one_is_locked_out(ADB_E_TIMEOUT, 300);
}

/* Losing ----------------------------------------------------------------------------------------------------------- */

/* The session ends in the middle: nobody knows, nothing runs twice, and the next connection goes on. */
ON_POSTGRESQL(a_session_that_ends_leaves_doubt_and_nothing_twice)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    convoy_hold(&convoy);
    for (size_t i = 0; i < N_LANES; i++)
        insert(&convoy, i, (int64_t)i, i == 8 ? 666 : 2);
    convoy_go(&convoy);
    run_lanes(&convoy);
    const size_t n_lost = tally_of(&convoy.tally, ADB_E_CONNECTION);
    const size_t n_well = tally_of(&convoy.tally, ADB_OK); /* too slow for the others, on a busy machine, and run alone */
    CU_ASSERT(n_lost > 1 && n_lost + n_well == N_LANES);
    for (size_t i = 0; i < N_LANES; i++) {
        const struct seen seen = tally_seen(&convoy.tally, i);
        CU_ASSERT(seen.status == ADB_OK || (seen.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    }
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) - count(DISTINCT n) FROM t WHERE x = 2"), 0);
    CU_ASSERT(count(&convoy, "SELECT count(*) FROM t WHERE x = 2") >= (int64_t)n_well);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE x = 666"), 0);
    insert(&convoy, 0, 99, 2);
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), n_well + 1);
    convoy_close(&convoy);
}

#define MOST_IDS 200000

/* Of one flood. */
static struct {
    struct convoy *convoy;
    int64_t next, until;
    size_t n_told, n_failed;
    unsigned char told[MOST_IDS];
} flood;

struct flow {
    adb_context *ctx;
    int64_t id;
};

static void flow_on(struct flow *flow);

static void on_flow(adb_result *result, void *user_data)
{
    struct flow *flow = user_data;
    const adb_status status = adb_result_status(result);
    flood.told[flow->id] = status == ADB_OK;
    flood.n_told += status == ADB_OK;
    flood.n_failed += status != ADB_OK;
    if (flood.n_failed == 0)
        flow_on(flow);
}

static void flow_on(struct flow *flow)
{
    if (flood.next >= flood.until)
        return;
    flow->id = flood.next++;
    adb_execute(flow->ctx, "INSERT INTO t (n, x) VALUES (?, 0)", ADB_PARAMS({0, adb_int(flow->id)}), on_flow, flow);
}

/* Write until so many have been reported, and kill the server at once. */
static void flood_and_kill(struct convoy *convoy, size_t n_told)
{
    struct flow flows[N_LANES];
    const size_t until = flood.n_told + n_told;
    flood.n_failed = 0;
    for (size_t i = 0; i < N_LANES; i++) {
        flows[i] = (struct flow){.ctx = convoy->lanes[i]};
        flow_on(&flows[i]);
    }
    while (flood.n_told < until && flood.n_failed == 0) {
        adb_queue_wait(convoy->scene.queue, PATIENCE_MS);
        adb_queue_dispatch(convoy->scene.queue, 0);
    }
    server_kill(convoy->scene.server);
    CU_ASSERT_EQUAL(flood.n_failed, 0);
    const int64_t last = flood.until;
    flood.until = flood.next;
    run_lanes(convoy);
    flood.until = last;
    server_again(convoy->scene.server, NULL);
}

/* How many that were reported are not there. */
static size_t n_lost(struct convoy *convoy)
{
    size_t n_there = 0;
    adb_context *ctx = convoy->scene.ctx;
    adb_result *rows = adb_wait(ctx, adb_fetch_all(ctx, "SELECT n FROM t WHERE x = 0", NULL, NULL, NULL), -1);
    REQUIRE(adb_result_status(rows) == ADB_OK);
    for (size_t i = 0; i < adb_result_rows(rows); i++) {
        const int64_t n = adb_row_int(adb_result_row(rows, i), 0);
        n_there += n >= 0 && flood.told[n];
    }
    adb_result_unref(rows);
    return flood.n_told - n_there;
}

static size_t kill_again_and_again(const char *setting, unsigned n_connections, size_t n_rounds, uint64_t *n_groups_out)
{
    struct convoy convoy;
    convoy_open(&convoy, setting, ADB_OPTIONS(.max_size = n_connections));
    memset(&flood, 0, sizeof(flood));
    flood.until = MOST_IDS;
    for (size_t i = 0; i < n_rounds; i++)
        flood_and_kill(&convoy, 200 + 37 * i);
    const size_t lost = n_lost(&convoy);
    *n_groups_out = n_groups(&convoy);
    printf("# %zu kills, %zu reported, %zu of them lost, %llu flushes shared\n", n_rounds, flood.n_told, lost,
           (unsigned long long)*n_groups_out);
    convoy_close(&convoy);
    return lost;
}

/* What was reported before the server was killed is there, although it was the moment after. */
ON_POSTGRESQL(what_was_reported_outlives_the_server)
{
    uint64_t groups;
    CU_ASSERT_EQUAL(kill_again_and_again("", 2, FEWER(6, 2), &groups), 0);
    CU_ASSERT(groups > 0);
    CU_ASSERT_EQUAL(kill_again_and_again("", 12, FEWER(6, 2), &groups), 0); /* more than go to sea at once */
    CU_ASSERT(groups > 0);
}

/* Leaving alone ---------------------------------------------------------------------------------------------------- */

/* Whoever does not wait for the disk has nothing to share. What is lost in a crash shows that the test above would see
 * it; how much that is, nobody can say. */
ON_POSTGRESQL(who_does_not_wait_shares_nothing)
{
    uint64_t groups;
    kill_again_and_again("server.synchronous_commit=off", 2, 2, &groups);
    CU_ASSERT_EQUAL(groups, 0);
}

static void writes_share(const char *setting, const adb_options *options, bool shared)
{
    struct convoy convoy;
    convoy_open(&convoy, setting, options);
    convoy_learn(&convoy);
    const uint64_t before = n_groups(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES);
    CU_ASSERT_EQUAL(n_groups(&convoy) > before, shared);
    convoy_close(&convoy);
}

ON_POSTGRESQL(the_option_switches_it_off)
{
    writes_share("group_commit=off", NULL, false);
    writes_share("group_commit=on", NULL, true);
    writes_share("", ADB_OPTIONS(.ungrouped = true), false);
}

ON_POSTGRESQL(without_prepared_statements_nothing_is_shared)
{
    writes_share("statement_cache=0", NULL, false);
}

/* Who may not write the message. */
ON_POSTGRESQL(without_the_privilege_nothing_is_shared)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    server_sql(convoy.scene.server,
               "REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC");
    convoy_learn(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES);
    CU_ASSERT_EQUAL(n_groups(&convoy), 0);
    server_sql(convoy.scene.server, "GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) TO PUBLIC");
    convoy_close(&convoy);
}

/* It is taken away when the connection believes that it has it: the flush fails, and then nobody may say that all is
 * well. */
ON_POSTGRESQL(a_flush_that_fails_leaves_doubt)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(n_groups(&convoy), 1);
    convoy.tally = (struct tally)TALLY_INIT;
    server_sql(convoy.scene.server,
               "REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC");
    convoy_hold(&convoy);
    for (size_t i = 0; i < N_LANES; i++)
        insert(&convoy, i, (int64_t)i, 2);
    convoy_go(&convoy);
    run_lanes(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_E_PERMISSION), N_LANES);
    CU_ASSERT((tally_seen(&convoy.tally, 0).flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    CU_ASSERT_EQUAL(count(&convoy, "SELECT count(*) FROM t WHERE x = 2"), N_LANES);
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "on"));
    server_sql(convoy.scene.server, "GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) TO PUBLIC");
    convoy_close(&convoy);
}

static adb_status set_session(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result_unref(adb_session_execute(session, "SET synchronous_commit TO local", NULL));
    adb_result_unref(adb_session_execute(session, "SET statement_timeout TO 61000", NULL));
    return ADB_OK;
}

/* What a hook has set is set again behind the shared flush. */
ON_POSTGRESQL(settings_of_the_session_come_back)
{
    struct convoy convoy;
    convoy_open(&convoy, "", ADB_OPTIONS(.on_connect = set_session));
    convoy_learn(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(n_groups(&convoy), 1);
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "local"));
    CU_ASSERT_TRUE(session_has(&convoy, "statement_timeout", "61000"));
    convoy_close(&convoy);
}

/* What the driver has prepared for it is prepared again. */
ON_POSTGRESQL(a_session_that_was_emptied_shares_again)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(n_groups(&convoy), 1);
    scene_must(&convoy.scene, "DISCARD ALL");
    scene_must(&convoy.scene, "DELETE FROM t");
    convoy.tally = (struct tally)TALLY_INIT;
    convoy_learn(&convoy);
    const uint64_t before = n_groups(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES);
    CU_ASSERT_EQUAL(n_groups(&convoy), before + 1);
    convoy_close(&convoy);
}

/* Somebody has dropped that without the driver's knowing: the writes wait one by one, and all is as it was. */
ON_POSTGRESQL(without_what_was_prepared_writes_wait_one_by_one)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    write_together(&convoy);
    scene_must(&convoy.scene, "DO $$ BEGIN EXECUTE 'DEALLOCATE adb_settings'; EXECUTE 'DEALLOCATE adb_flush'; END $$");
    scene_must(&convoy.scene, "DELETE FROM t");
    convoy.tally = (struct tally)TALLY_INIT;
    for (size_t i = 1; i <= 2; i++) {
        write_together(&convoy);
        CU_ASSERT_EQUAL(tally_of(&convoy.tally, ADB_OK), N_LANES * i);
        scene_must(&convoy.scene, "DELETE FROM t");
    }
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "on"));
    convoy_close(&convoy);
}

/* What somebody sets later is seen. */
ON_POSTGRESQL(a_session_that_does_not_wait_any_more_shares_no_more)
{
    struct convoy convoy;
    convoy_open(&convoy, "", NULL);
    convoy_learn(&convoy);
    write_together(&convoy);
    CU_ASSERT_EQUAL(n_groups(&convoy), 1);
    scene_must(&convoy.scene, "SET synchronous_commit TO off");
    scene_must(&convoy.scene, "DELETE FROM t");
    write_together(&convoy);
    CU_ASSERT_EQUAL(n_groups(&convoy), 1);
    CU_ASSERT_TRUE(session_has(&convoy, "synchronous_commit", "off"));
    convoy_close(&convoy);
}

FAULTS(shared_flush, CASE(writes_that_wait_share_a_flush), CASE(failing_writes_fail_alone),
       CASE(writes_cancelled_before_they_are_sent_take_nobody_along), CASE(writes_of_one_context_keep_their_order),
       CASE(a_lock_holds_nobody_else_up), CASE(one_behind_a_lock_is_cancelled),
       CASE(one_behind_a_lock_has_its_deadline), CASE(a_session_that_ends_leaves_doubt_and_nothing_twice),
       CASE(what_was_reported_outlives_the_server), CASE(who_does_not_wait_shares_nothing),
       CASE(the_option_switches_it_off), CASE(without_prepared_statements_nothing_is_shared),
       CASE(without_the_privilege_nothing_is_shared), CASE(a_flush_that_fails_leaves_doubt),
       CASE(settings_of_the_session_come_back), CASE(a_session_that_was_emptied_shares_again),
       CASE(without_what_was_prepared_writes_wait_one_by_one),
       CASE(a_session_that_does_not_wait_any_more_shares_no_more))
