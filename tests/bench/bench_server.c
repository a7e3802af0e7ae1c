/* SPDX-License-Identifier: BSD-3-Clause */
/* The same pieces of work on any server database: a large result read whole, a million rows in bounded memory, many
 * rows inserted at once. Those with many in flight are in bench_server_flights.c. */
#include "tests/bench/bench_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_MILLION 1000000

/* One by one, fewer: so that there is time for many rounds of those that are quick. */
#define N_SINGLES 1000

struct bench {
    const struct bench_place *place;
    adb_database *db;
    adb_context *ctx;
    void *bare;
    adb_params *sets;
    size_t n_rows;
    double sum; /* so that nothing is left out as useless */
    bool over;
};

struct bench_place bench_place(const struct bench_client *client, const char *variable, bool must)
{
    struct bench_place place = {.client = client};
    const char *text = getenv(variable);
    if (text == NULL) {
        fprintf(stderr, "%s is not set\n", variable);
        if (must)
            exit(77);
        return place;
    }
    BENCH_CHECK(adb_url_parse(text, &place.url, NULL) == ADB_OK);
    return place;
}

static void open_ours(void *state)
{
    struct bench *bench = state;
    bench->db = bench_open(adb_url_text(bench->place->url), NULL);
    bench->ctx = adb_context_new(bench->db, NULL, 0);
}

static void close_ours(void *state)
{
    struct bench *bench = state;
    adb_context_free(bench->ctx);
    bench_close(bench->db);
}

static void open_bare(void *state)
{
    struct bench *bench = state;
    bench->bare = bench->place->client->open(bench->place->url);
}

static void close_bare(void *state)
{
    struct bench *bench = state;
    bench->place->client->close(bench->bare);
}

/* Tables ---------------------------------------------------------------------------------------------------------- */

#define DROP "DROP TABLE IF EXISTS bench_item; DROP TABLE IF EXISTS bench_many"

static void tables_make(void *argument)
{
    struct bench bench = {.place = argument};
    open_ours(&bench);
    bench_execute(bench.ctx, DROP);
    bench_execute(bench.ctx, "CREATE TABLE bench_many (id BIGINT PRIMARY KEY, name VARCHAR(100))");
    bench_execute(bench.ctx, bench.place->client->series);
    close_ours(&bench);
}

static void tables_drop(void *argument)
{
    struct bench bench = {.place = argument};
    open_ours(&bench);
    bench_execute(bench.ctx, DROP);
    close_ours(&bench);
}

void bench_tables_make(const struct bench_place *place)
{
    struct bench_place copy = *place;
    bench_isolate(tables_make, &copy); /* this process must have no threads when it forks */
}

