/* SPDX-License-Identifier: BSD-3-Clause */
/* The job's word under fire: workers run jobs while cancellers, a watchdog and closers go for the same slots. Each
 * accepted job is delivered exactly once, and no cancel is ever under way on a worker that runs another job. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "core/worker.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY 8
#define N_WORKERS 2
#define JOBS_EACH 40000

static struct adb__jobs jobs;
static struct adb__worker workers[N_WORKERS];
static _Atomic uint64_t running[N_WORKERS]; /* the id that a worker runs, 0: none */
static _Atomic long accepted, delivered, foul;
static _Atomic bool over;

static void on_drained(void *owner)
{
    (void)owner;
}

/* Whoever has brought the job to DONE delivers it. */
static void deliver(struct adb__job *job, struct adb_result *outcome)
{
    atomic_fetch_add(&delivered, 1);
    adb_result_unref(outcome);
    adb__job_drop(job);
}

static void run_one(unsigned self, struct adb__job *job)
{
    atomic_store(&running[self], job->id); /* before the claim: from then on a cancel may come */
    if (!adb__job_claim(job, &workers[self])) {
        atomic_store(&running[self], 0);
        return;
    }
    for (unsigned spin = (unsigned)(job->id >> 32) % 64; spin > 0 && adb__job_stop_reason(job) == ADB__STOP_NONE; spin--)
        continue;
    bool again = job->index % 3 == 0 && adb__job_unclaim(job);
    if (again && !adb__job_claim(job, &workers[self])) {
        atomic_store(&running[self], 0);
        return;
    }
    bool settled = job->index % 3 == 1 && adb__job_settle(job);
    if (settled && job->index % 2 == 0)
        adb__job_unsettle(job);
    adb_status status = adb__job_finish(job);
    while (status == ADB_E_BUSY) {
        adb__worker_rest(&workers[self], ADB__NEVER);
        status = adb__job_finish(job);
    }
    atomic_store(&running[self], 0);
    if (status == ADB_OK)
        deliver(job, &job->result);
    else
        adb__result_fini(&job->result);
}

static void *worker_main(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < JOBS_EACH; i++) {
        adb_status status;
        struct adb__job *job = adb__job_take(&jobs, self, &status);
        if (job == NULL) {
            i--; /* the others hold all slots for a moment */
            continue;
        }
        job->deadline = ADB__NEVER;
        atomic_fetch_add(&accepted, 1);
        adb__job_accept(job, 1);
        run_one(self, job);
        adb__job_drop(job); /* the lane's hold */
    }
    return NULL;
}

/* As adb_cancel() and adb_database_close(), with words that may be as old as they like. */
static void *outsider_main(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (!atomic_load(&over)) {
        uint32_t index = (uint32_t)rand_r(&seed) % CAPACITY;
        uint64_t word = atomic_load(&jobs.slots[index].word);
        struct adb__job *job = adb__jobs_take_queued(&jobs, index, word, ADB__STOP_CANCEL);
        if (job == NULL && !adb__jobs_stop(&jobs, index, word, ADB__STOP_CANCEL) && rand_r(&seed) % 16 == 0)
            job = adb__jobs_abandon(&jobs, index);
        if (job != NULL)
            deliver(job, adb__job_verdict(job, ADB__STOP_CANCEL, false));
    }
    return NULL;
}

/* As the watchdog: while it is inside cancel() the worker must stay with the job. */
static void *watchdog_main(void *argument)
{
    (void)argument;
    while (!atomic_load(&over)) {
        for (uint32_t index = 0; index < CAPACITY; index++) {
            uint64_t word = atomic_load(&jobs.slots[index].word);
            struct adb__worker *worker = adb__jobs_cancel_begin(&jobs, index, word);
            if (worker == NULL)
                continue;
            uint64_t first = atomic_load(&running[worker - workers]);
            for (int spin = 0; spin < 50; spin++) {
                uint64_t id = atomic_load(&running[worker - workers]);
                if (id != first || (id & (CAPACITY - 1)) != index)
                    atomic_fetch_add(&foul, 1);
            }
            adb__jobs_cancel_end(&jobs, index);
        }
    }
    return NULL;
}

/* Promises 1 and 10. */
TEST(every_job_is_delivered_once_and_cancels_are_fenced)
{
    pthread_t worker_threads[N_WORKERS], outsiders[2], watchdog;
    REQUIRE(adb__jobs_init(&jobs, CAPACITY, 1));
    jobs.drained_fn = on_drained;
    for (uintptr_t i = 0; i < N_WORKERS; i++) {
        REQUIRE(adb__parker_init(&workers[i].parker));
        REQUIRE(pthread_create(&worker_threads[i], NULL, worker_main, (void *)i) == 0);
    }
    for (uintptr_t i = 0; i < 2; i++)
        REQUIRE(pthread_create(&outsiders[i], NULL, outsider_main, (void *)(i + 1)) == 0);
    REQUIRE(pthread_create(&watchdog, NULL, watchdog_main, NULL) == 0);
    for (int i = 0; i < N_WORKERS; i++)
        pthread_join(worker_threads[i], NULL);
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(outsiders[i], NULL);
    pthread_join(watchdog, NULL);
    CU_ASSERT_EQUAL(atomic_load(&delivered), atomic_load(&accepted));
    CU_ASSERT_EQUAL(atomic_load(&accepted), (long)N_WORKERS * JOBS_EACH);
    CU_ASSERT_EQUAL(atomic_load(&foul), 0);
    for (int i = 0; i < N_WORKERS; i++)
        adb__parker_fini(&workers[i].parker);
    adb__jobs_fini(&jobs);
}

SUITE(stress_job, CASE(every_job_is_delivered_once_and_cancels_are_fenced))
