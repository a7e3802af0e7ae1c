/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads that are sent together: prepared statements are executed without their answers being read, and then the answers
 * are, in the same order.
 *
 * MariaDB's client library lets one do so (MARIADB_OPT_SKIP_READ_RESPONSE), the other one does not. For the server
 * nothing is different: it finds one command behind the other in its socket, and answers each by itself, in the
 * protocol that a single one has. So there is nothing that an answer could lose on this way, and one that is an error
 * stops nobody. */
#include "drivers/mysql/mysql_driver.h"

#include "config.h"

#if defined(HAVE_DECL_MARIADB_OPT_SKIP_READ_RESPONSE) && HAVE_DECL_MARIADB_OPT_SKIP_READ_RESPONSE

#include "drivers/mysql/mysql_bind.h"
#include "model/error.h"

#include <errmsg.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>

/* Executions under way at a time. Their bytes, but for the first's, have to fit into the buffers of any socket: a
 * server that waits for us to take an answer reads nothing. */
#define MOST_AHEAD  64
#define BYTES_AHEAD 16384

/* What an execution has besides its values. */
#define BYTES_AROUND 32

/* When an answer takes that long, the core gets another look at what waits behind: after the first only if it asks for
 * that; after the second what nobody wants is stopped too. Then it takes longer each time. */
#define GLANCE_MS        1
#define PATIENCE_MS      20
#define MOST_PATIENCE_MS 5000

#define INTERRUPTED 1317

/* Calls whose answers are outstanding. */
struct flow {
    struct adb__mysql *conn;
    struct adb__pipeline *pipeline;
    struct adb__call *first;
    size_t n_sent;
    struct adb__mysql_statement *sent[MOST_AHEAD]; /* one for each call; NULL: it was not sent after all */
    bool wanted;                                   /* the answer that is being read */
};

/* Waiting ---------------------------------------------------------------------------------------------------------- */

/* Whose answers this thread reads: the client library's hook has no argument for it. */
static _Thread_local struct flow *reader;

static int wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    int n_ready;
    do {
        n_ready = poll(&pollfd, 1, timeout_ms);
    } while (n_ready < 0 && errno == EINTR);
    return n_ready;
}

static int longer(int slice_ms)
{
    if (slice_ms < PATIENCE_MS)
        return PATIENCE_MS;
    return slice_ms < MOST_PATIENCE_MS ? slice_ms * 4 : slice_ms;
}

/* In place of the library's own waiting for its socket; as poll(). What nobody wants runs in vain, and is stopped:
 * again and again, for a KILL that comes too early is lost. Should one hit the statement behind, that one runs again.
 */
static int on_wait(my_socket fd, my_bool is_read, int timeout_ms)
{
    const struct flow *flow = reader;
    int left_ms = timeout_ms > 0 ? timeout_ms : INT_MAX;
    for (int slice_ms = flow->pipeline->glances ? GLANCE_MS : PATIENCE_MS;; slice_ms = longer(slice_ms)) {
        flow->pipeline->wait_fn(flow->pipeline);
        slice_ms = slice_ms < left_ms ? slice_ms : left_ms;
        const int n_ready = wait_for(fd, is_read ? POLLIN : POLLOUT, slice_ms);
        if (n_ready != 0)
            return n_ready;
        left_ms -= timeout_ms > 0 ? slice_ms : 0;
        if (left_ms == 0)
            break;
        if (!flow->wanted && slice_ms > GLANCE_MS)
            adb__mysql_kill(flow->conn);
    }
    errno = ETIMEDOUT;
    return 0;
}

static void set_hook(struct flow *flow, int (*hook)(my_socket, my_bool, int))
{
    reader = hook != NULL ? flow : NULL;
    mysql_options(flow->conn->mysql, MARIADB_OPT_IO_WAIT, (const void *)(uintptr_t)hook);
}

/* Sending ---------------------------------------------------------------------------------------------------------- */

/* To a server of MariaDB's own only: what else speaks its protocol, a proxy mostly, may take two commands at once for
 * an attack. And the client library has its own doubts about compression. */
bool adb__mysql_may_send_ahead(const struct adb__mysql *conn)
{
    return !conn->mysql->net.compress && adb__mysql_is_mariadb(conn);
}

void adb__mysql_leave_answers(struct adb__mysql *conn, bool leaves)
{
    const my_bool value = leaves;
    mysql_options(conn->mysql, MARIADB_OPT_SKIP_READ_RESPONSE, &value);
}

