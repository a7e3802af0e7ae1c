/* SPDX-License-Identifier: BSD-3-Clause */
/* Statements, levels and work functions on a worker's connection. */
#include "core/session.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/resolve.h"
#include "core/trace.h"
#include "model/error.h"
#include "sql/compile.h"

#include <string.h>

adb_status adb__session_judge(struct adb__worker *worker, adb_status status, adb_error *error)
{
    unsigned flags = status < 0 ? error->flags & (ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN) : 0;
    if (status == ADB_E_CANCELLED || flags != 0) {
        adb_error detail;
        adb_status reason = adb__worker_check_stop(worker, &detail);
        if (reason != ADB_OK) {
            *error = detail;
            error->flags = flags; /* perhaps its connection was broken under it */
            status = reason;
        }
    }
    if (status < 0) {
        adb__worker_mask(worker, error->message);
        adb__worker_learn(worker, error);
    }
    return status;
}

/* No deadline of a job covers a statement of nobody. A listener's lasts as long as it will. */
static adb_status session_execute(struct adb__worker *worker, const struct adb__statement *statement,
                                  struct adb__sink *sink, adb_error *error)
{
    bool guarded = worker->job == NULL && (statement->flags & ADB__STMT_LISTEN) == 0 && adb__guard_call(worker);
    worker->acted = true;
    adb_status status = worker->db->driver->execute(worker->conn, statement, sink, error);
    if (guarded)
        adb__guard_clear(worker);
    return status;
}

static adb_status session_check(struct adb__worker *worker, adb_error *error)
{
    if (worker->is_broken || !worker->is_open)
        return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST, 0, "08006",
                                 "the connection was lost");
    return adb__worker_check_stop(worker, error);
}

adb_status adb__session_send(struct adb__worker *worker, const char *sql, unsigned flags, adb_error *error)
{
    const struct adb__statement statement = {.sql = sql, .sql_size = strlen(sql), .flags = ADB__STMT_CONTROL | flags};
    struct adb_result result;
    adb_error detail;
    adb__error_clear(&detail);
    adb__result_init(&result, NULL, 0, NULL);
    struct adb__sink sink = {.result = &result};
    adb__trace_statement(worker->db, &statement);
    bool alive = worker->is_open && !worker->is_broken;
    adb_status status = alive ? session_execute(worker, &statement, &sink, &detail) : session_check(worker, &detail);
    adb__result_fini(&result);
    status = adb__session_judge(worker, status, &detail);
    if (status == ADB__NEED_WRITER)
        status = adb__error_set(&detail, ADB_E_READ_ONLY, "the connection is read-only");
    if (status < 0 && error != NULL)
        *error = detail;
    return status;
}

bool adb__session_must_read(const struct adb__lane *lane)
{
    return lane != NULL && (lane->read_only || (lane->txn.depth > 0 && lane->txn.outermost.read_only));
}

/* Under force_rollback all statements are inside one transaction. Where a failed statement fails its whole transaction,
 * one that nobody has begun a level for runs in a savepoint, so that it fails alone, as it would without. */
static bool session_needs_shield(const struct adb__worker *worker, const struct adb__lane *lane)
{
    return worker->base_open && worker->db->driver->dialect.fails_whole && (lane == NULL || lane->txn.depth == 0);
}

/* A savepoint for what the lane is going to do. */
static adb_status session_savepoint(struct adb__worker *worker, const struct adb__lane *lane, const char *sql,
                                    adb_error *error)
{
    return adb__session_send(worker, sql, adb__session_must_read(lane) ? ADB__STMT_MUST_READ : 0, error);
}

static void session_drop_shield(struct adb__worker *worker)
{
    switch (worker->db->driver->transaction_state(worker->conn)) {
    case ADB__TXN_FAILED:
        adb__worker_send(worker, "ROLLBACK TO SAVEPOINT adb_alone;RELEASE SAVEPOINT adb_alone", NULL);
        break;
    case ADB__TXN_OPEN:
        adb__worker_send(worker, "RELEASE SAVEPOINT adb_alone", NULL);
        break;
    case ADB__TXN_NONE:    /* the statement has ended the transaction: adb__worker_clean() sees to it */
    case ADB__TXN_UNKNOWN: /* nor is there anything to do on a lost connection */
        break;
    }
}

