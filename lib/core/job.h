/* SPDX-License-Identifier: BSD-3-Clause */
/* A job: one accepted unit of work, and the protocol that completes it exactly once.
 *
 * Jobs live in numbered slots. A slot's word is the one place where a job's fate is decided:
 *
 *     generation (32 bits) | reason (8) | state (8)
 *
 *     FREE ──► QUEUED ◄─► RUNNING ──► DONE ──► FREE, generation + 1
 *                │           │          ▲
 *                │           ▼          │
 *                │        STOPPING ─────┤      asked to stop, and why
 *                │           ▲ ▼        │
 *                │        CANCELLING    │      driver->cancel() is being called: the worker waits
 *                │                      │
 *                │  (RUNNING ◄─► SETTLED ┤     ran well, waits for a commit that it shares: no cancel reaches it;
 *                │   STOPPING ──►        │      it has run, and what was asked came too late)
 *                └──────────────────────┘
 *
 * Every arrow is a compare-and-swap; whoever arrives at DONE delivers the outcome, nobody else does. The worker runs
 * the job, so its outcome is job->result; an outsider (cancel, deadline, close) that arrives first leaves job->verdict.
 * tests/models/job.pml checks all interleavings. */
#ifndef ADB_CORE_JOB_H
#define ADB_CORE_JOB_H

#include "base/cacheline.h"
#include "core/completion.h"
#include "core/lane.h"
#include "model/result.h"
#include "model/statement.h"
#include "queue/shelf.h"
#include "queue/slots.h"

#include <asyncdb/job.h>

#include <stddef.h>

enum adb__job_state {
    ADB__JOB_FREE,
    ADB__JOB_QUEUED,     /* accepted; in its lane */
    ADB__JOB_RUNNING,    /* a worker has it */
    ADB__JOB_STOPPING,   /* a worker has it, and should stop for the reason in the word */
    ADB__JOB_CANCELLING, /* as STOPPING, and the driver's cancel() is under way on the worker's connection */
    ADB__JOB_SETTLED,    /* its outcome is decided and waits for the commit that it shares */
    ADB__JOB_DONE
};

enum adb__job_reason { ADB__STOP_NONE, ADB__STOP_CANCEL, ADB__STOP_DEADLINE, ADB__STOP_CLOSE };

/* Memory lent to a job's two arenas: what the values of a small statement and a small result need. */
#define ADB__JOB_REQUEST_BYTES 512
#define ADB__JOB_RESULT_BYTES  1024

/* Batches of an iterate that may be under way. */
#define ADB__STREAM_BATCHES 2

struct adb__copy;
struct adb__stash;
struct adb__worker;

/* The worker's side of backpressure; see core/stream.h. */
struct adb__stream {
    _Atomic int in_flight;      /* batches handed over and not taken */
    _Atomic bool stopped;       /* the callback answered ADB_STOP */
    struct adb__event batches[ADB__STREAM_BATCHES]; /* one that is not under way has an empty batch, or NULL */
    unsigned next;              /* the event to use for the next batch; worker */
    size_t most_rows, most_bytes; /* of a batch */
    unsigned scale;             /* how many times the size of the first the next batch has; worker */
    int64_t handed_at;          /* when the last batch was full; worker */
};

/* Laid out by lines of the cache, and by who writes to them: each line that submitter, worker and consumer hand to each
 * other costs more than most of what they do with it. A job begins on a line. */
struct adb__job {
    /* The submitter's and the consumer's */
    _Alignas(ADB__CACHE_LINE) adb_context *ctx; /* referenced until delivered */
    adb_job id;
    struct adb__lane *lane;
    struct adb__ref block;              /* the slot and the results handed out: the memory */
    _Atomic bool delivered;             /* the outcome has left: batches that are still about come too late */
    uint8_t slots_stack;                /* where its slot goes */
    struct adb__event event;            /* in its completion queue: its first half here, and on the next line what the worker needs */

