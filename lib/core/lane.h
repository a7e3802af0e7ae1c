/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane: what gets scheduled. Its mailbox says who is responsible for it (queue/mailbox.h); everything else in it
 * belongs to the worker that attends. */
#ifndef ADB_CORE_LANE_H
#define ADB_CORE_LANE_H

#include "base/cacheline.h"
#include "base/ref.h"
#include "core/txn.h"
#include "drivers/driver.h"
#include "queue/mailbox.h"

#include <pthread.h>

struct adb__job;
struct adb__pool;
struct adb__server;
struct adb__worker;

/* The first line of the cache has all that its submitter and its worker both need; it begins on one. */
struct adb__lane {
    _Alignas(ADB__CACHE_LINE) struct adb__mailbox mailbox;
    struct adb__ref ref;             /* the handles, and who attends or will: until it is over, or (a dealer) left */
    bool read_only;                  /* of the context: writes are refused */
    bool over;                       /* the attender's: nobody pushes any more, who leaves it drops that reference */
    struct adb__server *server;
    struct adb__pool *deals_for;     /* it runs no jobs, but deals them to the workers there; NULL: it does. See core/deal.h */
    uint64_t snapshots;              /* begun when its last job had ended: one that it shares is younger; the attender's */
    /* The attending worker's. home is also read by a producer that found the mailbox idle. */
    struct adb__worker *home;        /* keeps the lane between its jobs: transaction or acquired connection */
    struct adb__job *embedded_in;    /* a job that is a lane of its own; NULL: it lies in memory */
    struct adb__mail *backlog;       /* taken, oldest first */

    _Alignas(ADB__CACHE_LINE) struct adb__mail *backlog_end;
    int64_t given_back_at;           /* the first time since its last job that its worker had no connection; 0: not */
    unsigned acquired;
    _Atomic bool called;             /* a producer has called home; see adb__mailbox_leave() */
    struct adb__txn txn;
    adb_job opener;                  /* the begin of the outermost level */
    struct adb__counter depth;       /* txn's, for adb_context_depth() */
    struct adb__counter handles;     /* contexts; the last one says farewell */
    /* For parallel contexts: levels begun less levels ended, as submitted, and the same of acquired connections. */
    struct adb__counter planned_levels, planned_holds;

    void *memory;                    /* what goes with it: itself, or its first context, which it lies behind */
    struct adb__lane *dealers[ADB__N_ROLES]; /* of a parallel context's jobs; NULL: it is not parallel */
    struct adb__lane *next_aside;    /* of a dealer that stands aside; see core/aside.h */
    struct adb__mail farewell;       /* the last handle is gone: unwind */
    _Atomic(struct adb__job *) delivering; /* an iterate whose batch callback is running */
    pthread_t delivering_thread;     /* set before delivering */
};

struct adb__lane *adb__lane_new(struct adb__server *server, bool read_only);
/* In zeroed storage. */
void adb__lane_init(struct adb__lane *lane, struct adb__server *server, bool read_only, struct adb__job *embedded_in);
void adb__lane_ref(struct adb__lane *lane);
void adb__lane_unref(struct adb__lane *lane);

/* Put a job into its lane, and see to it that a worker comes. */
void adb__lane_submit(struct adb__lane *lane, struct adb__job *job);
/* The last handle is gone. */
void adb__lane_farewell(struct adb__lane *lane);

/* For the worker that attends. */
size_t adb__lane_collect(struct adb__lane *lane);               /* mailbox to backlog; how many */
static inline struct adb__mail *adb__lane_peek(const struct adb__lane *lane) /* NULL: the backlog is empty */
{
    return lane->backlog;
}
static inline void adb__lane_pop(struct adb__lane *lane)
{
    lane->backlog = lane->backlog->next;
}
void adb__lane_unpop(struct adb__lane *lane, struct adb__mail *mail);
static inline bool adb__lane_is_held(const struct adb__lane *lane) /* a transaction is open, or a connection acquired */
{
    return lane->txn.depth > 0 || lane->acquired > 0;
}
/* Must it stay with its worker? One that has lost its connection need not: any worker can tell its jobs. */
static inline bool adb__lane_needs_home(const struct adb__lane *lane)
{
    return adb__lane_is_held(lane) && !lane->txn.lost;
}
/* For its home, after it has left: has a producer called? Then the home attends again. */
bool adb__lane_is_called(struct adb__lane *lane);
static inline bool adb__lane_seems_called(const struct adb__lane *lane) /* a glance */
{
    return atomic_load_explicit(&lane->called, memory_order_relaxed);
}
/* Give the lane to the workers of the role that its first job needs. The caller's reference goes along. now: as for
 * adb__pool_call(). */
void adb__lane_send(struct adb__lane *lane, struct adb__job *first, int64_t now);

#endif