/* May reads of this connection be sent together now? Warnings are asked for between two statements, where they are
 * logged. */
static bool is_possible(const struct adb__mysql *conn)
{
    const unsigned state = conn->mysql->server_status & (SERVER_STATUS_IN_TRANS | SERVER_STATUS_AUTOCOMMIT);
    const bool logs_warnings = conn->open->log != NULL && conn->open->log->level >= ADB__LOG_DEBUG;
    return state == SERVER_STATUS_AUTOCOMMIT && !logs_warnings && adb__mysql_may_send_ahead(conn);
}

static size_t size_of(const struct adb__statement *statement)
{
    size_t size = BYTES_AROUND;
    for (size_t i = 0; i < statement->n_values; i++)
        size += adb__mysql_wire_size(&statement->values[i]);
    return size;
}

/* What is to be prepared first, or is refused for its values, runs alone. */
static struct adb__mysql_statement *find_prepared(struct adb__mysql *conn, const struct adb__statement *statement)
{
    struct adb__mysql_statement *prepared = adb__cache_find(&conn->cache, statement->sql, statement->sql_size);
    adb_error error;
    if (prepared == NULL || prepared->stmt == NULL || prepared->verb != ADB__MYSQL_READ ||
        adb__mysql_bind(conn, prepared, statement->values, statement->n_values, &error) != ADB_OK)
        return NULL;
    return prepared;
}

/* The next call. False: the connection is lost. Unless it was the first, reading the first one's answer will tell. */
static bool send_call(struct flow *flow, const struct adb__call *call)
{
    struct adb__mysql *conn = flow->conn;
    struct adb__mysql_statement *prepared = find_prepared(conn, call->statement);
    adb_error error;
    if (prepared != NULL && mysql_stmt_execute(prepared->stmt) != 0) {
        adb__mysql_stmt_error(conn, prepared->stmt, ADB__MYSQL_RUNNING, call == flow->first ? call->error : &error);
        prepared = NULL;
    }
    if (prepared != NULL)
        prepared->n_ahead++;
    flow->sent[flow->n_sent++] = prepared;
    return !conn->lost;
}

