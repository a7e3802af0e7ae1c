/* SPDX-License-Identifier: BSD-3-Clause */
/* One statement with many sets of values, in a pipeline: nothing waits for an answer but the end. It is prepared as the
 * unnamed statement, which suits a pooler.
 *
 * The server skips what follows a failure up to the synchronisation, of which there is one, at the end: so the first
 * set without an answer of its own is the one that failed, and no set after it ran. Inside a transaction that is all.
 * Outside, BEGIN and COMMIT are sent with the sets: around all of them if they are to be one, and where each stands for
 * itself around each, which keeps what came before the failure. So do savepoints inside one that none has begun for
 * them. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "drivers/socket.h"
#include "model/error.h"

/* Bytes of values given to libpq before it is seen to that they leave. When it has more than that, and the network
 * takes nothing, libpq asks the network again with each set. */
#define MOST_UNSENT 8192

/* What the protocol adds to a set, about. */
#define SET_OVERHEAD 64

/* What sets are enclosed in. */
struct frame {
    const char *begin;
    const char *end;
    const char *undo;
};

static const struct frame transaction = {"BEGIN", "COMMIT", "ROLLBACK"};
static const struct frame savepoint = {"SAVEPOINT adb_set", "RELEASE SAVEPOINT adb_set",
                                       "ROLLBACK TO SAVEPOINT adb_set;RELEASE SAVEPOINT adb_set"};

struct many {
    struct adb__pg *conn;
    const struct adb__statement *statement;
    struct adb_result *total;
    const struct frame *whole; /* around all sets; NULL: none */
    const struct frame *each;  /* around each of them; NULL: none */
    bool is_synced;            /* the end has been seen */
    size_t n_unsent;           /* bytes, about */
    size_t n_answers;          /* good ones */
    PGresult *failure;
};

/* Reading ---------------------------------------------------------------------------------------------------------- */

static void take(struct many *many, PGresult *result)
{
    const ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_PIPELINE_SYNC) {
        many->is_synced = true;
    } else if (adb__pg_is_failure(result)) {
        if (many->failure == NULL) {
            many->failure = result;
            return;
        }
    } else if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK) {
        many->n_answers++;
        adb__pg_count(result, many->total);
    }
    PQclear(result);
}

/* What has arrived, without waiting. A NULL ends each answer; two in a row mean that there is none. */
static void take_arrived(struct many *many)
{
    bool was_nothing = false;
    while (!many->is_synced && !PQisBusy(many->conn->pg)) {
        PGresult *result = PQgetResult(many->conn->pg);
        if (result == NULL && was_nothing)
            return;
        was_nothing = result == NULL;
        if (result != NULL)
            take(many, result);
    }
}

/* Sending ---------------------------------------------------------------------------------------------------------- */

/* Hand all to the network, reading meanwhile. False: the connection is lost. */
static bool push(struct many *many)
{
    static const struct adb__patience forever = {.deadline = ADB__NEVER, .wake_fd = -1};
    PGconn *pg = many->conn->pg;
    many->n_unsent = 0;
    for (;;) {
        const int left = PQflush(pg);
        if (left < 0)
            return false;
        if (left > 0)
            adb__socket_wait(PQsocket(pg), ADB__SOCKET_READ | ADB__SOCKET_WRITE, &forever);
        if (!PQconsumeInput(pg))
            return false;
        take_arrived(many);
        if (left == 0)
            return true;
    }
}

