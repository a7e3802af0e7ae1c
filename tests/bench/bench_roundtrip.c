/* SPDX-License-Identifier: BSD-3-Clause */
/* An empty job: from submission through a worker and the completion queue back to the thread that asked, against
 * uv_queue_work() of libuv, which has a thread pool and a wake-up too and nothing else. And the same from several
 * threads at once. */
#include "tests/bench/around_uv.h"
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"
#include "tests/bench/handover.h"

#include <pthread.h>
#include <stdio.h>

#define N_WORKERS       4
#define MOST_THREADS    16
/* Of all threads together; with a fifth of it what is measured is how they begin, 10 ms after a pause. */
#define CROWD_JOBS      320000
#define CROWD_IN_FLIGHT 256   /* of all together, or of each */

struct setup {
    unsigned n_workers;
    size_t in_flight;
    size_t n_contexts;
    size_t total;
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

static void uv_nothing(size_t thread, void *state)
{
    (void)thread;
    (void)state;
}

/* One worker: a database in memory has no more. Several: readers beside a writer that has nothing to do. Room for
 * twice as many jobs as are in flight; 0: as ever. */
static adb_database *open_workers(unsigned n_workers, size_t in_flight)
{
    const bool one = n_workers == 1;
    bench_uv_threads(n_workers);
    return bench_open(one ? "sqlite://" : bench_url(""),
                      ADB_OPTIONS(.max_size = n_workers + !one, .min_size = n_workers + !one,
                                  .queue_capacity = (unsigned)in_flight * 2));
}

static unsigned flags(unsigned n_workers)
{
    return n_workers == 1 ? 0 : ADB_CONTEXT_READ_ONLY;
}

/* From one thread ------------------------------------------------------------------------------------------------- */

static void open_ours(void *state)
{
    struct setup *setup = state;
    setup->db = open_workers(setup->n_workers, 0);
    setup->flight.submit = submit_nothing;
    bench_flight_init(&setup->flight, setup->db, setup->in_flight, setup->n_contexts, flags(setup->n_workers));
}

static size_t run_ours(void *state)
{
    struct setup *setup = state;
    return bench_flight_run(&setup->flight, setup->total);
}

static void close_ours(void *state)
{
    struct setup *setup = state;
    bench_flight_fini(&setup->flight);
    bench_close(setup->db);
}

static void open_uv(void *state)
{
    const struct setup *setup = state;
    bench_uv_threads(setup->n_workers);
}

static size_t run_uv(void *state)
{
    const struct setup *setup = state;
    return bench_uv_run(
        &(struct bench_uv_task){.work = uv_nothing, .total = setup->total, .in_flight = setup->in_flight});
}

static size_t run_handover(void *state)
{
    const struct setup *setup = state;
    return bench_handover_run(&(struct bench_handover){
        .n_threads = 1, .in_flight = setup->in_flight, .n_lanes = setup->n_contexts, .total = setup->total});
}

/* Each on a context of its own, or all on one, which has them done in their order. */
static void compare_on(unsigned n_workers, size_t in_flight, size_t n_contexts, struct bench_goal goal)
{
    char id[32], name[64];
    const bool ordered = n_contexts < in_flight;
    struct setup setup = {.n_workers = n_workers,
                          .in_flight = in_flight,
                          .n_contexts = n_contexts,
                          .total = in_flight == 1 ? 20000 : 50000};
    snprintf(id, sizeof(id), "empty-%u-%zu%s", n_workers, in_flight, ordered ? "-ordered" : "");
    const char *plural = n_workers == 1 ? "" : "s";
    snprintf(name, sizeof(name), "empty jobs, %u worker%s, %zu in flight%s", n_workers, plural, in_flight,
             ordered ? " on one context" : "");
    bench_compare(&(struct bench_contest){
        .id = id,
        .name = name,
        .state = &setup,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = run_ours, .close = close_ours},
                 {.name = "libuv", .open = open_uv, .run = bench_uv_here() ? run_uv : NULL},
                 {.name = "the queues alone", .run = bench_handover_here() ? run_handover : NULL}},
        .goals = {goal},
    });
}

static void compare(unsigned n_workers, size_t in_flight, struct bench_goal goal)
{
    compare_on(n_workers, in_flight, in_flight, goal);
}

/* From several ---------------------------------------------------------------------------------------------------- */

struct crowd {
    size_t n_threads;
    size_t in_flight; /* of each */
    adb_database *db;
    struct bench_flight flights[MOST_THREADS];
};

struct crowd_member {
    pthread_t thread;
    struct bench_flight *flight; /* NULL: libuv */
    size_t total, in_flight;
};

static void *member_run(void *argument)
{
    const struct crowd_member *member = argument;
    if (member->flight != NULL)
        bench_flight_run(member->flight, member->total);
    else
        bench_uv_run(&(struct bench_uv_task){
            .work = uv_nothing, .total = member->total, .in_flight = member->in_flight});
    return NULL;
}

static size_t crowd_run(struct crowd *crowd, bool ours)
{
    const size_t n_threads = crowd->n_threads;
    struct crowd_member members[MOST_THREADS];
    for (size_t i = 0; i < n_threads; i++) {
        members[i] = (struct crowd_member){.flight = ours ? &crowd->flights[i] : NULL,
                                           .total = CROWD_JOBS / n_threads,
                                           .in_flight = crowd->in_flight};
        BENCH_CHECK(pthread_create(&members[i].thread, NULL, member_run, &members[i]) == 0);
    }
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(members[i].thread, NULL);
    return CROWD_JOBS;
}

