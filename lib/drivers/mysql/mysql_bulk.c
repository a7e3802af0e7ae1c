/* SPDX-License-Identifier: BSD-3-Clause */
/* Many sets of values in one message: array binding, which MariaDB's client library and server have.
 *
 * The server says that a message failed, not at which set. So within a transaction each message has a savepoint before
 * it; when it fails, it is undone, and its sets are sent in smaller messages, and in the end run one by one, to the one
 * that fails. Without a transaction nothing can be undone, and sets are not sent together. */
#include "drivers/mysql/mysql_many.h"

#include "config.h"

#if defined(HAVE_DECL_STMT_ATTR_ARRAY_SIZE) && HAVE_DECL_STMT_ATTR_ARRAY_SIZE

#include "base/alloc.h"
#include "model/error.h"

/* Of a message. Sets of many values go in shorter ones, so that the room is bounded. */
#define MOST_VALUES    20480
#define MOST_SETS_WIDE 1024
#define MOST_BYTES     ((size_t)4 << 20)

/* One that fails is sent again in so many parts, unless it is so small that its sets may run one by one. */
#define PARTS       8
#define SETS_TO_RUN 128

/* With fewer sets than this it is not worth it. */
#define LEAST_SETS 4

#define SET_SAVEPOINT "SAVEPOINT adb__bulk"

/* One parameter in all the sets of a message. */
struct column {
    adb_type type; /* ADB_TYPE_NULL: in every one of them */
    union {
        int64_t integer;
        double real;
        void *pointer; /* for all other types */
    } * values;
    unsigned long *sizes;
    char *indicators;
    struct adb__mysql_room *rooms; /* for what has to be converted */
};

/* Which bytes a message has room for, and where they are: one block, used again by each message. */
struct message {
    struct column *columns;
    MYSQL_BIND *binds;
    size_t n_columns;
    size_t most_sets; /* of the next one */
    char *block;
};

/* Planning --------------------------------------------------------------------------------------------------------- */

