/* SPDX-License-Identifier: BSD-3-Clause */
/* Running statements: values in, rows and counts out. */
#include "drivers/sqlite/sqlite.h"

#include "base/alloc.h"
#include "config.h"
#include "model/convert.h"
#include "model/error.h"

#include <string.h>

/* Parameter sets between two looks at stop_fn. */
#define SETS_BETWEEN_LOOKS 16

/* Values ----------------------------------------------------------------------------------------------------------- */

static int bind_moment(sqlite3_stmt *stmt, int index, const adb_value *value)
{
    char text[ADB__VALUE_TEXT_SIZE];
    const size_t size = adb__value_text(value, text);
    return sqlite3_bind_text(stmt, index, text, (int)size, SQLITE_TRANSIENT);
}

/* Text and blobs stay where they are: they outlive the call, which clears its bindings. SQLite takes NaN for NULL. */
static int bind_value(sqlite3_stmt *stmt, int index, const adb_value *value)
{
    switch (value->type) {
    case ADB_TYPE_NULL:
        return sqlite3_bind_null(stmt, index);
    case ADB_TYPE_BOOL:
        return sqlite3_bind_int(stmt, index, value->as.boolean);
    case ADB_TYPE_INT:
        return sqlite3_bind_int64(stmt, index, value->as.integer);
    case ADB_TYPE_DOUBLE:
        return sqlite3_bind_double(stmt, index, value->as.real);
    case ADB_TYPE_TEXT:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        return sqlite3_bind_text64(stmt, index, value->size > 0 ? value->as.text : "", value->size, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case ADB_TYPE_BLOB:
        return sqlite3_bind_blob64(stmt, index, value->size > 0 ? value->as.blob : "", value->size, SQLITE_STATIC);
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
    case ADB_TYPE_UUID:
        return bind_moment(stmt, index, value);
    case ADB_TYPE_LIST:
        break;
    }
    return SQLITE_MISMATCH;
}

/* As many values as the statement wants? */
static adb_status check_count(sqlite3_stmt *stmt, size_t n_values, adb_error *error)
{
    const size_t n_wanted = (size_t)sqlite3_bind_parameter_count(stmt);
    if (n_values == n_wanted)
        return ADB_OK;
    return adb__error_set(error, ADB_E_PARAMETER, "the statement has %zu parameters, %zu values are given", n_wanted,
                          n_values);
}

/* The number of values has been checked. */
static adb_status bind_values(struct adb__sqlite *conn, sqlite3_stmt *stmt, const adb_value *values, size_t n_values,
                              adb_error *error)
{
    for (size_t i = 0; i < n_values; i++) {
        const int code = bind_value(stmt, (int)i + 1, &values[i]);
        if (code != SQLITE_OK)
            return adb__sqlite_error(conn, code, error);
    }
    return ADB_OK;
}

/* Columns ---------------------------------------------------------------------------------------------------------- */

static bool contains(const char *text, const char *word)
{
    const size_t size = strlen(word);
    for (; *text != '\0'; text++) {
        if (sqlite3_strnicmp(text, word, (int)size) == 0)
            return true;
    }
    return false;
}

struct hint {
    const char *word;
    adb_type type;
};

/* How the names of types begin that SQLite takes for numbers or text. */
static const struct hint beginnings[] = {
    {"BOOL", ADB_TYPE_BOOL},           {"UUID", ADB_TYPE_UUID},          {"JSON", ADB_TYPE_JSON},
    {"TIMESTAMP", ADB_TYPE_TIMESTAMP}, {"DATETIME", ADB_TYPE_TIMESTAMP}, {"DATE", ADB_TYPE_DATE},
    {"TIME", ADB_TYPE_TIME},           {"DECIMAL", ADB_TYPE_DECIMAL},    {"NUMERIC", ADB_TYPE_DECIMAL},
};

/* What any other name holds somewhere: SQLite's own rules of affinity. */
static const struct hint inner_words[] = {
    {"INT", ADB_TYPE_INT},   {"CHAR", ADB_TYPE_TEXT},   {"CLOB", ADB_TYPE_TEXT},   {"TEXT", ADB_TYPE_TEXT},
    {"BLOB", ADB_TYPE_BLOB}, {"REAL", ADB_TYPE_DOUBLE}, {"FLOA", ADB_TYPE_DOUBLE}, {"DOUB", ADB_TYPE_DOUBLE},
};

static adb_type type_hint(const char *decltype)
{
    if (decltype == NULL)
        return ADB_TYPE_NULL;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (sqlite3_strnicmp(decltype, beginnings[i].word, (int)strlen(beginnings[i].word)) == 0)
            return beginnings[i].type;
    }
    for (size_t i = 0; i < sizeof(inner_words) / sizeof(inner_words[0]); i++) {
        if (contains(decltype, inner_words[i].word))
            return inner_words[i].type;
    }
    return ADB_TYPE_NULL;
}

