/* SPDX-License-Identifier: BSD-3-Clause */
/* Submission: from a request to an accepted job, or a refusal that has taken nothing. */
#include "base/clock.h"
#include "core/context.h"
#include "core/copy.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/job.h"
#include "core/options.h"
#include "core/stream.h"
#include "core/templates.h"
#include "model/error.h"
#include "model/value.h"
#include "sql/compile.h"

#include <string.h>

adb_status adb__job_compile_sets(struct adb__arena *arena, const struct adb__dialect *dialect, unsigned flags,
                                 const char *sql, size_t sql_size, const adb_params *sets, size_t n_sets,
                                 struct adb__statement *statement_out, const adb_value *const **values_out,
                                 adb_error *error)
{
    struct adb__sql_template compiled;
    adb_status status = adb__sql_parse(arena, dialect, flags, sql, sql_size, &compiled, error);
    if (status != ADB_OK)
        return status;
    return adb__sql_bind_sets(arena, &compiled, flags, sets, n_sets, statement_out, values_out, error);
}

static unsigned compile_flags(const struct adb__job *job)
{
    return job->flags & ADB_REQUEST_FORMAT ? ADB__SQL_FORMAT : 0;
}

static adb_status fill_one(struct adb__job *job, const adb_request *request, size_t sql_size, adb_error *error)
{
    struct adb__template_request wanted = {.sql = request->sql,
                                           .sql_size = sql_size,
                                           .flags = compile_flags(job),
                                           .hold = &job->jobs->slots[job->index].template_hold,
                                           .arena = &job->arena};
    adb_status status;
    const struct adb__sql_template *compiled = adb__templates_get(&job->ctx->db->templates, &wanted, &status, error);
    if (compiled == NULL)
        return status;
    return adb__sql_bind(&job->arena, compiled, wanted.flags, request->params, &job->statement, error);
}

static adb_status fill_many(struct adb__job *job, const adb_request *request, size_t sql_size, adb_error *error)
{
    if (request->sets == NULL && request->n_sets > 0)
        return adb__error_set(error, ADB_E_INVAL, "the sets are NULL");
    job->n_sets = request->n_sets;
    return adb__job_compile_sets(&job->arena, &job->ctx->db->driver->dialect, compile_flags(job), request->sql,
                                 sql_size, request->sets, request->n_sets, &job->statement, &job->sets, error);
}

static adb_status fill_script(struct adb__job *job, const adb_request *request, size_t sql_size, adb_error *error)
{
    if (sql_size > ADB__VALUE_MAX_BYTES)
        return adb__error_set(error, ADB_E_TOO_BIG, "a script of %zu bytes", sql_size);
    job->statement.sql = adb__arena_bytes(&job->arena, request->sql, sql_size);
    job->statement.sql_size = sql_size;
    return job->statement.sql != NULL ? ADB_OK : adb__error_set(error, ADB_E_NOMEM, "no memory for the script");
}

static adb_status fill_sql(struct adb__job *job, const adb_request *request, adb_error *error)
{
    if (request->sql == NULL)
        return adb__error_set(error, ADB_E_INVAL, "the statement is NULL");
    size_t sql_size = request->sql_size != 0 ? request->sql_size : strlen(request->sql);
    if (request->kind == ADB_REQUEST_EXECUTE_MANY)
        return fill_many(job, request, sql_size, error);
    if (request->kind == ADB_REQUEST_EXECUTE_SCRIPT)
        return fill_script(job, request, sql_size, error);
    return fill_one(job, request, sql_size, error);
}

static void fill_stream(struct adb__job *job, const adb_request *request)
{
    const adb_options *options = &job->ctx->db->options;
    adb__stream_init(&job->stream);
    job->stream.most_rows = request->batch_rows != 0 ? request->batch_rows : options->batch_rows;
    job->stream.most_bytes = request->batch_bytes != 0 ? request->batch_bytes : options->batch_bytes;
}

static adb_status fill_fetch(struct adb__job *job, const adb_request *request, adb_error *error)
{
    if (request->kind == ADB_REQUEST_FETCH_MANY && request->limit == 0)
        return adb__error_set(error, ADB_E_INVAL, "a limit of 0 rows");
    job->snapshots = adb__snapshots_begun(&job->ctx->db->snapshots);
    job->limit = request->limit;
    job->column = request->column;
    job->column_name = NULL;
    job->batch = request->batch;
    job->streams = request->kind == ADB_REQUEST_ITERATE;
    if (job->streams)
        fill_stream(job, request);
    if (request->column_name != NULL) {
        job->column_name = adb__arena_strdup(&job->arena, request->column_name);
        if (job->column_name == NULL)
            return adb__error_set(error, ADB_E_NOMEM, "no memory for a column name");
    }
    return fill_sql(job, request, error);
}

