/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs kept in flight, and how long each of them took. */
#include "tests/bench/flight.h"
#include "tests/bench/bench.h"
#include "tests/bench/counters.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_seat {
    struct bench_flight *flight;
    int64_t begun;
};

void bench_flight_init(struct bench_flight *flight, adb_database *db, size_t n_seats, size_t n_contexts,
                       unsigned flags)
{
    flight->queue = adb_queue_new();
    flight->n_contexts = n_contexts;
    flight->turn = 0;
    flight->contexts = calloc(n_contexts, sizeof(adb_context *));
    flight->n_seats = n_seats;
    flight->seats = calloc(n_seats, sizeof(*flight->seats));
    BENCH_CHECK(flight->queue != NULL && flight->contexts != NULL && flight->seats != NULL);
    for (size_t i = 0; i < n_contexts; i++) {
        flight->contexts[i] = adb_context_new(db, flight->queue, flags);
        BENCH_CHECK(flight->contexts[i] != NULL);
    }
    for (size_t i = 0; i < n_seats; i++)
        flight->seats[i].flight = flight;
}

void bench_flight_fini(struct bench_flight *flight)
{
    for (size_t i = 0; i < flight->n_contexts; i++)
        adb_context_free(flight->contexts[i]);
    adb_queue_free(flight->queue);
    free(flight->contexts);
    free(flight->seats);
}

static void seat_next(struct bench_seat *seat);

static void seat_done(adb_result *result, void *user_data)
{
    struct bench_seat *seat = user_data;
    if (adb_result_status(result) != ADB_OK) {
        fprintf(stderr, "a job failed: %s\n", adb_result_error(result)->message);
        exit(1);
    }
    bench_latency_end(seat->begun);
    seat->flight->flying--;
    seat_next(seat);
}

/* Where the seat's next job goes. A turn for each seat would have contexts meet in time, and their jobs wait for each
 * other. */
static adb_context *seat_context(struct bench_seat *seat)
{
    struct bench_flight *flight = seat->flight;
    if (flight->n_contexts == flight->n_seats)
        return flight->contexts[seat - flight->seats];
    if (++flight->turn >= flight->n_contexts)
        flight->turn = 0;
    return flight->contexts[flight->turn];
}

static void seat_next(struct bench_seat *seat)
{
    struct bench_flight *flight = seat->flight;
    if (flight->left == 0)
        return;
    adb_context *ctx = seat_context(seat);
    flight->left--;
    flight->flying++;
    seat->begun = bench_latency_begin();
    if (flight->submit(ctx, seat_done, seat) == 0) {
        fprintf(stderr, "a job was refused: %s\n", adb_context_error(ctx)->message);
        exit(1);
    }
}

size_t bench_flight_run(struct bench_flight *flight, size_t total)
{
    flight->left = total;
    for (size_t i = 0; i < flight->n_seats; i++)
        seat_next(&flight->seats[i]);
    while (flight->flying > 0) {
        BENCH_CHECK(adb_queue_wait(flight->queue, 60000) == ADB_OK);
        adb_queue_dispatch(flight->queue, 0);
    }
    return total;
}
