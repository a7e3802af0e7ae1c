/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions that the server plays off against one another: deadlocks, serialization failures, lock waits; and
 * adb_transact(), which gets through. */
#include "tests/faults/scene.h"

#include <stdio.h>
#include <string.h>

static void open_rows(struct scene *scene, const struct engine *engine)
{
    scene_open_table(scene, engine, NULL, ADB_OPTIONS(.max_size = 8));
    scene_must(scene, "INSERT INTO t (n, x) VALUES (1, 0), (2, 0)");
    if (engine == &postgresql)
        server_sql(scene->server, "ALTER SYSTEM SET deadlock_timeout = '10ms'; SELECT pg_reload_conf()");
}

static adb_job add(adb_context *ctx, int64_t n)
{
    return adb_execute(ctx, "UPDATE t SET x = x + 1 WHERE n = :n", ADB_PARAMS({"n", adb_int(n)}), NULL, NULL);
}

static const char *waiting_of(const struct engine *engine)
{
    return engine == &mysql ? "SELECT variable_value FROM information_schema.global_status "
                              "WHERE variable_name = 'Innodb_row_lock_current_waits'"
                            : "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
}

/* Of two that wait for one another one fails, as serialization failure that is to be retried as a whole; the other is
 * none the wiser. */
ON_BOTH(deadlock_fails_one_of_the_two)
{
    struct scene scene;
    open_rows(&scene, engine);
    adb_context *other = adb_context_new(scene.db, scene.queue, 0);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    adb_begin(other, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, add(scene.ctx, 1)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, add(other, 2)), ADB_OK);
    const adb_job first = add(scene.ctx, 2);
    scene_await(&scene, waiting_of(engine), 1);
    const adb_job second = add(other, 1);
    const adb_job commits[2] = {adb_commit(scene.ctx, NULL, NULL), adb_commit(other, NULL, NULL)};
    const adb_error errors[2] = {error_of(scene.ctx, first), error_of(other, second)};
    const adb_status ends[2] = {status_of(scene.ctx, commits[0]), status_of(other, commits[1])};
    const size_t loser = errors[0].status == ADB_OK ? 1 : 0;
    CU_ASSERT_EQUAL(errors[loser].status, ADB_E_SERIALIZATION);
    CU_ASSERT((errors[loser].flags & ADB_ERROR_RETRY_TRANSACTION) != 0);
    CU_ASSERT_EQUAL(ends[loser], ADB_E_TRANSACTION_FAILED);
    if (ends[loser] != ADB_E_TRANSACTION_FAILED)
        printf("# commit of the loser: %s\n", adb_status_name(ends[loser]));
    CU_ASSERT_EQUAL(errors[1 - loser].status, ADB_OK);
    CU_ASSERT_EQUAL(ends[1 - loser], ADB_OK);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT sum(x) FROM t"), 2);
    adb_context_free(other);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Two that write what the other has read: one of them cannot have been first. */
