/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks that refuse, reset, delay and cut, by the proxy tests/servers/chaos.c between database and server. */
#include "tests/faults/load.h"

#include <stdio.h>
#include <string.h>

/* Nobody listens; and then somebody does. REG-19 */
ON_BOTH(refused_connections_heal)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = engine_proxy(engine);
    scene_open(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    adb_context_set_timeout(scene.ctx, 300);
    proxy_tell(proxy, "refuse");
    for (int i = 0; i < 5; i++)
        adb_fetch_all(scene.ctx, "SELECT 1", NULL, tally_done, &tally);
    run_all(scene.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 5);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CONNECTION) + tally_of(&tally, ADB_E_TIMEOUT), 5);
    scene_show(&tally, ADB_OK);
    scene_heal(&scene, proxy);
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
    struct server *proxy = engine_proxy(engine);
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 400000);
    for (int i = 0; i < FEWER(10, 4); i++) {
        load_run(&load, 200, load.n_done + 50 + (size_t)i);
        load_during(&load, 200, i % 2 == 0 ? reset_connections : close_connections, proxy);
    }
    load_run(&load, 200, load.n_done + 200);
    load_drain(&load);
    load_settle(&load, "connections reset under load");
    CU_ASSERT(scene_stats(&scene).closed_lost > 0); /* it has come; whether under a job is a matter of moments */
    load_close(&load);
    scene_heal(&scene, proxy);
}

/* The same cut at every length of an answer: no half message is taken for a whole one. */
ON_BOTH(cuts_in_the_middle_of_a_message_lose_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    struct server *proxy = engine_proxy(engine);
    char cut[32];
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 2));
    load_open(&load, &scene, 400000);
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
    scene_heal(&scene, proxy);
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
    struct server *proxy = engine_proxy(engine);
    const adb_params *ten = ADB_PARAMS({"n", adb_int(10)});
    scene_open(&scene, engine, proxy->url, NULL);
    scene_is_healthy(&scene);
    proxy_tell(proxy, "cut 5500000 down");
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, engine->large, ten, NULL, NULL)), ADB_E_CONNECTION);
    const adb_job job = adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = engine->large,
                                                          .params = ten, .batch = count_rows, .user_data = &n_rows));
    CU_ASSERT_EQUAL(status_of(scene.ctx, job), ADB_E_CONNECTION);
    CU_ASSERT(n_rows < 10);
    scene_heal(&scene, proxy);
}

/* A slow network is slow, and nothing else. */
ON_BOTH(delay_changes_no_outcome)
{
    struct scene scene;
    struct load load;
    struct server *proxy = engine_proxy(engine);
    scene_open_table(&scene, engine, proxy->url, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 4000);
    proxy_tell(proxy, "delay 2000");
    load_run(&load, 100, 200);
    load_drain(&load);
    const struct account account = load_settle(&load, "network delayed");
    CU_ASSERT_EQUAL(account.ok, account.jobs);
    load_close(&load);
    scene_heal(&scene, proxy);
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
    struct server *proxy = engine_proxy(engine);
    scene_open_table(&scene, engine, proxy->url, NULL);
    const adb_error error = commit_into("stall down", &scene, proxy, 1);
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    CU_ASSERT((error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    proxy_tell(proxy, "clear");
    CU_ASSERT_EQUAL(value_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 1);
    scene_heal(&scene, proxy);
}

/* The commit never arrived: unknown all the same. */
ON_BOTH(commit_that_never_arrives_has_an_unknown_outcome)
{
    struct scene scene;
    struct server *proxy = engine_proxy(engine);
    scene_open_table(&scene, engine, proxy->url, NULL);
    const adb_error error = commit_into("stall up", &scene, proxy, 0);
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT((error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0);
    proxy_tell(proxy, "clear");
    CU_ASSERT_EQUAL(value_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 0);
    scene_heal(&scene, proxy);
}

FAULTS(network, BOTH_CASES(refused_connections_heal), BOTH_CASES(resets_under_load_lose_nothing_that_was_acknowledged),
       BOTH_CASES(cuts_in_the_middle_of_a_message_lose_nothing_that_was_acknowledged),
       BOTH_CASES(result_that_breaks_off_is_an_error), BOTH_CASES(delay_changes_no_outcome),
       BOTH_CASES(commit_whose_answer_is_lost_has_an_unknown_outcome),
       BOTH_CASES(commit_that_never_arrives_has_an_unknown_outcome))
