/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs, kind by kind, and the end of each: one outcome, and a clean connection behind it. */
#include "core/perform.h"

#include "base/clock.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/database.h"
#include "core/post.h"
#include "core/resolve.h"
#include "core/server.h"
#include "core/session.h"
#include "core/share.h"
#include "core/stream.h"
#include "model/error.h"

/* Between attempts to connect for a job that is to go on; the back-off of the server comes on top. */
#define RECONNECT_NS (20 * ADB__NS_PER_MS)

static adb_status perform_statement(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job,
                                    size_t max_rows)
{
    struct adb__sink sink = {.result = &job->result, .max_rows = max_rows};
    return adb__session_run(worker, lane, &job->statement, &sink, &job->result.error);
}

static adb_status perform_fetch_val(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_status status = perform_statement(worker, lane, job, 1);
    if (status == ADB_OK)
        status = adb__result_reduce(&job->result, job->column, job->column_name, &job->result.error);
    return status;
}

static adb_status perform_iterate(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error *error = &job->result.error;
    struct adb_result *batch = adb__result_new();
    if (batch == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a batch");
    struct adb__sink sink = {.result = batch, .flush_fn = adb__stream_flush, .owner = job};
    adb__stream_begin(&job->stream, &sink);
    adb_status status = adb__session_run(worker, lane, &job->statement, &sink, error);
    if (status == ADB_OK && !sink.stopped)
        status = adb__stream_flush(&sink, error);
    if (status == ADB__SINK_ENOUGH)
        status = ADB_OK;
    job->result.affected = sink.result->affected;
    adb_result_unref(sink.result);
    return status;
}

/* An idle connection was found lost before anything of the job was sent: it may run on a new one, but only once. A
 * function or a stream that has begun cannot be begun anew. */
static bool perform_may_repeat(const struct adb__worker *worker, const struct adb__job *job)
{
    const unsigned flags = job->result.error.flags & (ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN);
    if (!worker->is_broken || flags != ADB_ERROR_CONNECTION_LOST || job->repeated)
        return false;
    switch (job->kind) {
    case ADB_REQUEST_EXECUTE:
    case ADB_REQUEST_EXECUTE_MANY:
    case ADB_REQUEST_FETCH_ONE:
    case ADB_REQUEST_FETCH_ALL:
    case ADB_REQUEST_FETCH_MANY:
    case ADB_REQUEST_FETCH_VAL:
    case ADB_REQUEST_ITERATE:
    case ADB_REQUEST_BEGIN:
        return true;
    default:
        return false;
    }
}

static adb_status perform_begin(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error *error = &job->result.error;
    struct adb__level *level = job->level;
    job->level = NULL; /* the stack's now */
    adb_status status = error->status != ADB_OK ? error->status : adb__txn_usable(&lane->txn, error);
    if (lane->txn.depth == 0)
        lane->opener = job->id;
    if (status == ADB_OK) {
        status = adb__session_open_level(worker, lane, level, &job->transaction, error);
        if (status != ADB_OK && lane->txn.depth == 1 && lane->acquired == 0 && perform_may_repeat(worker, job)) {
            job->level = adb__txn_withdraw(&lane->txn); /* so that the lane holds nothing, and it can begin once more */
            adb__counter_set(&lane->depth, 0);
        }
        return status;
    }
    adb__txn_push(&lane->txn, level, &job->transaction);
    adb__txn_hollow(&lane->txn, error);
    adb__counter_set(&lane->depth, (int64_t)lane->txn.depth);
    return status;
}

static adb_status perform_release(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error *error = &job->result.error;
    if (lane->acquired == 0)
        return adb__error_set(error, ADB_E_STATE, "release without an acquired connection");
    adb_status status = lane->txn.lost ? adb__txn_usable(&lane->txn, error) : ADB_OK;
    lane->acquired--;
    if (lane->acquired == 0 && lane->txn.depth == 0)
        lane->txn.lost = false;
    if (lane->acquired == 0 && lane->txn.depth == 0 && status == ADB_OK) {
        adb__worker_clean(worker);
        adb__worker_reset(worker);
    }
    return status;
}

/* What the function has returned is the outcome, if the job ends well: an attempt that is in doubt may be found to. */
static void work_returned(struct adb__job *job, struct adb_result *returned)
{
    if (returned == NULL)
        return;
    adb_result_unref(job->outcome);
    job->outcome = returned;
}

static adb_status perform_work(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    struct adb_session session;
    adb_status status;
    adb__session_init(&session, worker, lane, job);
    if (job->kind == ADB_REQUEST_RUN)
        status = adb__session_work(&session, job->work, job->user_data);
    else
        status = adb__session_transact(&session, &job->transaction, job->work, job->user_data);
    if (status != ADB_OK)
        job->result.error = session.error;
    work_returned(job, session.returned);
    return status;
}

static adb_status perform_kind(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error *error = &job->result.error;
    switch (job->kind) {
    case ADB_REQUEST_EXECUTE:
    case ADB_REQUEST_FETCH_ONE:
        return perform_statement(worker, lane, job, 1);
    case ADB_REQUEST_FETCH_ALL:
        return perform_statement(worker, lane, job, 0);
    case ADB_REQUEST_FETCH_MANY:
        return perform_statement(worker, lane, job, job->limit);
    case ADB_REQUEST_FETCH_VAL:
        return perform_fetch_val(worker, lane, job);
    case ADB_REQUEST_EXECUTE_MANY:
        return adb__session_run_many(worker, lane, &job->statement, job->sets, job->n_sets,
                                     (job->flags & ADB_REQUEST_NOT_ATOMIC) == 0, &job->result, error);
    case ADB_REQUEST_EXECUTE_SCRIPT:
        return adb__session_run_script(worker, lane, job->statement.sql, job->statement.sql_size, &job->result, error);
    case ADB_REQUEST_ITERATE:
        return perform_iterate(worker, lane, job);
    case ADB_REQUEST_BEGIN:
        return perform_begin(worker, lane, job);
    case ADB_REQUEST_COMMIT:
        return adb__session_commit_level(worker, lane, error);
    case ADB_REQUEST_ROLLBACK:
        return adb__session_rollback_level(worker, lane, error);
    case ADB_REQUEST_ACQUIRE:
        lane->acquired++;
        return error->status;
    case ADB_REQUEST_RELEASE:
        return perform_release(worker, lane, job);
    case ADB_REQUEST_RUN:
    case ADB_REQUEST_TRANSACT:
        return perform_work(worker, lane, job);
    case ADB_REQUEST_CONNECT:
        return ADB_OK;
    case ADB_REQUEST_COPY_IN:
    case ADB_REQUEST_COPY_OUT:
        return adb__copy_perform(worker, lane, job);
    }
    return adb__error_set(error, ADB_E_INTERNAL, "unknown kind of job");
}

/* Not as a rule something long: a statement that reads. */
static bool kind_is_quick(const struct adb__job *job)
{
    switch (job->kind) {
    case ADB_REQUEST_FETCH_ONE:
    case ADB_REQUEST_FETCH_ALL:
    case ADB_REQUEST_FETCH_VAL:
    case ADB_REQUEST_FETCH_MANY:
        return (job->statement.flags & ADB__STMT_READS) != 0;
    default:
        return false;
    }
}

/* Has it a function, which may have returned the outcome? */
static bool kind_returns(adb_request_kind kind)
{
    return kind == ADB_REQUEST_RUN || kind == ADB_REQUEST_TRANSACT;
}

/* Jobs that keep the stack in order run whatever state it is in. */
static bool kind_is_structural(adb_request_kind kind)
{
    return kind == ADB_REQUEST_BEGIN || kind == ADB_REQUEST_COMMIT || kind == ADB_REQUEST_ROLLBACK ||
           kind == ADB_REQUEST_ACQUIRE || kind == ADB_REQUEST_RELEASE;
}

/* A failed job fails its level. A structural job has done to the stack what it does. */
static void lane_learn(struct adb__lane *lane, adb_request_kind kind, const adb_error *error)
{
    if (!kind_is_structural(kind))
        adb__txn_fail(&lane->txn, error);
}

/* Has the database, or the loss of the connection, ended what the lane believes to be open? Rolled back by a
 * conflict it has only failed; ended by anything else, perhaps a commit that nobody meant, it is lost. */
static void lane_compare(struct adb__worker *worker, struct adb__lane *lane, const adb_error *failure)
{
    adb_error error;
    if (!adb__lane_is_held(lane) || lane->txn.lost)
        return;
    if (worker->is_broken) {
        adb__error_native(&error, ADB_E_TRANSACTION_LOST, ADB_ERROR_CONNECTION_LOST, 0, "08006",
                          "the connection was lost");
        adb__txn_lose(&lane->txn, &error);
        return;
    }
    const struct adb__level *top = lane->txn.top;
    while (top != NULL && top->hollow)
        top = top->below;
    if (top == NULL || !worker->is_open || worker->db->driver->transaction_state(worker->conn) != ADB__TXN_NONE)
        return;
    if (failure->flags & ADB_ERROR_RETRY_TRANSACTION) { /* after a deadlock MySQL has rolled back by itself */
        adb__txn_void(&lane->txn, failure);
        return;
    }
    adb__error_set(&error, ADB_E_TRANSACTION_LOST, "the database has ended the transaction");
    adb__txn_lose(&lane->txn, &error);
}

/* Bring the job to DONE. A cancel that is under way is waited for: the connection runs nothing else until it has
 * landed. */
static bool job_finish(struct adb__worker *worker, struct adb__job *job)
{
    adb_status status = adb__job_finish(job);
    while (status == ADB_E_BUSY) {
        adb__worker_rest(worker, ADB__NEVER);
        status = adb__job_finish(job);
    }
    return status == ADB_OK;
}

/* The lane is done with the job. */
static void lane_drop(struct adb__lane *lane, struct adb__job *job)
{
    if (lane->embedded_in == NULL)
        adb__job_drop(job); /* an embedded lane keeps its job until it is left itself */
}

/* Now, with others, or now but so that nobody is woken for it alone. */
static void perform_deliver(struct adb__worker *worker, struct adb__job *job, struct adb_result *outcome)
{
    const bool direct = adb__queue_is_direct(job->queue);
    if (worker->pipeline != NULL || worker->gathers) {
        adb__job_deliver(job, outcome, &worker->outbox);
    } else if (!direct && kind_is_quick(job) && adb__worker_may_whisper(worker)) {
        adb__job_whisper(job, outcome, &worker->poster);
    } else if (direct) {
        adb__poster_rouse(&worker->poster); /* the callback runs here */
        adb__job_deliver(job, outcome, NULL);
    } else {
        adb__job_post(job, outcome, &worker->poster);
    }
}

bool adb__perform_retract(struct adb__worker *worker, struct adb__job *job)
{
    adb__result_discard(&job->result);
    adb__error_clear(&job->result.error);
    job->alone = true;
    if (!adb__job_unclaim(job))
        return false;
    worker->job = NULL;
    return true;
}

void adb__perform_end(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job, adb_status status)
{
    if (job->result.error.status != status) /* as a rule it is: what nobody writes, nobody fetches from another cache */
        job->result.error.status = status;
    if (status != ADB_OK) {
        adb_result_unref(job->outcome);
        job->outcome = NULL;
        adb__result_discard(&job->result);
        lane_learn(lane, job->kind, &job->result.error);
        if (status == ADB_E_OUTCOME_UNKNOWN && adb__resolve_in_doubt(job))
            job->result.transaction_id = job->transaction_id;
    }
    struct adb_result *outcome = kind_returns(job->kind) && job->outcome != NULL ? job->outcome : &job->result;
    bool ours = job_finish(worker, job);
    worker->job = NULL;
    if (!ours || !adb__queue_is_direct(job->queue)) /* whose callbacks run here */
        adb__worker_set_state(worker, adb__lane_is_held(lane) ? ADB__WORKER_HELD : ADB__WORKER_IDLE);
    lane_compare(worker, lane, &job->result.error);
    if (worker->is_broken)
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    else if (!adb__lane_is_held(lane))
        adb__worker_clean(worker);
    if (ours && status == ADB_OK)
        adb__counter_add_own(&worker->completed, 1);
    if (ours && outcome == &job->result && lane->embedded_in == NULL && adb__job_drop_early(job)) {
        perform_deliver(worker, job, outcome);
        return;
    }
    if (ours && outcome != &job->result) {
        outcome->job = job->id;
        perform_deliver(worker, job, outcome);
        adb_result_unref(&job->result); /* the outcome's share of the memory, which it does not need */
    } else if (ours) {
        perform_deliver(worker, job, outcome);
    } else {
        if (outcome != &job->result)
            adb_result_unref(outcome);
        adb__result_fini(&job->result); /* an outsider's verdict was delivered in its place */
    }
    lane_drop(lane, job);
}

/* A job that has lost its connection, and is to go on with another one, tries as long as it may. */
static adb_status perform_connect(struct adb__worker *worker, const struct adb__job *job, adb_error *error)
{
    adb_status status = adb__worker_connect(worker, job->deadline, error);
    if (status == ADB_OK)
        return ADB_OK;
    int64_t until = job->again_until;
    for (int64_t now = adb__clock_now(); status < 0 && now < until; now = adb__clock_now()) {
        if (!adb__job_is_queued(job) || adb__counter_get(&worker->pool->stopping) != 0)
            break;
        adb__worker_rest(worker, adb__deadline_first(until, now + RECONNECT_NS));
        status = adb__worker_connect(worker, until, error);
    }
    return status;
}

/* May the lane be given back, if there is no connection? Not for longer than it may wait: then the failure to connect
 * is what its job is told. */
static bool lane_may_give_way(const struct adb__worker *worker, const struct adb__lane *lane)
{
    int wait_ms = worker->db->options.wait_timeout_ms;
    return !adb__lane_is_held(lane) &&
           (lane->given_back_at == 0 || adb__clock_now() < adb__deadline_in(lane->given_back_at, wait_ms));
}

/* Everything that must be there before the job may be claimed. */
static adb_status perform_ready(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job,
                                adb_error *error)
{
    adb_status status = ADB_OK;
    if (!kind_is_structural(job->kind))
        status = adb__txn_usable(&lane->txn, error);
    if (status == ADB_OK && !worker->is_open && !lane->txn.lost && job->kind != ADB_REQUEST_ROLLBACK) {
        worker->may_give_way = lane_may_give_way(worker, lane);
        status = perform_connect(worker, job, error);
        worker->may_give_way = false;
    }
    if (status == ADB_OK && worker->is_open && !lane->txn.lost && adb__database_has_checkouts(worker->db))
        status = adb__worker_check_out(worker, error);
    return status;
}

/* The job may not run here. True: it was put back for the writer. */
static bool perform_move(struct adb__lane *lane, struct adb__job *job)
{
    adb_error *error = &job->result.error;
    if (adb__lane_is_held(lane) || lane->read_only || job->role == ADB__ROLE_WRITER) {
        adb__error_set(error, ADB_E_READ_ONLY, "a write in a read-only transaction or context");
        return false;
    }
    adb__result_discard(&job->result);
    if (!adb__job_unclaim(job)) {
        adb__job_reason_error(error, adb__job_stop_reason(job));
        return false;
    }
    job->role = ADB__ROLE_WRITER;
    return true;
}

/* The connection is gone, and a new one is needed. True: the job was put back, to run on that. False: it is to stop. */
static bool perform_again(struct adb__worker *worker, struct adb__job *job)
{
    if (!adb__job_unclaim(job))
        return false;
    worker->job = NULL;
    adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    return true;
}

/* The same for a job of which nothing had reached the server, once. */
static bool perform_repeat(struct adb__worker *worker, struct adb__job *job)
{
    job->repeated = true;
    adb__result_discard(&job->result);
    adb__error_clear(&job->result.error);
    return perform_again(worker, job);
}

/* The first connection of all is the writer's, whoever has asked for it. What may keep one for long is then left to a
 * reader, or nobody could write meanwhile. */
static bool perform_is_misplaced(const struct adb__worker *worker, const struct adb__lane *lane,
                                 const struct adb__job *job)
{
    return !kind_is_quick(job) && !adb__lane_is_held(lane) &&
           adb__server_pool(lane->server, job->role) != worker->pool;
}

void adb__perform(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error error; /* filled when there is one */
    if (!adb__job_is_queued(job)) {
        adb__perform_skipped(worker, lane, job);
        return;
    }
    adb__error_clear(&error);
    adb_status status = perform_ready(worker, lane, job, &error);
    worker->gives_way = status == ADB__GIVE_WAY;
    if (worker->gives_way) {
        lane->given_back_at = lane->given_back_at != 0 ? lane->given_back_at : adb__clock_now();
        return;
    }
    lane->given_back_at = 0;
    if (status == ADB_OK && perform_is_misplaced(worker, lane, job))
        return;
    if (!adb__job_claim(job, worker)) {
        adb__perform_skipped(worker, lane, job);
        return;
    }
    worker->job = job;
    adb__worker_set_state(worker, ADB__WORKER_BUSY);
    if (!kind_is_quick(job))
        adb__poster_rouse(&worker->poster);
    if (status != ADB_OK && adb__worker_check_stop(worker, &error) != ADB_OK)
        status = error.status; /* connecting took all the time there was */
    if (status != ADB_OK && adb__resolve_in_doubt(job))
        status = adb__resolve_give_up(&error);
    if (status != ADB_OK)
        job->result.error = error;
    if (status == ADB_OK || kind_is_structural(job->kind))
        status = perform_kind(worker, lane, job);
    if (status < 0 && adb__share_retry(worker)) {
        adb__result_discard(&job->result);
        adb__error_clear(&job->result.error);
        status = perform_kind(worker, lane, job);
    }
    if (status == ADB__NEED_WRITER) {
        if (perform_move(lane, job)) {
            worker->job = NULL;
            return;
        }
        status = job->result.error.status;
    }
    if (status == ADB__AGAIN) {
        if (perform_again(worker, job))
            return;
        status = job->result.error.status; /* it is to stop: the loss is its outcome */
    }
    if (status < 0 && !adb__lane_is_held(lane) && perform_may_repeat(worker, job)) {
        if (perform_repeat(worker, job))
            return;
        status = adb__job_reason_error(&job->result.error, adb__job_stop_reason(job));
    }
    adb__lane_pop(lane);
    adb__perform_end(worker, lane, job, status);
}

void adb__perform_rollback(struct adb__worker *worker, struct adb__lane *lane, adb_error *error)
{
    if (worker != NULL && worker->is_open) {
        adb__session_rollback_level(worker, lane, error);
        return;
    }
    adb__txn_pop(&lane->txn);
    adb__counter_set(&lane->depth, (int64_t)lane->txn.depth);
    if (lane->txn.depth == 0 && lane->acquired == 0)
        lane->txn.lost = false;
}

void adb__perform_skipped(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    adb_error error; /* not the verdict's, which the outsider may still be writing */
    adb__job_reason_error(&error, adb__job_stop_reason(job));
    adb__lane_pop(lane);
    adb_result_unref(job->outcome); /* of a job that has run, and was to ask what became of its commit */
    job->outcome = NULL;
    switch (job->kind) {
    case ADB_REQUEST_BEGIN:
        adb__txn_push(&lane->txn, job->level, &job->transaction);
        job->level = NULL;
        adb__txn_hollow(&lane->txn, &error);
        adb__counter_set(&lane->depth, (int64_t)lane->txn.depth);
        break;
    case ADB_REQUEST_COMMIT:
    case ADB_REQUEST_ROLLBACK:
        if (lane->txn.depth > 0)
            adb__perform_rollback(worker, lane, NULL);
        break;
    case ADB_REQUEST_ACQUIRE:
        lane->acquired++;
        break;
    case ADB_REQUEST_RELEASE:
        lane->acquired -= lane->acquired > 0;
        break;
    default:
        adb__txn_fail(&lane->txn, &error);
    }
    if (worker != NULL && !adb__lane_is_held(lane))
        adb__worker_clean(worker);
    lane_drop(lane, job);
}
