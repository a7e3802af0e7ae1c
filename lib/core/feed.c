/* SPDX-License-Identifier: BSD-3-Clause */
/* Lend a chunk to the caller, run the caller's function on it, wait for it to come back. */
#include "core/feed.h"

#include "base/alloc.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/database.h"
#include "core/post.h"
#include "core/worker.h"
#include "model/error.h"
#include "model/sink.h"

/* Both ways -------------------------------------------------------------------------------------------------------- */

static struct adb__worker *job_worker(const struct adb__job *job)
{
    return atomic_load_explicit(&job->jobs->slots[job->index].worker, memory_order_acquire);
}

static bool job_is_direct(const struct adb__job *job)
{
    return adb__queue_is_direct(job->ctx->queue);
}

static struct adb__chunk *event_chunk(struct adb__event *event)
{
    return ADB__CONTAINER_OF(event, struct adb__chunk, event);
}

static bool chunk_is_lent(const struct adb__chunk *chunk)
{
    /* acquire: pairs with the release in chunk_return() */
    return atomic_load_explicit(&chunk->lent, memory_order_acquire);
}

static void chunk_lend(struct adb__job *job, struct adb__chunk *chunk, const struct adb__event_kind *kind)
{
    chunk->event.kind = kind;
    chunk->event.job = job;
    chunk->event.result = NULL;
    adb__list_init(&chunk->event.link);
    adb__ref_take(&job->holds);
    adb__ref_take(&job->ctx->ref);
    atomic_store_explicit(&chunk->lent, true, memory_order_relaxed); /* published by the post */
    if (!job_is_direct(job))
        adb__queue_post(job->ctx->queue, &chunk->event); /* else the worker delivers it, in feed_await() */
}

/* The caller is through with it: its event is over, and the worker may go on. */
static void chunk_return(struct adb__chunk *chunk)
{
    struct adb__job *job = chunk->event.job;
    adb_context *ctx = job->ctx;
    struct adb__worker *worker = job_worker(job);
    adb__list_remove(&chunk->event.link);
    atomic_store_explicit(&chunk->lent, false, memory_order_release);
    if (worker != NULL)
        adb__worker_wake(worker);
    adb__job_drop(job);
    adb__context_unref(ctx);
}

/* seq_cst, as pausing and going on are: either adb__feed_close() finds the job paused and ends that, or whoever has
 * paused it finds the feed stopped. */
static bool feed_is_stopped(const struct adb__feed *feed)
{
    return atomic_load_explicit(&feed->stopped, memory_order_seq_cst);
}

/* Is there anybody who may be called? */
static bool feed_is_open(const struct adb__job *job)
{
    return !feed_is_stopped(&job->copy->feed) && !adb__database_is_muted(job->ctx->db) &&
           !adb__queue_is_orphaned(job->ctx->queue);
}

/* Around the caller's function. Meanwhile its lane is marked, so that a wait for it is refused, and the job is paused,
 * so that a dispatch inside the function leaves it alone and an adb_resume() inside it is not lost. */
static void call_begin(struct adb__job *job)
{
    adb__job_pause(job);
    job->lane->delivering_thread = pthread_self();
    atomic_store_explicit(&job->lane->delivering, job, memory_order_release);
}

static void call_end(struct adb__job *job, bool paused)
{
    atomic_store_explicit(&job->lane->delivering, NULL, memory_order_release);
    if (!paused || feed_is_stopped(&job->copy->feed))
        adb__job_go_on(job);
}

/* Wait until a chunk is the worker's own. Where callbacks run on the worker it makes the calls here, and looks whether
 * one that has paused was resumed. */
static adb_status feed_await(struct adb__job *job, struct adb__chunk *chunk, adb_error *error)
{
    struct adb__worker *worker = job_worker(job);
    for (;;) {
        adb_status status = adb__worker_check_stop(worker, error);
        if (status != ADB_OK)
            return status;
        bool held = job_is_direct(job) && adb__job_is_paused(job);
        if (!chunk_is_lent(chunk) && (!held || job->copy->produce != NULL))
            return ADB_OK;
        if (job_is_direct(job) && !held)
            adb__event_deliver(&chunk->event);
        else
            adb__worker_rest(worker, job->deadline);
    }
}

void adb__feed_close(struct adb__job *job)
{
    struct adb__feed *feed = &job->copy->feed;
    atomic_store_explicit(&feed->stopped, true, memory_order_seq_cst);
    adb__job_go_on(job); /* the outcome does not wait for a producer that has paused */
    for (size_t i = 0; i < ADB__FEED_CHUNKS && job_is_direct(job); i++) {
        if (chunk_is_lent(&feed->chunks[i]))
            adb__event_deliver(&feed->chunks[i].event);
    }
}

void adb__feed_fini(struct adb__feed *feed)
{
    for (size_t i = 0; i < ADB__FEED_CHUNKS; i++)
        adb__buf_fini(&feed->chunks[i].bytes);
}

/* In --------------------------------------------------------------------------------------------------------------- */

adb_status adb__feed_judge(ptrdiff_t answer, size_t room, adb_error *error)
{
    if (answer >= 0 && (size_t)answer <= room)
        return ADB_OK;
    if (answer == ADB_COPY_ABORT)
        return adb__error_set(error, ADB_E_CANCELLED, "the producer gave the copy up");
    if (answer > 0)
        return adb__error_set(error, ADB_E_INVAL, "the producer has written %td bytes where there was room for %zu",
                              answer, room);
    return adb__error_set(error, ADB_E_INVAL, "%td is no answer of a producer", answer);
}

