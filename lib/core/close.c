/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing, a state machine with a deadline: refuse, drain, cancel, sever, join or leave behind, deliver. */
#include "base/clock.h"
#include "core/condition.h"
#include "core/context.h"
#include "core/database.h"
#include "core/process.h"

/* What the workers get to come home after their jobs have been cancelled, also when the caller gives no time. */
#define GRACE_NS     (250 * ADB__NS_PER_MS)
/* The same when he gives all the time there is: whoever has not come by then never will. */
#define PATIENCE_NS  (10000 * ADB__NS_PER_MS)
/* What jobs get when the process exits. */
#define EXIT_MS      100
/* How often outcomes are looked for that only this thread can deliver (batches that a running iterate waits for). */
#define PEEK_NS      (5 * ADB__NS_PER_MS)

/* Is there no outcome that is neither delivered nor being delivered by a caller further up on this thread? All jobs are
 * done. */
static bool close_is_delivered(const adb_database *db)
{
    return adb__jobs_undelivered(&db->jobs) <= adb__deliveries_here(db);
}

static int64_t half_way(int64_t now, int64_t deadline)
{
    return deadline == ADB__NEVER ? ADB__NEVER : now + (deadline - now) / 2;
}

/* The first queue whose turn it is, referenced; the list may change as soon as the lock is gone. */
static adb_queue *close_queue(adb_database *db, size_t turn)
{
    adb_queue *queue = NULL;
    pthread_mutex_lock(&db->lock);
    ADB__LIST_FOR_EACH(link, &db->contexts) {
        if (turn-- == 0) {
            queue = ADB__CONTAINER_OF(link, adb_context, link)->queue;
            adb__queue_ref(queue);
            break;
        }
    }
    pthread_mutex_unlock(&db->lock);
    return queue;
}

/* Deliver what waits for this thread; with force, what waits for any. Returns how many. */
static size_t close_deliver(adb_database *db, bool force)
{
    size_t n = 0;
    for (size_t turn = 0;; turn++) {
        adb_queue *queue = close_queue(db, turn);
        if (queue == NULL)
            return n;
        n += adb__queue_deliver_of(queue, db, force);
        adb__queue_unref(queue);
    }
}

/* Wait until all jobs are done, delivering meanwhile what this thread must deliver. */
static bool close_drain(adb_database *db, int64_t deadline)
{
    uint32_t from = 0;
    while (adb__jobs_undone(&db->jobs, &from)) {
        int64_t now = adb__clock_now();
        if (now >= deadline)
            return false;
        if (!adb__database_is_muted(db) && close_deliver(db, false) > 0)
            continue;
        pthread_mutex_lock(&db->lock);
        if (adb__jobs_undone(&db->jobs, &from))
            adb__condition_wait(&db->changed, &db->lock, adb__deadline_first(deadline, now + PEEK_NS));
        pthread_mutex_unlock(&db->lock);
    }
    return true;
}

/* Jobs that wait end at once. */
static void close_cancel_queued(adb_database *db, uint32_t index)
{
    uint64_t word = atomic_load_explicit(&db->jobs.slots[index].word, memory_order_acquire);
    struct adb__job *job = adb__jobs_take_queued(&db->jobs, index, word, ADB__STOP_CLOSE);
    if (job != NULL)
        adb__job_judge(job, ADB__STOP_CLOSE, false);
}

/* Ask all jobs to end: those that wait first, or one might run when the one before it has stopped. */
static void close_cancel(adb_database *db)
{
    struct adb__jobs *jobs = &db->jobs;
    for (uint32_t i = 0; i < jobs->capacity; i++)
        close_cancel_queued(db, i);
    for (uint32_t i = 0; i < jobs->capacity; i++) {
        uint64_t word = atomic_load_explicit(&jobs->slots[i].word, memory_order_acquire);
        if (adb__jobs_stop(jobs, i, word, ADB__STOP_CLOSE))
            adb__worker_wake(atomic_load_explicit(&jobs->slots[i].worker, memory_order_acquire));
        else
            close_cancel_queued(db, i); /* a reader may have given it back */
    }
    if (adb__counter_get(&db->started) != 0)
        adb__watchdog_poke(&db->watchdog);
}

/* What no cancel has stopped loses its connection. */
static void close_sever(adb_database *db)
{
    adb__counter_set(&db->watchdog.severing, 1);
    if (adb__counter_get(&db->started) != 0)
        adb__watchdog_poke(&db->watchdog);
}

/* The last resort: what a worker does not bring back is completed here. */
static void close_abandon(adb_database *db)
{
    struct adb__jobs *jobs = &db->jobs;
    for (uint32_t i = 0; i < jobs->capacity; i++) {
        struct adb__job *job = adb__jobs_abandon(jobs, i);
        if (job != NULL)
            adb__job_judge(job, ADB__STOP_CLOSE, true);
    }
}

