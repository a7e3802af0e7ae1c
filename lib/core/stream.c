/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate: hand a batch over, wait for room, take the caller's answer. */
#include "core/stream.h"

#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"
#include "core/post.h"
#include "core/worker.h"
#include "model/error.h"

/* The first batch, so that it comes soon. */
#define FIRST_ROWS  1024
#define FIRST_BYTES 65536

/* However much is allowed, no batch is so many times the first. */
#define MOST_SCALE 64

/* A batch that is filled sooner is hardly worth waking a thread for; in one that takes longer the first rows wait for
 * long. */
#define QUICK_NS (1 * ADB__NS_PER_MS)
#define SLOW_NS  (4 * ADB__NS_PER_MS)

static struct adb__worker *job_worker(const struct adb__job *job)
{
    return atomic_load_explicit(&job->jobs->slots[job->index].worker, memory_order_acquire);
}

/* Is the job to stop, or has the caller seen enough? A batch of a cancelled job is answered for it, as if by the
 * caller: so the answer is read first, and whoever sees it sees the cancel, too. */
static adb_status stream_check(struct adb__job *job, adb_error *error)
{
    /* acquire: pairs with the release in stream_answer() */
    const bool stopped = atomic_load_explicit(&job->stream.stopped, memory_order_acquire);
    const adb_status status = adb__worker_check_stop(job_worker(job), error);
    return status == ADB_OK && stopped ? ADB__SINK_ENOUGH : status;
}

/* Wait for room. The parker is woken by whoever takes a batch, by resume, and by whoever stops the job. */
static adb_status stream_wait(struct adb__job *job, adb_error *error)
{
    for (;;) {
        const adb_status status = stream_check(job, error);
        if (status != ADB_OK)
            return status;
        bool held = adb__queue_is_direct(job->ctx->queue) && adb__job_is_paused(job);
        if (!held && atomic_load_explicit(&job->stream.in_flight, memory_order_acquire) < ADB__STREAM_BATCHES)
            return ADB_OK;
        adb__worker_rest(job_worker(job), job->deadline);
    }
}

