/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the fake driver, its transactions, and its one table. */
#include "tests/lib/fake_parts.h"

#include "model/error.h"
#include "tests/lib/latch.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SPINS      60
#define MAX_VALUES 4
#define MAX_XIDS   1024

/* The table: what is committed. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t table[FAKE_MAX_ROWS];
static size_t n_table;

/* How often "fail NAME N" has failed already, by its text. */
static char failing[16][64];
static unsigned failures[16];

/* One statement on its way. */
struct command {
    struct fake_conn *conn;
    const struct adb__statement *statement;
    struct adb__sink *sink;
    adb_error *error;
    char verb[32];
    char word[32];
    long number; /* the third word, or the second when it is one */
};

typedef adb_status (*command_fn)(struct command *command);

/* What became of transactions, by their ids, and what is arranged for commits; under the same lock. */
enum fate { IN_PROGRESS, COMMITTED, ABORTED };
static enum fate fates[MAX_XIDS];
static unsigned last_xid, answers_to_lose, lingers;

void fake_table_reset(void)
{
    pthread_mutex_lock(&table_lock);
    n_table = 0;
    memset(failing, 0, sizeof(failing));
    memset(failures, 0, sizeof(failures));
    last_xid = answers_to_lose = lingers = 0;
    pthread_mutex_unlock(&table_lock);
}

static void table_add(const int64_t *rows, size_t n)
{
    pthread_mutex_lock(&table_lock);
    if (n_table + n > FAKE_MAX_ROWS)
        latch_hang("the table of the fake driver is full");
    memcpy(table + n_table, rows, n * sizeof(*rows));
    n_table += n;
    pthread_mutex_unlock(&table_lock);
}

bool fake_table_is(const char *rows)
{
    char found[8 * FAKE_MAX_ROWS] = "";
    size_t size = 0;
    pthread_mutex_lock(&table_lock);
    for (size_t i = 0; i < n_table && size < sizeof(found) - 32; i++)
        size += (size_t)snprintf(found + size, sizeof(found) - size, "%s%" PRId64, i > 0 ? " " : "", table[i]);
    pthread_mutex_unlock(&table_lock);
    if (strcmp(found, rows) != 0)
        printf("the table holds \"%s\", not \"%s\"\n", found, rows);
    return strcmp(found, rows) == 0;
}

/* Rows ------------------------------------------------------------------------------------------------------------- */