static adb_status fill_transaction(struct adb__job *job, const adb_request *request, adb_error *error)
{
    adb_transaction_options *options = &job->transaction;
    *options = (adb_transaction_options){.size = sizeof(*options)};
    if (request->transaction != NULL) {
        adb_status status = adb__options_copy(options, sizeof(*options), request->transaction,
                                              request->transaction->size, "adb_transaction_options", error);
        if (status != ADB_OK)
            return status;
    }
    if ((unsigned)options->isolation > ADB_ISOLATION_SERIALIZABLE || (unsigned)options->lock > ADB_LOCK_EXCLUSIVE ||
        (unsigned)options->on_error > ADB_ON_ERROR_CONTINUE || options->retries > 1000)
        return adb__error_set(error, ADB_E_INVAL, "a transaction option is out of range");
    options->read_only = options->read_only || job->ctx->lane->read_only;
    if (request->kind != ADB_REQUEST_BEGIN)
        return ADB_OK;
    job->level = adb__level_new(options);
    return job->level != NULL ? ADB_OK : adb__error_set(error, ADB_E_NOMEM, "no memory for a transaction level");
}

static adb_status fill_work(struct adb__job *job, const adb_request *request, adb_error *error)
{
    if (request->work == NULL)
        return adb__error_set(error, ADB_E_INVAL, "the work function is NULL");
    job->work = request->work;
    if (request->kind == ADB_REQUEST_RUN && request->transaction == NULL)
        return ADB_OK;
    return fill_transaction(job, request, error);
}