/* Send the workers of a role home. Returns how many did not come. */
static unsigned close_join_role(adb_database *db, enum adb__role role, int64_t deadline)
{
    unsigned left = 0;
    for (size_t i = 0; i < db->n_servers; i++)
        adb__pool_stop(&db->servers[i].pools[role]);
    for (size_t i = 0; i < db->n_servers; i++)
        left += adb__pool_join(&db->servers[i].pools[role], deadline);
    return left;
}

/* Readers first: the writer is then the last to close, and can leave the file tidy. True: all came. */
static bool close_join(adb_database *db, int64_t deadline)
{
    unsigned left = close_join_role(db, ADB__ROLE_READER, half_way(adb__clock_now(), deadline));
    left += close_join_role(db, ADB__ROLE_WRITER, deadline);
    for (size_t i = 0; i < db->n_servers; i++)
        adb__counter_set(&db->servers[i].ready, 0);
    if (left > 0)
        adb__log(&db->log, ADB__LOG_ERROR, "%u workers did not come back from the client library", left);
    return left == 0;
}

static void close_sweep(adb_database *db)
{
    for (size_t i = 0; i < db->n_servers; i++) {
        for (unsigned role = 0; role < ADB__N_ROLES; role++) {
            struct adb__pool *pool = &db->servers[i].pools[role];
            if (pool->max > 0)
                adb__pool_sweep(pool, UINT64_MAX);
        }
    }
}

/* Deliver what is left, and wait for callbacks that run on other threads. */
static void close_finish(adb_database *db, int64_t deadline)
{
    while (!close_is_delivered(db)) {
        if (close_deliver(db, true) > 0)
            continue;
        int64_t now = adb__clock_now();
        if (now >= deadline)
            break;
        pthread_mutex_lock(&db->lock);
        if (!close_is_delivered(db))
            adb__condition_wait(&db->changed, &db->lock, adb__deadline_first(deadline, now + PEEK_NS));
        pthread_mutex_unlock(&db->lock);
    }
}

/* That time, or a moment from now. */
static int64_t close_later(int64_t when)
{
    int64_t grace = adb__clock_now() + GRACE_NS;
    return when < grace ? grace : when;
}

/* Everything between the gate and the end. */
static bool close_run(adb_database *db, int64_t now, int64_t deadline)
{
    adb__listening_dismiss(db); /* it goes home while the jobs are drained */
    bool by_itself = close_drain(db, half_way(now, deadline));
    int64_t last = deadline;
    if (!by_itself) {
        last = deadline - adb__clock_now() < GRACE_NS ? adb__clock_now() + GRACE_NS : deadline;
        close_cancel(db);
        if (!close_drain(db, half_way(adb__clock_now(), last)))
            close_sever(db);
        if (!close_drain(db, last))
            close_abandon(db);
    }
    int64_t home = close_later(deadline == ADB__NEVER ? adb__clock_now() + PATIENCE_NS : last);
    adb__guards_limit(db, half_way(adb__clock_now(), home)); /* what still hangs then is severed, to get its worker back */
    bool joined = close_join(db, home);
    joined = adb__listening_join(db, home) && joined;
    if (adb__counter_get(&db->started) != 0) {
        adb__watchdog_dismiss(&db->watchdog);
        joined = adb__watchdog_join(&db->watchdog, close_later(home)) && joined;
    }
    adb__counter_set(&db->started, 0);
    close_sweep(db);
    if (!adb__database_is_muted(db))
        close_finish(db, adb__clock_now() + GRACE_NS);
    return by_itself && joined;
}

/* Shut the gate. False: another close has done so. */
static bool close_begin(adb_database *db, adb_status *status_out)
{
    pthread_mutex_lock(&db->lock);
    bool ours = db->phase == ADB__OPEN;
    *status_out = db->phase == ADB__CLOSING ? ADB_E_STATE : ADB_OK;
    if (ours) {
        db->phase = ADB__CLOSING;
        /* seq_cst: pairs with adb__job_accept() */
        atomic_store_explicit(&db->jobs.open, false, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&db->lock);
    return ours;
}

static void close_end(adb_database *db)
{
    pthread_mutex_lock(&db->lock);
    db->phase = ADB__CLOSED;
    pthread_mutex_unlock(&db->lock);
}

adb_status adb_database_close(adb_database *db, int timeout_ms)
{
    adb_status status = ADB_OK;
    if (db == NULL)
        return ADB_OK;
    if (adb__database_is_forked(db))
        return ADB_E_FORKED;
    if (adb__process_is_worker())
        return ADB_E_DEADLOCK;
    if (!close_begin(db, &status))
        return status;
    int64_t now = adb__clock_now();
    if (!close_run(db, now, adb__deadline_in(now, timeout_ms)))
        status = ADB_E_TIMEOUT;
    close_end(db);
    return status;
}

void adb__database_quit(adb_database *db)
{
    adb_status status;
    adb__counter_set(&db->muted, 1);
    if (adb__database_is_forked(db) || !close_begin(db, &status))
        return;
    int64_t now = adb__clock_now();
    close_run(db, now, adb__deadline_in(now, EXIT_MS));
    close_end(db);
}