static adb_status give_columns(struct command *command, size_t n)
{
    static const struct adb__column columns[MAX_VALUES] = {
        {.name = "n", .type = ADB_TYPE_INT}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
    return adb__sink_columns(command->sink, columns, n < MAX_VALUES ? n : MAX_VALUES, command->error);
}

/* ADB__SINK_ENOUGH is not a failure: the rest is not wanted. */
static adb_status give_rows(struct command *command, const int64_t *rows, size_t n)
{
    adb_status status = give_columns(command, 1);
    for (size_t i = 0; i < n && status == ADB_OK; i++) {
        status = adb__sink_row_begin(command->sink, command->error);
        if (status != ADB_OK)
            break;
        adb__sink_int(command->sink, 0, rows != NULL ? rows[i] : (int64_t)i);
        status = adb__sink_row_end(command->sink, command->error);
    }
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}

static adb_status command_rows(struct command *command)
{
    return give_rows(command, NULL, (size_t)command->number);
}

static adb_status command_torn(struct command *command)
{
    const adb_status status = command_rows(command);
    return status == ADB_OK ? adb__error_set(command->error, ADB_E_IO, "torn after %ld rows", command->number) : status;
}

static adb_status command_value(struct command *command)
{
    const int64_t value = command->number;
    return give_rows(command, &value, 1);
}

static adb_status command_values(struct command *command)
{
    const struct adb__statement *statement = command->statement;
    adb_status status = give_columns(command, statement->n_values);
    if (status == ADB_OK)
        status = adb__sink_row_begin(command->sink, command->error);
    for (size_t i = 0; i < statement->n_values && i < MAX_VALUES && status == ADB_OK; i++) {
        const adb_value *value = &statement->values[i];
        if (value->type == ADB_TYPE_TEXT)
            status = adb__sink_bytes(command->sink, i, ADB_TYPE_TEXT, value->as.text, value->size, command->error);
        else if (value->type == ADB_TYPE_INT)
            adb__sink_int(command->sink, i, value->as.integer);
    }
    if (status == ADB_OK)
        status = adb__sink_row_end(command->sink, command->error);
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}

static adb_status command_table(struct command *command)
{
    static _Thread_local int64_t rows[2 * FAKE_MAX_ROWS];
    pthread_mutex_lock(&table_lock);
    const size_t n = n_table;
    memcpy(rows, table, n * sizeof(*rows));
    pthread_mutex_unlock(&table_lock);
    memcpy(rows + n, command->conn->pending, command->conn->n_pending * sizeof(*rows));
    return give_rows(command, rows, n + command->conn->n_pending);
}

/* Writes ----------------------------------------------------------------------------------------------------------- */

static adb_status check_writer(const struct command *command)
{
    if (command->conn->open->read_only || (command->statement->flags & ADB__STMT_MUST_READ) != 0)
        return adb__error_set(command->error, ADB_E_READ_ONLY, "a write where none is allowed");
    return command->conn->open->role == ADB__ROLE_READER ? ADB__NEED_WRITER : ADB_OK;
}

static adb_status command_write(struct command *command)
{
    return check_writer(command);
}

static adb_status command_insert(struct command *command)
{
    struct fake_conn *conn = command->conn;
    const struct adb__statement *statement = command->statement;
    const adb_status status = check_writer(command);
    if (status != ADB_OK)
        return status;
    const int64_t value = statement->n_values > 0 ? statement->values[0].as.integer : command->number;
    if (value < 0)
        return adb__error_set(command->error, ADB_E_CHECK, "%" PRId64 " is below zero", value);
    if (conn->in_transaction)
        conn->pending[conn->n_pending++] = value;
    else
        table_add(&value, 1);
    command->sink->result->affected = 1;
    command->sink->result->last_insert_id = value;
    command->sink->result->has_insert_id = true;
    return ADB_OK;
}

/* Transactions ----------------------------------------------------------------------------------------------------- */

static adb_status refuse(struct command *command, const char *why)
{
    return adb__error_native(command->error, ADB_E_SQL, 0, 1, "25000", why);
}

static adb_status command_begin(struct command *command)
{
    struct fake_conn *conn = command->conn;
    if (conn->in_transaction)
        return refuse(command, "a transaction within a transaction");
    conn->in_transaction = true;
    return ADB_OK;
}

void fake_commit_answer_lost(unsigned n)
{
    pthread_mutex_lock(&table_lock);
    answers_to_lose = n;
    pthread_mutex_unlock(&table_lock);
}

void fake_commit_lingers(unsigned n)
{
    pthread_mutex_lock(&table_lock);
    lingers = n;
    pthread_mutex_unlock(&table_lock);
}

void fake_xid_end(struct fake_conn *conn, bool commits)
{
    pthread_mutex_lock(&table_lock);
    if (conn->xid != 0)
        fates[conn->xid] = commits ? COMMITTED : ABORTED;
    conn->xid = 0;
    pthread_mutex_unlock(&table_lock);
}

/* Ids are given when they are asked for, to what has written. */
static adb_status command_xid(struct command *command)
{
    struct fake_conn *conn = command->conn;
    adb_status status = give_columns(command, 1);
    if (status == ADB_OK)
        status = adb__sink_row_begin(command->sink, command->error);
    if (status != ADB_OK)
        return status;
    pthread_mutex_lock(&table_lock);
    if (conn->in_transaction && conn->n_pending > 0 && conn->xid == 0 && last_xid + 1 < MAX_XIDS) {
        conn->xid = ++last_xid;
        fates[conn->xid] = IN_PROGRESS;
    }
    pthread_mutex_unlock(&table_lock);
    if (conn->xid != 0)
        adb__sink_int(command->sink, 0, conn->xid);
    status = adb__sink_row_end(command->sink, command->error);
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}

static adb_status command_xidstatus(struct command *command)
{
    static const char *const words[] = {[IN_PROGRESS] = "in progress", [COMMITTED] = "committed", [ABORTED] = "aborted"};
    const struct adb__statement *statement = command->statement;
    unsigned xid = 0;
    if (statement->n_values != 1 || sscanf(statement->values[0].as.text, "%u", &xid) != 1)
        return adb__error_set(command->error, ADB_E_PARAMETER, "the id of a transaction");
    pthread_mutex_lock(&table_lock);
    const bool known = xid > 0 && xid <= last_xid;
    const enum fate fate = lingers > 0 ? IN_PROGRESS : fates[known ? xid : 0];
    lingers -= lingers > 0;
    pthread_mutex_unlock(&table_lock);
    const adb_value word = known ? adb_text(words[fate]) : adb_null();
    struct adb__statement answer = {.values = &word, .n_values = 1};
    command->statement = &answer;
    const adb_status status = command_values(command);
    command->statement = statement;
    return status;
}

static bool answer_is_lost(void)
{
    pthread_mutex_lock(&table_lock);
    const bool lost = answers_to_lose > 0;
    answers_to_lose -= lost;
    pthread_mutex_unlock(&table_lock);
    return lost;
}

static void end_transaction(struct fake_conn *conn, bool commits)
{
    fake_xid_end(conn, commits);
    fake_outbox_end(conn, commits);
    conn->in_transaction = false;
    conn->n_pending = conn->n_savepoints = 0;
}

static adb_status command_commit(struct command *command)
{
    struct fake_conn *conn = command->conn;
    if (!conn->in_transaction)
        return refuse(command, "commit without a transaction");
    table_add(conn->pending, conn->n_pending);
    end_transaction(conn, true);
    return answer_is_lost() ? fake_lose(conn, ADB_ERROR_OUTCOME_UNKNOWN, command->error) : ADB_OK;
}

static adb_status command_savepoint(struct command *command)
{
    struct fake_conn *conn = command->conn;
    if (conn->n_savepoints == FAKE_MAX_SAVEPOINTS)
        return refuse(command, "too many savepoints");
    if (!conn->in_transaction)
        return refuse(command, "savepoint without a transaction");
    struct fake_savepoint *savepoint = &conn->savepoints[conn->n_savepoints++];
    memcpy(savepoint->name, command->word, sizeof(savepoint->name));
    savepoint->n_pending = conn->n_pending;
    return ADB_OK;
}

static struct fake_savepoint *find_savepoint(struct fake_conn *conn, const char *name)
{
    for (size_t i = conn->n_savepoints; i > 0; i--) {
        if (strcmp(conn->savepoints[i - 1].name, name) == 0)
            return &conn->savepoints[i - 1];
    }
    return NULL;
}

static adb_status command_release(struct command *command)
{
    struct fake_conn *conn = command->conn;
    char name[32] = "";
    sscanf(command->statement->sql, "%*s %*s %31s", name);
    const struct fake_savepoint *savepoint = find_savepoint(conn, name);
    if (savepoint == NULL)
        return refuse(command, "no such savepoint");
    conn->n_savepoints = (size_t)(savepoint - conn->savepoints);
    return ADB_OK;
}

static adb_status command_rollback(struct command *command)
{
    struct fake_conn *conn = command->conn;
    char name[32] = "";
    if (!conn->in_transaction)
        return refuse(command, "rollback without a transaction");
    if (sscanf(command->statement->sql, "%*s TO SAVEPOINT %31s", name) != 1) {
        end_transaction(conn, false);
        return ADB_OK;
    }
    const struct fake_savepoint *savepoint = find_savepoint(conn, name);
    if (savepoint == NULL)
        return refuse(command, "no such savepoint");
    conn->n_savepoints = (size_t)(savepoint - conn->savepoints) + 1;
    conn->n_pending = savepoint->n_pending;
    return ADB_OK;
}

/* Notifications ---------------------------------------------------------------------------------------------------- */

static adb_status command_listen(struct command *command)
{
    return fake_listen(command->conn, command->statement->sql, true, command->error);
}

static adb_status command_unlisten(struct command *command)
{
    return fake_listen(command->conn, command->statement->sql, false, command->error);
}

static adb_status command_notify(struct command *command)
{
    return fake_send(command->conn, command->statement, command->error);
}

/* Faults ----------------------------------------------------------------------------------------------------------- */

static adb_status stopped(struct command *command)
{
    return adb__error_set(command->error, ADB_E_CANCELLED, "interrupted");
}

static adb_status command_block(struct command *command)
{
    if (latch_wait_unless(latch_named(command->word), fake_should_stop, command->conn))
        return ADB_OK;
    return stopped(command);
}

static adb_status command_stuck(struct command *command)
{
    latch_wait(latch_named(command->word));
    return ADB_OK;
}

static adb_status command_deaf(struct command *command)
{
    if (fake_wait_deaf(command->conn, command->word))
        return ADB_OK;
    return fake_lose(command->conn, ADB_ERROR_OUTCOME_UNKNOWN, command->error);
}

static adb_status command_spin(struct command *command)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&command->conn->cancelled))
            return stopped(command);
        sched_yield();
    }
    return ADB_OK;
}

