/* SPDX-License-Identifier: BSD-3-Clause */
/* The same four pieces of work on any server database: point selects by key from four connections, a large result read
 * whole, a million rows in bounded memory, and many rows inserted. */
#include "tests/bench/bench_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_CONNECTIONS 4
#define IN_FLIGHT     64
#define N_SELECTS     40000
#define N_MANY        10000
#define N_MILLION     1000000
#define FLOOR_MIB     16.0

struct bench {
    const struct bench_client *client;
    adb_url *url;
    adb_database *db;
    adb_context *ctx;
    struct bench_flight flight;
    void *bare[N_CONNECTIONS];
    adb_params *sets;
    size_t n_rows;
    double sum; /* so that nothing is left out as useless */
    bool over;
};

/* Point selects ---------------------------------------------------------------------------------------------------- */

static adb_job submit_select(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_fetch_one(ctx, "SELECT id, name FROM bench_item WHERE id = ?",
                         ADB_PARAMS({0, adb_int((int64_t)bench_random(BENCH_ROWS) + 1)}), done, user_data);
}

static double select_ours(void *state)
{
    struct bench *bench = state;
    return bench_flight_run(&bench->flight, N_SELECTS);
}

struct bare_thread {
    pthread_t thread;
    const struct bench_client *client;
    void *conn;
    uint64_t random;
};

static void *select_bare_thread(void *argument)
{
    struct bare_thread *thread = argument;
    for (size_t i = 0; i < N_SELECTS / N_CONNECTIONS; i++) {
        thread->random = thread->random * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
        thread->client->select(thread->conn, (int64_t)((thread->random >> 33) % BENCH_ROWS) + 1);
    }
    return NULL;
}

static double select_bare(void *state)
{
    struct bench *bench = state;
    struct bare_thread threads[N_CONNECTIONS];
    double start = bench_seconds();
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        threads[i] = (struct bare_thread){.client = bench->client, .conn = bench->bare[i], .random = i + 1};
        BENCH_CHECK(pthread_create(&threads[i].thread, NULL, select_bare_thread, &threads[i]) == 0);
    }
    for (size_t i = 0; i < N_CONNECTIONS; i++)
        pthread_join(threads[i].thread, NULL);
    return N_SELECTS / (bench_seconds() - start);
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

static double read_row(adb_row row)
{
    const adb_value made = adb_row_value(row, 3);
    int64_t microseconds;
    BENCH_CHECK(adb_value_to_timestamp(&made, &microseconds) == ADB_OK);
    return (double)adb_row_int(row, 0) + (double)adb_row_text(row, 1)[0] + adb_row_double(row, 2) +
           (double)microseconds + adb_row_bool(row, 4);
}

static double read_all_ours(void *state)
{
    struct bench *bench = state;
    double start = bench_seconds();
    adb_result *result = adb_wait(bench->ctx, adb_fetch_all(bench->ctx, BENCH_READ_ALL, NULL, NULL, NULL), -1);
    BENCH_CHECK(adb_result_rows(result) == BENCH_ROWS);
    for (size_t i = 0; i < BENCH_ROWS; i++)
        bench->sum += read_row(adb_result_row(result, i));
    adb_result_unref(result);
    return BENCH_ROWS / (bench_seconds() - start);
}

static double read_all_bare(void *state)
{
    struct bench *bench = state;
    double start = bench_seconds();
    BENCH_CHECK(bench->client->read_all(bench->bare[0]) == BENCH_ROWS);
    return BENCH_ROWS / (bench_seconds() - start);
}

static adb_flow on_batch(adb_result *batch, void *user_data)
{
    struct bench *bench = user_data;
    size_t n = adb_result_rows(batch);
    for (size_t i = 0; i < n; i++)
        bench->sum += (double)adb_row_int(adb_result_row(batch, i), 0) + adb_row_text(adb_result_row(batch, i), 1)[0];
    bench->n_rows += n;
    return ADB_CONTINUE;
}

static void on_end(adb_result *result, void *user_data)
{
    struct bench *bench = user_data;
    if (adb_result_status(result) != ADB_OK)
        fprintf(stderr, "%s\n", adb_result_error(result)->message);
    BENCH_CHECK(adb_result_status(result) == ADB_OK);
    bench->over = true;
}

static void iterate(struct bench *bench, const char *sql)
{
    bench->over = false;
    BENCH_CHECK(adb_iterate(bench->ctx, sql, NULL, on_batch, on_end, bench) != 0);
    while (!bench->over) {
        BENCH_CHECK(adb_queue_wait(adb_context_queue(bench->ctx), 60000) == ADB_OK);
        adb_queue_dispatch(adb_context_queue(bench->ctx), 0);
    }
}

/* In a process that has done nothing yet but opened the database and read a few rows. */
static void measure_memory(void *state)
{
    const struct bench *parent = state;
    struct bench bench = {.client = parent->client};
    bench.db = bench_open(adb_url_text(parent->url), NULL);
    bench.ctx = adb_context_new(bench.db, NULL, 0);
    iterate(&bench, BENCH_READ_ALL " LIMIT 10");
    double before = bench_peak_mib();
    bench.n_rows = 0;
    iterate(&bench, bench.client->million);
    BENCH_CHECK(bench.n_rows == N_MILLION);
    double growth = bench_peak_mib() - before;
    printf("%s: iterate 1,000,000 rows, growth of peak memory: asyncdb %.1f MiB (floor under %.0f MiB: %s)\n",
           bench.client->name, growth, FLOOR_MIB, growth < FLOOR_MIB ? "held" : "MISSED");
    adb_context_free(bench.ctx);
    bench_close(bench.db);
}

