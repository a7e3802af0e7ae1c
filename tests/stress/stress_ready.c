/* SPDX-License-Identifier: BSD-3-Clause */
/* The ready queue under many threads, as Concurrency Kit tests its rings: nothing lost, nothing twice, the order of
 * each producer kept. Indices come from slots.h and go back to it, so that is under test as well.
 *
 * A thread may lose the processor between any two atomic operations of a push or pop, but hardly ever does. So ready.c
 * is compiled here once more, with a yield at random before each of them.
 *
 *     stress_ready [times]        a longer run: times as many pushes */
#include <stdatomic.h>

static void yield_sometimes(void);

#undef atomic_load
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_compare_exchange_weak
#define atomic_load(word)           (yield_sometimes(), atomic_load_explicit(word, memory_order_seq_cst))
#define atomic_fetch_add(word, n)   (yield_sometimes(), atomic_fetch_add_explicit(word, n, memory_order_seq_cst))
#define atomic_fetch_sub(word, n)   (yield_sometimes(), atomic_fetch_sub_explicit(word, n, memory_order_seq_cst))
#define atomic_fetch_or(word, bits) (yield_sometimes(), atomic_fetch_or_explicit(word, bits, memory_order_seq_cst))
#define atomic_compare_exchange_weak(word, old, new)                                                                   \
    (yield_sometimes(),                                                                                                \
     atomic_compare_exchange_weak_explicit(word, old, new, memory_order_seq_cst, memory_order_seq_cst))

#include "queue/ready.c"

#include "base/clock.h"
#include "queue/slots.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 8
#define HANG_S      120

struct setting {
    unsigned producers;
    unsigned consumers;
    uint32_t capacity;          /* a power of two, no less than consumers */
    uint32_t pushes;            /* of each producer */
    unsigned yield_one_in;      /* atomic operations; 0: never */
};

struct letter {
    unsigned producer;
    uint32_t number;
};

static struct run {
    struct setting setting;
    struct adb__ready ready;
    struct adb__slots slots;
    struct letter *letters;     /* by index; plain, as the queue has to publish them */
    _Atomic unsigned char *seen[MAX_THREADS];
    _Atomic unsigned producing; /* producers that are not done */
    _Atomic unsigned next_producer;
    _Atomic unsigned next_consumer;
    _Atomic unsigned long long popped;
    _Atomic unsigned long long errors;
} run;

static _Thread_local uint64_t chance;

static void yield_sometimes(void)
{
    if (run.setting.yield_one_in > 0 && adb__random(&chance) % run.setting.yield_one_in == 0)
        sched_yield();
}

