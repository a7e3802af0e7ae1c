/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts that come and go: several threads make them, share them, submit to them, and free them at any moment, with
 * jobs under way and transactions open, which idle for too long at times. Each accepted job calls back once, whatever
 * becomes of its context, and nothing is left of any. */
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define N_THREADS 4
#define ROUNDS    150
#define MOST_JOBS 8 /* of a round */
#define IDLE_MS   1 /* and a transaction is lost */

struct life;

struct call {
    struct life *life;
    bool accepted;
    _Atomic unsigned times;
};

/* One thread, and what it has submitted. */
struct life {
    pthread_t thread;
    const struct rig *rig;
    adb_queue *queue;
    uint64_t random;
    size_t n_accepted;
    _Atomic size_t n_called;
    struct call calls[ROUNDS * MOST_JOBS];
    size_t n_calls;
};

static struct life lives[N_THREADS];

static unsigned choose(struct life *life, unsigned n)
{
    return (unsigned)(adb__random(&life->random) % n);
}

static void called(adb_result *result, void *user_data)
{
    struct call *call = user_data;
    (void)result;
    atomic_fetch_add(&call->times, 1);
    atomic_fetch_add(&call->life->n_called, 1);
}

static adb_status work(adb_session *session, void *user_data)
{
    const struct call *call = user_data;
    adb_result *result = adb_session_fetch_all(session, call->life->rig->kind->quick, NULL);
    const adb_status status = adb_result_status(result);
    adb_session_return(session, result);
    return status;
}

static adb_flow take(adb_result *batch, void *user_data)
{
    (void)batch;
    (void)user_data;
    return ADB_CONTINUE;
}

/* Whatever comes: that one fails, or is refused, will do as well. */
static adb_job submit_some(struct life *life, adb_context *ctx, struct call *call)
{
    const struct kind *kind = life->rig->kind;
    switch (choose(life, 12)) {
    case 0:
        return adb_begin(ctx, NULL, called, call);
    case 1:
        return adb_commit(ctx, called, call);
    case 2:
        return adb_rollback(ctx, called, call);
    case 3:
        return adb_acquire(ctx, called, call);
    case 4:
        return adb_release(ctx, called, call);
    case 5:
        return adb_execute(ctx, kind->insert, ADB_PARAMS({"n", adb_int(1)}), called, call);
    case 6:
        return adb_execute(ctx, kind->wrong, NULL, called, call);
    case 7:
        return adb_iterate(ctx, kind->quick, NULL, take, called, call);
    case 8:
        return adb_run(ctx, work, called, call);
    case 9:
        return adb_transact(ctx, NULL, work, called, call);
    case 10:
        return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = kind->slow, .timeout_ms = 1,
                                           .done = called, .user_data = call));
    default:
        return adb_fetch_all(ctx, kind->quick, NULL, called, call);
    }
}

static void submit(struct life *life, adb_context *ctx)
{
    struct call *call = &life->calls[life->n_calls++];
    call->life = life;
    const adb_job job = submit_some(life, ctx, call);
    call->accepted = job != 0;
    life->n_accepted += call->accepted;
    if (call->accepted && choose(life, 8) == 0)
        adb_cancel(ctx, job);
}

/* Long enough for a transaction to be lost, or not. */
static void linger(struct life *life)
{
    if (choose(life, 4) == 0)
        adb_queue_wait(life->queue, (int)choose(life, 2 * IDLE_MS + 1));
    else if (choose(life, 2) == 0)
        adb_queue_dispatch(life->queue, 0);
    else
        sched_yield();
}

/* A context from its making to its end. */
static void live(struct life *life)
{
    static const unsigned flags[] = {0, 0, ADB_CONTEXT_PARALLEL, ADB_CONTEXT_READ_ONLY};
    adb_queue *const queues[] = {life->queue, life->queue, NULL, ADB_QUEUE_DIRECT};
    adb_context *ctx = adb_context_new(life->rig->db, queues[choose(life, 4)], flags[choose(life, 4)]);
    adb_context *shared = choose(life, 4) == 0 ? adb_context_share(ctx, life->queue) : NULL;
    for (unsigned n = choose(life, MOST_JOBS + 1); n > 0; n--) {
        submit(life, shared != NULL && n % 2 == 0 ? shared : ctx);
        if (choose(life, 4) == 0)
            linger(life);
    }
    adb_context *first = shared != NULL && choose(life, 2) == 0 ? shared : ctx;
    adb_context_free(first);
    linger(life);
    adb_context_free(first == ctx ? shared : ctx);
}

static void *live_on(void *argument)
{
    struct life *life = argument;
    for (int i = 0; i < ROUNDS; i++)
        live(life);
    while (atomic_load(&life->n_called) < life->n_accepted) {
        adb_queue_wait(life->queue, 1); /* some end on a worker */
        adb_queue_dispatch(life->queue, 0);
    }
    return NULL;
}

static void begin_lives(const struct rig *rig)
{
    memset(lives, 0, sizeof(lives));
    for (size_t i = 0; i < N_THREADS; i++) {
        lives[i].rig = rig;
        lives[i].random = i + 1;
        lives[i].queue = adb_queue_new();
        REQUIRE(lives[i].queue != NULL && pthread_create(&lives[i].thread, NULL, live_on, &lives[i]) == 0);
    }
}

/* Returns how many were accepted. */
static size_t end_lives(void)
{
    size_t n_accepted = 0, wrong = 0;
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(lives[i].thread, NULL);
    for (size_t i = 0; i < N_THREADS; i++) {
        adb_queue_free(lives[i].queue);
        n_accepted += lives[i].n_accepted;
        for (size_t k = 0; k < lives[i].n_calls; k++)
            wrong += atomic_load(&lives[i].calls[k].times) != lives[i].calls[k].accepted;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    return n_accepted;
}

/* (Promises 1 and 8; CTX-06, TX-30) */
BOTH(contexts_come_and_go)
{
    fault_watch();
    const size_t before = fault_live_blocks();
    RIG(rig, kind, ADB_OPTIONS(.max_size = 3, .idle_in_transaction_ms = IDLE_MS));
    begin_lives(&rig);
    CU_ASSERT(end_lives() > N_THREADS * ROUNDS);
    const adb_stats stats = rig_stats(&rig);
    CU_ASSERT(stats.jobs_waiting == 0 && stats.jobs_running == 0 && stats.jobs_undelivered == 0);
    CU_ASSERT_EQUAL(stats.contexts, 1);
    rig_close(&rig);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

/* The same while somebody closes: what was accepted before ends, and nothing is accepted afterwards. */
BOTH(contexts_come_and_go_while_the_database_closes)
{
    fault_watch();
    for (int patience_ms = 0; patience_ms < 3; patience_ms++) {
        const size_t before = fault_live_blocks();
        RIG(rig, kind, ADB_OPTIONS(.max_size = 3, .idle_in_transaction_ms = IDLE_MS));
        begin_lives(&rig);
        run_all(rig.ctx);
        for (int i = 0; i < 20; i++)
            CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
        adb_database_close(rig.db, patience_ms);
        CU_ASSERT_EQUAL(rig_stats(&rig).jobs_waiting, 0);
        CU_ASSERT(end_lives() > 0);
        rig_drop(&rig);
        CU_ASSERT_EQUAL(fault_live_blocks(), before);
    }
}

SUITE(stress_contexts, CASES(contexts_come_and_go), CASES(contexts_come_and_go_while_the_database_closes))
