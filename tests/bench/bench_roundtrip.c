/* SPDX-License-Identifier: BSD-3-Clause */
/* An empty job: from submission through a worker and the completion queue back to the thread that asked, against
 * uv_queue_work() of libuv, which has a thread pool and a wake-up too and nothing else. */
#include "tests/bench/bench.h"

#ifdef BENCH_UV
#include <uv.h>
#endif

#include <stdio.h>
#include <stdlib.h>

struct setup {
    const char *name;
    unsigned n_workers;
    size_t in_flight;
    size_t total;
    double floor;
    struct bench_flight flight;
};

static adb_status nothing(adb_session *session, void *user_data)
{
    (void)session;
    (void)user_data;
    return ADB_OK;
}

static adb_job submit_nothing(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_run(ctx, nothing, done, user_data);
}

static double run_ours(void *state)
{
    struct setup *setup = state;
    return bench_flight_run(&setup->flight, setup->total);
}

#ifdef BENCH_UV

static size_t uv_left;

static void uv_nothing(uv_work_t *work)
{
    (void)work;
}

static void uv_next(uv_work_t *work, int status)
{
    BENCH_CHECK(status == 0);
    if (uv_left == 0)
        return;
    uv_left--;
    BENCH_CHECK(uv_queue_work(uv_default_loop(), work, uv_nothing, uv_next) == 0);
}

static double run_uv(void *state)
{
    const struct setup *setup = state;
    uv_work_t *works = calloc(setup->in_flight, sizeof(*works));
    BENCH_CHECK(works != NULL);
    double start = bench_seconds();
    uv_left = setup->total;
    for (size_t i = 0; i < setup->in_flight; i++)
        uv_next(&works[i], 0);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    double rate = (double)setup->total / (bench_seconds() - start);
    free(works);
    return rate;
}

#else
#define run_uv NULL
#endif

/* libuv takes its number of threads once per process. */
static void measure(void *argument)
{
    struct setup *setup = argument;
    char threads[16];
    snprintf(threads, sizeof(threads), "%u", setup->n_workers);
    setenv("UV_THREADPOOL_SIZE", threads, 1);
    /* One worker: a database in memory has no more. Several: readers beside a writer that has nothing to do. */
    bool one = setup->n_workers == 1;
    adb_database *db = bench_open(one ? "sqlite://" : bench_url(""), ADB_OPTIONS(.max_size = setup->n_workers + !one));
    setup->flight.submit = submit_nothing;
    bench_flight_init(&setup->flight, db, setup->in_flight, one ? 0 : ADB_CONTEXT_READ_ONLY, NULL);
    bench_compare(&(struct bench_contest){.name = setup->name,
                                          .ours = run_ours,
                                          .other = run_uv,
                                          .other_name = "libuv",
                                          .state = setup,
                                          .floor = setup->floor});
    bench_flight_fini(&setup->flight);
    bench_close(db);
}

int main(void)
{
    static struct setup setups[] = {
        {.name = "empty job, 1 worker, 1 in flight", .n_workers = 1, .in_flight = 1, .total = 20000, .floor = 1},
        {.name = "empty job, 1 worker, 16 in flight", .n_workers = 1, .in_flight = 16, .total = 50000},
        {.name = "empty job, 1 worker, 256 in flight", .n_workers = 1, .in_flight = 256, .total = 50000},
        {.name = "empty job, 4 workers, 1 in flight", .n_workers = 4, .in_flight = 1, .total = 20000},
        {.name = "empty job, 4 workers, 16 in flight", .n_workers = 4, .in_flight = 16, .total = 50000},
        {.name = "empty job, 4 workers, 256 in flight", .n_workers = 4, .in_flight = 256, .total = 50000},
    };
    bench_fill(1);
    for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
        bench_isolate(measure, &setups[i]);
    return 0;
}
