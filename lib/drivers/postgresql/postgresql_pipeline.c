/* SPDX-License-Identifier: BSD-3-Clause */
/* Several statements on their way at once.
 *
 * Only what is prepared, and has yielded little when it was run by itself, takes part: it needs nothing but its own
 * answer, which libpq may hold whole. All else is to run alone, where it is prepared, healed and streamed.
 *
 * Each statement has a synchronisation of its own, so that failures stay apart. Neighbours that are the same statement
 * share one, once it has proved quick and without failures: a round of such selects costs both sides half as much. They
 * are one transaction then, that holds no lock beyond those which each of them takes, sees nothing that any of them
 * could not have seen by itself, and is told of nothing later. What the server skips because of a neighbour's failure
 * has had no effect: it runs alone. Where the end of a transaction can fail after its statements have been answered
 * (serializable), nothing is shared.
 *
 * Those that may only read are told so: before the first of each such transaction the server hears that it is
 * read-only, which ends with it.
 *
 * Writes have a synchronisation each, always. Around all of them commits are not waited for, and at the end comes a
 * flush (postgresql_wal.c). What was stopped, but was not the one to be, has had no effect, and runs alone. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "config.h"
#include "model/error.h"

#include <assert.h>
#include <string.h>

/* What is sent in one go: so many statements, or bytes of values. */
#define MOST_CALLS 32
#define MOST_BYTES 65536

/* After so many reads, some thirty megabytes, an answer of which few rows are wanted, or none, is not read to its end.
 */
#define MOST_READS 4096

/* A batch that takes so much longer than the quickest is slow: about so long an answer may be kept back by those behind
 * it. */
#define QUICK_NS (4 * ADB__NS_PER_MS)

/* So many good batches before a statement shares, and so many that count. */
#define PROVED_SMOOTH 3
#define MOST_SMOOTH   50

/* So often a write that was too slow for others to wait for runs alone. */
#define ALONE_AFTER_SLOW 16

/* Statements that are sent in one go: calls of the pipeline, from one of them on. */
struct batch {
    struct adb__pg *conn;
    struct adb__pipeline *pipeline;
    struct adb__call *calls;
    size_t n_calls;
    bool has_failed;                               /* one of them */
    struct adb__pg_prepared *prepared[MOST_CALLS]; /* NULL: not sent */
    bool must_read[MOST_CALLS];                    /* the server is to be told that it must not write */
    bool is_told[MOST_CALLS];                      /* it was, before it */
    bool is_synced[MOST_CALLS];                    /* a synchronisation was sent behind it */
    bool is_asked[MOST_CALLS];                     /* of writes: whether it is wanted */
    bool is_taken[MOST_CALLS];                     /* and it is */
    bool begins;                                   /* before the first: commits are not waited for */
    bool ends;                                     /* behind the last: they are again, and all are flushed */
};

/* What the server says to one call. */
struct answer {
    struct adb__pg *conn;
    struct adb__pg_prepared *prepared;
    struct adb__call *call; /* NULL: nobody wants it any more */
    size_t n_reads;
    bool is_there;
    bool is_announced;
    adb_status status; /* of the sink */
    PGresult *failure; /* the first */
};

static bool is_usable(const struct adb__pg *conn)
{
    return PQstatus(conn->pg) == CONNECTION_OK && !conn->out_of_step;
}

/* Sharing ---------------------------------------------------------------------------------------------------------- */

static bool wants_to_share(const struct adb__pg_prepared *prepared)
{
    return prepared->n_smooth >= PROVED_SMOOTH;
}

/* Ask what isolation transactions have by themselves. When no answer comes, another time will do. */
static void learn_isolation(struct adb__pg *conn)
{
    if (!PQsendQuery(conn->pg, "SHOW default_transaction_isolation"))
        return;
    adb__pg_flush(conn);
    PGresult *answer = adb__pg_next(conn);
    if (answer != NULL && PQresultStatus(answer) == PGRES_TUPLES_OK && PQntuples(answer) == 1)
        conn->sharing = strcmp(PQgetvalue(answer, 0, 0), "serializable") == 0 ? ADB__PG_SHARES_NOT : ADB__PG_SHARES;
    PQclear(answer);
    PQclear(adb__pg_drain(conn));
}

