/* SPDX-License-Identifier: BSD-3-Clause */
/* PostgreSQL against bare libpq: prepared statements by name, results as text, as its manual shows them; and against
 * its pipeline mode by hand. */
#include "tests/bench/bench_server.h"
#include "tests/bench/counters.h"

#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_IN_FLIGHT 256
#define LOAD_RUN       256 /* rows between looks for answers */

static double sink; /* so that nothing is left out as useless */

static void prepare(PGconn *conn, const char *name, const char *sql)
{
    PGresult *result = PQprepare(conn, name, sql, 0, NULL);
    BENCH_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
}

static const char *setting(const char *value)
{
    return value == NULL ? "" : value;
}

static void *client_open(const adb_url *url)
{
    char port[16] = "";
    const char *host = adb_url_option(url, "host");
    const int number = adb_url_port(url);
    if (number > 0)
        snprintf(port, sizeof(port), "%d", number);
    const char *names[] = {"host", "port", "user", "password", "dbname", "sslmode", NULL};
    const char *values[] = {setting(host != NULL ? host : adb_url_host(url)),
                            adb_url_option(url, "port") != NULL ? adb_url_option(url, "port") : port,
                            setting(adb_url_user(url)), setting(adb_url_password(url)), adb_url_database(url),
                            setting(adb_url_option(url, "sslmode")), NULL};
    PGconn *conn = PQconnectdbParams(names, values, 0);
    if (PQstatus(conn) != CONNECTION_OK)
        fprintf(stderr, "%s", PQerrorMessage(conn));
    BENCH_CHECK(PQstatus(conn) == CONNECTION_OK);
    prepare(conn, "one", "SELECT id, name FROM bench_item WHERE id = $1");
    prepare(conn, "insert", "INSERT INTO bench_many (id, name) VALUES ($1, $2)");
    return conn;
}

static void client_close(void *conn)
{
    PQfinish(conn);
}

static void read_one(PGresult *result)
{
    BENCH_CHECK(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1);
    BENCH_CHECK(strtoll(PQgetvalue(result, 0, 0), NULL, 10) > 0 && PQgetvalue(result, 0, 1)[0] != '\0');
    PQclear(result);
}

static void client_select(void *conn, int64_t id)
{
    const uint64_t key = htobe64((uint64_t)id);
    const char *values[] = {(const char *)&key};
    const int lengths[] = {sizeof(key)};
    const int formats[] = {1};
    read_one(PQexecPrepared(conn, "one", 1, values, lengths, formats, 0));
}

static size_t client_read_all(void *conn)
{
    PGresult *result = PQexec(conn, BENCH_READ_ALL);
    BENCH_CHECK(PQresultStatus(result) == PGRES_TUPLES_OK);
    const int n_rows = PQntuples(result);
    for (int i = 0; i < n_rows; i++) {
        sink += (double)strtoll(PQgetvalue(result, i, 0), NULL, 10) + PQgetvalue(result, i, 1)[0] +
                strtod(PQgetvalue(result, i, 2), NULL) + PQgetvalue(result, i, 3)[0] + PQgetvalue(result, i, 4)[0];
    }
    PQclear(result);
    return (size_t)n_rows;
}

static void insert_values(int64_t id, char key[24], const char *values[2])
{
    snprintf(key, 24, "%lld", (long long)id);
    values[0] = key;
    values[1] = BENCH_NAME;
}

static void client_insert(void *conn, int64_t id)
{
    char key[24];
    const char *values[2];
    insert_values(id, key, values);
    PGresult *result = PQexecPrepared(conn, "insert", 2, values, NULL, NULL, 0);
    BENCH_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
}

/* The pipeline by hand -------------------------------------------------------------------------------------------- */

/* One connection of one thread that waits for all of them, each with as many statements in flight as there is room for,
 * and a Sync after each statement, so that none takes another with it. */
struct pipe {
    PGconn *conn;
    size_t flying;
    size_t first; /* of the ring of times */
    int64_t begun[MOST_IN_FLIGHT];
};

