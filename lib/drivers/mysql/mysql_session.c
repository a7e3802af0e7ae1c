/* SPDX-License-Identifier: BSD-3-Clause */
/* The session on the server: how it is set up, that it may write or not, what became of its transaction, and KILL. */
#include "drivers/mysql/mysql_driver.h"

#include "base/clock.h"
#include "model/error.h"

#include <errmsg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A KILL that takes longer than this to deliver comes too late to be of use: the connection is severed by then. */
#define KILL_TIMEOUT_MS 1000

/* A KILL that was sent hits one statement, or none. */
#define MOST_KILLS_ABSORBED 3

#define INTERRUPTED 1317

/* The smallest limit that a server can have. */
#define LEAST_PACKET 1024

/* Statements of our own ------------------------------------------------------------------------------------------- */

/* Nobody wants what it yields, but it has to be read. */
static int drain(MYSQL *mysql)
{
    int code = 0;
    while (code == 0) {
        MYSQL_RES *rows = mysql_use_result(mysql);
        mysql_free_result(rows);
        if (rows == NULL && mysql_field_count(mysql) > 0)
            return 1;
        code = mysql_next_result(mysql);
    }
    return code > 0 ? 1 : 0;
}

static int run(MYSQL *mysql, const char *sql)
{
    const int code = mysql_real_query(mysql, sql, (unsigned long)strlen(sql));
    return code == 0 ? drain(mysql) : code;
}

adb_status adb__mysql_run(struct adb__mysql *conn, const char *sql, adb_error *error)
{
    return run(conn->mysql, sql) == 0 ? ADB_OK : adb__mysql_error(conn, ADB__MYSQL_BEFORE, error);
}

void adb__mysql_session_learn(struct adb__mysql *conn)
{
    if ((conn->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0)
        return;
    /* A deadlock has undone the transaction, a failed CREATE TABLE has committed it: an error does not say so, but the
     * answer to any statement does. */
    for (int i = 0; i < MOST_KILLS_ABSORBED && run(conn->mysql, "DO 0") != 0; i++) {
        if (mysql_errno(conn->mysql) != INTERRUPTED) {
            conn->lost = true;
            return;
        }
    }
}

/* Setting up ------------------------------------------------------------------------------------------------------- */

/* The modes that the tokenizer's reading of literals does not go with, and those that imply them. */
static bool is_mode_for_us(const char *mode, size_t size)
{
    static const char *const not_for_us[] = {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI",  "DB2", "MAXDB",
                                             "MSSQL",       "POSTGRESQL",           "ORACLE"};
    for (size_t i = 0; i < sizeof(not_for_us) / sizeof(not_for_us[0]); i++) {
        if (strlen(not_for_us[i]) == size && memcmp(not_for_us[i], mode, size) == 0)
            return false;
    }
    return true;
}

/* ", sql_mode = '…'" with what the URL wants, or with the server's own modes but for those; nothing when they are fine.
 */
static void add_sql_mode(struct adb__buf *text, const struct adb__mysql *conn, const char *server_mode)
{
    const char *wanted = conn->settings.values[ADB__MYSQL_SQL_MODE];
    const size_t size_before = text->size;
    bool is_fine = wanted == NULL;
    adb__buf_puts(text, ", sql_mode = '");
    for (const char *mode = wanted != NULL ? wanted : server_mode; *mode != '\0';) {
        const size_t size = strcspn(mode, ",");
        if (is_mode_for_us(mode, size)) {
            adb__buf_append(text, mode, size);
            adb__buf_putc(text, ',');
        } else {
            is_fine = false;
        }
        mode += size + (mode[size] == ',');
    }
    adb__buf_putc(text, '\''); /* a comma before it does no harm */
    if (is_fine && !text->failed)
        text->size = size_before;
}

static void add_quoted(struct adb__buf *text, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            adb__buf_putc(text, *value);
        adb__buf_putc(text, *value);
    }
}

static adb_status set_variables(struct adb__mysql *conn, const char *server_mode, adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    const char *time_zone = conn->settings.values[ADB__MYSQL_TIME_ZONE];
    adb__buf_printf(&text, "SET autocommit = 1, net_write_timeout = %u, time_zone = '",
                    conn->settings.net_write_timeout_s);
    add_quoted(&text, time_zone != NULL ? time_zone : "+00:00");
    adb__buf_putc(&text, '\'');
    add_sql_mode(&text, conn, server_mode);
    adb_status status;
    if (text.failed) {
        status = adb__error_set(error, ADB_E_NOMEM, "no memory to set up the session");
    } else {
        text.bytes[text.size] = '\0';
        status = adb__mysql_run(conn, text.bytes, error);
    }
    adb__buf_fini(&text);
    return status;
}