    /* What goes there and back: the worker writes to it too */
    struct adb__mail mail;              /* in its lane */
    adb_queue *queue;                   /* of the context, which its submitter writes to all the time */
    struct adb__jobs *jobs;
    int64_t deadline;
    adb_request_kind kind;
    uint32_t index;                     /* of its slot */
    struct adb__ref holds;              /* lane and delivery (and what of a stream is under way): the last gives the slot back */
    uint8_t role;                       /* which worker may run it */
    bool repeated;                      /* nothing of it had reached the server, and it was put back once for that */
    bool alone;                         /* it has been tried in a pipeline, and is to run by itself */
    bool streams;                       /* stream has been initialised */

    /* What a statement's worker reads; all of the request is in the arena */
    _Alignas(ADB__CACHE_LINE) struct adb__statement statement;
    unsigned flags;
    unsigned attempts;                  /* of adb_transact(), before this one */
    uint64_t snapshots;                 /* begun before it was submitted: one that it shares is younger; a fetch's */

    /* A function's, and how it ends */
    _Alignas(ADB__CACHE_LINE) adb_work_fn work;
    void *user_data;
    struct adb_result *outcome;         /* what a work function returned in place of result; NULL: none */
    adb_done_cb done;
    struct adb__copy *copy;             /* copy_in, copy_out: in the arena */
    struct adb__level *level;           /* begin: the level to push, allocated at submission */
    int64_t again_until;                /* it runs again on a new connection, which it waits for so long; 0: it does not */
    char transaction_id[80];            /* whose commit is in doubt, "": none; see core/resolve.h */

    _Alignas(ADB__CACHE_LINE) struct adb__arena arena;

    /* Set by the kinds that read it, and only by them */
    const adb_value *const *sets;       /* execute_many: values, set by set */
    size_t n_sets;
    size_t limit;                       /* fetches, and the next three */
    const char *column_name;
    size_t column;
    adb_batch_cb batch;

    _Alignas(ADB__CACHE_LINE) struct adb_result result; /* the worker's outcome */
    _Alignas(ADB__CACHE_LINE) char result_memory[ADB__JOB_RESULT_BYTES];
    _Alignas(ADB__CACHE_LINE) char request_memory[ADB__JOB_REQUEST_BYTES];

    struct adb__lane own_lane;          /* of a job that is a lane of its own (parallel contexts) */
    adb_transaction_options transaction;
    struct adb__stream stream;          /* of an iterate */
    struct adb_result verdict;          /* an outsider's outcome */
    struct adb__stash *stash;           /* where its memory goes */
};

/* The first four lines are full, where a pointer has eight bytes: with one field more each job would move one more. The
 * id, which is empty as a rule, begins on the fourth. */
_Static_assert(offsetof(struct adb__job, statement) == 2 * ADB__CACHE_LINE, "a job's lines");
_Static_assert(offsetof(struct adb__job, work) == 3 * ADB__CACHE_LINE, "a job's lines");
_Static_assert(offsetof(struct adb__job, transaction_id) < 4 * ADB__CACHE_LINE, "a job's lines");

/* Does it come in parts, and may be paused? */
static inline bool adb__job_comes_in_parts(const struct adb__job *job)
{
    return job->streams || job->copy != NULL;
}

/* How the watchdog goes about a job that is to stop. */
struct adb__asking {
    uint64_t generation;            /* of the job that all this is about */
    int64_t since;
    int64_t next;                   /* when to ask again */
    unsigned times;
};

/* Permanent, so that anybody with an id may look at any time. On lines of its own, and what each job needs on the
 * first. */
struct adb__slot {
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t word;
    _Atomic int64_t deadline;                 /* ADB__NEVER when none */
    _Atomic int64_t accepted_at;              /* 0: it is not, or its callback has returned; may be as of the last tick */
    _Atomic(struct adb__worker *) worker;     /* who runs it; set before RUNNING */
    _Atomic(const adb_context *) ctx;         /* whose; for comparing only */
    _Atomic(struct adb__job *) job;           /* the slot's owner's: submitter, then lane and delivery */
    _Atomic(struct adb__lane *) lane;         /* which lane this number stands for in the ready queue */
    struct adb__hold template_hold;           /* keeps the template of its statement */
    _Atomic uint64_t paused;                  /* the generation of a paused iterate, 0: none */
    _Atomic bool undealt;                     /* it waits with a dealer; see core/deal.h */
    struct adb__asking asking;                /* the watchdog's */
};
_Static_assert(offsetof(struct adb__slot, paused) <= ADB__CACHE_LINE, "a slot's first line");

