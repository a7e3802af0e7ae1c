/* SPDX-License-Identifier: BSD-3-Clause */
/* Load: hundreds of jobs in flight on several contexts, each with an entry in a ledger that says what came of it. In
 * the end the ledger is compared with what the server has. */
#ifndef ADB_TESTS_FAULTS_LOAD_H
#define ADB_TESTS_FAULTS_LOAD_H

#include "tests/faults/scene.h"

#define LOAD_LANES 8

enum deed { DEED_READ, DEED_WRITE, DEED_BEGIN, DEED_PART, DEED_COMMIT };

struct entry {
    enum deed deed;
    int64_t n; /* what a write writes; a transaction writes n and n + 1 */
    adb_status status;
    unsigned flags;
    unsigned n_calls; /* must become 1 */
};

struct load {
    struct scene *scene;
    adb_context *lanes[LOAD_LANES];
    struct entry *entries;
    size_t n_entries, capacity, n_done, refused;
    int64_t next_n;
    unsigned seed;
};

/* What came of a load. */
struct account {
    size_t jobs, outcomes, ok, connection, unknown, transaction, timeout, other;
    size_t twice;   /* more than one outcome */
    size_t lost;    /* acknowledged, and not there */
    size_t unasked; /* there, though it failed for certain */
    size_t halves;  /* transactions of which one part is there */
};

void load_open(struct load *load, struct scene *scene, size_t capacity);
/* Submit so many deeds: reads, writes and whole transactions, on lanes by chance. */
void load_fire(struct load *load, size_t n_deeds);
/* Keep so many jobs in flight until so many in all have ended. */
void load_run(struct load *load, size_t in_flight, size_t until_done);
/* Do that on another thread, and keep so many jobs in flight all the while, until half of the capacity is used. */
void load_during(struct load *load, size_t in_flight, void (*action)(void *data), void *data);
/* Until nothing is in flight. */
void load_drain(struct load *load);
/* Compare with the server's table, print a line, and check that each job had one outcome and nothing was lost. */
struct account load_settle(struct load *load, const char *what);
void load_close(struct load *load);

#endif
