/* SPDX-License-Identifier: BSD-3-Clause */
/* Running statements by either protocol, and giving what they yield to the sink.
 *
 * Rows are never stored by the client library: each goes from its packet into the result, so that a result of any size
 * is held once, and one that is iterated over not at all. Whatever happens, the connection is left with nothing to be
 * read from it. */
#include "drivers/mysql/mysql_values.h"

#include "base/clock.h"
#include "config.h"
#include "model/error.h"
#include "model/result.h"

#include <string.h>

/* A table may be changed again and again while a statement is prepared anew. */
#define MOST_TRIES 8

/* Rows that nobody wants are read for so long; then the server is asked to stop. */
#define DRAIN_NS (20 * ADB__NS_PER_MS)

/* Rows between two looks at the clock. */
#define ROWS_BETWEEN_LOOKS 64

/* Of these the server says that it does not know the statement, or not any more. */
#define UNKNOWN_STATEMENT  1243
#define NEEDS_REPREPARE    1615
#define LIBRARY_NO_PREPARE 2030
#define LIBRARY_CLOSED     2056

/* And of this the library that it has other columns than it had: the table has changed. */
#define LIBRARY_NEW_COLUMNS 2057

/* Does the library hand out values from where they lie? */
#if defined(HAVE_DECL_STMT_ATTR_CB_RESULT) && HAVE_DECL_STMT_ATTR_CB_RESULT
#define BY_CALLBACK 1
#else
#define BY_CALLBACK 0
#endif

/* How far the reading of a result set got. */
enum reading { READING, DRAINING };

/* One statement while it runs. */
struct run {
    struct adb__mysql *conn;
    struct adb__mysql_statement *prepared;
    struct adb__sink *sink;    /* NULL: nobody wants rows */
    struct adb_result *result; /* for figures, when there is no sink; NULL: nobody wants those either */
    int64_t n_rows;            /* of the present result set, wanted or not */
    bool had_columns;
    int64_t patient_until; /* when draining; 0 before the first row of it */
    bool asked_to_stop;
    adb_status status; /* what the sink said when it wanted no more */
};

/* Draining --------------------------------------------------------------------------------------------------------- */

/* Called for each row that is not wanted. A SELECT that yields many more is stopped, which leaves its transaction as it
 * is. Anything else has to get to its end, or it would be undone. */
static void drain_one(struct run *run)
{
    if (run->asked_to_stop || run->prepared->verb != ADB__MYSQL_READ || run->n_rows % ROWS_BETWEEN_LOOKS != 0)
        return;
    const int64_t now = adb__clock_now();
    if (run->patient_until == 0)
        run->patient_until = now + DRAIN_NS;
    if (now < run->patient_until)
        return;
    run->asked_to_stop = true;
    adb__mysql_kill(run->conn);
}

/* Figures ---------------------------------------------------------------------------------------------------------- */

void adb__mysql_count(struct adb_result *result, enum adb__mysql_verb verb, my_ulonglong affected,
                      my_ulonglong insert_id)
{
    const bool counts = verb == ADB__MYSQL_INSERT || verb == ADB__MYSQL_CHANGE || verb == ADB__MYSQL_CALL;
    const int64_t n_affected = affected > INT64_MAX ? 0 : (int64_t)affected; /* all bits: unknown */
    if (counts || n_affected > 0)
        result->affected = n_affected + (result->affected > 0 ? result->affected : 0);
    if (verb == ADB__MYSQL_INSERT && insert_id > 0 && insert_id <= INT64_MAX) {
        result->last_insert_id = (int64_t)insert_id;
        result->has_insert_id = true;
    }
}

/* A statement that yields rows has changed none, or those (RETURNING). */
static void count(const struct run *run, my_ulonglong affected, my_ulonglong insert_id)
{
    const enum adb__mysql_verb verb = run->prepared->verb;
    struct adb_result *result = run->sink != NULL ? run->sink->result : run->result;
    if (result == NULL)
        return;
    if (!run->had_columns || verb == ADB__MYSQL_CALL)
        adb__mysql_count(result, verb, affected, insert_id);
    else if (verb != ADB__MYSQL_READ && verb != ADB__MYSQL_OTHER)
        adb__mysql_count(result, verb, (my_ulonglong)run->n_rows, insert_id);
}