/* One call of the producer, behind what it has written already. False: it has no more for now. */
static bool input_call(struct adb__job *job, struct adb__chunk *chunk)
{
    chunk->room = ADB__FEED_BYTES - chunk->bytes.size;
    call_begin(job);
    chunk->answer = job->copy->produce(chunk->bytes.bytes + chunk->bytes.size, chunk->room, job->user_data);
    call_end(job, chunk->answer == ADB_COPY_PAUSE);
    if (chunk->answer == ADB_COPY_PAUSE)
        return false;
    if (chunk->answer > 0 && (size_t)chunk->answer <= chunk->room) {
        chunk->bytes.size += (size_t)chunk->answer;
        return true;
    }
    job->copy->feed.ended = true; /* 0, or no answer at all */
    return false;
}

/* Have the chunk filled by at least half, so that a producer of single records costs no event for each. False: the
 * producer has paused and nothing was written; the chunk is kept for it. */
static bool input_fill(struct adb__job *job, struct adb__chunk *chunk)
{
    bool wanted = feed_is_open(job) && adb__job_stop_reason(job) == ADB__STOP_NONE;
    if (job->copy->feed.ended) {
        chunk->answer = 0;
        return true;
    }
    if (!wanted || adb__job_is_paused(job)) { /* paused: it was stopped meanwhile */
        chunk->answer = ADB_COPY_ABORT;
        return true;
    }
    while (chunk->bytes.size < ADB__FEED_BYTES / 2 && feed_is_open(job) && input_call(job, chunk))
        ;
    if (chunk->answer != ADB_COPY_PAUSE)
        return true;
    bool some = chunk->bytes.size > 0;
    chunk->answer = some ? 0 : ADB_COPY_ABORT;
    return some || !feed_is_open(job);
}

static void input_deliver(struct adb__event *event)
{
    if (input_fill(event->job, event_chunk(event)))
        chunk_return(event_chunk(event));
}

static struct adb_result *input_pull(struct adb__event *event)
{
    input_deliver(event);
    return NULL;
}

static const struct adb__event_kind input_kind = {.deliver_fn = input_deliver, .pull_fn = input_pull};

static void input_ask(struct adb__job *job, struct adb__chunk *chunk)
{
    chunk->bytes.size = 0;
    chunk_lend(job, chunk, &input_kind);
}

/* The source's read_fn: the chunk that was read before goes back to the producer. */
static adb_status input_read(struct adb__source *source, const void **bytes_out, size_t *size_out, adb_error *error)
{
    struct adb__job *job = source->owner;
    struct adb__feed *feed = &job->copy->feed;
    struct adb__chunk *chunk = &feed->chunks[feed->next];
    feed->next = (feed->next + 1) % ADB__FEED_CHUNKS;
    if (!feed->started)
        input_ask(job, chunk);
    feed->started = true;
    if (!chunk_is_lent(&feed->chunks[feed->next]))
        input_ask(job, &feed->chunks[feed->next]);
    adb_status status = feed_await(job, chunk, error);
    if (status != ADB_OK)
        return status; /* the producer may have the chunk yet, and write */
    status = adb__feed_judge(chunk->answer, chunk->room, error);
    *bytes_out = chunk->bytes.bytes;
    *size_out = chunk->bytes.size;
    return status;
}

adb_status adb__feed_open(struct adb__job *job, adb_error *error)
{
    struct adb__feed *feed = &job->copy->feed;
    feed->source = (struct adb__source){.read_fn = input_read, .owner = job};
    for (size_t i = 0; i < ADB__FEED_CHUNKS; i++) {
        feed->chunks[i].bytes.bytes = adb__alloc(ADB__FEED_BYTES);
        if (feed->chunks[i].bytes.bytes == NULL)
            return adb__error_set(error, ADB_E_NOMEM, "no memory for the stream");
    }
    return ADB_OK;
}

/* Out -------------------------------------------------------------------------------------------------------------- */

static adb_flow output_call(struct adb__job *job, const struct adb__chunk *chunk)
{
    if (!feed_is_open(job) || adb__job_is_paused(job))
        return ADB_STOP; /* paused: it was stopped meanwhile */
    call_begin(job);
    adb_flow flow = job->copy->consume(chunk->bytes.bytes, chunk->bytes.size, job->user_data);
    call_end(job, flow == ADB_PAUSE);
    return flow;
}

static void output_deliver(struct adb__event *event)
{
    struct adb__job *job = event->job;
    if (!atomic_load_explicit(&job->delivered, memory_order_relaxed) &&
        output_call(job, event_chunk(event)) == ADB_STOP)
        atomic_store_explicit(&job->copy->feed.stopped, true, memory_order_release);
    chunk_return(event_chunk(event));
}

static struct adb_result *output_pull(struct adb__event *event)
{
    output_deliver(event);
    return NULL;
}

static const struct adb__event_kind output_kind = {.deliver_fn = output_deliver, .pull_fn = output_pull};

adb_status adb__feed_chunk(struct adb__job *job, struct adb__buf **bytes_out, adb_error *error)
{
    struct adb__feed *feed = &job->copy->feed;
    struct adb__chunk *chunk = &feed->chunks[feed->next];
    adb_status status = feed_await(job, chunk, error);
    if (status != ADB_OK)
        return status;
    adb__buf_clear(&chunk->bytes);
    *bytes_out = &chunk->bytes;
    return feed_is_stopped(feed) ? ADB__SINK_ENOUGH : ADB_OK;
}

adb_status adb__feed_send(struct adb__job *job)
{
    struct adb__feed *feed = &job->copy->feed;
    struct adb__chunk *chunk = &feed->chunks[feed->next];
    feed->next = (feed->next + 1) % ADB__FEED_CHUNKS;
    chunk_lend(job, chunk, &output_kind);
    if (job_is_direct(job))
        adb__event_deliver(&chunk->event);
    return feed_is_stopped(feed) ? ADB__SINK_ENOUGH : ADB_OK;
}
