/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion queues: events come in from any thread, one consumer delivers them. */
#include "core/completion.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"
#include "core/job.h"
#include "core/process.h"

#include <errno.h>

/* Who waits looks for an outcome before it sleeps: what it takes to run a short job, and what it takes to wake a worker
 * before that. */
static const struct adb__spin_limits look = {.ns = 8000, .again_ns = 50000, .skip_most = 63};

/* So long it dozes before it sleeps, where that has brought several outcomes at once lately: the longest that an
 * outcome can be kept from who waits for it, give or take what the system makes of a timer. */
static const struct adb__spin_limits doze = {.ns = 200000, .again_ns = 200000, .skip_most = 63};

/* Fewer at once are not worth setting it. */
#define DOZE_LEAST 4

/* So many events are asked for before the first is needed. With 4 it is as good, with 32 no better. */
#define EVENTS_AHEAD 8

struct adb_queue adb_queue_direct;

/* Made so far. */
static atomic_uint n_queues;

adb_queue *adb_queue_new(void)
{
    adb_queue *queue = adb__alloc_lines(1, sizeof(*queue));
    if (queue == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    int refusal = adb__notify_open(&queue->notify);
    if (refusal == 0) {
        refusal = pthread_mutex_init(&queue->gate, NULL);
        if (refusal != 0)
            adb__notify_close(&queue->notify);
    }
    if (refusal != 0) {
        adb__free_lines(queue);
        errno = refusal;
        return NULL;
    }
    adb__ref_init(&queue->ref, 1);
    adb__mailbox_init(&queue->inbox);
    adb__list_init(&queue->arrived);
    adb__process_begin();
    queue->generation = adb__process_generation();
    /* relaxed: it need not be another than the one before */
    queue->slots_stack = atomic_fetch_add_explicit(&n_queues, 1, memory_order_relaxed) % ADB__SLOT_STACKS;
    return queue;
}

void adb__queue_ref(adb_queue *queue)
{
    if (!adb__queue_is_direct(queue))
        adb__ref_take(&queue->ref);
}

void adb__queue_unref(adb_queue *queue)
{
    if (adb__queue_is_direct(queue) || !adb__ref_drop(&queue->ref))
        return;
    adb__notify_close(&queue->notify);
    pthread_mutex_destroy(&queue->gate);
    adb__free_lines(queue);
}

static bool queue_is_usable(const adb_queue *queue)
{
    return queue != NULL && !adb__queue_is_direct(queue) && queue->generation == adb__process_generation();
}

int adb_queue_fd(const adb_queue *queue)
{
    /* const to the caller: that somebody may poll from now on is nothing it can see. */
    return queue_is_usable(queue) ? adb__notify_fd((struct adb__notify *)(uintptr_t)&queue->notify) : -1;
}

bool adb__queue_enter(adb_queue *queue)
{
    pthread_t self = pthread_self();
    pthread_mutex_lock(&queue->gate);
    bool mine = queue->depth == 0 || pthread_equal(queue->consumer, self);
    if (mine) {
        queue->consumer = queue->regular = self;
        queue->has_regular = true;
        queue->cut = queue->cut && queue->depth > 0;
        queue->depth++;
    }
    pthread_mutex_unlock(&queue->gate);
    return mine;
}

/* True when the outermost level was left. */
static bool queue_step_out(adb_queue *queue)
{
    pthread_mutex_lock(&queue->gate);
    bool out = --queue->depth == 0;
    pthread_mutex_unlock(&queue->gate);
    return out;
}

/* A paused iterate keeps its place: nothing of it is delivered, unless it was cancelled, its deadline passed, or the
 * queue was freed, which stops it. Nor is anything of an iterate whose batch callback is running. */
static bool queue_holds(const adb_queue *queue, const struct adb__event *event)
{
    if (event->job == NULL || !adb__job_comes_in_parts(event->job))
        return false;
    if (atomic_load_explicit(&event->job->lane->delivering, memory_order_acquire) == event->job)
        return true;
    return adb__job_is_paused(event->job) && adb__job_stop_reason(event->job) == ADB__STOP_NONE &&
           !adb__queue_is_orphaned(queue);
}

static struct adb__event *queue_first(adb_queue *queue)
{
    ADB__LIST_FOR_EACH(link, &queue->arrived) {
        struct adb__event *event = ADB__CONTAINER_OF(link, struct adb__event, link);
        if (!queue_holds(queue, event))
            return event;
    }
    return NULL;
}

/* While one event is delivered, have come what is needed of the next: the worker has written to it, and its context may
 * not have been used for long. */
static void queue_expect(const adb_queue *queue, const struct adb__event *event)
{
    struct adb__list *link = event->link.next;
    const struct adb__job *job = link == &queue->arrived ? NULL : ADB__CONTAINER_OF(link, struct adb__event, link)->job;
    if (job == NULL)
        return;
    adb__cacheline_fetch_own(adb__job_slot(job));
    adb__cacheline_fetch_own(&job->result);
    adb__cacheline_fetch_own(job->ctx);
    /* Its callback submits the next, as a rule, to the same lane, and the one after that has the memory of this. */
    adb__cacheline_fetch_own(job->lane);
    adb__cacheline_fetch_own(&job->statement);
    adb__cacheline_fetch_own(&job->work);
}

bool adb__queue_is_orphaned(const adb_queue *queue)
{
    return atomic_load_explicit(&queue->orphaned, memory_order_acquire);
}

void adb__queue_collect(adb_queue *queue)
{
    struct adb__mail *word = adb__queue_is_orphaned(queue) ? ADB__MAILBOX_ORPHANED : ADB__MAILBOX_IDLE;
    /* Clear before taking: a push after the taking signals anew. */
    adb__notify_clear(&queue->notify);
    struct adb__mail *mail = adb__mailbox_empty(&queue->inbox, word);
    struct adb__retrace retrace = adb__trail_retrace(&queue->trail, &queue->trail_seen);
    for (unsigned i = 0; i < EVENTS_AHEAD; i++)
        adb__retrace_fetch(&retrace, sizeof(struct adb__event));
    struct adb__list *younger = &queue->arrived;
    unsigned n = 0;
    for (; adb__mail_is_some(mail); n++) {
        struct adb__event *event = ADB__CONTAINER_OF(mail, struct adb__event, mail);
        adb__retrace_fetch(&retrace, sizeof(*event));
        mail = mail->next;
        adb__list_append(younger, &event->link); /* that is, before it */
        younger = &event->link;
    }
    /* relaxed: a hint for whoever waits next */
    if (n > atomic_load_explicit(&queue->most, memory_order_relaxed))
        atomic_store_explicit(&queue->most, n, memory_order_relaxed);
}

/* The queue was freed by its owner: what arrives is delivered by whoever brings it; or, when that one finds another
 * thread at it, by that thread when it leaves. */
void adb__queue_drain_orphan(adb_queue *queue)
{
    do {
        if (!adb__queue_enter(queue))
            return;
        adb__queue_collect(queue);
        for (struct adb__event *event = queue_first(queue); event != NULL; event = queue_first(queue))
            adb__event_deliver(event);
        queue_step_out(queue);
    } while (adb__mailbox_waiting(&queue->inbox));
}

void adb__queue_leave(adb_queue *queue)
{
    bool some_left = queue_first(queue) != NULL;
    if (!queue_step_out(queue))
        return;
    if (adb__queue_is_orphaned(queue))
        adb__queue_drain_orphan(queue); /* freed in a callback */
    else if (some_left)
        adb__notify_signal(&queue->notify); /* readable as long as something waits */
}

static void log_unseen(const struct adb__job *job, const struct adb_result *outcome)
{
    if (outcome->error.status != ADB_OK && outcome->error.status != ADB_E_CANCELLED)
        adb__log(&job->ctx->db->log, ADB__LOG_ERROR, "job failed and nobody looked: %s: %s",
                 adb_status_name(outcome->error.status), outcome->error.message);
}

/* The callbacks that are running on this thread, innermost first: close must not wait for those that it is called
 * in. */
struct delivery {
    const struct adb_database *db;
    struct adb__job *job; /* still has its slot; NULL: it has been given up */
    struct delivery *outer;
};

static _Thread_local struct delivery *deliveries;

size_t adb__deliveries_here(const struct adb_database *db)
{
    size_t n = 0;
    for (const struct delivery *d = deliveries; d != NULL; d = d->outer)
        n += d->db == db;
    return n;
}

bool adb__deliveries_give_up(const struct adb__jobs *jobs)
{
    bool some = false;
    for (struct delivery *d = deliveries; d != NULL; d = d->outer) {
        if (d->job == NULL || d->job->jobs != jobs)
            continue;
        adb__job_give_up(d->job);
        d->job = NULL;
        some = true;
    }
    return some;
}

/* The outcome leaves the library, but for the delivery's hold of the job, and the context. Returns the result, with its
 * reference. */
static struct adb_result *outcome_take(struct adb__event *event)
{
    struct adb__job *job = event->job;
    struct adb_result *outcome = event->result;
    adb__list_remove(&event->link);
    if (adb__queue_is_direct(job->ctx->queue))
        adb__counter_add(&job->ctx->delivered, 1);
    else
        adb__counter_add_own(&job->ctx->delivered, 1); /* one consumer at a time */
    atomic_store_explicit(&job->delivered, true, memory_order_relaxed);
    /* nobody waits for it or resumes it any more, even while its lane still has the slot */
    atomic_store_explicit(&job->jobs->slots[job->index].ctx, NULL, memory_order_relaxed);
    return outcome;
}

static void outcome_deliver(struct adb__event *event)
{
    struct adb__job *job = event->job;
    adb_context *ctx = job->ctx;
    adb_done_cb done = adb__database_is_muted(ctx->db) ? NULL : job->done;
    if (done == NULL)
        log_unseen(job, event->result);
    struct adb_result *outcome = outcome_take(event);
    struct delivery here = {.db = ctx->db, .job = job, .outer = deliveries};
    deliveries = &here;
    if (done != NULL)
        done(outcome, outcome->user_data);
    deliveries = here.outer;
    /* First the outcome: if nobody keeps it, its memory stays with the slot. */
    if (here.job != NULL) {
        adb__job_end_outcome(job, outcome);
        adb__job_returned(job);
        adb__job_drop(job);
    } else {
        adb_result_unref(outcome);
        adb__jobs_returned(&ctx->db->jobs);
    }
    adb__context_unref(ctx);
}

static struct adb_result *outcome_pull(struct adb__event *event)
{
    struct adb__job *job = event->job;
    adb_context *ctx = job->ctx;
    struct adb_result *outcome = outcome_take(event);
    adb__job_returned(job);
    adb__job_drop(job);
    adb__context_unref(ctx);
    return outcome;
}

const struct adb__event_kind adb__outcome_kind = {.deliver_fn = outcome_deliver, .pull_fn = outcome_pull};

/* Nearly all events are outcomes: they are called by name. */
void adb__event_deliver(struct adb__event *event)
{
    if (event->kind == &adb__outcome_kind)
        outcome_deliver(event);
    else
        event->kind->deliver_fn(event);
}

struct adb_result *adb__event_pull(struct adb__event *event)
{
    return event->kind->pull_fn(event);
}

static const struct adb_database *event_database(const struct adb__event *event)
{
    return event->job != NULL ? event->job->ctx->db : event->kind->database_fn(event);
}

size_t adb_queue_dispatch(adb_queue *queue, size_t max)
{
    if (!queue_is_usable(queue) || !adb__queue_enter(queue))
        return 0;
    adb__queue_ref(queue); /* a callback may free it */
    adb__queue_collect(queue);
    size_t n = 0;
    size_t limit = max;
    if (limit == 0) {
        ADB__LIST_FOR_EACH(link, &queue->arrived)
            limit++;
    }
    while (n < limit && !queue->cut) {
        struct adb__event *event = queue_first(queue);
        if (event == NULL)
            break;
        queue_expect(queue, event);
        adb__event_deliver(event);
        n++;
    }
    adb__queue_leave(queue);
    adb__queue_unref(queue);
    return n;
}

adb_result *adb_queue_next(adb_queue *queue)
{
    if (!queue_is_usable(queue) || !adb__queue_enter(queue))
        return NULL;
    adb__queue_ref(queue); /* a notification's callback may free it */
    adb__queue_collect(queue);
    struct adb_result *result = NULL;
    for (struct adb__event *event = queue_first(queue); event != NULL && result == NULL; event = queue_first(queue))
        result = adb__event_pull(event); /* NULL: a batch that came too late, or a notification */
    adb__queue_leave(queue);
    adb__queue_unref(queue);
    return result;
}

/* For a moment, where that has paid lately, whispers may gather. */
static bool queue_doze(adb_queue *queue, int64_t deadline)
{
    /* relaxed: hints */
    if (queue->dozed && atomic_load_explicit(&queue->whispered, memory_order_relaxed) &&
        atomic_load_explicit(&queue->most, memory_order_relaxed) >= DOZE_LEAST)
        adb__spin_paid(&queue->doze, 0);
    atomic_store_explicit(&queue->most, 0, memory_order_relaxed);
    atomic_store_explicit(&queue->whispered, false, memory_order_relaxed);
    int64_t until = adb__spin_until(&queue->doze, &doze, adb__clock_now(), true);
    queue->dozed = until != 0 && until < deadline && adb__notify_doze(&queue->notify, until);
    return queue->dozed;
}

/* Threads of this process that look, each for its own queue. A hint: where several do, they offer the processor to each
 * other, and whoever has it for long works for them. */
static _Atomic unsigned n_looking;

/* For a moment, where that has paid lately, look rather than sleep. */
static bool queue_look(adb_queue *queue, int64_t now, int64_t deadline)
{
    bool found = false;
    /* relaxed: hints */
    const bool alone = atomic_fetch_add_explicit(&n_looking, 1, memory_order_relaxed) == 0;
    const int64_t until = adb__spin_until(&queue->spin, &look, now, alone);
    while (now < deadline && now < until + queue->spin.given && !found) {
        now = adb__spin_pause(&queue->spin, now);
        found = adb__notify_is_signalled(&queue->notify);
        if (found)
            adb__spin_paid(&queue->spin, now);
    }
    atomic_fetch_sub_explicit(&n_looking, 1, memory_order_relaxed);
    return found;
}

bool adb__queue_await(adb_queue *queue, int64_t deadline)
{
    if (adb__notify_is_signalled(&queue->notify))
        return true;
    const int64_t now = adb__clock_now();
    return deadline > now && (queue_look(queue, now, deadline) || queue_doze(queue, deadline) ||
                              adb__notify_wait(&queue->notify, deadline));
}

static uint32_t trail_count(const void *trail)
{
    return adb__trail_count(trail);
}

/* Some have come. Where more come quickly, wait for as many as are to be taken together. */
static void queue_gather(adb_queue *queue)
{
    /* relaxed: a hint */
    const uint32_t seen = atomic_load_explicit(&queue->trail_seen, memory_order_relaxed);
    adb__gather_wait(&queue->gather, seen, trail_count, &queue->trail);
}

adb_status adb_queue_wait(adb_queue *queue, int timeout_ms)
{
    if (queue == NULL || adb__queue_is_direct(queue))
        return ADB_E_INVAL;
    if (!queue_is_usable(queue))
        return ADB_E_FORKED;
    if (adb__process_is_worker())
        return ADB_E_DEADLOCK;
    int64_t deadline = adb__deadline_in(adb__clock_now(), timeout_ms);
    while (!adb__queue_await(queue, deadline)) {
        if (deadline <= adb__clock_now())
            return ADB_E_TIMEOUT;
    }
    if (timeout_ms != 0)
        queue_gather(queue);
    /* Without an event it was adb_queue_wake(), which is used up by one wait; the flag must not hide an event. With
     * one, the flag is left to who takes it: to clear and set it here is two system calls for nothing. */
    if (!adb__mailbox_waiting(&queue->inbox) && adb__queue_enter(queue)) {
        adb__queue_collect(queue);
        adb__queue_leave(queue);
    }
    return ADB_OK;
}

void adb_queue_wake(adb_queue *queue)
{
    if (queue != NULL && !adb__queue_is_direct(queue))
        adb__notify_signal(&queue->notify);
}

size_t adb__queue_deliver_of(adb_queue *queue, const struct adb_database *db, bool force)
{
    if (adb__queue_is_direct(queue))
        return 0;
    pthread_mutex_lock(&queue->gate);
    bool ours = force || !queue->has_regular || pthread_equal(queue->regular, pthread_self());
    pthread_mutex_unlock(&queue->gate);
    if (!ours || !adb__queue_enter(queue))
        return 0;
    adb__queue_ref(queue);
    adb__queue_collect(queue);
    size_t n = 0;
    struct adb__list *link = queue->arrived.next;
    while (link != &queue->arrived) {
        struct adb__event *event = ADB__CONTAINER_OF(link, struct adb__event, link);
        link = link->next;
        if (event_database(event) != db || (queue_holds(queue, event) && !force))
            continue;
        adb__event_deliver(event);
        n++;
        link = queue->arrived.next; /* the callback may have taken any of them */
    }
    adb__queue_leave(queue);
    adb__queue_unref(queue);
    return n;
}

void adb_queue_free(adb_queue *queue)
{
    if (queue == NULL || adb__queue_is_direct(queue))
        return;
    adb_queue_detach(queue);
    if (queue->generation == adb__process_generation()) {
        /* release: whoever is the consumer sees it at the latest when it leaves, as the gate is a lock; and the last
         * one to leave lets the next event know. */
        atomic_store_explicit(&queue->orphaned, true, memory_order_release);
        if (adb__queue_enter(queue)) {
            adb__queue_collect(queue);
            for (struct adb__event *event = queue_first(queue); event != NULL; event = queue_first(queue))
                adb__event_deliver(event);
            adb__queue_leave(queue);
        }
        adb__queue_drain_orphan(queue);
    }
    adb__queue_unref(queue);
}
