/* SPDX-License-Identifier: BSD-3-Clause */
/* The public functions of a session, and the work functions that are given one. */
#include "base/alloc.h"
#include "base/clock.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/database.h"
#include "core/options.h"
#include "core/resolve.h"
#include "core/session.h"
#include "core/stream.h"
#include "model/error.h"
#include "sql/compile.h"

#include <string.h>

#define BACKOFF_MS     10
#define BACKOFF_MAX_MS 1000

/* What is handed out when there is no memory for a result: has more references than will ever be given back. */
static struct adb_result nomem_result = {
    .ref = {.count = 1u << 30},
    .error = {.status = ADB_E_NOMEM, .message = "no memory for a result"},
    .affected = -1,
};

struct adb_result *adb__result_failed(const adb_error *error)
{
    struct adb_result *result = adb__result_new();
    if (result == NULL)
        return adb_result_ref(&nomem_result);
    result->error = *error;
    return result;
}

/* One statement of a session: compiled text in its own arena. */
struct face_call {
    struct adb__arena arena;
    struct adb__statement statement;
    struct adb_result *result;
};

/* What a call without a session gets. */
static adb_result *face_nobody(void)
{
    adb_error error;
    adb__error_set(&error, ADB_E_INVAL, "the session is NULL");
    return adb__result_failed(&error);
}

static adb_status face_refuse(struct adb_session *session, const char *sql)
{
    if (sql == NULL)
        return adb__error_set(&session->error, ADB_E_INVAL, "the statement is NULL");
    return ADB_OK;
}

static adb_status call_open(struct face_call *call, struct adb_session *session, const char *sql,
                            const adb_params *params)
{
    struct adb__sql_template compiled;
    memset(call, 0, sizeof(*call));
    adb__arena_init(&call->arena, NULL, 0);
    adb_status status = face_refuse(session, sql);
    if (status != ADB_OK)
        return status;
    call->result = adb__result_new();
    if (call->result == NULL)
        return adb__error_set(&session->error, ADB_E_NOMEM, "no memory for a result");
    status = adb__sql_parse(&call->arena, &session->worker->db->driver->dialect, 0, sql, strlen(sql), &compiled,
                            &session->error);
    if (status == ADB_OK)
        status = adb__sql_bind(&call->arena, &compiled, ADB__SQL_NO_COPY, params, &call->statement, &session->error);
    return status;
}

/* The outcome of a call. A session's statement that needs the writer can only be one of a read-only context. */
static adb_result *call_close(struct face_call *call, struct adb_session *session, adb_status status)
{
    if (status == ADB__NEED_WRITER)
        status = adb__error_set(&session->error, ADB_E_READ_ONLY, "a write in a read-only context or transaction");
    adb__arena_reset(&call->arena);
    if (call->result == NULL)
        return adb__result_failed(&session->error);
    if (status != ADB_OK) {
        adb__result_discard(call->result);
        call->result->error = session->error;
    }
    if (session->job != NULL)
        call->result->job = session->job->id;
    return call->result;
}

static adb_result *face_run(struct adb_session *session, const char *sql, const adb_params *params, size_t max_rows)
{
    struct face_call call;
    if (session == NULL)
        return face_nobody();
    adb_status status = call_open(&call, session, sql, params);
    struct adb__sink sink = {.result = call.result, .max_rows = max_rows};
    if (status == ADB_OK)
        status = adb__session_run(session->worker, session->lane, &call.statement, &sink, &session->error);
    return call_close(&call, session, status);
}

adb_result *adb_session_execute(adb_session *session, const char *sql, const adb_params *params)
{
    return face_run(session, sql, params, 1);
}

adb_result *adb_session_fetch_all(adb_session *session, const char *sql, const adb_params *params)
{
    return face_run(session, sql, params, 0);
}

adb_result *adb_session_fetch_one(adb_session *session, const char *sql, const adb_params *params)
{
    return face_run(session, sql, params, 1);
}

adb_result *adb_session_fetch_val(adb_session *session, const char *sql, const adb_params *params)
{
    if (session == NULL)
        return face_nobody();
    struct face_call call;
    adb_status status = call_open(&call, session, sql, params);
    struct adb__sink sink = {.result = call.result, .max_rows = 1};
    if (status == ADB_OK)
        status = adb__session_run(session->worker, session->lane, &call.statement, &sink, &session->error);
    if (status == ADB_OK)
        status = adb__result_reduce(call.result, 0, NULL, &session->error);
    return call_close(&call, session, status);
}