/* A failure ends the sharing at once, slowness when it lasts: a busy machine is slow now and then. */
static unsigned smoothness(unsigned before, bool has_failed, bool is_slow)
{
    if (has_failed)
        return 0;
    if (is_slow)
        return before / 2;
    return before < MOST_SMOOTH ? before + 1 : before;
}

static void learn_smoothness(struct batch *batch)
{
    struct adb__pg *conn = batch->conn;
    const struct adb__pg_prepared *before = NULL;
    const int64_t taken = adb__clock_now() - conn->used_at;
    if (!batch->has_failed && (conn->quickest_ns == 0 || taken < conn->quickest_ns))
        conn->quickest_ns = taken;
    const bool is_slow = taken > conn->quickest_ns + QUICK_NS;
    for (size_t i = 0; i < batch->n_calls; i++) {
        struct adb__pg_prepared *prepared = batch->prepared[i];
        if (prepared != NULL && prepared != before)
            prepared->n_smooth = smoothness(prepared->n_smooth, batch->has_failed, is_slow);
        before = prepared;
    }
}

/* Sending ---------------------------------------------------------------------------------------------------------- */

/* NULL: it is to run alone. */
static struct adb__pg_prepared *find(struct adb__pg *conn, const struct adb__statement *statement)
{
    if ((statement->flags & ADB__STMT_NO_CACHE) != 0)
        return NULL;
    struct adb__pg_prepared *prepared = adb__cache_find(&conn->cache, statement->sql, statement->sql_size);
    if (prepared == NULL || !prepared->is_small || prepared->n_alone > 0 ||
        prepared->n_parameters != statement->n_values)
        return NULL;
    return prepared;
}

static bool is_same_text(const struct adb__statement *a, const struct adb__statement *b)
{
    return a->sql_size == b->sql_size && a->flags == b->flags && a->n_values == b->n_values &&
           memcmp(a->sql, b->sql, a->sql_size) == 0;
}

static size_t bytes_of(const struct adb__statement *statement)
{
    size_t bytes = 0;
    for (size_t i = 0; i < statement->n_values; i++)
        bytes += statement->values[i].size;
    return bytes;
}

/* Settle which calls are sent in this batch, and as what. */
static void load(struct batch *batch, size_t most)
{
    const struct adb__statement *before = NULL;
    size_t bytes = 0;
    while (batch->n_calls < most && batch->n_calls < MOST_CALLS && bytes < MOST_BYTES) {
        const size_t i = batch->n_calls;
        if (i > 0 && batch->calls[i].follows)
            break;
        batch->n_calls++;
        const struct adb__statement *statement = batch->calls[i].statement;
        if (statement == NULL)
            continue;
        const bool is_same = before != NULL && is_same_text(before, statement);
        batch->prepared[i] = is_same ? batch->prepared[i - 1] : find(batch->conn, statement);
        batch->must_read[i] = (statement->flags & ADB__STMT_MUST_READ) != 0 && !batch->conn->session_reads;
        bytes += bytes_of(statement);
        before = statement;
    }
}

/* Reads are nobody's until they are answered. */
static bool take(struct batch *batch, size_t i)
{
    struct adb__pipeline *pipeline = batch->pipeline;
    if (!pipeline->writes)
        return true;
    if (!batch->is_asked[i])
        batch->is_taken[i] = pipeline->take_fn(pipeline, &batch->calls[i]);
    batch->is_asked[i] = true;
    return batch->is_taken[i];
}

