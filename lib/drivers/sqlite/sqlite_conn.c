/* SPDX-License-Identifier: BSD-3-Clause */
/* The SQLite driver itself: opening and closing connections, checking and cancelling, and waiting for locks.
 *
 * One connection is one sqlite3 handle without a mutex of its own. The only other thread that touches it is the one
 * that cancels, by sqlite3_interrupt(); a mutex of SQLite's own keeps the handle alive meanwhile. */
#include "drivers/sqlite/sqlite.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "model/error.h"

#include <ctype.h>
#include <time.h>

/* Steps of SQLite's virtual machine between two looks at stop_fn: well below a millisecond. */
#define STEPS_BETWEEN_LOOKS 10000

/* Stopping --------------------------------------------------------------------------------------------------------- */

/* Guards conn->db between the owner, who opens and closes, and whoever cancels. Held for moments only. */
static sqlite3_mutex *cancel_mutex(void)
{
    return sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP3);
}

void adb__sqlite_publish(struct adb__sqlite *conn, sqlite3 *db)
{
    sqlite3_mutex *mutex = cancel_mutex();
    sqlite3_mutex_enter(mutex);
    conn->db = db;
    sqlite3_mutex_leave(mutex);
}

/* There is no connection to sever, so both ways are one. A request that comes between two statements is lost: stop_fn
 * makes up for it. */
static void sqlite_cancel(void *state, enum adb__cancel_how how)
{
    struct adb__sqlite *conn = state;
    sqlite3_mutex *mutex = cancel_mutex();
    (void)how;
    sqlite3_mutex_enter(mutex);
    if (conn->db != NULL)
        sqlite3_interrupt(conn->db);
    sqlite3_mutex_leave(mutex);
}

bool adb__sqlite_stop(struct adb__sqlite *conn)
{
    if (conn->open->stop_fn != NULL && conn->open->stop_fn(conn->open->stop_data))
        conn->stopped = true;
    return conn->stopped;
}

static int on_progress(void *state)
{
    return adb__sqlite_stop(state);
}

int adb__sqlite_wait(void *state, int n_waits)
{
    static const unsigned char delays_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    static const int n_delays = sizeof(delays_ms);
    struct adb__sqlite *conn = state;
    const int64_t now = adb__clock_now();
    if (n_waits == 0)
        conn->busy_until = adb__deadline_first(adb__deadline_in(now, conn->settings.busy_timeout_ms), conn->deadline);
    if (adb__sqlite_stop(conn) || now >= conn->busy_until)
        return 0;

    const int delay_ms = delays_ms[n_waits < n_delays ? n_waits : n_delays - 1];
    const int left_ms = adb__deadline_left_ms(conn->busy_until, now);
    const struct timespec pause = {.tv_nsec = (long)((left_ms < delay_ms ? left_ms : delay_ms) * ADB__NS_PER_MS)};
    nanosleep(&pause, NULL); /* cut short by a signal: then the lock is tried sooner */
    return 1;
}

/* Setting up ------------------------------------------------------------------------------------------------------- */

/* Run what was prepared with this code to its end, whatever rows it yields. */
static int finish(sqlite3_stmt *stmt, int code)
{
    while (code == SQLITE_OK || code == SQLITE_ROW)
        code = sqlite3_step(stmt);
    const int end_code = sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? end_code : code;
}

static int run(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    const int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    return finish(stmt, code);
}

/* What writes to the file is for the connection that may. */
static bool may_write(const struct adb__sqlite *conn)
{
    return conn->open->role == ADB__ROLE_WRITER && sqlite3_db_readonly(conn->db, "main") != 1;
}

static int run_pragma(struct adb__sqlite *conn, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    const int code = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && !sqlite3_stmt_readonly(stmt) && !may_write(conn))
        return sqlite3_finalize(stmt);
    return finish(stmt, code);
}

/* A word or a number, which stands as it is. */
static bool is_plain_value(const char *value)
{
    const char *rest = value;
    if (isalpha((unsigned char)*value)) {
        while (isalnum((unsigned char)*rest) || *rest == '_')
            rest++;
    } else {
        rest += *rest == '-';
        while (isdigit((unsigned char)*rest) || *rest == '.')
            rest++;
    }
    return rest != value && *rest == '\0';
}

