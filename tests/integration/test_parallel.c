/* SPDX-License-Identifier: BSD-3-Clause */
/* A parallel context has its turn like any other, however many of its jobs wait; and each of those is its own: it may
 * be cancelled, meets its deadline, waits no longer than it may, and is ended by a close. While others are about, one
 * of several workers is left to them. */
#include "base/clock.h"
#include "core/database.h"
#include "tests/lib/rig.h"

#include <string.h>

#define N_FLOOD 1000

/* So many that a worker which loses the processor for some milliseconds does not miss half of them. */
#define N_LONG_FLOOD 20000

/* What one worker may take at once, and what it has at hand already. */
#define N_TURN 40

/* A flood of one parallel context, and jobs of another one that came behind it. */
struct flood {
    struct tally tally;
    size_t before; /* outcomes of the flood before the last of the others */
    size_t n_other;
};

static void other_done(adb_result *result, void *user_data)
{
    struct flood *flood = user_data;
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    flood->before = tally_n(&flood->tally);
    flood->n_other++;
}

static adb_context *parallel_context(const struct rig *rig)
{
    return adb_context_new(rig->db, rig->queue, ADB_CONTEXT_PARALLEL);
}

/* Keep the only worker of the readers busy until the job that is returned is cancelled. */
static adb_job keep_busy(struct rig *rig)
{
    const adb_job slow = rig_slow(rig, NULL, NULL);
    rig_await_slow(rig, 1);
    return slow;
}

static void let_go(struct rig *rig, adb_job slow)
{
    adb_cancel(rig->ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig->ctx, slow), ADB_E_CANCELLED);
}

/* One worker, a thousand jobs of a parallel context, and then a single job of another: it does not wait for all of
 * them. */
BOTH(flooding_parallel_context_does_not_starve_another)
{
    struct flood flood = {.tally = TALLY_INIT};
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    const adb_job slow = keep_busy(&rig);
    for (int i = 0; i < N_FLOOD; i++)
        adb_fetch_val(parallel, kind->quick, NULL, tally_done, &flood.tally);
    adb_fetch_val(other, kind->quick, NULL, other_done, &flood);
    let_go(&rig, slow);
    run_all(other);
    run_all(parallel);
    CU_ASSERT_EQUAL(flood.n_other, 1);
    CU_ASSERT(flood.before < N_TURN);
    CU_ASSERT_EQUAL(tally_of(&flood.tally, ADB_OK), N_FLOOD);
    adb_context_free(other);
    adb_context_free(parallel);
    rig_close(&rig);
}

/* The same for writes, which share commits with whatever waits. */
BOTH(flooding_parallel_writes_do_not_starve_another)
{
    struct flood flood = {.tally = TALLY_INIT};
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    for (int i = 0; i < N_FLOOD; i++)
        adb_execute(parallel, kind->insert, ADB_PARAMS({"n", adb_int(2)}), tally_done, &flood.tally);
    adb_execute(other, kind->insert, ADB_PARAMS({"n", adb_int(3)}), other_done, &flood);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    run_all(other);
    run_all(parallel);
    CU_ASSERT_EQUAL(flood.n_other, 1);
    CU_ASSERT(flood.before < N_FLOOD / 2);
    CU_ASSERT_EQUAL(tally_of(&flood.tally, ADB_OK), N_FLOOD);
    adb_context_free(other);
    adb_context_free(parallel);
    rig_close(&rig);
}

/* Two parallel contexts take turns. */
BOTH(parallel_contexts_take_turns)
{
    struct flood flood = {.tally = TALLY_INIT};
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *one = parallel_context(&rig);
    adb_context *two = parallel_context(&rig);
    const adb_job slow = keep_busy(&rig);
    for (int i = 0; i < N_FLOOD; i++)
        adb_fetch_val(one, kind->quick, NULL, tally_done, &flood.tally);
    for (int i = 0; i < N_TURN; i++)
        adb_fetch_val(two, kind->quick, NULL, other_done, &flood);
    let_go(&rig, slow);
    run_all(two);
    run_all(one);
    CU_ASSERT_EQUAL(flood.n_other, N_TURN);
    CU_ASSERT(flood.before < 3 * N_TURN);
    CU_ASSERT_EQUAL(tally_of(&flood.tally, ADB_OK), N_FLOOD);
    adb_context_free(one);
    adb_context_free(two);
    rig_close(&rig);
}

/* A job that waits behind others of its parallel context is over as soon as it is cancelled. */
BOTH(waiting_parallel_job_is_cancelled_at_once)
{
    struct tally tally = TALLY_INIT;
    adb_job jobs[10];
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    const adb_job slow = keep_busy(&rig);
    for (int i = 0; i < 10; i++)
        jobs[i] = adb_fetch_val(parallel, kind->quick, NULL, tally_done, &tally);
    for (int i = 9; i > 4; i--) {
        adb_cancel(parallel, jobs[i]);
        CU_ASSERT_EQUAL(status_of(parallel, jobs[i]), ADB_E_CANCELLED);
    }
    CU_ASSERT_EQUAL(tally_n(&tally), 5);
    let_go(&rig, slow);
    run_all(parallel);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 5);
    adb_context_free(parallel);
    rig_close(&rig);
}