static void pipe_send(struct pipe *pipe)
{
    const uint64_t key = htobe64(bench_random(BENCH_ROWS) + 1);
    const char *values[] = {(const char *)&key};
    const int lengths[] = {sizeof(key)};
    const int formats[] = {1};
    pipe->begun[(pipe->first + pipe->flying) % MOST_IN_FLIGHT] = bench_latency_begin();
    pipe->flying++;
    BENCH_CHECK(PQsendQueryPrepared(pipe->conn, "one", 1, values, lengths, formats, 0) == 1);
    BENCH_CHECK(PQpipelineSync(pipe->conn) == 1);
}

/* All results that are there: of each statement a row, the end of its results, and its Sync. */
static size_t pipe_receive(struct pipe *pipe)
{
    size_t n = 0;
    BENCH_CHECK(PQconsumeInput(pipe->conn) == 1);
    while (pipe->flying > 0 && PQisBusy(pipe->conn) == 0) {
        PGresult *result = PQgetResult(pipe->conn);
        if (result == NULL)
            continue;
        if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
            read_one(result);
            continue;
        }
        PQclear(result);
        bench_latency_end(pipe->begun[pipe->first]);
        pipe->first = (pipe->first + 1) % MOST_IN_FLIGHT;
        pipe->flying--;
        n++;
    }
    return n;
}

static void pipes_wait(struct pipe *pipes, size_t n_pipes)
{
    struct pollfd polls[BENCH_CONNECTIONS];
    for (size_t i = 0; i < n_pipes; i++) {
        const bool unsent = PQflush(pipes[i].conn) == 1;
        polls[i] = (struct pollfd){.fd = PQsocket(pipes[i].conn),
                                   .events = (short)(pipes[i].flying == 0 ? 0 : unsent ? POLLIN | POLLOUT : POLLIN)};
    }
    BENCH_CHECK(poll(polls, n_pipes, 60000) > 0);
}

static void pipe_begin(struct pipe *pipe, void *conn)
{
    *pipe = (struct pipe){.conn = conn};
    BENCH_CHECK(PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1);
}

static void pipe_end(struct pipe *pipe)
{
    BENCH_CHECK(PQexitPipelineMode(pipe->conn) == 1 && PQsetnonblocking(pipe->conn, 0) == 0);
}

static size_t client_select_many(void *const *conns, size_t n_conns, size_t in_flight, size_t total)
{
    struct pipe pipes[BENCH_CONNECTIONS];
    size_t sent = 0, done = 0;
    BENCH_CHECK(n_conns <= BENCH_CONNECTIONS && in_flight <= MOST_IN_FLIGHT);
    for (size_t i = 0; i < n_conns; i++)
        pipe_begin(&pipes[i], conns[i]);
    while (done < total) {
        for (size_t i = 0; i < n_conns; i++) {
            for (; sent < total && pipes[i].flying < in_flight / n_conns; sent++)
                pipe_send(&pipes[i]);
        }
        pipes_wait(pipes, n_conns);
        for (size_t i = 0; i < n_conns; i++)
            done += pipe_receive(&pipes[i]);
    }
    for (size_t i = 0; i < n_conns; i++)
        pipe_end(&pipes[i]);
    return total;
}

/* Rows into the table, in one pipeline with one Sync at its end. */
struct load {
    PGconn *conn;
    size_t sent, done, total;
    bool over;
};

static void load_send(struct load *load)
{
    char key[24];
    const char *values[2];
    for (size_t i = 0; i < LOAD_RUN && load->sent < load->total; i++, load->sent++) {
        insert_values((int64_t)load->sent + 1, key, values);
        BENCH_CHECK(PQsendQueryPrepared(load->conn, "insert", 2, values, NULL, NULL, 0) == 1);
        if (load->sent + 1 == load->total)
            BENCH_CHECK(PQpipelineSync(load->conn) == 1);
    }
}

static void load_receive(struct load *load)
{
    BENCH_CHECK(PQconsumeInput(load->conn) == 1);
    while (!load->over && PQisBusy(load->conn) == 0) {
        PGresult *result = PQgetResult(load->conn);
        if (result == NULL && load->done == load->sent && load->sent < load->total)
            return; /* nothing is left to ask for */
        if (result == NULL)
            continue;
        load->over = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        BENCH_CHECK(load->over || PQresultStatus(result) == PGRES_COMMAND_OK);
        load->done += !load->over;
        PQclear(result);
    }
}

