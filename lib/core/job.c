/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots of a database's jobs, and the word that decides each job's fate exactly once. */
#include "core/job.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/context.h"
#include "core/post.h"
#include "core/resolve.h"
#include "core/copy.h"
#include "core/stash.h"
#include "core/stream.h"
#include "core/worker.h"
#include "model/error.h"

/* An id: generation (32) | tag of the database (12) | slot (20). */
#define ID_SLOT_BITS 20
#define ID_TAG_BITS  12
#define ID_SLOT_MASK ((1u << ID_SLOT_BITS) - 1)
#define ID_TAG_MASK  ((1u << ID_TAG_BITS) - 1)

/* In the reason of a DONE word: the closer gave the job up while the driver's cancel() was under way. The worker waits
 * until that is over, as always: the connection must not run anything else before. */
#define CANCEL_UNDER_WAY 0x80u

static uint64_t word_make(uint64_t generation, enum adb__job_reason reason, enum adb__job_state state)
{
    return generation << 32 | (uint64_t)reason << 8 | (uint64_t)state;
}

static enum adb__job_reason word_reason(uint64_t word)
{
    return (enum adb__job_reason)(word >> 8 & 0x7f);
}

static bool word_is_cancelling(uint64_t word)
{
    return (word >> 8 & CANCEL_UNDER_WAY) != 0;
}

/* The same generation and reason in another state. */
static uint64_t word_in(uint64_t word, enum adb__job_state state)
{
    return word_make(adb__word_generation(word), word_reason(word), state);
}

/* One step of the protocol. Who takes a job over sees all that the one before did to it; seq_cst for the last step, see
 * jobs_tell_closer(). */
static bool slot_step(struct adb__slot *slot, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&slot->word, &from, to, memory_order_seq_cst,
                                                   memory_order_acquire);
}

static uint64_t slot_word(const struct adb__slot *slot)
{
    /* acquire: pairs with slot_step() of whoever brought it there */
    return atomic_load_explicit(&slot->word, memory_order_acquire);
}

/* relaxed: its owner's, or of whoever has brought its job to an end. */
static struct adb__job *slot_job(const struct adb__slot *slot)
{
    return atomic_load_explicit(&slot->job, memory_order_relaxed);
}

bool adb__jobs_init(struct adb__jobs *jobs, uint32_t capacity, uint32_t tag)
{
    jobs->capacity = capacity;
    jobs->tag = tag & ID_TAG_MASK;
    jobs->stash = adb__stash_new(sizeof(struct adb__job), capacity);
    jobs->slots = adb__alloc_lines(capacity, sizeof(*jobs->slots));
    if (jobs->stash == NULL || jobs->slots == NULL || !adb__slots_init(&jobs->free, capacity)) {
        adb__stash_close(jobs->stash);
        adb__free_lines(jobs->slots);
        jobs->slots = NULL;
        return false;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        atomic_init(&jobs->slots[i].word, word_make(1, ADB__STOP_NONE, ADB__JOB_FREE));
        atomic_init(&jobs->slots[i].deadline, ADB__NEVER);
    }
    atomic_init(&jobs->open, true);
    atomic_init(&jobs->next_wake, ADB__NEVER);
    return true;
}

static void block_unref(struct adb__job *job)
{
    if (!adb__ref_drop(&job->block))
        return;
    adb__arena_reset(&job->arena);
    adb__stash_give(job->stash, job);
}

void adb__jobs_fini(struct adb__jobs *jobs)
{
    if (jobs->slots == NULL)
        return;
    adb__stash_close(jobs->stash);
    for (uint32_t i = 0; i < jobs->capacity; i++) {
        struct adb__job *job = slot_job(&jobs->slots[i]);
        if (job != NULL)
            block_unref(job);
    }
    adb__slots_fini(&jobs->free);
    adb__free_lines(jobs->slots);
    jobs->slots = NULL;
}

/* The results keep the memory of their job as long as anybody keeps them. */
static void result_release(struct adb_result *result)
{
    block_unref(ADB__CONTAINER_OF(result, struct adb__job, result));
}

static void verdict_release(struct adb_result *verdict)
{
    block_unref(ADB__CONTAINER_OF(verdict, struct adb__job, verdict));
}