/* An empty batch in the place of a full one: that which came back with the event, or a new one. */
static adb_status stream_replace(struct adb__event *event, struct adb__sink *sink, adb_error *error)
{
    struct adb_result *full = sink->result;
    struct adb_result *empty = event->result != NULL ? event->result : adb__result_new();
    event->result = NULL;
    if (empty == NULL || adb__result_share_columns(empty, full) != ADB_OK) {
        adb_result_unref(empty);
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a batch");
    }
    sink->result = empty;
    event->result = full;
    return ADB_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void adb__stream_limit(struct adb__sink *sink, size_t most_rows, size_t most_bytes, unsigned scale)
{
    sink->batch_rows = least(most_rows, (size_t)FIRST_ROWS * scale);
    sink->batch_bytes = least(most_bytes, (size_t)FIRST_BYTES * scale);
}

static void stream_scale(struct adb__stream *stream, struct adb__sink *sink, unsigned scale)
{
    stream->scale = scale;
    adb__stream_limit(sink, stream->most_rows, stream->most_bytes, scale);
}

void adb__stream_begin(struct adb__stream *stream, struct adb__sink *sink)
{
    stream->handed_at = adb__clock_now();
    stream_scale(stream, sink, 1);
}

static bool stream_may_grow(const struct adb__job *job, const struct adb__sink *sink)
{
    const struct adb__stream *stream = &job->stream;
    return (sink->batch_rows < stream->most_rows || sink->batch_bytes < stream->most_bytes) &&
           2 * stream->scale < MOST_SCALE && !adb__queue_is_direct(job->ctx->queue);
}

/* A batch is full: how large is the next to be? A caller that does not keep up never sleeps, and one that is called on
 * this thread does not either: larger ones would save them nothing. */
static void stream_pace(struct adb__job *job, struct adb__sink *sink)
{
    struct adb__stream *stream = &job->stream;
    const int64_t now = adb__clock_now();
    const int64_t took_ns = now - stream->handed_at;
    const bool keeps_up = atomic_load_explicit(&stream->in_flight, memory_order_relaxed) < ADB__STREAM_BATCHES;
    stream->handed_at = now;
    if (stream->scale > 1 && (!keeps_up || took_ns > SLOW_NS))
        stream_scale(stream, sink, stream->scale / 2);
    else if (keeps_up && took_ns < QUICK_NS && stream_may_grow(job, sink))
        stream_scale(stream, sink, stream->scale * 2);
}

adb_status adb__stream_flush(struct adb__sink *sink, adb_error *error)
{
    struct adb__job *job = sink->owner;
    struct adb__stream *stream = &job->stream;
    if (sink->result->n_rows == 0)
        return ADB_OK;
    struct adb__event *event = &stream->batches[stream->next];
    stream_pace(job, sink);
    adb_status status = stream_wait(job, error);
    if (status == ADB_OK)
        status = stream_replace(event, sink, error);
    if (status != ADB_OK)
        return status;
    stream->next = (stream->next + 1) % ADB__STREAM_BATCHES;
    event->job = job;
    event->kind = &adb__batch_kind;
    event->result->job = job->id;
    event->result->user_data = job->user_data;
    event->result->more = true;
    adb__ref_take(&job->holds);
    adb__ref_take(&job->ctx->ref);
    atomic_fetch_add_explicit(&stream->in_flight, 1, memory_order_relaxed);
    adb__queue_post(job->ctx->queue, event);
    return stream_check(job, error);
}

void adb__stream_init(struct adb__stream *stream)
{
    atomic_init(&stream->in_flight, 0);
    atomic_init(&stream->stopped, false);
    stream->next = 0;
    for (size_t i = 0; i < ADB__STREAM_BATCHES; i++)
        stream->batches[i].result = NULL;
}

void adb__stream_fini(struct adb__stream *stream)
{
    for (size_t i = 0; i < ADB__STREAM_BATCHES; i++) {
        adb_result_unref(stream->batches[i].result);
        stream->batches[i].result = NULL;
    }
}

/* The event is free for the next batch from here on. */
static void stream_answer(struct adb__job *job, adb_flow flow)
{
    struct adb__stream *stream = &job->stream;
    if (flow == ADB_STOP)
        atomic_store_explicit(&stream->stopped, true, memory_order_release);
    /* release: pairs with the acquire in stream_wait() */
    atomic_fetch_sub_explicit(&stream->in_flight, 1, memory_order_release);
    struct adb__worker *worker = job_worker(job);
    if (worker != NULL)
        adb__worker_wake(worker);
}

/* Has the outcome left already? */
static bool job_is_delivered(const struct adb__job *job)
{
    return atomic_load_explicit(&job->delivered, memory_order_relaxed);
}

static struct adb_result *batch_take(struct adb__event *event)
{
    struct adb_result *batch = event->result;
    adb__list_remove(&event->link);
    event->result = NULL;
    return batch;
}

static bool batch_is_wanted(const struct adb__job *job)
{
    return job->batch != NULL && !adb__database_is_muted(job->ctx->db) &&
           !adb__queue_is_orphaned(job->ctx->queue) &&
           !atomic_load_explicit(&job->stream.stopped, memory_order_acquire);
}

/* Run the caller's function on a batch. Meanwhile its lane is marked, so that a wait for it is refused, and the job is
 * paused, so that a dispatch inside the function leaves it alone and an adb_resume() inside it is not lost. */
static adb_flow batch_call(struct adb__job *job, struct adb_result *batch)
{
    struct adb__lane *lane = job->lane;
    if (!batch_is_wanted(job) || adb__job_is_paused(job))
        return ADB_STOP; /* paused: it was stopped meanwhile */
    adb__job_pause(job);
    lane->delivering_thread = pthread_self();
    atomic_store_explicit(&lane->delivering, job, memory_order_release);
    adb_flow flow = job->batch(batch, job->user_data);
    atomic_store_explicit(&lane->delivering, NULL, memory_order_release);
    if (flow != ADB_PAUSE)
        adb__job_go_on(job);
    return flow;
}

static void batch_deliver(struct adb__event *event)
{
    struct adb__job *job = event->job;
    adb_context *ctx = job->ctx;
    struct adb_result *batch = batch_take(event);
    if (job_is_delivered(job)) {
        adb_result_unref(batch);
    } else {
        const adb_flow flow = batch_call(job, batch);
        event->result = adb__result_recycle(batch);
        stream_answer(job, flow);
    }
    adb__job_drop(job);
    adb__context_unref(ctx);
}

static struct adb_result *batch_pull(struct adb__event *event)
{
    struct adb__job *job = event->job;
    adb_context *ctx = job->ctx;
    struct adb_result *batch = batch_take(event);
    if (job_is_delivered(job)) {
        adb_result_unref(batch);
        batch = NULL;
    } else {
        stream_answer(job, ADB_CONTINUE);
    }
    adb__job_drop(job);
    adb__context_unref(ctx);
    return batch;
}

const struct adb__event_kind adb__batch_kind = {.deliver_fn = batch_deliver, .pull_fn = batch_pull};

adb_status adb_resume(adb_context *ctx, adb_job id)
{
    uint32_t index;
    uint64_t word;
    if (ctx == NULL)
        return ADB_E_INVAL;
    if (adb__database_is_forked(ctx->db))
        return ADB_E_FORKED;
    struct adb__jobs *jobs = &ctx->db->jobs;
    if (!adb__jobs_find(jobs, id, &index, &word) ||
        atomic_load_explicit(&jobs->slots[index].ctx, memory_order_relaxed) != ctx)
        return ADB_E_NOT_FOUND;
    adb__jobs_resume(jobs, index, word);
    struct adb__worker *worker = atomic_load_explicit(&jobs->slots[index].worker, memory_order_acquire);
    if (worker != NULL)
        adb__worker_wake(worker);
    if (!adb__queue_is_direct(ctx->queue))
        adb_queue_wake(ctx->queue);
    return ADB_OK;
}
