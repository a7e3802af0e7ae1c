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

/* A searcher looks for a lane before it goes to sleep: for what it takes a caller to take an outcome and submit the
 * next job. Often enough for a caller that looks once in a while too (core/completion.c) to meet it. */
static const struct adb__spin_limits search = {.ns = 4000, .again_ns = 4000, .skip_most = 3};

/* What it costs to wake another worker. Less work than that is done sooner without. */
#define WAKE_NS 10000

/* What it costs to submit a job, and to take its outcome. */
#define SUBMIT_NS 500

/* So much of it the pace changes with a lane that is slower or faster. */
#define PACE_STEP 8

/* Lanes whose jobs have left the connection alone may be as quick as the clock, which takes 30 ns of a virtual machine:
 * so many of them share a look at it. */
#define LANES_UNTIMED 8

/* Outcomes for which nobody was woken wait no longer than this for the next; as for those who doze, core/completion.c
 * has the limit. */
#define WHISPER_NS 100000

/* So long one lane's jobs may run in a row while other lanes wait. */
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

static bool worker_is_stopping(const struct adb__worker *worker)
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

/* When it has been idle for too long. */
static int64_t worker_idle_until(const struct adb__worker *worker)
{
    return worker->idle_ns == ADB__NEVER ? ADB__NEVER : worker->used_at + worker->idle_ns;
}

/* When an idle worker has something to do by itself. */
static int64_t worker_next_chore(const struct adb__worker *worker)
{
    const struct adb__server *server = worker->pool->server;
    int64_t next = worker_idle_until(worker);
    if (adb__worker_is_suspect(worker))
        return 0; /* now, rather than with a lane that waits */
    if (adb__worker_is_replaceable(worker))
        next = adb__deadline_first(next, worker->expires_at);
    if (!worker->is_open && adb__counter_get(&worker->eager) != 0)
        next = adb__deadline_first(next, adb__counter_get(&server->retry_at));
    return next;
}

/* Something is wrong with the server, or nothing to do for long: see whether the connection is still good, replace an
 * old one later, or go. True: the thread shall end. */
static bool worker_chore(struct adb__worker *worker)
{
    int64_t now = adb__clock_now();
    bool keep = worker->pool->server->layout.keep_open;
    if (adb__worker_is_suspect(worker) || now >= worker->expires_at)
        adb__worker_refresh(worker, now);
    if (now < worker_idle_until(worker))
        return false;
    worker->used_at = now; /* those that must stay look again after the same time */
    if (keep || !adb__pool_may_shrink(worker->pool, worker))
        return false;
    adb__worker_disconnect(worker, ADB__CLOSED_IDLE);
    return true;
}

/* Look for a lane a little longer, as the only one that does. */
static struct adb__lane *worker_spin(struct adb__worker *worker)
{
    worker->took_at = adb__clock_now();
    const int64_t until = adb__spin_until(&worker->spin, &search, worker->took_at, true);
    while (worker->took_at < until && !worker_is_stopping(worker)) {
        worker->took_at = adb__spin_pause(&worker->spin, worker->took_at);
        struct adb__lane *lane = adb__ready_glance(&worker->pool->ready) ? adb__pool_next(worker) : NULL;
        if (lane != NULL) {
            adb__spin_paid(&worker->spin, worker->took_at);
            return lane;
        }
    }
    return NULL;
}

/* The lanes since the last look at the clock were timed: about how long each takes, which is what half of them exceed,
 * as one among many may have lost the processor. */
static void worker_learn_pace(struct adb__worker *worker)
{
    const int64_t expected = worker->pace_ns * (int64_t)worker->n_lanes;
    const int64_t step = worker->pace_ns / PACE_STEP + 1;
    if (worker->n_lanes == 0 || worker->used_at <= worker->took_at)
        return;
    worker->pace_ns += worker->used_at - worker->took_at > expected ? step : -step;
    worker->took_at = worker->used_at;
    worker->n_lanes = 0;
}

/* Nothing waits: the lanes that share a look at the clock do not share it with the time that follows. */
static void worker_end_lanes(struct adb__worker *worker)
{
    if (worker->n_lanes == 0)
        return;
    worker->used_at = adb__clock_now();
    worker_learn_pace(worker);
}

/* With jobs that cost no more than to submit them, who submits is as busy as this worker: is there no processor left
 * for one more? */