static adb_status status_named(const char *name)
{
    static const struct {
        const char *name;
        adb_status status;
    } names[] = {{"unique", ADB_E_UNIQUE}, {"serialization", ADB_E_SERIALIZATION},
                 {"locked", ADB_E_LOCKED}, {"syntax", ADB_E_SYNTAX},
                 {"full", ADB_E_FULL},     {"io", ADB_E_IO},
                 {"nomem", ADB_E_NOMEM},   {"undefined", ADB_E_UNDEFINED}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].status;
    }
    return ADB_E_SQL;
}

/* Has the text failed as often as it shall? */
static bool has_failed_enough(const char *sql, unsigned limit)
{
    size_t i = 0;
    pthread_mutex_lock(&table_lock);
    while (i < 15 && failing[i][0] != '\0' && strncmp(failing[i], sql, sizeof(failing[i]) - 1) != 0)
        i++;
    strncpy(failing[i], sql, sizeof(failing[i]) - 1);
    const bool enough = failures[i] >= limit;
    failures[i]++;
    pthread_mutex_unlock(&table_lock);
    return enough;
}

static adb_status command_fail(struct command *command)
{
    const adb_status status = status_named(command->word);
    if (command->number > 0 && has_failed_enough(command->statement->sql, (unsigned)command->number))
        return ADB_OK;
    const unsigned flags = status == ADB_E_SERIALIZATION || status == ADB_E_LOCKED ? ADB_ERROR_RETRY_TRANSACTION : 0;
    return adb__error_native(command->error, status, flags, 7, "", "failed on demand");
}

