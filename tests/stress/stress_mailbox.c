/* SPDX-License-Identifier: BSD-3-Clause */
/* Lanes under many threads, as tests/models/mailbox.pml has them: producers push mail to lanes, workers run the lanes.
 * A lane is run by one worker at a time and waits in the ready queue once at most; all mail is run, each once, that of
 * one producer to one lane in order. With pin_one_in, a worker that finds its lane empty may keep it and sleep until it
 * is called by name.
 *
 *     stress_mailbox [times]      a longer run: times as many mails */
#include "queue/mailbox.h"

#include "base/clock.h"
#include "queue/park.h"
#include "queue/ready.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PRODUCERS 4
#define MAX_WORKERS   4
#define MAX_LANES     64
#define HANG_S        120

struct setting {
    unsigned producers;
    unsigned workers;
    unsigned lanes;
    unsigned budget;     /* mails of a run */
    unsigned pin_one_in; /* 0: never */
    uint32_t mails;      /* from each producer */
};

struct letter {
    struct adb__mail mail;
    unsigned producer;
    uint32_t number;
};

/* All plain but called: who is responsible for the lane has it to itself. */
struct lane {
    struct adb__mailbox mailbox;
    struct adb__mail *taken;
    struct worker *home;
    _Atomic bool called; /* the lane is home's to run */
    _Atomic unsigned running;
    _Atomic unsigned queued;
    uint32_t last[MAX_PRODUCERS];
};

struct worker {
    struct adb__parker parker;
    uint64_t random;
};

static struct run {
    struct setting setting;
    struct adb__ready ready;
    struct lane lanes[MAX_LANES];
    struct worker workers[MAX_WORKERS];
    _Atomic unsigned next_producer;
    _Atomic unsigned next_worker;
    _Atomic unsigned long long left; /* mails to be run */
    _Atomic unsigned long long errors;
} run;