adb_status adb__session_run(struct adb__worker *worker, const struct adb__lane *lane,
                            const struct adb__statement *statement, struct adb__sink *sink, adb_error *error)
{
    struct adb__statement told = *statement;
    adb_error detail;
    adb_status status = session_check(worker, error);
    if (status != ADB_OK)
        return status;
    adb__error_clear(&detail);
    if (adb__session_must_read(lane))
        told.flags |= ADB__STMT_MUST_READ;
    bool shielded = session_needs_shield(worker, lane);
    if (shielded)
        status = session_savepoint(worker, lane, "SAVEPOINT adb_alone", &detail);
    if (status == ADB_OK) {
        adb__trace_statement(worker->db, &told);
        status = adb__session_judge(worker, session_execute(worker, &told, sink, &detail), &detail);
        if (shielded)
            session_drop_shield(worker);
    }
    if (status < 0 && error != NULL)
        *error = detail;
    return status;
}

adb_status adb__session_begin(struct adb__worker *worker, const adb_transaction_options *options, adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_status status = worker->db->driver->dialect.begin_text(options, &text, error);
    if (status == ADB_OK && text.failed)
        status = adb__error_set(error, ADB_E_NOMEM, "no memory to begin");
    if (status == ADB_OK)
        status = adb__worker_send(worker, text.bytes, error);
    adb__buf_fini(&text);
    return status;
}

adb_status adb__session_open_unit(struct adb__worker *worker, const struct adb__lane *lane, bool *nested_out,
                                  adb_error *error)
{
    *nested_out = worker->db->driver->transaction_state(worker->conn) != ADB__TXN_NONE;
    if (*nested_out)
        return session_savepoint(worker, lane, "SAVEPOINT adb_many", error);
    const adb_transaction_options options = {.size = sizeof(options), .read_only = adb__session_must_read(lane)};
    return adb__session_begin(worker, &options, error);
}

adb_status adb__session_close_unit(struct adb__worker *worker, bool nested, adb_status outcome, adb_error *error)
{
    if (outcome == ADB_OK)
        outcome = adb__worker_send(worker, nested ? "RELEASE SAVEPOINT adb_many" : "COMMIT", error);
    if (outcome != ADB_OK && !worker->is_broken)
        adb__worker_send(worker, nested ? "ROLLBACK TO SAVEPOINT adb_many;RELEASE SAVEPOINT adb_many" : "ROLLBACK",
                         NULL); /* what it cannot undo, adb__worker_clean() does */
    return outcome;
}

adb_status adb__session_run_sets(struct adb__worker *worker, const struct adb__lane *lane,
                                 const struct adb__statement *statement, const adb_value *const *sets, size_t n_sets,
                                 struct adb_result *result, size_t *failed_out, adb_error *error)
{
    struct adb__sink sink = {.result = result};
    struct adb__statement told = *statement;
    *failed_out = 0;
    adb_status status = session_check(worker, error);
    if (status != ADB_OK)
        return status;
    if (adb__session_must_read(lane))
        told.flags |= ADB__STMT_MUST_READ;
    adb__trace_statement(worker->db, &told);
    bool guarded = worker->job == NULL && adb__guard_call(worker);
    worker->acted = true;
    status = worker->db->driver->execute_many(worker->conn, &told, sets, n_sets, &sink, failed_out, error);
    if (guarded)
        adb__guard_clear(worker);
    return adb__session_judge(worker, status, error);
}

/* Not where the driver would have to tell the server that nothing may be written. */
static bool session_can_be_whole(const struct adb__worker *worker, const struct adb__lane *lane)
{
    return (worker->db->driver->can & ADB__CAN_WHOLE) != 0 && !adb__session_must_read(lane) &&
           worker->db->driver->transaction_state(worker->conn) == ADB__TXN_NONE;
}