static adb_status set_pragma(struct adb__sqlite *conn, const char *name, const char *value, adb_error *error)
{
    char *sql;
    if (value == NULL)
        sql = sqlite3_mprintf("PRAGMA %s", name);
    else
        sql = sqlite3_mprintf(is_plain_value(value) ? "PRAGMA %s = %s" : "PRAGMA %s = %Q", name, value);
    if (sql == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory to open the database");
    const int code = run_pragma(conn, sql);
    sqlite3_free(sql);
    return code == SQLITE_OK ? ADB_OK : adb__sqlite_file_error(conn, code, error);
}

/* The mode that SQLite is in now, as an answer to the attempt to set it. */
static adb_status check_journal_mode(struct adb__sqlite *conn, adb_error *error)
{
    const char *wanted = conn->settings.values[ADB__SQLITE_JOURNAL_MODE];
    sqlite3_stmt *stmt = NULL;
    adb_status status = ADB_OK;
    if (sqlite3_prepare_v2(conn->db, "PRAGMA journal_mode", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        if (mode != NULL && sqlite3_stricmp(mode, wanted) != 0 && conn->settings.asked_journal_mode)
            status =
                adb__error_set(error, ADB_E_UNSUPPORTED, "journal_mode %s is not possible here, it stays %s: \"%s\"",
                               wanted, mode, adb_url_database(conn->open->url));
        else if (mode != NULL && sqlite3_stricmp(mode, wanted) != 0)
            adb__log(conn->open->log, ADB__LOG_WARN, "sqlite: journal_mode %s is not possible here, it stays %s: %s",
                     wanted, mode, adb_url_database(conn->open->url));
    }
    sqlite3_finalize(stmt);
    return status;
}

/* The caller's own pragmas come first: some, such as page_size, only count before the file is written to. */
static adb_status set_pragmas(struct adb__sqlite *conn, adb_error *error)
{
    const adb_options *options = conn->open->options;
    adb_status status = ADB_OK;
    for (size_t i = 0; i < options->n_pragmas && status == ADB_OK; i++) {
        if (!adb__sqlite_is_setting(options->pragmas[i].name))
            status = set_pragma(conn, options->pragmas[i].name, options->pragmas[i].value, error);
    }
    for (size_t key = 0; key < ADB__SQLITE_N_PRAGMAS && status == ADB_OK; key++) {
        if (conn->settings.values[key] != NULL)
            status = set_pragma(conn, adb__sqlite_keys[key], conn->settings.values[key], error);
    }
    if (status == ADB_OK && may_write(conn) && !conn->settings.memory)
        status = check_journal_mode(conn, error);
    if (status == ADB_OK && conn->open->role == ADB__ROLE_READER)
        status = set_pragma(conn, "query_only", "1", error);
    return status;
}

/* Everything that a lane could have changed: also what a used connection is put back to. */
static adb_status set_up_session(struct adb__sqlite *conn, adb_error *error)
{
    sqlite3_busy_handler(conn->db, adb__sqlite_wait, conn);
    sqlite3_progress_handler(conn->db, STEPS_BETWEEN_LOOKS, on_progress, conn);
    return set_pragmas(conn, error);
}

/* Notes an insert that the rowid alone does not show, because it is the same as before. */
static void on_update(void *state, int operation, const char *schema, const char *table, sqlite3_int64 rowid)
{
    struct adb__sqlite *conn = state;
    (void)schema;
    (void)table;
    if (operation == SQLITE_INSERT && rowid == conn->rowid_before)
        conn->rowid_again = true;
}

static adb_status set_up(struct adb__sqlite *conn, adb_error *error)
{
    adb_status status = set_up_session(conn, error);
    if (status != ADB_OK)
        return status;
    /* The first read of the file: tells whether it is a database at all. */
    const int code = run(conn->db, "PRAGMA schema_version");
    if (code != SQLITE_OK)
        return adb__sqlite_file_error(conn, code, error);
    sqlite3_update_hook(conn->db, on_update, conn);
    return adb__sqlite_functions_define(conn, error);
}

static adb_status sqlite_open(void *state, const struct adb__open *open, adb_error *error)
{
    struct adb__sqlite *conn = state;
    conn->open = open;
    conn->deadline = open->deadline;
    adb_status status = adb__sqlite_settings_read(open->url, open->options, &conn->settings, error);
    if (status != ADB_OK)
        return status;
    conn->read_only = open->read_only || conn->settings.read_only;

    const struct adb__cache_config cache = {
        .count = open->options->statement_cache,
        .payload_size = sizeof(struct adb__sqlite_statement),
        .drop_fn = adb__sqlite_drop,
    };
    if (!adb__cache_open(&conn->cache, &cache))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the statement cache");
    status = adb__sqlite_file_open(conn, error);
    if (status == ADB_OK)
        status = set_up(conn, error);
    conn->deadline = ADB__NEVER;
    return status;
}

static void sqlite_close(void *state)
{
    struct adb__sqlite *conn = state;
    sqlite3 *db = conn->db;
    adb__cache_close(&conn->cache);
    adb__sqlite_publish(conn, NULL);
    sqlite3_close_v2(db); /* not sqlite3_close(): the caller may have left statements on the native handle */
    adb__free(conn->functions);
    conn->functions = NULL;
}

/* Between jobs ----------------------------------------------------------------------------------------------------- */

static adb_status sqlite_check(void *state, enum adb__check_how how, adb_error *error)
{
    struct adb__sqlite *conn = state;
    conn->stopped = false;
    if (!conn->settings.memory && adb__sqlite_file_moved(conn))
        return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST, 0, "08006",
                                 "the database file was moved, deleted or replaced");
    if (how == ADB__CHECK_PING || !conn->touched)
        return ADB_OK;

    adb_error detail;
    if (set_up_session(conn, &detail) != ADB_OK)
        return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST, detail.native_code,
                                 detail.sqlstate, detail.message);
    conn->touched = false;
    return ADB_OK;
}