adb_status adb__mysql_session_set_up(struct adb__mysql *conn, adb_error *error)
{
    /* The number in the greeting has 32 bits, and behind a proxy it is the proxy's. */
    static const char *const question = "SELECT CONNECTION_ID(), @@max_allowed_packet, @@sql_mode";
    MYSQL_RES *rows = NULL;
    if (mysql_real_query(conn->mysql, question, (unsigned long)strlen(question)) == 0)
        rows = mysql_store_result(conn->mysql);
    if (rows == NULL)
        return adb__mysql_error(conn, ADB__MYSQL_BEFORE, error);
    const MYSQL_ROW row = mysql_fetch_row(rows);
    adb_status status = ADB_OK;
    if (row == NULL || row[0] == NULL || row[1] == NULL || row[2] == NULL)
        status = adb__error_set(error, ADB_E_CONNECTION, "the server does not tell about itself");
    if (status == ADB_OK) {
        conn->id = strtoull(row[0], NULL, 10);
        conn->max_packet = strtoull(row[1], NULL, 10);
        if (conn->max_packet < LEAST_PACKET)
            conn->max_packet = LEAST_PACKET;
        status = set_variables(conn, row[2], error);
    }
    mysql_free_result(rows);

    const char *init_command = conn->settings.values[ADB__MYSQL_INIT_COMMAND];
    if (status == ADB_OK && init_command != NULL)
        status = adb__mysql_run(conn, init_command, error);
    conn->reads_only = false;
    if (status == ADB_OK && conn->open->read_only) {
        status = adb__mysql_run(conn, "SET SESSION TRANSACTION READ ONLY", error);
        conn->reads_only = status == ADB_OK;
    }
    return status;
}

/* Before a statement ----------------------------------------------------------------------------------------------- */

/* A server may note a KILL that comes when the statement it was meant for has ended, and then end the next one: so the
 * next one is ours. The core lets no statement begin while a KILL is on its way. */
static adb_status absorb_kills(struct adb__mysql *conn, adb_error *error)
{
    const int64_t kills = adb__counter_get(&conn->kills);
    if (kills == conn->kills_seen)
        return ADB_OK;
    for (int i = 0; i < MOST_KILLS_ABSORBED && run(conn->mysql, "DO 0") != 0; i++) {
        if (mysql_errno(conn->mysql) != INTERRUPTED)
            return adb__mysql_error(conn, ADB__MYSQL_BEFORE, error);
    }
    conn->kills_seen = kills;
    /* It may have been meant for the statement that is to run now. */
    if (conn->open->stop_fn != NULL && conn->open->stop_fn(conn->open->stop_data))
        return adb__error_native(error, ADB_E_CANCELLED, 0, INTERRUPTED, "70100",
                                 "stopped before the statement was sent");
    return ADB_OK;
}

adb_status adb__mysql_session_ready(struct adb__mysql *conn, const struct adb__statement *statement,
                                    enum adb__mysql_verb verb, adb_error *error)
{
    const bool must_read = (statement->flags & ADB__STMT_MUST_READ) != 0;
    const unsigned server_status = conn->lost ? 0 : conn->mysql->server_status;
    conn->must_read = must_read;
    if (conn->lost)
        return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST, 0, "08006",
                                 "the connection was lost");
    const adb_status status = absorb_kills(conn, error);
    if (status != ADB_OK)
        return status;
    if ((server_status & SERVER_STATUS_IN_TRANS) != 0) {
        if (must_read && (server_status & SERVER_STATUS_IN_TRANS_READONLY) == 0 && verb != ADB__MYSQL_READ &&
            verb != ADB__MYSQL_OTHER)
            return adb__error_native(error, ADB_E_READ_ONLY, 0, 0, "25006",
                                     "a write in a read-only context or transaction");
        return ADB_OK; /* how it was begun decides */
    }
    const bool reads_only = must_read || conn->open->read_only;
    if (reads_only == conn->reads_only)
        return ADB_OK;
    const adb_status set = adb__mysql_run(
        conn, reads_only ? "SET SESSION TRANSACTION READ ONLY" : "SET SESSION TRANSACTION READ WRITE", error);
    if (set == ADB_OK)
        conn->reads_only = reads_only;
    return set;
}

/* KILL ------------------------------------------------------------------------------------------------------------- */

void adb__mysql_kill(struct adb__mysql *conn)
{
    const struct adb__patience patience = {.deadline = adb__deadline_in(adb__clock_now(), KILL_TIMEOUT_MS),
                                           .wake_fd = -1};
    struct adb__mysql_settings settings = conn->settings;
    MYSQL *side = NULL;
    adb_error error;
    char sql[48];
    settings.database = NULL;
    settings.read_timeout_s = settings.write_timeout_s = KILL_TIMEOUT_MS / 1000;
    if (!adb__mysql_thread_enter())
        return;
    if (adb__mysql_connect(&settings, &patience, &side, &error) != ADB_OK) {
        adb__log(conn->open->log, ADB__LOG_WARN, "no connection to cancel a statement by: %s", error.message);
    } else {
        adb__counter_add_get(&conn->kills, 1);
        snprintf(sql, sizeof(sql), "KILL QUERY %" PRIu64, conn->id);
        /* A KILL whose answer is lost may come at any time: then the connection has to go. */
        if (run(side, sql) != 0 && mysql_errno(side) >= CR_MIN_ERROR)
            adb__lifeline_sever(&conn->lifeline);
        mysql_close(side);
    }
    adb__mysql_thread_leave();
}