bool adb__pg_send_telling(struct adb__pg *conn)
{
    return PQsendQueryParams(conn->pg, "SELECT pg_catalog.set_config('transaction_read_only', 'on', true)", 0, NULL,
                             NULL, NULL, NULL, 0);
}

/* The first of a transaction is told what it must not do. */
static bool send_call(struct batch *batch, size_t i, bool is_first)
{
    struct adb__pg *conn = batch->conn;
    const struct adb__statement *statement = batch->calls[i].statement;
    const struct adb__pg_prepared *prepared = batch->prepared[i];
    struct adb__pg_values values;
    if (prepared == NULL || statement == NULL || !take(batch, i))
        return false;
    adb__arena_reset(&conn->scratch);
    if (adb__pg_values_encode(statement->values, statement->n_values, &conn->scratch, &values, NULL) != ADB_OK)
        return false;
    batch->is_told[i] = is_first && batch->must_read[i];
    if (batch->is_told[i] && !adb__pg_send_telling(conn))
        return false;
    const bool good = PQsendQueryPrepared(conn->pg, prepared->name, values.count, values.texts, values.sizes,
                                          values.formats, prepared->shape.binary);
    if (!good && batch->is_told[i])
        adb__lifeline_sever(&conn->lifeline); /* nobody would read the answer to that */
    return good;
}

void adb__pg_send_sync(struct adb__pg *conn)
{
#ifdef HAVE_PQSENDPIPELINESYNC
    const bool good = PQsendPipelineSync(conn->pg);
#else
    const bool good = PQpipelineSync(conn->pg);
#endif
    if (!good)
        adb__lifeline_sever(&conn->lifeline);
}

/* One of our own, which is not left out. */
static void send_own(struct adb__pg *conn, bool (*send_fn)(struct adb__pg *conn))
{
    if (!send_fn(conn))
        adb__lifeline_sever(&conn->lifeline);
    adb__pg_send_sync(conn);
}

static void end_transaction(struct batch *batch, size_t i)
{
    batch->is_synced[i] = true;
    adb__pg_send_sync(batch->conn);
}

/* What cannot be sent is left out: its turn will come. */
static void send_calls(struct batch *batch)
{
    const bool may_share = batch->conn->sharing == ADB__PG_SHARES && !batch->pipeline->writes;
    bool is_open = false; /* something has been sent since the last synchronisation: the call at last */
    size_t last = 0;
    for (size_t i = 0; i < batch->n_calls; i++) {
        const struct adb__pg_prepared *prepared = batch->prepared[i];
        const bool joins = may_share && is_open && prepared == batch->prepared[last] && wants_to_share(prepared) &&
                           batch->must_read[i] == batch->must_read[last];
        if (is_open && !joins)
            end_transaction(batch, last);
        is_open = is_open && joins;
        if (!send_call(batch, i, !is_open)) {
            batch->prepared[i] = NULL;
            continue;
        }
        is_open = true;
        last = i;
    }
    if (is_open)
        end_transaction(batch, last);
}

static void send_all(struct batch *batch)
{
    struct adb__pg *conn = batch->conn;
    if (batch->begins)
        send_own(conn, adb__pg_wal_send_begin);
    send_calls(batch);
    if (batch->ends) {
        send_own(conn, adb__pg_wal_send_end);
        send_own(conn, adb__pg_wal_send_flush);
    }
    adb__pg_flush(conn); /* a lost connection shows when the answers are read */
}

/* Receiving -------------------------------------------------------------------------------------------------------- */

/* The next result, as adb__pg_next(). Nobody waits for the end of what nobody reads. */
static PGresult *answer_next(struct answer *answer)
{
    struct adb__pg *conn = answer->conn;
    while (PQisBusy(conn->pg) && adb__pg_read(conn)) {
        if (++answer->n_reads == MOST_READS && !conn->pipeline->writes &&
            (answer->call == NULL || answer->call->sink->max_rows > 0)) {
            answer->prepared->is_small = false;
            adb__pg_stop(conn);
        }
    }
    return PQgetResult(conn->pg);
}

