/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks that go silent, reset, delay and cut, by the proxy tests/servers/chaos.c between database and server. */
#include "tests/faults/load.h"

#include <stdio.h>
#include <string.h>

static struct server proxies[2];

/* The proxy before the engine's server, as if nothing had been said to it. */
static struct server *proxy_of(const struct engine *engine)
{
    struct server *proxy = &proxies[engine == &mysql];
    char name[48];
    snprintf(name, sizeof(name), "network_chaos_%s", engine->kind);
    if (proxy->name[0] == '\0')
        server_start_before(proxy, "chaos", name, engine_server(engine));
    proxy_tell(proxy, "clear");
    return proxy;
}

/* Over: the network is well again, and so is the pool. */
static void heal(struct scene *scene, const struct server *proxy)
{
    proxy_tell(proxy, "clear");
    scene_is_healthy(scene);
    scene_close(scene);
}

/* Statements under way when the network goes silent end at their deadlines, and so do those that wait behind them.
 * */
ON_BOTH(silence_ends_at_the_deadline)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = proxy_of(engine);
    scene_open(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4, .min_size = 4));
    scene_is_healthy(&scene);
    adb_context *lanes[4];
    for (size_t i = 0; i < 4; i++)
        lanes[i] = adb_context_new(scene.db, scene.queue, 0);
    proxy_tell(proxy, "stall");
    for (size_t i = 0; i < 40; i++)
        adb_submit(lanes[i % 4], ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "SELECT 1", .timeout_ms = 300,
                                             .done = tally_done, .user_data = &tally));
    for (size_t i = 0; i < 4; i++) {
        run_all(lanes[i]);
        adb_context_free(lanes[i]);
    }
    printf("# silent network, %s: 40 jobs, %zu outcomes, %zu timed out\n", engine->kind, tally_n(&tally),
           tally_of(&tally, ADB_E_TIMEOUT));
    CU_ASSERT_EQUAL(tally_n(&tally), 40);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT), 40);
    if (tally_of(&tally, ADB_E_TIMEOUT) < 40)
        scene_show(&tally, ADB_E_TIMEOUT);
    heal(&scene, proxy);
}

/* A cancel does not wait for a silent server: the connection is severed. */
ON_BOTH(cancel_on_a_silent_network_ends_the_job)
{
    struct scene scene;
    struct server *proxy = proxy_of(engine);
    scene_open(&scene, engine, proxy->url, NULL);
    const adb_job slow =
        adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = engine->slow, .timeout_ms = 1500));
    scene_await(&scene, engine->running, 1);
    proxy_tell(proxy, "stall");
    CU_ASSERT_EQUAL(adb_cancel(scene.ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(status_of(scene.ctx, slow), ADB_E_CANCELLED);
    server_sql(scene.server, engine->end_sessions); /* it still sleeps: no cancel has reached it */
    heal(&scene, proxy);
}

/* A server that does not say a word to who connects. */
ON_BOTH(connecting_to_silence_ends)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = proxy_of(engine);
    scene_open(&scene, engine, proxy->url, ADB_OPTIONS(.connect_timeout_ms = 200));
    adb_context_set_timeout(scene.ctx, 500);
    proxy_tell(proxy, "stall");
    for (int i = 0; i < 5; i++)
        adb_fetch_all(scene.ctx, "SELECT 1", NULL, tally_done, &tally);
    run_all(scene.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 5);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT) + tally_of(&tally, ADB_E_CONNECTION), 5);
    heal(&scene, proxy);
}

/* Nobody listens; and then somebody does. REG-19 */
ON_BOTH(refused_connections_heal)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = proxy_of(engine);
    scene_open(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    adb_context_set_timeout(scene.ctx, 300);
    proxy_tell(proxy, "refuse");
    for (int i = 0; i < 5; i++)
        adb_fetch_all(scene.ctx, "SELECT 1", NULL, tally_done, &tally);
    run_all(scene.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 5);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CONNECTION) + tally_of(&tally, ADB_E_TIMEOUT), 5);
    scene_show(&tally, ADB_OK);
    heal(&scene, proxy);
}

