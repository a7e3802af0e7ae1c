/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools: lanes in, workers on demand, and the ends of both. */
#include "core/pool.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/machine.h"
#include "core/condition.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/perform.h"
#include "core/post.h"
#include "core/server.h"
#include "core/worker.h"
#include "model/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* When to look again while lanes wait and a worker is on its way to them. */
#define GLANCE_NS (1 * ADB__NS_PER_MS)

/* The same while connections are under way. */
#define CONNECT_GLANCE_NS (5 * ADB__NS_PER_MS)

/* After the system refused a thread. */
#define THREAD_RETRY_NS (1000 * ADB__NS_PER_MS)

adb_status adb__pool_init(struct adb__pool *pool, struct adb__server *server, enum adb__role role, unsigned max,
                          unsigned min, adb_error *error)
{
    pool->server = server;
    pool->role = role;
    pool->min = min < max ? min : max;
    pool->n_processors = adb__machine_processors();
    adb__counter_set(&pool->fill_at, ADB__NEVER);
    if (max == 0)
        return ADB_OK;
    pool->workers = adb__alloc_array(max, sizeof(struct adb__worker *));
    if (pool->workers == NULL || !adb__ready_init(&pool->ready, server->db->jobs.capacity)) {
        adb__free(pool->workers);
        pool->workers = NULL;
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the ready queue");
    }
    if (!adb__park_init(&pool->park))
        goto no_park;
    pool->park.enough = adb__server_enough(server);
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        goto no_lock;
    if (!adb__condition_init(&pool->gone))
        goto no_condition;
    if (!adb__deal_open(pool, max))
        goto no_aside;
    pool->max = max; /* from here on fini() has something to do */
    return ADB_OK;
no_aside:
    pthread_cond_destroy(&pool->gone);
no_condition:
    pthread_mutex_destroy(&pool->lock);
no_lock:
    adb__park_fini(&pool->park);
no_park:
    adb__ready_fini(&pool->ready);
    adb__free(pool->workers);
    pool->workers = NULL;
    return adb__error_set(error, ADB_E_NOMEM, "no resources for a pool");
}

void adb__pool_fini(struct adb__pool *pool)
{
    if (pool->max == 0)
        return;
    for (unsigned i = 0; i < pool->max; i++)
        adb__worker_free(pool->workers[i]);
    while (pool->orphans != NULL) { /* each has dropped its reference of the database, so none is in use */
        struct adb__worker *orphan = pool->orphans;
        pool->orphans = orphan->next_orphan;
        adb__worker_free(orphan);
    }
    adb__free(pool->workers);
    adb__ready_fini(&pool->ready);
    adb__park_fini(&pool->park);
    adb__aside_fini(&pool->aside);
    pthread_cond_destroy(&pool->gone);
    pthread_mutex_destroy(&pool->lock);
    pool->max = 0;
}

bool adb__pool_has_ready(struct adb__pool *pool)
{
    return adb__ready_waiting(&pool->ready);
}

bool adb__pool_has_more(const struct adb__worker *worker)
{
    return adb__pool_has_ready(worker->pool) || (worker->deals && adb__aside_any(&worker->pool->aside));
}

size_t adb__pool_ready(const struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    uint64_t tail = adb__ready_tail(&pool->ready);
    uint64_t head = adb__ready_head(&pool->ready);
    if (head >= tail && !worker->deals)
        return 0; /* what is undealt stands aside, or is being dealt */
    return (size_t)adb__counter_get(&pool->n_undealt) + (head < tail ? (size_t)(tail - head) : 0);
}

size_t adb__pool_known(struct adb__pool *pool)
{
    return (size_t)adb__counter_get(&pool->n_undealt) + adb__ready_known(&pool->ready);
}

/* Nobody is free. A new worker, if there may be one; else the lane waits, and the watchdog sees that it is not for
 * ever. */
static void pool_ask(struct adb__pool *pool, int64_t now)
{
    struct adb_database *db = pool->server->db;
    /* seq_cst: after the push, pairs with pool_let_go() */
    if (atomic_load_explicit(&pool->n_workers.value, memory_order_seq_cst) < (int64_t)pool->max)
        adb__watchdog_poke(&db->watchdog);
    else if (db->options.wait_timeout_ms >= 0)
        adb__watchdog_by(&db->watchdog, adb__deadline_in(now, db->options.wait_timeout_ms / 8));
}

