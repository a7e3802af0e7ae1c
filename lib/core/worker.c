/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's loop. Which lane, which job, what next; what a job does is in core/perform.c. */
#include "core/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/convoy.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/group.h"
#include "core/perform.h"
#include "core/pipeline.h"
#include "core/post.h"
#include "core/process.h"
#include "core/server.h"
#include "core/session.h"
#include "core/share.h"
#include "model/error.h"

#include <inttypes.h>
#include <signal.h>

/* Lanes whose jobs have left the connection alone may be as quick as the clock, which takes 30 ns of a virtual machine:
 * so many of them share a look at it. */
#define LANES_UNTIMED 8

/* So often it looks for one more job before it leaves a lane that it comes back to again and again, and so many pauses
 * it makes before each look: 0.3 us in all, what it takes to take an outcome and submit the next job. To look at once,
 * or after fewer, is to take the line from who is about to write to it. */
#define LINGER_LOOKS  4
#define LINGER_PAUSES 4

/* So long it looks for the next job of a lane that it holds, before it goes to sleep. */
static const struct adb__spin_limits hold = {.ns = 4000, .again_ns = 4000, .skip_most = 3};

/* So long one lane's jobs may run in a row while other lanes wait, or the connection is not looked after. */
#define LANE_SLICE_NS (1 * ADB__NS_PER_MS)

struct adb__worker *adb__worker_new(struct adb__pool *pool)
{
    struct adb__worker *worker = adb__alloc_zeroed(sizeof(*worker));
    if (worker == NULL)
        return NULL;
    worker->pool = pool;
    worker->db = pool->server->db;
    worker->conn = adb__alloc_zeroed(worker->db->driver->conn_size);
    if (worker->conn == NULL || !adb__parker_init(&worker->parker)) {
        adb__free(worker->conn);
        adb__free(worker);
        return NULL;
    }
    adb__list_init(&worker->sleeper.link);
    worker->sleeper.parker = worker->place.parker = &worker->parker;
    adb__list_init(&worker->place.link);
    adb__list_init(&worker->guard.link);
    worker->idle_ns = pool->server->db->options.idle_timeout_ms < 0
                          ? ADB__NEVER
                          : pool->server->db->options.idle_timeout_ms * ADB__NS_PER_MS;
    worker->wake_fd = -1;
    worker->random = (uint64_t)adb__clock_now() ^ (uint64_t)(uintptr_t)worker;
    return worker;
}

void adb__worker_free(struct adb__worker *worker)
{
    if (worker == NULL)
        return;
    adb__parker_fini(&worker->parker);
    adb__free(worker->conn);
    adb__free(worker);
}

void adb__worker_wake(struct adb__worker *worker)
{
    adb__parker_wake(&worker->parker);
}

void adb__worker_rest(struct adb__worker *worker, int64_t deadline)
{
    adb__parker_wait(&worker->parker, deadline);
}

bool adb__worker_is_stopping(const struct adb__worker *worker)
{
    return adb__counter_get(&worker->pool->stopping) != 0 || adb__counter_get(&worker->orphaned) != 0;
}

adb_status adb__worker_check_stop(struct adb__worker *worker, adb_error *error)
{
    struct adb__job *job = worker->job;
    if (job == NULL)
        return ADB_OK;
    enum adb__job_reason reason = adb__job_stop_reason(job);
    if (reason == ADB__STOP_NONE && job->deadline != ADB__NEVER && adb__clock_now() >= job->deadline) {
        adb__job_expire(job);
        reason = ADB__STOP_DEADLINE;
    }
    return reason == ADB__STOP_NONE ? ADB_OK : adb__job_reason_error(error, reason);
}

/* It has given its lane back to those that have a connection. If it must stay all the same, it connects before it takes
 * another, or when nobody has one any more. True: the thread shall end. */
static bool worker_give_way(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    worker->gives_way = false;
    adb__worker_stop_searching(worker);
    if (adb__pool_resign(pool, worker))
        return true;
    adb__worker_set_state(worker, ADB__WORKER_CONNECTING);
    while (!worker->is_open && !adb__worker_is_stopping(worker)) {
        int64_t n_open = adb__counter_get(&pool->n_open);
        if (n_open == 0 || n_open >= (int64_t)pool->min)
            break;
        adb__counter_set(&worker->eager, 1);
        adb__worker_connect_eagerly(worker);
        if (!worker->is_open)
            adb__worker_rest(worker, adb__counter_get(&pool->server->retry_at));
    }
    return false;
}

/* Undo and let go of whatever the lane holds: its last handle is gone, or the database closes. */
static void worker_unwind(struct adb__worker *worker, struct adb__lane *lane)
{
    while (lane->txn.depth > 0)
        adb__perform_rollback(worker, lane, NULL);
    if (lane->acquired > 0 && !lane->txn.lost)
        adb__worker_reset(worker);
    lane->acquired = 0;
    lane->txn.lost = false;
}