/* Nor does its deadline wait for its turn. */
BOTH(waiting_parallel_job_meets_its_deadline)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    const adb_job slow = keep_busy(&rig);
    for (int i = 0; i < 5; i++)
        adb_fetch_val(parallel, kind->quick, NULL, tally_done, &tally);
    const adb_job hasty = adb_submit(
        parallel, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = kind->quick, .timeout_ms = 20));
    CU_ASSERT_EQUAL(status_of(parallel, hasty), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_n(&tally), 0);
    let_go(&rig, slow);
    run_all(parallel);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 5);
    adb_context_free(parallel);
    rig_close(&rig);
}

/* All that wait for a worker wait no longer than they may, not the first alone; none of them is run later. */
BOTH(parallel_jobs_wait_no_longer_than_they_may)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1, .wait_timeout_ms = 200));
    adb_context *parallel = parallel_context(&rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_OK); /* the only worker is held */
    for (int i = 0; i < 10; i++)
        adb_execute(parallel, kind->insert, ADB_PARAMS({"n", adb_int(i)}), tally_done, &tally);
    run_all(parallel);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT), 10);
    CU_ASSERT(strstr(tally_seen(&tally, 9).message, "was free within 200 ms") != NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(parallel, adb_fetch_val(parallel, kind->quick, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    adb_context_free(parallel);
    rig_close(&rig);
}

/* A close ends those that wait, once each. */
BOTH(close_ends_waiting_parallel_jobs)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    keep_busy(&rig);
    for (int i = 0; i < N_FLOOD; i++)
        adb_fetch_val(parallel, kind->quick, NULL, tally_done, &tally);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 50), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), N_FLOOD);
    adb_context_free(parallel);
    rig_drop(&rig);
}

/* The handle may go while its jobs wait. */
BOTH(parallel_context_is_freed_while_its_jobs_wait)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1));
    adb_context *parallel = parallel_context(&rig);
    const adb_job slow = keep_busy(&rig);
    for (int i = 0; i < 10; i++)
        adb_fetch_val(parallel, kind->quick, NULL, tally_done, &tally);
    adb_context_free(parallel);
    let_go(&rig, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 10);
    rig_close(&rig);
}

/* With others about ------------------------------------------------------------------------------------------------ */

#define N_SLOW  5
#define AN_HOUR (3600000 * ADB__NS_PER_MS)

/* Four workers, or three that read: so many of them run jobs of parallel contexts at most, while others are about. */
static struct adb__pool *readers(const struct rig *rig)
{
    return adb__server_pool(&rig->db->servers[0], ADB__ROLE_READER);
}

/* As if others had just been there, for an hour from now; or not for long. */
static void set_others_about(const struct rig *rig, bool about)
{
    const int64_t now = adb__clock_now();
    adb__counter_set(&readers(rig)->others_at, about ? now + AN_HOUR : now - AN_HOUR);
}

/* A rig whose workers have all been started, and are free. */
#define RIG_OF_FOUR(rig, kind) \
    RIG(rig, kind, ADB_OPTIONS(.max_size = 4, .min_size = 4, .queue_capacity = 2 * N_LONG_FLOOD)); \
    get_ready(&(rig))

static void get_ready(struct rig *rig)
{
    CU_ASSERT_EQUAL(adb_database_connect(rig->db, -1, NULL), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig->ctx, rig_quick(rig, NULL, NULL)), ADB_OK);
    adb__counter_set(&readers(rig)->patience_ns, AN_HOUR);
}

/* Statements of a parallel context that run until they are cancelled; more than there are workers. */
struct slow {
    adb_context *parallel;
    struct tally tally;
    adb_job jobs[N_SLOW];
};

static void slow_start(const struct rig *rig, struct slow *slow)
{
    *slow = (struct slow){.parallel = parallel_context(rig), .tally = TALLY_INIT};
    for (int i = 0; i < N_SLOW; i++)
        slow->jobs[i] = adb_fetch_all(slow->parallel, rig->kind->slow, NULL, tally_done, &slow->tally);
}

/* Those that wait first, or one might run when another has stopped. */
static void slow_cancel(struct slow *slow)
{
    for (int i = N_SLOW - 1; i >= 0; i--)
        adb_cancel(slow->parallel, slow->jobs[i]);
    run_all(slow->parallel);
    CU_ASSERT_EQUAL(tally_of(&slow->tally, ADB_E_CANCELLED), N_SLOW);
    adb_context_free(slow->parallel);
}

/* As many statements that never end as there are workers and more: others have a worker at once, again and again. */
BOTH(parallel_jobs_leave_a_worker_to_others)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    const unsigned most = readers(&rig)->max - 1;
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, most);
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).jobs_running, most);
    slow_cancel(&slow);
    rig_close(&rig);
}

