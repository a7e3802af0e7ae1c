/* SPDX-License-Identifier: BSD-3-Clause */
/* Running one statement: send it, receive what it yields. Sending and receiving are separate, and a statement is one
 * struct run, so that several may be on their way.
 *
 * Rows are taken from the wire as they come where their columns are known before, or where only some of them are
 * wanted: they are read while the server still computes the next ones, and memory holds them once. When the sink has
 * enough and much is left, a SELECT outside a transaction is cancelled; anything else is read to its end, since a
 * cancel would undo what it did. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "config.h"
#include "model/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* So few rows are held until all have been read, if the names of their columns have to be asked for. */
#define MOST_HELD 64

/* Rows of one piece, where libpq has pieces. */
#define CHUNK_ROWS 256

/* So many rows that nobody wants are read before it is worth a connection to cancel them. */
#define MOST_SPARE_ROWS 2000

/* A table may be changed again and again while a statement is prepared anew. */
#define MOST_TRIES 8

/* After so long without use it is worth a system call to find out whether the server has gone meanwhile. */
#define WORTH_A_LOOK_NS (10 * ADB__NS_PER_MS)

/* One statement on its way. */
struct run {
    struct adb__pg *conn;
    const struct adb__statement *statement;
    struct adb__sink *sink;
    struct adb__pg_prepared *prepared; /* NULL: sent with its text */
    const struct adb__pg_shape *shape; /* NULL: no columns yet */
    struct adb__pg_shape own_shape;
    PGresult *held[MOST_HELD]; /* rows whose shape is not known yet */
    size_t n_held;
    size_t n_spare;    /* rows that came after there was enough */
    PGresult *failure; /* the first */
    adb_status status; /* of the sink, or of a copy: negative, or ADB__SINK_ENOUGH */
    char tag[32];      /* of a statement without rows */
    bool is_told;      /* it is sent behind what makes its transaction read-only, in a pipeline of libpq */
    bool streams;
    bool announced;
    bool stopped; /* by a cancel of our own */
};

/* Sending ---------------------------------------------------------------------------------------------------------- */

static bool is_copy(const struct adb__statement *statement)
{
    return statement->source != NULL || (statement->flags & ADB__STMT_COPY_OUT) != 0;
}

static bool send_values(struct run *run, const struct adb__pg_values *values)
{
    PGconn *pg = run->conn->pg;
    /* The server skips to the first Sync when a copy fails before it has begun to read: there must not be two. */
    if (is_copy(run->statement) && values->count == 0)
        return PQsendQuery(pg, run->statement->sql);
    if (run->prepared == NULL)
        return PQsendQueryParams(pg, run->statement->sql, values->count, NULL, values->texts, values->sizes,
                                 values->formats, 0);
    return PQsendQueryPrepared(pg, run->prepared->name, values->count, values->texts, values->sizes, values->formats,
                               run->prepared->shape.binary);
}

static void ask_for_pieces(struct run *run)
{
#ifdef HAVE_PQSETCHUNKEDROWSMODE
    const size_t most = run->sink->max_rows;
    PQsetChunkedRowsMode(run->conn->pg, most > 0 && most < CHUNK_ROWS ? (int)most : CHUNK_ROWS);
#else
    PQsetSingleRowMode(run->conn->pg);
#endif
}

/* Behind the telling, and with its end: one round trip. */
static bool send_told(struct run *run, const struct adb__pg_values *values)
{
    struct adb__pg *conn = run->conn;
    if (!PQenterPipelineMode(conn->pg))
        return false;
    if (adb__pg_send_telling(conn) && send_values(run, values)) {
        adb__pg_send_sync(conn);
        return true;
    }
    adb__lifeline_sever(&conn->lifeline); /* nobody would read what has been sent */
    return false;
}

