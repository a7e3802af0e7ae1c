/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's connection: open it when a job wants one, keep it in shape, leave nothing dirty behind. Declared in
 * core/worker.h. */
#include "base/clock.h"
#include "core/database.h"
#include "core/ear.h"
#include "core/server.h"
#include "core/session.h"
#include "core/worker.h"
#include "model/error.h"

#include <string.h>

/* Between attempts to connect. */
#define BACKOFF_MIN_NS (100 * ADB__NS_PER_MS)
#define BACKOFF_MAX_NS (10000 * ADB__NS_PER_MS)

/* What the driver asks while it blocks. */
static bool connection_should_stop(void *data)
{
    struct adb__worker *worker = data;
    if (worker->ear != NULL)
        return adb__ear_should_stop(worker->ear);
    if (worker->job != NULL)
        return adb__worker_check_stop(worker, NULL) != ADB_OK;
    return adb__counter_get(&worker->pool->stopping) != 0;
}

adb_status adb__worker_send(struct adb__worker *worker, const char *text, adb_error *error)
{
    adb_status status = ADB_OK;
    while (*text != '\0' && status == ADB_OK) {
        size_t size = strcspn(text, ";");
        char one[128];
        if (size >= sizeof(one))
            return adb__error_set(error, ADB_E_INTERNAL, "transaction text too long");
        memcpy(one, text, size);
        one[size] = '\0';
        status = adb__session_send(worker, one, error);
        text += size + (text[size] == ';');
    }
    return status;
}

static adb_status connection_open_base(struct adb__worker *worker, adb_error *error)
{
    struct adb__buf text = ADB__BUF_INIT;
    const adb_transaction_options options = {.size = sizeof(options)};
    adb_status status = worker->db->driver->begin_text(&options, &text, error);
    if (status == ADB_OK && text.failed)
        status = adb__error_set(error, ADB_E_NOMEM, "no memory to begin");
    if (status == ADB_OK)
        status = adb__worker_send(worker, text.bytes, error);
    worker->base_open = status == ADB_OK;
    adb__buf_fini(&text);
    return status;
}

/* Hooks and the transaction of force_rollback, before the first job. */
static adb_status connection_prepare(struct adb__worker *worker, adb_error *error)
{
    adb_status status = ADB_OK;
    if (worker->db->options.on_connect != NULL)
        status = adb__session_hook(worker, worker->db->options.on_connect, worker->db->options.on_connect_data, error);
    if (status == ADB_OK && worker->db->options.force_rollback && worker->ear == NULL)
        status = connection_open_base(worker, error);
    return status;
}

static int64_t connection_expiry(struct adb__worker *worker, int64_t now)
{
    int lifetime_ms = worker->db->options.lifetime_ms;
    if (lifetime_ms < 0)
        return ADB__NEVER;
    int64_t jitter = (int64_t)(adb__random(&worker->random) % ((uint64_t)lifetime_ms / 10 + 1));
    return adb__deadline_in(now, (int)(lifetime_ms - jitter));
}

/* After failures of any worker of this server: wait until the next attempt is due. Not ADB_OK: there is no time for it, or
 * no more use in it. */
static adb_status connection_await_turn(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    const struct adb__server *server = worker->pool->server;
    for (;;) {
        int64_t now = adb__clock_now();
        int64_t due = adb__counter_get(&server->retry_at);
        if (now >= due)
            return ADB_OK;
        if (now >= deadline || connection_should_stop(worker))
            return adb__error_set(error, ADB_E_CONNECTION, "the server is away, and the next attempt was not due in time");
        adb__worker_rest(worker, adb__deadline_first(due, deadline));
    }
}

/* Full jitter: anywhere below a bound that doubles with each failure (M. Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015), so that many clients of a server that returns do not come back at once. */
static void connection_back_off(struct adb__worker *worker, int64_t now)
{
    struct adb__server *server = worker->pool->server;
    int64_t bound = BACKOFF_MIN_NS;
    if (!server->layout.backs_off)
        return;
    for (int64_t n = adb__counter_add_get(&server->failures, 1); n > 1 && bound < BACKOFF_MAX_NS; n--)
        bound *= 2;
    bound = adb__deadline_first(bound, BACKOFF_MAX_NS);
    adb__counter_set(&server->retry_at, now + (int64_t)(adb__random(&worker->random) % (uint64_t)bound));
}

/* One attempt. On failure nothing of it is left. */
static adb_status connection_attempt(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    struct adb_database *db = worker->db;
    struct adb__server *server = worker->pool->server;
    worker->open = (struct adb__open){
        .url = server->url,
        .options = &db->options,
        .role = worker->pool->role,
        .read_only = server->read_only,
        .anchor = db->anchor,
        .log = &db->log,
        .deadline = deadline,
        .stop_fn = connection_should_stop,
        .stop_data = worker,
        .wake_fd = worker->wake_fd,
    };
    adb_status status = db->driver->open(worker->conn, &worker->open, error);
    worker->is_open = status == ADB_OK;
    if (status == ADB_OK)
        status = connection_prepare(worker, error);
    if (status == ADB_OK)
        return ADB_OK;
    db->driver->close(worker->conn);
    memset(worker->conn, 0, db->driver->conn_size);
    worker->is_open = worker->base_open = false;
    return status;
}