static adb_status fill_copy(struct adb__job *job, const adb_request *request, adb_error *error)
{
    if (request->sql == NULL)
        return adb__error_set(error, ADB_E_INVAL, "target or source is NULL");
    if (request->params != NULL && request->params->count > 0)
        return adb__error_set(error, ADB_E_PARAMETER, "a copy takes no parameters");
    struct adb__copy *copy = adb__arena_alloc(&job->arena, sizeof(*copy));
    if (copy == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a copy");
    *copy = (struct adb__copy){0};
    if (request->kind == ADB_REQUEST_COPY_IN)
        copy->produce = request->produce;
    else
        copy->consume = request->consume;
    job->copy = copy;
    size_t sql_size = request->sql_size != 0 ? request->sql_size : strlen(request->sql);
    adb_status status =
        adb__copy_plan(&job->arena, job->ctx->db->driver, request->sql, sql_size, request->copy, copy, error);
    job->statement.flags = request->kind == ADB_REQUEST_COPY_OUT ? copy->statement.flags : 0;
    return status;
}

static adb_status fill_kind(struct adb__job *job, const adb_request *request, adb_error *error)
{
    switch (request->kind) {
    case ADB_REQUEST_EXECUTE:
    case ADB_REQUEST_EXECUTE_MANY:
    case ADB_REQUEST_EXECUTE_SCRIPT:
        return fill_sql(job, request, error);
    case ADB_REQUEST_FETCH_ALL:
    case ADB_REQUEST_FETCH_ONE:
    case ADB_REQUEST_FETCH_VAL:
    case ADB_REQUEST_FETCH_MANY:
    case ADB_REQUEST_ITERATE:
        return fill_fetch(job, request, error);
    case ADB_REQUEST_BEGIN:
        return fill_transaction(job, request, error);
    case ADB_REQUEST_RUN:
    case ADB_REQUEST_TRANSACT:
        return fill_work(job, request, error);
    case ADB_REQUEST_COMMIT:
    case ADB_REQUEST_ROLLBACK:
    case ADB_REQUEST_ACQUIRE:
    case ADB_REQUEST_RELEASE:
    case ADB_REQUEST_CONNECT:
        return ADB_OK;
    case ADB_REQUEST_COPY_IN:
    case ADB_REQUEST_COPY_OUT:
        return fill_copy(job, request, error);
    }
    return adb__error_set(error, ADB_E_INVAL, "%d is no kind of request", (int)request->kind);
}

/* Who may run the job: readers what says of itself that it only reads. A reader that finds otherwise passes it on. */
static enum adb__role job_role(const struct adb__job *job)
{
    if (job->ctx->lane->read_only)
        return ADB__ROLE_READER;
    if (job->kind == ADB_REQUEST_BEGIN || job->kind == ADB_REQUEST_TRANSACT)
        return job->transaction.read_only ? ADB__ROLE_READER : ADB__ROLE_WRITER;
    return job->statement.flags & ADB__STMT_READS && job->kind != ADB_REQUEST_EXECUTE_MANY ? ADB__ROLE_READER
                                                                                           : ADB__ROLE_WRITER;
}

/* A begin is for an end of its own: a release without an acquire ends no transaction. True: it is one of these. */
static bool job_plans(const struct adb__job *job, struct adb__counter **counter_out, int *change_out)
{
    switch (job->kind) {
    case ADB_REQUEST_BEGIN:
    case ADB_REQUEST_COMMIT:
    case ADB_REQUEST_ROLLBACK:
        *counter_out = &job->ctx->lane->planned_levels;
        *change_out = job->kind == ADB_REQUEST_BEGIN ? 1 : -1;
        return true;
    case ADB_REQUEST_ACQUIRE:
    case ADB_REQUEST_RELEASE:
        *counter_out = &job->ctx->lane->planned_holds;
        *change_out = job->kind == ADB_REQUEST_ACQUIRE ? 1 : -1;
        return true;
    default:
        return false;
    }
}

/* A parallel context gives each job a lane of its own, unless it stands inside a transaction or hold. Returns where to
 * put the job. */
static struct adb__lane *job_choose_lane(struct adb__job *job)
{
    adb_context *ctx = job->ctx;
    job->lane = ctx->lane;
    job->role = (uint8_t)job_role(job);
    if ((ctx->flags & ADB_CONTEXT_PARALLEL) == 0)
        return job->lane;
    struct adb__counter *planned;
    int change;
    if (job_plans(job, &planned, &change)) {
        if (adb__counter_get(planned) + change >= 0)
            adb__counter_add(planned, change);
        return job->lane;
    }
    if (adb__counter_get(&ctx->lane->planned_levels) > 0 || adb__counter_get(&ctx->lane->planned_holds) > 0)
        return job->lane;
    job->lane = &job->own_lane;
    return adb__deal_enter(ctx->lane, job);
}

adb_status adb__job_fill(struct adb__job *job, adb_context *ctx, const adb_request *request, adb_error *error)
{
    job->ctx = ctx;
    job->queue = ctx->queue;
    job->kind = request->kind;
    job->flags = request->flags;
    job->done = request->done;
    job->user_data = job->result.user_data = request->user_data;
    if ((request->flags & ~(unsigned)(ADB_REQUEST_FORMAT | ADB_REQUEST_NOT_ATOMIC)) != 0)
        return adb__error_set(error, ADB_E_INVAL, "unknown flags in a request");
    return fill_kind(job, request, error);
}

/* The request as this version knows it is *request: the caller's own, or, if that is of another version, a copy. */
static adb_status submit_check(adb_context *ctx, const adb_request **request, adb_request *copy)
{
    const adb_request *given = *request;
    adb_status status = ADB_OK;
    if (given == NULL)
        return adb__error_set(&ctx->error, ADB_E_INVAL, "the request is NULL");
    if (adb__database_is_forked(ctx->db))
        return adb__error_set(&ctx->error, ADB_E_FORKED, "this handle was made by a parent process");
    if (given->size != sizeof(*given)) {
        status = adb__options_copy(copy, sizeof(*copy), given, given->size, "adb_request", &ctx->error);
        *request = copy;
    }
    if (status == ADB_OK && !atomic_load_explicit(&ctx->db->jobs.open, memory_order_acquire))
        return adb__error_set(&ctx->error, ADB_E_CLOSED, "the database is closed");
    return status == ADB_OK ? adb__database_start(ctx->db, &ctx->error) : status;
}

/* How long it has from now to its end, in ms; negative: it has no deadline. */
static int submit_timeout(const adb_context *ctx, const adb_request *request)
{
    int timeout_ms = request->timeout_ms;
    if (timeout_ms == 0)
        timeout_ms = ctx->timeout_ms;
    if (timeout_ms == 0)
        timeout_ms = ctx->db->options.timeout_ms;
    return timeout_ms == 0 ? -1 : timeout_ms;
}

/* The moment from which a deadline counts, or how long a job of a parallel context waits for its turn (core/deal.h). What
 * else hangs on it bears to be early by a tick, and the clock is a sixth of the price of a submission. */
static int64_t submit_time(const adb_context *ctx, int timeout_ms)
{
    return timeout_ms >= 0 || (ctx->flags & ADB_CONTEXT_PARALLEL) != 0 ? adb__clock_now() : adb__clock_tick();
}

/* Undo what filling and accepting have taken. */
static adb_job submit_refuse(adb_context *ctx, struct adb__job *job)
{
    adb__counter_add(&ctx->db->figures.refused, 1);
    if (job != NULL)
        adb__job_untake(job);
    return 0;
}

adb_job adb_submit(adb_context *ctx, const adb_request *request)
{
    adb_request copy;
    if (ctx == NULL)
        return 0;
    adb__cacheline_fetch_own(ctx + 1); /* its lane, as a rule: one among thousands is in no cache by itself */
    adb_status status = submit_check(ctx, &request, &copy);
    if (status != ADB_OK)
        return submit_refuse(ctx, NULL);
    struct adb__job *job = adb__job_take(&ctx->db->jobs, ctx->slots_stack, &status);
    if (job == NULL) {
        adb__error_set(&ctx->error, status,
                       status == ADB_E_BUSY ? "the queue is full: %u jobs accepted and not delivered"
                                            : "no memory for one of %u jobs",
                       ctx->db->jobs.capacity);
        return submit_refuse(ctx, NULL);
    }
    const int timeout_ms = submit_timeout(ctx, request);
    const int64_t now = submit_time(ctx, timeout_ms);
    const int64_t deadline = job->deadline = adb__deadline_in(now, timeout_ms);
    status = adb__job_fill(job, ctx, request, &ctx->error);
    if (status != ADB_OK)
        return submit_refuse(ctx, job);
    adb_job id = job->id;
    adb__context_grant(ctx);
    adb__counter_add_own(&ctx->accepted, 1); /* before: it may be delivered at once */
    if (!adb__job_accept(job, now)) {
        adb__counter_add_own(&ctx->accepted, -1);
        adb__context_revoke(ctx);
        adb__error_set(&ctx->error, ADB_E_CLOSED, "the database is closing");
        return submit_refuse(ctx, job);
    }
    /* From here on an outsider may end the job, but its memory is the lane's too, and so still ours. */
    struct adb__lane *lane = job_choose_lane(job);
    ctx->error.status = ADB_OK;
    adb__lane_submit(lane, job);
    if (deadline != ADB__NEVER)
        adb__watchdog_by(&ctx->db->watchdog, deadline);
    return id;
}

adb_job adb_execute(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = sql, .params = params, .done = done,
                                       .user_data = user_data));
}

