/* SPDX-License-Identifier: BSD-3-Clause */
/* Context handles: made, shared, freed, and asked. */
#include "core/context.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/lane.h"
#include "core/process.h"

#include <errno.h>

#define KNOWN_FLAGS (ADB_CONTEXT_PARALLEL | ADB_CONTEXT_READ_ONLY | ADB_CONTEXT_REPLICA)

/* A lane behind its first context: whoever submits needs the one and then the other, and can have both fetched at once.
 * The memory is the lane's, which each of its contexts keeps. */
struct home {
    adb_context ctx;
    struct adb__lane lane;
};

static struct adb__lane *home_new(struct adb__server *server, bool read_only)
{
    struct home *home = adb__alloc_lines(1, sizeof(*home));
    if (home == NULL)
        return NULL;
    adb__lane_init(&home->lane, server, read_only, NULL);
    adb__ref_init(&home->lane.ref, 2); /* the first handle, and who attends */
    home->lane.memory = home;
    return &home->lane;
}

/* A lane that nobody knows of yet; or NULL. */
static void home_drop(struct adb__lane *lane)
{
    if (lane != NULL)
        adb__ref_init(&lane->ref, 1);
    adb__lane_unref(lane);
}

static bool context_is_home(const adb_context *ctx)
{
    return ctx->lane->memory == ctx;
}

/* A handle on a lane, in zeroed storage. The lane's reference is the caller's to give. False: no queue, see errno. */
static bool context_on(adb_context *ctx, struct adb_database *db, struct adb__lane *lane, adb_queue *queue, unsigned flags)
{
    adb_queue *own = queue == NULL ? adb_queue_new() : NULL;
    if (queue == NULL && own == NULL)
        return false;
    adb__ref_init(&ctx->ref, 1);
    adb__list_init(&ctx->thread_link);
    adb__list_init(&ctx->listeners);
    ctx->db = db;
    ctx->lane = lane;
    ctx->flags = flags;
    ctx->owns_queue = own != NULL;
    ctx->queue = own != NULL ? own : queue;
    ctx->slots_stack = ctx->queue->slots_stack;
    if (own == NULL)
        adb__queue_ref(queue);
    adb__database_ref(db);
    pthread_mutex_lock(&db->lock);
    adb__list_append(&db->contexts, &ctx->link);
    pthread_mutex_unlock(&db->lock);
    adb__counter_add(&db->figures.contexts, 1);
    return true;
}

/* The server for a new lane: the primary, or a replica at random. */
static struct adb__server *context_server(struct adb_database *db, unsigned flags)
{
    if ((flags & ADB_CONTEXT_REPLICA) == 0)
        return &db->servers[0];
    if (db->n_servers == 1)
        return NULL;
    uint64_t seed = (uint64_t)adb__clock_now();
    return &db->servers[1 + adb__random(&seed) % (db->n_servers - 1)];
}

