/* SPDX-License-Identifier: BSD-3-Clause */
/* The watchdog's round: expire, cancel, sweep, grow, and sleep until the next thing is due. */
#include "core/watchdog.h"

#include "base/clock.h"
#include "core/condition.h"
#include "core/context.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/post.h"
#include "core/process.h"
#include "core/server.h"
#include "model/error.h"

#include <signal.h>

/* A cancel that did not stop the job is repeated: the statement may only have started after it. A server is asked less
 * and less often: each time may cost it a connection. */
#define CANCEL_AGAIN_NS (20 * ADB__NS_PER_MS)
#define MOST_DOUBLINGS  5

/* So long after its deadline a job that no cancel has reached loses its connection: the network is silent. So long
 * after a cancel, too, when there is no deadline: a server may have much to undo first. */
#define SEVER_AFTER_NS  (1000 * ADB__NS_PER_MS)
#define SEVER_CANCEL_NS (5000 * ADB__NS_PER_MS)

bool adb__watchdog_init(struct adb__watchdog *watchdog, struct adb_database *db)
{
    watchdog->db = db;
    watchdog->sever_after = SEVER_AFTER_NS;
    watchdog->sever_cancel = SEVER_CANCEL_NS;
    if (!adb__parker_init(&watchdog->parker))
        return false;
    if (adb__helpers_init(&watchdog->helpers, db))
        return true;
    adb__parker_fini(&watchdog->parker);
    return false;
}

void adb__watchdog_fini(struct adb__watchdog *watchdog)
{
    adb__helpers_fini(&watchdog->helpers);
    adb__parker_fini(&watchdog->parker);
}

void adb__watchdog_poke(struct adb__watchdog *watchdog)
{
    adb__parker_wake(&watchdog->parker);
}

void adb__watchdog_by(struct adb__watchdog *watchdog, int64_t when)
{
    /* seq_cst: pairs with the stores in watchdog_round(). Either the round sees what the caller wrote, or the caller
     * sees that the round has begun (never) or when it ends (next_wake). */
    if (when < atomic_load_explicit(&watchdog->db->jobs.next_wake, memory_order_seq_cst))
        adb__parker_wake(&watchdog->parker);
}

/* Call the driver's cancel for a job that was asked to stop. */
static void watchdog_cancel(struct adb_database *db, uint32_t index, uint64_t word, enum adb__cancel_how how)
{
    struct adb__worker *worker = adb__jobs_cancel_begin(&db->jobs, index, word);
    if (worker == NULL)
        return;
    if (worker->is_open)
        db->driver->cancel(worker->conn, how);
    adb__jobs_cancel_end(&db->jobs, index);
}

/* Have a server asked, which may take time: by a helper. False: none is free. */
static bool watchdog_send_helper(struct adb_database *db, uint32_t index, uint64_t word)
{
    struct adb__helpers *helpers = &db->watchdog.helpers;
    if (!adb__helpers_can(helpers))
        return false;
    struct adb__worker *worker = adb__jobs_cancel_begin(&db->jobs, index, word);
    if (worker != NULL)
        adb__helpers_give(helpers, worker, index);
    return true;
}

