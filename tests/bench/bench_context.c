/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether what a job costs the processor depends on how many there were, or on how many contexts they are spread over;
 * and what an idle context costs in memory. */
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"

#include "base/alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define N_CONTEXTS  10000
#define IN_FLIGHT   64
#define LEAST       100000    /* jobs of a run: fewer are done again and again until so many are */
#define FLAT        (1 / 1.2) /* within 20 % */
#define FLOOR_BYTES 1024

struct setup {
    size_t in_flight, n_contexts, total;
    adb_database *db;
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

/* In memory, where there is one worker: that several share the work is another matter. */
static void open_setup(void *state)
{
    struct setup *setup = state;
    setup->db = bench_open("sqlite://", ADB_OPTIONS(.queue_capacity = 2 * N_CONTEXTS));
    setup->flight.submit = submit_nothing;
    bench_flight_init(&setup->flight, setup->db, setup->in_flight, setup->n_contexts, 0);
}

static size_t run_setup(void *state)
{
    struct setup *setup = state;
    size_t n = 0;
    do
        n += bench_flight_run(&setup->flight, setup->total);
    while (n < LEAST);
    return n;
}

static void close_setup(void *state)
{
    struct setup *setup = state;
    bench_flight_fini(&setup->flight);
    bench_close(setup->db);
}

#define WAY(name_, setup) {.name = name_, .state = setup, .open = open_setup, .run = run_setup, .close = close_setup}

/* The ten millions take a while: only with ADB_BENCH_FULL. */
static void compare_totals(void)
{
    const bool full = getenv("ADB_BENCH_FULL") != NULL;
    struct setup setups[4];
    for (size_t i = 0, total = 10000; i < 4; i++, total *= 10)
        setups[i] = (struct setup){.in_flight = IN_FLIGHT, .n_contexts = IN_FLIGHT, .total = total};
    struct bench_contest contest = {
        .id = "jobs",
        .name = "empty jobs, 1 worker, 64 in flight, from 10,000 on",
        .ways = {WAY("10,000", &setups[0]), WAY("100,000", &setups[1]), WAY("1,000,000", &setups[2]),
                 WAY("10,000,000", &setups[3])},
        .goals = {{"N1", BENCH_FLAT_CPU, full ? 4 : 3, FLAT, 0}},
    };
    if (!full)
        contest.ways[3] = (struct bench_way){.name = NULL};
    bench_compare(&contest);
}

static void compare_contexts(void)
{
    struct setup setups[5];
    for (size_t i = 0, n = 1; i < 5; i++, n *= 10)
        setups[i] = (struct setup){.in_flight = IN_FLIGHT, .n_contexts = n, .total = 100000};
    bench_compare(&(struct bench_contest){
        .id = "contexts",
        .name = "100,000 empty jobs, 1 worker, 64 in flight, contexts in turn",
        .ways = {WAY("1 context", &setups[0]), WAY("10 contexts", &setups[1]), WAY("100 contexts", &setups[2]),
                 WAY("1,000 contexts", &setups[3]), WAY("10,000 contexts", &setups[4])},
        .goals = {{"N1", BENCH_FLAT_CPU, 5, FLAT, 0}},
    });
}

/* And all of them at once, which no cache holds. */
static void compare_crowd(void)
{
    struct setup many = {.in_flight = N_CONTEXTS, .n_contexts = N_CONTEXTS, .total = 4 * N_CONTEXTS};
    struct setup few = {.in_flight = IN_FLIGHT, .n_contexts = IN_FLIGHT, .total = 4 * N_CONTEXTS};
    bench_compare(&(struct bench_contest){
        .id = "crowd",
        .name = "40,000 empty jobs, 1 worker, a context for each in flight",
        .ways = {WAY("10,000 in flight", &many), WAY("64 in flight", &few)},
    });
}

/* Memory ---------------------------------------------------------------------------------------------------------- */

static _Atomic int64_t live_bytes;

static void *counting_realloc(void *block, size_t size)
{
    int64_t before = (int64_t)malloc_usable_size(block);
    void *grown = realloc(block, size);
    if (grown != NULL)
        atomic_fetch_add(&live_bytes, (int64_t)malloc_usable_size(grown) - before);
    return grown;
}

static void counting_free(void *block)
{
    atomic_fetch_sub(&live_bytes, (int64_t)malloc_usable_size(block));
    free(block);
}

static void measure_memory(void *unused)
{
    static const struct adb__alloc_hooks counting = {.realloc_fn = counting_realloc, .free_fn = counting_free};
    struct bench_flight flight = {.submit = submit_nothing};
    (void)unused;
    adb__alloc_set_hooks(&counting);
    adb_database *db = bench_open("sqlite://", ADB_OPTIONS(.queue_capacity = 2 * N_CONTEXTS));
    int64_t before = atomic_load(&live_bytes);
    bench_flight_init(&flight, db, N_CONTEXTS, N_CONTEXTS, 0);
    const int64_t fresh = atomic_load(&live_bytes) - before;
    bench_flight_run(&flight, N_CONTEXTS);
    before = atomic_load(&live_bytes);
    bench_flight_fini(&flight);
    const int64_t used = before - atomic_load(&live_bytes);
    printf("idle-contexts  one of 10,000 idle contexts on one queue\n");
    printf("  %lld bytes when new, %lld after a job\n", (long long)fresh / N_CONTEXTS, (long long)used / N_CONTEXTS);
    bench_goal("memory", "one of 10,000 idle contexts", "bytes after a job", (double)(used / N_CONTEXTS), FLOOR_BYTES,
               true);
    bench_close(db);
}

int main(void)
{
    compare_totals();
    compare_contexts();
    compare_crowd();
    if (bench_wanted("idle-contexts"))
        bench_isolate(measure_memory, NULL);
    return 0;
}