static adb_status run_send(struct run *run, adb_error *error)
{
    const struct adb__statement *statement = run->statement;
    struct adb__pg_values values;
    if (run->prepared != NULL && run->prepared->n_parameters != statement->n_values)
        return adb__error_set(error, ADB_E_PARAMETER, "the statement has %zu parameters, %zu values are given",
                              run->prepared->n_parameters, statement->n_values);
    const adb_status status =
        adb__pg_values_encode(statement->values, statement->n_values, &run->conn->scratch, &values, error);
    if (status != ADB_OK)
        return status;
    if (run->is_told ? !send_told(run, &values) : !send_values(run, &values))
        return adb__pg_error(run->conn, NULL, error);
    run->conn->sent = true;
    run->conn->answered = false;
    if (run->streams && !run->is_told) /* else when its turn has come */
        ask_for_pieces(run);
    adb__pg_flush(run->conn); /* a lost connection shows when the answer is read */
    return ADB_OK;
}

/* Receiving rows --------------------------------------------------------------------------------------------------- */

static adb_status give(struct run *run, const PGresult *result, adb_error *error)
{
    adb_status status = ADB_OK;
    if (!run->announced)
        status = adb__sink_columns(run->sink, run->shape->columns, run->shape->n_columns, error);
    run->announced = true;
    return status == ADB_OK ? adb__pg_rows_give(run->shape, result, run->sink, error) : status;
}

/* Few enough to keep until names can be asked for? */
static bool may_hold(const struct run *run)
{
    const size_t most = run->sink->max_rows;
    return !run->streams || (most > 0 && most <= MOST_HELD && run->sink->batch_rows == 0);
}

/* Takes the result. */
static adb_status hold(struct run *run, PGresult *result)
{
    run->held[run->n_held++] = result;
    return run->streams && run->n_held >= run->sink->max_rows ? ADB__SINK_ENOUGH : ADB_OK;
}

static adb_status shape_now(struct run *run, const PGresult *result, adb_error *error)
{
    const adb_status status =
        adb__pg_shape_init(&run->own_shape, &run->conn->names, result, &run->conn->scratch, error);
    if (status == ADB_OK)
        run->shape = &run->own_shape;
    return status;
}

/* Settle how rows are read, with the first of them. Not settled yet: run->shape stays NULL. */
static adb_status settle_shape(struct run *run, const PGresult *result, adb_error *error)
{
    if (run->prepared != NULL && adb__pg_shape_fits(&run->prepared->shape, result))
        run->shape = &run->prepared->shape;
    else if (!may_hold(run))
        return shape_now(run, result, error);
    return ADB_OK;
}

/* A result with rows. Takes it. */
static void take_rows(struct run *run, PGresult *result, adb_error *error)
{
    if (run->status != ADB_OK) {
        run->n_spare += (size_t)PQntuples(result);
        PQclear(result);
        return;
    }
    if (run->shape == NULL)
        run->status = settle_shape(run, result, error);
    if (run->shape == NULL && run->status == ADB_OK) {
        run->status = hold(run, result);
        return;
    }
    if (run->status == ADB_OK)
        run->status = give(run, result, error);
    PQclear(result);
}

/* Is the failure but the answer to our own cancel? */
static bool was_stopped(const struct run *run)
{
    return run->stopped && !run->conn->in_transaction;
}

/* All has been read: the names can be asked for now. */
static void give_held(struct run *run, adb_error *error)
{
    adb_status status = run->status;
    if (run->n_held > 0 && status >= 0 && (run->failure == NULL || was_stopped(run))) {
        status = adb__pg_names_learn(run->conn, run->held[0], error);
        if (status == ADB_OK)
            status = shape_now(run, run->held[0], error);
        for (size_t i = 0; i < run->n_held && status == ADB_OK; i++)
            status = give(run, run->held[i], error);
        run->status = status;
    }
    for (size_t i = 0; i < run->n_held; i++)
        PQclear(run->held[i]);
    run->n_held = 0;
}

/* Copies ----------------------------------------------------------------------------------------------------------- */

static adb_status refuse_copy(const char *what, adb_error *error)
{
    return adb__error_set(error, ADB_E_UNSUPPORTED, "a COPY that is executed like a query; %s() takes it", what);
}