static void open_crowd(void *state)
{
    struct crowd *crowd = state;
    crowd->db = open_workers(N_WORKERS, crowd->n_threads * crowd->in_flight);
    for (size_t i = 0; i < crowd->n_threads; i++) {
        crowd->flights[i].submit = submit_nothing;
        bench_flight_init(&crowd->flights[i], crowd->db, crowd->in_flight, crowd->in_flight, flags(N_WORKERS));
    }
}

static size_t run_crowd(void *state)
{
    return crowd_run(state, true);
}

static void close_crowd(void *state)
{
    struct crowd *crowd = state;
    for (size_t i = 0; i < crowd->n_threads; i++)
        bench_flight_fini(&crowd->flights[i]);
    bench_close(crowd->db);
}

static void open_uv_crowd(void *state)
{
    (void)state;
    bench_uv_threads(N_WORKERS);
}

static size_t run_uv_crowd(void *state)
{
    return crowd_run(state, false);
}

static size_t run_crowd_handover(void *state)
{
    const struct crowd *crowd = state;
    return bench_handover_run(&(struct bench_handover){.n_threads = crowd->n_threads,
                                                       .in_flight = crowd->in_flight,
                                                       .n_lanes = crowd->in_flight,
                                                       .total = CROWD_JOBS});
}

#define OURS(name_, crowd)  \
    {.name = name_, .state = crowd, .open = open_crowd, .run = run_crowd, .close = close_crowd}
#define LIBUV(name_, crowd) \
    {.name = name_, .state = crowd, .open = open_uv_crowd, .run = bench_uv_here() ? run_uv_crowd : NULL}
#define QUEUES(name_, crowd) {.name = name_, .state = crowd, .run = bench_handover_here() ? run_crowd_handover : NULL}

static void compare_crowds(void)
{
    static struct crowd one = {.n_threads = 1, .in_flight = CROWD_IN_FLIGHT};
    static struct crowd four = {.n_threads = 4, .in_flight = CROWD_IN_FLIGHT / 4};
    static struct crowd sixteen = {.n_threads = MOST_THREADS, .in_flight = CROWD_IN_FLIGHT / MOST_THREADS};
    bench_compare(&(struct bench_contest){
        .id = "threads",
        .name = "empty jobs, 4 workers, 256 in flight in all, from several threads",
        .ways = {OURS("asyncdb, 1 thread", &one), OURS("asyncdb, 4 threads", &four),
                 OURS("asyncdb, 16 threads", &sixteen), LIBUV("libuv, 1 thread", &one),
                 LIBUV("libuv, 4 threads", &four), LIBUV("libuv, 16 threads", &sixteen),
                 QUEUES("the queues alone, 1 thread", &one), QUEUES("the queues alone, 4 threads", &four),
                 QUEUES("the queues alone, 16 threads", &sixteen)},
        .goals = {{"H3", BENCH_FLAT, 3, 0.8, 0}},
    });
}

/* Each thread has as many in flight as the one of the contest before: how much the threads are in each other's way,
 * apart from their sleeping and waking. */
static void compare_full_crowds(void)
{
    static struct crowd one = {.n_threads = 1, .in_flight = CROWD_IN_FLIGHT};
    static struct crowd four = {.n_threads = 4, .in_flight = CROWD_IN_FLIGHT};
    static struct crowd sixteen = {.n_threads = MOST_THREADS, .in_flight = CROWD_IN_FLIGHT};
    bench_compare(&(struct bench_contest){
        .id = "threads-256",
        .name = "empty jobs, 4 workers, 256 in flight from each of several threads",
        .ways = {OURS("asyncdb, 1 thread", &one), OURS("asyncdb, 4 threads", &four),
                 OURS("asyncdb, 16 threads", &sixteen), LIBUV("libuv, 1 thread", &one),
                 LIBUV("libuv, 4 threads", &four), LIBUV("libuv, 16 threads", &sixteen),
                 QUEUES("the queues alone, 1 thread", &one), QUEUES("the queues alone, 4 threads", &four),
                 QUEUES("the queues alone, 16 threads", &sixteen)},
        .goals = {{"H3", BENCH_FLAT, 3, 0.8, 0}},
    });
}

int main(void)
{
    bench_fill(1);
    compare(1, 1, (struct bench_goal){"H1", BENCH_RATE, 1, 2, 0}); /* half the round trip */
    compare(4, 16, (struct bench_goal){"H2", BENCH_RATE, 1, 2, 0});
    compare(4, 256, (struct bench_goal){"H2", BENCH_RATE, 1, 2, 0});
    compare_on(4, 16, 1, (struct bench_goal){"H2", BENCH_RATE, 1, 2, 0});
    compare_on(4, 256, 1, (struct bench_goal){"H2", BENCH_RATE, 1, 2, 0});
    compare_crowds();
    compare_full_crowds();
    compare(1, 16, (struct bench_goal){.id = NULL});
    compare(1, 256, (struct bench_goal){.id = NULL});
    compare(4, 1, (struct bench_goal){.id = NULL});
    return 0;
}
