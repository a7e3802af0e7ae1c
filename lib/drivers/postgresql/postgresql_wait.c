/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for the server: libpq never blocks here, we do, reading while writing, so that two full buffers cannot stop
 * each other. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "drivers/socket.h"

/* Nobody gives a statement up by walking away from it: the core cancels it or severs the connection, and either is an
 * answer that ends the wait. */
static const struct adb__patience forever = {.deadline = ADB__NEVER, .wake_fd = -1};

#define GLANCE_NS        (1 * ADB__NS_PER_MS)
#define PATIENCE_NS      (20 * ADB__NS_PER_MS)
#define MOST_PATIENCE_NS (5000 * ADB__NS_PER_MS)

static int64_t longer(int64_t ns)
{
    if (ns < PATIENCE_NS)
        return PATIENCE_NS;
    return ns < MOST_PATIENCE_NS ? ns * 4 : ns;
}

/* In a pipeline the core gets another look at what waits behind, soon, and when the answer takes long; then one that
 * nobody wants is stopped too. Then after longer and longer times. Should the cancel hit the statement behind, that one
 * runs again. */
static void wait_in_pipeline(struct adb__pg *conn, unsigned directions)
{
    for (int64_t ns = conn->pipeline->glances ? GLANCE_NS : PATIENCE_NS;; ns = longer(ns)) {
        conn->pipeline->wait_fn(conn->pipeline);
        const struct adb__patience patience = {.deadline = adb__clock_now() + ns, .wake_fd = -1};
        if (adb__socket_wait(PQsocket(conn->pg), directions, &patience) != ADB__SOCKET_TIMEOUT)
            return;
        if (conn->drops && ns > GLANCE_NS)
            adb__pg_stop(conn);
    }
}

static void wait_for(struct adb__pg *conn, unsigned directions)
{
    if (conn->pipeline != NULL)
        wait_in_pipeline(conn, directions);
    else
        adb__socket_wait(PQsocket(conn->pg), directions, &forever);
}

bool adb__pg_flush(struct adb__pg *conn)
{
    int left = PQflush(conn->pg);
    while (left > 0) {
        wait_for(conn, ADB__SOCKET_READ | ADB__SOCKET_WRITE);
        if (!PQconsumeInput(conn->pg))
            return false;
        left = PQflush(conn->pg);
    }
    return left == 0;
}

/* Encryption comes in records, of which libpq may have taken only a part: the rest does not show at the socket. So
 * every second time is a look without waiting; the room that libpq makes takes half of the largest record at least. */
bool adb__pg_read(struct adb__pg *conn)
{
    const bool looks = conn->is_encrypted && !conn->has_looked;
    conn->has_looked = looks;
    if (!looks)
        wait_for(conn, ADB__SOCKET_READ);
    return PQconsumeInput(conn->pg);
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