/* A job that is to stop: ask, ask again, and at last break its connection. Returns when to look again. */
static int64_t watchdog_stop(struct adb_database *db, uint32_t index, uint64_t word, int64_t now)
{
    struct adb__slot *slot = &db->jobs.slots[index];
    struct adb__asking *asking = &slot->asking;
    bool is_server = db->servers[0].layout.backs_off;
    if (asking->generation != adb__word_generation(word))
        *asking = (struct adb__asking){.generation = adb__word_generation(word), .since = now, .next = now};
    int64_t deadline = atomic_load_explicit(&slot->deadline, memory_order_seq_cst);
    int64_t sever_at = asking->since + db->watchdog.sever_cancel;
    if (deadline != ADB__NEVER)
        sever_at = adb__deadline_first(sever_at, deadline + db->watchdog.sever_after);
    if (now >= sever_at || adb__counter_get(&db->watchdog.severing) != 0) {
        watchdog_cancel(db, index, word, ADB__CANCEL_SEVER);
        return now + CANCEL_AGAIN_NS;
    }
    if (now < asking->next)
        return adb__deadline_first(asking->next, sever_at);
    if (!is_server)
        watchdog_cancel(db, index, word, ADB__CANCEL_ASK);
    else if (!watchdog_send_helper(db, index, word))
        return now + CANCEL_AGAIN_NS;
    asking->next = now + (CANCEL_AGAIN_NS << (is_server ? asking->times : 0));
    asking->times += asking->times < MOST_DOUBLINGS;
    return adb__deadline_first(asking->next, sever_at);
}

/* The deadline of a job passed before it ran. The worker that it waited for may tell why. */
static void watchdog_expire(struct adb__job *job)
{
    struct adb_result *verdict = adb__job_verdict(job, ADB__STOP_DEADLINE, false);
    char state[ADB_ERROR_MESSAGE_SIZE];
    adb__server_describe(job->ctx->lane->server, state, sizeof(state)); /* the job's own lane may not be chosen yet */
    adb__error_set(&verdict->error, ADB_E_TIMEOUT, "the deadline of the job passed before it ran (%s", state);
    adb__job_deliver(job, verdict, NULL);
}

/* A job of a parallel context has waited too long with its dealer: when that gets its turn says nothing of the job. */
static void watchdog_overdue(struct adb__job *job)
{
    struct adb_result *verdict = adb__job_verdict(job, ADB__STOP_DEADLINE, false);
    adb__pool_report(adb__server_pool(job->ctx->lane->server, job->role), &verdict->error);
    adb__job_deliver(job, verdict, NULL);
}

/* When a job of a parallel context that waits with its dealer has waited too long. */
static int64_t watchdog_overdue_at(const struct adb_database *db, const struct adb__slot *slot)
{
    int wait_ms = db->options.wait_timeout_ms;
    /* acquire: pairs with adb__job_set_undealt() */
    if (wait_ms < 0 || !atomic_load_explicit(&slot->undealt, memory_order_acquire))
        return ADB__NEVER;
    return adb__deadline_in(atomic_load_explicit(&slot->accepted_at, memory_order_relaxed), wait_ms);
}

/* One slot: what is due, and when to look at it again. */
static int64_t watchdog_slot(struct adb_database *db, uint32_t index, int64_t now)
{
    struct adb__slot *slot = &db->jobs.slots[index];
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_seq_cst);
    enum adb__job_state state = adb__word_state(word);
    if (state == ADB__JOB_STOPPING)
        return watchdog_stop(db, index, word, now);
    if (state == ADB__JOB_CANCELLING)
        return now + CANCEL_AGAIN_NS; /* a helper is at it */
    if (state != ADB__JOB_QUEUED && state != ADB__JOB_RUNNING)
        return ADB__NEVER;
    int64_t deadline = atomic_load_explicit(&slot->deadline, memory_order_seq_cst);
    int64_t overdue_at = state == ADB__JOB_QUEUED ? watchdog_overdue_at(db, slot) : ADB__NEVER;
    if (now < deadline && now < overdue_at)
        return adb__deadline_first(deadline, overdue_at);
    if (state == ADB__JOB_QUEUED) {
        struct adb__job *job = adb__jobs_take_queued(&db->jobs, index, word, ADB__STOP_DEADLINE);
        if (job != NULL && now >= deadline)
            watchdog_expire(job);
        else if (job != NULL)
            watchdog_overdue(job);
        return ADB__NEVER;
    }
    adb__jobs_stop(&db->jobs, index, word, ADB__STOP_DEADLINE);
    struct adb__worker *worker = atomic_load_explicit(&slot->worker, memory_order_acquire);
    adb__worker_wake(worker); /* it may be waiting for a caller, not for the database */
    return now;               /* once more, to cancel it */
}