ON_POSTGRESQL(serialization_failure_fails_one_of_the_two)
{
    struct scene scene;
    open_rows(&scene, engine);
    const adb_transaction_options *serializable = ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE);
    adb_context *contexts[2] = {scene.ctx, adb_context_new(scene.db, scene.queue, 0)};
    adb_status ends[2];
    for (size_t i = 0; i < 2; i++) {
        adb_begin(contexts[i], serializable, NULL, NULL);
        CU_ASSERT_EQUAL(value_of(contexts[i], adb_fetch_all(contexts[i], "SELECT sum(x) FROM t", NULL, NULL, NULL)), 0);
    }
    for (int64_t i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(status_of(contexts[i], add(contexts[i], i + 1)), ADB_OK);
    for (size_t i = 0; i < 2; i++)
        ends[i] = status_of(contexts[i], adb_commit(contexts[i], NULL, NULL));
    CU_ASSERT_EQUAL(ends[0], ADB_OK);
    CU_ASSERT_EQUAL(ends[1], ADB_E_SERIALIZATION);
    CU_ASSERT_EQUAL(adb_context_depth(contexts[1]), 0);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT sum(x) FROM t"), 1);
    adb_context_free(contexts[1]);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* adb_transact
 * ---------------------------------------------------------------------------------------------------------- */

static bool went_well(adb_result *result)
{
    const bool well = adb_result_status(result) == ADB_OK;
    adb_result_unref(result);
    return well;
}

struct crossing {
    struct latch *both; /* both have their first row */
    int64_t first, second;
    unsigned attempts;
    adb_status status;
};

static void crossed(adb_result *result, void *user_data)
{
    struct crossing *crossing = user_data;
    crossing->status = adb_result_status(result);
}

static adb_status cross(adb_session *session, void *user_data)
{
    struct crossing *crossing = user_data;
    const char *sql = "UPDATE t SET x = x + 1 WHERE n = :n";
    if (!went_well(adb_session_execute(session, sql, ADB_PARAMS({"n", adb_int(crossing->first)}))))
        return adb_session_error(session)->status;
    if (crossing->attempts++ == 0)
        latch_wait(crossing->both);
    return went_well(adb_session_execute(session, sql, ADB_PARAMS({"n", adb_int(crossing->second)})))
               ? ADB_OK
               : adb_session_error(session)->status;
}

/* Two that run into a deadlock for certain: both get through, one of them at its second attempt, or later, as the next one
 * may have taken its first row before the other, which waited for it, was awake. */
ON_BOTH(transact_gets_through_a_deadlock)
{
    struct scene scene;
    struct latch both = LATCH_INIT;
    struct crossing crossings[2] = {{.both = &both, .first = 1, .second = 2}, {.both = &both, .first = 2, .second = 1}};
    open_rows(&scene, engine);
    adb_context *other = adb_context_new(scene.db, scene.queue, 0);
    const adb_transaction_options *retry = ADB_TRANSACTION(.retries = 5);
    adb_transact(scene.ctx, retry, cross, crossed, &crossings[0]);
    adb_transact(other, retry, cross, crossed, &crossings[1]);
    latch_expect(&both, 2);
    latch_open(&both);
    run_all(scene.ctx);
    run_all(other);
    CU_ASSERT(crossings[0].status == ADB_OK && crossings[1].status == ADB_OK);
    const unsigned attempts = crossings[0].attempts + crossings[1].attempts; /* that came to their second row */
    CU_ASSERT(attempts >= 3);
    CU_ASSERT(scene_stats(&scene).retries >= attempts - 2);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT sum(x) FROM t"), 4);
    adb_context_free(other);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Read, think, write: what serializable is for. */
static adb_status increment(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result *read = adb_session_fetch_val(session, "SELECT x FROM t WHERE n = 1", NULL);
    const adb_status status = adb_result_status(read);
    const int64_t x = adb_row_int(adb_result_row(read, 0), 0);
    adb_result_unref(read);
    if (status != ADB_OK)
        return status;
    return went_well(adb_session_execute(session, "UPDATE t SET x = :x WHERE n = 1", ADB_PARAMS({"x", adb_int(x + 1)})))
               ? ADB_OK
               : adb_session_error(session)->status;
}

/* Many at once: none is lost, and none counts twice. */
ON_BOTH(transact_counts_right_under_contention)
{
    enum { LANES = 6, TIMES = 10 };
    struct scene scene;
    struct tally tally = TALLY_INIT;
    adb_context *lanes[LANES];
    open_rows(&scene, engine);
    for (size_t i = 0; i < LANES; i++) {
        lanes[i] = adb_context_new(scene.db, scene.queue, 0);
        for (size_t k = 0; k < TIMES; k++)
            adb_submit(lanes[i], ADB_REQUEST(.kind = ADB_REQUEST_TRANSACT, .work = increment, .done = tally_done,
                                             .user_data = &tally,
                                             .transaction = ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE,
                                                                            .retries = 1000, .backoff_ms = 1)));
    }
    for (size_t i = 0; i < LANES; i++) {
        run_all(lanes[i]);
        adb_context_free(lanes[i]);
    }
    printf("# contention, %s: %d transactions, %zu ok, %llu retries\n", engine->kind, LANES * TIMES,
           tally_of(&tally, ADB_OK), (unsigned long long)scene_stats(&scene).retries);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), LANES * TIMES);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT x FROM t WHERE n = 1"), LANES * TIMES);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Lock waits
 * ---------------------------------------------------------------------------------------------------------- */