/* Inserting -------------------------------------------------------------------------------------------------------- */

static void sets_make(struct bench *bench)
{
    bench->sets = calloc(N_MANY, sizeof(*bench->sets));
    adb_param *params = calloc(N_MANY * 2, sizeof(*params));
    BENCH_CHECK(bench->sets != NULL && params != NULL);
    for (size_t i = 0; i < N_MANY; i++) {
        params[2 * i] = (adb_param){.value = adb_int((int64_t)i + 1)};
        params[2 * i + 1] = (adb_param){.value = adb_text("some words of text")};
        bench->sets[i] = (adb_params){.items = params + 2 * i, .count = 2};
    }
}

static double many_ours(void *state)
{
    struct bench *bench = state;
    bench_execute(bench->ctx, "DELETE FROM bench_many");
    double start = bench_seconds();
    adb_job job = adb_execute_many(bench->ctx, "INSERT INTO bench_many (id, name) VALUES (?, ?)", bench->sets, N_MANY,
                                   NULL, NULL);
    adb_result *result = adb_wait(bench->ctx, job, -1);
    BENCH_CHECK(adb_result_status(result) == ADB_OK && adb_result_affected(result) == N_MANY);
    adb_result_unref(result);
    return N_MANY / (bench_seconds() - start);
}

static double many_bare(void *state)
{
    struct bench *bench = state;
    bench_execute(bench->ctx, "DELETE FROM bench_many");
    double start = bench_seconds();
    for (int64_t id = 1; id <= N_MANY; id++)
        bench->client->insert(bench->bare[0], id);
    return N_MANY / (bench_seconds() - start);
}

/* All of it -------------------------------------------------------------------------------------------------------- */

static void compare(struct bench *bench, const char *work, double (*ours)(void *), double (*bare)(void *),
                    const char *bare_name, double floor)
{
    char name[128];
    snprintf(name, sizeof(name), "%s: %s", bench->client->name, work);
    bench_compare(&(struct bench_contest){
        .name = name, .ours = ours, .other = bare, .other_name = bare_name, .state = bench, .floor = floor});
}

/* In a process of its own, as the memory is measured in: this one has no threads yet when it forks. */
static void tables_make(void *state)
{
    struct bench bench = *(struct bench *)state;
    bench.db = bench_open(adb_url_text(bench.url), NULL);
    bench.ctx = adb_context_new(bench.db, NULL, 0);
    bench_execute(bench.ctx, "DROP TABLE IF EXISTS bench_item; DROP TABLE IF EXISTS bench_many");
    bench_execute(bench.ctx, "CREATE TABLE bench_many (id BIGINT PRIMARY KEY, name VARCHAR(100))");
    bench_execute(bench.ctx, bench.client->series);
    adb_context_free(bench.ctx);
    bench_close(bench.db);
}

static void connections_open(struct bench *bench)
{
    for (size_t i = 0; i < N_CONNECTIONS; i++)
        bench->bare[i] = bench->client->open(bench->url);
}

static void connections_close(struct bench *bench)
{
    for (size_t i = 0; i < N_CONNECTIONS; i++)
        bench->client->close(bench->bare[i]);
}

int bench_server_main(const struct bench_client *client)
{
    struct bench bench = {.client = client, .flight = {.submit = submit_select}};
    const char *text = getenv(client->variable);
    if (text == NULL) {
        fprintf(stderr, "%s is not set\n", client->variable);
        return 77;
    }
    BENCH_CHECK(adb_url_parse(text, &bench.url, NULL) == ADB_OK);
    bench_isolate(tables_make, &bench);
    bench_isolate(measure_memory, &bench);
    bench.db = bench_open(text, ADB_OPTIONS(.max_size = N_CONNECTIONS, .min_size = N_CONNECTIONS));
    bench.ctx = adb_context_new(bench.db, NULL, 0);
    sets_make(&bench);
    connections_open(&bench);
    bench_flight_init(&bench.flight, bench.db, IN_FLIGHT, 0, NULL);
    compare(&bench, "point select, 64 in flight, 4 connections", select_ours, select_bare, "4 bare threads", 0.8);
    bench_flight_fini(&bench.flight);
    compare(&bench, "fetch_all of 100,000 rows of 5 columns, rows", read_all_ours, read_all_bare, "bare", 0.8);
    compare(&bench, "execute_many of 10,000 rows, rows", many_ours, many_bare, "single statements", 5);
    connections_close(&bench);
    bench_execute(bench.ctx, "DROP TABLE bench_item; DROP TABLE bench_many");
    adb_context_free(bench.ctx);
    bench_close(bench.db);
    free((void *)(uintptr_t)bench.sets[0].items);
    free(bench.sets);
    adb_url_free(bench.url);
    return 0;
}