static bool worker_suffices(const struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    const int64_t n_awake = adb__counter_get(&pool->n_workers) - (int64_t)adb__park_sleeping(&pool->park);
    return worker->pace_ns < SUBMIT_NS && n_awake + 1 >= pool->n_processors;
}

/* Would this worker be through with its lane, and all that waits, before another one is awake, or gain nothing by
 * another? */
static bool worker_is_quick(const struct adb__worker *worker)
{
    const size_t n_ready = adb__pool_known(worker->pool);
    return worker->pace_ns * (int64_t)(n_ready > 0 ? n_ready : 1) < WAKE_NS || worker_suffices(worker);
}

bool adb__worker_may_whisper(struct adb__worker *worker)
{
    struct adb__poster *poster = &worker->poster;
    if (!poster->whispers) {
        poster->n = 0;
        poster->since = worker->took_at;
    }
    /* Half of what waits: while somebody wakes and asks for more, there is something to do. */
    return worker->pace_ns < WAKE_NS && poster->n < adb__pool_known(worker->pool) &&
           worker->took_at - poster->since < WHISPER_NS;
}

static void worker_call_next(struct adb__worker *worker)
{
    if (adb__pool_has_ready(worker->pool))
        adb__pool_call(worker->pool, worker->took_at);
}

void adb__worker_stay(struct adb__worker *worker)
{
    if (!worker->stays)
        adb__park_stay(&worker->pool->park);
    worker->stays = true;
}

void adb__worker_stray(struct adb__worker *worker)
{
    if (!worker->stays)
        return;
    worker->stays = false;
    adb__park_stray(&worker->pool->park);
    worker_call_next(worker);
}

/* A lane was found. If there may be more, the next worker is called (or started), as this one may be busy for long;
 * unless it will hardly be, and somebody sees to it. */
static struct adb__lane *worker_pass_on(struct adb__worker *worker, struct adb__lane *lane, bool searching)
{
    struct adb__park *park = &worker->pool->park;
    worker->sleeper.in_vain = false;
    worker->roves = worker_is_quick(worker) && adb__park_rove(park, &worker->sleeper, searching);
    if (worker->roves || !searching)
        return lane; /* who searches calls, and whoever has pushed what waits has called */
    if (adb__pool_has_ready(worker->pool) && adb__pipeline_is_quick(worker))
        adb__worker_stay(worker); /* and if this is for no pipeline after all, it calls then */
    adb__park_found(park);
    worker_call_next(worker);
    return lane;
}

/* The rover's next lane. False: there is none, or it is time to call others; it roves no more. */
static bool worker_goes_on(struct adb__worker *worker, const struct adb__lane *lane)
{
    if (lane == NULL || !worker_is_quick(worker))
        return false;
    adb__park_step(&worker->pool->park);
    return true;
}

/* True: it is a searcher. */
static bool worker_settle(struct adb__worker *worker)
{
    bool roved = worker->roves;
    worker->roves = false;
    return roved && adb__park_settle(&worker->pool->park, &worker->sleeper);
}

/* It will be away from the ready queue: somebody else is to search, and its outcomes are to be seen. */
static void worker_stop_roving(struct adb__worker *worker)
{
    adb__deal_stop(worker);
    adb__poster_part(&worker->poster);
    if (!worker_settle(worker))
        return;
    adb__park_found(&worker->pool->park);
    worker_call_next(worker);
}

/* One of the least number of connections. A failure is in the log; a server that is away is tried again whenever an
 * attempt is due, one that refuses the credentials when a job comes. */
static void worker_connect_eagerly(struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    const struct adb__server *server = pool->server;
    if (adb__counter_get(&worker->eager) == 0 || adb__clock_now() < adb__counter_get(&server->retry_at))
        return;
    adb__counter_set(&worker->eager, 0);
    if (adb__counter_get(&pool->n_open) >= (int64_t)pool->min)
        return; /* others were faster */
    adb_status status = adb__worker_connect(worker, ADB__NEVER, NULL);
    if (status != ADB_OK && status != ADB_E_AUTH && server->layout.backs_off)
        adb__counter_set(&worker->eager, 1);
}

/* It has given its lane back to those that have a connection. If it must stay all the same, it connects before it takes
 * another, or when nobody has one any more. True: the thread shall end. */
