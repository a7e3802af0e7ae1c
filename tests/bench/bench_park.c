/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs to hand work to a thread: through two parkers there and back, and by a push and a call with nobody to
 * wake.
 *
 *     bench_park [rounds] */
#include "base/clock.h"
#include "queue/park.h"
#include "queue/ready.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct adb__parker ping, pong;
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
        (void)adb__park_call(&park);
        (void)adb__ready_pop(&ready, &index);
    }
}

static void measure(const char *what, void (*run)(void))
{
    int64_t begin = adb__clock_now();
    run();
    printf("%-32s %8.1f ns\n", what, (double)(adb__clock_now() - begin) / (double)rounds);
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
    measure("wake with nobody there", wake_with_nobody_there);
    measure("push and pop", push_and_pop);
    measure("push, call and pop, all busy", push_call_and_pop);
    adb__parker_fini(&pong);
    adb__parker_fini(&ping);
    adb__park_fini(&park);
    adb__ready_fini(&ready);
    return 0;
}
