/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks and servers that say nothing any more: what ends a job then is its deadline. */
#include "tests/faults/scene.h"

#include <stdio.h>

/* Statements under way when the network goes silent end at their deadlines, and so do those that wait behind them. */
ON_BOTH(silence_ends_at_the_deadline)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = engine_proxy(engine);
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
    scene_heal(&scene, proxy);
}

/* A cancel does not wait for a silent server: the connection is severed. */
ON_BOTH(cancel_on_a_silent_network_ends_the_job)
{
    struct scene scene;
    struct server *proxy = engine_proxy(engine);
    scene_open(&scene, engine, proxy->url, NULL);
    const adb_job slow = adb_fetch_all(scene.ctx, engine->slow, NULL, NULL, NULL);
    scene_await(&scene, engine->running, 1);
    proxy_tell(proxy, "stall");
    CU_ASSERT_EQUAL(adb_cancel(scene.ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(status_of(scene.ctx, slow), ADB_E_CANCELLED);
    server_sql(scene.server, engine->end_sessions); /* it still sleeps: no cancel has reached it */
    scene_heal(&scene, proxy);
}

/* A server that does not say a word to who connects. */
ON_BOTH(connecting_to_silence_ends)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    struct server *proxy = engine_proxy(engine);
    scene_open(&scene, engine, proxy->url, ADB_OPTIONS(.connect_timeout_ms = 200));
    adb_context_set_timeout(scene.ctx, 500);
    proxy_tell(proxy, "stall");
    for (int i = 0; i < 5; i++)
        adb_fetch_all(scene.ctx, "SELECT 1", NULL, tally_done, &tally);
    run_all(scene.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 5);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT) + tally_of(&tally, ADB_E_CONNECTION), 5);
    scene_heal(&scene, proxy);
}

/* The answer did not come by the deadline: that says nothing about the commit, and it is said so. */
ON_BOTH(commit_that_meets_its_deadline_in_silence_is_in_doubt)
{
    struct scene scene;
    struct server *proxy = engine_proxy(engine);
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
    scene_heal(&scene, proxy);
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

FAULTS(silence, BOTH_CASES(silence_ends_at_the_deadline), BOTH_CASES(cancel_on_a_silent_network_ends_the_job),
       BOTH_CASES(connecting_to_silence_ends), BOTH_CASES(commit_that_meets_its_deadline_in_silence_is_in_doubt),
       BOTH_CASES(frozen_server_is_met_by_the_deadline))