static bool worker_give_way(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    worker->gives_way = false;
    worker_stop_roving(worker);
    if (adb__pool_resign(pool, worker))
        return true;
    adb__worker_set_state(worker, ADB__WORKER_CONNECTING);
    while (!worker->is_open && !worker_is_stopping(worker)) {
        int64_t n_open = adb__counter_get(&pool->n_open);
        if (n_open == 0 || n_open >= (int64_t)pool->min)
            break;
        adb__counter_set(&worker->eager, 1);
        worker_connect_eagerly(worker);
        if (!worker->is_open)
            adb__worker_rest(worker, adb__counter_get(&pool->server->retry_at));
    }
    return false;
}

/* The next lane, sleeping until there is one. NULL: go home. The order of steps is that of tests/models/park.pml. */
static struct adb__lane *worker_next_lane(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    bool searching = false;
    adb__worker_set_state(worker, ADB__WORKER_IDLE);
    for (;;) {
        struct adb__lane *lane = adb__pool_next(worker);
        if (worker->roves && worker_goes_on(worker, lane))
            return lane;
        searching = worker_settle(worker) || searching;
        if (lane == NULL) {
            worker_end_lanes(worker);
            adb__worker_stray(worker);
            adb__poster_part(&worker->poster);
            adb__share_end(worker);
        }
        if (lane == NULL && !searching)
            worker_connect_eagerly(worker);
        if (lane == NULL && !searching)
            searching = adb__park_search(&pool->park);
        if (lane == NULL && searching)
            lane = worker_spin(worker);
        if (lane != NULL)
            return worker_pass_on(worker, lane, searching);
        adb__park_announce(&pool->park, &worker->sleeper, searching);
        lane = adb__pool_next(worker);
        if (lane != NULL) {
            adb__spin_paid(&worker->spin, 0); /* to look was right, if a moment too short */
            searching = adb__park_withdraw(&pool->park, &worker->sleeper);
            return worker_pass_on(worker, lane, searching);
        }
        if (worker_is_stopping(worker)) {
            if (adb__park_withdraw(&pool->park, &worker->sleeper))
                adb__park_found(&pool->park);
            return NULL;
        }
        searching = adb__park_sleep(&pool->park, &worker->sleeper, worker_next_chore(worker));
        worker->took_at = adb__clock_now();
        if (!searching && !worker_is_stopping(worker) && worker_chore(worker))
            return NULL;
    }
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

/* A lane with an open transaction stays: sleep until it is called, or for so long as it may idle. */
static void worker_hold(struct adb__worker *worker, struct adb__lane *lane)
{
    int64_t until = worker_hold_until(worker, lane);
    worker_stop_roving(worker);
    adb__worker_set_state(worker, ADB__WORKER_HELD);
    while (!adb__lane_is_called(lane)) {
        bool overdue = adb__clock_now() >= until;
        if ((overdue || worker_is_stopping(worker)) && adb__mailbox_attend(&lane->mailbox)) {
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

/* The backlog and the mailbox are empty. True: the lane was left. */
static bool worker_leave(struct adb__worker *worker, struct adb__lane *lane)
{
    if (adb__lane_is_held(lane) && worker_is_stopping(worker))
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
    if (!adb__mailbox_leave(&lane->mailbox))
        return false;
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
        if (mail == NULL && worker_leave(worker, lane))
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

/* Others wait, and the lane has had its share: so many jobs, or so long. Nor do others wait for the jobs of one lane
 * that came after the shared snapshot: else one lane in step with its submitter would have each of its jobs begin a
 * snapshot of its own. */
static bool worker_share_used(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job,
                              unsigned n_run, int64_t until)
{
    if (n_run == 0 || adb__lane_is_held(lane) || !adb__pool_has_ready(worker->pool))
        return false;
    return n_run >= ADB__WORKER_RUN || adb__share_breaks(worker, lane, job) || adb__clock_now() >= until;
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
            adb__lane_collect(lane);
            mail = adb__lane_peek(lane);
        }
        if (mail == NULL) {
            if (worker_leave(worker, lane))
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
    worker->pace_ns = WAKE_NS;
    worker->gives_way = false;
    while (adb__counter_get(&worker->orphaned) == 0) {
        worker_learn_pace(worker);
        struct adb__lane *lane = worker->next_lane != NULL ? worker->next_lane : worker_next_lane(worker);
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
    worker_stop_roving(worker);
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