static bool send_control(struct many *many, const char *sql)
{
    return PQsendQueryParams(many->conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* What encloses a set takes the place of the unnamed statement: between two of them the text has to be sent again. */
static bool send_values(struct many *many, const struct adb__pg_values *values)
{
    PGconn *pg = many->conn->pg;
    if (many->each == NULL)
        return PQsendQueryPrepared(pg, "", values->count, values->texts, values->sizes, values->formats, 0);
    return send_control(many, many->each->begin) &&
           PQsendQueryParams(pg, many->statement->sql, values->count, NULL, values->texts, values->sizes,
                             values->formats, 0) &&
           send_control(many, many->each->end);
}

static size_t size_of(const adb_value *values, size_t n_values)
{
    size_t size = SET_OVERHEAD;
    for (size_t i = 0; i < n_values; i++)
        size += 16 + values[i].size;
    return size;
}

static adb_status send_set(struct many *many, const adb_value *set, adb_error *error)
{
    struct adb__pg *conn = many->conn;
    struct adb__pg_values values;
    adb__arena_reset(&conn->scratch);
    const adb_status status = adb__pg_values_encode(set, many->statement->n_values, &conn->scratch, &values, error);
    if (status != ADB_OK)
        return status;
    if (!send_values(many, &values))
        return adb__pg_error(conn, NULL, error);
    conn->sent = many->whole == NULL; /* it has no effect before COMMIT */
    many->n_unsent += size_of(set, many->statement->n_values);
    return ADB_OK;
}

static bool should_stop(const struct adb__open *open)
{
    return open->stop_fn != NULL && open->stop_fn(open->stop_data);
}

/* All sets, or up to the first that cannot be sent, or to the first answer that is a failure. */
static adb_status send_sets(struct many *many, const adb_value *const *sets, size_t n_sets, size_t *n_sent_out,
                            adb_error *error)
{
    for (*n_sent_out = 0; *n_sent_out < n_sets && many->failure == NULL; ++*n_sent_out) {
        const adb_status status = send_set(many, sets[*n_sent_out], error);
        if (status != ADB_OK)
            return status;
        if (many->n_unsent < MOST_UNSENT)
            continue;
        if (!push(many))
            return ADB_OK; /* the end tells */
        if (should_stop(many->conn->open))
            return adb__error_set(error, ADB_E_CANCELLED, "stopped between two sets of values");
    }
    return ADB_OK;
}

static bool send_begin(struct many *many)
{
    if (many->whole != NULL && !send_control(many, many->whole->begin))
        return false;
    return many->each != NULL || PQsendPrepare(many->conn->pg, "", many->statement->sql, 0, NULL);
}

static bool send_end(struct many *many, bool keeps)
{
    if (many->whole != NULL && !send_control(many, keeps ? many->whole->end : many->whole->undo))
        return false;
    many->conn->sent = many->conn->sent || keeps;
    return PQpipelineSync(many->conn->pg) && push(many);
}

static void finish(struct many *many, bool keeps)
{
    struct adb__pg *conn = many->conn;
    PGresult *result;
    bool was_nothing = false;
    if (!send_end(many, keeps))
        return;
    while (!many->is_synced && PQstatus(conn->pg) != CONNECTION_BAD) {
        result = adb__pg_next(conn);
        if (result == NULL && was_nothing)
            return;
        was_nothing = result == NULL;
        if (result != NULL)
            take(many, result);
    }
}

/* All together ----------------------------------------------------------------------------------------------------- */

/* Begin, set, end, again and again; or answers to what prepares the sets, and then one to each. */
static size_t sets_answered(const struct many *many)
{
    const size_t n_before = many->whole != NULL ? 2 : 1;
    if (many->each != NULL)
        return many->n_answers / 3;
    return many->n_answers > n_before ? many->n_answers - n_before : 0;
}

static size_t answers_wanted(const struct many *many, size_t n_sets)
{
    if (many->each != NULL)
        return 3 * n_sets;
    return many->whole != NULL ? n_sets + 3 : n_sets + 1;
}

/* Whatever failed: nothing is left open that was opened here. */
static void undo(struct many *many)
{
    const struct frame *frame = many->whole != NULL ? many->whole : many->each;
    const PGTransactionStatusType state = PQtransactionStatus(many->conn->pg);
    const bool is_open = state == PQTRANS_INERROR || (state == PQTRANS_INTRANS && frame == &transaction);
    if (frame != NULL && is_open && PQstatus(many->conn->pg) != CONNECTION_BAD)
        adb__pg_run(many->conn, frame->undo, NULL);
}

/* A set that could not be sent has failed too, but one that the server refused before it counts. */
static adb_status outcome(struct many *many, adb_status status, size_t n_sent, size_t *failed_out, adb_error *error)
{
    struct adb__pg *conn = many->conn;
    if (many->failure != NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        *failed_out = sets_answered(many); /* n_sent: it was COMMIT that failed */
        status = adb__pg_error(conn, many->failure, error);
    } else if (status != ADB_OK) {
        *failed_out = n_sent;
    } else if (!many->is_synced || many->n_answers != answers_wanted(many, n_sent)) {
        status = adb__pg_out_of_step(conn, error);
    }
    PQclear(many->failure);
    many->failure = NULL;
    if (status != ADB_OK)
        undo(many);
    return status;
}

static adb_status run(struct many *many, const adb_value *const *sets, size_t n_sets, size_t *failed_out,
                      adb_error *error)
{
    struct adb__pg *conn = many->conn;
    size_t n_sent = 0;
    adb_status status = ADB_OK;
    if (!PQenterPipelineMode(conn->pg))
        return adb__pg_error(conn, NULL, error);
    if (!send_begin(many))
        status = adb__pg_error(conn, NULL, error);
    if (status == ADB_OK)
        status = send_sets(many, sets, n_sets, &n_sent, error);
    finish(many, status == ADB_OK && many->failure == NULL && PQstatus(conn->pg) == CONNECTION_OK);
    PQexitPipelineMode(conn->pg);
    return outcome(many, status, n_sent, failed_out, error);
}

adb_status adb__pg_execute_many(void *state, const struct adb__statement *statement, const adb_value *const *sets,
                                size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error)
{
    struct adb__pg *conn = state;
    struct many many = {.conn = conn, .statement = statement, .total = sink->result};
    *failed_out = 0;
    const adb_status status = adb__pg_begin_call(conn, statement, error);
    if (status != ADB_OK)
        return status;
    if ((statement->flags & ADB__STMT_WHOLE) != 0)
        many.whole = &transaction;
    else if (!conn->in_transaction)
        many.each = &transaction;
    else if ((statement->flags & ADB__STMT_APART) != 0)
        many.each = &savepoint;
    if ((many.whole != NULL || many.each != NULL) && conn->must_read && !conn->session_reads)
        return adb__error_set(error, ADB_E_READ_ONLY, "a write in a read-only context");
    return run(&many, sets, n_sets, failed_out, error);
}
