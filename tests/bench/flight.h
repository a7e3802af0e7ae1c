/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs kept in flight: each that is done makes place for the next, until the total is reached. */
#ifndef ADB_TESTS_FLIGHT_H
#define ADB_TESTS_FLIGHT_H

#include <asyncdb.h>

#include <stddef.h>

struct bench_flight {
    adb_queue *queue;
    adb_context **contexts;
    size_t n_contexts;
    size_t turn;              /* the context that was used last, where seats have none of their own */
    struct bench_seat *seats; /* as many as are in flight */
    size_t n_seats;
    adb_job (*submit)(adb_context *ctx, adb_done_cb done, void *user_data);
    size_t left; /* not submitted yet */
    size_t flying;
};

/* So many contexts with these flags on one queue. As many as seats: one each; else they are used in turn, by
 * whichever seat is next. */
void bench_flight_init(struct bench_flight *flight, adb_database *db, size_t n_seats, size_t n_contexts,
                       unsigned flags);
void bench_flight_fini(struct bench_flight *flight);

/* Returns when all are done: the total. */
size_t bench_flight_run(struct bench_flight *flight, size_t total);

#endif