/* The first call, and as many of those behind it as go with it. */
static void send_calls(struct flow *flow)
{
    const struct adb__call *end = flow->pipeline->calls + flow->pipeline->n_calls;
    size_t n_bytes = 0;
    adb__mysql_leave_answers(flow->conn, true);
    for (const struct adb__call *call = flow->first; call < end && flow->n_sent < MOST_AHEAD; call++) {
        if (call->statement == NULL)
            break; /* it is not wanted any more */
        n_bytes += call == flow->first ? 0 : size_of(call->statement);
        if (n_bytes > BYTES_AHEAD || !send_call(flow, call))
            break;
        if (flow->sent[0] == NULL)
            break; /* nothing is under way: the next one has nobody to go with */
    }
    adb__mysql_leave_answers(flow->conn, false);
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

/* A cancel that was meant for a call before, and came when this one ran. */
static bool is_hit_by_mistake(const struct adb__mysql *conn, adb_status status, const adb_error *error)
{
    const struct adb__open *open = conn->open;
    return status == ADB_E_CANCELLED && error->native_code == INTERRUPTED &&
           adb__counter_get(&conn->kills) != conn->kills_seen &&
           (open->stop_fn == NULL || !open->stop_fn(open->stop_data));
}

/* Once its columns have changed, the library cannot read the answers of a statement: what belongs to all of them has
 * come with the first. */
static adb_status skip_answer(struct adb__mysql *conn, MYSQL_STMT *stmt, adb_error *error)
{
    adb_status status = ADB_OK;
    conn->mysql->methods->db_stmt_flush_unbuffered(stmt);
    if (mysql_errno(conn->mysql) != 0)
        status = adb__mysql_error(conn, ADB__MYSQL_RUNNING, error);
    return conn->lost ? status : ADB__RUN_ALONE;
}

/* Without a sink the answer is dropped. */
static adb_status read_answer(struct flow *flow, struct adb__mysql_statement *prepared, struct adb__sink *sink,
                              adb_error *error)
{
    struct adb__mysql *conn = flow->conn;
    flow->wanted = sink != NULL;
    if (prepared->is_stale)
        return skip_answer(conn, prepared->stmt, error);
    const int code = conn->mysql->methods->db_read_execute_response(prepared->stmt);
    const adb_status status = adb__mysql_read_answer(conn, prepared, sink, code, error);
    if (status == ADB_OK || conn->lost)
        return status;
    if (code != 0 && error->native_code == CR_OUT_OF_MEMORY)
        conn->lost = true; /* nobody knows how much of the answer has been read */
    if (adb__mysql_is_stale(error->native_code)) {
        prepared->is_stale = true;
        return ADB__RUN_ALONE;
    }
    return is_hit_by_mistake(conn, status, error) ? ADB__RUN_ALONE : status;
}

static void end_call(const struct flow *flow, struct adb__call *call, adb_status status)
{
    call->status = status;
    flow->pipeline->end_fn(flow->pipeline, call);
}

/* Of a call that has begun. */
static void take_answer(struct flow *flow, struct adb__call *call, struct adb__mysql_statement *prepared)
{
    struct adb__mysql *conn = flow->conn;
    adb_status status = ADB__RUN_ALONE;
    conn->must_read = (call->statement->flags & ADB__STMT_MUST_READ) != 0;
    if (prepared != NULL)
        status = read_answer(flow, prepared, call->sink, call->error);
    else if (conn->lost)
        status = call->error->status;
    end_call(flow, call, status);
}

/* Returns how many calls are over: all, or those until the connection was lost. */
static size_t take_answers(struct flow *flow)
{
    const struct adb__mysql *conn = flow->conn;
    adb_error error;
    size_t i = 0;
    take_answer(flow, flow->first, flow->sent[0]);
    for (i = 1; i < flow->n_sent && !conn->lost; i++) {
        struct adb__call *call = flow->first + i;
        if (flow->pipeline->begin_fn(flow->pipeline, call))
            take_answer(flow, call, flow->sent[i]);
        else if (flow->sent[i] != NULL)
            read_answer(flow, flow->sent[i], NULL, &error);
    }
    return i;
}

/* The whole -------------------------------------------------------------------------------------------------------- */

static void give_back(const struct flow *flow)
{
    for (size_t i = 0; i < flow->n_sent; i++) {
        struct adb__mysql_statement *prepared = flow->sent[i];
        if (prepared != NULL && --prepared->n_ahead == 0)
            adb__mysql_release(flow->conn, prepared);
    }
}

/* One call, and those that can be sent behind it. *call_io: the next one. False: a call was told that the connection is
 * lost. */
static bool run_from(struct adb__mysql *conn, struct adb__pipeline *pipeline, struct adb__call **call_io)
{
    struct adb__call *call = *call_io;
    struct flow flow = {.conn = conn, .pipeline = pipeline, .first = call, .wanted = true};
    *call_io = call + 1;
    if (!pipeline->begin_fn(pipeline, call))
        return true;
    adb_status status = adb__mysql_session_ready(conn, call->statement, ADB__MYSQL_READ, call->error);
    if (status == ADB_OK && !is_possible(conn))
        status = ADB__RUN_ALONE;
    if (status != ADB_OK) {
        end_call(&flow, call, status);
        return !conn->lost;
    }
    set_hook(&flow, on_wait);
    send_calls(&flow);
    *call_io = call + take_answers(&flow);
    set_hook(&flow, NULL);
    give_back(&flow);
    return !conn->lost || !flow.wanted;
}

bool adb__mysql_pipeline_possible(const struct adb__mysql_settings *settings, const adb_options *options)
{
    return !settings->compress && options->statement_cache >= 0;
}

void adb__mysql_pipeline(void *state, struct adb__pipeline *pipeline)
{
    const struct adb__call *end = pipeline->calls + pipeline->n_calls;
    struct adb__call *call = pipeline->calls;
    bool goes_on = true;
    while (call < end && goes_on)
        goes_on = run_from(state, pipeline, &call);
}

#else

bool adb__mysql_may_send_ahead(const struct adb__mysql *conn)
{
    (void)conn;
    return false;
}

void adb__mysql_leave_answers(struct adb__mysql *conn, bool leaves)
{
    (void)conn;
    (void)leaves;
}

bool adb__mysql_pipeline_possible(const struct adb__mysql_settings *settings, const adb_options *options)
{
    (void)settings;
    (void)options;
    return false;
}

void adb__mysql_pipeline(void *state, struct adb__pipeline *pipeline)
{
    (void)state;
    for (size_t i = 0; i < pipeline->n_calls; i++) {
        struct adb__call *call = &pipeline->calls[i];
        call->status = ADB__RUN_ALONE;
        if (pipeline->begin_fn(pipeline, call))
            pipeline->end_fn(pipeline, call);
    }
}

#endif
