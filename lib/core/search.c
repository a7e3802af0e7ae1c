/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker between two lanes: it looks for the next one, calls others where there is more, whispers where there will
 * soon be more, sleeps where there is nothing, and does what is due meanwhile. Declared in core/worker.h. */
#include "base/clock.h"
#include "base/machine.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/pipeline.h"
#include "core/post.h"
#include "core/server.h"
#include "core/share.h"
#include "core/worker.h"

/* A searcher looks for a lane before it goes to sleep: for what it takes a caller to take an outcome and submit the
 * next job; or to be woken for the outcome, before that. Often enough for a caller that looks once in a while too
 * (core/completion.c) to meet it. */
static const struct adb__spin_limits look = {.ns = 4000, .again_ns = 20000, .skip_most = 3};

/* What it costs to submit a job, and to take its outcome. */
#define SUBMIT_NS 500

/* The same at most, where several do that, and several workers are in each other's way. */
#define CROWDED_NS 1000

/* So much of it the pace changes with a lane that is slower or faster. */
#define PACE_STEP 8

/* Lanes that took longer may have kept the worker waiting: for a disk, a server, or a lock. */
#define WAITED_NS 50000

/* Outcomes for which nobody was woken wait no longer than this for the next; as for those who doze, core/completion.c
 * has the limit. */
#define WHISPER_NS 100000

/* When it has been idle for too long. */
static int64_t search_idle_until(const struct adb__worker *worker)
{
    return worker->idle_ns == ADB__NEVER ? ADB__NEVER : worker->used_at + worker->idle_ns;
}

