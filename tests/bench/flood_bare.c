/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that flood and one that probes, each with a connection of its own. */
#include "tests/bench/flood_bare.h"

#include "config.h"
#include "tests/bench/bench.h"

#ifdef ADB_HAVE_POSTGRESQL
#include <endian.h>
#include <libpq-fe.h>
#endif
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define MOST_THREADS 8

/* SQLite ---------------------------------------------------------------------------------------------------------- */

struct file {
    sqlite3 *file;
    sqlite3_stmt *long_one, *short_one;
    size_t seen; /* so that nothing is left out as useless */
};

static void *file_open(const char *where)
{
    struct file *file = calloc(1, sizeof(*file));
    BENCH_CHECK(file != NULL && sqlite3_open(where, &file->file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(file->file, FLOOD_LONG, -1, &file->long_one, NULL) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(file->file, FLOOD_SHORT "?", -1, &file->short_one, NULL) == SQLITE_OK);
    return file;
}

static void file_close(void *conn)
{
    struct file *file = conn;
    sqlite3_finalize(file->long_one);
    sqlite3_finalize(file->short_one);
    sqlite3_close(file->file);
    free(file);
}

static void file_run(struct file *file, sqlite3_stmt *statement)
{
    BENCH_CHECK(sqlite3_step(statement) == SQLITE_ROW);
    file->seen += (size_t)sqlite3_column_int64(statement, 0) + sqlite3_column_text(statement, 1)[0];
    BENCH_CHECK(sqlite3_step(statement) == SQLITE_DONE);
    BENCH_CHECK(sqlite3_reset(statement) == SQLITE_OK);
}

static void file_long(void *conn)
{
    struct file *file = conn;
    file_run(file, file->long_one);
}

static void file_short(void *conn, int64_t id)
{
    struct file *file = conn;
    BENCH_CHECK(sqlite3_bind_int64(file->short_one, 1, id) == SQLITE_OK);
    file_run(file, file->short_one);
}

const struct flood_client flood_sqlite = {file_open, file_close, file_long, file_short};

/* PostgreSQL ------------------------------------------------------------------------------------------------------ */

#ifdef ADB_HAVE_POSTGRESQL
static void read_row(PGresult *result)
{
    BENCH_CHECK(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1);
    BENCH_CHECK(PQgetvalue(result, 0, 0)[0] != '\0' && PQgetvalue(result, 0, 1)[0] != '\0');
    PQclear(result);
}

static void *server_open(const char *where)
{
    PGconn *conn = PQconnectdb(where);
    BENCH_CHECK(PQstatus(conn) == CONNECTION_OK);
    PQclear(PQprepare(conn, "long", FLOOD_LONG, 0, NULL));
    PQclear(PQprepare(conn, "short", FLOOD_SHORT "$1", 0, NULL));
    return conn;
}

static void server_close(void *conn)
{
    PQfinish(conn);
}

static void server_long(void *conn)
{
    read_row(PQexecPrepared(conn, "long", 0, NULL, NULL, NULL, 0));
}

static void server_short(void *conn, int64_t id)
{
    const uint64_t key = htobe64((uint64_t)id);
    const char *values[] = {(const char *)&key};
    const int lengths[] = {sizeof(key)};
    const int formats[] = {1};
    read_row(PQexecPrepared(conn, "short", 1, values, lengths, formats, 0));
}

const struct flood_client flood_postgresql = {server_open, server_close, server_long, server_short};
#else
const struct flood_client flood_postgresql = {NULL, NULL, NULL, NULL};
#endif

/* Threads --------------------------------------------------------------------------------------------------------- */

struct flooder {
    pthread_t thread;
    const struct flood_client *client;
    void *conn;
    const _Atomic bool *over;
    _Atomic size_t done;
};

static void *flooder_main(void *argument)
{
    struct flooder *flooder = argument;
    while (!atomic_load(flooder->over)) {
        flooder->client->run_long(flooder->conn);
        atomic_fetch_add(&flooder->done, 1);
    }
    return NULL;
}

static size_t count(struct flooder *flooders, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += atomic_load(&flooders[i].done);
    return sum;
}

/* Who asks does not block in the client library: it tells another thread, and waits until that has told it. */
struct prober {
    pthread_t thread;
    const struct flood_client *client;
    void *conn;
    int64_t id; /* 0: go */
    sem_t asked, answered;
};

static void *prober_main(void *argument)
{
    struct prober *prober = argument;
    while (sem_wait(&prober->asked) == 0 && prober->id != 0) {
        prober->client->run_short(prober->conn, prober->id);
        sem_post(&prober->answered);
    }
    return NULL;
}

static void prober_open(struct prober *prober, const struct flood_client *client, const char *where)
{
    *prober = (struct prober){.client = client, .conn = client->open(where)};
    BENCH_CHECK(sem_init(&prober->asked, 0, 0) == 0 && sem_init(&prober->answered, 0, 0) == 0);
    BENCH_CHECK(pthread_create(&prober->thread, NULL, prober_main, prober) == 0);
}

static void prober_close(struct prober *prober)
{
    prober->id = 0;
    sem_post(&prober->asked);
    pthread_join(prober->thread, NULL);
    prober->client->close(prober->conn);
}

static struct bench_latency probe(struct prober *prober, size_t n)
{
    const double until = bench_seconds() + FLOOD_SECONDS;
    bench_latency_start(n);
    for (size_t i = 0; i < n && bench_seconds() < until; i++) {
        const int64_t begun = bench_latency_begin();
        prober->id = (int64_t)bench_random(FLOOD_ROWS) + 1;
        sem_post(&prober->asked);
        BENCH_CHECK(sem_wait(&prober->answered) == 0);
        bench_latency_end(begun);
    }
    return bench_latency_stop();
}

/* The flood alone, and then with the probe. */
static void measure(struct flooder *flooders, size_t n, struct prober *prober, struct flood_outcome *outcome)
{
    size_t before = count(flooders, n);
    double start = bench_seconds();
    nanosleep(&(struct timespec){.tv_nsec = FLOOD_ALONE_NS}, NULL);
    outcome->rate_alone = (double)(count(flooders, n) - before) / (bench_seconds() - start);
    before = count(flooders, n);
    start = bench_seconds();
    outcome->flooded = probe(prober, FLOOD_MOST);
    outcome->rate = (double)(count(flooders, n) - before) / (bench_seconds() - start);
}

struct flood_outcome flood_bare(const struct flood_client *client, const char *where, size_t n_threads)
{
    struct flooder flooders[MOST_THREADS];
    struct flood_outcome outcome;
    struct prober prober;
    _Atomic bool over = false;
    BENCH_CHECK(n_threads <= MOST_THREADS);
    prober_open(&prober, client, where);
    probe(&prober, FLOOD_PROBES); /* for warmth */
    outcome.alone = probe(&prober, FLOOD_PROBES);
    for (size_t i = 0; i < n_threads; i++) {
        flooders[i] = (struct flooder){.client = client, .conn = client->open(where), .over = &over};
        BENCH_CHECK(pthread_create(&flooders[i].thread, NULL, flooder_main, &flooders[i]) == 0);
    }
    measure(flooders, n_threads, &prober, &outcome);
    atomic_store(&over, true);
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(flooders[i].thread, NULL);
        client->close(flooders[i].conn);
    }
    prober_close(&prober);
    return outcome;
}
