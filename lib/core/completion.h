/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back to the caller (outcomes, batches, notifications): wait for it, and deliver it.
 *
 * Any thread pushes an event (core/post.h); one thread at a time consumes. The consumer takes the inbox whole into a
 * list of its own, in order, and delivers from there. The consumer's role may nest on one thread (a callback may
 * dispatch or wait). */
#ifndef ADB_CORE_COMPLETION_H
#define ADB_CORE_COMPLETION_H

#include "base/cacheline.h"
#include "base/list.h"
#include "base/ref.h"
#include "queue/gather.h"
#include "queue/mailbox.h"
#include "queue/notify.h"
#include "queue/slots.h"
#include "queue/spin.h"
#include "queue/trail.h"

#include <asyncdb/queue.h>

#include <pthread.h>

struct adb__job;
struct adb__jobs;
struct adb__lane;
struct adb_database;

struct adb__event;

/* What an event is to the consumer, who alone calls these. */
struct adb__event_kind {
    /* Take it out of its list, run its callback, let go of what it holds. The event may be gone afterwards. */
    void (*deliver_fn)(struct adb__event *event);
    /* The same for a caller that pulls: a result with its reference. NULL: there is nothing to pull in it; its callback
     * has run, or it came too late. */
    struct adb_result *(*pull_fn)(struct adb__event *event);
    /* Whose it is, when it is no job's. */
    const struct adb_database *(*database_fn)(const struct adb__event *event);
};

extern const struct adb__event_kind adb__outcome_kind; /* the end of a job */
extern const struct adb__event_kind adb__batch_kind;   /* rows of an iterate; core/stream.h */

/* Something for the thread that consumes a queue. That of a job is embedded in it, and holds it. */
struct adb__event {
    struct adb__list link;      /* in queue->arrived; the consumer's */
    const struct adb__event_kind *kind;
    struct adb__job *job;       /* NULL: no job's. A paused job's wait, whatever their kind */
    struct adb__mail mail;
    struct adb_result *result;  /* outcome or batch */
};

/* On the first lines of the cache is what those who post need, on the others what the consumer writes to. */
struct adb_queue {
    _Alignas(ADB__CACHE_LINE) struct adb__mailbox inbox;
    struct adb__notify notify;
    _Atomic bool whispered;     /* something was, since whoever waits has dozed */
    struct adb__trail trail;    /* the inbox's: to events */

    _Alignas(ADB__CACHE_LINE) struct adb__ref ref;
    _Atomic unsigned most;      /* events taken at once since whoever waits has dozed */
    struct adb__list arrived;   /* the consumer's */
    _Atomic uint32_t trail_seen; /* the consumer's; a hint for whoever waits */
    struct adb__gather gather;  /* whoever waits */
    struct adb__spin spin;      /* whoever waits */
    struct adb__spin doze;      /* whoever waits */
    bool dozed;                 /* whoever waits: the last time, until something had come */
    pthread_mutex_t gate;
    pthread_t consumer;         /* gate; valid while depth > 0 */
    unsigned depth;             /* gate; nested calls of the consumer */
    pthread_t regular;          /* gate; who consumed last */
    bool has_regular;           /* gate */
    _Atomic bool orphaned;      /* freed by its owner: whoever completes delivers */
    adb_queue_detach_cb detach; /* gate; takes it out of the loop that watches its descriptor; NULL: none does */
    void *watcher;              /* gate; what it takes */
    bool cut;                   /* the consumer's: detached in a callback, the dispatch around it ends */
    unsigned generation;        /* of the process; see core/process.h */
    uint8_t slots_stack;        /* from which jobs take their numbers whose outcomes come here; queue/slots.h */
};

/* Become the consumer. False: another thread is. */
bool adb__queue_enter(adb_queue *queue);
void adb__queue_leave(adb_queue *queue);
/* Wait until something may have come; false: perhaps not, look whether the deadline has passed. */
bool adb__queue_await(adb_queue *queue, int64_t deadline);
/* It was freed by its owner, and something has come: who brings it delivers it; or, when another thread is at it, that
 * one when it leaves. The caller keeps the queue. */
void adb__queue_drain_orphan(adb_queue *queue);
/* Move what has come into queue->arrived. Consumer. */
void adb__queue_collect(adb_queue *queue);
/* Take an event out and deliver it: callback, hold, reference. Consumer. */
void adb__event_deliver(struct adb__event *event);
/* Take an event out for a caller that pulls: its result, with the reference; NULL: it had none. Consumer. */
struct adb_result *adb__event_pull(struct adb__event *event);
/* Deliver all events of one database, when this thread may consume the queue: its regular consumer, or, with force,
 * any. Returns how many. */
size_t adb__queue_deliver_of(adb_queue *queue, const struct adb_database *db, bool force);
/* How many callbacks of a database are running on this thread, one inside the other. */
size_t adb__deliveries_here(const struct adb_database *db);
/* None of the jobs' slots is left: give back those of the outcomes whose callbacks are running on this thread. False:
 * there is none. */
bool adb__deliveries_give_up(const struct adb__jobs *jobs);
/* Freed by its owner. */
bool adb__queue_is_orphaned(const adb_queue *queue);
void adb__queue_ref(adb_queue *queue);
void adb__queue_unref(adb_queue *queue);
static inline bool adb__queue_is_direct(const adb_queue *queue)
{
    return queue == ADB_QUEUE_DIRECT;
}

#endif
