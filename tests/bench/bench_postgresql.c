/* SPDX-License-Identifier: BSD-3-Clause */
/* PostgreSQL against bare libpq: prepared statements by name, results as text, as its manual shows them. */
#include "tests/bench/bench_server.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

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
    const char *names[] = {"host", "port", "user", "password", "dbname", NULL};
    const char *values[] = {setting(host != NULL ? host : adb_url_host(url)),
                            adb_url_option(url, "port") != NULL ? adb_url_option(url, "port") : port,
                            setting(adb_url_user(url)), setting(adb_url_password(url)), adb_url_database(url), NULL};
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

static void client_select(void *conn, int64_t id)
{
    const uint64_t key = htobe64((uint64_t)id);
    const char *values[] = {(const char *)&key};
    const int lengths[] = {sizeof(key)};
    const int formats[] = {1};
    PGresult *result = PQexecPrepared(conn, "one", 1, values, lengths, formats, 0);
    BENCH_CHECK(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1);
    BENCH_CHECK(strtoll(PQgetvalue(result, 0, 0), NULL, 10) == id && PQgetvalue(result, 0, 1)[0] != '\0');
    PQclear(result);
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

static void client_insert(void *conn, int64_t id)
{
    char key[24];
    snprintf(key, sizeof(key), "%lld", (long long)id);
    const char *values[] = {key, "some words of text"};
    PGresult *result = PQexecPrepared(conn, "insert", 2, values, NULL, NULL, 0);
    BENCH_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
}

int main(void)
{
    return bench_server_main(&(struct bench_client){
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
    });
}
