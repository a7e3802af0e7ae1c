/* SPDX-License-Identifier: BSD-3-Clause */
/* Dealers: from one place in the ready queue to as many workers as there are. */
#include "core/deal.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/job.h"
#include "core/server.h"
#include "core/worker.h"

/* Of fewer workers than that none is left to others: it would be half of them. */
#define FEWEST_SHARED 3

/* So long after others were about they are expected to come again. */
#define LATELY_NS (100 * ADB__NS_PER_MS)

/* When so long nobody who deals was through with a job, one more deals, and for as long. */
#define PATIENCE_NS (1000 * ADB__NS_PER_MS)

bool adb__deal_init(struct adb__lane *lane)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++) {
        struct adb__lane *dealer = adb__lane_new(lane->server, lane->read_only);
        if (dealer == NULL)
            return false;
        dealer->deals_for = &lane->server->pools[role];
        lane->dealers[role] = dealer;
    }
    return true;
}

void adb__deal_fini(struct adb__lane *lane)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++) {
        if (lane->dealers[role] != NULL)
            adb__lane_unref(lane->dealers[role]); /* one that still has jobs is kept by the ready queue */
    }
}

struct adb__lane *adb__deal_enter(struct adb__lane *lane, struct adb__job *job)
{
    /* Where there are no readers both roles are one, and there is one turn. */
    enum adb__role role = lane->server->layout.max_readers == 0 ? ADB__ROLE_WRITER : (enum adb__role)job->role;
    adb__lane_init(job->lane, lane->server, lane->read_only, job);
    adb__mailbox_init_attended(&job->lane->mailbox); /* by whom it is dealt to */
    adb__job_set_undealt(job, true);
    return lane->dealers[role];
}

/* The first of the jobs that wait; NULL: none does. Those behind it are counted: the dealer stands for the first. */
static struct adb__job *dealer_first(struct adb__lane *dealer)
{
    if (adb__lane_peek(dealer) == NULL) {
        size_t n = adb__lane_collect(dealer);
        if (n > 1)
            adb__counter_add(&dealer->deals_for->n_undealt, (int64_t)n - 1);
    }
    struct adb__mail *mail = adb__lane_peek(dealer);
    return mail == NULL ? NULL : ADB__CONTAINER_OF(mail, struct adb__job, mail);
}

bool adb__deal_open(struct adb__pool *pool, unsigned n_workers)
{
    adb__counter_set(&pool->patience_ns, PATIENCE_NS);
    adb__counter_set(&pool->others_at, -LATELY_NS);
    adb__counter_set(&pool->free_until, 0);
    return adb__aside_init(&pool->aside, n_workers < FEWEST_SHARED ? n_workers : n_workers - 1);
}

/* Others than dealers have been about lately, so that one worker is left to them. */
static bool pool_is_shared(const struct adb__pool *pool, int64_t now)
{
    return pool->aside.most < pool->max && now - adb__counter_get(&pool->others_at) < LATELY_NS &&
           now >= adb__counter_get(&pool->free_until);
}

void adb__deal_mind(const struct adb__worker *worker, const struct adb__lane *lane)
{
    struct adb__pool *pool = worker->pool;
    if (lane->embedded_in == NULL && worker->took_at - adb__counter_get(&pool->others_at) > LATELY_NS / 8)
        adb__counter_set(&pool->others_at, worker->took_at);
}

/* Dealers that stood aside, to the ready queue. */
static void dealers_send(struct adb__lane *dealers, int64_t now)
{
    while (dealers != NULL) {
        struct adb__lane *dealer = dealers;
        dealers = dealer->next_aside;
        adb__lane_send(dealer, dealer_first(dealer), now);
    }
}

void adb__deal_stop(struct adb__worker *worker)
{
    if (!worker->deals)
        return;
    worker->deals = false;
    dealers_send(adb__aside_leave(&worker->pool->aside), adb__clock_now());
}

void adb__deal_release(struct adb__pool *pool)
{
    bool waits;
    dealers_send(adb__aside_release(&pool->aside, ADB__NEVER, &waits), adb__clock_now());
}

int64_t adb__deal_watch(struct adb__pool *pool, int64_t now)
{
    bool waits;
    const int64_t patience_ns = adb__counter_get(&pool->patience_ns);
    const bool shared = pool_is_shared(pool, now);
    struct adb__lane *dealers = adb__aside_release(&pool->aside, shared ? now - patience_ns : ADB__NEVER, &waits);
    if (dealers != NULL && shared)
        adb__counter_set(&pool->free_until, now + patience_ns);
    dealers_send(dealers, now);
    return waits ? now + LATELY_NS : ADB__NEVER;
}

/* May the worker deal? False: enough do, and the dealer stands aside. */
static bool worker_may_deal(struct adb__worker *worker, struct adb__lane *dealer, int64_t now)
{
    struct adb__pool *pool = worker->pool;
    if (!pool_is_shared(pool, now)) {
        adb__deal_stop(worker);
        return true;
    }
    if (!worker->deals)
        worker->deals = adb__aside_enter(&pool->aside, dealer, now);
    if (!worker->deals)
        adb__watchdog_by(&pool->server->db->watchdog, now + LATELY_NS);
    return worker->deals;
}

/* Back to the ready queue, aside, or to nobody. */
static void dealer_go_on(struct adb__worker *worker, struct adb__lane *dealer, int64_t now)
{
    for (;;) {
        struct adb__job *next = dealer_first(dealer);
        if (next != NULL) {
            if (worker == NULL || !worker->deals || !adb__aside_keep(&worker->pool->aside, dealer, now))
                adb__lane_send(dealer, next, now);
            else
                adb__watchdog_by(&worker->db->watchdog, now + LATELY_NS);
            return;
        }
        if (adb__mailbox_leave(&dealer->mailbox)) {
            adb__lane_unref(dealer);
            return;
        }
    }
}

struct adb__lane *adb__deal(struct adb__worker *worker, struct adb__lane *dealer)
{
    const int64_t now = adb__clock_now();
    if (worker != NULL && !worker_may_deal(worker, dealer, now))
        return NULL;
    struct adb__job *job = dealer_first(dealer); /* there is one, or it would not be in the queue */
    adb__lane_pop(dealer);
    if (job->mail.next != NULL)
        adb__counter_add(&dealer->deals_for->n_undealt, -1); /* that is the first now */
    adb__lane_unpop(job->lane, &job->mail);
    adb__job_set_undealt(job, false);
    dealer_go_on(worker, dealer, now);
    return job->lane;
}