adb_status adb__session_run_many(struct adb__worker *worker, const struct adb__lane *lane,
                                 const struct adb__statement *statement, const adb_value *const *sets, size_t n_sets,
                                 bool atomic, struct adb_result *result, adb_error *error)
{
    size_t failed;
    bool nested = false;
    adb_error detail = {0};
    struct adb__statement told = *statement;
    adb_status status = session_check(worker, error);
    if (status != ADB_OK || n_sets == 0)
        return status;
    const bool is_whole = atomic && session_can_be_whole(worker, lane);
    const bool is_unit = atomic && !is_whole;
    told.flags |= is_whole ? ADB__STMT_WHOLE : 0;
    told.flags |= !atomic && session_needs_shield(worker, lane) ? ADB__STMT_APART : 0;
    if (is_unit)
        status = adb__session_open_unit(worker, lane, &nested, error);
    if (status != ADB_OK)
        return status;
    status = adb__session_run_sets(worker, lane, &told, sets, n_sets, result, &failed, &detail);
    if (is_unit && status != ADB__NEED_WRITER)
        status = adb__session_close_unit(worker, nested, status, &detail);
    if (status < 0 && error != NULL)
        adb__error_native(error, status, detail.flags, detail.native_code, detail.sqlstate, detail.message);
    return status;
}

/* One statement of a script, as it stands: a script has no values. */
static adb_status script_step(struct adb__worker *worker, const struct adb__lane *lane, const char *sql, size_t sql_size,
                              struct adb_result *result, adb_error *error)
{
    struct adb__sql_template compiled;
    struct adb__arena arena;
    struct adb__sink sink = {.result = result, .max_rows = 1};
    adb__arena_init(&arena, NULL, 0);
    adb__result_discard(result);
    adb_status status =
        adb__sql_parse(&arena, &worker->db->driver->dialect, ADB__SQL_RAW, sql, sql_size, &compiled, error);
    if (status == ADB_OK) {
        const struct adb__statement statement = {
            .sql = compiled.sql, .sql_size = compiled.sql_size, .flags = compiled.flags | ADB__STMT_NO_CACHE};
        status = adb__session_run(worker, lane, &statement, &sink, error);
    }
    adb__arena_reset(&arena);
    return status;
}

adb_status adb__session_run_script(struct adb__worker *worker, const struct adb__lane *lane, const char *sql,
                                   size_t sql_size, struct adb_result *result, adb_error *error)
{
    const struct adb__dialect *dialect = &worker->db->driver->dialect;
    adb_status status = ADB_OK;
    while (status == ADB_OK) {
        size_t skipped;
        size_t size = adb__sql_next_statement(dialect, sql, sql_size, &skipped);
        if (size == 0)
            break;
        status = script_step(worker, lane, sql + skipped, size, result, error);
        sql += skipped + size;
        sql_size -= skipped + size;
    }
    return status;
}

static adb_status level_save(struct adb__worker *worker, const struct adb__lane *lane, bool reads_only,
                             adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb__txn_savepoint_text(&lane->txn, &text);
    const adb_status status = text.failed
                                  ? adb__error_set(error, ADB_E_NOMEM, "no memory to begin")
                                  : adb__session_send(worker, text.bytes, reads_only ? ADB__STMT_MUST_READ : 0, error);
    adb__buf_fini(&text);
    return status;
}

adb_status adb__session_open_level(struct adb__worker *worker, struct adb__lane *lane, struct adb__level *level,
                                   const adb_transaction_options *options, adb_error *error)
{
    adb_transaction_options own = *options;
    adb_error detail = {0};
    adb_status status = adb__txn_check(&lane->txn, options, &detail);
    if (status == ADB_OK)
        status = session_check(worker, &detail);
    own.read_only = own.read_only || adb__session_must_read(lane);
    if (status == ADB_OK)
        status = adb__txn_nests(&lane->txn) ? level_save(worker, lane, own.read_only, &detail)
                                            : adb__session_begin(worker, &own, &detail);
    adb__txn_push(&lane->txn, level, &own);
    if (status != ADB_OK)
        adb__txn_hollow(&lane->txn, &detail);
    if (status != ADB_OK && error != NULL)
        *error = detail;
    adb__counter_set(&lane->depth, (int64_t)lane->txn.depth);
    return status;
}

