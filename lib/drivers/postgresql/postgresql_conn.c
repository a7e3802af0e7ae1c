/* SPDX-License-Identifier: BSD-3-Clause */
/* The PostgreSQL driver itself: opening and closing connections, checking and cancelling.
 *
 * One connection is one PGconn, used by its own thread only. Whoever cancels touches the canceller and a descriptor of
 * the socket that is ours, since libpq closes its own as soon as it sees the connection lost. */
#include "drivers/postgresql/postgresql.h"

#include "drivers/socket.h"
#include "model/error.h"

#include <string.h>

/* Opening and closing ---------------------------------------------------------------------------------------------- */

/* Dates in text are read as ISO 8601, whatever the role or the database has for a default. */
static adb_status set_up_session(struct adb__pg *conn, adb_error *error)
{
    const char *style = PQparameterStatus(conn->pg, "DateStyle");
    if (style == NULL || strncmp(style, "ISO", 3) == 0)
        return ADB_OK;
    return adb__pg_run(conn, "SET DateStyle TO ISO", error);
}

static adb_status set_up(struct adb__pg *conn, adb_error *error)
{
    if (!adb__lifeline_tie(&conn->lifeline, PQsocket(conn->pg)))
        return adb__error_set(error, ADB_E_IO, "too many open files for one more connection");
    conn->is_encrypted = PQsslInUse(conn->pg) || PQgssEncInUse(conn->pg);
    if (PQsetnonblocking(conn->pg, 1) != 0)
        return adb__pg_error(conn, NULL, error);
    return set_up_session(conn, error);
}

static adb_status postgresql_open(void *state, const struct adb__open *open, adb_error *error)
{
    struct adb__pg *conn = state;
    conn->open = open;
    adb__arena_init(&conn->scratch, conn->lent, sizeof(conn->lent));
    conn->session_reads = open->read_only && open->options->statement_cache >= 0; /* a pooler takes no such option */
    adb_status status = adb__pg_settings_read(open->url, conn->session_reads, &conn->settings, error);
    if (status == ADB_OK && !adb__pg_cache_open(conn))
        status = adb__pg_no_memory(error);
    if (status == ADB_OK)
        status = adb__pg_connect(conn, error);
    if (status == ADB_OK)
        status = set_up(conn, error);
    conn->sent = false;
    return status;
}

static void postgresql_close(void *state)
{
    struct adb__pg *conn = state;
    PQfinish(conn->pg);
    conn->pg = NULL;
    adb__lifeline_untie(&conn->lifeline);
    adb__pg_canceller_fini(&conn->canceller);
    adb__pg_cache_close(conn);
    adb__pg_names_fini(&conn->names);
    adb__arena_reset(&conn->scratch);
    adb__pg_settings_fini(&conn->settings);
}

/* Between jobs ----------------------------------------------------------------------------------------------------- */

static adb_status check_failed(adb_error *error)
{
    error->flags = (error->flags | ADB_ERROR_CONNECTION_LOST) & ~(unsigned)ADB_ERROR_OUTCOME_UNKNOWN;
    error->status = ADB_E_CONNECTION;
    return ADB_E_CONNECTION;
}

/* As DISCARD ALL, but for the prepared statements, which are ours. */
static adb_status reset_session(struct adb__pg *conn, adb_error *error)
{
    adb_status status = adb__pg_run(conn,
                                    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *;"
                                    " SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES",
                                    error);
    if (status == ADB_OK)
        status = set_up_session(conn, error);
    if (status == ADB_OK)
        conn->touched = false;
    conn->sharing = conn->wal.may = ADB__PG_SHARING_UNKNOWN;
    return status;
}

/* Of a LISTEN that a job has sent: they would gather in libpq. */
static void drop_notifications(struct adb__pg *conn)
{
    if (conn->listens)
        return;
    for (PGnotify *news = PQnotifies(conn->pg); news != NULL; news = PQnotifies(conn->pg)) {
        adb__log(conn->open->log, ADB__LOG_DEBUG, "postgresql: a notification on channel %s that nobody listens for",
                 news->relname);
        PQfreemem(news);
    }
}

static adb_status postgresql_check(void *state, enum adb__check_how how, adb_error *error)
{
    struct adb__pg *conn = state;
    adb_error detail = {.status = ADB_OK};
    adb_status status = ADB_OK;
    conn->sent = false;
    if (adb__pg_has_hung_up(conn))
        status = adb__pg_error(conn, NULL, &detail);
    else if (how == ADB__CHECK_RESET && conn->touched)
        status = reset_session(conn, &detail);
    else
        status = adb__pg_run(conn, "", &detail);
    drop_notifications(conn);
    if (status == ADB_OK)
        return ADB_OK;
    status = check_failed(&detail);
    if (error != NULL)
        *error = detail;
    return status;
}

static void postgresql_cancel(void *state, enum adb__cancel_how how)
{
    struct adb__pg *conn = state;
    if (how == ADB__CANCEL_SEVER)
        adb__lifeline_sever(&conn->lifeline);
    else if (!adb__pg_canceller_ask(&conn->canceller))
        adb__counter_add(&conn->loose_asks, 1);
}