static void reset_connections(void *proxy)
{
    proxy_tell(proxy, "reset");
}

static void close_connections(void *proxy)
{
    proxy_tell(proxy, "close");
}

/* Connections are reset under load: the ledger is right. */
ON_BOTH(resets_under_load_lose_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    struct server *proxy = proxy_of(engine);
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 100000);
    for (int i = 0; i < FEWER(10, 4); i++) {
        load_run(&load, 200, load.n_done + 50 + (size_t)i);
        load_during(&load, 200, i % 2 == 0 ? reset_connections : close_connections, proxy);
    }
    load_run(&load, 200, load.n_done + 200);
    load_drain(&load);
    const struct account account = load_settle(&load, "connections reset under load");
    CU_ASSERT(account.connection > 0);
    load_close(&load);
    heal(&scene, proxy);
}

/* The same cut at every length of an answer: no half message is taken for a whole one. */
ON_BOTH(cuts_in_the_middle_of_a_message_lose_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    struct server *proxy = proxy_of(engine);
    char cut[32];
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 2));
    load_open(&load, &scene, 100000);
    for (int i = 0; i < FEWER(14, 5); i++) {
        load_run(&load, 100, load.n_done + 20);
        snprintf(cut, sizeof(cut), "cut %d %s", 1 + i * 15, i % 3 == 0 ? "up" : "down");
        proxy_tell(proxy, cut);
        load_run(&load, 100, load.n_done + 3);
        proxy_tell(proxy, "clear");
    }
    load_drain(&load);
    load_settle(&load, "messages cut under load");
    load_close(&load);
    heal(&scene, proxy);
}

static adb_flow count_rows(adb_result *batch, void *user_data)
{
    *(size_t *)user_data += adb_result_rows(batch);
    return ADB_CONTINUE;
}

/* A result that breaks off is an error, not a short result. */
ON_BOTH(result_that_breaks_off_is_an_error)
{
    struct scene scene;
    size_t n_rows = 0;
    struct server *proxy = proxy_of(engine);
    const adb_params *ten = ADB_PARAMS({"n", adb_int(10)});
    scene_open(&scene, engine, proxy->url, NULL);
    scene_is_healthy(&scene);
    proxy_tell(proxy, "cut 5500000 down");
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, engine->large, ten, NULL, NULL)), ADB_E_CONNECTION);
    const adb_job job = adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = engine->large,
                                                          .params = ten, .batch = count_rows, .user_data = &n_rows));
    CU_ASSERT_EQUAL(status_of(scene.ctx, job), ADB_E_CONNECTION);
    CU_ASSERT(n_rows < 10);
    heal(&scene, proxy);
}

/* A slow network is slow, and nothing else. */
ON_BOTH(delay_changes_no_outcome)
{
    struct scene scene;
    struct load load;
    struct server *proxy = proxy_of(engine);
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 4000);
    proxy_tell(proxy, "delay 2000");
    load_run(&load, 100, 200);
    load_drain(&load);
    const struct account account = load_settle(&load, "network delayed");
    CU_ASSERT_EQUAL(account.ok, account.jobs);
    load_close(&load);
    heal(&scene, proxy);
}

/* Begin and insert, then commit into a network that has gone silent one way, and end it. */
static adb_error commit_into(const char *silence, struct scene *scene, const struct server *proxy, int64_t rows)
{
    adb_begin(scene->ctx, NULL, NULL, NULL);
    adb_execute(scene->ctx, "INSERT INTO t (n) VALUES (1)", NULL, NULL, NULL);
    run_all(scene->ctx);
    proxy_tell(proxy, silence);
    const adb_job commit = adb_commit(scene->ctx, NULL, NULL);
    scene_await(scene, "SELECT count(*) FROM t", rows);
    proxy_tell(proxy, "reset");
    return error_of(scene->ctx, commit);
}

