/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading 100,000 rows of 5 columns: adb_copy_in against execute_many, against single inserts in one transaction, and
 * on PostgreSQL against libpq's own COPY; and unloading them, against iterate. On the databases whose URLs are given,
 * or on a SQLite file and the servers of the tests. */
#include "config.h"
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"

#ifdef ADB_HAVE_POSTGRESQL
#include <libpq-fe.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROWS    100000
#define N_SINGLES 5000
#define N_COLUMNS 5
#define ROW_BYTES 80 /* room for one */
#define PIECE     65536
#define INSERT    "INSERT INTO bench_copy (id, name, price, made, done) VALUES (?, ?, ?, ?, ?)"

struct bench {
    const char *url;
    adb_database *db;
    adb_context *ctx;
    char *stream;
    size_t size;
    size_t at;
    size_t n_bytes; /* of what came out */
    adb_param *items;
    adb_params *sets;
};

static void make_stream(struct bench *bench)
{
    bench->stream = malloc((size_t)N_ROWS * ROW_BYTES);
    BENCH_CHECK(bench->stream != NULL);
    for (int i = 0; i < N_ROWS; i++)
        bench->size += (size_t)snprintf(bench->stream + bench->size, ROW_BYTES,
                                        "%d,\"item, number %d\",%d.25,2024-02-%02d,%c\n", i, i, i % 1000, i % 29 + 1,
                                        i % 2 == 0 ? 't' : 'f');
}

static void make_sets(struct bench *bench)
{
    static char names[N_ROWS][32];
    bench->items = calloc((size_t)N_ROWS * N_COLUMNS, sizeof(*bench->items));
    bench->sets = calloc(N_ROWS, sizeof(*bench->sets));
    BENCH_CHECK(bench->items != NULL && bench->sets != NULL);
    for (int i = 0; i < N_ROWS; i++) {
        adb_param *items = &bench->items[i * N_COLUMNS];
        snprintf(names[i], sizeof(names[i]), "item, number %d", i);
        items[0].value = adb_int(i);
        items[1].value = adb_text(names[i]);
        items[2].value = adb_double(i % 1000 + 0.25);
        items[3].value = adb_date(2024, 2, i % 29 + 1);
        items[4].value = adb_bool(i % 2 == 0);
        bench->sets[i] = (adb_params){.items = items, .count = N_COLUMNS};
    }
}

static void empty_table(void *state)
{
    const struct bench *bench = state;
    bench_execute(bench->ctx, "DROP TABLE IF EXISTS bench_copy");
    bench_execute(bench->ctx, "CREATE TABLE bench_copy (id INTEGER, name VARCHAR(40), price DOUBLE PRECISION, "
                              "made DATE, done BOOLEAN)");
}

static ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct bench *bench = user_data;
    size_t n = bench->size - bench->at;
    n = n < size ? n : size;
    memcpy(chunk, bench->stream + bench->at, n);
    bench->at += n;
    return (ptrdiff_t)n;
}

static size_t finish(const struct bench *bench, adb_job job, size_t n_rows)
{
    adb_result *result = adb_wait(bench->ctx, job, -1);
    if (adb_result_status(result) != ADB_OK)
        fprintf(stderr, "%s\n", adb_result_error(result)->message);
    BENCH_CHECK(adb_result_status(result) == ADB_OK);
    adb_result_unref(result);
    return n_rows;
}

static size_t run_copy(void *state)
{
    struct bench *bench = state;
    bench->at = 0;
    return finish(bench, adb_copy_in(bench->ctx, "bench_copy", produce, NULL, bench), N_ROWS);
}

static size_t run_many(void *state)
{
    const struct bench *bench = state;
    return finish(bench, adb_execute_many(bench->ctx, INSERT, bench->sets, N_ROWS, NULL, NULL), N_ROWS);
}

static size_t run_singles(void *state)
{
    const struct bench *bench = state;
    adb_begin(bench->ctx, NULL, NULL, NULL);
    for (int i = 0; i < N_SINGLES; i++)
        finish(bench, adb_execute(bench->ctx, INSERT, &bench->sets[i], NULL, NULL), 1);
    return finish(bench, adb_commit(bench->ctx, NULL, NULL), N_SINGLES);
}

static adb_flow consume(const void *chunk, size_t size, void *user_data)
{
    struct bench *bench = user_data;
    (void)chunk;
    bench->n_bytes += size;
    return ADB_CONTINUE;
}

static size_t run_unload(void *state)
{
    struct bench *bench = state;
    return finish(bench, adb_copy_out(bench->ctx, "bench_copy", consume, NULL, bench), N_ROWS);
}

/* Reads every value as text, as the stream has it. */
static adb_flow read_batch(adb_result *batch, void *user_data)
{
    struct bench *bench = user_data;
    for (size_t i = 0; i < adb_result_rows(batch); i++) {
        for (size_t column = 0; column < N_COLUMNS; column++)
            bench->n_bytes += (size_t)adb_row_text(adb_result_row(batch, i), column)[0];
    }
    return ADB_CONTINUE;
}