static const char *table_of(sqlite3_stmt *stmt, int column)
{
#ifdef ADB_HAVE_SQLITE_COLUMN_METADATA
    return sqlite3_column_table_name(stmt, column);
#else
    (void)stmt;
    (void)column;
    return NULL;
#endif
}

static adb_status describe_columns(struct adb__sqlite_statement *prepared, size_t n_columns, adb_error *error)
{
    struct adb__column *columns = adb__realloc_array(prepared->columns, n_columns, sizeof(*columns));
    if (columns == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu columns", n_columns);
    prepared->columns = columns;
    prepared->n_columns = n_columns;
    for (size_t i = 0; i < n_columns; i++) {
        columns[i].name = sqlite3_column_name(prepared->stmt, (int)i);
        if (columns[i].name == NULL)
            return adb__error_set(error, ADB_E_NOMEM, "no memory for the name of a column");
        columns[i].table = table_of(prepared->stmt, (int)i);
        columns[i].decltype = sqlite3_column_decltype(prepared->stmt, (int)i);
        columns[i].type = type_hint(columns[i].decltype);
    }
    return ADB_OK;
}

/* Asking SQLite for its columns costs more than a small query: it is done again only when it has prepared anew. */
static adb_status announce_columns(struct adb__sqlite_statement *prepared, struct adb__sink *sink, adb_error *error)
{
    const int n_columns = sqlite3_column_count(prepared->stmt);
    if (n_columns == 0)
        return ADB_OK;
    const int n_prepared = sqlite3_stmt_status(prepared->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (prepared->described_at != n_prepared) {
        prepared->described_at = -1;
        const adb_status status = describe_columns(prepared, (size_t)n_columns, error);
        if (status != ADB_OK)
            return status;
        prepared->described_at = n_prepared;
    }
    return adb__sink_columns(sink, prepared->columns, prepared->n_columns, error);
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

static adb_status no_memory(adb_error *error)
{
    return adb__error_set(error, ADB_E_NOMEM, "no memory for a value");
}

/* The bytes first, then their number: SQLite wants it so. */
static inline adb_status append_text(sqlite3_value *value, size_t column, struct adb__sink *sink, adb_error *error)
{
    const unsigned char *text = sqlite3_value_text(value);
    if (text == NULL)
        return no_memory(error);
    return adb__sink_bytes(sink, column, ADB_TYPE_TEXT, text, (size_t)sqlite3_value_bytes(value), error);
}

/* Only an empty one may be NULL. */
static adb_status append_blob(sqlite3_value *value, size_t column, struct adb__sink *sink, adb_error *error)
{
    const void *bytes = sqlite3_value_blob(value);
    const int size = sqlite3_value_bytes(value);
    if (bytes == NULL && size > 0)
        return no_memory(error);
    return adb__sink_bytes(sink, column, ADB_TYPE_BLOB, bytes, (size_t)size, error);
}

/* Values keep the class that SQLite stores them in; the declared type is only a hint. One is looked up once and then
 * read, which only a connection of one thread may do: each sqlite3_column_…() call would look it up anew. */
static inline adb_status append_values(sqlite3_stmt *stmt, int n_columns, struct adb__sink *sink, adb_error *error)
{
    adb_status status = ADB_OK;
    for (int i = 0; i < n_columns; i++) {
        sqlite3_value *value = sqlite3_column_value(stmt, i);
        switch (sqlite3_value_type(value)) {
        case SQLITE_NULL:
            break;
        case SQLITE_INTEGER:
            adb__sink_int(sink, (size_t)i, sqlite3_value_int64(value));
            break;
        case SQLITE_FLOAT:
            adb__sink_double(sink, (size_t)i, sqlite3_value_double(value));
            break;
        case SQLITE_TEXT:
            status = append_text(value, (size_t)i, sink, error);
            if (status != ADB_OK)
                return status;
            break;
        default:
            status = append_blob(value, (size_t)i, sink, error);
            if (status != ADB_OK)
                return status;
        }
    }
    return ADB_OK;
}

static adb_status append_row(sqlite3_stmt *stmt, int n_columns, struct adb__sink *sink, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    if (status == ADB_OK)
        status = append_values(stmt, n_columns, sink, error);
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}

/* Stepping --------------------------------------------------------------------------------------------------------- */

/* In a shared cache another connection's lock on a table does not call the busy handler. */
static int step_first(struct adb__sqlite *conn, sqlite3_stmt *stmt)
{
    int n_waits = 0;
    int code = sqlite3_step(stmt);
    while (code == SQLITE_LOCKED_SHAREDCACHE && adb__sqlite_wait(conn, n_waits++)) {
        sqlite3_reset(stmt);
        code = sqlite3_step(stmt);
    }
    return code;
}

/* End a statement whose rows found no room. A reset would commit what it wrote, and the caller hears that it failed: so
 * it is interrupted, which undoes it. (Within a transaction that would undo all of it; there the core decides.) */
static void abandon(struct adb__sqlite *conn, sqlite3_stmt *stmt)
{
    if (!sqlite3_stmt_busy(stmt) || sqlite3_stmt_readonly(stmt) || !sqlite3_get_autocommit(conn->db))
        return;
    sqlite3_interrupt(conn->db);
    sqlite3_step(stmt);
}

/* Step to the end, or until the sink has enough. */
static adb_status fetch(struct adb__sqlite *conn, struct adb__sqlite_statement *prepared, struct adb__sink *sink,
                        adb_error *error)
{
    sqlite3_stmt *stmt = prepared->stmt;
    int code = step_first(conn, stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return adb__sqlite_error(conn, code, error);

    /* Not before the first step: it may have prepared the statement anew, for a table that has changed. */
    adb_status status = announce_columns(prepared, sink, error);
    const int n_columns = sqlite3_column_count(stmt);
    while (status == ADB_OK && code == SQLITE_ROW) {
        status = append_row(stmt, n_columns, sink, error);
        if (status == ADB_OK)
            code = sqlite3_step(stmt);
    }
    if (status == ADB_OK)
        return code == SQLITE_DONE ? ADB_OK : adb__sqlite_error(conn, code, error);
    if (status != ADB__SINK_ENOUGH) {
        abandon(conn, stmt);
        return status;
    }
    code = sqlite3_reset(stmt); /* may commit, so it may fail */
    return code == SQLITE_OK ? ADB_OK : adb__sqlite_error(conn, code, error);
}

/* Step to the end; what it yields is not wanted. */
static adb_status drain(struct adb__sqlite *conn, sqlite3_stmt *stmt, adb_error *error)
{
    int code = step_first(conn, stmt);
    while (code == SQLITE_ROW)
        code = sqlite3_step(stmt);
    return code == SQLITE_DONE ? ADB_OK : adb__sqlite_error(conn, code, error);
}

/* Before and after ------------------------------------------------------------------------------------------------- */

static adb_status refuse_write(adb_error *error, const char *text)
{
    return adb__error_native(error, ADB_E_READ_ONLY, 0, SQLITE_READONLY, "25006", text);
}

/* What a reader leaves to the writer: what writes, what begins a transaction that may write, and what changes the
 * session for statements to come. */
static bool is_for_writer(const struct adb__sqlite *conn, const struct adb__statement *statement,
                          const struct adb__sqlite_statement *prepared)
{
    if (prepared->writes || prepared->locks || prepared->verb == ADB__SQLITE_ATTACH)
        return true;
    if ((statement->flags & ADB__STMT_MUST_READ) != 0)
        return false;
    if (prepared->verb == ADB__SQLITE_BEGIN)
        return (statement->flags & ADB__STMT_CONTROL) == 0 && sqlite3_get_autocommit(conn->db);
    return prepared->sets;
}

/* May this connection run it? */
static adb_status admit(const struct adb__sqlite *conn, const struct adb__statement *statement,
                        const struct adb__sqlite_statement *prepared, adb_error *error)
{
    if (prepared->writes && conn->read_only)
        return refuse_write(error, "the database is open for reading only");
    if (prepared->writes && (statement->flags & ADB__STMT_MUST_READ) != 0)
        return refuse_write(error, "a write in a read-only context or transaction");
    if (conn->open->role == ADB__ROLE_READER && is_for_writer(conn, statement, prepared))
        return ADB__NEED_WRITER;
    return ADB_OK;
}

static void begin_counting(struct adb__sqlite *conn)
{
    conn->rowid_before = sqlite3_last_insert_rowid(conn->db);
    conn->rowid_again = false;
}

static int64_t changes(sqlite3 *db)
{
#if SQLITE_VERSION_NUMBER >= 3037000
    return sqlite3_changes64(db);
#else
    return sqlite3_changes(db);
#endif
}

/* Adds to what is there, and begins anew. SQLite goes on giving the figures of the last INSERT, UPDATE or DELETE
 * whatever ran since, so they count only for such a statement; and an INSERT that inserted nothing leaves the rowid of
 * an earlier one. */
static void count(struct adb__sqlite *conn, const struct adb__sqlite_statement *prepared, struct adb_result *result)
{
    if (prepared->verb != ADB__SQLITE_INSERT && prepared->verb != ADB__SQLITE_CHANGE)
        return;
    result->affected = changes(conn->db) + (result->affected > 0 ? result->affected : 0);
    if (prepared->verb != ADB__SQLITE_INSERT)
        return;
    const int64_t rowid = sqlite3_last_insert_rowid(conn->db);
    if (rowid != conn->rowid_before || conn->rowid_again) {
        result->last_insert_id = rowid;
        result->has_insert_id = true;
    }
    conn->rowid_before = rowid;
    conn->rowid_again = false;
}

static adb_status prepare(struct adb__sqlite *conn, const struct adb__statement *statement,
                          struct adb__sqlite_statement **prepared_out, adb_error *error)
{
    conn->stopped = false;
    conn->function_failed = false;
    adb_status status = adb__sqlite_prepare(conn, statement, prepared_out, error);
    if (status != ADB_OK)
        return status;
    status = admit(conn, statement, *prepared_out, error);
    if (status != ADB_OK)
        adb__sqlite_release(conn, *prepared_out);
    else if ((*prepared_out)->sets)
        conn->touched = true;
    return status;
}

/* Slots ------------------------------------------------------------------------------------------------------------ */

adb_status adb__sqlite_execute(void *state, const struct adb__statement *statement, struct adb__sink *sink,
                               adb_error *error)
{
    struct adb__sqlite *conn = state;
    struct adb__sqlite_statement *prepared;
    adb_status status = prepare(conn, statement, &prepared, error);
    if (status != ADB_OK)
        return status;

    begin_counting(conn);
    status = check_count(prepared->stmt, statement->n_values, error);
    if (status == ADB_OK)
        status = bind_values(conn, prepared->stmt, statement->values, statement->n_values, error);
    if (status == ADB_OK)
        status = fetch(conn, prepared, sink, error);
    if (status == ADB_OK)
        count(conn, prepared, sink->result);
    adb__sqlite_release(conn, prepared);
    return status;
}

/* The statement with one of its sets: left ready for the next. */
static adb_status execute_set(struct adb__sqlite *conn, const struct adb__sqlite_statement *prepared,
                              const adb_value *values, size_t n_values, struct adb_result *result, adb_error *error)
{
    adb_status status = bind_values(conn, prepared->stmt, values, n_values, error);
    if (status == ADB_OK)
        status = drain(conn, prepared->stmt, error);
    if (status == ADB_OK)
        count(conn, prepared, result);
    sqlite3_reset(prepared->stmt); /* repeats the code that was seen */
    return status;
}

adb_status adb__sqlite_execute_many(void *state, const struct adb__statement *statement, const adb_value *const *sets,
                                    size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error)
{
    struct adb__sqlite *conn = state;
    struct adb__sqlite_statement *prepared;
    *failed_out = 0;
    adb_status status = prepare(conn, statement, &prepared, error);
    if (status != ADB_OK)
        return status;

    begin_counting(conn);
    status = check_count(prepared->stmt, statement->n_values, error);
    for (size_t i = 0; i < n_sets && status == ADB_OK; i++) {
        *failed_out = i;
        if (i % SETS_BETWEEN_LOOKS == 0 && adb__sqlite_stop(conn))
            status = adb__sqlite_error(conn, SQLITE_INTERRUPT, error);
        else
            status = execute_set(conn, prepared, sets[i], statement->n_values, sink->result, error);
    }
    adb__sqlite_release(conn, prepared);
    return status;
}