/* The server has committed, but its answer never came: unknown, and not wrong. */
ON_BOTH(commit_whose_answer_is_lost_has_an_unknown_outcome)
{
    struct scene scene;
    struct server *proxy = proxy_of(engine);
    scene_open_table(&scene, engine, proxy->url, NULL);
    const adb_error error = commit_into("stall down", &scene, proxy, 1);
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    CU_ASSERT((error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    proxy_tell(proxy, "clear");
    CU_ASSERT_EQUAL(value_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 1);
    heal(&scene, proxy);
}

/* The commit never arrived: unknown all the same. */
ON_BOTH(commit_that_never_arrives_has_an_unknown_outcome)
{
    struct scene scene;
    struct server *proxy = proxy_of(engine);
    scene_open_table(&scene, engine, proxy->url, NULL);
    const adb_error error = commit_into("stall up", &scene, proxy, 0);
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    proxy_tell(proxy, "clear");
    CU_ASSERT_EQUAL(value_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 0);
    heal(&scene, proxy);
}

/* The answer did not come by the deadline: that says nothing about the commit, and it is said so. */
ON_BOTH(commit_that_meets_its_deadline_in_silence_is_in_doubt)
{
    struct scene scene;
    struct server *proxy = proxy_of(engine);
    scene_open_table(&scene, engine, proxy->url, NULL);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    adb_execute(scene.ctx, "INSERT INTO t (n) VALUES (1)", NULL, NULL, NULL);
    run_all(scene.ctx);
    proxy_tell(proxy, "stall down");
    const adb_error error =
        error_of(scene.ctx, adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_COMMIT, .timeout_ms = 300)));
    printf("# commit in silence, %s: %s: %s\n", engine->kind, adb_status_name(error.status), error.message);
    CU_ASSERT(error.status == ADB_E_OUTCOME_UNKNOWN || error.status == ADB_E_TIMEOUT);
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    scene_await(&scene, "SELECT count(*) FROM t", 1);
    heal(&scene, proxy);
}

/* A server that stands still (not the network) is met by the deadline, too; and goes on where it was. */
ON_BOTH(frozen_server_is_met_by_the_deadline)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    scene_open(&scene, engine, NULL, ADB_OPTIONS(.max_size = 2));
    scene_is_healthy(&scene);
    server_freeze(scene.server);
    for (int i = 0; i < 10; i++)
        adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "SELECT 1", .timeout_ms = 300,
                                          .done = tally_done, .user_data = &tally));
    run_all(scene.ctx);
    server_thaw(scene.server);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT), 10);
    if (tally_of(&tally, ADB_E_TIMEOUT) < 10)
        scene_show(&tally, ADB_E_TIMEOUT);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

static void drop_proxies(void)
{
    server_drop(&proxies[0]);
    server_drop(&proxies[1]);
}

FAULTS_AND(network, drop_proxies, BOTH_CASES(silence_ends_at_the_deadline),
           BOTH_CASES(cancel_on_a_silent_network_ends_the_job), BOTH_CASES(connecting_to_silence_ends),
           BOTH_CASES(refused_connections_heal), BOTH_CASES(resets_under_load_lose_nothing_that_was_acknowledged),
           BOTH_CASES(cuts_in_the_middle_of_a_message_lose_nothing_that_was_acknowledged),
           BOTH_CASES(result_that_breaks_off_is_an_error), BOTH_CASES(delay_changes_no_outcome),
           BOTH_CASES(commit_whose_answer_is_lost_has_an_unknown_outcome),
           BOTH_CASES(commit_that_never_arrives_has_an_unknown_outcome),
           BOTH_CASES(commit_that_meets_its_deadline_in_silence_is_in_doubt),
           BOTH_CASES(frozen_server_is_met_by_the_deadline))
