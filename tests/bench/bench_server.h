/* SPDX-License-Identifier: BSD-3-Clause */
/* The work that is measured on a server database, and what its client library has to do bare for the same. */
#ifndef ADB_TESTS_BENCH_SERVER_H
#define ADB_TESTS_BENCH_SERVER_H

#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"

#include <stdint.h>

#define BENCH_ROWS        100000
#define BENCH_SELECT      "SELECT id, name FROM bench_item WHERE id = ?"
#define BENCH_READ_ALL    "SELECT id, name, price, made, done FROM bench_item"
#define BENCH_INSERT      "INSERT INTO bench_many (id, name) VALUES (?, ?)"
#define BENCH_NAME        "some words of text"
#define BENCH_CONNECTIONS 4
#define BENCH_MANY        10000

/* A client library as one would use it by hand: prepared statements, blocking calls, one thread per connection. */
struct bench_client {
    const char *id;       /* of the database, before those of the contests */
    const char *name;     /* and before their names */
    const char *variable; /* of the environment: the URL of a database to work in */
    const char *series;   /* a script that fills bench_item(id, name, price, made, done): BENCH_ROWS rows, ids from 1 */
    const char *million;  /* a statement that yields a million rows of a number and a text */
    void *(*open)(const adb_url *url);
    void (*close)(void *conn);
    void (*select)(void *conn, int64_t id); /* BENCH_SELECT, reading both values */
    size_t (*read_all)(void *conn);         /* BENCH_READ_ALL, reading every value; how many rows */
    void (*insert)(void *conn, int64_t id); /* one row into bench_many(id, name) */

    /* What the library has beyond that; NULL: nothing. */
    size_t (*select_many)(void *const *conns, size_t n_conns, size_t in_flight, size_t total); /* on this thread */
    const char *select_many_name;
    void (*insert_many)(void *conn, size_t n); /* as many rows at once, from id 1 */
    const char *insert_many_name;
};

/* One database of a server, and all that works on it. */
struct bench_place {
    const struct bench_client *client;
    adb_url *url;
};

/* Goals of a contest; they end with one without an id. */
struct bench_select_setup {
    const char *id;
    const char *name;
    size_t total;      /* of ours and of what is as quick */
    size_t total_bare; /* of four bare threads */
    struct bench_goal goals[BENCH_GOALS];
};

/* The place that a variable names; exits with 77 when it is not set and must is, else url is NULL. */
struct bench_place bench_place(const struct bench_client *client, const char *variable, bool must);

/* Make the tables, once, and drop them. */
void bench_tables_make(const struct bench_place *place);
void bench_tables_drop(const struct bench_place *place);

/* The contests: point selects, 64 in flight on four connections; everything read; many inserted; a million iterated. */
void bench_compare_selects(const struct bench_place *place, const struct bench_select_setup *setup);
void bench_compare_reading(const struct bench_place *place, const struct bench_goal *goal);
void bench_compare_many(const struct bench_place *place, const struct bench_goal *goal);
void bench_compare_million(const struct bench_place *place);

/* Durable single inserts, 64 in flight. */
void bench_compare_durable(const struct bench_place *place, const struct bench_goal *goal);

#endif
