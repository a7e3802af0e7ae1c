/* SPDX-License-Identifier: BSD-3-Clause */
/* Finished jobs and batches: hand over, wake, deliver.
 *
 * Any thread pushes an event; one thread at a time consumes. The consumer takes the inbox whole into a list of its own,
 * in order, and delivers from there. The consumer's role may nest on one thread (a callback may dispatch or wait). */
#ifndef ADB_CORE_COMPLETION_H
#define ADB_CORE_COMPLETION_H

#include "base/list.h"
#include "base/ref.h"
#include "queue/mailbox.h"
#include "queue/notify.h"

#include <asyncdb/queue.h>

#include <pthread.h>

struct adb__job;
struct adb__lane;
struct adb_database;

/* One outcome, or one batch of an iterate. Embedded in its job, which it holds. */
struct adb__event {
    struct adb__mail mail;
    struct adb__list link;      /* in queue->arrived; the consumer's */
    struct adb__job *job;
    struct adb_result *result;
    bool final;                 /* the job's outcome, not a batch */
};

struct adb_queue {
    struct adb__ref ref;
    struct adb__mailbox inbox;
    struct adb__notify notify;
    struct adb__list arrived;   /* the consumer's */
    pthread_mutex_t gate;
    pthread_t consumer;         /* gate; valid while depth > 0 */
    unsigned depth;             /* gate; nested calls of the consumer */
    pthread_t regular;          /* gate; who consumed last */
    bool has_regular;           /* gate */
    _Atomic bool orphaned;      /* freed by its owner: whoever completes delivers */
    unsigned generation;        /* of the process; see core/process.h */
};

/* Hand an event over: from any thread, without a lock. For ADB_QUEUE_DIRECT it is delivered here. */
void adb__queue_post(adb_queue *queue, struct adb__event *event);

/* Hand over the outcome of a job that is DONE: for whoever brought it there. */
void adb__job_deliver(struct adb__job *job, struct adb_result *outcome);

/* Become the consumer. False: another thread is. */
bool adb__queue_enter(adb_queue *queue);
void adb__queue_leave(adb_queue *queue);
/* Move what has come into queue->arrived. Consumer. */
void adb__queue_collect(adb_queue *queue);
/* Take an event out and deliver it: callback, hold, reference. Consumer. */
void adb__event_deliver(struct adb__event *event);
/* Take an event out for a caller that pulls: its result, with the reference. Consumer. */
struct adb_result *adb__event_pull(struct adb__event *event);
/* Deliver all events of one database, when this thread may consume the queue: its regular consumer, or, with force,
 * any. Returns how many. */
size_t adb__queue_deliver_of(adb_queue *queue, const struct adb_database *db, bool force);
/* How many callbacks of a database are running on this thread, one inside the other. */
size_t adb__deliveries_here(const struct adb_database *db);
/* Freed by its owner. */
bool adb__queue_is_orphaned(const adb_queue *queue);
void adb__queue_ref(adb_queue *queue);
void adb__queue_unref(adb_queue *queue);
static inline bool adb__queue_is_direct(const adb_queue *queue)
{
    return queue == ADB_QUEUE_DIRECT;
}

#endif
