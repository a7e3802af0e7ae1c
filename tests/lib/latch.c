/* SPDX-License-Identifier: BSD-3-Clause */
/* Latches on a mutex and a condition variable, and a small table of named ones. */
#include "tests/lib/latch.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_NAMED 128
#define SLICE_MS  2

struct named {
    char name[32];
    struct latch latch;
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct named table[MAX_NAMED]; /* table_lock: the names, not the latches */
static size_t n_named;

_Noreturn void latch_hang(const char *what)
{
    const CU_Test *test = CU_get_current_test();
    fprintf(stderr, "gave up after %d seconds%s%s: %s\n", LATCH_PATIENCE_S, test != NULL ? " in " : "",
            test != NULL ? test->pName : "", what);
    fflush(NULL);
    abort();
}

static struct timespec in_ms(long ms)
{
    struct timespec when;
    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += ms / 1000;
    when.tv_nsec += ms % 1000 * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

void latch_open(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    latch->open = true;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

static void arrive_locked(struct latch *latch)
{
    latch->arrived++;
    pthread_cond_broadcast(&latch->changed);
}

void latch_wait(struct latch *latch)
{
    const struct timespec until = in_ms(LATCH_PATIENCE_S * 1000L);
    int refusal = 0;
    pthread_mutex_lock(&latch->lock);
    arrive_locked(latch);
    while (!latch->open && refusal != ETIMEDOUT)
        refusal = pthread_cond_timedwait(&latch->changed, &latch->lock, &until);
    const bool opened = latch->open;
    pthread_mutex_unlock(&latch->lock);
    if (!opened)
        latch_hang("a latch was never opened");
}

bool latch_wait_unless(struct latch *latch, latch_stop_fn stop, void *data)
{
    bool stopped = false;
    pthread_mutex_lock(&latch->lock);
    arrive_locked(latch);
    bool opened = latch->open;
    for (int slice = 0; !opened && !stopped; slice++) {
        const struct timespec until = in_ms(SLICE_MS);
        pthread_cond_timedwait(&latch->changed, &latch->lock, &until);
        opened = latch->open;
        pthread_mutex_unlock(&latch->lock);
        stopped = !opened && stop(data);
        if (slice > LATCH_PATIENCE_S * 1000 / SLICE_MS)
            latch_hang("a latch was neither opened nor given up");
        pthread_mutex_lock(&latch->lock);
    }
    pthread_mutex_unlock(&latch->lock);
    return !stopped;
}

void latch_expect(struct latch *latch, unsigned arrivals)
{
    const struct timespec until = in_ms(LATCH_PATIENCE_S * 1000L);
    int refusal = 0;
    pthread_mutex_lock(&latch->lock);
    while (latch->arrived < arrivals && refusal != ETIMEDOUT)
        refusal = pthread_cond_timedwait(&latch->changed, &latch->lock, &until);
    const bool came = latch->arrived >= arrivals;
    pthread_mutex_unlock(&latch->lock);
    if (!came)
        latch_hang("nobody came to a latch");
}

unsigned latch_arrived(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    const unsigned arrived = latch->arrived;
    pthread_mutex_unlock(&latch->lock);
    return arrived;
}

static struct named *find_or_make_locked(const char *name)
{
    for (size_t i = 0; i < n_named; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    if (n_named == MAX_NAMED || strlen(name) >= sizeof(table[0].name))
        latch_hang("too many named latches, or too long a name");
    struct named *made = &table[n_named++];
    strcpy(made->name, name);
    made->latch = (struct latch)LATCH_INIT;
    return made;
}

struct latch *latch_named(const char *name)
{
    pthread_mutex_lock(&table_lock);
    struct latch *latch = &find_or_make_locked(name)->latch;
    pthread_mutex_unlock(&table_lock);
    return latch;
}

void latch_reset(void)
{
    pthread_mutex_lock(&table_lock);
    n_named = 0;
    pthread_mutex_unlock(&table_lock);
}