void bench_tables_drop(const struct bench_place *place)
{
    struct bench_place copy = *place;
    bench_isolate(tables_drop, &copy);
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

static size_t read_all_ours(void *state)
{
    struct bench *bench = state;
    adb_result *result = adb_wait(bench->ctx, adb_fetch_all(bench->ctx, BENCH_READ_ALL, NULL, NULL, NULL), -1);
    BENCH_CHECK(adb_result_rows(result) == BENCH_ROWS);
    for (size_t i = 0; i < BENCH_ROWS; i++)
        bench->sum += read_row(adb_result_row(result, i));
    adb_result_unref(result);
    return BENCH_ROWS;
}

static size_t read_all_bare(void *state)
{
    const struct bench *bench = state;
    BENCH_CHECK(bench->place->client->read_all(bench->bare) == BENCH_ROWS);
    return BENCH_ROWS;
}

static adb_flow on_batch(adb_result *batch, void *user_data)
{
    struct bench *bench = user_data;
    const size_t n = adb_result_rows(batch);
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

static size_t iterate(void *state)
{
    struct bench *bench = state;
    bench->over = false;
    bench->n_rows = 0;
    BENCH_CHECK(adb_iterate(bench->ctx, bench->place->client->million, NULL, on_batch, on_end, bench) != 0);
    while (!bench->over) {
        BENCH_CHECK(adb_queue_wait(adb_context_queue(bench->ctx), 60000) == ADB_OK);
        adb_queue_dispatch(adb_context_queue(bench->ctx), 0);
    }
    BENCH_CHECK(bench->n_rows == N_MILLION);
    return N_MILLION;
}

/* Inserting -------------------------------------------------------------------------------------------------------- */

static void sets_make(struct bench *bench)
{
    bench->sets = calloc(BENCH_MANY, sizeof(*bench->sets));
    adb_param *params = calloc((size_t)BENCH_MANY * 2, sizeof(*params));
    BENCH_CHECK(bench->sets != NULL && params != NULL);
    for (size_t i = 0; i < BENCH_MANY; i++) {
        params[2 * i] = (adb_param){.value = adb_int((int64_t)i + 1)};
        params[2 * i + 1] = (adb_param){.value = adb_text(BENCH_NAME)};
        bench->sets[i] = (adb_params){.items = params + 2 * i, .count = 2};
    }
}

static void sets_free(struct bench *bench)
{
    free((void *)(uintptr_t)bench->sets[0].items);
    free(bench->sets);
}

/* In the same place for all, so on a connection of its own. */
static void many_prepare(void *state)
{
    struct bench *bench = state;
    struct bench own = {.place = bench->place};
    open_ours(&own);
    bench_execute(own.ctx, "TRUNCATE TABLE bench_many");
    close_ours(&own);
}

static size_t many_ours(void *state)
{
    struct bench *bench = state;
    const adb_job job = adb_execute_many(bench->ctx, BENCH_INSERT, bench->sets, BENCH_MANY, NULL, NULL);
    adb_result *result = adb_wait(bench->ctx, job, -1);
    BENCH_CHECK(adb_result_status(result) == ADB_OK && adb_result_affected(result) == BENCH_MANY);
    adb_result_unref(result);
    return BENCH_MANY;
}

static size_t many_bare(void *state)
{
    struct bench *bench = state;
    bench->place->client->insert_many(bench->bare, BENCH_MANY);
    return BENCH_MANY;
}

static size_t singles_bare(void *state)
{
    struct bench *bench = state;
    for (int64_t id = 1; id <= N_SINGLES; id++)
        bench->place->client->insert(bench->bare, id);
    return N_SINGLES;
}

/* Contests -------------------------------------------------------------------------------------------------------- */

/* The id or the name of a contest, with that of the database in front of it. */
static const char *join(char *text, size_t size, const char *first, const char *second)
{
    snprintf(text, size, "%s%s", first, second);
    return text;
}

void bench_compare_reading(const struct bench_place *place, const struct bench_goal *goal)
{
    char id[64], name[128];
    struct bench bench = {.place = place};
    bench_compare(&(struct bench_contest){
        .id = join(id, sizeof(id), place->client->id, "-fetch-all"),
        .name = join(name, sizeof(name), place->client->name, ": fetch_all of 100,000 rows of 5 columns, rows"),
        .state = &bench,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = read_all_ours, .close = close_ours},
                 {.name = "bare", .open = open_bare, .run = read_all_bare, .close = close_bare}},
        .goals = {*goal},
    });
}

void bench_compare_million(const struct bench_place *place)
{
    char id[64], name[128];
    struct bench bench = {.place = place};
    bench_compare(&(struct bench_contest){
        .id = join(id, sizeof(id), place->client->id, "-iterate"),
        .name = join(name, sizeof(name), place->client->name, ": iterate over 1,000,000 rows, rows"),
        .state = &bench,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = iterate, .close = close_ours}},
    });
}

void bench_compare_many(const struct bench_place *place, const struct bench_goal *goal)
{
    char id[64], name[128];
    struct bench ours = {.place = place}, many = {.place = place}, singles = {.place = place};
    const bool has_many = place->client->insert_many != NULL;
    sets_make(&ours);
    bench_compare(&(struct bench_contest){
        .id = join(id, sizeof(id), place->client->id, "-execute-many"),
        .name = join(name, sizeof(name), place->client->name, ": execute_many of 10,000 rows, rows"),
        .ways = {{.name = "asyncdb",
                  .state = &ours,
                  .open = open_ours,
                  .prepare = many_prepare,
                  .run = many_ours,
                  .close = close_ours},
                 {.name = has_many ? place->client->insert_many_name : "nothing",
                  .state = &many,
                  .open = open_bare,
                  .prepare = many_prepare,
                  .run = has_many ? many_bare : NULL,
                  .close = close_bare},
                 {.name = "single statements",
                  .state = &singles,
                  .open = open_bare,
                  .prepare = many_prepare,
                  .run = singles_bare,
                  .close = close_bare}},
        .goals = {*goal},
    });
    sets_free(&ours);
}
