/* SPDX-License-Identifier: BSD-3-Clause */
/* Connecting: one host after the other, each with its share of the time, without being deaf to the core.
 *
 * libpq could go through the hosts by itself, but then a host that does not answer takes all the time there is. Only
 * the resolver, which turns names into addresses, keeps its own time. */
#include "drivers/postgresql/postgresql.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/socket.h"
#include "model/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One attempt, at one host. */
struct attempt {
    const struct adb__pg_host *host;
    const char *target; /* target_session_attrs; NULL: any */
    int64_t deadline;
};

static PGconn *start(const struct adb__pg_settings *settings, const struct attempt *attempt)
{
    const char *keywords[ADB__PG_MAX_WORDS];
    const char *values[ADB__PG_MAX_WORDS];
    size_t n = settings->n_words;
    const char *const more[][2] = {
        {"host", attempt->host->name}, {"port", attempt->host->port}, {"target_session_attrs", attempt->target}};
    memcpy(keywords, settings->keywords, n * sizeof(keywords[0]));
    memcpy(values, settings->values, n * sizeof(values[0]));
    for (size_t i = 0; i < 3; i++) {
        keywords[n] = more[i][0];
        values[n++] = more[i][1];
    }
    keywords[n] = values[n] = NULL;
    return PQconnectStartParams(keywords, values, 0);
}

static void on_notice(void *state, const PGresult *notice)
{
    struct adb__pg *conn = state;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *words = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    int level = ADB__LOG_DEBUG;
    if (severity != NULL && strcmp(severity, "WARNING") == 0)
        level = ADB__LOG_WARN;
    conn->wal.is_warned = conn->wal.is_warned || level == ADB__LOG_WARN;
    if (severity != NULL && strcmp(severity, "NOTICE") == 0)
        level = ADB__LOG_INFO;
    if (words != NULL)
        adb__log(conn->open->log, level, "postgresql: %s", words);
}

/* Poll it through. ADB_E_TIMEOUT and ADB_E_CANCELLED are ours, all else the server's or libpq's. */
static adb_status negotiate(struct adb__pg *conn, const struct attempt *attempt, adb_error *error)
{
    const struct adb__patience patience = {.deadline = attempt->deadline,
                                           .wake_fd = conn->open->wake_fd,
                                           .stop_fn = conn->open->stop_fn,
                                           .stop_data = conn->open->stop_data};
    PostgresPollingStatusType wanted =
        PQstatus(conn->pg) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
        const enum adb__socket_event event = adb__socket_wait(
            PQsocket(conn->pg), wanted == PGRES_POLLING_READING ? ADB__SOCKET_READ : ADB__SOCKET_WRITE, &patience);
        if (event == ADB__SOCKET_TIMEOUT)
            return adb__error_set(error, ADB_E_CONNECTION, "the server did not answer in time");
        if (event == ADB__SOCKET_STOPPED)
            return adb__error_set(error, ADB_E_CANCELLED, "stopped while connecting");
        wanted = PQconnectPoll(conn->pg);
    }
    return wanted == PGRES_POLLING_OK ? ADB_OK : adb__pg_connect_error(conn->pg, error);
}

static void give_up(struct adb__pg *conn)
{
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->canceller = (struct adb__pg_canceller){.pid = 0};
}

/* On failure nothing is left of it. */
static adb_status attempt_host(struct adb__pg *conn, const struct attempt *attempt, adb_error *error)
{
    struct adb__pg_eavesdropper *ear = adb__alloc(sizeof(*ear));
    if (ear == NULL)
        return adb__pg_no_memory(error);
    conn->pg = start(&conn->settings, attempt);
    if (conn->pg == NULL) {
        adb__free(ear);
        return adb__pg_connect_error(NULL, error);
    }
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE); /* with the SQLSTATE, which is told nowhere else */
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    adb__pg_eavesdrop(ear, conn->pg);
    const adb_status status = negotiate(conn, attempt, error);
    adb__pg_eavesdrop_end(ear, conn->pg, &conn->canceller);
    adb__free(ear);
    if (status == ADB_OK) {
        PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
        adb__pg_canceller_init(&conn->canceller, conn->pg);
    } else {
        give_up(conn);
    }
    return status;
}

/* Of the time that is left, an equal share for each of the hosts that are left. */
static int64_t share_of(int64_t deadline, size_t n_left)
{
    const int64_t now = adb__clock_now();
    if (deadline == ADB__NEVER || deadline <= now)
        return deadline;
    return now + (deadline - now) / (int64_t)n_left;
}

/* Is the next host worth trying? Wrong credentials are wrong everywhere. */
static bool may_go_on(adb_status status)
{
    return status == ADB_E_CONNECTION;
}

/* Every host once, from a random one on when that is asked for. */
static adb_status round_of_hosts(struct adb__pg *conn, const char *target, int64_t deadline, adb_error *error)
{
    const struct adb__pg_settings *settings = &conn->settings;
    uint64_t random = (uint64_t)adb__clock_now() ^ (uint64_t)(uintptr_t)conn;
    const size_t first = settings->shuffle ? (size_t)(adb__random(&random) % settings->n_hosts) : 0;
    adb_status status = ADB_E_CONNECTION;
    for (size_t i = 0; i < settings->n_hosts && may_go_on(status); i++) {
        const struct attempt attempt = {.host = &settings->hosts[(first + i) % settings->n_hosts],
                                        .target = target,
                                        .deadline = share_of(deadline, settings->n_hosts - i)};
        status = attempt_host(conn, &attempt, error);
    }
    return status;
}

adb_status adb__pg_connect(struct adb__pg *conn, adb_error *error)
{
    const char *target = conn->settings.target;
    const int64_t deadline = conn->open->deadline;
    if (target == NULL || strcasecmp(target, "prefer-standby") != 0)
        return round_of_hosts(conn, target, deadline, error);
    const adb_status status = round_of_hosts(conn, "standby", share_of(deadline, 2), error);
    return may_go_on(status) ? round_of_hosts(conn, NULL, deadline, error) : status;
}
