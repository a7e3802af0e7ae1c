/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults in the middle of a pipeline: reads that were sent together, on a server that is killed, ends the session,
 * changes the table, or refuses one of them. Each read yields its own number, so that an answer that went to another
 * would show. */
#include "tests/faults/scene.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_LANES 32
#define N_READS FEWER(40000, 4000)

struct read {
    adb_status status;
    unsigned n_calls;
    bool right;
};

struct flight {
    struct scene scene;
    adb_context *lanes[N_LANES];
    struct read *reads;
    size_t n_sent, n_done, capacity;
    const char *(*sql_of)(size_t i); /* of the i-th read; has one parameter :i, and yields it first */
    char wrong[ADB_ERROR_MESSAGE_SIZE];
};

static struct flight flight;

static const char *plain(size_t i)
{
    (void)i;
    return "SELECT n, x FROM t WHERE n = :i";
}

static void land(adb_result *result, void *user_data)
{
    struct read *read = user_data;
    const size_t i = (size_t)(read - flight.reads);
    read->n_calls++;
    read->status = adb_result_status(result);
    read->right = read->status == ADB_OK && adb_result_rows(result) == 1 &&
                  adb_row_int(adb_result_row(result, 0), 0) == (int64_t)(i % 1000);
    flight.n_done++;
    if (read->status != ADB_OK)
        snprintf(flight.wrong, sizeof(flight.wrong), "%s", adb_result_error(result)->message);
}

static void flight_open(const struct engine *engine, unsigned max_size)
{
    flight = (struct flight){.sql_of = plain, .capacity = 20 * N_READS};
    flight.reads = calloc(flight.capacity, sizeof(*flight.reads));
    REQUIRE(flight.reads != NULL);
    scene_open_table(&flight.scene, engine, NULL, ADB_OPTIONS(.max_size = max_size, .min_size = max_size));
    for (int i = 0; i < 1000; i++)
        adb_execute(flight.scene.ctx, "INSERT INTO t (n, x) VALUES (:n, 0)", ADB_PARAMS({"n", adb_int(i)}), NULL, NULL);
    run_all(flight.scene.ctx);
    for (size_t i = 0; i < N_LANES; i++)
        flight.lanes[i] = adb_context_new(flight.scene.db, flight.scene.queue, 0);
}

/* Keep two reads of each lane in flight until so many in all are over. */
static void fly(size_t until_done)
{
    while (flight.n_done < until_done) {
        for (; flight.n_sent - flight.n_done < 2 * N_LANES; flight.n_sent++) {
            REQUIRE(flight.n_sent < flight.capacity);
            const size_t i = flight.n_sent;
            REQUIRE(adb_fetch_one(flight.lanes[i % N_LANES], flight.sql_of(i),
                                  ADB_PARAMS({"i", adb_int((int64_t)(i % 1000))}), land, &flight.reads[i]) != 0);
        }
        adb_queue_wait(flight.scene.queue, PATIENCE_MS);
        adb_queue_dispatch(flight.scene.queue, 0);
    }
}

struct meanwhile {
    void (*action)(void *scene);
    atomic_bool over;
};

static void *act(void *data)
{
    struct meanwhile *meanwhile = data;
    meanwhile->action(&flight.scene);
    meanwhile->over = true;
    return NULL;
}

/* Fly on while something is done on another thread. */
static void fly_during(void (*action)(void *scene))
{
    struct meanwhile meanwhile = {.action = action};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, act, &meanwhile) == 0);
    while (!meanwhile.over)
        fly(flight.n_done + 1);
    pthread_join(thread, NULL);
}

