/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processors there are, and two threads, one on each of two, that count a number up by turns. */
#include "tests/bench/processors.h"
#include "base/cacheline.h"
#include "tests/bench/bench.h"

#include <sched.h>
#include <stdatomic.h>

#define WARM_UP 200
#define HOPS    2000 /* even, as WARM_UP */

struct player {
    _Alignas(ADB__CACHE_LINE) atomic_int *ball;
    int first; /* number that it waits for; then every other */
    double begun, ended;
};

static void *play(void *argument)
{
    struct player *player = argument;
    for (int n = player->first; n < HOPS; n += 2) {
        if (n == WARM_UP)
            player->begun = bench_seconds();
        while (atomic_load_explicit(player->ball, memory_order_acquire) != n)
            continue;
        atomic_store_explicit(player->ball, n + 1, memory_order_release);
    }
    player->ended = bench_seconds();
    return NULL;
}

int bench_processor(int index)
{
    cpu_set_t set;
    BENCH_CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (CPU_ISSET(processor, &set) && index-- == 0)
            return processor;
    }
    return -1;
}

pthread_t bench_start_on(int index, void *(*function)(void *argument), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(bench_processor(index), &set);
    BENCH_CHECK(pthread_attr_init(&attributes) == 0);
    BENCH_CHECK(pthread_attr_setaffinity_np(&attributes, sizeof(set), &set) == 0);
    BENCH_CHECK(pthread_create(&thread, &attributes, function, argument) == 0);
    pthread_attr_destroy(&attributes);
    return thread;
}

double bench_hop_ns(void)
{
    static _Alignas(ADB__CACHE_LINE) atomic_int ball;
    static struct player players[2];
    pthread_t threads[2];
    if (bench_processor(1) < 0)
        return -1;
    atomic_store(&ball, 0);
    for (int i = 0; i < 2; i++) {
        players[i] = (struct player){.ball = &ball, .first = i};
        threads[i] = bench_start_on(i, play, &players[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (players[0].ended - players[0].begun) * 1e9 / (HOPS - WARM_UP);
}