/* Where an open connection is counted. */
static struct adb__counter *connection_figure(struct adb__worker *worker)
{
    struct adb__figures *figures = &worker->db->figures;
    return worker->ear != NULL ? &figures->listening : &figures->connections;
}

static void connection_opened(struct adb__worker *worker, int64_t now)
{
    struct adb_database *db = worker->db;
    adb__counter_add(&db->figures.opened, 1);
    adb__counter_add(connection_figure(worker), 1);
    adb__counter_set(&worker->pool->server->failures, 0);
    adb__counter_set(&worker->pool->server->retry_at, 0);
    worker->is_broken = false;
    worker->used_at = now;
    worker->expires_at = connection_expiry(worker, now);
    if (worker->pool->role == ADB__ROLE_WRITER)
        adb__counter_set(&worker->pool->server->ready, 1);
    adb__log(&db->log, ADB__LOG_INFO, "connected to %s", adb_url_redacted(worker->pool->server->url));
}

/* The attempt failed: count it, and space the next one. */
static void connection_failed(struct adb__worker *worker, adb_error *detail)
{
    struct adb_database *db = worker->db;
    const struct adb__server *server = worker->pool->server;
    adb__log_mask(detail->message, server->secret);
    adb__counter_add(&db->figures.open_failures, 1);
    connection_back_off(worker, adb__clock_now());
    adb__log(&db->log, ADB__LOG_WARN, "connect to %s failed: %s", adb_url_redacted(server->url), detail->message);
}

adb_status adb__worker_connect(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    if (worker->is_open)
        return ADB_OK;
    adb_error detail = {0};
    int64_t now = adb__clock_now();
    int64_t state = adb__counter_get(&worker->state);
    deadline = adb__deadline_first(deadline, adb__deadline_in(now, worker->db->options.connect_timeout_ms));
    adb__counter_set(&worker->state, ADB__WORKER_CONNECTING);
    adb_status status = connection_await_turn(worker, deadline, error);
    if (status == ADB_OK) {
        status = connection_attempt(worker, deadline, &detail);
        if (status == ADB_OK)
            connection_opened(worker, now);
        else
            connection_failed(worker, &detail);
        if (status != ADB_OK && error != NULL)
            *error = detail;
    }
    adb__counter_set(&worker->state, state);
    return status;
}

void adb__worker_disconnect(struct adb__worker *worker, enum adb__close_reason reason)
{
    struct adb_database *db = worker->db;
    if (!worker->is_open)
        return;
    if (worker->base_open)
        adb__worker_send(worker, "ROLLBACK", NULL); /* the close below does the same when this fails */
    db->driver->close(worker->conn);
    memset(worker->conn, 0, db->driver->conn_size);
    worker->is_open = worker->is_broken = worker->base_open = worker->in_group = worker->in_share = false;
    adb__counter_add(connection_figure(worker), -1);
    adb__counter_add(&db->figures.closed[reason], 1);
    adb__log(&db->log, ADB__LOG_INFO, "disconnected from %s", adb_url_redacted(worker->pool->server->url));
}

void adb__worker_refresh(struct adb__worker *worker)
{
    struct adb_database *db = worker->db;
    const struct adb__layout *layout = &worker->pool->server->layout;
    int64_t now = adb__clock_now();
    if (!worker->is_open || layout->keep_open || worker->base_open)
        return;
    if (now >= worker->expires_at) {
        adb__worker_disconnect(worker, ADB__CLOSED_LIFETIME);
        return;
    }
    if (now < adb__deadline_in(worker->used_at, db->options.check_after_ms))
        return;
    adb_error error;
    if (db->driver->check(worker->conn, ADB__CHECK_PING, &error) != ADB_OK) {
        adb__log(&db->log, ADB__LOG_WARN, "an idle connection was lost: %s", error.message);
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    }
}

/* A transaction that nobody owns is rolled back; a connection that cannot be is closed. */
static void connection_roll_back(struct adb__worker *worker)
{
    struct adb_database *db = worker->db;
    adb_error error;
    adb__counter_add(&db->figures.dirty_returns, 1);
    adb__log(&db->log, ADB__LOG_WARN, "a transaction that no context owns was rolled back");
    if (adb__worker_send(worker, "ROLLBACK", &error) == ADB_OK &&
        db->driver->transaction_state(worker->conn) == ADB__TXN_NONE)
        return;
    adb__worker_disconnect(worker, ADB__CLOSED_DIRTY);
}

/* The transaction of force_rollback has ended by itself: what was done before is lost, or worse, kept. */
static void connection_restore_base(struct adb__worker *worker)
{
    adb_error error;
    adb__log(&worker->db->log, ADB__LOG_ERROR, "the transaction of force_rollback was ended by a statement");
    worker->base_open = false;
    if (connection_open_base(worker, &error) != ADB_OK)
        adb__worker_disconnect(worker, ADB__CLOSED_DIRTY);
}

void adb__worker_clean(struct adb__worker *worker)
{
    if (!worker->is_open || worker->in_group)
        return;
    if (worker->is_broken) {
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
        return;
    }
    enum adb__txn_state state = worker->db->driver->transaction_state(worker->conn);
    if (state == ADB__TXN_UNKNOWN)
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    else if (worker->base_open && state == ADB__TXN_NONE)
        connection_restore_base(worker);
    else if (!worker->base_open && state != ADB__TXN_NONE)
        connection_roll_back(worker);
}