/* Lands all, prints the account, and frees everything. Returns how many ended otherwise than well. */
static size_t flight_settle(const char *what)
{
    size_t well = 0, wrong = 0, connection = 0, otherwise = 0, not_once = 0;
    for (size_t i = 0; i < N_LANES; i++)
        run_all(flight.lanes[i]);
    for (size_t i = 0; i < flight.n_sent; i++) {
        const struct read *read = &flight.reads[i];
        not_once += read->n_calls != 1;
        well += read->status == ADB_OK;
        wrong += read->status == ADB_OK && !read->right;
        connection += read->status == ADB_E_CONNECTION;
        otherwise += read->status != ADB_OK && read->status != ADB_E_CONNECTION;
    }
    const uint64_t pipelined = scene_stats(&flight.scene).pipelined;
    printf("# %s, %s: %zu reads, %zu outcomes, %zu well, %zu connection lost, %zu otherwise, %zu wrong, %zu not once; "
           "%llu were sent together\n",
           what, flight.scene.engine->kind, flight.n_sent, flight.n_done, well, connection, otherwise, wrong, not_once,
           (unsigned long long)pipelined);
    if (otherwise > 0)
        printf("# otherwise: %s\n", flight.wrong);
    CU_ASSERT_EQUAL(flight.n_done, flight.n_sent);
    CU_ASSERT_EQUAL(wrong + not_once, 0);
    CU_ASSERT(pipelined > 0);
    for (size_t i = 0; i < N_LANES; i++)
        adb_context_free(flight.lanes[i]);
    free(flight.reads);
    scene_is_healthy(&flight.scene);
    scene_close(&flight.scene);
    return connection + otherwise;
}

/* Without a fault: every answer goes to its own read. */
ON_BOTH(answers_go_to_their_own_reads)
{
    flight_open(engine, 3);
    fly(N_READS);
    CU_ASSERT_EQUAL(flight_settle("no fault"), 0);
}

/* Under kill -9 a read of each connection is lost at most, and then those that found no server: all are told, once. */
ON_BOTH(kill_in_the_middle_of_a_pipeline)
{
    flight_open(engine, 3);
    fly(N_READS / 10);
    fly_during(scene_kill_server);
    fly(flight.n_done + N_READS / 10);
    flight_settle("kill -9 in a pipeline");
}

/* A session that the administrator ends takes one read with it, and those behind it run on the next connection. */
ON_BOTH(end_of_sessions_in_the_middle_of_a_pipeline)
{
    const size_t n_ends = 5;
    flight_open(engine, 3);
    for (size_t i = 0; i < n_ends; i++) {
        fly(flight.n_done + N_READS / 20);
        fly_during(scene_end_sessions);
    }
    fly(flight.n_done + N_READS / 20);
    CU_ASSERT(flight_settle("sessions ended in a pipeline") <= n_ends * 3);
}

/* One read in seven fails, as its subquery yields many rows. */
static const char *one_in_seven_fails(size_t i)
{
    return i % 7 == 0 ? "SELECT (SELECT n FROM t WHERE x <> :i - 1001) FROM t WHERE n = 1" : plain(i);
}

/* A read that fails leaves those before and behind it alone. */
ON_BOTH(failures_in_the_middle_of_a_pipeline)
{
    size_t n_failed = 0;
    flight_open(engine, 3);
    flight.sql_of = one_in_seven_fails;
    fly(N_READS / 4);
    for (size_t i = 0; i < N_LANES; i++)
        run_all(flight.lanes[i]);
    for (size_t i = 0; i < flight.n_sent; i++) {
        n_failed += flight.reads[i].status != ADB_OK;
        CU_ASSERT_EQUAL(flight.reads[i].status == ADB_OK, i % 7 != 0);
    }
    CU_ASSERT_EQUAL(flight_settle("failures in a pipeline"), n_failed);
}

static const char *all_columns(size_t i)
{
    (void)i;
    return "SELECT * FROM t WHERE n = :i";
}

static void change_table(void *data)
{
    struct scene *scene = data;
    adb_context *ctx = adb_context_new(scene->db, NULL, 0);
    for (int i = 0; i < 6; i++) {
        const char *sql = i % 2 == 0 ? "ALTER TABLE t ADD COLUMN y BIGINT" : "ALTER TABLE t DROP COLUMN y";
        CU_ASSERT_EQUAL(status_of(ctx, adb_execute(ctx, sql, NULL, NULL, NULL)), ADB_OK);
    }
    adb_context_free(ctx);
}

/* Statements whose plan is out of date are prepared anew, and nobody notices. */
ON_BOTH(change_of_the_table_in_the_middle_of_a_pipeline)
{
    flight_open(engine, 3);
    flight.sql_of = all_columns;
    fly(N_READS / 20);
    fly_during(change_table);
    fly(flight.n_done + N_READS / 20);
    CU_ASSERT_EQUAL(flight_settle("table changed in a pipeline"), 0);
}

