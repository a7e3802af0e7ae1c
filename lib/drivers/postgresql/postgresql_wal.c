/* SPDX-License-Identifier: BSD-3-Clause */
/* One flush for several transactions.
 *
 * While synchronous_commit is off, a commit does not wait until the log is on disk. The log is flushed in its order, so
 * a later commit that does wait covers all before it: that of an empty message, which is a record of the log, and so
 * makes its transaction one that has written. Locks, snapshots, errors and ends of the transactions are as ever.
 *
 * Meanwhile statement_timeout is short, as no statement may keep the outcomes of the others back: what it stops has had
 * no effect, and runs again by itself. */
#include "drivers/postgresql/postgresql.h"

#include "model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds, for a statement, while others wait for it. */
#define PATIENCE_MS 20

/* After a failure, once more. */
#define MOST_TRIES 2

#define SET_BOTH                                                                                                       \
    "SELECT pg_catalog.set_config('synchronous_commit', $1, false), "                                                  \
    "pg_catalog.set_config('statement_timeout', $2, false)"
#define FLUSH "SELECT pg_catalog.pg_logical_emit_message(true, 'asyncdb', ''::pg_catalog.text)"

/* May this session, and what are its settings if not its defaults? Who has another number than the one that the
 * connection was told is behind a pooler, which may give what is set here to others. */
#define ASK                                                                                                            \
    "SELECT commit.setting <> 'off' AND pg_catalog.pg_backend_pid() = %d AND NOT pg_catalog.pg_is_in_recovery() "      \
    "AND pg_catalog.current_setting('transaction_read_only') = 'off' "                                                 \
    "AND (SELECT pg_catalog.bool_and(pg_catalog.has_function_privilege(oid, 'EXECUTE')) FROM pg_catalog.pg_proc "      \
    "WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace), "            \
    "CASE WHEN commit.setting <> commit.reset_val THEN commit.setting END, "                                           \
    "CASE WHEN timeout.setting <> timeout.reset_val THEN timeout.setting END, timeout.setting "                        \
    "FROM pg_catalog.pg_settings AS commit, pg_catalog.pg_settings AS timeout "                                        \
    "WHERE commit.name = 'synchronous_commit' AND timeout.name = 'statement_timeout'"

static void copy(char *text, size_t size, const PGresult *answer, int column)
{
    snprintf(text, size, "%s", PQgetisnull(answer, 0, column) ? "" : PQgetvalue(answer, 0, column));
}

static void take_answer(struct adb__pg_wal *wal, const PGresult *answer)
{
    const long limit = strtol(PQgetvalue(answer, 0, 3), NULL, 10);
    copy(wal->commit, sizeof(wal->commit), answer, 1);
    copy(wal->timeout, sizeof(wal->timeout), answer, 2);
    snprintf(wal->patience, sizeof(wal->patience), "%ld", limit > 0 && limit < PATIENCE_MS ? limit : PATIENCE_MS);
}

/* When no answer comes, another time will do. */
static void ask(struct adb__pg *conn)
{
    char sql[1024];
    snprintf(sql, sizeof(sql), ASK, PQbackendPID(conn->pg));
    if (!PQsendQuery(conn->pg, sql))
        return;
    adb__pg_flush(conn);
    PGresult *answer = adb__pg_next(conn);
    if (answer != NULL && PQresultStatus(answer) == PGRES_TUPLES_OK) {
        const bool may = PQntuples(answer) == 1 && strcmp(PQgetvalue(answer, 0, 0), "t") == 0;
        conn->wal.may = may ? ADB__PG_SHARES : ADB__PG_SHARES_NOT;
        if (may)
            take_answer(&conn->wal, answer);
    } else if (answer != NULL && adb__pg_is_failure(answer)) {
        conn->wal.may = ADB__PG_SHARES_NOT;
    }
    PQclear(answer);
    PQclear(adb__pg_drain(conn));
}

/* They may be there from before the settings came into doubt. */
static bool prepare(struct adb__pg *conn)
{
    adb_error error = {.status = ADB_OK};
    const adb_status status = adb__pg_run(
        conn, "PREPARE adb_settings (pg_catalog.text, pg_catalog.text) AS " SET_BOTH "; PREPARE adb_flush AS " FLUSH,
        &error);
    return status == ADB_OK || strcmp(error.sqlstate, "42P05") == 0;
}

bool adb__pg_wal_is_shared(struct adb__pg *conn)
{
    struct adb__pg_wal *wal = &conn->wal;
    if (wal->may == ADB__PG_SHARING_UNKNOWN) {
        ask(conn);
        if (wal->may == ADB__PG_SHARES && !prepare(conn))
            wal->may = ADB__PG_SHARES_NOT;
    }
    return wal->may == ADB__PG_SHARES && PQstatus(conn->pg) == CONNECTION_OK;
}

/* In a pipeline ---------------------------------------------------------------------------------------------------- */

/* An empty text puts the default back. */
static bool send_settings(struct adb__pg *conn, const char *commit, const char *timeout)
{
    const char *values[] = {commit[0] != '\0' ? commit : NULL, timeout[0] != '\0' ? timeout : NULL};
    return PQsendQueryPrepared(conn->pg, "adb_settings", 2, values, NULL, NULL, 0);
}

bool adb__pg_wal_send_begin(struct adb__pg *conn)
{
    return send_settings(conn, "off", conn->wal.patience);
}

bool adb__pg_wal_send_end(struct adb__pg *conn)
{
    return send_settings(conn, conn->wal.commit, conn->wal.timeout);
}

bool adb__pg_wal_send_flush(struct adb__pg *conn)
{
    return PQsendQueryPrepared(conn->pg, "adb_flush", 0, NULL, NULL, NULL, 0);
}

/* By itself -------------------------------------------------------------------------------------------------------- */

static adb_status flush_once(struct adb__pg *conn, adb_error *error)
{
    const struct adb__pg_wal *wal = &conn->wal;
    char sql[256];
    snprintf(sql, sizeof(sql), "SET synchronous_commit TO %s; SET statement_timeout TO %s; " FLUSH,
             wal->commit[0] != '\0' ? wal->commit : "DEFAULT", wal->timeout[0] != '\0' ? wal->timeout : "DEFAULT");
    return adb__pg_run(conn, sql, error);
}

adb_status adb__pg_wal_flush(struct adb__pg *conn, adb_error *error)
{
    adb_status status = ADB_E_INTERNAL;
    for (unsigned n = 0; n < MOST_TRIES && status != ADB_OK && PQstatus(conn->pg) == CONNECTION_OK; n++)
        status = flush_once(conn, error);
    if (status != ADB_OK)
        conn->out_of_step = true; /* perhaps its commits are still not waited for */
    conn->wal.is_due = status != ADB_OK;
    return status;
}