static enum adb__txn_state postgresql_transaction_state(void *state)
{
    const struct adb__pg *conn = state;
    if (conn->pg == NULL || PQstatus(conn->pg) != CONNECTION_OK || conn->out_of_step || conn->stop_is_loose ||
        adb__counter_get(&conn->loose_asks) > 0)
        return ADB__TXN_UNKNOWN;
    switch (PQtransactionStatus(conn->pg)) {
    case PQTRANS_IDLE:
        return ADB__TXN_NONE;
    case PQTRANS_INTRANS:
        return ADB__TXN_OPEN;
    case PQTRANS_INERROR:
        return ADB__TXN_FAILED;
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
        break;
    }
    return ADB__TXN_UNKNOWN;
}

static void *postgresql_native(void *state)
{
    struct adb__pg *conn = state;
    conn->touched = true;
    conn->sharing = conn->wal.may = ADB__PG_SHARING_UNKNOWN;
    return conn->pg;
}

static adb_status postgresql_begin_text(const adb_transaction_options *options, struct adb__buf *text, adb_error *error)
{
    static const char *const levels[] = {
        [ADB_ISOLATION_DEFAULT] = "",
        [ADB_ISOLATION_READ_UNCOMMITTED] = " ISOLATION LEVEL READ UNCOMMITTED",
        [ADB_ISOLATION_READ_COMMITTED] = " ISOLATION LEVEL READ COMMITTED",
        [ADB_ISOLATION_REPEATABLE_READ] = " ISOLATION LEVEL REPEATABLE READ",
        [ADB_ISOLATION_SERIALIZABLE] = " ISOLATION LEVEL SERIALIZABLE",
    };
    if ((unsigned)options->isolation > ADB_ISOLATION_SERIALIZABLE)
        return adb__error_set(error, ADB_E_INVAL, "no such isolation: %d", (int)options->isolation);
    if (options->lock != ADB_LOCK_DEFAULT)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "only SQLite takes its locks when a transaction begins");
    adb__buf_puts(text, "BEGIN");
    adb__buf_puts(text, levels[options->isolation]);
    if (options->read_only)
        adb__buf_puts(text, " READ ONLY");
    if (options->deferrable)
        adb__buf_puts(text, " DEFERRABLE");
    return text->failed ? adb__pg_no_memory(error) : ADB_OK;
}

/* What names a transaction after its end: its number, the cluster, and a mark of the timeline and the last checkpoint.
 * A crash may forget numbers whose records were not on disk yet, and give them to others: after one, as after a
 * failover, the mark differs, and then a transaction that is said to be committed may be somebody else's. One that has
 * written nothing has no number. */
#define MARK "left(md5(checkpoint_lsn::text || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)), 12)"
#define TRANSACTION_ID                                                                                                 \
    "SELECT txid_current_if_assigned() || ':' || system_identifier || ':' || " MARK                                    \
    " FROM pg_control_system(), pg_control_checkpoint() WHERE txid_current_if_assigned() IS NOT NULL"
/* A number that is free again belongs to nothing that was committed. Standbys cannot tell. */
#define TRANSACTION_STATUS                                                                                             \
    "SELECT CASE WHEN fate = 'committed' AND split_part($1, ':', 3) <> " MARK " THEN NULL ELSE fate END "              \
    "FROM (SELECT checkpoint_lsn, CASE WHEN pg_is_in_recovery() "                                                      \
    "OR split_part($1, ':', 2) <> system_identifier::text THEN NULL "                                                  \
    "WHEN split_part($1, ':', 1)::bigint >= txid_current() THEN 'aborted' "                                            \
    "ELSE txid_status(split_part($1, ':', 1)::bigint) END AS fate "                                                    \
    "FROM pg_control_system(), pg_control_checkpoint() OFFSET 0) AS told"

const struct adb__driver adb__postgresql_driver = {
    .scheme = "postgresql",
    .conn_size = sizeof(struct adb__pg),
    .can = ADB__CAN_COPY | ADB__CAN_LISTEN | ADB__CAN_WHOLE,
    .dialect =
        {
            .placeholder = ADB__PLACEHOLDER_DOLLAR,
            .escape_strings = true,
            .dollar_quotes = true,
            .fails_whole = true,
            .nested_comments = true,
            .max_parameters = 65535,
            .empty_list = "SELECT NULL WHERE FALSE",
            .transaction_id = TRANSACTION_ID,
            .transaction_status = TRANSACTION_STATUS,
            .notify = "SELECT pg_notify($1, $2)",
            .begin_text = postgresql_begin_text,
        },
    .options = adb__pg_keys,
    .configure = adb__pg_configure,
    .open = postgresql_open,
    .close = postgresql_close,
    .execute = adb__pg_execute,
    .execute_many = adb__pg_execute_many,
    .pipeline = adb__pg_pipeline,
    .check = postgresql_check,
    .cancel = postgresql_cancel,
    .transaction_state = postgresql_transaction_state,
    .native = postgresql_native,
};