void adb__pool_push(struct adb__pool *pool, struct adb__lane *lane, uint32_t index, int64_t now)
{
    /* relaxed: published by the push */
    atomic_store_explicit(&pool->server->db->jobs.slots[index].lane, lane, memory_order_relaxed);
    adb__ready_push(&pool->ready, index);
    if (!adb__park_call_pushed(&pool->park))
        pool_ask(pool, now);
}

void adb__pool_call(struct adb__pool *pool, int64_t now)
{
    if (!adb__park_call(&pool->park))
        pool_ask(pool, now);
}

/* What stands first in the queue, and by which number. */
static struct adb__lane *pool_take(struct adb__pool *pool, uint32_t *index_out)
{
    if (!adb__ready_pop(&pool->ready, index_out))
        return NULL;
    /* relaxed: as adb__pool_push() */
    return atomic_load_explicit(&pool->server->db->jobs.slots[*index_out].lane, memory_order_relaxed);
}

struct adb__lane *adb__pool_pop(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    for (;;) {
        uint32_t index;
        struct adb__lane *lane = pool_take(pool, &index);
        if (lane == NULL && worker->deals)
            lane = adb__aside_take(&pool->aside, worker->took_at);
        if (lane == NULL)
            return NULL;
        if (lane->deals_for == NULL) {
            adb__deal_mind(worker, lane);
            return lane;
        }
        lane = adb__deal(worker, lane);
        if (lane != NULL)
            return lane;
    }
}

struct adb__lane *adb__pool_next(struct adb__worker *worker)
{
    struct adb__lane *lane = adb__pool_pop(worker);
    if (worker->deals && (lane == NULL || lane->embedded_in == NULL))
        adb__deal_stop(worker);
    return lane;
}

/* Its thread looks for lanes, and will go on doing so: it is not about to leave. */
static bool pool_serves_locked(const struct adb__worker *worker)
{
    return worker != NULL && worker->joinable && !worker->retired &&
           adb__counter_get(&worker->state) != ADB__WORKER_GONE;
}

/* A free place among the workers, or max. */
static unsigned pool_place_locked(const struct adb__pool *pool)
{
    unsigned place = 0;
    while (place < pool->max && pool->workers[place] != NULL && pool->workers[place]->joinable &&
           adb__counter_get(&pool->workers[place]->state) != ADB__WORKER_GONE)
        place++;
    return place;
}

/* Start one more worker in a free place. EBUSY: the last is that of a worker which does not count any more, but still
 * closes its connection. ECANCELED: the workers are on their way home. */
static int pool_start_one_locked(struct adb__pool *pool)
{
    unsigned place = pool_place_locked(pool);
    if (adb__counter_get(&pool->stopping) != 0) /* it was set before the lock: who joins sees all that we start */
        return ECANCELED;
    if (place == pool->max)
        return EBUSY;
    struct adb__worker *worker = pool->workers[place];
    if (worker == NULL)
        worker = pool->workers[place] = adb__worker_new(pool);
    if (worker == NULL)
        return ENOMEM;
    if (worker->joinable)
        pthread_join(worker->thread, NULL); /* it has said goodbye: it is gone but for its last instructions */
    adb__counter_add(&pool->n_workers, 1);
    int refusal = adb__worker_start(worker);
    worker->joinable = refusal == 0;
    if (refusal != 0)
        adb__counter_add(&pool->n_workers, -1);
    return refusal;
}

static int pool_start_one(struct adb__pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int refusal = pool_start_one_locked(pool);
    pthread_mutex_unlock(&pool->lock);
    return refusal;
}

