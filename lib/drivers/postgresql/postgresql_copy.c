/* SPDX-License-Identifier: BSD-3-Clause */
/* COPY in both directions, piece by piece. */
#include "drivers/postgresql/postgresql.h"

#include "model/error.h"

#include <limits.h>

/* libpq copies what it is given: larger pieces are cut, so that only little waits there. */
#define MOST_AT_ONCE 65536

/* libpq takes no more before some has been sent. False: the connection is lost. */
static bool put(struct adb__pg *conn, const char *bytes, size_t size)
{
    while (size > 0) {
        const size_t now = size < MOST_AT_ONCE ? size : MOST_AT_ONCE;
        const int taken = PQputCopyData(conn->pg, bytes, (int)now);
        if (taken < 0 || !adb__pg_flush(conn))
            return false;
        if (taken > 0) {
            bytes += now;
            size -= now;
        }
    }
    return true;
}

static bool put_end(struct adb__pg *conn, const char *complaint)
{
    int taken = 0;
    while (taken == 0) {
        taken = PQputCopyEnd(conn->pg, complaint);
        if (taken < 0 || !adb__pg_flush(conn))
            return false;
    }
    return true;
}

/* What the server says of a copy that has ended comes as a result afterwards, and counts its rows. */
adb_status adb__pg_copy_in(struct adb__pg *conn, struct adb__source *source, adb_error *error)
{
    for (;;) {
        const void *bytes = NULL;
        size_t size = 0;
        const adb_status status = source->read_fn(source, &bytes, &size, error);
        if (status != ADB_OK) {
            put_end(conn, "ended by the client");
            return status;
        }
        if (size == 0)
            put_end(conn, NULL);
        if (size == 0 || !put(conn, bytes, size))
            return ADB_OK;
    }
}

static adb_status announce(struct adb__sink *sink, adb_error *error)
{
    static const struct adb__column column = {.name = "chunk", .decltype = "text", .type = ADB_TYPE_TEXT};
    return adb__sink_columns(sink, &column, 1, error);
}

static adb_status give(struct adb__sink *sink, const char *bytes, int size, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    if (status == ADB_OK)
        status = adb__sink_bytes(sink, 0, ADB_TYPE_TEXT, bytes, (size_t)size, error);
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}

/* libpq gives one row of the table at a time. */
adb_status adb__pg_copy_out(struct adb__pg *conn, struct adb__sink *sink, adb_error *error)
{
    adb_status status = announce(sink, error);
    while (status == ADB_OK) {
        char *bytes = NULL;
        const int size = PQgetCopyData(conn->pg, &bytes, 1);
        if (size < 0)
            break;
        if (size > 0) {
            status = give(sink, bytes, size, error);
            PQfreemem(bytes);
            continue;
        }
        if (!adb__pg_read(conn))
            break;
    }
    return status;
}

static void skip(struct adb__pg *conn)
{
    for (;;) {
        char *bytes = NULL;
        const int size = PQgetCopyData(conn->pg, &bytes, 1);
        PQfreemem(bytes);
        if (size < 0)
            return;
        if (size == 0 && !adb__pg_read(conn))
            return;
    }
}

void adb__pg_end_copy(struct adb__pg *conn, ExecStatusType kind)
{
    if (kind == PGRES_COPY_IN || kind == PGRES_COPY_BOTH)
        put_end(conn, "nothing is copied");
    if (kind == PGRES_COPY_OUT || kind == PGRES_COPY_BOTH)
        skip(conn);
}
