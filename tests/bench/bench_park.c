/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs to hand work to a thread: through two parkers there and back, from thread to thread of sixteen, and by
 * a push and a call with nobody to wake. By the clock, and by the processor's time of all threads.
 *
 *     bench_park [rounds] */
#include "base/clock.h"
#include "queue/park.h"
#include "queue/ready.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RING 16

static struct adb__parker ping, pong, ring[RING];
static struct adb__ready ready;
static struct adb__park park;
static unsigned long rounds = 100000;

static void *answer(void *arg)
{
    for (unsigned long i = 0; i < rounds; i++) {
        while (!adb__parker_wait(&ping, ADB__NEVER))
            continue;
        adb__parker_wake(&pong);
    }
    return arg;
}

static void wake_and_be_woken(void)
{
    for (unsigned long i = 0; i < rounds; i++) {
        adb__parker_wake(&ping);
        while (!adb__parker_wait(&pong, ADB__NEVER))
            continue;
    }
}

static void *pass_on(void *arg)
{
    struct adb__parker *own = arg;
    for (unsigned long i = 0; i < rounds / RING; i++) {
        while (!adb__parker_wait(own, ADB__NEVER))
            continue;
        adb__parker_wake(&ring[(own - ring + 1) % RING]);
    }
    return NULL;
}

static void wake_in_turn(void)
{
    pthread_t threads[RING];
    for (size_t i = 0; i < RING; i++) {
        if (!adb__parker_init(&ring[i]) || pthread_create(&threads[i], NULL, pass_on, &ring[i]) != 0)
            exit(1);
    }
    adb__parker_wake(&ring[0]);
    for (size_t i = 0; i < RING; i++)
        pthread_join(threads[i], NULL);
}

static void wake_with_nobody_there(void)
{
    for (unsigned long i = 0; i < rounds; i++)
        adb__parker_wake(&ping);
    (void)adb__parker_wait(&ping, ADB__NEVER);
}

static void push_and_pop(void)
{
    uint32_t index;
    for (unsigned long i = 0; i < rounds; i++) {
        adb__ready_push(&ready, (uint32_t)(i % 64));
        (void)adb__ready_pop(&ready, &index);
    }
}

static void push_call_and_pop(void)
{
    uint32_t index;
    for (unsigned long i = 0; i < rounds; i++) {
        adb__ready_push(&ready, (uint32_t)(i % 64));
        (void)adb__park_call_pushed(&park);
        (void)adb__ready_pop(&ready, &index);
    }
}

static double processor_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static void measure(const char *what, void (*run)(void))
{
    const double used = processor_ns();
    int64_t begin = adb__clock_now();
    run();
    printf("%-32s %8.1f ns  cpu %8.1f ns\n", what, (double)(adb__clock_now() - begin) / (double)rounds,
           (processor_ns() - used) / (double)rounds);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (rounds == 0 || !adb__ready_init(&ready, 64) || !adb__park_init(&park) || !adb__parker_init(&ping) ||
        !adb__parker_init(&pong) || pthread_create(&thread, NULL, answer, NULL) != 0)
        return 1;
    measure("wake another thread and back", wake_and_be_woken);
    pthread_join(thread, NULL);
    measure("wake the next of sixteen", wake_in_turn);
    measure("wake with nobody there", wake_with_nobody_there);
    measure("push and pop", push_and_pop);
    measure("push, call and pop, all busy", push_call_and_pop);
    adb__parker_fini(&pong);
    adb__parker_fini(&ping);
    adb__park_fini(&park);
    adb__ready_fini(&ready);
    return 0;
}