/* The server's warnings, when somebody reads such things. */
static void log_warnings(struct adb__mysql *conn)
{
    const struct adb__log *log = conn->open->log;
    static const char sql[] = "SHOW WARNINGS LIMIT 10";
    if (log == NULL || log->level < ADB__LOG_DEBUG || mysql_warning_count(conn->mysql) == 0)
        return;
    if (mysql_real_query(conn->mysql, sql, sizeof(sql) - 1) != 0)
        return;
    MYSQL_RES *rows = mysql_store_result(conn->mysql);
    MYSQL_ROW row = rows == NULL ? NULL : mysql_fetch_row(rows);
    while (row != NULL) {
        adb__log(log, ADB__LOG_DEBUG, "mysql: %s %s: %s", row[0], row[1], row[2]);
        row = mysql_fetch_row(rows);
    }
    mysql_free_result(rows);
}

/* The sink says about a row, or about columns, whether it wants more. */
static enum reading heed(struct run *run, adb_status said)
{
    if (said == ADB_OK)
        return READING;
    if (said != ADB__SINK_ENOUGH)
        run->status = said;
    return DRAINING;
}

static enum reading announce(struct run *run, struct adb__mysql_columns *columns, const MYSQL_FIELD *fields,
                             size_t n_fields, adb_error *error)
{
    run->had_columns = true;
    run->n_rows = 0;
    if (run->sink == NULL || run->status != ADB_OK)
        return DRAINING;
    run->status =
        adb__mysql_columns_describe(columns, fields, n_fields, run->prepared->stmt != NULL && !BY_CALLBACK, error);
    if (run->status != ADB_OK)
        return DRAINING;
    return heed(run, adb__sink_columns(run->sink, columns->descriptions, n_fields, error));
}

/* Interrupted when we asked for it: that is how it was to end. */
static bool ended_as_asked(const struct run *run, unsigned code)
{
    return run->asked_to_stop && adb__mysql_error_fill(code, "", "", NULL) == ADB_E_CANCELLED;
}

/* Binary ----------------------------------------------------------------------------------------------------------- */

static adb_status stmt_failed(struct run *run, adb_error *error)
{
    MYSQL_STMT *stmt = run->prepared->stmt;
    if (ended_as_asked(run, adb__mysql_stmt_code(run->conn, stmt)))
        return ADB_OK;
    return adb__mysql_stmt_error(run->conn, stmt, ADB__MYSQL_RUNNING, error);
}

#ifdef HAVE_MARIADB_STMT_FETCH_FIELDS
static bool same_names(const MYSQL_FIELD *a, const MYSQL_FIELD *b, size_t n_fields)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (strcmp(a[i].name, b[i].name) != 0)
            return false;
    }
    return true;
}
#endif

/* The fields of the present result set; *copy_out is for the caller to free. Connector/C keeps the names that columns
 * had when the statement was prepared. Those that the server has just sent, if it has, are with the connection. */
static const MYSQL_FIELD *fields_of(struct run *run, MYSQL_RES **copy_out)
{
    MYSQL_STMT *stmt = run->prepared->stmt;
    *copy_out = NULL;
#ifdef HAVE_MARIADB_STMT_FETCH_FIELDS
    const MYSQL *mysql = run->conn->mysql;
    const MYSQL_FIELD *fields = mariadb_stmt_fetch_fields(stmt);
    const size_t n_fields = mysql_stmt_field_count(stmt);
    if (fields == NULL || mysql->fields == NULL || mysql->field_count != n_fields ||
        same_names(fields, mysql->fields, n_fields))
        return fields;
    run->prepared->is_stale = true;
    return mysql->fields;
#else
    *copy_out = mysql_stmt_result_metadata(stmt);
    return *copy_out == NULL ? NULL : mysql_fetch_fields(*copy_out);
#endif
}

#if BY_CALLBACK
/* The library hands the values to adb__mysql_wire_value() one by one, which gives them to the sink. When none is
 * wanted, the columns need not be described, and the library reads past the rows by itself. */
static adb_status prepare_reading(const struct run *run, struct adb__mysql_row *row)
{
    MYSQL_STMT *stmt = run->prepared->stmt;
    if (row->status != ADB_OK)
        return ADB_OK;
    mysql_stmt_attr_set(stmt, STMT_ATTR_CB_USER_DATA, row);
    mysql_stmt_attr_set(stmt, STMT_ATTR_CB_RESULT, (const void *)(uintptr_t)adb__mysql_wire_value);
    return ADB_OK;
}