/* When an idle worker has something to do by itself. */
static int64_t search_next_chore(const struct adb__worker *worker)
{
    const struct adb__server *server = worker->pool->server;
    int64_t next = search_idle_until(worker);
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
static bool search_chore(struct adb__worker *worker)
{
    int64_t now = adb__clock_now();
    bool keep = worker->pool->server->layout.keep_open;
    if (adb__worker_is_suspect(worker) || now >= worker->expires_at)
        adb__worker_refresh(worker, now);
    if (now < search_idle_until(worker))
        return false;
    worker->used_at = now; /* those that must stay look again after the same time */
    if (keep || !adb__pool_may_shrink(worker->pool, worker))
        return false;
    adb__worker_disconnect(worker, ADB__CLOSED_IDLE);
    return true;
}

static uint32_t ready_count(const void *ready)
{
    return (uint32_t)adb__ready_tail(ready);
}

/* Some are ready. Where more come quickly, and are quickly done, wait for as many as are to be taken one after the
 * other: who follows each closely is in the way of who submits. */
static void search_gather(struct adb__worker *worker)
{
    const struct adb__ready *ready = &worker->pool->ready;
    if (worker->pace_ns < SUBMIT_NS)
        adb__gather_wait(&worker->gather, (uint32_t)adb__ready_head(ready), ready_count, ready);
}

/* Look for a lane a little longer, as the only one that does. */
static struct adb__lane *search_spin(struct adb__worker *worker)
{
    worker->took_at = adb__clock_now();
    const int64_t until = adb__spin_until(&worker->spin, &look, worker->took_at, true);
    while (worker->took_at < until && !adb__worker_is_stopping(worker)) {
        worker->took_at = adb__spin_pause(&worker->spin, worker->took_at);
        if (!adb__ready_glance(&worker->pool->ready))
            continue;
        search_gather(worker);
        struct adb__lane *lane = adb__pool_next(worker);
        if (lane != NULL) {
            adb__spin_paid(&worker->spin, worker->took_at);
            return lane;
        }
    }
    return NULL;
}

/* Of the lanes that were taken meanwhile, have others had a third, or more? */
static void search_learn_company(struct adb__worker *worker)
{
    const uint64_t head = adb__ready_head(&worker->pool->ready);
    worker->in_company = 2 * (head - worker->head_before) >= 3 * (uint64_t)worker->n_lanes;
    worker->head_before = head;
}

/* Lanes have taken long. Did one of them wait, rather than for the processor that the system gave to somebody else? */
static bool search_has_waited(struct adb__worker *worker)
{
    const long waits = worker->n_waits;
    worker->n_waits = adb__machine_waits();
    return worker->n_waits != waits;
}

/* About how long each takes is what half of them exceed, as one among many may have lost the processor; but while it
 * waits, others can run, so that this counts for as much as it takes. */
void adb__worker_learn_pace(struct adb__worker *worker)
{
    const int64_t n_lanes = worker->n_lanes;
    const int64_t took_ns = worker->used_at - worker->took_at;
    const int64_t step = worker->pace_ns / PACE_STEP + 1;
    if (n_lanes == 0 || took_ns <= 0)
        return;
    if (took_ns >= WAITED_NS && took_ns / n_lanes > worker->pace_ns && search_has_waited(worker))
        worker->pace_ns += (took_ns / n_lanes - worker->pace_ns) / PACE_STEP + 1;
    else
        worker->pace_ns += took_ns > worker->pace_ns * n_lanes ? step : -step;
    search_learn_company(worker);
    worker->took_at = worker->used_at;
    worker->n_lanes = 0;
}

/* Nothing waits: the lanes that share a look at the clock do not share it with the time that follows. */
static void search_end_lanes(struct adb__worker *worker)
{
    if (worker->n_lanes == 0)
        return;
    worker->used_at = adb__clock_now();
    adb__worker_learn_pace(worker);
}

static int64_t search_awake(const struct adb__pool *pool)
{
    return adb__counter_get(&pool->n_workers) - (int64_t)adb__park_sleeping(&pool->park);
}

/* With jobs that cost no more than to submit them, who submits is as busy as this worker: is there no processor left
 * for one more? */
static bool search_suffices(const struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    return worker->pace_ns < CROWDED_NS && search_awake(pool) + 1 >= pool->n_processors;
}

/* And is there none left for this one, as others take lanes at the same time? */
static bool search_is_too_many(const struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    return worker->in_company && worker->pace_ns < CROWDED_NS && search_awake(pool) >= pool->n_processors;
}

/* Would this worker be through with its lane, and all that waits, before another one is awake, or gain nothing by
 * another? */
static bool search_is_quick(const struct adb__worker *worker)
{
    const size_t n_ready = adb__pool_known(worker->pool);
    return worker->pace_ns * (int64_t)(n_ready > 0 ? n_ready : 1) < ADB__WORKER_WAKE_NS || search_suffices(worker);
}

bool adb__worker_may_whisper(struct adb__worker *worker)
{
    struct adb__poster *poster = &worker->poster;
    if (!poster->whispers) {
        poster->n = 0;
        poster->since = worker->took_at;
    }
    /* Half of what waits: while somebody wakes and asks for more, there is something to do. */
    return worker->pace_ns < ADB__WORKER_WAKE_NS && poster->n < adb__pool_known(worker->pool) &&
           worker->took_at - poster->since < WHISPER_NS;
}

/* What it has done is timed, and seen; it keeps nothing open. */
static void search_wind_up(struct adb__worker *worker)
{
    search_end_lanes(worker);
    adb__poster_part(&worker->poster);
    adb__share_end(worker);
}

/* There are lanes, but enough others for them, as they are all quick: it goes to sleep instead. They get done sooner
 * without, and it would never again find none. */
static bool search_sit_out(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    if (worker->roves || worker->searches || worker->stays || worker->deals || !search_is_too_many(worker) ||
        !adb__ready_glance(&pool->ready) || !adb__park_may_sit_out(&pool->park))
        return false;
    search_wind_up(worker);
    return adb__park_sit_out(&pool->park, &worker->sleeper);
}

static void search_call_next(struct adb__worker *worker)
{
    if (adb__pool_has_ready(worker->pool))
        adb__pool_call(worker->pool, worker->took_at);
}

/* It searches no more, and others may have relied on that. */
static void search_end(struct adb__worker *worker)
{
    adb__park_found(&worker->pool->park);
    search_call_next(worker);
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
    search_call_next(worker);
}

/* A lane was found. If there may be more, the next worker is called (or started), as this one may be busy for long;
 * unless it will hardly be, and somebody sees to it. */
static struct adb__lane *search_pass_on(struct adb__worker *worker, struct adb__lane *lane, bool searching)
{
    worker->sleeper.in_vain = false;
    worker->roves = search_is_quick(worker) && adb__park_rove(&worker->pool->park, &worker->sleeper, searching);
    if (worker->roves || !searching)
        return lane; /* who searches calls, and whoever has pushed what waits has called */
    if (adb__pool_has_ready(worker->pool) && adb__pipeline_is_quick(worker))
        adb__worker_stay(worker); /* and if this is for no pipeline after all, it calls then */
    search_end(worker);
    return lane;
}

/* The rover's next lane. False: there is none, or it is time to call others, or one has taken its place; it roves no
 * more. */
static bool search_goes_on(struct adb__worker *worker, const struct adb__lane *lane)
{
    return lane != NULL && search_is_quick(worker) && adb__park_step(&worker->pool->park, &worker->sleeper);
}

/* True: it is a searcher. */
static bool search_settle(struct adb__worker *worker)
{
    const bool roved = worker->roves;
    const bool searches = worker->searches;
    worker->roves = worker->searches = false;
    return searches || (roved && adb__park_settle(&worker->pool->park, &worker->sleeper));
}

/* Is there another worker to be woken, or to be started? */
static bool search_has_others(struct adb__pool *pool)
{
    return adb__park_sleeping(&pool->park) > 0 || adb__counter_get(&pool->n_workers) < (int64_t)pool->max;
}

void adb__worker_search_early(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    worker->searches = !worker->roves && !worker->deals && !worker->db->options.unpooled && search_has_others(pool) &&
                       !adb__ready_glance(&pool->ready) && adb__park_search(&pool->park);
}

void adb__worker_search_no_more(struct adb__worker *worker)
{
    if (!worker->searches)
        return;
    worker->searches = false;
    search_end(worker);
}

void adb__worker_stop_searching(struct adb__worker *worker)
{
    adb__deal_stop(worker);
    adb__poster_part(&worker->poster);
    if (search_settle(worker))
        search_end(worker);
}

/* Not roving any more: the lane that was found, or one that it finds as the searcher. */
static struct adb__lane *search_on(struct adb__worker *worker, struct adb__lane *lane, bool *searching)
{
    *searching = search_settle(worker) || *searching;
    if (lane != NULL)
        return lane;
    adb__worker_stray(worker);
    search_wind_up(worker);
    if (!*searching)
        adb__worker_connect_eagerly(worker);
    if (!*searching)
        *searching = adb__park_search(&worker->pool->park);
    return *searching ? search_spin(worker) : NULL;
}

/* The order of steps is that of tests/models/park.pml. */
struct adb__lane *adb__worker_next_lane(struct adb__worker *worker)
{
    struct adb__pool *pool = worker->pool;
    bool searching = false;
    adb__worker_set_state(worker, ADB__WORKER_IDLE);
    for (;;) {
        const bool sits = !searching && search_sit_out(worker);
        if (!sits) {
            struct adb__lane *lane = adb__pool_next(worker);
            if (worker->roves && search_goes_on(worker, lane))
                return lane;
            lane = search_on(worker, lane, &searching);
            if (lane != NULL)
                return search_pass_on(worker, lane, searching);
            adb__park_announce(&pool->park, &worker->sleeper, searching);
            lane = adb__pool_next(worker);
            if (lane != NULL) {
                adb__spin_paid(&worker->spin, 0); /* to look was right, if a moment too short */
                searching = adb__park_withdraw(&pool->park, &worker->sleeper);
                return search_pass_on(worker, lane, searching);
            }
        }
        if (adb__worker_is_stopping(worker)) {
            if (adb__park_withdraw(&pool->park, &worker->sleeper))
                adb__park_found(&pool->park);
            return NULL;
        }
        searching = adb__park_sleep(&pool->park, &worker->sleeper, search_next_chore(worker));
        worker->took_at = adb__clock_now();
        worker->head_before = adb__ready_head(&pool->ready);
        worker->n_waits = adb__machine_waits();
        if (!searching && !adb__worker_is_stopping(worker) && search_chore(worker))
            return NULL;
    }
}
