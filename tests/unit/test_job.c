/* SPDX-License-Identifier: BSD-3-Clause */
/* The job's word: every arrow of lib/core/job.h, and every one that must not exist. */
#include "tests/lib/harness.h"

#include "base/alloc.h"
#include "core/worker.h"
#include "model/error.h"
#include "tests/lib/fault.h"

#include <string.h>

#define CAPACITY 4
#define NOW      1

static unsigned drained;

static void on_drained(void *owner)
{
    (void)owner;
    drained++;
}

struct fixture {
    struct adb__jobs jobs;
    struct adb__worker worker;
    struct adb__job *job;
    uint32_t index;
    uint64_t word;
};

static void setup(struct fixture *f)
{
    adb_status status;
    memset(f, 0, sizeof(*f));
    REQUIRE(adb__jobs_init(&f->jobs, CAPACITY, 7));
    REQUIRE(adb__parker_init(&f->worker.parker));
    f->jobs.drained_fn = on_drained;
    drained = 0;
    f->job = adb__job_take(&f->jobs, 0, &status);
    REQUIRE(f->job != NULL);
    f->job->deadline = 1;
    REQUIRE(adb__job_accept(f->job, NOW));
}

static void teardown(struct fixture *f)
{
    adb__parker_fini(&f->worker.parker);
    adb__jobs_fini(&f->jobs);
}

static bool look(struct fixture *f)
{
    return adb__jobs_find(&f->jobs, f->job->id, &f->index, &f->word);
}

/* Both holds go, and the outcome that would have been delivered. */
static void let_go(struct adb__job *job)
{
    adb_result_unref(&job->result);
    adb__job_drop(job);
    adb__job_drop(job);
}

/* A job runs and finishes once; nobody else may finish it. */
TEST(claimed_job_finishes_once)
{
    struct fixture f;
    setup(&f);
    CU_ASSERT(adb__job_claim(f.job, &f.worker));
    CU_ASSERT(!adb__job_claim(f.job, &f.worker));
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_OK);
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_E_STATE);
    let_go(f.job);
    teardown(&f);
}

/* An outsider that ends a queued job keeps the worker from claiming it. */
TEST(taken_job_cannot_be_claimed)
{
    struct fixture f;
    setup(&f);
    CU_ASSERT(look(&f));
    CU_ASSERT_PTR_EQUAL(adb__jobs_take_queued(&f.jobs, f.index, f.word, ADB__STOP_CANCEL), f.job);
    CU_ASSERT_PTR_NULL(adb__jobs_take_queued(&f.jobs, f.index, f.word, ADB__STOP_CANCEL));
    CU_ASSERT(!adb__job_claim(f.job, &f.worker));
    CU_ASSERT_EQUAL(adb__job_stop_reason(f.job), ADB__STOP_CANCEL);
    let_go(f.job);
    teardown(&f);
}

/* A running job is only asked, and says why. */
TEST(running_job_is_asked_to_stop)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    CU_ASSERT(look(&f));
    CU_ASSERT_EQUAL(adb__job_stop_reason(f.job), ADB__STOP_NONE);
    CU_ASSERT(adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_DEADLINE));
    CU_ASSERT(!adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL));
    CU_ASSERT_EQUAL(adb__job_stop_reason(f.job), ADB__STOP_DEADLINE);
    CU_ASSERT(!adb__job_unclaim(f.job));
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_OK);
    let_go(f.job);
    teardown(&f);
}

/* Promise 10: while the driver's cancel is under way the job cannot finish. */
TEST(cancel_under_way_keeps_the_job_from_finishing)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    look(&f);
    adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL);
    look(&f);
    CU_ASSERT_PTR_EQUAL(adb__jobs_cancel_begin(&f.jobs, f.index, f.word), &f.worker);
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_E_BUSY);
    adb__jobs_cancel_end(&f.jobs, f.index);
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_OK);
    let_go(f.job);
    teardown(&f);
}

/* Promises 10 and 12: the closer gives the job up, but the worker stays with it until the cancel is over. */
TEST(abandoned_job_still_waits_for_its_cancel)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    look(&f);
    adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL);
    look(&f);
    adb__jobs_cancel_begin(&f.jobs, f.index, f.word);
    CU_ASSERT_PTR_EQUAL(adb__jobs_abandon(&f.jobs, f.index), f.job);
    CU_ASSERT_PTR_NULL(adb__jobs_abandon(&f.jobs, f.index));
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_E_BUSY);
    adb__jobs_cancel_end(&f.jobs, f.index);
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_E_STATE);
    CU_ASSERT_EQUAL(adb__job_stop_reason(f.job), ADB__STOP_CLOSE);
    let_go(f.job);
    teardown(&f);
}