/* The transaction was open for too long without a job: it is rolled back, and its jobs are told. */
static void worker_give_up(struct adb__worker *worker, struct adb__lane *lane)
{
    int limit_ms = worker->db->options.idle_in_transaction_ms;
    adb_error error;
    adb__log(&worker->db->log, ADB__LOG_WARN,
             "a transaction idled for %d ms and was rolled back; job %#" PRIx64 " had begun it", limit_ms,
             (uint64_t)lane->opener);
    adb__error_set(&error, ADB_E_TRANSACTION_LOST, "it idled for %d ms (idle_in_transaction_ms) and was rolled back",
                   limit_ms);
    adb__session_give_up(worker, lane, &error);
}

/* How long the lane may be idle. */
static int64_t worker_hold_until(const struct adb__worker *worker, const struct adb__lane *lane)
{
    int limit_ms = worker->db->options.idle_in_transaction_ms;
    return limit_ms <= 0 || lane->txn.depth == 0 ? ADB__NEVER : adb__deadline_in(adb__clock_now(), limit_ms);
}

/* Look for a moment, where that has paid lately, whether it is called. */
static void worker_look(struct adb__worker *worker, const struct adb__lane *lane)
{
    int64_t now = adb__clock_now();
    const int64_t until = adb__spin_until(&worker->hold_spin, &hold, now, true);
    while (now < until && !adb__worker_is_stopping(worker)) {
        now = adb__spin_pause(&worker->hold_spin, now);
        if (!adb__lane_seems_called(lane))
            continue;
        adb__spin_paid(&worker->hold_spin, now);
        return;
    }
}

/* A lane with an open transaction stays: sleep until it is called, or for so long as it may idle. */
static void worker_hold(struct adb__worker *worker, struct adb__lane *lane)
{
    int64_t until = worker_hold_until(worker, lane);
    adb__worker_stop_searching(worker);
    adb__worker_set_state(worker, ADB__WORKER_HELD);
    worker_look(worker, lane);
    while (!adb__lane_is_called(lane)) {
        bool overdue = adb__clock_now() >= until;
        if ((overdue || adb__worker_is_stopping(worker)) && adb__mailbox_attend(&lane->mailbox)) {
            if (overdue)
                worker_give_up(worker, lane);
            break;
        }
        /* If it may not attend although it wants to, mail has come, and the call is on its way. */
        adb__worker_rest(worker, overdue ? ADB__NEVER : until);
    }
    adb__worker_set_state(worker, ADB__WORKER_BUSY);
}

/* The connection is no lane's any more. */
static void worker_let_go(struct adb__worker *worker)
{
    if (!worker->is_clean)
        adb__worker_clean(worker);
    adb__worker_check_in(worker);
}

/* The backlog and the mailbox are empty. True: the lane was left. It may search from then on: the caller has no other
 * lane. */
static bool worker_leave(struct adb__worker *worker, struct adb__lane *lane, bool may_search)
{
    if (adb__lane_is_held(lane) && adb__worker_is_stopping(worker))
        worker_unwind(worker, lane);
    bool held = adb__lane_needs_home(lane);
    lane->home = held ? worker : NULL;
    if (held || worker->acted || worker->n_lanes + 1 >= LANES_UNTIMED)
        worker->used_at = adb__clock_now();
    if (worker->acted)
        lane->snapshots = adb__snapshots_begun(&worker->db->snapshots);
    if (!held)
        worker_let_go(worker); /* before another worker may run this lane */
    const bool over = lane->over;
    if (may_search && !held)
        adb__worker_search_early(worker);
    if (!adb__mailbox_leave(&lane->mailbox)) {
        adb__worker_search_no_more(worker);
        return false;
    }
    if (!held) {
        if (over)
            adb__lane_unref(lane);
        return true;
    }
    worker_hold(worker, lane);
    return false;
}

/* More is to be done, by whoever takes the lane next. */
static void worker_pass_lane(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *first)
{
    worker->used_at = adb__clock_now();
    lane->snapshots = adb__snapshots_begun(&worker->db->snapshots);
    adb__lane_send(lane, first, worker->used_at);
}

void adb__worker_put_back(struct adb__worker *worker, struct adb__lane *lane)
{
    for (;;) {
        if (adb__lane_peek(lane) == NULL)
            adb__lane_collect(lane);
        struct adb__mail *mail = adb__lane_peek(lane);
        if (mail == NULL && worker_leave(worker, lane, false))
            return;
        if (mail == &lane->farewell) {
            adb__lane_pop(lane); /* nothing is held */
            lane->over = true;
        } else if (mail != NULL) {
            worker_pass_lane(worker, lane, ADB__CONTAINER_OF(mail, struct adb__job, mail));
            return;
        }
    }
}

/* May this worker run the job, or shall another role's? */
static bool worker_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return adb__lane_is_held(lane) || !adb__job_is_queued(job) ||
           adb__server_pool(lane->server, job->role) == worker->pool;
}

/* The lane has had its share. Others wait, and it was so many jobs, or so long. Nor do others wait for the jobs of one
 * lane that came after the shared snapshot: else one lane in step with its submitter would have each of its jobs begin a
 * snapshot of its own. Or the connection does: nobody looks after it before the lane is left, and a lane whose next job
 * always comes in time would never be. */
