/* SPDX-License-Identifier: BSD-3-Clause */
/* Work on the threads of libuv, kept in flight from its loop. */
#include "tests/bench/around_uv.h"
#include "tests/bench/bench.h"
#include "tests/bench/counters.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef BENCH_UV
#include <uv.h>

struct flight {
    const struct bench_uv_task *task;
    uv_loop_t loop;
    size_t left;
};

struct seat {
    uv_work_t work;
    struct flight *flight;
    int64_t begun;
};

/* Threads of libuv live as long as the process. */
static size_t this_thread(void)
{
    static _Atomic size_t n_threads;
    static _Thread_local size_t number;
    if (number == 0)
        number = atomic_fetch_add(&n_threads, 1) + 1;
    return number - 1;
}

static void seat_work(uv_work_t *work)
{
    const struct seat *seat = work->data;
    const struct bench_uv_task *task = seat->flight->task;
    task->work(this_thread(), task->state);
}

static void seat_next(struct seat *seat);

static void seat_done(uv_work_t *work, int status)
{
    struct seat *seat = work->data;
    BENCH_CHECK(status == 0);
    bench_latency_end(seat->begun);
    seat_next(seat);
}

static void seat_next(struct seat *seat)
{
    if (seat->flight->left == 0)
        return;
    seat->flight->left--;
    seat->begun = bench_latency_begin();
    BENCH_CHECK(uv_queue_work(&seat->flight->loop, &seat->work, seat_work, seat_done) == 0);
}

bool bench_uv_here(void)
{
    return true;
}

size_t bench_uv_run(const struct bench_uv_task *task)
{
    struct flight flight = {.task = task, .left = task->total};
    struct seat *seats = calloc(task->in_flight, sizeof(*seats));
    BENCH_CHECK(seats != NULL && uv_loop_init(&flight.loop) == 0);
    for (size_t i = 0; i < task->in_flight; i++) {
        seats[i] = (struct seat){.work.data = &seats[i], .flight = &flight};
        seat_next(&seats[i]);
    }
    BENCH_CHECK(uv_run(&flight.loop, UV_RUN_DEFAULT) == 0);
    BENCH_CHECK(uv_loop_close(&flight.loop) == 0);
    free(seats);
    return task->total;
}

#else

bool bench_uv_here(void)
{
    return false;
}

size_t bench_uv_run(const struct bench_uv_task *task)
{
    (void)task;
    return 0;
}

#endif

void bench_uv_threads(unsigned n_threads)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", n_threads);
    setenv("UV_THREADPOOL_SIZE", text, 1);
}