/* A wait for a lock that the server ends is ADB_E_LOCKED, and the context goes on. */
ON_BOTH(lock_wait_timeout_is_locked)
{
    struct scene scene;
    open_rows(&scene, engine);
    adb_context *other = adb_context_new(scene.db, scene.queue, 0);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, add(scene.ctx, 1)), ADB_OK);
    adb_acquire(other, NULL, NULL);
    const adb_job limit =
        adb_execute(other, engine == &mysql ? "SET SESSION innodb_lock_wait_timeout = 1" : "SET lock_timeout = '50ms'",
                    NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(other, limit), ADB_OK);
    const adb_error error = error_of(other, add(other, 1));
    CU_ASSERT_EQUAL(error.status, ADB_E_LOCKED);
    CU_ASSERT_STRING_EQUAL(error.sqlstate, engine == &mysql ? "HY000" : "55P03");
    CU_ASSERT_EQUAL(status_of(other, add(other, 2)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_rollback(scene.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, add(other, 1)), ADB_OK);
    adb_context_free(other);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* One that was not to wait at all. */
ON_BOTH(lock_that_is_not_waited_for_is_locked)
{
    struct scene scene;
    open_rows(&scene, engine);
    adb_context *other = adb_context_new(scene.db, scene.queue, 0);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, add(scene.ctx, 1)), ADB_OK);
    const char *sql = "SELECT x FROM t WHERE n = 1 FOR UPDATE NOWAIT";
    CU_ASSERT_EQUAL(status_of(other, adb_fetch_all(other, sql, NULL, NULL, NULL)), ADB_E_LOCKED);
    adb_context_free(other);
    scene_is_healthy(&scene);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_rollback(scene.ctx, NULL, NULL)), ADB_OK);
    scene_close(&scene);
}

/* A statement that waits for a lock is met by its deadline and by a cancel, and the holder does not notice. */
ON_BOTH(wait_for_a_lock_ends_at_the_deadline_and_on_cancel)
{
    struct scene scene;
    open_rows(&scene, engine);
    adb_context *other = adb_context_new(scene.db, scene.queue, 0);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(scene.ctx, add(scene.ctx, 1)), ADB_OK);
    adb_context_set_timeout(other, 200);
    CU_ASSERT_EQUAL(status_of(other, add(other, 1)), ADB_E_TIMEOUT);
    adb_context_set_timeout(other, -1);
    const adb_job waits = add(other, 1);
    scene_await(&scene, waiting_of(engine), 1);
    CU_ASSERT_EQUAL(adb_cancel(other, waits), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, waits), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_commit(scene.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(server_number(scene.server, "SELECT sum(x) FROM t"), 1);
    adb_context_free(other);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

FAULTS(conflicts, BOTH_CASES(deadlock_fails_one_of_the_two), CASE(serialization_failure_fails_one_of_the_two),
       BOTH_CASES(transact_gets_through_a_deadlock), BOTH_CASES(transact_counts_right_under_contention),
       BOTH_CASES(lock_wait_timeout_is_locked), BOTH_CASES(lock_that_is_not_waited_for_is_locked),
       BOTH_CASES(wait_for_a_lock_ends_at_the_deadline_and_on_cancel))