/* Hands batches to the caller's function, on the spot. */
struct face_rows {
    adb_rows_cb rows;
    void *user_data;
    struct adb_result *spare; /* a batch that came back; NULL: none */
};

static adb_status rows_flush(struct adb__sink *sink, adb_error *error)
{
    struct face_rows *face = sink->owner;
    struct adb_result *batch = sink->result;
    struct adb_result *next = face->spare != NULL ? face->spare : adb__result_new();
    face->spare = NULL;
    if (next == NULL || adb__result_share_columns(next, batch) != ADB_OK) {
        adb_result_unref(next);
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a batch");
    }
    sink->result = next;
    batch->more = true;
    bool go_on = face->rows(batch, face->user_data);
    face->spare = adb__result_recycle(batch);
    return go_on ? ADB_OK : ADB__SINK_ENOUGH;
}

adb_result *adb_session_iterate(adb_session *session, const char *sql, const adb_params *params, adb_rows_cb rows,
                                void *user_data)
{
    if (session == NULL)
        return face_nobody();
    const adb_options *options = &session->worker->db->options;
    struct face_rows face = {.rows = rows, .user_data = user_data};
    struct face_call call;
    adb_status status = call_open(&call, session, sql, params);
    struct adb__sink sink = {.result = call.result, .flush_fn = rows_flush, .owner = &face};
    adb__stream_limit(&sink, options->batch_rows, options->batch_bytes, 1);
    if (status == ADB_OK && rows == NULL)
        status = adb__error_set(&session->error, ADB_E_INVAL, "the function for rows is NULL");
    if (status == ADB_OK)
        status = adb__session_run(session->worker, session->lane, &call.statement, &sink, &session->error);
    if (status == ADB_OK && !sink.stopped && sink.result->n_rows > 0)
        status = rows_flush(&sink, &session->error);
    if (status == ADB__SINK_ENOUGH)
        status = ADB_OK;
    call.result = sink.result;
    adb_result_unref(face.spare);
    return call_close(&call, session, status);
}

adb_result *adb_session_execute_script(adb_session *session, const char *sql)
{
    if (session == NULL)
        return face_nobody();
    struct face_call call = {.result = adb__result_new()};
    adb_status status = face_refuse(session, sql);
    if (status == ADB_OK && call.result == NULL)
        status = adb__error_set(&session->error, ADB_E_NOMEM, "no memory for a result");
    if (status == ADB_OK)
        status = adb__session_run_script(session->worker, session->lane, sql, strlen(sql), call.result,
                                         &session->error);
    return call_close(&call, session, status);
}

adb_result *adb_session_execute_many(adb_session *session, const char *sql, const adb_params *sets, size_t n_sets)
{
    if (session == NULL)
        return face_nobody();
    struct face_call call = {.result = adb__result_new()};
    const adb_value *const *values = NULL;
    adb__arena_init(&call.arena, NULL, 0);
    adb_status status = face_refuse(session, sql);
    if (status == ADB_OK && (call.result == NULL || (sets == NULL && n_sets > 0)))
        status = adb__error_set(&session->error, call.result == NULL ? ADB_E_NOMEM : ADB_E_INVAL,
                                "no memory, or no sets");
    if (status == ADB_OK)
        status = adb__job_compile_sets(&call.arena, &session->worker->db->driver->dialect, ADB__SQL_NO_COPY, sql,
                                       strlen(sql), sets, n_sets, &call.statement, &values, &session->error);
    if (status == ADB_OK)
        status = adb__session_run_many(session->worker, session->lane, &call.statement, values, n_sets, true,
                                       call.result, &session->error);
    return call_close(&call, session, status);
}

static adb_result *face_copy(struct adb_session *session, const char *sql, const adb_copy_options *options,
                             struct adb__copy *copy, void *user_data)
{
    if (session == NULL)
        return face_nobody();
    struct face_call call = {.result = adb__result_new()};
    adb__arena_init(&call.arena, NULL, 0);
    adb_status status = face_refuse(session, sql);
    if (status == ADB_OK && call.result == NULL)
        status = adb__error_set(&session->error, ADB_E_NOMEM, "no memory for a result");
    if (status == ADB_OK)
        status = adb__copy_plan(&call.arena, session->worker->db->driver, sql, strlen(sql), options, copy,
                                &session->error);
    if (status == ADB_OK)
        status = adb__copy_here(session->worker, session->lane, copy, user_data, call.result, &session->error);
    return call_close(&call, session, status);
}

adb_result *adb_session_copy_in(adb_session *session, const char *target, const adb_copy_options *options,
                                adb_copy_in_cb produce, void *user_data)
{
    struct adb__copy copy = {.produce = produce};
    return face_copy(session, target, options, &copy, user_data);
}