/* When to try again. However often it is asked for meanwhile, a system that has no thread is left in peace. */
static int64_t pool_refused(struct adb__pool *pool, int refusal, int64_t now)
{
    char failure[ADB_ERROR_MESSAGE_SIZE];
    if (refusal == ECANCELED)
        return ADB__NEVER;
    if (refusal == EBUSY)
        return now + GLANCE_NS;
    snprintf(failure, sizeof(failure), "no thread for a worker: %s", strerror(refusal));
    adb__server_note(pool->server, failure);
    adb__log(&pool->server->db->log, ADB__LOG_ERROR, "%s", failure);
    pool->not_before = now + THREAD_RETRY_NS;
    return pool->not_before;
}

void adb__pool_want_least(struct adb__pool *pool)
{
    adb__counter_set(&pool->fill_at, adb__clock_now());
    adb__watchdog_poke(&pool->server->db->watchdog);
}

/* Start them, and have as many as there are to be connect. */
static int64_t pool_fill(struct adb__pool *pool, int64_t now)
{
    while (adb__counter_get(&pool->n_workers) < (int64_t)pool->min) {
        if (now < pool->not_before)
            return pool->not_before;
        int refusal = pool_start_one(pool);
        if (refusal != 0)
            return pool_refused(pool, refusal, now);
    }
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0, n = 0; i < pool->max && n < pool->min; i++) {
        struct adb__worker *worker = pool->workers[i];
        if (!pool_serves_locked(worker))
            continue;
        adb__counter_set(&worker->eager, 1);
        adb__worker_wake(worker);
        n++;
    }
    pthread_mutex_unlock(&pool->lock);
    return ADB__NEVER;
}

int64_t adb__pool_fill(struct adb__pool *pool, int64_t now)
{
    int64_t fill_at = adb__counter_get(&pool->fill_at);
    if (now < fill_at)
        return fill_at;
    adb__counter_set(&pool->fill_at, ADB__NEVER); /* before: who wants it meanwhile is not forgotten */
    fill_at = pool_fill(pool, now);
    if (fill_at != ADB__NEVER)
        adb__counter_set(&pool->fill_at, fill_at);
    return fill_at;
}

/* Is a worker between two jobs? It will look at the ready queue next. So jobs that come one after the other, each after
 * the outcome of the last, are never a reason for a second worker. */
static bool pool_has_free_worker(struct adb__pool *pool)
{
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max && !found; i++)
        found = pool->workers[i] != NULL && adb__counter_get(&pool->workers[i]->state) == ADB__WORKER_IDLE;
    pthread_mutex_unlock(&pool->lock);
    return found;
}

/* Not before then: there are connections, and more are refused or under way; those that have one serve all the
 * lanes. */
static int64_t pool_grow_after(const struct adb__pool *pool, int64_t now)
{
    const struct adb__server *server = pool->server;
    int64_t n_open = adb__counter_get(&pool->n_open);
    if (!server->layout.backs_off)
        return now;
    if (adb__counter_get(&pool->n_workers) - n_open >= ADB__GATE_WIDTH)
        return now + CONNECT_GLANCE_NS;
    return n_open > 0 ? adb__counter_get(&server->retry_at) : now;
}

int64_t adb__pool_grow(struct adb__pool *pool, int64_t now)
{
    if (!adb__pool_has_ready(pool) || adb__park_sleeping(&pool->park) > 0 ||
        adb__counter_get(&pool->n_workers) >= (int64_t)pool->max || adb__counter_get(&pool->stopping) != 0)
        return ADB__NEVER;
    if (pool_has_free_worker(pool))
        return now + GLANCE_NS;
    int64_t after = now < pool->not_before ? pool->not_before : pool_grow_after(pool, now);
    if (after > now)
        return after;
    int refusal = pool_start_one(pool);
    return refusal == 0 ? now + GLANCE_NS : pool_refused(pool, refusal, now); /* one at a time: it may be enough */
}