/* Memory for the job of a slot: what the slot's last job left, or what an outcome of another did, or new. */
static struct adb__job *slot_block(struct adb__jobs *jobs, uint32_t index)
{
    struct adb__slot *slot = &jobs->slots[index];
    struct adb__job *job = slot_job(slot);
    if (job != NULL)
        return job;
    job = adb__stash_take(jobs->stash);
    if (job == NULL)
        return NULL;
    job->stash = jobs->stash;
    adb__ref_init(&job->block, 1);
    adb__arena_init(&job->arena, job->request_memory, sizeof(job->request_memory));
    adb__result_init(&job->result, job->result_memory, sizeof(job->result_memory), result_release);
    job->event.kind = &adb__outcome_kind;
    job->event.job = job;
    job->jobs = jobs;
    job->index = index;
    atomic_store_explicit(&slot->job, job, memory_order_relaxed);
    return job;
}

static void job_reset(struct adb__job *job)
{
    job->id = adb__word_generation(slot_word(adb__job_slot(job))) << 32 | (uint64_t)job->jobs->tag << ID_SLOT_BITS | job->index;
    adb__ref_init(&job->holds, 2);
    job->ctx = NULL;
    job->lane = NULL;
    job->flags = 0;
    job->statement = (struct adb__statement){0};
    job->level = NULL;
    job->outcome = NULL;
    job->attempts = 0;
    job->repeated = job->alone = job->streams = false;
    job->transaction_id[0] = '\0';
    job->again_until = 0;
    job->work = NULL;
    job->copy = NULL;
    atomic_init(&job->delivered, false);
    adb__result_renew(&job->result);
    job->result.job = job->id;
}

struct adb__job *adb__job_take(struct adb__jobs *jobs, unsigned slots_stack, adb_status *status_out)
{
    uint32_t index = adb__slots_take(&jobs->free, slots_stack);
    if (index == ADB__SLOT_NONE && adb__deliveries_give_up(jobs))
        index = adb__slots_take(&jobs->free, slots_stack);
    if (index == ADB__SLOT_NONE) {
        *status_out = ADB_E_BUSY;
        return NULL;
    }
    struct adb__job *job = slot_block(jobs, index);
    if (job == NULL) {
        adb__slots_give(&jobs->free, slots_stack, index);
        *status_out = ADB_E_NOMEM;
        return NULL;
    }
    job->slots_stack = (uint8_t)slots_stack;
    job_reset(job);
    return job;
}

/* The job is over for its slot: forget the request, keep the memory if no result is out. */
static void slot_give(struct adb__job *job)
{
    struct adb__jobs *jobs = job->jobs;
    struct adb__slot *slot = adb__job_slot(job);
    const uint32_t index = job->index;
    const unsigned stack = job->slots_stack;
    adb__free(job->level);
    if (job->copy != NULL)
        adb__feed_fini(&job->copy->feed);
    if (job->streams)
        adb__stream_fini(&job->stream);
    adb__arena_reset(&job->arena);
    adb__hold_drop(&slot->template_hold);
    if (atomic_load_explicit(&job->block.count, memory_order_acquire) > 1) {
        atomic_store_explicit(&slot->job, NULL, memory_order_relaxed);
        block_unref(job);
    }
    adb__slots_give(&jobs->free, stack, index);
}

void adb__job_end_outcome(struct adb__job *job, struct adb_result *outcome)
{
    if (outcome != &job->result || !adb__ref_is_only(&outcome->ref)) {
        adb_result_unref(outcome);
        return;
    }
    /* Nobody keeps it, and the slot cannot be given back meanwhile: only this thread knows of the memory's two
     * holds. */
    adb__result_fini(outcome);
    adb__ref_init(&job->block, 1);
}

void adb__job_untake(struct adb__job *job)
{
    slot_give(job);
}

/* While the gate is shut, somebody waits for each job and each outcome to be over. seq_cst: the caller has ended one
 * before it looks at the gate; the closer has shut it before it looks for those that are not over. One sees the
 * other. */
static void jobs_tell_closer(struct adb__jobs *jobs)
{
    if (!atomic_load_explicit(&jobs->open, memory_order_seq_cst))
        jobs->drained_fn(jobs->owner);
}

/* Nobody waits for a callback any more. seq_cst: as jobs_tell_closer() */
static void slot_clear(struct adb__slot *slot)
{
    atomic_store_explicit(&slot->accepted_at, 0, memory_order_seq_cst);
}

/* The word of a free slot after this one. */
static uint64_t word_next(uint64_t word)
{
    uint64_t next = (adb__word_generation(word) + 1) & UINT32_MAX;
    return word_make(next == 0 ? 1 : next, ADB__STOP_NONE, ADB__JOB_FREE);
}