/* What has run settles whatever was asked of it, but not while a cancel is under way. */
TEST(kept_job_settles_though_it_was_to_stop)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    look(&f);
    adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL);
    look(&f);
    adb__jobs_cancel_begin(&f.jobs, f.index, f.word);
    CU_ASSERT_EQUAL(adb__job_keep(f.job), ADB_E_BUSY);
    adb__jobs_cancel_end(&f.jobs, f.index);
    CU_ASSERT_EQUAL(adb__job_keep(f.job), ADB_OK);
    CU_ASSERT_EQUAL(adb__job_stop_reason(f.job), ADB__STOP_NONE);
    look(&f);
    CU_ASSERT_PTR_NULL(adb__jobs_cancel_begin(&f.jobs, f.index, f.word));
    CU_ASSERT_EQUAL(adb__job_finish(f.job), ADB_OK);
    CU_ASSERT_EQUAL(adb__job_keep(f.job), ADB_E_STATE);
    let_go(f.job);
    teardown(&f);
}

/* A settled job is out of every canceller's reach, until it runs again or is done. */
TEST(settled_job_cannot_be_stopped)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    CU_ASSERT(adb__job_settle(f.job));
    look(&f);
    CU_ASSERT(!adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL));
    CU_ASSERT(adb__job_unsettle(f.job));
    look(&f);
    CU_ASSERT(adb__jobs_stop(&f.jobs, f.index, f.word, ADB__STOP_CANCEL));
    CU_ASSERT(!adb__job_settle(f.job));
    adb__job_finish(f.job);
    let_go(f.job);
    teardown(&f);
}

/* A job given back by a reader is queued again, and can be ended as such. */
TEST(unclaimed_job_is_queued_again)
{
    struct fixture f;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    CU_ASSERT(adb__job_unclaim(f.job));
    CU_ASSERT(adb__job_is_queued(f.job));
    look(&f);
    CU_ASSERT_PTR_EQUAL(adb__jobs_take_queued(&f.jobs, f.index, f.word, ADB__STOP_CLOSE), f.job);
    let_go(f.job);
    teardown(&f);
}

/* Promise 15: an id is stale as soon as its slot was given back, and never reaches the slot's next job. */
TEST(stale_id_never_reaches_the_next_job)
{
    struct fixture f;
    adb_status status;
    setup(&f);
    adb_job stale = f.job->id;
    look(&f);
    uint64_t stale_word = f.word;
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    let_go(f.job);
    CU_ASSERT(!adb__jobs_find(&f.jobs, stale, &f.index, &f.word));
    f.job = adb__job_take(&f.jobs, 0, &status);
    REQUIRE(f.job != NULL && adb__job_accept(f.job, NOW));
    CU_ASSERT(!adb__jobs_find(&f.jobs, stale, &f.index, &f.word));
    CU_ASSERT_PTR_NULL(adb__jobs_take_queued(&f.jobs, f.job->index, stale_word, ADB__STOP_CANCEL));
    CU_ASSERT(adb__job_is_queued(f.job));
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    let_go(f.job);
    teardown(&f);
}

/* Ids that never were: zero, another database's tag, a slot beyond the last. */
TEST(id_that_never_was_is_not_found)
{
    struct fixture f;
    setup(&f);
    CU_ASSERT(!adb__jobs_find(&f.jobs, 0, &f.index, &f.word));
    CU_ASSERT(!adb__jobs_find(&f.jobs, f.job->id ^ (1u << 20), &f.index, &f.word));
    CU_ASSERT(!adb__jobs_find(&f.jobs, f.job->id + CAPACITY, &f.index, &f.word));
    CU_ASSERT(look(&f));
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    let_go(f.job);
    teardown(&f);
}

/* Promise 2: no slot left is busy at once; a slot given back can be taken again. */
TEST(full_queue_is_busy)
{
    struct fixture f;
    struct adb__job *jobs[CAPACITY];
    adb_status status = ADB_OK;
    setup(&f);
    for (int i = 1; i < CAPACITY; i++)
        jobs[i] = adb__job_take(&f.jobs, 0, &status);
    CU_ASSERT_PTR_NULL(adb__job_take(&f.jobs, 0, &status));
    CU_ASSERT_EQUAL(status, ADB_E_BUSY);
    for (int i = 1; i < CAPACITY; i++)
        adb__job_untake(jobs[i]);
    CU_ASSERT_PTR_NOT_NULL(jobs[1] = adb__job_take(&f.jobs, 0, &status));
    adb__job_untake(jobs[1]);
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    let_go(f.job);
    teardown(&f);
}

/* A shut gate refuses, and the closer hears of each job that is over: it may have seen also the one that was
 * refused. */
TEST(shut_gate_refuses_and_the_closer_is_told)
{
    struct fixture f;
    adb_status status;
    uint32_t from = 0;
    setup(&f);
    struct adb__job *late = adb__job_take(&f.jobs, 0, &status);
    atomic_store(&f.jobs.open, false);
    CU_ASSERT(!adb__job_accept(late, NOW));
    CU_ASSERT_EQUAL(drained, 1);
    adb__job_untake(late);
    CU_ASSERT(adb__jobs_undone(&f.jobs, &from));
    adb__job_claim(f.job, &f.worker);
    CU_ASSERT(adb__jobs_undone(&f.jobs, &from));
    adb__job_finish(f.job);
    CU_ASSERT_EQUAL(drained, 2);
    CU_ASSERT(!adb__jobs_undone(&f.jobs, &from));
    let_go(f.job);
    teardown(&f);
}

