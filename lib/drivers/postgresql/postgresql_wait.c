/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for the server: libpq never blocks here, we do, reading while writing, so that two full buffers cannot stop
 * each other. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"

/* Nobody gives a statement up by walking away from it: the core cancels it or severs the connection, and either is an
 * answer that ends the wait. */
static const struct adb__patience forever = {.deadline = ADB__NEVER, .wake_fd = -1};

/* How long the first wait may last, and those that follow one in vain: a look, a glance, then longer and longer. */
static const int64_t waits_ns[] = {0,
                                   1 * ADB__NS_PER_MS,
                                   20 * ADB__NS_PER_MS,
                                   80 * ADB__NS_PER_MS,
                                   320 * ADB__NS_PER_MS,
                                   1280 * ADB__NS_PER_MS,
                                   5120 * ADB__NS_PER_MS};
enum { LOOK, GLANCE, PATIENCE, LAST_WAIT = sizeof(waits_ns) / sizeof(waits_ns[0]) - 1 };

/* Encryption comes in records, of which libpq may have taken only a part, and the rest does not show at the socket. The
 * room that libpq makes takes half of the largest record at least: so when nothing more shows, one look has the rest.
 * It may find a new record instead, which came a moment ago, and take a part of that: so waits have a limit, and each
 * ends in a look. In a pipeline they have one as the core gets to see what waits behind. */
static unsigned next_wait(const struct adb__pg *conn)
{
    unsigned first = LOOK;
    if (!conn->is_encrypted)
        first = conn->pipeline != NULL && !conn->pipeline->glances ? PATIENCE : GLANCE;
    return conn->n_vain > first ? conn->n_vain : first;
}

enum adb__socket_event adb__pg_wait(struct adb__pg *conn, unsigned directions, const struct adb__patience *patience)
{
    const unsigned wait = next_wait(conn);
    struct adb__patience limited = *patience;
    if (conn->is_encrypted || conn->pipeline != NULL)
        limited.deadline = adb__deadline_first(limited.deadline, adb__clock_now() + waits_ns[wait]);
    const enum adb__socket_event event = adb__socket_wait(PQsocket(conn->pg), directions, &limited);
    conn->n_vain = event != ADB__SOCKET_TIMEOUT ? 0 : wait < LAST_WAIT ? wait + 1 : LAST_WAIT;
    return event;
}

/* Wait for more, and take it in. In a pipeline one that nobody wants, and that takes long, is stopped too; should the
 * cancel hit the statement behind, that one runs again. */
static bool take_in(struct adb__pg *conn, unsigned directions)
{
    if (conn->pipeline != NULL)
        conn->pipeline->wait_fn(conn->pipeline);
    const enum adb__socket_event event = adb__pg_wait(conn, directions, &forever);
    if (event == ADB__SOCKET_TIMEOUT && conn->pipeline != NULL && conn->drops && conn->n_vain > PATIENCE)
        adb__pg_stop(conn);
    return PQconsumeInput(conn->pg);
}

bool adb__pg_flush(struct adb__pg *conn)
{
    int left = PQflush(conn->pg);
    while (left > 0) {
        if (!take_in(conn, ADB__SOCKET_READ | ADB__SOCKET_WRITE))
            return false;
        left = PQflush(conn->pg);
    }
    return left == 0;
}

bool adb__pg_read(struct adb__pg *conn)
{
    return take_in(conn, ADB__SOCKET_READ);
}

PGresult *adb__pg_next(struct adb__pg *conn)
{
    while (PQisBusy(conn->pg) && adb__pg_read(conn)) {
    }
    PGresult *result = PQgetResult(conn->pg);
    conn->answered = conn->answered || (result != NULL && PQresultStatus(result) != PGRES_PIPELINE_SYNC);
    return result;
}

PGresult *adb__pg_next_in_pipeline(struct adb__pg *conn)
{
    size_t n_nothing = 0; /* two in a row: there is no more to come */
    while (n_nothing < 2) {
        PGresult *result = adb__pg_next(conn);
        n_nothing = result == NULL ? n_nothing + 1 : 0;
        if (result == NULL)
            continue;
        if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
            return result;
        PQclear(result);
        return NULL;
    }
    return NULL;
}

bool adb__pg_is_failure(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

PGresult *adb__pg_drain(struct adb__pg *conn)
{
    PGresult *failure = NULL;
    for (;;) {
        PGresult *result = adb__pg_next(conn);
        if (result == NULL)
            return failure;
        const ExecStatusType status = PQresultStatus(result);
        if (failure == NULL && adb__pg_is_failure(result))
            failure = result;
        else
            PQclear(result);
        adb__pg_end_copy(conn, status);
    }
}

/* The first look may find its farewell only, the second the end. */
bool adb__pg_has_hung_up(struct adb__pg *conn)
{
    return !PQconsumeInput(conn->pg) || !PQconsumeInput(conn->pg) || PQstatus(conn->pg) == CONNECTION_BAD;
}

adb_status adb__pg_run(struct adb__pg *conn, const char *sql, adb_error *error)
{
    if (!PQsendQuery(conn->pg, sql))
        return adb__pg_error(conn, NULL, error);
    conn->sent = true;
    conn->answered = false;
    adb__pg_flush(conn);
    PGresult *failure = adb__pg_drain(conn);
    if (failure != NULL || PQstatus(conn->pg) == CONNECTION_BAD)
        return adb__pg_error_take(conn, failure, error);
    return conn->answered ? ADB_OK : adb__pg_out_of_step(conn, error);
}