static size_t run_iterate(void *state)
{
    struct bench *bench = state;
    return finish(bench, adb_iterate(bench->ctx, "SELECT * FROM bench_copy", NULL, read_batch, NULL, bench), N_ROWS);
}

#ifdef ADB_HAVE_POSTGRESQL
/* The same stream by hand, on the worker's own connection. */
static adb_status copy_bare(adb_session *session, void *user_data)
{
    const struct bench *bench = user_data;
    PGconn *conn = adb_session_native(session);
    PGresult *result = PQexec(conn, "COPY bench_copy FROM STDIN (FORMAT csv)");
    BENCH_CHECK(PQresultStatus(result) == PGRES_COPY_IN);
    PQclear(result);
    for (size_t at = 0; at < bench->size; at += PIECE)
        BENCH_CHECK(PQputCopyData(conn, bench->stream + at,
                                  (int)(bench->size - at < PIECE ? bench->size - at : PIECE)) == 1);
    BENCH_CHECK(PQputCopyEnd(conn, NULL) == 1);
    while ((result = PQgetResult(conn)) != NULL) {
        BENCH_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
        PQclear(result);
    }
    return ADB_OK;
}

static size_t run_bare(void *state)
{
    struct bench *bench = state;
    return finish(bench, adb_run(bench->ctx, copy_bare, NULL, bench), N_ROWS);
}
#else
#define run_bare NULL
#endif

static void open_bench(void *state)
{
    struct bench *bench = state;
    bench->db = bench_open(bench->url, NULL);
    bench->ctx = adb_context_new(bench->db, NULL, 0);
}

static void close_bench(void *state)
{
    struct bench *bench = state;
    adb_context_free(bench->ctx);
    bench_close(bench->db);
}

/* All in one table, so each run makes it anew. */
static struct bench_way way_in(const char *name, size_t (*run)(void *state))
{
    return (struct bench_way){
        .name = name, .open = open_bench, .prepare = empty_table, .run = run, .close = close_bench};
}

static struct bench_way way_out(const char *name, size_t (*run)(void *state))
{
    return (struct bench_way){.name = name, .open = open_bench, .run = run, .close = close_bench};
}

/* A database, and how it is called. */
struct place {
    const char *dialect; /* what its URLs begin with */
    const char *name;
    size_t (*bare)(void *state);
};

static const struct place places[] = {
    {"postgres", "PostgreSQL", run_bare}, {"sqlite", "SQLite", NULL}, {"m", "MariaDB", NULL}};

static const struct place *find_place(const char *url)
{
    const struct place *place = places;
    while (strncmp(url, place->dialect, strlen(place->dialect)) != 0) {
        place++;
        BENCH_CHECK(place < places + sizeof(places) / sizeof(places[0]));
    }
    return place;
}

static void compare(const struct bench *bench, const struct place *place, const char *what, const struct bench_way *ways,
                    size_t n_ways)
{
    char id[64], name[64];
    struct bench states[BENCH_WAYS];
    struct bench_contest contest = {.id = id, .name = name};
    snprintf(id, sizeof(id), "%s-%s", what, place->name);
    snprintf(name, sizeof(name), "%s: %s of 100,000 rows, rows", place->name, what);
    for (size_t i = 0; i < n_ways; i++) {
        states[i] = *bench;
        contest.ways[i] = ways[i];
        contest.ways[i].state = &states[i];
    }
    bench_compare(&contest);
}

/* Drops it, or fills it. */
static void drop(void *state)
{
    struct bench *bench = state;
    open_bench(bench);
    bench_execute(bench->ctx, "DROP TABLE IF EXISTS bench_copy");
    close_bench(bench);
}

static void fill(void *state)
{
    struct bench *bench = state;
    open_bench(bench);
    empty_table(bench);
    run_copy(bench);
    close_bench(bench);
}

static void measure(const char *url)
{
    const struct place *place = find_place(url);
    struct bench bench = {.url = url};
    make_stream(&bench);
    make_sets(&bench);
    const struct bench_way in[] = {way_in("asyncdb, copy_in", run_copy), way_in("execute_many", run_many),
                                   way_in("single inserts", run_singles), way_in("PQputCopyData", place->bare)};
    const struct bench_way out[] = {way_out("asyncdb, copy_out", run_unload), way_out("iterate", run_iterate)};
    compare(&bench, place, "copy_in", in, 4);
    bench_isolate(fill, &bench);
    compare(&bench, place, "copy_out", out, 2);
    bench_isolate(drop, &bench);
    free(bench.stream);
    free(bench.items);
    free(bench.sets);
}

static void measure_server(const char *variable)
{
    const char *url = getenv(variable);
    if (url != NULL)
        measure(url);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure(argv[i]);
    if (argc > 1)
        return 0;
    measure(bench_url(""));
    measure_server("ADB_TEST_POSTGRESQL_URL");
    measure_server("ADB_TEST_MYSQL_URL");
    return 0;
}