/* The gate was shut. False: an outsider has seen the job meanwhile and ended it, so it was accepted. */
static bool job_withdraw(struct adb__job *job)
{
    struct adb__jobs *jobs = job->jobs;
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    if (adb__word_state(word) != ADB__JOB_QUEUED || !slot_step(slot, word, word_next(word)))
        return false;
    adb__ref_init(&job->block, 1); /* there will be no outcome */
    atomic_store_explicit(&slot->deadline, ADB__NEVER, memory_order_relaxed);
    slot_clear(slot);
    jobs_tell_closer(jobs);
    return true;
}

bool adb__job_accept(struct adb__job *job, int64_t now)
{
    struct adb__jobs *jobs = job->jobs;
    struct adb__slot *slot = adb__job_slot(job);
    adb__ref_init(&job->block, 2); /* for the outcome, which is one of the two results; it is still only ours */
    atomic_store_explicit(&slot->accepted_at, now, memory_order_relaxed);
    atomic_store_explicit(&slot->ctx, job->ctx, memory_order_relaxed);
    atomic_store_explicit(&slot->worker, NULL, memory_order_relaxed);
    /* seq_cst: pairs with the watchdog's scan; see adb__watchdog_by(). Without a deadline, there is none in the
     * slot. */
    if (job->deadline != ADB__NEVER)
        atomic_store_explicit(&slot->deadline, job->deadline, memory_order_seq_cst);
    uint64_t word = slot_word(slot);
    atomic_store_explicit(&slot->word, word_make(adb__word_generation(word), ADB__STOP_NONE, ADB__JOB_QUEUED),
                          memory_order_seq_cst);
    /* seq_cst, store and load: the closer shuts the gate, then looks for jobs; this one can be seen, then it looks at
     * the gate. One sees the other; tests/models/drain.pml. */
    return atomic_load_explicit(&jobs->open, memory_order_seq_cst) || !job_withdraw(job);
}

void adb__job_drop(struct adb__job *job)
{
    if (!adb__ref_drop(&job->holds))
        return;
    struct adb__slot *slot = adb__job_slot(job);
    if (job->deadline != ADB__NEVER)
        atomic_store_explicit(&slot->deadline, ADB__NEVER, memory_order_relaxed);
    if (adb__job_comes_in_parts(job))
        atomic_store_explicit(&slot->paused, 0, memory_order_relaxed);
    /* release: the id is stale from here on */
    atomic_store_explicit(&slot->word, word_next(slot_word(slot)), memory_order_release);
    slot_give(job);
}

void adb__job_returned(struct adb__job *job)
{
    slot_clear(adb__job_slot(job));
    jobs_tell_closer(job->jobs);
}

void adb__job_give_up(struct adb__job *job)
{
    adb__counter_add_get(&job->jobs->slotless, 1);
    slot_clear(adb__job_slot(job));
    adb__job_drop(job);
}

void adb__jobs_returned(struct adb__jobs *jobs)
{
    adb__counter_add_get(&jobs->slotless, -1);
    jobs_tell_closer(jobs);
}

size_t adb__jobs_undelivered(const struct adb__jobs *jobs)
{
    size_t n = 0;
    /* seq_cst: as slot_clear(). First the slots: what gives one up meanwhile has been counted before. */
    for (uint32_t i = 0; i < jobs->capacity; i++)
        n += atomic_load_explicit(&jobs->slots[i].accepted_at, memory_order_seq_cst) != 0;
    return n + (size_t)atomic_load_explicit(&jobs->slotless.value, memory_order_seq_cst);
}

bool adb__jobs_undone(const struct adb__jobs *jobs, uint32_t *from)
{
    for (; *from < jobs->capacity; ++*from) {
        /* seq_cst: as adb__job_accept() */
        uint64_t word = atomic_load_explicit(&jobs->slots[*from].word, memory_order_seq_cst);
        if (adb__word_state(word) != ADB__JOB_FREE && adb__word_state(word) != ADB__JOB_DONE)
            return true;
    }
    return false;
}

bool adb__job_claim(struct adb__job *job, struct adb__worker *worker)
{
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    if (adb__word_state(word) != ADB__JOB_QUEUED)
        return false;
    atomic_store_explicit(&slot->worker, worker, memory_order_relaxed); /* published by the step */
    return slot_step(slot, word, word_in(word, ADB__JOB_RUNNING));
}

bool adb__job_unclaim(struct adb__job *job)
{
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    return adb__word_state(word) == ADB__JOB_RUNNING && slot_step(slot, word, word_in(word, ADB__JOB_QUEUED));
}

bool adb__job_settle(struct adb__job *job)
{
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    return adb__word_state(word) == ADB__JOB_RUNNING && slot_step(slot, word, word_in(word, ADB__JOB_SETTLED));
}

