/* SPDX-License-Identifier: BSD-3-Clause */
/* MySQL and MariaDB against their bare client library: prepared statements, bound buffers, and arrays of them. */
#include "config.h"
#include "tests/bench/bench_server.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double sink; /* so that nothing is left out as useless */

struct client {
    MYSQL *mysql;
    MYSQL_STMT *one, *all, *insert;
};

static MYSQL_STMT *prepare(MYSQL *mysql, const char *sql)
{
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    BENCH_CHECK(stmt != NULL && mysql_stmt_prepare(stmt, sql, strlen(sql)) == 0);
    return stmt;
}

static void *client_open(const adb_url *url)
{
    struct client *client = calloc(1, sizeof(*client));
    BENCH_CHECK(client != NULL);
    client->mysql = mysql_init(NULL);
    const int port = adb_url_port(url);
    if (mysql_real_connect(client->mysql, adb_url_host(url), adb_url_user(url), adb_url_password(url),
                           adb_url_database(url), port > 0 ? (unsigned)port : 0, adb_url_option(url, "unix_socket"),
                           0) == NULL)
        fprintf(stderr, "%s\n", mysql_error(client->mysql));
    BENCH_CHECK(mysql_errno(client->mysql) == 0);
    client->one = prepare(client->mysql, "SELECT id, name FROM bench_item WHERE id = ?");
    client->all = prepare(client->mysql, BENCH_READ_ALL);
    client->insert = prepare(client->mysql, "INSERT INTO bench_many (id, name) VALUES (?, ?)");
    return client;
}

static void client_close(void *conn)
{
    struct client *client = conn;
    mysql_stmt_close(client->one);
    mysql_stmt_close(client->all);
    mysql_stmt_close(client->insert);
    mysql_close(client->mysql);
    free(client);
}

static MYSQL_BIND bind_int(long long *value)
{
    return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = value};
}

static MYSQL_BIND bind_text(char *text, unsigned long room, unsigned long *size)
{
    return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = room, .length = size};
}

static void client_select(void *conn, int64_t id)
{
    struct client *client = conn;
    long long key = id, got = 0;
    char name[101];
    unsigned long size = 0;
    MYSQL_BIND in = bind_int(&key);
    MYSQL_BIND out[] = {bind_int(&got), bind_text(name, sizeof(name), &size)};
    BENCH_CHECK(mysql_stmt_bind_param(client->one, &in) == 0 && mysql_stmt_execute(client->one) == 0);
    BENCH_CHECK(mysql_stmt_bind_result(client->one, out) == 0 && mysql_stmt_fetch(client->one) == 0);
    BENCH_CHECK(got == id && size > 0);
    BENCH_CHECK(mysql_stmt_fetch(client->one) == MYSQL_NO_DATA && mysql_stmt_free_result(client->one) == 0);
}

static size_t client_read_all(void *conn)
{
    struct client *client = conn;
    long long id = 0, done = 0;
    double price = 0;
    char name[101];
    unsigned long size = 0;
    size_t n_rows = 0;
    MYSQL_TIME made = {0};
    MYSQL_BIND out[] = {
        bind_int(&id), bind_text(name, sizeof(name), &size), {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &price},
        {.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &made}, bind_int(&done)};
    BENCH_CHECK(mysql_stmt_execute(client->all) == 0 && mysql_stmt_bind_result(client->all, out) == 0);
    BENCH_CHECK(mysql_stmt_store_result(client->all) == 0);
    for (; mysql_stmt_fetch(client->all) == 0; n_rows++)
        sink += (double)id + name[0] + price + made.day + (double)done;
    mysql_stmt_free_result(client->all);
    return n_rows;
}

static void client_insert(void *conn, int64_t id)
{
    struct client *client = conn;
    long long key = id;
    char name[] = BENCH_NAME;
    unsigned long size = sizeof(name) - 1;
    MYSQL_BIND in[] = {bind_int(&key), bind_text(name, sizeof(name), &size)};
    BENCH_CHECK(mysql_stmt_bind_param(client->insert, in) == 0 && mysql_stmt_execute(client->insert) == 0);
}

#if HAVE_DECL_STMT_ATTR_ARRAY_SIZE

/* Rows of two columns, column by column, sent at once. */
static void client_insert_many(void *conn, size_t n)
{
    struct client *client = conn;
    static long long keys[BENCH_MANY];
    static char *names[BENCH_MANY];
    static unsigned long sizes[BENCH_MANY];
    static char name[] = BENCH_NAME;
    unsigned int n_rows = (unsigned int)n;
    BENCH_CHECK(n <= BENCH_MANY);
    for (size_t i = 0; i < n; i++) {
        keys[i] = (long long)i + 1;
        names[i] = name;
        sizes[i] = sizeof(name) - 1;
    }
    MYSQL_BIND in[] = {{.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = keys},
                       {.buffer_type = MYSQL_TYPE_STRING, .buffer = names, .length = sizes}};
    BENCH_CHECK(mysql_stmt_attr_set(client->insert, STMT_ATTR_ARRAY_SIZE, &n_rows) == 0);
    BENCH_CHECK(mysql_stmt_bind_param(client->insert, in) == 0 && mysql_stmt_execute(client->insert) == 0);
    BENCH_CHECK(mysql_stmt_affected_rows(client->insert) == n);
    n_rows = 0;
    BENCH_CHECK(mysql_stmt_attr_set(client->insert, STMT_ATTR_ARRAY_SIZE, &n_rows) == 0);
}

#else
#define client_insert_many NULL
#endif

static const struct bench_client client = {
    .id = "mysql",
    .name = "MariaDB",
    .variable = "ADB_TEST_MYSQL_URL",
    .series = "CREATE TABLE bench_item (id BIGINT PRIMARY KEY, name VARCHAR(100), price DOUBLE, made DATETIME, "
              "done BOOLEAN);"
              "INSERT INTO bench_item SELECT seq, CONCAT('the item called ', seq), seq * 0.25, "
              "TIMESTAMP('2020-01-01') + INTERVAL seq MINUTE, seq % 2 = 0 FROM seq_1_to_100000;"
              "ANALYZE TABLE bench_item",
    .million = "SELECT seq, CONCAT('the item called ', seq) FROM seq_1_to_1000000",
    .open = client_open,
    .close = client_close,
    .select = client_select,
    .read_all = client_read_all,
    .insert = client_insert,
    .insert_many = client_insert_many,
    .insert_many_name = "bare array binding",
};

int main(void)
{
    const struct bench_place place = bench_place(&client, client.variable, true);
    bench_tables_make(&place);
    bench_compare_selects(&place, &(struct bench_select_setup){
                                      .id = "mysql-select",
                                      .name = "MariaDB: point select, 64 in flight, 4 connections",
                                      .total = 40000,
                                      .total_bare = 40000,
                                      .goals = {{"M1", BENCH_RATE, 1, 1, 0},
                                                {"A1", BENCH_ALLOCATIONS, 0, 0.005, 0},
                                                {"A2", BENCH_CALLS, 0, 0.1, 0}}});
    bench_compare_reading(&place, &(struct bench_goal){.id = NULL});
    bench_compare_many(&place, &(struct bench_goal){"M2", BENCH_RATE, 1, 0.9, 0});
    bench_compare_million(&place);
    bench_tables_drop(&place);
    adb_url_free(place.url);
    return 0;
}