/* Nobody else is there. */
BOTH(parallel_jobs_have_all_workers_when_alone)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    set_others_about(&rig, false);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max);
    slow_cancel(&slow);
    rig_close(&rig);
}

/* The others have gone: their worker is put to use, though none of the statements ends. */
BOTH(parallel_jobs_have_all_workers_when_others_have_gone)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max - 1);
    set_others_about(&rig, false);
    rig_await_slow(&rig, readers(&rig)->max);
    slow_cancel(&slow);
    rig_close(&rig);
}

/* The others stay, and none of the statements ends: those that wait are not kept waiting for ever. */
BOTH(parallel_jobs_behind_slow_ones_have_another_worker_in_the_end)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    adb__counter_set(&readers(&rig)->patience_ns, 20 * ADB__NS_PER_MS);
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max);
    slow_cancel(&slow);
    rig_close(&rig);
}

/* Two parallel contexts take turns with the workers that they have. */
BOTH(parallel_contexts_take_turns_with_others_about)
{
    struct flood flood = {.tally = TALLY_INIT};
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    adb_context *one = parallel_context(&rig);
    adb_context *two = parallel_context(&rig);
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max - 1);
    for (int i = 0; i < N_LONG_FLOOD; i++)
        adb_fetch_val(one, kind->quick, NULL, tally_done, &flood.tally);
    for (int i = 0; i < N_TURN; i++)
        adb_fetch_val(two, kind->quick, NULL, other_done, &flood);
    slow_cancel(&slow);
    run_all(two);
    run_all(one);
    CU_ASSERT_EQUAL(flood.n_other, N_TURN);
    CU_ASSERT(flood.before < N_LONG_FLOOD / 2);
    CU_ASSERT_EQUAL(tally_of(&flood.tally, ADB_OK), N_LONG_FLOOD);
    adb_context_free(one);
    adb_context_free(two);
    rig_close(&rig);
}

/* Their others come and go all the time: each job runs, whoever deals it. */
BOTH(parallel_jobs_run_once_while_others_come_and_go)
{
    struct flood flood = {.tally = TALLY_INIT};
    RIG_OF_FOUR(rig, kind);
    adb_context *one = parallel_context(&rig);
    adb_context *two = parallel_context(&rig);
    for (int round = 0; round < 100; round++) {
        set_others_about(&rig, round % 2 == 0);
        for (int i = 0; i < 10; i++) {
            adb_fetch_val(one, kind->quick, NULL, tally_done, &flood.tally);
            adb_fetch_val(two, kind->quick, NULL, tally_done, &flood.tally);
            adb_execute(one, kind->insert, ADB_PARAMS({"n", adb_int(1)}), tally_done, &flood.tally);
        }
        CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    }
    run_all(one);
    run_all(two);
    CU_ASSERT_EQUAL(tally_of(&flood.tally, ADB_OK), 3 * N_FLOOD);
    adb_context_free(one);
    adb_context_free(two);
    rig_close(&rig);
}

/* Jobs that wait aside are ended by a close, once each. */
BOTH(close_ends_parallel_jobs_with_others_about)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max - 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 50), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&slow.tally, ADB_E_CLOSED), N_SLOW);
    adb_context_free(slow.parallel);
    rig_drop(&rig);
}

/* The handle may go while its jobs wait aside. */
BOTH(parallel_context_is_freed_while_others_are_about)
{
    struct slow slow;
    RIG_OF_FOUR(rig, kind);
    set_others_about(&rig, true);
    slow_start(&rig, &slow);
    rig_await_slow(&rig, readers(&rig)->max - 1);
    adb_context_free(slow.parallel);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
    CU_ASSERT_EQUAL(tally_of(&slow.tally, ADB_E_CANCELLED), N_SLOW);
}

SUITE(parallel, CASES(flooding_parallel_context_does_not_starve_another),
      CASES(flooding_parallel_writes_do_not_starve_another), CASES(parallel_contexts_take_turns),
      CASES(waiting_parallel_job_is_cancelled_at_once), CASES(waiting_parallel_job_meets_its_deadline),
      CASES(parallel_jobs_wait_no_longer_than_they_may), CASES(close_ends_waiting_parallel_jobs),
      CASES(parallel_context_is_freed_while_its_jobs_wait), CASES(parallel_jobs_leave_a_worker_to_others),
      CASES(parallel_jobs_have_all_workers_when_alone), CASES(parallel_jobs_have_all_workers_when_others_have_gone),
      CASES(parallel_jobs_behind_slow_ones_have_another_worker_in_the_end),
      CASES(parallel_contexts_take_turns_with_others_about), CASES(parallel_jobs_run_once_while_others_come_and_go),
      CASES(close_ends_parallel_jobs_with_others_about), CASES(parallel_context_is_freed_while_others_are_about))