static void client_insert_many(void *conn, size_t n)
{
    struct load load = {.conn = conn, .total = n};
    BENCH_CHECK(PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1);
    while (!load.over) {
        if (PQflush(conn) == 0)
            load_send(&load);
        const bool more = PQflush(conn) == 1 || load.sent < n;
        struct pollfd wait = {.fd = PQsocket(conn), .events = (short)(more ? POLLIN | POLLOUT : POLLIN)};
        BENCH_CHECK(poll(&wait, 1, 60000) > 0);
        load_receive(&load);
    }
    BENCH_CHECK(load.done == n && PQexitPipelineMode(conn) == 1 && PQsetnonblocking(conn, 0) == 0);
}

static const struct bench_client client = {
    .id = "postgresql",
    .name = "PostgreSQL",
    .variable = "ADB_TEST_POSTGRESQL_URL",
    .series = "CREATE TABLE bench_item (id BIGINT PRIMARY KEY, name TEXT, price DOUBLE PRECISION, made TIMESTAMP, "
              "done BOOLEAN);"
              "INSERT INTO bench_item SELECT i, 'the item called ' || i, i * 0.25, "
              "TIMESTAMP '2020-01-01' + i * INTERVAL '1 minute', i % 2 = 0 FROM generate_series(1, 100000) AS i;"
              "VACUUM ANALYZE bench_item",
    .million = "SELECT i, 'the item called ' || i FROM generate_series(1, 1000000) AS i",
    .open = client_open,
    .close = client_close,
    .select = client_select,
    .read_all = client_read_all,
    .insert = client_insert,
    .select_many = client_select_many,
    .select_many_name = "libpq pipeline by hand",
    .insert_many = client_insert_many,
    .insert_many_name = "libpq pipeline by hand",
};

/* Through a proxy that adds a millisecond each way. */
static void compare_delayed(void)
{
    const struct bench_place place = bench_place(&client, "ADB_BENCH_DELAYED_POSTGRESQL_URL", false);
    if (place.url == NULL)
        return;
    bench_compare_selects(&place, &(struct bench_select_setup){
                                      .id = "postgresql-select-delayed",
                                      .name = "PostgreSQL: point select, 64 in flight, 4 connections, 2 ms away",
                                      .total = 12800,
                                      .total_bare = 1600,
                                      .goals = {{"P2", BENCH_RATE, 1, 8, 0}}});
    adb_url_free(place.url);
}

/* On a server that waits for its disk. */
static void compare_durable(void)
{
    const struct bench_place place = bench_place(&client, "ADB_BENCH_DURABLE_POSTGRESQL_URL", false);
    if (place.url == NULL)
        return;
    bench_tables_make(&place);
    bench_compare_durable(&place, &(struct bench_goal){"P5", BENCH_RATE, 1, 3, 0});
    bench_tables_drop(&place);
    adb_url_free(place.url);
}

int main(void)
{
    const struct bench_place place = bench_place(&client, client.variable, true);
    bench_tables_make(&place);
    bench_compare_selects(&place, &(struct bench_select_setup){
                                      .id = "postgresql-select",
                                      .name = "PostgreSQL: point select, 64 in flight, 4 connections",
                                      .total = 40000,
                                      .total_bare = 40000,
                                      .goals = {{"P1", BENCH_RATE, 1, 1.2, 0},
                                                {"P1", BENCH_CPU, 1, 0.8, 0},
                                                {"X2", BENCH_RATE, 1, 1.3, 1 / 0.9}, /* drogon: 0.9 of the threads */
                                                {"A1", BENCH_ALLOCATIONS, 0, 0.005, 0},
                                                {"A2", BENCH_CALLS, 0, 0.1, 0}}});
    compare_delayed();
    bench_compare_reading(&place, &(struct bench_goal){"P3", BENCH_RATE, 1, 0.95, 0});
    bench_compare_many(&place, &(struct bench_goal){"P4", BENCH_RATE, 1, 0.9, 0});
    compare_durable();
    bench_compare_million(&place);
    bench_tables_drop(&place);
    adb_url_free(place.url);
    return 0;
}
