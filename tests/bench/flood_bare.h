/* SPDX-License-Identifier: BSD-3-Clause */
/* The flood of bench_fairness.c and its probe by hand: a thread and a connection of the bare client library for each
 * statement that runs at once, and one more of both for the probe. What that pays is the system's: its threads and
 * those of the server share the processors as ours do, but nobody has to wait for a turn. */
#ifndef ADB_TESTS_FLOOD_BARE_H
#define ADB_TESTS_FLOOD_BARE_H

#include "tests/bench/counters.h"

#include <stddef.h>
#include <stdint.h>

#define FLOOD_ROWS  100000
#define FLOOD_LONG  "SELECT COUNT(*), MAX(name) FROM item WHERE id <= 5000" /* a millisecond's work, more or less */
#define FLOOD_SHORT "SELECT id, name FROM item WHERE id = "                 /* and the placeholder */

#define FLOOD_PROBES   2000      /* alone */
#define FLOOD_MOST     200000    /* in the flood: as many as come back in a second */
#define FLOOD_SECONDS  1
#define FLOOD_ALONE_NS 500000000 /* so long it floods before anybody probes */

/* What a way of doing it has come to. */
struct flood_outcome {
    struct bench_latency alone, flooded; /* the probe */
    double rate, rate_alone;             /* statements of the flood in a second, with the probe and without */
};

/* A client library, prepared for both statements; NULL for open: it is not here. */
struct flood_client {
    void *(*open)(const char *where);
    void (*close)(void *conn);
    void (*run_long)(void *conn);
    void (*run_short)(void *conn, int64_t id);
};

extern const struct flood_client flood_sqlite, flood_postgresql;

struct flood_outcome flood_bare(const struct flood_client *client, const char *where, size_t n_threads);

#endif