int64_t adb__pool_expire(struct adb__pool *pool, int64_t now)
{
    int wait_ms = pool->server->db->options.wait_timeout_ms;
    if (wait_ms < 0 || !adb__pool_has_ready(pool)) {
        pool->n_marks = 0;
        return ADB__NEVER;
    }
    int64_t period = wait_ms * ADB__NS_PER_MS / 8 + 1;
    if (pool->n_marks == 0 || now - pool->marks[pool->n_marks - 1].at >= period) {
        if (pool->n_marks == ADB__POOL_MARKS) {
            memmove(pool->marks, pool->marks + 1, sizeof(pool->marks) - sizeof(pool->marks[0]));
            pool->n_marks--;
        }
        pool->marks[pool->n_marks++] = (struct adb__mark){.at = now, .tail = adb__ready_tail(&pool->ready)};
    }
    unsigned due = 0;
    while (due < pool->n_marks && now - pool->marks[due].at >= wait_ms * ADB__NS_PER_MS)
        due++;
    if (due > 0) {
        adb__pool_sweep(pool, pool->marks[due - 1].tail);
        pool->n_marks -= due;
        memmove(pool->marks, pool->marks + due, pool->n_marks * sizeof(pool->marks[0]));
    }
    return now + period;
}

void adb__pool_alert(struct adb__pool *pool)
{
    if (pool->max == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++) {
        if (pool->workers[i] != NULL)
            adb__worker_wake(pool->workers[i]);
    }
    pthread_mutex_unlock(&pool->lock);
}

void adb__pool_count(struct adb__pool *pool, unsigned *counts)
{
    if (pool->max == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++)
        counts[pool->workers[i] == NULL ? ADB__WORKER_GONE : adb__counter_get(&pool->workers[i]->state)]++;
    pthread_mutex_unlock(&pool->lock);
}

int64_t adb__pool_completed(struct adb__pool *pool)
{
    int64_t n = 0;
    if (pool->max == 0)
        return 0;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++)
        n += pool->workers[i] == NULL ? 0 : adb__counter_get(&pool->workers[i]->completed);
    for (const struct adb__worker *orphan = pool->orphans; orphan != NULL; orphan = orphan->next_orphan)
        n += adb__counter_get(&orphan->completed);
    pthread_mutex_unlock(&pool->lock);
    return n;
}

void adb__pool_report(struct adb__pool *pool, adb_error *error)
{
    struct adb_database *db = pool->server->db;
    char state[ADB_ERROR_MESSAGE_SIZE];
    const struct adb__census census = adb__jobs_count(&db->jobs, adb__clock_now());
    adb__server_describe(pool->server, state, sizeof(state));
    adb__error_set(
        error, ADB_E_TIMEOUT, "no connection to %.60s was free within %d ms (waiting=%zu, oldest=%" PRId64 " ms, %s",
        adb_url_redacted(pool->server->url), db->options.wait_timeout_ms, census.waiting, census.oldest_ms, state);
}

/* One job of a lane that is swept. */
static void sweep_job(struct adb__job *job, enum adb__job_reason reason, const adb_error *report)
{
    struct adb_result *verdict = adb__job_verdict(job, reason, false);
    if (reason == ADB__STOP_DEADLINE)
        verdict->error = *report;
    adb__job_deliver(job, verdict, NULL);
}

/* Attend a lane without a connection: everything in it that still waits fails. What comes meanwhile has not waited: it
 * fails only when the database closes. */
static void sweep_lane(struct adb__lane *lane, enum adb__job_reason reason, const adb_error *report)
{
    struct adb_database *db = lane->server->db;
    bool late = false;
    adb__lane_collect(lane);
    for (;;) {
        struct adb__mail *mail = adb__lane_peek(lane);
        if (mail == NULL) {
            const bool over = lane->over;
            if (adb__mailbox_leave(&lane->mailbox)) {
                if (over)
                    adb__lane_unref(lane);
                return;
            }
            adb__lane_collect(lane);
            late = reason != ADB__STOP_CLOSE;
            continue;
        }
        if (mail == &lane->farewell) {
            adb__lane_pop(lane);
            lane->over = true;
            continue;
        }
        struct adb__job *job = ADB__CONTAINER_OF(mail, struct adb__job, mail);
        if (late) {
            adb__lane_send(lane, job, adb__clock_now());
            return;
        }
        uint64_t word = atomic_load_explicit(&db->jobs.slots[job->index].word, memory_order_acquire);
        if (adb__jobs_take_queued(&db->jobs, job->index, word, reason) != NULL)
            sweep_job(job, reason, report);
        if (!adb__job_is_queued(job)) /* else an outsider is at it this moment: look again */
            adb__perform_skipped(NULL, lane, job);
    }
}