/* Quick with 0, hours with 1000: a read that has been quick so far. */
#define SLOW "SELECT count(*) AS slow FROM t a, t b, t c WHERE a.n < :i AND b.n < :i AND c.n < :i AND a.n + b.n <> c.x - 1"

static adb_job slow_on(adb_context *ctx, int64_t i, struct tally *tally)
{
    return adb_fetch_val(ctx, SLOW, ADB_PARAMS({"i", adb_int(i)}), tally_done, tally);
}

/* The statements become known as quick ones on each connection. */
static void flight_warm(struct tally *tally)
{
    for (size_t i = 0; i < 48; i++)
        slow_on(flight.lanes[i % N_LANES], 0, tally);
    for (size_t i = 0; i < N_LANES; i++)
        run_all(flight.lanes[i]);
    fly(400);
    for (size_t i = 0; i < N_LANES; i++)
        run_all(flight.lanes[i]);
    *tally = (struct tally)TALLY_INIT;
}

/* All workers are busy for a moment, so that what comes meanwhile waits. */
static void hold_workers(size_t n)
{
    for (size_t i = 0; i < n; i++)
        adb_fetch_all(flight.lanes[N_LANES - 1 - i], flight.scene.engine->pause, NULL, NULL, NULL);
}

static void deliver(struct tally *tally, size_t n)
{
    while (tally_n(tally) < n) {
        REQUIRE(adb_queue_wait(flight.scene.queue, PATIENCE_MS) == ADB_OK);
        adb_queue_dispatch(flight.scene.queue, 0);
    }
}

/* Reads that were sent behind one that turns out to be slow are done by the other workers. */
ON_BOTH(slow_read_keeps_nobody_behind_it)
{
    struct tally slow = TALLY_INIT, quick = TALLY_INIT;
    flight_open(engine, 3);
    flight_warm(&slow);
    hold_workers(3);
    const adb_job job = slow_on(flight.lanes[0], 1000, &slow);
    for (size_t i = 1; i < N_LANES - 3; i++)
        slow_on(flight.lanes[i], 0, &quick);
    deliver(&quick, N_LANES - 4);
    CU_ASSERT_EQUAL(tally_of(&quick, ADB_OK), N_LANES - 4);
    CU_ASSERT_EQUAL(tally_n(&slow), 0);
    CU_ASSERT_EQUAL(adb_cancel(flight.lanes[0], job), ADB_OK);
    deliver(&slow, 1);
    CU_ASSERT_EQUAL(tally_of(&slow, ADB_E_CANCELLED), 1);
    flight_settle("a slow read in a pipeline");
}

/* A slow read that is cancelled before its turn runs in vain, but not for long: the one behind it is answered. */
ON_BOTH(read_that_nobody_wants_is_stopped)
{
    struct tally slow = TALLY_INIT, quick = TALLY_INIT;
    adb_job jobs[2];
    flight_open(engine, 1);
    flight_warm(&slow);
    hold_workers(1);
    for (size_t i = 0; i < 2; i++)
        jobs[i] = slow_on(flight.lanes[i], 1000, &slow);
    slow_on(flight.lanes[2], 0, &quick);
    scene_await(&flight.scene, flight.scene.engine->running, 1);
    CU_ASSERT_EQUAL(adb_cancel(flight.lanes[1], jobs[1]), ADB_OK);
    CU_ASSERT_EQUAL(adb_cancel(flight.lanes[0], jobs[0]), ADB_OK);
    deliver(&slow, 2);
    CU_ASSERT_EQUAL(tally_of(&slow, ADB_E_CANCELLED), 2);
    deliver(&quick, 1);
    CU_ASSERT_EQUAL(tally_of(&quick, ADB_OK), 1);
    flight_settle("a read in vain in a pipeline");
}

FAULTS(pipelines, BOTH_CASES(slow_read_keeps_nobody_behind_it), BOTH_CASES(read_that_nobody_wants_is_stopped),
       BOTH_CASES(answers_go_to_their_own_reads), BOTH_CASES(kill_in_the_middle_of_a_pipeline),
       BOTH_CASES(end_of_sessions_in_the_middle_of_a_pipeline), BOTH_CASES(failures_in_the_middle_of_a_pipeline),
       BOTH_CASES(change_of_the_table_in_the_middle_of_a_pipeline))