adb_result *adb_session_copy_out(adb_session *session, const char *source, const adb_copy_options *options,
                                 adb_copy_out_cb consume, void *user_data)
{
    struct adb__copy copy = {.consume = consume};
    return face_copy(session, source, options, &copy, user_data);
}

adb_status adb_session_begin(adb_session *session, const adb_transaction_options *options)
{
    adb_transaction_options own = {.size = sizeof(own)};
    adb_status status = ADB_OK;
    if (session == NULL)
        return ADB_E_INVAL;
    if (session->lane == NULL)
        return adb__error_set(&session->error, ADB_E_STATE, "a connect hook has no transaction of its own");
    if (options != NULL)
        status = adb__options_copy(&own, sizeof(own), options, options->size, "adb_transaction_options",
                                   &session->error);
    if (status != ADB_OK)
        return status;
    struct adb__level *level = adb__level_new(&own);
    if (level == NULL)
        return adb__error_set(&session->error, ADB_E_NOMEM, "no memory for a transaction level");
    level->on_error = ADB_ON_ERROR_CONTINUE; /* the function sees each failure itself */
    status = adb__session_open_level(session->worker, session->lane, level, &own, &session->error);
    if (status != ADB_OK) /* unlike an asynchronous begin, the caller knows at once: there is nothing to unwind */
        adb__session_rollback_level(session->worker, session->lane, NULL);
    return status;
}

static adb_status face_own_level(struct adb_session *session, const char *what)
{
    if (session->lane != NULL && session->lane->txn.depth > session->base_depth)
        return ADB_OK;
    return adb__error_set(&session->error, ADB_E_NO_TRANSACTION, "%s without a level that this function has begun",
                          what);
}

adb_status adb_session_commit(adb_session *session)
{
    if (session == NULL)
        return ADB_E_INVAL;
    adb_status status = face_own_level(session, "commit");
    if (status == ADB_OK)
        status = adb__worker_check_stop(session->worker, &session->error);
    else
        return status;
    if (status != ADB_OK) {
        adb__session_rollback_level(session->worker, session->lane, NULL);
        return status;
    }
    return adb__session_commit_level(session->worker, session->lane, &session->error);
}

adb_status adb_session_rollback(adb_session *session)
{
    if (session == NULL)
        return ADB_E_INVAL;
    adb_status status = face_own_level(session, "rollback");
    if (status != ADB_OK)
        return status;
    return adb__session_rollback_level(session->worker, session->lane, &session->error);
}

size_t adb_session_depth(const adb_session *session)
{
    return session == NULL || session->lane == NULL ? 0 : session->lane->txn.depth;
}

bool adb_session_stopped(const adb_session *session)
{
    return session == NULL || adb__worker_check_stop(session->worker, NULL) != ADB_OK;
}

const adb_error *adb_session_error(const adb_session *session)
{
    static const adb_error nobody = {.status = ADB_E_INVAL, .message = "the session is NULL"};
    return session == NULL ? &nobody : &session->error;
}

adb_status adb_session_fail(adb_session *session, adb_status status, const char *message)
{
    return adb__error_set(session == NULL ? NULL : &session->error, status, "%s",
                          message == NULL ? adb_status_text(status) : message);
}

void adb_session_return(adb_session *session, adb_result *result)
{
    if (session == NULL) {
        adb_result_unref(result);
        return;
    }
    adb_result_unref(session->returned);
    session->returned = NULL;
    if (result == NULL || result->error.status != ADB_OK || session->job == NULL) {
        adb_result_unref(result);
        return;
    }
    session->returned = result;
}

void *adb_session_native(adb_session *session)
{
    if (session == NULL)
        return NULL;
    session->worker->acted = true;
    return session->worker->db->driver->native(session->worker->conn);
}

adb_status adb__session_hook(struct adb__worker *worker, adb_connect_cb hook, void *user_data, adb_error *error)
{
    struct adb_session session = {.worker = worker};
    adb_status status = hook(&session, user_data);
    adb_result_unref(session.returned);
    if (status == ADB_OK)
        return ADB_OK;
    if (session.error.status != ADB_OK && error != NULL)
        *error = session.error;
    else
        adb__error_set(error, status, "the connect hook refused the connection");
    if (error != NULL)
        error->status = status;
    return status;
}