static void finish_reading(const struct run *run)
{
    mysql_stmt_attr_set(run->prepared->stmt, STMT_ATTR_CB_RESULT, NULL);
}

static adb_status take_row(const struct run *run, struct adb__mysql_row *row)
{
    (void)run;
    return row->status == ADB_OK ? adb__sink_row_end(row->sink, row->error) : row->status;
}
#else
static adb_status prepare_reading(const struct run *run, struct adb__mysql_row *row)
{
    struct adb__mysql_statement *prepared = run->prepared;
    if (row->status != ADB_OK)
        return ADB_OK; /* nothing is to be put anywhere */
    if (mysql_stmt_bind_result(prepared->stmt, prepared->columns.binds) == 0)
        return ADB_OK;
    return adb__mysql_stmt_error(run->conn, prepared->stmt, ADB__MYSQL_RUNNING, row->error);
}

static void finish_reading(const struct run *run)
{
    (void)run;
}

static adb_status take_row(const struct run *run, struct adb__mysql_row *row)
{
    return adb__mysql_row_binary(run->prepared->stmt, row->columns, row->sink, row->error);
}
#endif

static adb_status read_set(struct run *run, adb_error *error)
{
    struct adb__mysql_statement *prepared = run->prepared;
    MYSQL_STMT *stmt = prepared->stmt;
    MYSQL_RES *copy;
    const MYSQL_FIELD *fields = fields_of(run, &copy);
    if (fields == NULL)
        return stmt_failed(run, error);
    enum reading reading = announce(run, &prepared->columns, fields, mysql_stmt_field_count(stmt), error);
    struct adb__mysql_row row = {.columns = &prepared->columns,
                                 .sink = run->sink,
                                 .error = error,
                                 .status = reading == READING ? ADB_OK : ADB__SINK_ENOUGH};
    mysql_free_result(copy);
    const adb_status status = prepare_reading(run, &row);
    if (status != ADB_OK)
        return status;

    int code = mysql_stmt_fetch(stmt);
    while (code == 0 || code == MYSQL_DATA_TRUNCATED) {
        run->n_rows++;
        if (reading == READING) {
            row.status = take_row(run, &row);
            reading = heed(run, row.status);
        } else {
            drain_one(run);
        }
        code = mysql_stmt_fetch(stmt);
    }
    finish_reading(run);
    return code == MYSQL_NO_DATA ? ADB_OK : stmt_failed(run, error);
}

/* Whatever the execution, which has ended with the code, has left in the connection. */
static adb_status read_sets(struct run *run, int code, adb_error *error)
{
    MYSQL_STMT *stmt = run->prepared->stmt;
    adb_status status = ADB_OK;
    while (code == 0 && status == ADB_OK) {
        if (mysql_stmt_field_count(stmt) > 0)
            status = read_set(run, error);
        if (status == ADB_OK)
            code = mysql_stmt_next_result(stmt);
    }
    if (code > 0)
        status = stmt_failed(run, error);
    if (status == ADB_OK)
        count(run, mysql_stmt_affected_rows(stmt), mysql_stmt_insert_id(stmt));
    mysql_stmt_free_result(stmt);
    return status;
}

static adb_status run_binary(struct run *run, adb_error *error)
{
    return read_sets(run, mysql_stmt_execute(run->prepared->stmt) != 0, error);
}

adb_status adb__mysql_read_answer(struct adb__mysql *conn, struct adb__mysql_statement *prepared, struct adb__sink *sink,
                                  int code, adb_error *error)
{
    struct run run = {.conn = conn, .prepared = prepared, .sink = sink};
    const adb_status status = read_sets(&run, code != 0, error);
    return status == ADB_OK ? run.status : status;
}

/* Text ------------------------------------------------------------------------------------------------------------- */

static adb_status query_failed(struct run *run, adb_error *error)
{
    if (ended_as_asked(run, mysql_errno(run->conn->mysql)))
        return ADB_OK;
    return adb__mysql_error(run->conn, ADB__MYSQL_RUNNING, error);
}