static adb_status give(struct answer *answer, const PGresult *result)
{
    struct adb__pg *conn = answer->conn;
    const struct adb__pg_shape *shape = &answer->prepared->shape;
    struct adb__pg_shape own_shape;
    struct adb__sink *sink = answer->call->sink;
    adb_status status = ADB_OK;
    if (!adb__pg_shape_fits(shape, result)) {
        if (!conn->pipeline->writes)
            return ADB__RUN_ALONE;
        status = adb__pg_shape_init(&own_shape, &conn->names, result, &conn->scratch, answer->call->error);
        shape = &own_shape;
    }
    if (status == ADB_OK && !answer->is_announced)
        status = adb__sink_columns(sink, shape->columns, shape->n_columns, answer->call->error);
    answer->is_announced = true;
    if (status == ADB_OK)
        status = adb__pg_rows_give(shape, result, sink, answer->call->error);
    if (!adb__pg_is_small((size_t)PQntuples(result), sink->n_bytes))
        answer->prepared->is_small = false;
    return status;
}

/* Takes the result. Rows come in pieces only where libpq has not forgotten yet that this was wanted of a statement
 * before the pipeline. */
static void answer_take(struct answer *answer, PGresult *result)
{
    const ExecStatusType kind = PQresultStatus(result);
    answer->is_there = true;
    if (kind == PGRES_PIPELINE_ABORTED || adb__pg_is_failure(result)) {
        if (answer->failure == NULL) {
            answer->failure = result;
            return;
        }
    } else if (answer->call != NULL) {
        adb__pg_count(result, answer->call->sink->result);
        if (kind != PGRES_COMMAND_OK && answer->status == ADB_OK)
            answer->status = give(answer, result);
    }
    PQclear(result);
}

/* With is_synced to the synchronisation behind it, without to the NULL that ends it. */
static void answer_read(struct answer *answer, bool is_synced)
{
    size_t n_nothing = 0; /* two in a row: there is no more to come */
    while (n_nothing < 2) {
        PGresult *result = answer_next(answer);
        n_nothing = result == NULL ? n_nothing + 1 : 0;
        if (result == NULL && (!is_synced || PQstatus(answer->conn->pg) == CONNECTION_BAD))
            return;
        if (result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return;
        }
        if (result != NULL)
            answer_take(answer, result);
    }
}

/* The server has said farewell: then the connection is lost, and nothing else is to be found out. */
static void await_end(struct adb__pg *conn, const PGresult *failure)
{
    const char *severity = PQresultErrorField(failure, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || (strcmp(severity, "FATAL") != 0 && strcmp(severity, "PANIC") != 0))
        return;
    while (PQstatus(conn->pg) != CONNECTION_BAD && adb__pg_read(conn)) {
    }
}

static bool should_stop(const struct adb__open *open)
{
    return open->stop_fn != NULL && open->stop_fn(open->stop_data);
}

/* It was to be stopped, or another was, or it was too slow. */
static adb_status write_stopped(const struct answer *answer)
{
    struct adb__pg *conn = answer->conn;
    if (should_stop(conn->open)) {
        adb__pg_error(conn, answer->failure, answer->call->error);
        return ADB_E_CANCELLED;
    }
    answer->prepared->n_alone = ALONE_AFTER_SLOW;
    return ADB__RUN_ALONE;
}

static bool was_stopped(const PGresult *failure)
{
    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    return sqlstate != NULL && strcmp(sqlstate, "57014") == 0;
}