static bool worker_share_used(const struct adb__worker *worker, const struct adb__lane *lane,
                              const struct adb__job *job, unsigned n_run, int64_t until)
{
    if (n_run == 0 || adb__lane_is_held(lane))
        return false;
    if (!adb__pool_has_ready(worker->pool))
        return n_run % ADB__WORKER_RUN == 0 && adb__clock_now() >= until;
    return n_run >= ADB__WORKER_RUN || adb__share_breaks(worker, lane, job) || adb__clock_now() >= until;
}

/* A lane that is left costs who submits to it a push to the ready queue, and this worker the way back. Who submits one
 * job after the other brings the next in a moment; but not who goes round several lanes, the next of which may be there
 * already. */
static void worker_linger(const struct adb__worker *worker, const struct adb__lane *lane)
{
    for (unsigned i = 0; i < LINGER_LOOKS && !adb__ready_glance(&worker->pool->ready); i++) {
        for (unsigned j = 0; j < LINGER_PAUSES; j++)
            adb__spin_relax();
        if (adb__mailbox_waiting(&lane->mailbox))
            return;
    }
}

/* Run jobs of the lane until it is empty, had its share, or belongs elsewhere. */
static void worker_attend(struct adb__worker *worker, struct adb__lane *lane)
{
    int64_t until = worker->took_at + LANE_SLICE_NS;
    unsigned n_run = 0;
    worker->acted = false;
    adb__worker_set_state(worker, ADB__WORKER_BUSY);
    for (;;) {
        struct adb__mail *mail = adb__lane_peek(lane);
        if (mail == NULL) {
            if (!lane->over && n_run > (worker->last_lane != lane))
                worker_linger(worker, lane);
            adb__lane_collect(lane);
            mail = adb__lane_peek(lane);
        }
        if (mail == NULL) {
            worker->last_lane = lane;
            if (worker_leave(worker, lane, true))
                return;
            continue;
        }
        worker->is_clean = false;
        if (mail == &lane->farewell) {
            adb__lane_pop(lane);
            worker_unwind(worker, lane);
            lane->over = true;
            continue;
        }
        struct adb__job *job = ADB__CONTAINER_OF(mail, struct adb__job, mail);
        if (worker->gives_way || worker_share_used(worker, lane, job, n_run, until) ||
            !worker_suits(worker, lane, job)) {
            worker_let_go(worker);
            worker_pass_lane(worker, lane, job);
            return;
        }
        n_run++;
        adb__poster_turn(&worker->poster, job->queue);
        worker->acted = worker->acted || job->kind != ADB_REQUEST_RUN; /* a function may leave the connection alone */
        if (adb__pipeline_suits(worker, lane, job)) {
            adb__pipeline_run(worker, lane);
            return;
        }
        adb__worker_stray(worker);
        if (adb__convoy_suits(worker, lane, job)) {
            adb__convoy_run(worker, lane);
            return;
        }
        if (adb__group_suits(worker, lane, job) && adb__group_run(worker, lane))
            continue;
        adb__share_prepare(worker, lane, job);
        adb__perform(worker, lane, job);
    }
}

static void *worker_main(void *argument)
{
    struct adb__worker *worker = argument;
    struct adb__pool *pool = worker->pool;
    struct adb_database *db = worker->db;
    adb__process_enter_worker();
    worker->used_at = worker->took_at = adb__clock_now();
    worker->pace_ns = ADB__WORKER_WAKE_NS;
    worker->gives_way = false;
    while (adb__counter_get(&worker->orphaned) == 0) {
        adb__worker_learn_pace(worker);
        struct adb__lane *lane = worker->next_lane != NULL ? worker->next_lane : adb__worker_next_lane(worker);
        worker->next_lane = NULL;
        if (lane == NULL)
            break;
        if (adb__worker_is_suspect(worker))
            adb__worker_stray(worker); /* to look after the connection may take long */
        adb__worker_refresh(worker, worker->took_at);
        worker_attend(worker, lane);
        worker->n_lanes++;
        if (worker->gives_way && worker_give_way(worker))
            break;
        if (db->options.unpooled && worker->is_open && !pool->server->layout.keep_open)
            adb__worker_disconnect(worker, ADB__CLOSED_UNPOOLED);
    }
    adb__worker_stray(worker);
    adb__worker_stop_searching(worker);
    adb__worker_disconnect(worker, ADB__CLOSED_CLOSE);
    adb__pool_goodbye(pool, worker);
    adb__database_unref(db);
    return NULL;
}

int adb__worker_start(struct adb__worker *worker)
{
    sigset_t all, before;
    adb__database_ref(worker->db);
    adb__worker_set_state(worker, ADB__WORKER_IDLE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread takes no signal of the program */
    int refusal = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (refusal != 0) {
        adb__worker_set_state(worker, ADB__WORKER_GONE);
        adb__database_unref(worker->db);
    }
    return refusal;
}
