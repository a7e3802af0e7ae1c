/* SPDX-License-Identifier: BSD-3-Clause */
/* Many contexts: what an idle one costs in memory, and 10,000 open ones that run one job each, against as many jobs on
 * 64 contexts. */
#include "tests/bench/bench.h"

#include "base/alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define N_CONTEXTS  10000
#define N_FEW       64
#define FLOOR_BYTES 1024

struct bench {
    struct bench_flight many;
    struct bench_flight few;
};

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

static void print_bytes(const char *when, int64_t bytes)
{
    int64_t each = bytes / N_CONTEXTS;
    printf("one of 10,000 idle contexts on one queue, %s: asyncdb %lld bytes (floor under %d: %s)\n", when,
           (long long)each, FLOOR_BYTES, each < FLOOR_BYTES ? "held" : "MISSED");
    fflush(stdout);
}

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

static double run_many(void *state)
{
    struct bench *bench = state;
    return bench_flight_run(&bench->many, N_CONTEXTS);
}

static double run_few(void *state)
{
    struct bench *bench = state;
    return bench_flight_run(&bench->few, N_CONTEXTS);
}

int main(void)
{
    static const struct adb__alloc_hooks counting = {.realloc_fn = counting_realloc, .free_fn = counting_free};
    struct bench bench = {.many.submit = submit_nothing, .few.submit = submit_nothing};
    adb__alloc_set_hooks(&counting);
    bench_fill(1);
    adb_database *db = bench_open(bench_url(""), ADB_OPTIONS(.queue_capacity = 2 * N_CONTEXTS));
    bench_flight_init(&bench.few, db, N_FEW, ADB_CONTEXT_READ_ONLY, NULL);
    int64_t before = atomic_load(&live_bytes);
    bench_flight_init(&bench.many, db, N_CONTEXTS, ADB_CONTEXT_READ_ONLY, NULL);
    print_bytes("new", atomic_load(&live_bytes) - before);
    bench_compare(&(struct bench_contest){.name = "10,000 empty jobs on 10,000 contexts",
                                          .ours = run_many,
                                          .other = run_few,
                                          .other_name = "on 64 contexts",
                                          .state = &bench});
    before = atomic_load(&live_bytes);
    bench_flight_fini(&bench.many);
    print_bytes("after a job", before - atomic_load(&live_bytes));
    bench_flight_fini(&bench.few);
    bench_close(db);
    return 0;
}