/* A failure that was meant for this call, or for another? */
static adb_status answer_failed(const struct answer *answer)
{
    struct adb__pg *conn = answer->conn;
    adb_error *error = answer->call->error;
    if (is_usable(conn) && conn->pipeline->writes && was_stopped(answer->failure))
        return write_stopped(answer);
    const bool is_aborted = PQresultStatus(answer->failure) == PGRES_PIPELINE_ABORTED;
    if (is_usable(conn) && (is_aborted || adb__pg_staleness_of(answer->failure) != ADB__PG_FRESH))
        return ADB__RUN_ALONE;
    const adb_status status = adb__pg_error(conn, answer->failure, error);
    if (status != ADB_E_CANCELLED || !is_usable(conn) || should_stop(conn->open))
        return status;
    adb__error_clear(error);
    return ADB__RUN_ALONE;
}

static adb_status answer_outcome(const struct answer *answer)
{
    struct adb__pg *conn = answer->conn;
    if (answer->call == NULL)
        return ADB_OK;
    if (answer->failure != NULL)
        return answer_failed(answer);
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return adb__pg_error(conn, NULL, answer->call->error);
    if (!answer->is_there)
        return adb__pg_out_of_step(conn, answer->call->error);
    return answer->status == ADB__SINK_ENOUGH ? ADB_OK : answer->status;
}

/* What has become of a call that was sent. */
static adb_status read_call(struct batch *batch, size_t i, struct adb__call *call)
{
    struct answer answer = {.conn = batch->conn, .prepared = batch->prepared[i]};
    batch->conn->drops = call == NULL;
    if (batch->is_told[i])
        answer_read(&answer, false); /* what it is told for; a failure there is its own */
    answer.is_there = false;
    answer.call = call;
    answer_read(&answer, batch->is_synced[i]);
    batch->conn->drops = false;
    if (answer.failure != NULL)
        await_end(batch->conn, answer.failure);
    batch->has_failed = batch->has_failed || answer.failure != NULL;
    const adb_status status = answer_outcome(&answer);
    PQclear(answer.failure);
    return status;
}

static adb_status end_of(struct batch *batch, size_t i, struct adb__call *call)
{
    struct adb__pg *conn = batch->conn;
    conn->sent = batch->prepared[i] != NULL;
    conn->must_read = batch->must_read[i] || conn->open->read_only;
    if (conn->sent && conn->out_of_step)
        return adb__pg_out_of_step(conn, call != NULL ? call->error : NULL);
    if (conn->sent)
        return read_call(batch, i, call);
    if (call != NULL && PQstatus(conn->pg) == CONNECTION_BAD)
        return adb__pg_error(conn, NULL, call->error);
    return ADB__RUN_ALONE;
}

/* The first was begun before anything was sent. When the connection is lost, those that were taken are still to end. */
static void read_calls(struct batch *batch)
{
    struct adb__pipeline *pipeline = batch->pipeline;
    for (size_t i = 0; i < batch->n_calls; i++) {
        struct adb__call *call = &batch->calls[i];
        if (i > 0 && !is_usable(batch->conn) && !batch->is_taken[i])
            continue;
        const bool is_wanted = i == 0 || (take(batch, i) && pipeline->begin_fn(pipeline, call));
        const adb_status status = end_of(batch, i, is_wanted ? call : NULL);
        if (!is_wanted)
            continue;
        call->status = status;
        pipeline->end_fn(pipeline, call);
    }
}

/* What was sent of our own. False: it has failed. */
static bool read_own(struct adb__pg *conn)
{
    size_t n_nothing = 0;
    bool good = is_usable(conn);
    while (n_nothing < 2 && is_usable(conn)) {
        PGresult *result = adb__pg_next(conn);
        const ExecStatusType kind = result != NULL ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        n_nothing = result == NULL ? n_nothing + 1 : 0;
        good = good && !(result != NULL && adb__pg_is_failure(result));
        PQclear(result);
        if (kind == PGRES_PIPELINE_SYNC)
            return good;
    }
    return false;
}

/* When it has begun and does not end well here, it is still to be flushed; also when a cancel that came too late for
 * one of the calls has ended the wait for a standby, which is but a warning. */