adb_context *adb_context_new(adb_database *db, adb_queue *queue, unsigned flags)
{
    if (db == NULL || (flags & ~(unsigned)KNOWN_FLAGS) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (adb__database_is_forked(db)) {
        errno = ECHILD;
        return NULL;
    }
    struct adb__server *server = context_server(db, flags);
    if (server == NULL) {
        errno = ENOENT;
        return NULL;
    }
    struct adb__lane *lane = home_new(server, (flags & (ADB_CONTEXT_READ_ONLY | ADB_CONTEXT_REPLICA)) != 0);
    if (lane == NULL || ((flags & ADB_CONTEXT_PARALLEL) != 0 && !adb__deal_init(lane))) {
        home_drop(lane);
        errno = ENOMEM;
        return NULL;
    }
    adb__counter_set(&lane->handles, 1);
    adb_context *ctx = lane->memory;
    if (context_on(ctx, db, lane, queue, flags))
        return ctx;
    int refusal = errno;
    home_drop(lane);
    errno = refusal;
    return NULL;
}

adb_context *adb_context_share(adb_context *ctx, adb_queue *queue)
{
    if (ctx == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if (adb__database_is_forked(ctx->db)) {
        errno = ECHILD;
        return NULL;
    }
    adb_context *shared = adb__alloc_lines(1, sizeof(*shared));
    if (shared == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if (!context_on(shared, ctx->db, ctx->lane, queue, ctx->flags)) {
        int refusal = errno;
        adb__free_lines(shared);
        errno = refusal;
        return NULL;
    }
    adb__lane_ref(ctx->lane);
    adb__counter_add(&ctx->lane->handles, 1);
    return shared;
}

adb_context *adb_thread_context(adb_database *db)
{
    struct adb__list *own = db == NULL ? NULL : adb__process_thread_contexts();
    if (own == NULL) {
        errno = db == NULL ? EINVAL : ENOMEM;
        return NULL;
    }
    ADB__LIST_FOR_EACH(link, own) {
        adb_context *ctx = ADB__CONTAINER_OF(link, adb_context, thread_link);
        if (ctx->db == db)
            return ctx;
    }
    adb_context *ctx = adb_context_new(db, NULL, 0);
    if (ctx != NULL)
        adb__list_append(own, &ctx->thread_link);
    return ctx;
}

/* The last reference is gone. */
static void context_end(adb_context *ctx)
{
    adb_database *db = ctx->db;
    struct adb__lane *lane = ctx->lane;
    adb__queue_unref(ctx->queue);
    if (!context_is_home(ctx))
        adb__free_lines(ctx);
    adb__lane_unref(lane);
    adb__database_unref(db);
}

void adb__context_unref(adb_context *ctx)
{
    if (adb__ref_drop(&ctx->ref))
        context_end(ctx);
}

adb_queue *adb_context_queue(adb_context *ctx)
{
    return ctx == NULL ? NULL : ctx->queue;
}

adb_database *adb_context_database(adb_context *ctx)
{
    return ctx == NULL ? NULL : ctx->db;
}

const adb_error *adb_context_error(const adb_context *ctx)
{
    static const adb_error no_context = {.status = ADB_E_INVAL, .message = "the context is NULL"};
    return ctx == NULL ? &no_context : &ctx->error;
}

size_t adb_context_depth(const adb_context *ctx)
{
    return ctx == NULL ? 0 : (size_t)adb__counter_get(&ctx->lane->depth);
}

size_t adb_context_pending(const adb_context *ctx)
{
    return ctx == NULL ? 0 : (size_t)adb__context_pending(ctx);
}

void adb_context_set_timeout(adb_context *ctx, int timeout_ms)
{
    if (ctx != NULL)
        ctx->timeout_ms = timeout_ms;
}

/* Ask one job to end. False: it is over. */
static bool context_cancel(adb_database *db, uint32_t index, uint64_t word)
{
    struct adb__jobs *jobs = &db->jobs;
    struct adb__job *job = adb__jobs_take_queued(jobs, index, word, ADB__STOP_CANCEL);
    if (job != NULL) {
        adb__job_judge(job, ADB__STOP_CANCEL, false);
        return true;
    }
    if (!adb__jobs_stop(jobs, index, word, ADB__STOP_CANCEL))
        return false;
    struct adb__worker *worker = atomic_load_explicit(&jobs->slots[index].worker, memory_order_acquire);
    adb__worker_wake(worker); /* it may wait for a caller rather than for the database */
    adb__watchdog_poke(&db->watchdog);
    return true;
}

adb_status adb_cancel(adb_context *ctx, adb_job id)
{
    uint32_t index;
    uint64_t word;
    if (ctx == NULL)
        return ADB_E_INVAL;
    if (adb__database_is_forked(ctx->db))
        return ADB_E_FORKED;
    while (adb__jobs_find(&ctx->db->jobs, id, &index, &word)) {
        enum adb__job_state state = adb__word_state(word);
        if (state == ADB__JOB_STOPPING || state == ADB__JOB_CANCELLING)
            return ADB_OK; /* it was asked already */
        if (state != ADB__JOB_QUEUED && state != ADB__JOB_RUNNING)
            return ADB_E_NOT_FOUND;
        if (context_cancel(ctx->db, index, word))
            return ADB_OK;
    }
    return ADB_E_NOT_FOUND;
}

/* Cancel what was submitted through this handle and is in a state, or has moved on from it meanwhile. */
static void context_cancel_in(adb_context *ctx, enum adb__job_state wanted)
{
    struct adb__jobs *jobs = &ctx->db->jobs;
    for (uint32_t i = 0; i < jobs->capacity && adb__context_pending(ctx) > 0; i++) {
        struct adb__slot *slot = &jobs->slots[i];
        uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
        if (adb__word_state(word) != wanted)
            continue;
        while ((adb__word_state(word) == ADB__JOB_QUEUED || adb__word_state(word) == ADB__JOB_RUNNING) &&
               atomic_load_explicit(&slot->ctx, memory_order_relaxed) == ctx && !context_cancel(ctx->db, i, word))
            word = atomic_load_explicit(&slot->word, memory_order_acquire);
    }
}

/* Cancel everything that is not over. Those that wait come first, or one might run when the one before it has
 * stopped. */
static void context_cancel_all(adb_context *ctx)
{
    context_cancel_in(ctx, ADB__JOB_QUEUED);
    context_cancel_in(ctx, ADB__JOB_RUNNING);
}

void adb_context_free(adb_context *ctx)
{
    if (ctx == NULL)
        return;
    adb_database *db = ctx->db;
    bool forked = adb__database_is_forked(db);
    adb__list_remove(&ctx->thread_link);
    adb__counter_add(&db->figures.contexts, -1);
    if (!forked) {
        pthread_mutex_lock(&db->lock);
        adb__list_remove(&ctx->link);
        adb__counter_add(&db->figures.accepted, adb__counter_get(&ctx->accepted));
        pthread_mutex_unlock(&db->lock);
        adb__listening_forget(ctx);
        context_cancel_all(ctx);
    }
    if (adb__counter_add_get(&ctx->lane->handles, -1) == 0) {
        if (forked)
            adb__lane_unref(ctx->lane); /* who attends, or would, is the parent's */
        else
            adb__lane_farewell(ctx->lane);
    }
    if (ctx->owns_queue) {
        adb__queue_ref(ctx->queue); /* the context's own reference goes with it */
        adb_queue_free(ctx->queue);
    }
    if (adb__ref_drop_some(&ctx->ref, 1u + ctx->granted)) /* the handle's, and what was granted and not needed */
        context_end(ctx);
}
