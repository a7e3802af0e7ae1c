/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers of one role of one server: their ready queue and park, growth on demand, shrinking when idle. Threads
 * are started by the watchdog only, so that no submission ever waits for one. */
#ifndef ADB_CORE_POOL_H
#define ADB_CORE_POOL_H

#include "base/cacheline.h"
#include "base/ref.h"
#include "core/aside.h"
#include "drivers/driver.h"
#include "queue/park.h"
#include "queue/ready.h"

struct adb__lane;
struct adb__server;
struct adb__worker;

/* Overdue lanes are found by tickets: what had been pushed at a mark must have been popped a wait later. */
#define ADB__POOL_MARKS 16

struct adb__mark {
    int64_t at;
    uint64_t tail;
};

struct adb__pool {
    /* What submitters and workers read with each job, and hardly anybody writes to */
    _Alignas(ADB__CACHE_LINE) struct adb__server *server;
    enum adb__role role;
    unsigned max;                   /* most workers; 0: no such role */
    unsigned min;                   /* kept when idle */
    unsigned n_processors;          /* of the machine, when the pool was made */
    struct adb__counter n_workers;  /* written under lock */
    struct adb__counter n_open;     /* connections */
    struct adb__counter stopping;   /* the workers shall go home */

    struct adb__ready ready;
    struct adb__park park;

    /* What workers tell each other */
    _Alignas(ADB__CACHE_LINE) struct adb__counter n_undealt; /* jobs in the ready queue behind their dealer's first */
    struct adb__counter n_pipelining; /* workers that are in a pipeline */
    struct adb__counter others_at;  /* when a lane that no dealer has dealt was last taken, about */
    struct adb__counter free_until; /* until then all workers may deal */
    struct adb__counter patience_ns; /* see core/deal.c; other in tests */
    struct adb__aside aside;        /* dealers, while enough workers deal; see core/deal.h */
    pthread_mutex_t lock;
    pthread_cond_t gone;            /* a worker has left; lock */
    struct adb__worker **workers;   /* max of them, NULL when there is none; lock */
    struct adb__worker *orphans;    /* left behind by close; freed with the pool; lock */
    struct adb__mark marks[ADB__POOL_MARKS]; /* oldest first; the watchdog's */
    unsigned n_marks;
    struct adb__counter fill_at;    /* when to have the least number of connections opened */
    int64_t not_before;             /* the system has refused a thread; the watchdog's */
};

adb_status adb__pool_init(struct adb__pool *pool, struct adb__server *server, enum adb__role role, unsigned max,
                          unsigned min, adb_error *error);
void adb__pool_fini(struct adb__pool *pool);

/* Put a lane on the ready queue under the number of its first job, and call a worker. now: as for adb__pool_call(). */
void adb__pool_push(struct adb__pool *pool, struct adb__lane *lane, uint32_t index, int64_t now);
/* Lanes wait: wake a worker, or ask for one more. For whoever has pushed one, or takes one and sees others. now: a
 * moment ago; of a time before that, the watchdog looks after what waits a little early. */
void adb__pool_call(struct adb__pool *pool, int64_t now);
/* The next lane, for a worker that has the one before still; NULL: none. */
struct adb__lane *adb__pool_pop(struct adb__worker *worker);
/* The same for one that has none. */
struct adb__lane *adb__pool_next(struct adb__worker *worker);
/* May there be lanes that wait? */
bool adb__pool_has_ready(struct adb__pool *pool);
/* And for this worker? */
bool adb__pool_has_more(const struct adb__worker *worker);
size_t adb__pool_ready(const struct adb__worker *worker); /* how many, about */
size_t adb__pool_known(struct adb__pool *pool); /* the same for less: without some of those who came lately; with all that
                                                   is undealt, aside too */

/* The watchdog's: start a worker if lanes wait and all workers are busy. Returns when to look again. */
int64_t adb__pool_grow(struct adb__pool *pool, int64_t now);
/* The watchdog's: have the least number of workers, and have them connect, where that is wanted. Returns when to look
 * again. */
int64_t adb__pool_fill(struct adb__pool *pool, int64_t now);
/* It is: by adb_database_connect(), or as somebody leaves who had a part in it. */
void adb__pool_want_least(struct adb__pool *pool);
/* The watchdog's: fail the lanes that have waited too long. Returns when to look again. */
int64_t adb__pool_expire(struct adb__pool *pool, int64_t now);
/* What a job is told that has waited too long for a worker of the pool. */
void adb__pool_report(struct adb__pool *pool, adb_error *error);
/* Fail what waits in the ready queue up to a ticket: the watchdog for overdue lanes, the closer for all that is
 * left. */
void adb__pool_sweep(struct adb__pool *pool, uint64_t ticket);

/* Closing: send the workers home, wait for them until the deadline, leave the rest behind. Returns how many were
 * left. */
void adb__pool_stop(struct adb__pool *pool);
unsigned adb__pool_join(struct adb__pool *pool, int64_t deadline);
/* A worker's last act. */
void adb__pool_goodbye(struct adb__pool *pool, struct adb__worker *worker);
/* Have all workers that sleep look after their connections. */
void adb__pool_alert(struct adb__pool *pool);
/* Add up what the workers are at, by enum adb__worker_state. */
void adb__pool_count(struct adb__pool *pool, unsigned *counts);
/* Jobs that its workers have ended well. */
int64_t adb__pool_completed(struct adb__pool *pool);
/* May a worker go that has no connection, as others have? Then it has left the count. */
bool adb__pool_resign(struct adb__pool *pool, struct adb__worker *worker);
/* May an idle worker go? Then it has left the count. */
bool adb__pool_may_shrink(struct adb__pool *pool, struct adb__worker *worker);

#endif