static void hang(int signal_number)
{
    static const char text[] = "stress_mailbox: hangs\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

static void expect(bool ok)
{
    if (!ok)
        atomic_fetch_add(&run.errors, 1);
}

static void lane_queue(struct lane *lane)
{
    expect(atomic_fetch_add(&lane->queued, 1) == 0);
    adb__ready_push(&run.ready, (uint32_t)(lane - run.lanes));
}

/* For the producer that found the mailbox idle: home is its to read until it has called. */
static void lane_call(struct lane *lane)
{
    struct worker *home = lane->home;
    if (home == NULL) {
        lane_queue(lane);
        return;
    }
    /* release: pairs with the acquire in lane_await() */
    atomic_store_explicit(&lane->called, true, memory_order_release);
    adb__parker_wake(&home->parker);
}

/* Where losing the processor would be worst. */
static void yield_sometimes(uint64_t *random)
{
    if (adb__random(random) % 8 == 0)
        sched_yield();
}

static void *produce(void *arg)
{
    unsigned producer = atomic_fetch_add(&run.next_producer, 1);
    struct letter *letters = (struct letter *)arg + (size_t)producer * run.setting.mails;
    uint32_t numbers[MAX_LANES] = {0};
    uint64_t random = producer;
    for (uint32_t i = 0; i < run.setting.mails; i++) {
        unsigned to = (unsigned)(adb__random(&random) % run.setting.lanes);
        letters[i].producer = producer;
        letters[i].number = ++numbers[to];
        if (adb__mailbox_push(&run.lanes[to].mailbox, &letters[i].mail)) {
            yield_sometimes(&random);
            lane_call(&run.lanes[to]);
        }
        /* Anything else may wake a worker by name. */
        if (i % 16 == 0)
            adb__parker_wake(&run.workers[adb__random(&random) % run.setting.workers].parker);
        yield_sometimes(&random);
    }
    return NULL;
}

static void lane_run_one(struct lane *lane)
{
    struct letter *letter = ADB__CONTAINER_OF(lane->taken, struct letter, mail);
    lane->taken = lane->taken->next;
    expect(letter->number == lane->last[letter->producer] + 1);
    lane->last[letter->producer] = letter->number;
    atomic_fetch_sub(&run.left, 1);
}

static void lane_attend(struct lane *lane)
{
    expect(atomic_fetch_add(&lane->running, 1) == 0);
}

static void lane_unattend(struct lane *lane)
{
    expect(atomic_fetch_sub(&lane->running, 1) == 1);
}

/* False: mail has come. */
static bool lane_leave(struct lane *lane)
{
    lane_unattend(lane);
    if (adb__mailbox_leave(&lane->mailbox))
        return true;
    lane_attend(lane);
    return false;
}

/* Sleep until the lane is called, or take it back when that takes too long. */
static void lane_await(struct lane *lane, struct worker *worker)
{
    bool mine = false;
    while (!mine) {
        int64_t patience = adb__random(&worker->random) % 2 == 0 ? 50000 : 0;
        bool woken = adb__parker_wait(&worker->parker, adb__clock_now() + patience);
        /* acquire: pairs with the release in lane_call() */
        mine = atomic_exchange_explicit(&lane->called, false, memory_order_acquire);
        if (!mine && !woken)
            mine = adb__mailbox_attend(&lane->mailbox);
    }
    lane_attend(lane);
}

/* Up to budget mails. True: the lane is empty. */
static bool lane_run(struct lane *lane, unsigned budget)
{
    while (budget-- > 0) {
        if (lane->taken == NULL)
            lane->taken = adb__mailbox_take(&lane->mailbox);
        if (lane->taken == NULL)
            return true;
        lane_run_one(lane);
    }
    return false;
}

/* True: left. False: to be put back. */
static bool worker_run(struct worker *worker, struct lane *lane)
{
    while (lane_run(lane, run.setting.budget)) {
        bool pin = run.setting.pin_one_in > 0 && adb__random(&worker->random) % run.setting.pin_one_in == 0;
        lane->home = pin && atomic_load(&run.left) > 0 ? worker : NULL;
        pin = lane->home != NULL; /* ours to read only until we have left */
        yield_sometimes(&worker->random);
        if (lane_leave(lane)) {
            if (!pin)
                return true;
            lane_await(lane, worker);
        }
    }
    lane->home = NULL;
    return false;
}

static void *work(void *arg)
{
    struct worker *worker = &run.workers[atomic_fetch_add(&run.next_worker, 1)];
    (void)arg;
    while (atomic_load(&run.left) > 0) {
        uint32_t index;
        if (!adb__ready_pop(&run.ready, &index)) {
            sched_yield();
            continue;
        }
        struct lane *lane = &run.lanes[index];
        expect(atomic_fetch_sub(&lane->queued, 1) == 1);
        lane_attend(lane);
        if (!worker_run(worker, lane)) {
            lane_unattend(lane);
            lane_queue(lane);
        }
    }
    return NULL;
}

static struct letter *run_open(struct setting setting)
{
    memset(&run, 0, sizeof(run));
    run.setting = setting;
    atomic_store(&run.left, (unsigned long long)setting.producers * setting.mails);
    if (!adb__ready_init(&run.ready, MAX_LANES))
        abort();
    for (unsigned i = 0; i < setting.lanes; i++)
        adb__mailbox_init(&run.lanes[i].mailbox);
    for (unsigned i = 0; i < setting.workers; i++) {
        run.workers[i].random = i;
        if (!adb__parker_init(&run.workers[i].parker))
            abort();
    }
    struct letter *letters = calloc((size_t)setting.producers * setting.mails, sizeof(*letters));
    if (letters == NULL)
        abort();
    return letters;
}

static void run_close(void)
{
    for (unsigned i = 0; i < run.setting.workers; i++)
        adb__parker_fini(&run.workers[i].parker);
    adb__ready_fini(&run.ready);
}

static bool stress(struct setting setting)
{
    pthread_t threads[MAX_PRODUCERS + MAX_WORKERS];
    unsigned n_threads = setting.producers + setting.workers;
    struct letter *letters = run_open(setting);
    for (unsigned i = 0; i < n_threads; i++) {
        if (pthread_create(&threads[i], NULL, i < setting.producers ? produce : work, letters) != 0)
            abort();
    }
    for (unsigned i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    bool ok = atomic_load(&run.left) == 0 && atomic_load(&run.errors) == 0;
    printf("%s producers %u, workers %u, lanes %u, budget %u, pin 1 in %u: %llu left, %llu errors\n",
           ok ? "ok" : "not ok", setting.producers, setting.workers, setting.lanes, setting.budget, setting.pin_one_in,
           atomic_load(&run.left), atomic_load(&run.errors));
    run_close();
    free(letters);
    return ok;
}

int main(int argc, char **argv)
{
    static const struct setting settings[] = {{1, 1, 1, 1, 0, 20000}, {4, 1, 1, 4, 0, 10000}, {1, 4, 1, 1, 0, 20000},
                                              {4, 4, 1, 2, 0, 10000}, {4, 4, 4, 1, 0, 10000}, {4, 4, 64, 4, 0, 10000},
                                              {1, 1, 1, 1, 1, 10000}, {2, 2, 1, 2, 1, 10000}, {4, 4, 4, 1, 2, 10000},
                                              {4, 2, 8, 4, 4, 10000}};
    unsigned times = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned failed = 0;
    const unsigned n_settings = sizeof(settings) / sizeof(settings[0]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, hang);
    for (unsigned i = 0; i < n_settings; i++) {
        struct setting setting = settings[i];
        setting.mails *= times > 0 ? times : 1;
        alarm(HANG_S * (times > 0 ? times : 1));
        failed += !stress(setting);
    }
    printf("stress_mailbox: %u passed, %u failed\n", n_settings - failed, failed);
    return failed != 0;
}