/* The detail of what a work function has returned. */
static adb_status work_error(struct adb_session *session, adb_status status)
{
    if (status == ADB_OK)
        return ADB_OK;
    if (status > 0)
        return adb__error_set(&session->error, ADB_E_INVAL, "the work function returned %d, which is no status",
                              (int)status);
    if (session->error.status != status)
        adb__error_set(&session->error, status, "the work function failed: %s", adb_status_text(status));
    return status;
}

adb_status adb__session_work(struct adb_session *session, adb_work_fn work, void *user_data)
{
    struct adb__lane *lane = session->lane;
    adb_status status = work_error(session, work(session, user_data));
    while (lane->txn.depth > session->base_depth) /* levels left open are nobody's */
        adb__session_rollback_level(session->worker, lane, NULL);
    return status;
}

/* One attempt: begin, run, end. */
static adb_status transact_once(struct adb_session *session, const adb_transaction_options *options, adb_work_fn work,
                                void *user_data)
{
    size_t base = session->base_depth;
    adb_status status = adb_session_begin(session, options);
    if (status != ADB_OK)
        return status;
    session->base_depth = base + 1; /* the function may not end the level that is not its own */
    status = adb__session_work(session, work, user_data);
    session->base_depth = base;
    if (session->lane->txn.depth == base)
        return status == ADB_OK ? adb__error_set(&session->error, ADB_E_TRANSACTION_LOST, "the transaction was ended")
                                : status;
    if (status == ADB_OK)
        return adb_session_commit(session);
    adb__session_rollback_level(session->worker, session->lane, NULL);
    return status;
}

/* A connection that was lost before the commit was sent has committed nothing. */
static bool transact_may_retry(struct adb_session *session, adb_status status)
{
    if (session->base_depth > 0)
        return false;
    if (session->worker->is_broken)
        return (status == ADB_E_CONNECTION || status == ADB_E_TRANSACTION_LOST) && adb__resolve_again(session);
    return status == ADB_E_SERIALIZATION || status == ADB_E_LOCKED ||
           (session->error.status == status && (session->error.flags & ADB_ERROR_RETRY_TRANSACTION) != 0);
}

/* Pause before the next attempt: full jitter below a bound that doubles. ADB_OK, or why the job is to end. */
static adb_status transact_pause(struct adb_session *session, unsigned attempt, int first_ms)
{
    struct adb__worker *worker = session->worker;
    int64_t bound_ms = first_ms > 0 ? first_ms : BACKOFF_MS;
    for (unsigned i = 0; i < attempt && bound_ms < BACKOFF_MAX_MS; i++)
        bound_ms *= 2;
    if (bound_ms > BACKOFF_MAX_MS)
        bound_ms = BACKOFF_MAX_MS;
    uint64_t pause_ns = adb__random(&worker->random) % (uint64_t)(bound_ms * ADB__NS_PER_MS + 1);
    int64_t until = adb__clock_now() + (int64_t)pause_ns;
    while (adb__clock_now() < until) {
        adb_status status = adb__worker_check_stop(worker, &session->error);
        if (status != ADB_OK)
            return status;
        adb__worker_rest(worker, adb__deadline_first(until, session->job->deadline));
    }
    return ADB_OK;
}

/* One attempt, or what became of the one before, when the answer to its commit was lost. */
static adb_status transact_try(struct adb_session *session, const adb_transaction_options *options, adb_work_fn work,
                               void *user_data)
{
    if (adb__resolve_in_doubt(session->job))
        return adb__resolve_ask(session);
    session->job->again_until = 0;
    adb_status status = transact_once(session, options, work, user_data);
    return adb__resolve_in_doubt(session->job) && adb__resolve_again(session) ? ADB__AGAIN : status;
}

adb_status adb__session_transact(struct adb_session *session, const adb_transaction_options *options, adb_work_fn work,
                                 void *user_data)
{
    for (;;) {
        adb_status status = transact_try(session, options, work, user_data);
        unsigned attempt = session->job->attempts;
        if (status == ADB_OK || status == ADB__AGAIN || attempt >= options->retries ||
            !transact_may_retry(session, status))
            return status;
        session->job->attempts++;
        adb_result_unref(session->job->outcome); /* of an attempt that was in doubt */
        session->job->outcome = NULL;
        adb_error failure = session->error;
        if (transact_pause(session, attempt, options->backoff_ms) != ADB_OK)
            return session->error.status;
        adb_session_return(session, NULL);
        adb__counter_add(&session->worker->db->figures.retries, 1);
        adb__log(&session->worker->db->log, ADB__LOG_DEBUG, "retrying a transaction: %s", failure.message);
        if (session->worker->is_broken)
            return ADB__AGAIN;
    }
}