static void take_copy(struct run *run, ExecStatusType kind, adb_error *error)
{
    struct adb__pg *conn = run->conn;
    if (kind == PGRES_COPY_IN && run->statement->source != NULL)
        run->status = adb__pg_copy_in(conn, run->statement->source, error);
    else if (kind == PGRES_COPY_OUT && (run->statement->flags & ADB__STMT_COPY_OUT) != 0)
        run->status = adb__pg_copy_out(conn, run->sink, error);
    else
        run->status = refuse_copy(kind == PGRES_COPY_IN ? "adb_copy_in" : "adb_copy_out", error);
    if (run->status == ADB_OK)
        return;
    const bool fails = run->status < 0; /* else a cancel would fail the transaction, and the rest is read and dropped */
    if (kind == PGRES_COPY_OUT && (fails || !conn->in_transaction) && PQtransactionStatus(conn->pg) == PQTRANS_ACTIVE) {
        run->stopped = true;
        adb__pg_stop(conn);
    }
    adb__pg_end_copy(conn, kind);
}

/* Receiving -------------------------------------------------------------------------------------------------------- */

static bool begins_with_word(const char *sql, const char *word)
{
    const size_t size = strlen(word);
    return strncasecmp(sql, word, size) == 0 && (sql[size] == '\0' || isspace((unsigned char)sql[size]));
}

/* May the rest be given up without undoing anything? What fails is undone anyway. */
static bool may_stop(const struct run *run)
{
    const char *sql = run->statement->sql;
    if (run->status < 0)
        return true;
    return !run->conn->in_transaction && (run->statement->flags & ADB__STMT_READS) != 0 &&
           (begins_with_word(sql, "SELECT") || begins_with_word(sql, "TABLE") || begins_with_word(sql, "VALUES"));
}

static void take(struct run *run, PGresult *result, adb_error *error)
{
    const ExecStatusType kind = PQresultStatus(result);
    switch (kind) {
    case PGRES_TUPLES_OK:
        adb__pg_count(result, run->sink->result);
        take_rows(run, result, error);
        return;
    case PGRES_SINGLE_TUPLE:
#ifdef HAVE_PQSETCHUNKEDROWSMODE
    case PGRES_TUPLES_CHUNK:
#endif
        take_rows(run, result, error);
        return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        take_copy(run, kind, error);
        break;
    case PGRES_COMMAND_OK:
        snprintf(run->tag, sizeof(run->tag), "%s", PQcmdStatus(result));
        adb__pg_count(result, run->sink->result);
        break;
    default:
        if (run->failure == NULL && adb__pg_is_failure(result)) {
            run->failure = result;
            return;
        }
        break;
    }
    PQclear(result);
}

/* What comes before the statement's own answer. */
static void receive_telling(struct run *run)
{
    run->failure = adb__pg_drain(run->conn);
    run->conn->answered = false;
    if (run->streams)
        ask_for_pieces(run);
}

/* Of the statement, and of the end of its transaction where that is sent with it. */
static PGresult *run_next(const struct run *run)
{
    return run->is_told ? adb__pg_next_in_pipeline(run->conn) : adb__pg_next(run->conn);
}

/* Read all that the statement yields. Afterwards the connection is free. */
static void run_receive(struct run *run, adb_error *error)
{
    if (run->is_told)
        receive_telling(run);
    for (PGresult *result = run_next(run); result != NULL; result = run_next(run)) {
        take(run, result, error);
        if (run->n_spare > MOST_SPARE_ROWS && !run->stopped && may_stop(run)) {
            run->stopped = true;
            adb__pg_stop(run->conn);
        }
    }
    if (run->is_told && !PQexitPipelineMode(run->conn->pg))
        run->conn->out_of_step = true; /* something is left to be read */
    give_held(run, error);
}

/* What became of it. The sink's own failure counts before the one that our cancel has made of it. */
static adb_status run_outcome(struct run *run, adb_error *error)
{
    PGconn *pg = run->conn->pg;
    const bool is_lost = PQstatus(pg) == CONNECTION_BAD;
    if (run->status < 0 && !is_lost)
        return run->status;
    if (run->failure == NULL && !is_lost)
        return run->conn->answered ? ADB_OK : adb__pg_out_of_step(run->conn, error);
    if (!is_lost && was_stopped(run))
        return ADB_OK;
    return adb__pg_error(run->conn, run->failure, error);
}