void adb__pool_sweep(struct adb__pool *pool, uint64_t ticket)
{
    bool closing = adb__counter_get(&pool->stopping) != 0;
    adb_error report;
    if (closing)
        adb__deal_release(pool);
    else
        adb__pool_report(pool, &report);
    while (adb__ready_head(&pool->ready) < ticket) {
        uint32_t index;
        struct adb__lane *lane = pool_take(pool, &index);
        if (lane == NULL)
            return;
        if (lane->deals_for != NULL && !closing) {
            /* the watchdog sees how long each of its jobs has waited */
            adb__pool_push(pool, lane, index, adb__clock_now());
            continue;
        }
        lane = lane->deals_for != NULL ? adb__deal(NULL, lane) : lane;
        sweep_lane(lane, closing ? ADB__STOP_CLOSE : ADB__STOP_DEADLINE, &report);
    }
}

void adb__pool_stop(struct adb__pool *pool)
{
    if (pool->max == 0)
        return;
    adb__counter_set(&pool->stopping, 1);
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++) {
        if (pool->workers[i] != NULL)
            adb__worker_wake(pool->workers[i]);
    }
    pthread_mutex_unlock(&pool->lock);
    adb__park_wake_all(&pool->park);
}

void adb__pool_goodbye(struct adb__pool *pool, struct adb__worker *worker)
{
    pthread_mutex_lock(&pool->lock);
    adb__counter_set(&worker->state, ADB__WORKER_GONE);
    adb__counter_add(&pool->n_workers, worker->retired ? 0 : -1);
    worker->retired = false;
    pthread_cond_broadcast(&pool->gone);
    pthread_mutex_unlock(&pool->lock);
}

/* Let a worker go if that leaves more than so many. */
static bool pool_let_go(struct adb__pool *pool, struct adb__worker *worker, unsigned least)
{
    pthread_mutex_lock(&pool->lock);
    bool may = adb__counter_get(&pool->n_workers) > (int64_t)least;
    if (may) {
        adb__counter_add_get(&pool->n_workers, -1);
        worker->retired = true;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!may)
        return false;
    /* Pairs with pool_ask(): either who pushes sees that there may be one more worker, or we see what was pushed. */
    if (adb__pool_has_ready(pool))
        adb__pool_call(pool, adb__clock_now());
    bool takes_duty = !worker->is_open && adb__counter_get(&worker->eager) != 0;
    if (takes_duty && adb__counter_get(&pool->n_open) < (int64_t)pool->min)
        adb__pool_want_least(pool); /* others shall do what this one would have done */
    return true;
}

bool adb__pool_may_shrink(struct adb__pool *pool, struct adb__worker *worker)
{
    return pool_let_go(pool, worker, pool->min);
}

bool adb__pool_resign(struct adb__pool *pool, struct adb__worker *worker)
{
    return adb__counter_get(&pool->n_open) > 0 && pool_let_go(pool, worker, pool->min > 1 ? pool->min : 1);
}

unsigned adb__pool_join(struct adb__pool *pool, int64_t deadline)
{
    unsigned left = 0;
    if (pool->max == 0)
        return 0;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++) {
        struct adb__worker *worker = pool->workers[i];
        if (worker == NULL || !worker->joinable)
            continue;
        bool in_time = true;
        while (in_time && adb__counter_get(&worker->state) != ADB__WORKER_GONE)
            in_time = adb__condition_wait(&pool->gone, &pool->lock, deadline);
        if (adb__counter_get(&worker->state) == ADB__WORKER_GONE) {
            pthread_join(worker->thread, NULL);
            worker->joinable = false;
        } else {
            pthread_detach(worker->thread); /* left behind in its client library; keeps the database alive */
            adb__counter_set(&worker->orphaned, 1);
            adb__counter_add(&pool->n_workers, worker->retired ? 0 : -1);
            worker->retired = true;
            worker->next_orphan = pool->orphans;
            pool->orphans = worker;
            pool->workers[i] = NULL;
            left++;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return left;
}