static enum adb__txn_state sqlite_transaction_state(void *state)
{
    const struct adb__sqlite *conn = state;
    if (conn->db == NULL)
        return ADB__TXN_UNKNOWN;
    return sqlite3_get_autocommit(conn->db) ? ADB__TXN_NONE : ADB__TXN_OPEN;
}

static void *sqlite_native(void *state)
{
    struct adb__sqlite *conn = state;
    conn->touched = true;
    return conn->db;
}

static adb_status sqlite_begin_text(const adb_transaction_options *options, struct adb__buf *text, adb_error *error)
{
    static const char *const texts[] = {
        [ADB_LOCK_DEFAULT] = "BEGIN IMMEDIATE",
        [ADB_LOCK_DEFERRED] = "BEGIN DEFERRED",
        [ADB_LOCK_IMMEDIATE] = "BEGIN IMMEDIATE",
        [ADB_LOCK_EXCLUSIVE] = "BEGIN EXCLUSIVE",
    };
    if (options->isolation != ADB_ISOLATION_DEFAULT && options->isolation != ADB_ISOLATION_SERIALIZABLE)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "every transaction of SQLite is serializable");
    if (options->deferrable)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "SQLite has no deferrable transactions");
    if ((unsigned)options->lock > ADB_LOCK_EXCLUSIVE)
        return adb__error_set(error, ADB_E_INVAL, "no such lock: %d", (int)options->lock);
    if (options->read_only && options->lock > ADB_LOCK_DEFERRED)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "a read-only transaction of SQLite takes no lock for writing");

    adb__buf_puts(text, texts[options->read_only ? ADB_LOCK_DEFERRED : options->lock]);
    return text->failed ? adb__error_set(error, ADB_E_NOMEM, "no memory for the statement") : ADB_OK;
}

const struct adb__driver adb__sqlite_driver = {
    .scheme = "sqlite",
    .conn_size = sizeof(struct adb__sqlite),
    .dialect =
        {
            .placeholder = ADB__PLACEHOLDER_NUMBERED_QUESTION,
            .brackets = true,
            .backticks = true,
            .max_parameters = 32766, /* the default of SQLITE_MAX_VARIABLE_NUMBER */
            .empty_list = "SELECT NULL WHERE 0",
            .begin_text = sqlite_begin_text,
        },
    .options = adb__sqlite_keys,
    .configure = adb__sqlite_configure,
    .open = sqlite_open,
    .close = sqlite_close,
    .execute = adb__sqlite_execute,
    .execute_many = adb__sqlite_execute_many,
    .check = sqlite_check,
    .cancel = sqlite_cancel,
    .transaction_state = sqlite_transaction_state,
    .native = sqlite_native,
};