/* From whatever a worker's job is to what it is in the end. ADB_E_BUSY: a cancel is under way. ADB_E_STATE: it is
 * over. */
static adb_status slot_end(struct adb__slot *slot, enum adb__job_state state)
{
    for (;;) {
        uint64_t word = slot_word(slot);
        if (adb__word_state(word) == ADB__JOB_CANCELLING || word_is_cancelling(word))
            return ADB_E_BUSY;
        if (adb__word_state(word) == ADB__JOB_DONE)
            return ADB_E_STATE;
        if (slot_step(slot, word, word_in(word, state)))
            return ADB_OK;
    }
}

adb_status adb__job_keep(struct adb__job *job)
{
    return slot_end(adb__job_slot(job), ADB__JOB_SETTLED);
}

bool adb__job_unsettle(struct adb__job *job)
{
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    return adb__word_state(word) == ADB__JOB_SETTLED && slot_step(slot, word, word_in(word, ADB__JOB_RUNNING));
}

void adb__job_set_undealt(struct adb__job *job, bool undealt)
{
    /* release: pairs with the watchdog's acquire, which finds the job's role then. An old value does no harm, as it
     * looks now and then; before the slot's next job is accepted this one was dealt. */
    atomic_store_explicit(&adb__job_slot(job)->undealt, undealt, memory_order_release);
}

void adb__job_expire(struct adb__job *job)
{
    struct adb__slot *slot = adb__job_slot(job);
    uint64_t word = slot_word(slot);
    if (adb__word_state(word) == ADB__JOB_RUNNING)
        slot_step(slot, word, word_make(adb__word_generation(word), ADB__STOP_DEADLINE, ADB__JOB_STOPPING));
}

enum adb__job_reason adb__job_stop_reason(const struct adb__job *job)
{
    uint64_t word = slot_word(adb__job_slot(job));
    switch (adb__word_state(word)) {
    case ADB__JOB_STOPPING:
    case ADB__JOB_CANCELLING:
    case ADB__JOB_DONE: /* by an outsider */
        return word_reason(word);
    default:
        return ADB__STOP_NONE;
    }
}

adb_status adb__job_finish(struct adb__job *job)
{
    const adb_status status = slot_end(adb__job_slot(job), ADB__JOB_DONE);
    if (status == ADB_OK)
        jobs_tell_closer(job->jobs);
    return status;
}

bool adb__jobs_find(const struct adb__jobs *jobs, adb_job id, uint32_t *index_out, uint64_t *word_out)
{
    uint32_t index = (uint32_t)(id & ID_SLOT_MASK);
    if ((id >> ID_SLOT_BITS & ID_TAG_MASK) != jobs->tag || index >= jobs->capacity)
        return false;
    uint64_t word = slot_word(&jobs->slots[index]);
    if (adb__word_generation(word) != id >> 32 || adb__word_state(word) == ADB__JOB_FREE)
        return false;
    *index_out = index;
    *word_out = word;
    return true;
}

struct adb__job *adb__jobs_take_queued(struct adb__jobs *jobs, uint32_t index, uint64_t word,
                                       enum adb__job_reason reason)
{
    struct adb__slot *slot = &jobs->slots[index];
    if (adb__word_state(word) != ADB__JOB_QUEUED ||
        !slot_step(slot, word, word_make(adb__word_generation(word), reason, ADB__JOB_DONE)))
        return NULL;
    jobs_tell_closer(jobs);
    return slot_job(slot); /* the delivery's hold is the caller's now */
}

bool adb__jobs_stop(struct adb__jobs *jobs, uint32_t index, uint64_t word, enum adb__job_reason reason)
{
    return adb__word_state(word) == ADB__JOB_RUNNING &&
           slot_step(&jobs->slots[index], word, word_make(adb__word_generation(word), reason, ADB__JOB_STOPPING));
}

struct adb__worker *adb__jobs_cancel_begin(struct adb__jobs *jobs, uint32_t index, uint64_t word)
{
    struct adb__slot *slot = &jobs->slots[index];
    if (adb__word_state(word) != ADB__JOB_STOPPING || !slot_step(slot, word, word_in(word, ADB__JOB_CANCELLING)))
        return NULL;
    return atomic_load_explicit(&slot->worker, memory_order_relaxed);
}

void adb__jobs_cancel_end(struct adb__jobs *jobs, uint32_t index)
{
    struct adb__slot *slot = &jobs->slots[index];
    struct adb__worker *worker = atomic_load_explicit(&slot->worker, memory_order_relaxed);
    uint64_t word, next;
    do { /* the closer may have made it DONE meanwhile, nobody else */
        word = slot_word(slot);
        next = adb__word_state(word) == ADB__JOB_DONE ? word_make(adb__word_generation(word), word_reason(word), ADB__JOB_DONE)
                                                      : word_in(word, ADB__JOB_STOPPING);
    } while (!slot_step(slot, word, next));
    adb__worker_wake(worker);
}