/* All jobs of one database. */
struct adb__jobs {
    struct adb__slots free;

    /* Hardly ever written */
    _Alignas(ADB__CACHE_LINE) struct adb__slot *slots;
    struct adb__stash *stash;       /* memory of jobs that has no slot */
    uint32_t capacity;
    uint32_t tag;                   /* of the database, in its ids */
    _Atomic bool open;              /* submissions are accepted */
    _Atomic int64_t next_wake;      /* when the watchdog looks again */
    struct adb__counter slotless;   /* callbacks that run, and whose job had to give up its slot */
    /* The gate is shut, and a job is done, withdrawn, or delivered: tell whoever closes. */
    void (*drained_fn)(void *owner);
    void *owner;
};

bool adb__jobs_init(struct adb__jobs *jobs, uint32_t capacity, uint32_t tag);
void adb__jobs_fini(struct adb__jobs *jobs);

/* Submission: take a slot and its memory, with two holds. slots_stack: where the slot comes from, and goes then, see
 * queue/slots.h. NULL: *status_out is ADB_E_BUSY or ADB_E_NOMEM. */
struct adb__job *adb__job_take(struct adb__jobs *jobs, unsigned slots_stack, adb_status *status_out);
/* It was refused after all: nobody has seen it. */
void adb__job_untake(struct adb__job *job);
/* QUEUED from here on: outsiders may see it. now is not 0. False: the gate is shut, the job is again only the caller's. */
bool adb__job_accept(struct adb__job *job, int64_t now);
/* Drop one of the holds. The last gives the slot back. */
void adb__job_drop(struct adb__job *job);
/* The same for the lane's hold, while the caller has the delivery's too: then there is no other, or nobody takes one,
 * and it need not be counted down. False: part of a stream is still about. */
static inline bool adb__job_drop_early(struct adb__job *job)
{
    /* acquire: pairs with the release of those who have dropped the parts' */
    if (atomic_load_explicit(&job->holds.count, memory_order_acquire) != 2)
        return false;
    adb__ref_init(&job->holds, 1);
    return true;
}
/* The callback has returned, and the caller has a hold of the job: let go of its outcome. */
void adb__job_end_outcome(struct adb__job *job, struct adb_result *outcome);

/* The worker's side. */
bool adb__job_claim(struct adb__job *job, struct adb__worker *worker);   /* QUEUED to RUNNING; false: an outsider was first */
bool adb__job_unclaim(struct adb__job *job);                             /* RUNNING to QUEUED; false: it should stop */
bool adb__job_settle(struct adb__job *job);                              /* RUNNING to SETTLED; false: should stop */
bool adb__job_unsettle(struct adb__job *job);                            /* SETTLED to RUNNING; false: abandoned */
/* RUNNING or STOPPING to SETTLED: it has run, whatever was asked of it meanwhile. Returns as adb__job_finish(). */
adb_status adb__job_keep(struct adb__job *job);
/* It waits with a dealer, or does no longer: what it is told when it has waited too long does not depend on its
 * lane. */
void adb__job_set_undealt(struct adb__job *job, bool undealt);
/* Its deadline has passed, as its worker sees before the watchdog: for all to see, or a paused stream would hold back
 * the outcome. */
void adb__job_expire(struct adb__job *job);
/* Why the job was asked to end, or was ended by an outsider; ADB__STOP_NONE: go on. */
enum adb__job_reason adb__job_stop_reason(const struct adb__job *job);
/* Any state to DONE. ADB_OK: the caller delivers. ADB_E_STATE: an outsider has. ADB_E_BUSY: a cancel is under way, wait
 * for the parker and try again. */
adb_status adb__job_finish(struct adb__job *job);

