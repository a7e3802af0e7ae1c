/* SPDX-License-Identifier: BSD-3-Clause */
/* The work that is measured on a server database, and what its client library has to do bare for the same. */
#ifndef ADB_TESTS_BENCH_SERVER_H
#define ADB_TESTS_BENCH_SERVER_H

#include "tests/bench/bench.h"

#include <stdint.h>

/* A client library as one would use it by hand: prepared statements, blocking calls, one thread per connection. */
struct bench_client {
    const char *name;     /* of the database, in the lines that are printed */
    const char *variable; /* of the environment: the URL of a database to work in */
    const char *series;   /* a script that fills bench_item(id, name, price, made, done) with BENCH_ROWS rows, ids from 1 */
    const char *million;  /* a statement that yields a million rows of a number and a text */
    void *(*open)(const adb_url *url);
    void (*close)(void *conn);
    void (*select)(void *conn, int64_t id);           /* BENCH_SELECT, reading both values */
    size_t (*read_all)(void *conn);                   /* BENCH_READ_ALL, reading every value; how many rows */
    void (*insert)(void *conn, int64_t id);           /* one row into bench_many(id, name) */
};

#define BENCH_ROWS     100000
#define BENCH_READ_ALL "SELECT id, name, price, made, done FROM bench_item"

int bench_server_main(const struct bench_client *client);

#endif