static adb_status command_lose(struct command *command)
{
    return fake_lose(command->conn, ADB_ERROR_OUTCOME_UNKNOWN, command->error);
}

static adb_status command_alone(struct command *command)
{
    (void)command;
    return ADB_OK;
}

static adb_status command_last(struct command *command)
{
    adb_error unseen;
    fake_lose(command->conn, 0, &unseen);
    return ADB_OK;
}

static adb_status command_dirty(struct command *command)
{
    command->conn->in_transaction = true;
    return ADB_OK;
}

static const struct {
    const char *verb;
    command_fn run;
} commands[] = {
    {"torn", command_torn},       {"rows", command_rows},         {"value", command_value},
    {"values", command_values},   {"table", command_table},       {"insert", command_insert},
    {"write", command_write},     {"block", command_block},       {"stuck", command_stuck},
    {"deaf", command_deaf},       {"spin", command_spin},         {"fail", command_fail},
    {"lose", command_lose},       {"dirty", command_dirty},       {"last", command_last},
    {"alone", command_alone},     {"BEGIN", command_begin},
    {"COMMIT", command_commit},   {"ROLLBACK", command_rollback}, {"SAVEPOINT", command_savepoint},
    {"RELEASE", command_release}, {"LISTEN", command_listen},     {"UNLISTEN", command_unlisten},
    {"notify", command_notify},   {"xid", command_xid},           {"xidstatus", command_xidstatus},
};

adb_status fake_command(struct fake_conn *conn, const struct adb__statement *statement, struct adb__sink *sink,
                        adb_error *error)
{
    struct command command = {.conn = conn, .statement = statement, .sink = sink, .error = error};
    const char *sql = statement->sql;
    if (statement->flags & ADB__STMT_LISTEN)
        return fake_hear(conn, sink, error);
    if (strncmp(sql, "select ", 7) == 0)
        sql += 7;
    sscanf(sql, " %31[^ ;\n] %31[^ ;\n] %ld", command.verb, command.word, &command.number);
    if (command.number == 0)
        sscanf(command.word, "%ld", &command.number);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].verb, command.verb) == 0)
            return commands[i].run(&command);
    }
    return adb__error_set(error, ADB_E_SYNTAX, "no command is called %s", command.verb);
}