static void read_all(struct batch *batch)
{
    struct adb__pg *conn = batch->conn;
    if (batch->begins)
        conn->wal.is_due = read_own(conn);
    if (batch->begins && !conn->wal.is_due)
        conn->wal.may = ADB__PG_SHARING_UNKNOWN; /* the writes wait for the disk one by one */
    read_calls(batch);
    if (!batch->ends)
        return;
    const bool is_set = read_own(conn);
    conn->wal.is_warned = false;
    const bool is_flushed = read_own(conn) && !conn->wal.is_warned;
    conn->wal.is_due = conn->wal.is_due && !(is_set && is_flushed);
}

/* All together ----------------------------------------------------------------------------------------------------- */

/* For the first call, which has been begun. ADB__RUN_ALONE: there is nothing to send for it. */
static adb_status prepare_batch(struct batch *batch, size_t most)
{
    struct adb__pg *conn = batch->conn;
    const struct adb__call *first = &batch->calls[0];
    const adb_status status = adb__pg_begin_call(conn, first->statement, first->error);
    if (status != ADB_OK)
        return status;
    assert(!conn->in_transaction);
    load(batch, most);
    if (batch->prepared[0] == NULL)
        return ADB__RUN_ALONE;
    if (conn->sharing == ADB__PG_SHARING_UNKNOWN && wants_to_share(batch->prepared[0]))
        learn_isolation(conn);
    return is_usable(conn) ? ADB_OK : adb__pg_error(conn, NULL, first->error);
}

static void run_batch(struct batch *batch)
{
    struct adb__pg *conn = batch->conn;
    if (!PQenterPipelineMode(conn->pg)) {
        memset(batch->prepared, 0, sizeof(batch->prepared));
        batch->begins = batch->ends = false;
    } else {
        send_all(batch);
    }
    read_all(batch);
    if (is_usable(conn) && !batch->pipeline->writes)
        learn_smoothness(batch);
    if (!PQexitPipelineMode(conn->pg))
        conn->out_of_step = true; /* something is left to be read */
}

/* Gives the number of calls that are over. */
static size_t run_from(struct adb__pg *conn, struct adb__pipeline *pipeline, size_t first)
{
    struct adb__call *call = &pipeline->calls[first];
    struct batch batch = {.conn = conn, .pipeline = pipeline, .calls = call};
    if (!take(&batch, 0) || !pipeline->begin_fn(pipeline, call))
        return 1;
    call->status = prepare_batch(&batch, pipeline->n_calls - first);
    if (call->status != ADB_OK) {
        pipeline->end_fn(pipeline, call);
        return 1;
    }
    batch.begins = pipeline->writes && !conn->wal.is_due;
    batch.ends = pipeline->writes && first + batch.n_calls == pipeline->n_calls;
    run_batch(&batch);
    return batch.n_calls;
}

/* What came of the flush, if that was not the end of the last batch. On a lost connection nobody knows. */
static void flush_rest(struct adb__pg *conn, struct adb__pipeline *pipeline)
{
    if (!conn->wal.is_due)
        return;
    if (is_usable(conn))
        pipeline->durable = adb__pg_wal_flush(conn, &pipeline->flush_error);
    else if (conn->out_of_step)
        pipeline->durable = adb__pg_out_of_step(conn, &pipeline->flush_error);
    else
        pipeline->durable = adb__pg_error(conn, NULL, &pipeline->flush_error);
}

void adb__pg_pipeline(void *state, struct adb__pipeline *pipeline)
{
    struct adb__pg *conn = state;
    size_t n_over = 0;
    conn->pipeline = pipeline;
    pipeline->refused = pipeline->writes && !adb__pg_wal_is_shared(conn);
    bool goes_on = !pipeline->refused;
    while (goes_on) {
        n_over += run_from(conn, pipeline, n_over);
        goes_on = n_over < pipeline->n_calls && is_usable(conn);
    }
    flush_rest(conn, pipeline);
    conn->pipeline = NULL;
}