adb_job adb_execute_many(adb_context *ctx, const char *sql, const adb_params *sets, size_t n_sets, adb_done_cb done,
                         void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE_MANY, .sql = sql, .sets = sets, .n_sets = n_sets,
                                       .done = done, .user_data = user_data));
}

adb_job adb_execute_script(adb_context *ctx, const char *sql, adb_done_cb done, void *user_data)
{
    return adb_submit(
        ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE_SCRIPT, .sql = sql, .done = done, .user_data = user_data));
}

adb_job adb_fetch_all(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = sql, .params = params, .done = done,
                                       .user_data = user_data));
}

adb_job adb_fetch_one(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ONE, .sql = sql, .params = params, .done = done,
                                       .user_data = user_data));
}

adb_job adb_fetch_val(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = sql, .params = params, .done = done,
                                       .user_data = user_data));
}

adb_job adb_fetch_many(adb_context *ctx, const char *sql, const adb_params *params, size_t limit, adb_done_cb done,
                       void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_MANY, .sql = sql, .params = params, .limit = limit,
                                       .done = done, .user_data = user_data));
}

adb_job adb_iterate(adb_context *ctx, const char *sql, const adb_params *params, adb_batch_cb batch, adb_done_cb done,
                    void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = sql, .params = params, .batch = batch,
                                       .done = done, .user_data = user_data));
}

adb_job adb_copy_in(adb_context *ctx, const char *target, adb_copy_in_cb produce, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_IN, .sql = target, .produce = produce, .done = done,
                                       .user_data = user_data));
}

adb_job adb_copy_out(adb_context *ctx, const char *source, adb_copy_out_cb consume, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_OUT, .sql = source, .consume = consume, .done = done,
                                       .user_data = user_data));
}

adb_job adb_connect(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_CONNECT, .done = done, .user_data = user_data));
}

adb_job adb_begin(adb_context *ctx, const adb_transaction_options *options, adb_done_cb done, void *user_data)
{
    return adb_submit(
        ctx, ADB_REQUEST(.kind = ADB_REQUEST_BEGIN, .transaction = options, .done = done, .user_data = user_data));
}

adb_job adb_commit(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_COMMIT, .done = done, .user_data = user_data));
}

adb_job adb_rollback(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ROLLBACK, .done = done, .user_data = user_data));
}

adb_job adb_acquire(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ACQUIRE, .done = done, .user_data = user_data));
}

adb_job adb_release(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_RELEASE, .done = done, .user_data = user_data));
}

adb_job adb_run(adb_context *ctx, adb_work_fn work, adb_done_cb done, void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_RUN, .work = work, .done = done, .user_data = user_data));
}

adb_job adb_transact(adb_context *ctx, const adb_transaction_options *options, adb_work_fn work, adb_done_cb done,
                     void *user_data)
{
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_TRANSACT, .transaction = options, .work = work, .done = done,
                                       .user_data = user_data));
}