static int64_t watchdog_jobs(struct adb_database *db, int64_t now)
{
    int64_t next = ADB__NEVER;
    for (uint32_t i = 0; i < db->jobs.capacity; i++)
        next = adb__deadline_first(next, watchdog_slot(db, i, now));
    return next;
}

static int64_t watchdog_pools(struct adb__watchdog *watchdog, int64_t now)
{
    struct adb_database *db = watchdog->db;
    int64_t next = ADB__NEVER;
    for (size_t i = 0; i < db->n_servers; i++) {
        for (unsigned role = 0; role < ADB__N_ROLES; role++) {
            struct adb__pool *pool = &db->servers[i].pools[role];
            if (pool->max == 0)
                continue;
            next = adb__deadline_first(next, adb__pool_fill(pool, now));
            next = adb__deadline_first(next, adb__pool_grow(pool, now));
            next = adb__deadline_first(next, adb__pool_expire(pool, now));
            next = adb__deadline_first(next, adb__deal_watch(pool, now));
        }
    }
    return next;
}

/* Look at everything. Returns when to look again. */
static int64_t watchdog_round(struct adb__watchdog *watchdog)
{
    struct adb__jobs *jobs = &watchdog->db->jobs;
    int64_t now = adb__clock_now();
    /* seq_cst: pairs with adb__watchdog_by(): until the round is over everybody who has news wakes us again */
    atomic_store_explicit(&jobs->next_wake, ADB__NEVER, memory_order_seq_cst);
    int64_t next = adb__deadline_first(watchdog_jobs(watchdog->db, now), watchdog_pools(watchdog, now));
    next = adb__deadline_first(next, adb__guards_enforce(watchdog->db, now));
    atomic_store_explicit(&jobs->next_wake, next, memory_order_seq_cst);
    return next;
}

static void *watchdog_main(void *argument)
{
    struct adb__watchdog *watchdog = argument;
    adb__process_enter_worker(); /* a direct callback on this thread must not wait either */
    while (adb__counter_get(&watchdog->stopping) == 0) {
        int64_t next = watchdog_round(watchdog);
        if (next > adb__clock_now())
            adb__parker_wait(&watchdog->parker, next);
    }
    struct adb_database *db = watchdog->db;
    pthread_mutex_lock(&db->lock);
    watchdog->away = false;
    pthread_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
    adb__database_unref(db);
    return NULL;
}

int adb__watchdog_start(struct adb__watchdog *watchdog)
{
    sigset_t all, before;
    adb__counter_set(&watchdog->stopping, 0);
    adb__counter_set(&watchdog->severing, 0);
    adb__database_ref(watchdog->db);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refusal = pthread_create(&watchdog->thread, NULL, watchdog_main, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watchdog->away = refusal == 0;
    if (refusal != 0)
        adb__database_unref(watchdog->db);
    return refusal;
}

void adb__watchdog_dismiss(struct adb__watchdog *watchdog)
{
    adb__counter_set(&watchdog->stopping, 1);
    adb__watchdog_poke(watchdog);
    adb__helpers_dismiss(&watchdog->helpers);
}

bool adb__watchdog_join(struct adb__watchdog *watchdog, int64_t deadline)
{
    struct adb_database *db = watchdog->db;
    bool in_time = true;
    pthread_mutex_lock(&db->lock);
    while (watchdog->away && in_time)
        in_time = adb__condition_wait(&db->changed, &db->lock, deadline);
    bool home = !watchdog->away;
    pthread_mutex_unlock(&db->lock);
    if (home)
        pthread_join(watchdog->thread, NULL);
    else
        pthread_detach(watchdog->thread);
    bool helpers_home = adb__helpers_join(&watchdog->helpers, deadline);
    return home && helpers_home;
}