static void hang(int signal_number)
{
    static const char text[] = "stress_ready: hangs\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

static void *produce(void *arg)
{
    (void)arg;
    unsigned producer = atomic_fetch_add(&run.next_producer, 1);
    const unsigned stack = producer % ADB__SLOT_STACKS;
    chance = producer;
    for (uint32_t number = 1; number <= run.setting.pushes; number++) {
        uint32_t index = adb__slots_take(&run.slots, stack);
        while (index == ADB__SLOT_NONE) {
            sched_yield();
            index = adb__slots_take(&run.slots, stack);
        }
        run.letters[index] = (struct letter){.producer = producer, .number = number};
        adb__ready_push(&run.ready, index);
    }
    atomic_fetch_sub(&run.producing, 1);
    return NULL;
}

static void check(struct letter letter, uint32_t last[MAX_THREADS])
{
    if (letter.producer >= run.setting.producers || letter.number == 0 || letter.number > run.setting.pushes ||
        letter.number <= last[letter.producer] ||
        atomic_exchange(&run.seen[letter.producer][letter.number - 1], 1) != 0) {
        atomic_fetch_add(&run.errors, 1);
        return;
    }
    last[letter.producer] = letter.number;
    atomic_fetch_add(&run.popped, 1);
}

/* Until the queue is empty after the producers were done: a push that has returned must not be missed. */
static void *consume(void *arg)
{
    uint32_t last[MAX_THREADS] = {0};
    (void)arg;
    chance = MAX_THREADS + atomic_fetch_add(&run.next_consumer, 1);
    for (;;) {
        bool done = atomic_load(&run.producing) == 0;
        uint32_t index;
        if (adb__ready_pop(&run.ready, &index)) {
            struct letter letter = run.letters[index];
            adb__slots_give(&run.slots, letter.producer % ADB__SLOT_STACKS, index);
            check(letter, last);
        } else if (done) {
            return NULL;
        } else {
            sched_yield();
        }
    }
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* The smallest ring that will do, so that it is gone round often. */
static void run_open(struct setting setting)
{
    unsigned order = 1;
    memset(&run, 0, sizeof(run));
    run.setting = setting;
    while (UINT32_C(1) << (order - 1) < setting.capacity)
        order++;
    if (!ready_open(&run.ready, order) || !adb__slots_init(&run.slots, setting.capacity))
        abort();
    run.letters = allocate(setting.capacity, sizeof(*run.letters));
    for (unsigned i = 0; i < setting.producers; i++)
        run.seen[i] = allocate(setting.pushes, sizeof(*run.seen[i]));
    atomic_store(&run.producing, setting.producers);
}

static void run_close(void)
{
    for (unsigned i = 0; i < run.setting.producers; i++)
        free(run.seen[i]);
    free(run.letters);
    adb__slots_fini(&run.slots);
    adb__ready_fini(&run.ready);
}

/* All numbers are back, and the queue says that it is empty. */
static void check_rest(void)
{
    if (adb__ready_waiting(&run.ready))
        atomic_fetch_add(&run.errors, 1);
    for (uint32_t i = 0; i < run.setting.capacity; i++) {
        if (adb__slots_take(&run.slots, 0) == ADB__SLOT_NONE)
            atomic_fetch_add(&run.errors, 1);
    }
}

static bool stress(struct setting setting)
{
    pthread_t threads[2 * MAX_THREADS];
    unsigned n_threads = setting.producers + setting.consumers;
    run_open(setting);
    for (unsigned i = 0; i < n_threads; i++) {
        if (pthread_create(&threads[i], NULL, i < setting.producers ? produce : consume, NULL) != 0)
            abort();
    }
    for (unsigned i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    check_rest();
    unsigned long long expected = (unsigned long long)setting.producers * setting.pushes;
    unsigned long long popped = atomic_load(&run.popped);
    unsigned long long errors = atomic_load(&run.errors);
    bool ok = popped == expected && errors == 0;
    printf("%s producers %u, consumers %u, capacity %u, yield 1 in %u: %llu of %llu, %llu errors\n",
           ok ? "ok" : "not ok", setting.producers, setting.consumers, setting.capacity, setting.yield_one_in, popped,
           expected, errors);
    run_close();
    return ok;
}

int main(int argc, char **argv)
{
    static const struct setting settings[] = {
        {1, 1, 1, 10000, 0},  {1, 1, 64, 60000, 0}, {1, 4, 4, 20000, 0},    {4, 1, 4, 5000, 0},
        {4, 4, 4, 5000, 0},   {8, 8, 64, 2500, 0},  {4, 4, 1024, 10000, 0}, {1, 1, 1, 5000, 4},
        {2, 2, 2, 5000, 8},   {4, 4, 4, 2500, 8},   {2, 8, 8, 2500, 16},    {8, 2, 8, 1000, 4},
        {8, 8, 8, 1000, 16}};
    unsigned times = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned failed = 0;
    const unsigned n_settings = sizeof(settings) / sizeof(settings[0]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, hang);
    for (unsigned i = 0; i < n_settings; i++) {
        struct setting setting = settings[i];
        setting.pushes *= times > 0 ? times : 1;
        alarm(HANG_S * (times > 0 ? times : 1));
        failed += !stress(setting);
    }
    printf("stress_ready: %u passed, %u failed\n", n_settings - failed, failed);
    return failed != 0;
}
