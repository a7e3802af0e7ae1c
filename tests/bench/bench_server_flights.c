/* SPDX-License-Identifier: BSD-3-Clause */
/* Many statements in flight on a few connections to a server: point selects and durable inserts, ours against a thread
 * for each connection, against libuv around the client library, and against what that has of its own. */
#include "tests/bench/around_uv.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define IN_FLIGHT 64
#define INSERTS   4000

/* Of one way. */
struct way {
    const struct bench_place *place;
    size_t total;
    unsigned n_connections; /* of ours */
    bool inserting;
    unsigned flags;         /* of the contexts of ours */
    adb_database *db;
    struct bench_flight flight;
    void *bare[BENCH_CONNECTIONS];
    uint64_t random[BENCH_CONNECTIONS];
};

static _Atomic int64_t next_id; /* of what is inserted */

/* Ours ------------------------------------------------------------------------------------------------------------ */

static adb_job submit_select(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_fetch_one(ctx, BENCH_SELECT, ADB_PARAMS({0, adb_int((int64_t)bench_random(BENCH_ROWS) + 1)}), done,
                         user_data);
}

static adb_job submit_insert(adb_context *ctx, adb_done_cb done, void *user_data)
{
    const int64_t id = atomic_fetch_add(&next_id, 1) + 1;
    return adb_execute(ctx, BENCH_INSERT, ADB_PARAMS({0, adb_int(id)}, {0, adb_text(BENCH_NAME)}), done, user_data);
}

static void open_ours(void *state)
{
    struct way *way = state;
    way->db = bench_open(adb_url_text(way->place->url),
                         ADB_OPTIONS(.max_size = way->n_connections, .min_size = way->n_connections));
    way->flight.submit = way->inserting ? submit_insert : submit_select;
    bench_flight_init(&way->flight, way->db, IN_FLIGHT, IN_FLIGHT, way->flags);
}

static size_t run_ours(void *state)
{
    struct way *way = state;
    return bench_flight_run(&way->flight, way->total);
}

static void close_ours(void *state)
{
    struct way *way = state;
    bench_flight_fini(&way->flight);
    bench_close(way->db);
}

/* Bare ------------------------------------------------------------------------------------------------------------ */

static void open_bare(void *state)
{
    struct way *way = state;
    bench_uv_threads(BENCH_CONNECTIONS);
    for (size_t i = 0; i < BENCH_CONNECTIONS; i++) {
        way->bare[i] = way->place->client->open(way->place->url);
        way->random[i] = i + 1;
    }
}

static void close_bare(void *state)
{
    struct way *way = state;
    for (size_t i = 0; i < BENCH_CONNECTIONS; i++)
        way->place->client->close(way->bare[i]);
}

/* One statement on one of the connections. */
static void bare_once(size_t connection, void *state)
{
    struct way *way = state;
    uint64_t *random = &way->random[connection];
    if (way->inserting) {
        way->place->client->insert(way->bare[connection], atomic_fetch_add(&next_id, 1) + 1);
        return;
    }
    *random = *random * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
    way->place->client->select(way->bare[connection], (int64_t)((*random >> 33) % BENCH_ROWS) + 1);
}

struct bare_thread {
    pthread_t thread;
    struct way *way;
    size_t connection;
};

static void *bare_thread_run(void *argument)
{
    const struct bare_thread *thread = argument;
    for (size_t i = 0; i < thread->way->total / BENCH_CONNECTIONS; i++) {
        const int64_t begun = bench_latency_begin();
        bare_once(thread->connection, thread->way);
        bench_latency_end(begun);
    }
    return NULL;
}

static size_t run_threads(void *state)
{
    struct way *way = state;
    struct bare_thread threads[BENCH_CONNECTIONS];
    for (size_t i = 0; i < BENCH_CONNECTIONS; i++) {
        threads[i] = (struct bare_thread){.way = way, .connection = i};
        BENCH_CHECK(pthread_create(&threads[i].thread, NULL, bare_thread_run, &threads[i]) == 0);
    }
    for (size_t i = 0; i < BENCH_CONNECTIONS; i++)
        pthread_join(threads[i].thread, NULL);
    return way->total / BENCH_CONNECTIONS * BENCH_CONNECTIONS;
}

static size_t run_uv(void *state)
{
    const struct way *way = state;
    return bench_uv_run(
        &(struct bench_uv_task){.work = bare_once, .state = state, .total = way->total, .in_flight = IN_FLIGHT});
}

static size_t run_many(void *state)
{
    const struct way *way = state;
    return way->place->client->select_many(way->bare, BENCH_CONNECTIONS, IN_FLIGHT, way->total);
}

/* Contests -------------------------------------------------------------------------------------------------------- */

static void prepare_inserts(void *state)
{
    const struct way *way = state;
    adb_database *db = bench_open(adb_url_text(way->place->url), NULL);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    bench_execute(ctx, "TRUNCATE TABLE bench_many");
    adb_context_free(ctx);
    bench_close(db);
}

/* run NULL: not here, and left out. */
static struct bench_way make_way(const char *name, struct way *way, size_t (*run)(void *state))
{
    const bool ours = run == run_ours;
    return (struct bench_way){.name = name,
                              .state = way,
                              .open = ours ? open_ours : open_bare,
                              .prepare = way->inserting ? prepare_inserts : NULL,
                              .run = run,
                              .close = ours ? close_ours : close_bare};
}

void bench_compare_selects(const struct bench_place *place, const struct bench_select_setup *setup)
{
    const struct bench_client *client = place->client;
    struct way ours = {.place = place, .total = setup->total, .n_connections = BENCH_CONNECTIONS};
    struct way reading = ours;
    reading.flags = ADB_CONTEXT_READ_ONLY;
    struct way threads = {.place = place, .total = setup->total_bare};
    struct way uv = threads;
    struct way many = {.place = place, .total = setup->total};
    struct bench_contest contest = {
        .id = setup->id,
        .name = setup->name,
        .ways = {make_way("asyncdb", &ours, run_ours), make_way("4 bare threads", &threads, run_threads),
                 make_way("asyncdb, read-only contexts", &reading, run_ours),
                 make_way("libuv around bare", &uv, bench_uv_here() ? run_uv : NULL)},
    };
    if (client->select_many != NULL)
        contest.ways[4] = make_way(client->select_many_name, &many, run_many);
    for (size_t i = 0; i < BENCH_GOALS; i++)
        contest.goals[i] = setup->goals[i];
    bench_compare(&contest);
}

void bench_compare_durable(const struct bench_place *place, const struct bench_goal *goal)
{
    char id[64], name[128];
    struct way ours = {.place = place, .total = INSERTS, .n_connections = IN_FLIGHT, .inserting = true};
    struct way few = {.place = place, .total = INSERTS, .n_connections = BENCH_CONNECTIONS, .inserting = true};
    struct way threads = {.place = place, .total = INSERTS / 4, .inserting = true};
    struct way uv = threads;
    snprintf(id, sizeof(id), "%s-durable", place->client->id);
    snprintf(name, sizeof(name), "%s: durable single inserts, 64 in flight", place->client->name);
    bench_compare(&(struct bench_contest){
        .id = id,
        .name = name,
        .ways = {make_way("asyncdb, 64 connections", &ours, run_ours),
                 make_way("4 bare threads", &threads, run_threads),
                 make_way("libuv around bare, 4 threads", &uv, bench_uv_here() ? run_uv : NULL),
                 make_way("asyncdb, 4 connections", &few, run_ours)},
        .goals = {*goal},
    });
}