/* One statement ---------------------------------------------------------------------------------------------------- */

/* Of one that was prepared before. */
static enum adb__pg_staleness staleness(const struct run *run)
{
    if (run->prepared == NULL || run->failure == NULL || run->announced)
        return ADB__PG_FRESH;
    return adb__pg_staleness_of(run->failure);
}

static adb_status stale_in_transaction(const struct run *run, adb_error *error)
{
    return adb__error_native(error, ADB_E_SQL, ADB_ERROR_RETRY_TRANSACTION, 0,
                             PQresultErrorField(run->failure, PG_DIAG_SQLSTATE),
                             "a prepared statement is out of date since the schema or the session has changed; "
                             "the transaction can be tried again");
}

/* Send and receive. *again_out: if not fresh, nothing has come of it, (perhaps) only since the prepared statement is
 * out of date. */
static adb_status run_once(struct run *run, enum adb__pg_staleness *again_out, adb_error *error)
{
    const bool in_batches = run->sink->batch_rows > 0 || run->sink->batch_bytes > 0;
    adb_status status = ADB_OK;
    if (!is_copy(run->statement))
        status = adb__pg_prepare(run->conn, run->statement, in_batches || run->sink->max_rows > MOST_HELD,
                                 &run->prepared, error);
    run->streams = in_batches || run->sink->max_rows > 0 || run->prepared != NULL;
    if (status == ADB_OK)
        status = run_send(run, error);
    if (status != ADB_OK)
        return status;
    run_receive(run, error);
    const enum adb__pg_staleness stale = staleness(run);
    if (stale != ADB__PG_FRESH)
        adb__pg_prepared_forget(run->conn, run->prepared, run->failure);
    *again_out = PQtransactionStatus(run->conn->pg) == PQTRANS_IDLE ? stale : ADB__PG_FRESH;
    if (stale == ADB__PG_STALE && *again_out == ADB__PG_FRESH && PQstatus(run->conn->pg) == CONNECTION_OK)
        status = stale_in_transaction(run, error);
    else
        status = run_outcome(run, error);
    PQclear(run->failure);
    if (stale != ADB__PG_FRESH)
        run->prepared = NULL; /* it was forgotten */
    if (run->prepared != NULL && run->prepared->n_alone > 0)
        run->prepared->n_alone--;
    if (status == ADB_OK && run->prepared != NULL)
        run->prepared->is_small = adb__pg_is_small(run->sink->n_rows + run->n_spare, run->sink->n_bytes);
    if (status == ADB_OK)
        adb__pg_prepared_doubt(run->conn, run->tag);
    return status;
}

static adb_status execute(struct adb__pg *conn, const struct adb__statement *statement, bool is_told,
                          struct adb__sink *sink, adb_error *error)
{
    adb_status status = ADB_OK;
    enum adb__pg_staleness again = ADB__PG_STALE;
    for (unsigned n = 0; n < MOST_TRIES && again != ADB__PG_FRESH; n++) {
        struct run run = {.conn = conn, .statement = statement, .sink = sink, .is_told = is_told};
        const bool was_doubtful = again == ADB__PG_DOUBTFUL;
        again = ADB__PG_FRESH;
        status = run_once(&run, &again, error);
        if (was_doubtful && again == ADB__PG_DOUBTFUL)
            break; /* it is the statement that is wrong */
    }
    return status;
}

