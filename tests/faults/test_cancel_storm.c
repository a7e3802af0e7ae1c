/* SPDX-License-Identifier: BSD-3-Clause */
/* Ten thousand cancels at random moments: promise 10 on real servers. Each job yields its own number, so that a cancel,
 * or an answer, that went to another job would show. */
#include "tests/faults/scene.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_CANCELS FEWER(10000, 1000)
#define N_JOBS    (2 * N_CANCELS) /* the even ones are cancelled */
#define N_LANES   8
#define IN_FLIGHT 16

enum ended { NOT_YET, ENDED_WELL, CANCELLED, OTHERWISE };

struct storm {
    struct scene scene;
    adb_context *lanes[N_LANES];
    _Atomic adb_job jobs[N_JOBS];
    unsigned char ended[N_JOBS];
    unsigned char n_calls[N_JOBS];
    size_t n_done;
    atomic_size_t n_aimed, n_late; /* jobs up to which the shooter has come; cancels that found no job */
    atomic_bool over;
    const char *sql;
    char wrong[ADB_ERROR_MESSAGE_SIZE];
};

static struct storm storm;

/* user_data points into n_calls: that is the job's number. */
static void note(adb_result *result, void *user_data)
{
    const size_t i = (size_t)((unsigned char *)user_data - storm.n_calls);
    const adb_status status = adb_result_status(result);
    storm.n_calls[i]++;
    storm.n_done++;
    if (status == ADB_OK && adb_row_int(adb_result_row(result, 0), 0) == (int64_t)i)
        storm.ended[i] = ENDED_WELL;
    else if (status == ADB_E_CANCELLED)
        storm.ended[i] = CANCELLED;
    else {
        storm.ended[i] = OTHERWISE;
        snprintf(storm.wrong, sizeof(storm.wrong), "%s", adb_result_error(result)->message);
    }
}

/* The owner of the even jobs: takes aim, waits a little, and shoots. */
static void *shoot(void *data)
{
    unsigned seed = 1;
    (void)data;
    for (size_t i = 0; i < N_JOBS; i += 2) {
        adb_job job = 0;
        while ((job = storm.jobs[i]) == 0 && !storm.over)
            sched_yield();
        for (int pause = rand_r(&seed) % 64; pause > 0; pause--)
            sched_yield();
        storm.n_late += adb_cancel(storm.lanes[i % N_LANES], job) != ADB_OK;
        storm.n_aimed = i + 2;
    }
    return NULL;
}

static void fire_all(void)
{
    for (size_t i = 0; i < N_JOBS; i++) {
        while (i - storm.n_done >= IN_FLIGHT || i >= storm.n_aimed + IN_FLIGHT) {
            adb_queue_wait(storm.scene.queue, 1);
            adb_queue_dispatch(storm.scene.queue, 0);
        }
        storm.jobs[i] = adb_fetch_val(storm.lanes[i % N_LANES], storm.sql, ADB_PARAMS({"i", adb_int((int64_t)i)}), note,
                                      &storm.n_calls[i]);
        REQUIRE(storm.jobs[i] != 0);
    }
    for (size_t i = 0; i < N_LANES; i++)
        run_all(storm.lanes[i]);
}

static void settle(const struct engine *engine, const char *what)
{
    size_t well = 0, cancelled = 0, hit_by_mistake = 0, otherwise = 0, not_once = 0;
    for (size_t i = 0; i < N_JOBS; i++) {
        well += storm.ended[i] == ENDED_WELL;
        cancelled += storm.ended[i] == CANCELLED;
        hit_by_mistake += storm.ended[i] == CANCELLED && i % 2 == 1;
        otherwise += storm.ended[i] == OTHERWISE;
        not_once += storm.n_calls[i] != 1;
    }
    printf("# %s, %s: %d cancels at %d jobs, %zu outcomes, %zu cancelled, %zu well, %zu hit by mistake, "
           "%zu otherwise; %zu cancels came too late\n",
           what, engine->kind, N_CANCELS, N_JOBS, storm.n_done, cancelled, well, hit_by_mistake, otherwise,
           (size_t)storm.n_late);
    if (otherwise > 0)
        printf("# otherwise: %s\n", storm.wrong);
    CU_ASSERT_EQUAL(storm.n_done, N_JOBS);
    CU_ASSERT_EQUAL(hit_by_mistake + otherwise + not_once, 0);
    CU_ASSERT(cancelled > 0);
    CU_ASSERT(well >= N_JOBS / 2);
}

static void storm_open(const struct engine *engine)
{
    memset(&storm, 0, sizeof(storm));
    scene_open_table(&storm.scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    for (size_t i = 0; i < N_LANES; i++)
        storm.lanes[i] = adb_context_new(storm.scene.db, storm.scene.queue, 0);
}

static void storm_run(const char *sql)
{
    pthread_t shooter;
    storm.sql = sql;
    REQUIRE(pthread_create(&shooter, NULL, shoot, NULL) == 0);
    fire_all();
    storm.over = true;
    pthread_join(shooter, NULL);
}

static void storm_close(void)
{
    for (size_t i = 0; i < N_LANES; i++)
        adb_context_free(storm.lanes[i]);
    scene_is_healthy(&storm.scene);
    scene_close(&storm.scene);
}

/* No job ends cancelled but by its owner, none is answered by another's row, and each ends once. */
ON_BOTH(cancels_hit_their_own_job_or_nothing)
{
    storm_open(engine);
    storm_run(engine == &mysql ? "SELECT :i + BENCHMARK(2000, MD5('x'))"
                               : "SELECT CAST(:i AS bigint) + 0 * count(*) FROM generate_series(1, 3000)");
    settle(engine, "cancel storm");
    storm_close();
}

/* The same where the jobs are reads that are sent together, so that the server works on the next one when a cancel
 * comes late. */
ON_BOTH(cancels_in_a_pipeline_hit_their_own_job_or_nothing)
{
    storm_open(engine);
    for (int i = 0; i < 500; i++)
        adb_execute(storm.scene.ctx, "INSERT INTO t (n, x) VALUES (:n, 0)", ADB_PARAMS({"n", adb_int(i)}), NULL, NULL);
    run_all(storm.scene.ctx);
    storm_run(engine == &mysql ? "SELECT :i + 0 * count(*) FROM t a, t b WHERE b.n < 4 AND a.n + b.n <> a.x - 1"
                               : "SELECT CAST(:i AS bigint) + 0 * count(*) FROM t a, t b WHERE b.n < 4 AND a.n + b.n <> a.x - 1");
    CU_ASSERT(scene_stats(&storm.scene).pipelined > 0);
    settle(engine, "cancel storm in pipelines");
    storm_close();
}

FAULTS(cancel_storm, BOTH_CASES(cancels_hit_their_own_job_or_nothing),
       BOTH_CASES(cancels_in_a_pipeline_hit_their_own_job_or_nothing))
