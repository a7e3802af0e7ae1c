/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for notifications, on a connection that does nothing else. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "model/error.h"

#include <string.h>

static adb_status announce(struct adb__sink *sink, adb_error *error)
{
    static const struct adb__column columns[] = {
        {.name = "channel", .decltype = "name", .type = ADB_TYPE_TEXT},
        {.name = "payload", .decltype = "text", .type = ADB_TYPE_TEXT},
        {.name = "pid", .decltype = "integer", .type = ADB_TYPE_INT},
    };
    return adb__sink_columns(sink, columns, 3, error);
}

/* At once: what waits for its batch to become full may wait for ever. */
static adb_status give(struct adb__sink *sink, const PGnotify *news, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    if (status == ADB_OK)
        status = adb__sink_bytes(sink, 0, ADB_TYPE_TEXT, news->relname, strlen(news->relname), error);
    if (status == ADB_OK)
        status = adb__sink_bytes(sink, 1, ADB_TYPE_TEXT, news->extra, strlen(news->extra), error);
    if (status != ADB_OK)
        return status;
    adb__sink_int(sink, 2, news->be_pid);
    status = adb__sink_row_end(sink, error);
    if (status == ADB_OK && sink->result->n_rows > 0 && sink->flush_fn != NULL)
        status = sink->flush_fn(sink, error);
    return status;
}

/* Those that are not wanted now stay with libpq, for the next time. */
static adb_status give_all(struct adb__pg *conn, struct adb__sink *sink, adb_error *error)
{
    adb_status status = ADB_OK;
    while (status == ADB_OK) {
        PGnotify *news = PQnotifies(conn->pg);
        if (news == NULL)
            break;
        status = give(sink, news, error);
        PQfreemem(news);
    }
    return status;
}

adb_status adb__pg_listen(struct adb__pg *conn, struct adb__sink *sink, adb_error *error)
{
    const struct adb__open *open = conn->open;
    const struct adb__patience patience = {
        .deadline = ADB__NEVER, .wake_fd = open->wake_fd, .stop_fn = open->stop_fn, .stop_data = open->stop_data};
    adb_status status = announce(sink, error);
    conn->listens = true;
    while (status == ADB_OK) {
        status = give_all(conn, sink, error);
        if (status != ADB_OK)
            break;
        if (adb__pg_wait(conn, ADB__SOCKET_READ, &patience) == ADB__SOCKET_STOPPED)
            return adb__error_set(error, ADB_E_CANCELLED, "no longer listening");
        if (!PQconsumeInput(conn->pg))
            return adb__pg_error(conn, NULL, error);
    }
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}