static adb_status read_rows(struct run *run, MYSQL_RES *rows, adb_error *error)
{
    struct adb__mysql_columns *columns = &run->prepared->columns;
    enum reading reading = announce(run, columns, mysql_fetch_fields(rows), mysql_num_fields(rows), error);
    for (MYSQL_ROW row = mysql_fetch_row(rows); row != NULL; row = mysql_fetch_row(rows)) {
        run->n_rows++;
        if (reading == READING)
            reading = heed(run, adb__mysql_row_text(columns, row, mysql_fetch_lengths(rows), run->sink, error));
        else
            drain_one(run);
    }
    return mysql_errno(run->conn->mysql) == 0 ? ADB_OK : query_failed(run, error);
}

static adb_status run_text(struct run *run, const struct adb__statement *statement, adb_error *error)
{
    MYSQL *mysql = run->conn->mysql;
    adb_status status = ADB_OK;
    my_ulonglong affected = 0;
    my_ulonglong insert_id = 0;
    int code = mysql_real_query(mysql, statement->sql, (unsigned long)statement->sql_size) != 0; /* -1: not sent */
    while (code == 0 && status == ADB_OK) {
        MYSQL_RES *rows = mysql_use_result(mysql);
        if (rows != NULL)
            status = read_rows(run, rows, error);
        else if (mysql_field_count(mysql) > 0)
            status = query_failed(run, error);
        mysql_free_result(rows);
        affected = mysql_affected_rows(mysql); /* to look for more forgets them, even if there is none */
        insert_id = mysql_insert_id(mysql);
        if (status == ADB_OK)
            code = mysql_next_result(mysql);
    }
    if (code > 0)
        status = query_failed(run, error);
    if (status == ADB_OK)
        count(run, affected, insert_id);
    return status;
}

/* Slots ------------------------------------------------------------------------------------------------------------ */

static adb_status run_statement(struct run *run, const struct adb__statement *statement, adb_error *error)
{
    const adb_status status = run->prepared->stmt != NULL ? run_binary(run, error) : run_text(run, statement, error);
    if (status != ADB_OK)
        return status;
    log_warnings(run->conn);
    return run->status;
}

adb_status adb__mysql_run_for_figures(struct adb__mysql *conn, struct adb__mysql_statement *prepared,
                                      const struct adb__statement *statement, struct adb_result *result,
                                      adb_error *error)
{
    struct run run = {.conn = conn, .prepared = prepared, .result = result};
    return run_statement(&run, statement, error);
}

bool adb__mysql_is_stale(int code)
{
    return code == NEEDS_REPREPARE || code == UNKNOWN_STATEMENT || code == LIBRARY_NO_PREPARE ||
           code == LIBRARY_CLOSED || code == LIBRARY_NEW_COLUMNS;
}

/* *again_out: the statement was stale, and nothing has happened that would happen twice. */
static adb_status execute_once(struct adb__mysql *conn, const struct adb__statement *statement, struct adb__sink *sink,
                               bool *again_out, adb_error *error)
{
    struct adb__mysql_statement *prepared;
    *again_out = false;
    adb_status status = adb__mysql_prepare(conn, statement, &prepared, error);
    if (status != ADB_OK)
        return status;
    if (prepared->stmt != NULL)
        status = adb__mysql_bind(conn, prepared, statement->values, statement->n_values, error);
    if (status == ADB_OK)
        status = run_statement(&(struct run){.conn = conn, .prepared = prepared, .sink = sink}, statement, error);
    if (status == ADB_OK || prepared->stmt == NULL || !adb__mysql_is_stale(error->native_code)) {
        adb__mysql_release(conn, prepared);
        return status;
    }
    *again_out = error->native_code != LIBRARY_NEW_COLUMNS || prepared->verb == ADB__MYSQL_READ;
    if (!*again_out)
        error->flags = ADB_ERROR_OUTCOME_UNKNOWN; /* it has run, and its rows cannot be read */
    adb__mysql_forget(conn, prepared);            /* which reads what is left of it */
    return status;
}

adb_status adb__mysql_execute(void *state, const struct adb__statement *statement, struct adb__sink *sink,
                              adb_error *error)
{
    struct adb__mysql *conn = state;
    bool again = true;
    adb_status status = adb__mysql_session_ready(conn, statement, adb__mysql_verb_of(statement->sql), error);
    if (status != ADB_OK)
        return status;
    for (unsigned n = 0; n < MOST_TRIES && again; n++) {
        status = execute_once(conn, statement, sink, &again, error);
        /* Within a transaction the caller hears of it, and decides. */
        again = again && (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0 && !conn->lost;
    }
    return status;
}
