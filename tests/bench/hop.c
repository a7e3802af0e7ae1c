/* SPDX-License-Identifier: BSD-3-Clause */
/* Two threads, each on a processor of its own, that count one number up by turns. */
#include "tests/bench/hop.h"
#include "base/cacheline.h"
#include "tests/bench/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define WARM_UP 200
#define HOPS    2000 /* even, as WARM_UP */

struct player {
    pthread_t thread;
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

static void start(struct player *player, int processor)
{
    pthread_attr_t attributes;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    BENCH_CHECK(pthread_attr_init(&attributes) == 0);
    BENCH_CHECK(pthread_attr_setaffinity_np(&attributes, sizeof(set), &set) == 0);
    BENCH_CHECK(pthread_create(&player->thread, &attributes, play, player) == 0);
    pthread_attr_destroy(&attributes);
}

/* The next one at or after it that this process may use; CPU_SETSIZE: there is none. */
static int processor_from(int processor)
{
    cpu_set_t set;
    BENCH_CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
    while (processor < CPU_SETSIZE && !CPU_ISSET(processor, &set))
        processor++;
    return processor;
}

double bench_hop_ns(void)
{
    static _Alignas(ADB__CACHE_LINE) atomic_int ball;
    static struct player players[2];
    const int first = processor_from(0);
    const int second = processor_from(first + 1);
    if (second == CPU_SETSIZE)
        return -1;
    atomic_store(&ball, 0);
    for (int i = 0; i < 2; i++) {
        players[i] = (struct player){.ball = &ball, .first = i};
        start(&players[i], i == 0 ? first : second);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(players[i].thread, NULL);
    return (players[0].ended - players[0].begun) * 1e9 / (HOPS - WARM_UP);
}