/* Only reading is allowed: the server is told so, for this one statement, in two round trips more. */
static adb_status execute_enclosed(struct adb__pg *conn, const struct adb__statement *statement, struct adb__sink *sink,
                                   adb_error *error)
{
    adb_status status = adb__pg_run(conn, "BEGIN READ ONLY", error);
    if (status != ADB_OK)
        return status;
    status = execute(conn, statement, false, sink, error);
    if (PQstatus(conn->pg) == CONNECTION_BAD || PQtransactionStatus(conn->pg) == PQTRANS_IDLE)
        return status;
    const adb_status end = adb__pg_run(conn, status == ADB_OK ? "COMMIT" : "ROLLBACK", status == ADB_OK ? error : NULL);
    if (status != ADB_OK && error != NULL && strcmp(error->sqlstate, "25001") == 0)
        error->status = status = ADB_E_READ_ONLY; /* such as VACUUM, which no transaction takes */
    return status == ADB_OK ? end : status;
}

/* Only reading is allowed, and the session does not see to it by itself. A transaction that is made read-only without a
 * BEGIN is as good as one with it for a query, which cannot end it; what may call a procedure could, and then write. */
static adb_status execute_reading(struct adb__pg *conn, const struct adb__statement *statement, struct adb__sink *sink,
                                  adb_error *error)
{
    const bool pipelines = conn->open->options->statement_cache >= 0;
    const bool is_query = (statement->flags & ADB__STMT_READS) != 0 && !is_copy(statement);
    return pipelines && is_query ? execute(conn, statement, true, sink, error)
                                 : execute_enclosed(conn, statement, sink, error);
}

/* What makes that read-only which a text of the library begins. The end of a savepoint brings back what was before
 * (CommitSubTransaction() in PostgreSQL's xact.c). */
static const char *reading_suffix(const char *sql)
{
    if (begins_with_word(sql, "SAVEPOINT"))
        return ";SET LOCAL transaction_read_only = on";
    return begins_with_word(sql, "BEGIN") && strstr(sql, "READ ONLY") == NULL ? " READ ONLY" : "";
}

/* The server answers COMMIT with ROLLBACK, and without any error, when the transaction had failed. */
static adb_status execute_control(struct adb__pg *conn, const char *sql, adb_error *error)
{
    const bool had_failed = PQtransactionStatus(conn->pg) == PQTRANS_INERROR;
    char reading[128];
    if (conn->must_read && !conn->session_reads) {
        snprintf(reading, sizeof(reading), "%s%s", sql, reading_suffix(sql));
        sql = reading;
    }
    const adb_status status = adb__pg_run(conn, sql, error);
    if (status == ADB_OK && had_failed && begins_with_word(sql, "COMMIT"))
        return adb__error_native(error, ADB_E_TRANSACTION_FAILED, 0, 0, "25P02",
                                 "a statement of the transaction had failed: it was rolled back");
    return status;
}

adb_status adb__pg_begin_call(struct adb__pg *conn, const struct adb__statement *statement, adb_error *error)
{
    const int64_t now = adb__clock_now();
    const bool was_idle = now - conn->used_at > WORTH_A_LOOK_NS;
    adb__arena_reset(&conn->scratch);
    conn->used_at = now;
    conn->sent = false;
    conn->in_transaction = PQtransactionStatus(conn->pg) != PQTRANS_IDLE;
    conn->must_read = (statement->flags & ADB__STMT_MUST_READ) != 0 || conn->open->read_only;
    if ((statement->flags & ADB__STMT_CONTROL) == 0)
        conn->touched = true;
    if (was_idle ? adb__pg_has_hung_up(conn) : PQstatus(conn->pg) == CONNECTION_BAD)
        return adb__pg_error(conn, NULL, error);
    return ADB_OK;
}

adb_status adb__pg_execute(void *state, const struct adb__statement *statement, struct adb__sink *sink,
                           adb_error *error)
{
    struct adb__pg *conn = state;
    const adb_status status = adb__pg_begin_call(conn, statement, error);
    if (status != ADB_OK)
        return status;
    if ((statement->flags & ADB__STMT_LISTEN) != 0)
        return adb__pg_listen(conn, sink, error);
    if ((statement->flags & ADB__STMT_CONTROL) != 0)
        return execute_control(conn, statement->sql, error);
    if (conn->must_read && !conn->in_transaction && !conn->session_reads)
        return execute_reading(conn, statement, sink, error);
    return execute(conn, statement, false, sink, error);
}