/* The outsiders' side: index and generation from adb__jobs_find() or a word that was read. */
bool adb__jobs_find(const struct adb__jobs *jobs, adb_job id, uint32_t *index_out, uint64_t *word_out);
static inline enum adb__job_state adb__word_state(uint64_t word)
{
    return (enum adb__job_state)(word & 0xff);
}
static inline uint64_t adb__word_generation(uint64_t word)
{
    return word >> 32;
}
/* Where it lives. */
static inline struct adb__slot *adb__job_slot(const struct adb__job *job)
{
    return &job->jobs->slots[job->index];
}
static inline int64_t adb__job_accepted_at(const struct adb__job *job)
{
    return atomic_load_explicit(&adb__job_slot(job)->accepted_at, memory_order_relaxed);
}
static inline bool adb__job_is_queued(const struct adb__job *job)
{
    /* acquire: pairs with the step of whoever brought it there */
    return adb__word_state(atomic_load_explicit(&adb__job_slot(job)->word, memory_order_acquire)) == ADB__JOB_QUEUED;
}
/* QUEUED to DONE: the job, for the caller to deliver; NULL: too late. */
struct adb__job *adb__jobs_take_queued(struct adb__jobs *jobs, uint32_t index, uint64_t word, enum adb__job_reason reason);
/* RUNNING to STOPPING. False: too late. */
bool adb__jobs_stop(struct adb__jobs *jobs, uint32_t index, uint64_t word, enum adb__job_reason reason);
/* STOPPING to CANCELLING, and back. */
struct adb__worker *adb__jobs_cancel_begin(struct adb__jobs *jobs, uint32_t index, uint64_t word);
void adb__jobs_cancel_end(struct adb__jobs *jobs, uint32_t index);
/* Whatever a worker has to DONE: the closer at its deadline. NULL: nobody has it. */
struct adb__job *adb__jobs_abandon(struct adb__jobs *jobs, uint32_t index);

/* For who has shut the gate: is there a job, from the slot *from on, that is not DONE yet? Then *from is its slot;
 * those before it are done for good. Begins at 0. */
bool adb__jobs_undone(const struct adb__jobs *jobs, uint32_t *from);

/* What has been accepted and is not delivered. */
struct adb__census {
    size_t waiting;
    size_t running;
    size_t undelivered; /* done */
    int64_t oldest_ms;  /* since when the oldest waits; 0 when none does */
};

/* Count the jobs. A scan: each is counted once, as what it was when it was looked at, and none that came meanwhile as
 * done. */
struct adb__census adb__jobs_count(const struct adb__jobs *jobs, int64_t now);

/* The callback has returned, and the caller has a hold of the job; or it had to give that up while the callback ran. */
void adb__job_returned(struct adb__job *job);
void adb__job_give_up(struct adb__job *job);
void adb__jobs_returned(struct adb__jobs *jobs);
/* Outcomes whose callback has not returned, for who has shut the gate, when no job is undone. A scan. */
size_t adb__jobs_undelivered(const struct adb__jobs *jobs);

/* An iterate is paused: nothing of it is delivered. Resume is safe with a stale word. */
void adb__job_pause(struct adb__job *job);
bool adb__job_is_paused(const struct adb__job *job);
void adb__job_go_on(struct adb__job *job);
void adb__jobs_resume(struct adb__jobs *jobs, uint32_t index, uint64_t word);

/* An outsider's verdict on a job that the caller has brought to DONE; ran: a worker has it, and it may have had an
 * effect. */
struct adb_result *adb__job_verdict(struct adb__job *job, enum adb__job_reason reason, bool ran);
/* The same, and deliver it. */
void adb__job_judge(struct adb__job *job, enum adb__job_reason reason, bool ran);
/* What a reason means for a caller. */
adb_status adb__job_reason_error(adb_error *error, enum adb__job_reason reason);

/* A statement with several sets, into an array of value arrays. */
adb_status adb__job_compile_sets(struct adb__arena *arena, const struct adb__dialect *dialect, unsigned flags,
                                 const char *sql, size_t sql_size, const adb_params *sets, size_t n_sets,
                                 struct adb__statement *statement_out, const adb_value *const **values_out,
                                 adb_error *error);

/* Copy the request into the job: checks, compiles and copies the statement. Its deadline is the caller's to set. */
adb_status adb__job_fill(struct adb__job *job, adb_context *ctx, const adb_request *request, adb_error *error);

#endif