/* The top level is over, whatever became of it. */
static void level_close(struct adb__lane *lane)
{
    adb__txn_pop(&lane->txn);
    adb__counter_set(&lane->depth, (int64_t)lane->txn.depth);
    if (lane->txn.depth == 0 && lane->acquired == 0)
        lane->txn.lost = false;
}

/* Undo the top level in the database. When even that fails, nothing of the transaction can be trusted any more. */
static adb_status level_undo(struct adb__worker *worker, struct adb__lane *lane, adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_status status = ADB_OK;
    adb__txn_rollback_text(&lane->txn, &text);
    if (text.failed)
        status = adb__error_set(error, ADB_E_NOMEM, "no memory to roll back");
    else if (text.size > 0)
        status = adb__worker_send(worker, text.bytes, error);
    adb__buf_fini(&text);
    if (status != ADB_OK)
        adb__txn_lose(&lane->txn, error);
    return status;
}

static adb_status level_lost_error(const struct adb__lane *lane, adb_error *error)
{
    adb_status status = adb__txn_usable(&lane->txn, error);
    return status;
}

adb_status adb__session_commit_level(struct adb__worker *worker, struct adb__lane *lane, adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_error undo = {0};
    if (lane->txn.depth == 0)
        return adb__error_set(error, ADB_E_NO_TRANSACTION, "commit without an open transaction");
    adb_status status = level_lost_error(lane, error);
    if (status == ADB_OK && lane->txn.top->force_rollback) {
        status = level_undo(worker, lane, error);
        level_close(lane);
        return status;
    }
    bool outermost = lane->txn.depth + lane->txn.base == 1;
    if (status == ADB_OK && worker->db->driver->transaction_state(worker->conn) == ADB__TXN_FAILED)
        status = adb__error_set(error, ADB_E_TRANSACTION_FAILED, "the database takes nothing but a rollback any more");
    if (status == ADB_OK && outermost)
        status = adb__resolve_prepare(worker, lane, error);
    if (status == ADB_OK)
        adb__txn_commit_text(&lane->txn, &text);
    if (status == ADB_OK && text.failed)
        status = adb__error_set(error, ADB_E_NOMEM, "no memory to commit");
    if (status == ADB_OK) {
        status = adb__worker_send(worker, text.bytes, error);
        status = outermost ? adb__resolve_judge(worker, status, error) : status;
    }
    adb__buf_fini(&text);
    if (status != ADB_OK && !lane->txn.lost && !worker->is_broken)
        level_undo(worker, lane, &undo);
    level_close(lane);
    return status;
}

adb_status adb__session_rollback_level(struct adb__worker *worker, struct adb__lane *lane, adb_error *error)
{
    adb_error detail = {0};
    adb_status status = ADB_OK;
    if (lane->txn.depth == 0)
        return adb__error_set(error, ADB_E_NO_TRANSACTION, "rollback without an open transaction");
    if (lane->txn.lost)
        status = adb__txn_usable(&lane->txn, &detail);
    else
        status = level_undo(worker, lane, &detail);
    level_close(lane);
    if (status != ADB_OK && error != NULL)
        *error = detail;
    return status;
}

void adb__session_give_up(struct adb__worker *worker, struct adb__lane *lane, const adb_error *reason)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb__txn_undo_text(&lane->txn, &text);
    if (!text.failed && text.size > 0)
        adb__worker_send(worker, text.bytes, NULL);
    adb__buf_fini(&text); /* what is left open now, adb__worker_clean() closes */
    adb__txn_lose(&lane->txn, reason);
    if (lane->acquired > 0)
        adb__worker_reset(worker);
}
