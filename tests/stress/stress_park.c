/* SPDX-License-Identifier: BSD-3-Clause */
/* A small pool on ready.h and park.h, whose workers run the loop that park.h gives. Each producer pushes a burst,
 * sleeps until all of it is consumed, and begins again: so that workers fall asleep and are called all the time.
 * Everything is consumed, once; nobody hangs; and no search or sleep is left over in the end.
 *
 * Workers that find work rove, half of the time, whether their work is quick or not. Others search as soon as they are
 * through with it, half of the time. One in four sits out where it may, whatever there is to do. In some pools,
 * searchers that find work and do not rove stay, half of the time, and nobody is called while enough of them do.
 *
 * Some pools also wake workers by name, at random. Some let them sleep for moments only, which would hide a lost call,
 * so most do not. In some, an item ends only when all of its burst have begun: then no item may wait while a worker
 * sleeps.
 *
 *     stress_park [times]         a longer run: times as many rounds */
#include "queue/park.h"

#include "base/clock.h"
#include "queue/ready.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PRODUCERS 4
#define MAX_WORKERS   8
#define MAX_BURST     16
#define HANG_S        60

struct setting {
    unsigned producers;
    unsigned workers;
    unsigned spin; /* looks of a searcher */
    unsigned burst;
    unsigned rounds;      /* of each producer */
    unsigned name_one_in; /* rounds before a worker is woken by name; 0: never */
    unsigned moment_us;   /* longest sleep; 0: for ever */
    unsigned enough;      /* workers that stay; 0: none do */
    bool together;        /* needs a worker for each item */
};

struct producer {
    struct adb__parker parker;
    unsigned id;
    uint64_t random;
    _Atomic unsigned left;  /* of the burst */
    _Atomic unsigned ended; /* bursts */
    _Atomic bool inside[MAX_BURST];
};

struct worker {
    struct adb__parker parker;
    struct adb__sleeper sleeper;
    uint64_t random;
    bool roves;
    bool stays;
};

static struct pool {
    struct setting setting;
    struct adb__ready ready;
    struct adb__park park;
    struct producer producers[MAX_PRODUCERS];
    struct worker workers[MAX_WORKERS];
    _Atomic bool stopping;
    _Atomic unsigned long long errors;
    _Atomic unsigned long long calls; /* that found somebody */
    _Atomic unsigned long long roved;
    _Atomic unsigned long long stayed;
    _Atomic unsigned long long sat_out;
} pool;

