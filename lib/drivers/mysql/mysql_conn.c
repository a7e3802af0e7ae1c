/* SPDX-License-Identifier: BSD-3-Clause */
/* The MySQL and MariaDB driver itself: opening and closing connections, checking and cancelling. */
#include "drivers/mysql/mysql_driver.h"

#include "config.h"
#include "model/error.h"

#include <poll.h>
#include <string.h>

/* What a server without COM_RESET_CONNECTION says to it. */
#define UNKNOWN_COMMAND 1047

/* Opening ---------------------------------------------------------------------------------------------------------- */

static adb_status log_in(struct adb__mysql *conn, adb_error *error)
{
    const struct adb__open *open = conn->open;
    const struct adb__patience patience = {
        .deadline = open->deadline, .wake_fd = open->wake_fd, .stop_fn = open->stop_fn, .stop_data = open->stop_data};
    const adb_status status = adb__mysql_connect(&conn->settings, &patience, &conn->mysql, error);
    if (status != ADB_OK)
        return status;
    adb__socket_guard(adb__mysql_socket(conn->mysql));
    if (!adb__lifeline_tie(&conn->lifeline, adb__mysql_socket(conn->mysql)))
        return adb__error_set(error, ADB_E_CONNECTION, "no descriptor left for a connection");
    return ADB_OK;
}

static adb_status mysql_driver_open(void *state, const struct adb__open *open, adb_error *error)
{
    struct adb__mysql *conn = state;
    const struct adb__cache_config cache = {
        .count = open->options->statement_cache,
        .payload_size = sizeof(struct adb__mysql_statement),
        .drop_fn = adb__mysql_drop,
    };
    conn->open = open;
    adb_status status = adb__mysql_settings_read(open->url, open->options, &conn->settings, error);
    if (status != ADB_OK)
        return status;
    conn->in_thread = adb__mysql_thread_enter();
    if (!conn->in_thread || !adb__cache_open(&conn->cache, &cache))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a connection");
    status = log_in(conn, error);
    if (status == ADB_OK)
        status = adb__mysql_session_set_up(conn, error);
    return status;
}

static void mysql_driver_close(void *state)
{
    struct adb__mysql *conn = state;
    if (conn->mysql != NULL)
        mysql_close(conn->mysql); /* first: then no statement tells the server about its own end */
    adb__lifeline_untie(&conn->lifeline);
    adb__cache_close(&conn->cache);
    if (conn->in_thread)
        adb__mysql_thread_leave();
    *conn = (struct adb__mysql){.mysql = NULL};
}

/* Between jobs ----------------------------------------------------------------------------------------------------- */

/* A server that has closed the connection, or says why it is about to, has sent something. */
static bool is_silent(const struct adb__mysql *conn)
{
    struct pollfd fd = {.fd = adb__lifeline_fd(&conn->lifeline), .events = POLLIN};
    return poll(&fd, 1, 0) == 0;
}

/* Prepared statements do not outlive it, and neither do settings. */
static adb_status reset(struct adb__mysql *conn, adb_error *error)
{
    int code = 1;
#ifdef HAVE_MYSQL_RESET_CONNECTION
    code = mysql_reset_connection(conn->mysql);
    if (code != 0 && mysql_errno(conn->mysql) != UNKNOWN_COMMAND)
        return adb__mysql_error(conn, ADB__MYSQL_BEFORE, error);
#endif
    if (code != 0 &&
        mysql_change_user(conn->mysql, conn->settings.user, conn->settings.password, conn->settings.database) != 0)
        return adb__mysql_error(conn, ADB__MYSQL_BEFORE, error);
    adb__cache_clear(&conn->cache);
    return adb__mysql_session_set_up(conn, error);
}

static adb_status lose(struct adb__mysql *conn, const adb_error *detail, adb_error *error)
{
    const char *text = detail != NULL ? detail->message : "the server has closed the connection";
    conn->lost = true;
    return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST,
                             detail != NULL ? detail->native_code : 0, "08006", text);
}

static adb_status mysql_driver_check(void *state, enum adb__check_how how, adb_error *error)
{
    struct adb__mysql *conn = state;
    adb_error detail;
    adb_status status;
    if (conn->lost || !is_silent(conn))
        return lose(conn, NULL, error);
    const bool is_open = (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0; /* a reset would end it */
    if (how == ADB__CHECK_RESET && !is_open)
        status = reset(conn, &detail);
    else
        status = mysql_ping(conn->mysql) == 0 ? ADB_OK : adb__mysql_error(conn, ADB__MYSQL_BEFORE, &detail);
    return status == ADB_OK ? ADB_OK : lose(conn, &detail, error);
}

static void mysql_driver_cancel(void *state, enum adb__cancel_how how)
{
    struct adb__mysql *conn = state;
    if (how == ADB__CANCEL_SEVER)
        adb__lifeline_sever(&conn->lifeline);
    else
        adb__mysql_kill(conn);
}

static enum adb__txn_state mysql_driver_transaction_state(void *state)
{
    const struct adb__mysql *conn = state;
    if (conn->mysql == NULL || conn->lost)
        return ADB__TXN_UNKNOWN;
    return (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0 ? ADB__TXN_OPEN : ADB__TXN_NONE;
}

static void *mysql_driver_native(void *state)
{
    struct adb__mysql *conn = state;
    return conn->mysql;
}

static adb_status mysql_driver_begin_text(const adb_transaction_options *options, struct adb__buf *text,
                                          adb_error *error)
{
    static const char *const levels[] = {
        [ADB_ISOLATION_READ_UNCOMMITTED] = "READ UNCOMMITTED",
        [ADB_ISOLATION_READ_COMMITTED] = "READ COMMITTED",
        [ADB_ISOLATION_REPEATABLE_READ] = "REPEATABLE READ",
        [ADB_ISOLATION_SERIALIZABLE] = "SERIALIZABLE",
    };
    if (options->lock != ADB_LOCK_DEFAULT)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "locks at the begin of a transaction are SQLite's");
    if (options->deferrable)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "MySQL has no deferrable transactions");
    if ((unsigned)options->isolation > ADB_ISOLATION_SERIALIZABLE)
        return adb__error_set(error, ADB_E_INVAL, "no such isolation: %d", (int)options->isolation);

    if (options->isolation != ADB_ISOLATION_DEFAULT)
        adb__buf_printf(text, "SET TRANSACTION ISOLATION LEVEL %s; ", levels[options->isolation]);
    adb__buf_puts(text, options->read_only ? "START TRANSACTION READ ONLY" : "BEGIN");
    return text->failed ? adb__error_set(error, ADB_E_NOMEM, "no memory for the statement") : ADB_OK;
}

const struct adb__driver adb__mysql_driver = {
    .scheme = "mysql",
    .conn_size = sizeof(struct adb__mysql),
    .dialect =
        {
            .placeholder = ADB__PLACEHOLDER_QUESTION,
            .backslash_escapes = true,
            .hash_comments = true,
            .backticks = true,
            .double_quoted_literals = true,
            .max_parameters = 65535,
            .empty_list = "SELECT NULL FROM DUAL WHERE 0",
            .begin_text = mysql_driver_begin_text,
        },
    .options = adb__mysql_keys,
    .configure = adb__mysql_configure,
    .open = mysql_driver_open,
    .close = mysql_driver_close,
    .execute = adb__mysql_execute,
    .execute_many = adb__mysql_execute_many,
    .pipeline = adb__mysql_pipeline,
    .check = mysql_driver_check,
    .cancel = mysql_driver_cancel,
    .transaction_state = mysql_driver_transaction_state,
    .native = mysql_driver_native,
};
