/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for one job, without delivering any other's outcome. */
#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"
#include "core/process.h"
#include "core/session.h"
#include "core/stream.h"
#include "model/error.h"

static adb_result *wait_failed(adb_status status, const char *message)
{
    adb_error error;
    adb__error_set(&error, status, "%s", message);
    return adb__result_failed(&error);
}

static struct adb__event *wait_find(const adb_queue *queue, adb_job id)
{
    ADB__LIST_FOR_EACH(link, (struct adb__list *)(uintptr_t)&queue->arrived) {
        struct adb__event *event = ADB__CONTAINER_OF(link, struct adb__event, link);
        if (event->kind == &adb__outcome_kind && event->job->id == id)
            return event;
    }
    return NULL;
}

/* The outcome was found: its callback runs, and the caller gets it too. */
static adb_result *wait_take(struct adb__event *event)
{
    if (event->job->done == NULL)
        return adb__event_pull(event); /* the caller looks at it: nothing for the log */
    adb_result *outcome = adb_result_ref(event->result);
    adb__event_deliver(event);
    return outcome;
}

/* Until it is resumed, which only the caller of the wait might do. One that was asked to end is paused no more. */
static bool wait_is_paused(const struct adb__job *job)
{
    return adb__job_is_paused(job) && adb__job_stop_reason(job) == ADB__STOP_NONE;
}

/* Rows of the job, and of an iterate that stands before it in its lane: unless they are taken the job never ends. What
 * is no job's comes along. Stops at the job's outcome, if that is there. False: the rows cannot be taken, because the
 * iterate is paused or to be pulled. */
static bool wait_feed(adb_queue *queue, const struct adb__lane *lane, adb_job id)
{
    struct adb__list *link = queue->arrived.next;
    while (link != &queue->arrived) {
        struct adb__event *event = ADB__CONTAINER_OF(link, struct adb__event, link);
        const struct adb__job *job = event->job;
        bool final = event->kind == &adb__outcome_kind;
        link = link->next;
        if (final && job->id == id)
            return true;
        if (final || (job != NULL && job->id != id && job->lane != lane))
            continue;
        if (job != NULL && (wait_is_paused(job) || (event->kind == &adb__batch_kind && job->batch == NULL)))
            return false;
        adb__event_deliver(event);
        link = queue->arrived.next; /* the callback may have taken any of them */
    }
    return true;
}

/* Is this thread inside a batch callback of the lane? Then the lane waits for it. */
static bool wait_is_inside(const struct adb__lane *lane)
{
    return atomic_load_explicit(&lane->delivering, memory_order_acquire) != NULL &&
           pthread_equal(lane->delivering_thread, pthread_self());
}

/* Is the job still to come, through this handle? */
static bool wait_is_due(const adb_context *ctx, adb_job id)
{
    uint32_t index;
    uint64_t word;
    return adb__jobs_find(&ctx->db->jobs, id, &index, &word) &&
           atomic_load_explicit(&ctx->db->jobs.slots[index].ctx, memory_order_relaxed) == ctx;
}

/* Consume the queue until the outcome is there. */
static adb_result *wait_for(adb_context *ctx, adb_job id, int64_t deadline)
{
    adb_queue *queue = ctx->queue;
    for (;;) {
        adb__queue_collect(queue);
        bool arrived = wait_find(queue, id) != NULL;
        if (!arrived && !wait_is_due(ctx, id))
            return wait_failed(ADB_E_NOT_FOUND, "no such job, or its outcome was delivered already");
        if (!arrived && wait_is_inside(ctx->lane))
            return wait_failed(ADB_E_DEADLOCK, "the job cannot end before this batch callback returns");
        if (!wait_feed(queue, ctx->lane, id))
            return wait_failed(ADB_E_DEADLOCK, "an iterate that is paused, or to be pulled, stands before the job");
        struct adb__event *event = wait_find(queue, id);
        if (event != NULL)
            return wait_take(event);
        if (!adb__queue_await(queue, deadline) && deadline <= adb__clock_now())
            return wait_failed(ADB_E_TIMEOUT, "the wait ran out; the job goes on");
    }
}

adb_result *adb_wait(adb_context *ctx, adb_job job, int timeout_ms)
{
    if (ctx == NULL)
        return wait_failed(ADB_E_INVAL, "the context is NULL");
    if (adb__database_is_forked(ctx->db))
        return wait_failed(ADB_E_FORKED, "this handle was made by a parent process");
    if (job == 0 && ctx->error.status != ADB_OK)
        return adb__result_failed(&ctx->error);
    if (job == 0)
        return wait_failed(ADB_E_NOT_FOUND, "0 is no job");
    if (adb__process_is_worker())
        return wait_failed(ADB_E_DEADLOCK, "a worker cannot wait for a job");
    if (adb__queue_is_direct(ctx->queue))
        return wait_failed(ADB_E_STATE, "outcomes of this context are delivered on the worker");
    if (!adb__queue_enter(ctx->queue))
        return wait_failed(ADB_E_STATE, "another thread is using the queue of this context");
    adb_queue *queue = ctx->queue;
    adb__ref_take(&ctx->ref); /* a callback may free the handle */
    adb_result *result = wait_for(ctx, job, adb__deadline_in(adb__clock_now(), timeout_ms));
    adb__queue_leave(queue);
    adb__context_unref(ctx);
    return result;
}