static void hang(int signal_number)
{
    static const char text[] = "stress_park: hangs\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

static void expect(bool ok)
{
    if (!ok)
        atomic_fetch_add(&pool.errors, 1);
}

/* Where losing the processor would be worst. */
static void yield_sometimes(uint64_t *random)
{
    if (adb__random(random) % 16 == 0)
        sched_yield();
}

static void push(struct producer *producer, unsigned item)
{
    expect(!atomic_exchange(&producer->inside[item], true));
    adb__ready_push(&pool.ready, producer->id * MAX_BURST + item);
    yield_sometimes(&producer->random);
    if (adb__park_call_pushed(&pool.park))
        atomic_fetch_add(&pool.calls, 1);
}

static void *produce(void *arg)
{
    struct producer *producer = arg;
    producer->random = producer->id;
    for (unsigned round = 1; round <= pool.setting.rounds; round++) {
        atomic_store(&producer->left, pool.setting.burst);
        for (unsigned item = 0; item < pool.setting.burst; item++)
            push(producer, item);
        if (pool.setting.name_one_in > 0 && round % pool.setting.name_one_in == 0)
            adb__parker_wake(&pool.workers[adb__random(&producer->random) % pool.setting.workers].parker);
        while (atomic_load(&producer->left) > 0)
            adb__parker_wait(&producer->parker, ADB__NEVER);
    }
    return NULL;
}

static void call_next(void)
{
    if (adb__ready_waiting(&pool.ready))
        adb__park_call(&pool.park);
}

static void stay_sometimes(struct worker *worker)
{
    if (pool.setting.enough == 0 || worker->stays || adb__random(&worker->random) % 2 != 0)
        return;
    adb__park_stay(&pool.park);
    worker->stays = true;
    atomic_fetch_add(&pool.stayed, 1);
    yield_sometimes(&worker->random);
}

static void stray(struct worker *worker)
{
    if (!worker->stays)
        return;
    yield_sometimes(&worker->random);
    adb__park_stray(&pool.park);
    yield_sometimes(&worker->random);
    worker->stays = false;
}

/* Before it does anything but look for work. */
static void stray_and_call(struct worker *worker)
{
    if (!worker->stays)
        return;
    stray(worker);
    call_next();
}

static void consume(struct worker *worker, uint32_t index)
{
    struct producer *producer = &pool.producers[index / MAX_BURST];
    unsigned ended = atomic_load(&producer->ended);
    expect(atomic_exchange(&producer->inside[index % MAX_BURST], false));
    if (atomic_fetch_sub(&producer->left, 1) == 1) {
        atomic_store(&producer->ended, ended + 1);
        adb__parker_wake(&producer->parker);
    }
    bool waits = pool.setting.together && atomic_load(&producer->ended) == ended;
    if (waits || adb__random(&worker->random) % 4 == 0)
        stray_and_call(worker);
    while (waits && atomic_load(&producer->ended) == ended)
        sched_yield();
}

static bool pop_spinning(uint32_t *index_out)
{
    for (unsigned i = 0; i < pool.setting.spin; i++) {
        if (adb__ready_pop(&pool.ready, index_out))
            return true;
    }
    return false;
}

static bool worker_sleep(struct worker *worker)
{
    int64_t deadline = ADB__NEVER;
    if (pool.setting.moment_us > 0)
        deadline = adb__clock_now() + (int64_t)(adb__random(&worker->random) % pool.setting.moment_us) * 1000;
    return adb__park_sleep(&pool.park, &worker->sleeper, deadline);
}

static bool sit_out_sometimes(struct worker *worker, bool searching)
{
    if (searching || worker->roves || worker->stays || adb__random(&worker->random) % 4 != 0 ||
        !adb__park_sit_out(&pool.park, &worker->sleeper))
        return false;
    atomic_fetch_add(&pool.sat_out, 1);
    yield_sometimes(&worker->random);
    return true;
}

/* It has announced that it sleeps. */
static bool worker_sleep_or_go(struct worker *worker, bool found)
{
    return found || atomic_load(&pool.stopping) ? adb__park_withdraw(&pool.park, &worker->sleeper)
                                                : worker_sleep(worker);
}

static void end_search(void)
{
    adb__park_found(&pool.park);
    call_next();
}

/* A rover goes on with what it has found, or roves no more; true: then it searches. */
static bool rover_settles(struct worker *worker, bool found, bool *goes_on)
{
    *goes_on = worker->roves && found && adb__random(&worker->random) % 4 != 0 &&
               adb__park_step(&pool.park, &worker->sleeper);
    if (*goes_on || !worker->roves)
        return false;
    worker->roves = false;
    return adb__park_settle(&pool.park, &worker->sleeper);
}

/* Something was found. */
static void begin_work(struct worker *worker, bool searching)
{
    worker->sleeper.in_vain = false;
    worker->roves = adb__random(&worker->random) % 2 == 0 && adb__park_rove(&pool.park, &worker->sleeper, searching);
    if (worker->roves)
        atomic_fetch_add(&pool.roved, 1);
    if (worker->roves || !searching)
        return;
    stay_sometimes(worker);
    end_search();
}

/* It will look for work next, unless there is more of the same. */
static bool search_early(struct worker *worker)
{
    bool searching = adb__park_search(&pool.park);
    yield_sometimes(&worker->random);
    if (searching && adb__random(&worker->random) % 4 == 0) {
        end_search();
        yield_sometimes(&worker->random);
        searching = false;
    }
    return searching;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    bool searching = false;
    while (!atomic_load(&pool.stopping)) {
        uint32_t index = 0;
        if (sit_out_sometimes(worker, searching)) {
            searching = worker_sleep_or_go(worker, false);
            continue;
        }
        bool found = adb__ready_pop(&pool.ready, &index), goes_on = false;
        searching = rover_settles(worker, found, &goes_on) || searching;
        if (goes_on) {
            consume(worker, index);
            continue;
        }
        if (!found)
            stray(worker);
        if (!found && !searching)
            searching = adb__park_search(&pool.park);
        if (!found && searching)
            found = pop_spinning(&index);
        if (!found) {
            yield_sometimes(&worker->random);
            adb__park_announce(&pool.park, &worker->sleeper, searching);
            yield_sometimes(&worker->random);
            found = adb__ready_pop(&pool.ready, &index);
            searching = worker_sleep_or_go(worker, found);
        }
        if (!found)
            continue;
        begin_work(worker, searching);
        searching = false;
        consume(worker, index);
        if (!worker->roves && adb__random(&worker->random) % 2 == 0)
            searching = search_early(worker);
    }
    stray_and_call(worker);
    if (worker->roves)
        searching = adb__park_settle(&pool.park, &worker->sleeper);
    if (searching)
        end_search();
    return NULL;
}

static void pool_open(struct setting setting)
{
    memset(&pool, 0, sizeof(pool));
    pool.setting = setting;
    bool ok = adb__ready_init(&pool.ready, MAX_PRODUCERS * MAX_BURST) && adb__park_init(&pool.park);
    if (setting.enough > 0)
        pool.park.enough = setting.enough;
    for (unsigned i = 0; i < setting.producers; i++) {
        pool.producers[i].id = i;
        ok = ok && adb__parker_init(&pool.producers[i].parker);
    }
    for (unsigned i = 0; i < setting.workers; i++) {
        pool.workers[i].random = i;
        pool.workers[i].sleeper.parker = &pool.workers[i].parker;
        ok = ok && adb__parker_init(&pool.workers[i].parker);
    }
    if (!ok)
        abort();
}

static void pool_close(void)
{
    for (unsigned i = 0; i < pool.setting.producers; i++)
        adb__parker_fini(&pool.producers[i].parker);
    for (unsigned i = 0; i < pool.setting.workers; i++)
        adb__parker_fini(&pool.workers[i].parker);
    adb__park_fini(&pool.park);
    adb__ready_fini(&pool.ready);
}

static void pool_run(void)
{
    pthread_t producers[MAX_PRODUCERS], workers[MAX_WORKERS];
    for (unsigned i = 0; i < pool.setting.workers; i++) {
        if (pthread_create(&workers[i], NULL, work, &pool.workers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < pool.setting.producers; i++) {
        if (pthread_create(&producers[i], NULL, produce, &pool.producers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < pool.setting.producers; i++)
        pthread_join(producers[i], NULL);
    atomic_store(&pool.stopping, true);
    adb__park_wake_all(&pool.park);
    for (unsigned i = 0; i < pool.setting.workers; i++)
        pthread_join(workers[i], NULL);
}

static bool stress(struct setting setting)
{
    pool_open(setting);
    pool_run();
    for (unsigned i = 0; i < setting.producers; i++)
        expect(atomic_load(&pool.producers[i].left) == 0);
    expect(!adb__ready_waiting(&pool.ready));
    expect(atomic_load(&pool.park.word) == 0);
    expect(atomic_load(&pool.park.staying) == 0);
    bool ok = atomic_load(&pool.errors) == 0;
    printf("%s producers %u, workers %u, spin %u, burst %u, by name 1 in %u, sleep %u us, enough %u%s: "
           "%llu of %u called, %llu roved, %llu sat out, %llu stayed, %llu errors\n",
           ok ? "ok" : "not ok", setting.producers, setting.workers, setting.spin, setting.burst, setting.name_one_in,
           setting.moment_us, setting.enough, setting.together ? ", together" : "", atomic_load(&pool.calls),
           setting.producers * setting.rounds * setting.burst, atomic_load(&pool.roved),
           atomic_load(&pool.sat_out), atomic_load(&pool.stayed), atomic_load(&pool.errors));
    pool_close();
    return ok;
}

int main(int argc, char **argv)
{
    static const struct setting settings[] = {
        {1, 1, 0, 1, 3000, 0, 0, 0, false},  {1, 2, 0, 1, 3000, 0, 0, 0, false},
        {1, 2, 0, 2, 3000, 0, 0, 0, true},   {1, 4, 10, 4, 3000, 0, 0, 0, false},
        {1, 4, 10, 4, 3000, 0, 0, 0, true},  {2, 1, 0, 1, 3000, 0, 0, 0, false},
        {2, 2, 0, 1, 3000, 0, 0, 0, false},  {2, 2, 100, 1, 3000, 0, 0, 0, false},
        {2, 4, 10, 2, 3000, 0, 0, 0, true},  {4, 1, 10, 4, 2000, 0, 0, 0, false},
        {4, 4, 0, 1, 2000, 0, 0, 0, false},  {4, 8, 100, 16, 2000, 0, 0, 0, false},
        {4, 8, 0, 2, 2000, 4, 0, 0, true},   {2, 2, 0, 1, 2000, 1, 0, 0, false},
        {2, 4, 0, 2, 2000, 0, 50, 0, false}, {4, 4, 10, 1, 2000, 2, 20, 0, false},
        {1, 2, 0, 1, 3000, 0, 0, 1, false},  {1, 2, 0, 2, 3000, 0, 0, 1, true},
        {1, 4, 10, 4, 3000, 0, 0, 2, true},  {2, 4, 10, 2, 3000, 0, 0, 1, true},
        {2, 4, 0, 2, 2000, 0, 0, 2, false},  {4, 8, 100, 16, 2000, 0, 0, 2, false},
        {4, 8, 0, 2, 2000, 4, 0, 2, true},   {2, 4, 0, 2, 2000, 0, 50, 1, false}};
    unsigned times = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned failed = 0;
    const unsigned n_settings = sizeof(settings) / sizeof(settings[0]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, hang);
    for (unsigned i = 0; i < n_settings; i++) {
        struct setting setting = settings[i];
        setting.rounds *= times > 0 ? times : 1;
        alarm(HANG_S * (times > 0 ? times : 1));
        failed += !stress(setting);
    }
    printf("stress_park: %u passed, %u failed\n", n_settings - failed, failed);
    return failed != 0;
}