struct adb__job *adb__jobs_abandon(struct adb__jobs *jobs, uint32_t index)
{
    struct adb__slot *slot = &jobs->slots[index];
    uint64_t word, next;
    do {
        word = slot_word(slot);
        enum adb__job_state state = adb__word_state(word);
        if (state != ADB__JOB_RUNNING && state != ADB__JOB_STOPPING && state != ADB__JOB_CANCELLING &&
            state != ADB__JOB_SETTLED)
            return NULL;
        unsigned reason = ADB__STOP_CLOSE | (state == ADB__JOB_CANCELLING ? CANCEL_UNDER_WAY : 0);
        next = word_make(adb__word_generation(word), (enum adb__job_reason)reason, ADB__JOB_DONE);
    } while (!slot_step(slot, word, next));
    jobs_tell_closer(jobs);
    return slot_job(slot);
}

struct adb__census adb__jobs_count(const struct adb__jobs *jobs, int64_t now)
{
    struct adb__census census = {.waiting = 0};
    int64_t oldest = now;
    for (uint32_t i = 0; i < jobs->capacity; i++) {
        const struct adb__slot *slot = &jobs->slots[i];
        const enum adb__job_state state = adb__word_state(slot_word(slot));
        if (state == ADB__JOB_QUEUED) {
            census.waiting++;
            oldest = adb__deadline_first(oldest, atomic_load_explicit(&slot->accepted_at, memory_order_relaxed));
        } else if (state != ADB__JOB_FREE && state != ADB__JOB_DONE) {
            census.running++;
        } else if (atomic_load_explicit(&slot->accepted_at, memory_order_relaxed) != 0) {
            census.undelivered++;
        }
    }
    census.undelivered += (size_t)adb__counter_get(&jobs->slotless);
    census.oldest_ms = (now - oldest) / ADB__NS_PER_MS;
    return census;
}

void adb__job_pause(struct adb__job *job)
{
    struct adb__slot *slot = adb__job_slot(job);
    /* seq_cst, as adb__job_go_on(): pairs with adb__feed_close() */
    atomic_store_explicit(&slot->paused, adb__word_generation(slot_word(slot)), memory_order_seq_cst);
}

bool adb__job_is_paused(const struct adb__job *job)
{
    return atomic_load_explicit(&adb__job_slot(job)->paused, memory_order_acquire) != 0;
}

void adb__job_go_on(struct adb__job *job)
{
    atomic_store_explicit(&adb__job_slot(job)->paused, 0, memory_order_seq_cst);
}

void adb__jobs_resume(struct adb__jobs *jobs, uint32_t index, uint64_t word)
{
    uint64_t generation = adb__word_generation(word);
    atomic_compare_exchange_strong_explicit(&jobs->slots[index].paused, &generation, 0, memory_order_acq_rel,
                                            memory_order_relaxed);
}

adb_status adb__job_reason_error(adb_error *error, enum adb__job_reason reason)
{
    switch (reason) {
    case ADB__STOP_CANCEL:
        return adb__error_set(error, ADB_E_CANCELLED, "the job was cancelled");
    case ADB__STOP_DEADLINE:
        return adb__error_set(error, ADB_E_TIMEOUT, "the deadline of the job passed");
    case ADB__STOP_CLOSE:
        return adb__error_set(error, ADB_E_CLOSED, "the database was closed");
    default:
        return adb__error_set(error, ADB_E_INTERNAL, "a job was stopped without a reason");
    }
}

struct adb_result *adb__job_verdict(struct adb__job *job, enum adb__job_reason reason, bool ran)
{
    adb__result_init(&job->verdict, NULL, 0, verdict_release); /* here, as few jobs ever come to one */
    job->verdict.job = job->id;
    adb__job_reason_error(&job->verdict.error, reason);
    if (ran) {
        job->verdict.error.flags |= ADB_ERROR_OUTCOME_UNKNOWN;
    } else if (adb__resolve_in_doubt(job)) { /* it has run before, and waits for a connection to ask */
        adb__resolve_give_up(&job->verdict.error);
        job->verdict.transaction_id = job->transaction_id;
    }
    return &job->verdict;
}

void adb__job_judge(struct adb__job *job, enum adb__job_reason reason, bool ran)
{
    adb__job_deliver(job, adb__job_verdict(job, reason, ran), NULL);
}