/* An outcome is undelivered until its callback has returned, also when the callback had to give up its slot, which is
 * another job's then; and the closer hears of it. */
TEST(closer_is_told_of_callbacks_that_return)
{
    struct fixture f;
    adb_status status;
    setup(&f);
    struct adb__job *second = adb__job_take(&f.jobs, 0, &status);
    second->deadline = ADB__NEVER;
    REQUIRE(adb__job_accept(second, NOW));
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    adb__job_claim(second, &f.worker);
    adb__job_finish(second);
    CU_ASSERT_EQUAL(adb__jobs_count(&f.jobs, NOW).undelivered, 2);
    CU_ASSERT_EQUAL(adb__jobs_undelivered(&f.jobs), 2);
    atomic_store(&f.jobs.open, false);
    adb__job_returned(f.job);
    CU_ASSERT_EQUAL(drained, 1);
    CU_ASSERT_EQUAL(adb__jobs_undelivered(&f.jobs), 1);
    const uint32_t index = second->index;
    adb_result_unref(&second->result);
    adb__job_drop(second); /* the lane's */
    adb__job_give_up(second);
    CU_ASSERT_EQUAL(adb__jobs_undelivered(&f.jobs), 1);
    CU_ASSERT_EQUAL(adb__jobs_count(&f.jobs, NOW).undelivered, 1);
    struct adb__job *third = adb__job_take(&f.jobs, 0, &status);
    CU_ASSERT_EQUAL(third->index, index);
    adb__job_untake(third);
    adb__jobs_returned(&f.jobs);
    CU_ASSERT_EQUAL(drained, 2);
    CU_ASSERT_EQUAL(adb__jobs_undelivered(&f.jobs), 0);
    let_go(f.job);
    teardown(&f);
}

/* Nobody with a look at a job that was refused after all has any power over the next one in its slot. */
TEST(refused_job_leaves_no_trace)
{
    struct fixture f;
    adb_status status;
    setup(&f);
    struct adb__job *late = adb__job_take(&f.jobs, 0, &status);
    adb_job id = late->id;
    atomic_store(&f.jobs.open, false);
    CU_ASSERT(!adb__job_accept(late, NOW));
    adb__job_untake(late);
    atomic_store(&f.jobs.open, true);
    struct adb__job *next = adb__job_take(&f.jobs, 0, &status);
    CU_ASSERT(next->index == late->index && next->id != id);
    CU_ASSERT_EQUAL(adb__jobs_undelivered(&f.jobs), 1);
    adb__job_untake(next);
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    let_go(f.job);
    teardown(&f);
}

/* A result that is kept keeps the job's memory; the slot gets new memory for its next job. */
TEST(kept_result_outlives_its_job)
{
    struct fixture f;
    adb_status status;
    setup(&f);
    adb__job_claim(f.job, &f.worker);
    adb__job_finish(f.job);
    struct adb_result *kept = &f.job->result;
    adb__error_set(&kept->error, ADB_E_CHECK, "still here");
    adb__job_drop(f.job);
    adb__job_drop(f.job);
    struct adb__job *next = adb__job_take(&f.jobs, 0, &status);
    CU_ASSERT_PTR_NOT_EQUAL(next, f.job);
    CU_ASSERT_STRING_EQUAL(kept->error.message, "still here");
    adb__job_untake(next);
    adb_result_unref(kept);
    teardown(&f);
}

/* No memory: no slot is lost, whichever allocation fails. */
TEST(no_memory_loses_no_slot)
{
    fault_watch();
    size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        struct adb__jobs jobs = {0};
        adb_status status = ADB_OK;
        fault_arm(n);
        bool made = adb__jobs_init(&jobs, CAPACITY, 1);
        struct adb__job *job = made ? adb__job_take(&jobs, 0, &status) : NULL;
        FAULT_DONE();
        if (made && job == NULL) {
            CU_ASSERT_EQUAL(status, ADB_E_NOMEM);
            job = adb__job_take(&jobs, 0, &status);
            CU_ASSERT_PTR_NOT_NULL(job);
        }
        if (job != NULL)
            adb__job_untake(job);
        adb__jobs_fini(&jobs);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(job, CASE(claimed_job_finishes_once), CASE(taken_job_cannot_be_claimed), CASE(running_job_is_asked_to_stop),
      CASE(cancel_under_way_keeps_the_job_from_finishing), CASE(abandoned_job_still_waits_for_its_cancel),
      CASE(settled_job_cannot_be_stopped), CASE(kept_job_settles_though_it_was_to_stop),
      CASE(unclaimed_job_is_queued_again), CASE(stale_id_never_reaches_the_next_job),
      CASE(id_that_never_was_is_not_found), CASE(full_queue_is_busy),
      CASE(shut_gate_refuses_and_the_closer_is_told), CASE(closer_is_told_of_callbacks_that_return),
      CASE(refused_job_leaves_no_trace),
      CASE(kept_result_outlives_its_job), CASE(no_memory_loses_no_slot))