bool adb__mysql_is_mariadb(const struct adb__mysql *conn)
{
    unsigned long abilities = 0;
    mariadb_get_infov(conn->mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &abilities);
    return (abilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}

bool adb__mysql_bulk_possible(const struct adb__mysql_many *many)
{
    const struct adb__mysql_statement *prepared = many->prepared;
    if (many->n_sets < LEAST_SETS || prepared->stmt == NULL || prepared->n_parameters == 0 ||
        prepared->n_parameters != many->statement->n_values ||
        (prepared->verb != ADB__MYSQL_INSERT && prepared->verb != ADB__MYSQL_CHANGE) ||
        mysql_stmt_field_count(prepared->stmt) > 0 || (many->conn->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0)
        return false;
    return adb__mysql_is_mariadb(many->conn);
}

/* Does the set go with those before it? All values of a parameter have one type, but for NULL. */
static bool goes_with(struct message *message, const adb_value *set)
{
    for (size_t i = 0; i < message->n_columns; i++) {
        const adb_type type = message->columns[i].type;
        if (set[i].type != ADB_TYPE_NULL && type != ADB_TYPE_NULL && type != set[i].type)
            return false;
    }
    for (size_t i = 0; i < message->n_columns; i++) {
        if (set[i].type != ADB_TYPE_NULL)
            message->columns[i].type = set[i].type;
    }
    return true;
}

static size_t size_of_set(const adb_value *set, size_t n_values)
{
    size_t size = 0;
    for (size_t i = 0; i < n_values; i++)
        size += adb__mysql_wire_size(&set[i]);
    return size;
}

/* How many sets the next message takes, at least one; tells the columns their types. */
static size_t plan(const struct adb__mysql_many *many, struct message *message)
{
    const size_t max_packet = many->conn->max_packet;
    const size_t most_bytes = max_packet / 2 < MOST_BYTES ? max_packet / 2 : MOST_BYTES;
    size_t n_bytes = 0;
    size_t n_sets = 0;
    for (size_t i = 0; i < message->n_columns; i++)
        message->columns[i].type = ADB_TYPE_NULL;
    while (n_sets < message->most_sets && many->n_done + n_sets < many->n_sets) {
        const adb_value *set = many->sets[many->n_done + n_sets];
        n_bytes += size_of_set(set, message->n_columns);
        if ((n_sets > 0 && n_bytes > most_bytes) || !goes_with(message, set))
            break;
        n_sets++;
    }
    return n_sets;
}

/* Filling ---------------------------------------------------------------------------------------------------------- */

/* What cannot be sent from where it is. */
static adb_status fill_converted(struct column *column, size_t row, const adb_value *value, size_t index,
                                 adb_error *error)
{
    struct adb__mysql_room *room = &column->rooms[row];
    const adb_status status = adb__mysql_fill_room(value, index, room, error);
    if (status != ADB_OK)
        return status;
    if (value->type == ADB_TYPE_DOUBLE) {
        column->values[row].real = room->as.real;
        return ADB_OK;
    }
    column->values[row].pointer = &room->as;
    column->sizes[row] = room->size;
    return ADB_OK;
}

static adb_status fill_value(struct column *column, size_t row, const adb_value *value, size_t index, adb_error *error)
{
    column->indicators[row] = value->type == ADB_TYPE_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
    switch (value->type) {
    case ADB_TYPE_NULL:
        column->values[row].pointer = NULL;
        column->sizes[row] = 0;
        return ADB_OK;
    case ADB_TYPE_BOOL:
        column->values[row].integer = value->as.boolean;
        return ADB_OK;
    case ADB_TYPE_INT:
        column->values[row].integer = value->as.integer;
        return ADB_OK;
    case ADB_TYPE_TEXT:
    case ADB_TYPE_BLOB:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        column->values[row].pointer = adb__mysql_bytes_of(value, &column->rooms[row]);
        column->sizes[row] = value->size;
        return ADB_OK;
    default:
        return fill_converted(column, row, value, index, error);
    }
}

/* *n_sets_io: at a value that the server cannot have, the sets before it. */
static adb_status fill(const struct adb__mysql_many *many, struct message *message, size_t *n_sets_io, adb_error *error)
{
    for (size_t row = 0; row < *n_sets_io; row++) {
        const adb_value *set = many->sets[many->n_done + row];
        for (size_t i = 0; i < message->n_columns; i++) {
            const adb_status status = fill_value(&message->columns[i], row, &set[i], i, error);
            if (status != ADB_OK) {
                *n_sets_io = row;
                return status;
            }
        }
    }
    for (size_t i = 0; i < message->n_columns; i++) {
        struct column *column = &message->columns[i];
        message->binds[i] = (MYSQL_BIND){.buffer = column->values, .length = column->sizes};
        message->binds[i].u.indicator = column->indicators;
        message->binds[i].buffer_type =
            adb__mysql_wire_type(column->type == ADB_TYPE_NULL ? ADB_TYPE_TEXT : column->type);
    }
    return ADB_OK;
}

/* Sending ---------------------------------------------------------------------------------------------------------- */

/* Rows of RETURNING, which the server does not announce when it prepares. False: it failed on the way. */
static bool drain(MYSQL_STMT *stmt, my_ulonglong *n_rows_out)
{
    int code = 0;
    while (code == 0) {
        code = mysql_stmt_field_count(stmt) > 0 ? mysql_stmt_fetch(stmt) : MYSQL_NO_DATA;
        while (code == 0 || code == MYSQL_DATA_TRUNCATED) {
            (*n_rows_out)++;
            code = mysql_stmt_fetch(stmt);
        }
        if (code == MYSQL_NO_DATA)
            code = mysql_stmt_next_result(stmt);
    }
    return code < 0;
}

/* Not ADB_OK: the server refused the savepoint. */
struct savepoint {
    adb_status status;
    adb_error error;
};

static void take_savepoint(MYSQL *mysql, struct savepoint *savepoint)
{
    savepoint->status = ADB_OK;
    if (mysql_read_query_result(mysql) != 0)
        savepoint->status =
            adb__mysql_error_fill(mysql_errno(mysql), mysql_sqlstate(mysql), mysql_error(mysql), &savepoint->error);
}

/* The savepoint and the message, in one round trip where that is possible: then nothing else may be asked of the server
 * until it has answered both. */
static bool execute(const struct adb__mysql_many *many, struct savepoint *savepoint)
{
    MYSQL *mysql = many->conn->mysql;
    MYSQL_STMT *stmt = many->prepared->stmt;
    const bool together = adb__mysql_may_send_ahead(many->conn);
    bool is_sent = false;
    mysql_send_query(mysql, SET_SAVEPOINT, sizeof(SET_SAVEPOINT) - 1); /* when that fails, what follows does */
    if (together) {
        adb__mysql_leave_answers(many->conn, true);
        is_sent = mysql_stmt_execute(stmt) == 0;
        adb__mysql_leave_answers(many->conn, false);
    }
    take_savepoint(mysql, savepoint);
    if (together)
        return is_sent && mysql->methods->db_read_execute_response(stmt) == 0;
    return mysql_stmt_execute(stmt) == 0;
}

static adb_status take_figures(struct adb__mysql_many *many, adb_error *error)
{
    MYSQL_STMT *stmt = many->prepared->stmt;
    my_ulonglong n_affected = 0;
    if (mysql_stmt_field_count(stmt) == 0)
        n_affected = mysql_stmt_affected_rows(stmt);
    if (!drain(stmt, &n_affected))
        return adb__mysql_stmt_error(many->conn, stmt, ADB__MYSQL_RUNNING, error);
    adb__mysql_count(many->result, many->prepared->verb, n_affected, mysql_stmt_insert_id(stmt));
    return ADB_OK;
}

static bool set_array(MYSQL_STMT *stmt, size_t n_sets)
{
    const unsigned n_rows = (unsigned)n_sets;
    return mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &n_rows) == 0;
}

/* Nothing but a message may be run between this and giving the array up by set_array(). */
static adb_status bind(const struct adb__mysql_many *many, const struct message *message, size_t n_sets,
                       adb_error *error)
{
    MYSQL_STMT *stmt = many->prepared->stmt;
    if (set_array(stmt, n_sets) && mysql_stmt_bind_param(stmt, message->binds) == 0)
        return ADB_OK;
    set_array(stmt, 0);
    return adb__mysql_stmt_error(many->conn, stmt, ADB__MYSQL_BEFORE, error);
}

/* What is bound. */
static adb_status send(struct adb__mysql_many *many, struct savepoint *savepoint, adb_error *error)
{
    MYSQL_STMT *stmt = many->prepared->stmt;
    const bool is_done = execute(many, savepoint);
    set_array(stmt, 0);
    return is_done ? take_figures(many, error) : adb__mysql_stmt_error(many->conn, stmt, ADB__MYSQL_RUNNING, error);
}

/* Is it the fault of one set, so that running them one by one finds it? */
static bool is_of_one_set(adb_status status)
{
    switch (status) {
    case ADB_E_CANCELLED:
    case ADB_E_TIMEOUT:
    case ADB_E_CONNECTION:
    case ADB_E_LOCKED:
    case ADB_E_SERIALIZATION:
    case ADB_E_NOMEM:
    case ADB_E_FULL:
    case ADB_E_READ_ONLY:
    case ADB_E_PERMISSION:
        return false;
    default:
        return true;
    }
}

/* The message has failed and is undone: smaller ones, or its sets one by one. */
static adb_status step(struct adb__mysql_many *many, struct message *message, size_t n_sets, adb_error *error)
{
    if (n_sets > SETS_TO_RUN) {
        message->most_sets = n_sets / PARTS;
        return ADB_OK;
    }
    return adb__mysql_many_one_by_one(many, many->n_done + n_sets, error);
}

/* The message has failed: undo what it did of itself. */
static adb_status undo_and_step(struct adb__mysql_many *many, struct message *message, size_t n_sets, adb_status status,
                                adb_error *error)
{
    struct adb__mysql *conn = many->conn;
    adb_error detail;
    if (!is_of_one_set(status) || (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0 ||
        adb__mysql_run(conn, "ROLLBACK TO " SET_SAVEPOINT, &detail) != ADB_OK)
        return status;
    adb__error_clear(error);
    /* Some statements the server can only run one by one. */
    if (status == ADB_E_UNSUPPORTED)
        return adb__mysql_many_one_by_one(many, many->n_sets, error);
    return step(many, message, n_sets, error);
}

/* A savepoint that is refused is missed only when the message behind it fails too. But where a KILL has hit it, no
 * further message is begun. */
static adb_status send_or_step(struct adb__mysql_many *many, struct message *message, size_t n_sets, adb_error *error)
{
    struct savepoint savepoint;
    adb_error detail;
    adb_status status = bind(many, message, n_sets, error);
    if (status != ADB_OK)
        return status;
    status = send(many, &savepoint, &detail);
    if (status == ADB_OK)
        many->n_done += n_sets;
    if (status == ADB_OK && (many->n_done == many->n_sets || is_of_one_set(savepoint.status)))
        return ADB_OK;
    *error = savepoint.status == ADB_OK || many->conn->lost ? detail : savepoint.error;
    if (savepoint.status != ADB_OK)
        return error->status;
    return undo_and_step(many, message, n_sets, status, error);
}

/* A multiple of eight, so that what is behind the indicators of a column is aligned. */
static size_t most_sets(size_t n_sets, size_t n_columns)
{
    const size_t most = MOST_VALUES / n_columns > MOST_SETS_WIDE ? MOST_VALUES / n_columns : MOST_SETS_WIDE;
    return ((n_sets < most ? n_sets : most) + 7) / 8 * 8;
}

static bool message_init(struct message *message, size_t n_sets, size_t n_columns)
{
    const size_t most = most_sets(n_sets, n_columns);
    const size_t size_each =
        sizeof(struct adb__mysql_room) + sizeof(*message->columns->values) + sizeof(unsigned long) + sizeof(char);
    char *block = adb__alloc_array(n_columns, sizeof(struct column) + sizeof(MYSQL_BIND) + most * size_each);
    *message = (struct message){.n_columns = n_columns, .most_sets = most, .block = block};
    if (block == NULL)
        return false;
    message->columns = (void *)block;
    block += n_columns * sizeof(struct column);
    message->binds = (void *)block;
    block += n_columns * sizeof(MYSQL_BIND);
    for (size_t i = 0; i < n_columns; i++) {
        struct column *column = &message->columns[i];
        column->rooms = (void *)block;
        block += most * sizeof(*column->rooms);
        column->values = (void *)block;
        block += most * sizeof(*column->values);
        column->sizes = (void *)block;
        block += most * sizeof(*column->sizes);
        column->indicators = block;
        block += most;
    }
    return true;
}

adb_status adb__mysql_bulk(struct adb__mysql_many *many, adb_error *error)
{
    struct message message;
    adb_status status = ADB_OK;
    if (!message_init(&message, many->n_sets, many->statement->n_values))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu parameters", many->statement->n_values);
    while (many->n_done < many->n_sets && status == ADB_OK) {
        size_t n_sets = plan(many, &message);
        const adb_status filled = fill(many, &message, &n_sets, error);
        if (filled == ADB_OK && n_sets >= LEAST_SETS)
            status = send_or_step(many, &message, n_sets, error);
        else
            status = adb__mysql_many_one_by_one(many, many->n_done + n_sets + (filled != ADB_OK), error);
    }
    adb__free(message.block);
    return status;
}

#else

bool adb__mysql_is_mariadb(const struct adb__mysql *conn)
{
    (void)conn;
    return false;
}

bool adb__mysql_bulk_possible(const struct adb__mysql_many *many)
{
    (void)many;
    return false;
}

adb_status adb__mysql_bulk(struct adb__mysql_many *many, adb_error *error)
{
    return adb__mysql_many_one_by_one(many, many->n_sets, error);
}

#endif
