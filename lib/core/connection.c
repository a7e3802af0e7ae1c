/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's connection: open it when a job wants one, keep it in shape, leave nothing dirty behind. Declared in
 * core/worker.h. */
#include "base/clock.h"
#include "core/database.h"
#include "core/ear.h"
#include "core/pipeline.h"
#include "core/server.h"
#include "core/session.h"
#include "core/worker.h"
#include "drivers/registry.h"
#include "model/error.h"

#include <string.h>

/* What the driver asks while it blocks. */
static bool connection_should_stop(void *data)
{
    struct adb__worker *worker = data;
    if (worker->ear != NULL)
        return adb__ear_should_stop(worker->ear);
    adb__pipeline_relieve(worker);
    if (worker->job != NULL)
        return adb__worker_check_stop(worker, NULL) != ADB_OK;
    if (adb__guard_has_passed(worker))
        return true;
    bool closing = adb__counter_get(&worker->pool->stopping) != 0;
    return closing && !(worker->is_guarded && worker->is_open); /* a roll back gets the time of its guard */
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
        status = adb__session_send(worker, one, 0, error);
        text += size + (text[size] == ';');
    }
    return status;
}

static adb_status connection_open_base(struct adb__worker *worker, adb_error *error)
{
    const adb_transaction_options options = {.size = sizeof(options)};
    const adb_status status = adb__session_begin(worker, &options, error);
    worker->base_open = status == ADB_OK;
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

/* Up to a tenth of a time, at random: what was opened together is not to be closed together. */
static int64_t connection_jitter(struct adb__worker *worker, int64_t ns)
{
    return (int64_t)(adb__random(&worker->random) % ((uint64_t)ns / 10 + 1));
}

static int64_t connection_expiry(struct adb__worker *worker, int64_t now)
{
    int lifetime_ms = worker->db->options.lifetime_ms;
    if (lifetime_ms < 0)
        return ADB__NEVER;
    int64_t lifetime = lifetime_ms * ADB__NS_PER_MS;
    return now + lifetime - connection_jitter(worker, lifetime);
}

static int64_t connection_idle_limit(struct adb__worker *worker)
{
    int idle_ms = worker->db->options.idle_timeout_ms;
    if (idle_ms < 0)
        return ADB__NEVER;
    int64_t idle = idle_ms * ADB__NS_PER_MS;
    return idle + connection_jitter(worker, idle);
}

static adb_status connection_no_turn(struct adb__worker *worker, bool inside, adb_error *error)
{
    char failure[ADB_ERROR_MESSAGE_SIZE];
    adb__server_failure(worker->pool->server, failure, sizeof(failure));
    return adb__error_set(error, ADB_E_CONNECTION, "%s%s",
                          inside ? "the server is away, and the next attempt was not due in time"
                                 : "others were connecting, and the turn did not come in time",
                          failure);
}

/* Is it better to give the lane back, as others have a connection? */
static bool connection_gives_way(const struct adb__worker *worker)
{
    return worker->may_give_way && worker->pool->server->layout.backs_off &&
           adb__counter_get(&worker->pool->n_open) > 0;
}

/* Wait for the turn at the gate, and after failures of any worker of this server until the next attempt is due. ADB_OK:
 * inside the gate. Else: there is no time for it, or no more use in it. */
static adb_status connection_await_turn(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    struct adb__server *server = worker->pool->server;
    if (!server->layout.backs_off)
        return ADB_OK;
    adb__gate_enter(&server->gate, &worker->place);
    for (;;) {
        int64_t now = adb__clock_now();
        bool inside = adb__gate_is_inside(&server->gate, &worker->place);
        int64_t due = inside ? adb__counter_get(&server->retry_at) : ADB__NEVER;
        if (now >= due)
            return ADB_OK;
        bool ends = now >= deadline || connection_should_stop(worker);
        if (ends || connection_gives_way(worker)) {
            adb__gate_leave(&server->gate, &worker->place);
            return ends ? connection_no_turn(worker, inside, error) : ADB__GIVE_WAY;
        }
        adb__worker_rest(worker, adb__deadline_first(due, deadline));
    }
}

/* The URL of this attempt: the server's, or a copy that before_connect has made fit for it. */
static adb_status connection_find_url(struct adb__worker *worker, adb_error *error)
{
    const adb_options *options = &worker->db->options;
    const struct adb__driver *driver = NULL;
    worker->open.url = worker->pool->server->url;
    if (options->before_connect == NULL)
        return ADB_OK;
    worker->own_url = adb_url_dup(worker->open.url);
    if (worker->own_url == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a URL");
    worker->open.url = worker->own_url;
    adb_status status = options->before_connect(worker->own_url, error, options->before_connect_data);
    worker->log.secret = adb__server_password(worker->own_url);
    if (status == ADB_OK &&
        (adb__registry_find(worker->own_url, &driver, NULL) != ADB_OK || driver != worker->db->driver))
        return adb__error_set(error, ADB_E_OPTION, "before_connect has chosen another kind of database");
    if (status != ADB_OK && error->message[0] == '\0')
        return adb__error_set(error, status, "before_connect refused the attempt");
    error->status = status;
    return status;
}

static void connection_forget_url(struct adb__worker *worker)
{
    adb_url_free(worker->own_url);
    worker->own_url = NULL;
    worker->open.url = worker->pool->server->url;
    worker->log.secret = worker->pool->server->secret;
}

/* Open and set up, guarded. At the limit the patience of whoever wants the connection is over. */
static adb_status connection_open(struct adb__worker *worker, int64_t limit, adb_error *error)
{
    struct adb_database *db = worker->db;
    int64_t deadline = adb__deadline_in(adb__clock_now(), db->options.connect_timeout_ms);
    worker->open.options = &db->options;
    worker->open.role = worker->pool->role;
    worker->open.read_only = worker->pool->server->read_only;
    worker->open.anchor = db->anchor;
    worker->open.log = &worker->log;
    worker->open.deadline = adb__deadline_first(limit, deadline);
    worker->open.stop_fn = connection_should_stop;
    worker->open.stop_data = worker;
    worker->open.wake_fd = worker->wake_fd;
    int64_t severed_at = worker->open.deadline == ADB__NEVER ? ADB__NEVER : worker->open.deadline + db->guards.spare_ns;
    bool guarded = adb__guard_set(worker, severed_at);
    adb_status status = db->driver->open(worker->conn, &worker->open, error);
    worker->is_open = status == ADB_OK;
    if (status == ADB_OK)
        status = connection_prepare(worker, error);
    if (guarded)
        adb__guard_clear(worker);
    return status;
}

/* One attempt. On failure nothing of it is left. */
static adb_status connection_attempt(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    struct adb_database *db = worker->db;
    worker->log = db->log;
    worker->log.secret = worker->pool->server->secret;
    worker->epoch = adb__counter_get(&worker->pool->server->epoch);
    worker->is_broken = false;
    adb_status status = connection_find_url(worker, error);
    if (status == ADB_OK)
        status = connection_open(worker, deadline, error);
    if (status == ADB_OK)
        return ADB_OK;
    adb__worker_mask(worker, error->message);
    db->driver->close(worker->conn);
    memset(worker->conn, 0, db->driver->conn_size);
    worker->is_open = worker->is_broken = worker->base_open = false;
    connection_forget_url(worker);
    return status;
}

/* Where an open connection is counted. */
static struct adb__counter *connection_figure(struct adb__worker *worker)
{
    struct adb__figures *figures = &worker->db->figures;
    return worker->ear != NULL ? &figures->listening : &figures->connections;
}

static void connection_opened(struct adb__worker *worker)
{
    struct adb_database *db = worker->db;
    int64_t now = adb__clock_now();
    adb__counter_add(&db->figures.opened, 1);
    adb__counter_add(connection_figure(worker), 1);
    adb__server_recover(worker->pool->server);
    if (worker->ear == NULL && adb__counter_add_get(&worker->pool->n_open, 1) == 1)
        adb__pool_alert(worker->pool); /* those that wait for their turn may give way to this one */
    worker->used_at = now;
    worker->expires_at = connection_expiry(worker, now);
    worker->idle_ns = connection_idle_limit(worker);
    if (worker->pool->role == ADB__ROLE_WRITER)
        adb__counter_set(&worker->pool->server->ready, 1);
    adb__log(&db->log, ADB__LOG_INFO, "connected to %s", adb_url_redacted(worker->pool->server->url));
}

/* The attempt failed: count it, and space the next one. */
static void connection_failed(struct adb__worker *worker, adb_error *detail)
{
    struct adb_database *db = worker->db;
    const struct adb__server *server = worker->pool->server;
    adb__counter_add(&db->figures.open_failures, 1);
    if (adb__server_back_off(worker->pool->server, detail, &worker->random))
        adb__log(&db->log, ADB__LOG_WARN, "connect to %s failed: %s", adb_url_redacted(server->url), detail->message);
}

void adb__worker_mask(const struct adb__worker *worker, char *text)
{
    adb__log_mask(text, worker->pool->server->secret);
    adb__log_mask(text, worker->log.secret);
}

adb_status adb__worker_connect(struct adb__worker *worker, int64_t deadline, adb_error *error)
{
    if (worker->is_open)
        return ADB_OK;
    adb_error detail = {0};
    int64_t state = adb__counter_get(&worker->state);
    int64_t patience = adb__deadline_in(adb__clock_now(), worker->db->options.wait_timeout_ms);
    adb__counter_set(&worker->state, ADB__WORKER_CONNECTING);
    adb_status status = connection_await_turn(worker, adb__deadline_first(deadline, patience), error);
    if (status == ADB_OK) {
        status = connection_attempt(worker, deadline, &detail);
        if (status == ADB_OK)
            connection_opened(worker);
        else
            connection_failed(worker, &detail);
        if (worker->pool->server->layout.backs_off)
            adb__gate_leave(&worker->pool->server->gate, &worker->place);
        if (status != ADB_OK && error != NULL)
            *error = detail;
        if (status != ADB_OK && connection_gives_way(worker))
            status = ADB__GIVE_WAY;
    }
    adb__counter_set(&worker->state, state);
    return status;
}

void adb__worker_connect_eagerly(struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    const struct adb__server *server = pool->server;
    if (adb__counter_get(&worker->eager) == 0 || adb__clock_now() < adb__counter_get(&server->retry_at))
        return;
    adb__counter_set(&worker->eager, 0);
    if (adb__counter_get(&pool->n_open) >= (int64_t)pool->min)
        return; /* others were faster */
    adb_status status = adb__worker_connect(worker, ADB__NEVER, NULL);
    if (status != ADB_OK && status != ADB_E_AUTH && server->layout.backs_off)
        adb__counter_set(&worker->eager, 1);
}

/* One of the least number of connections was closed: its worker opens it anew as soon as it has nothing else to do, or,
 * where that worker leaves, another does. (There are enough of them; but not all that are there have a connection.) */
static void connection_want_back(struct adb__worker *worker, enum adb__close_reason reason)
{
    struct adb__pool *pool = worker->pool;
    bool leaves = reason == ADB__CLOSED_IDLE;
    bool fell = reason == ADB__CLOSED_LOST || reason == ADB__CLOSED_LIFETIME || reason == ADB__CLOSED_ROLE;
    if (!(leaves || fell) || worker->db->options.unpooled || !pool->server->layout.backs_off ||
        adb__counter_get(&pool->stopping) != 0 || adb__counter_get(&pool->n_open) >= (int64_t)pool->min)
        return;
    if (leaves)
        adb__pool_want_least(pool);
    else
        adb__counter_set(&worker->eager, 1);
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
    connection_forget_url(worker);
    worker->is_open = worker->is_broken = worker->base_open = worker->in_group = worker->in_share = false;
    worker->is_checked_out = false;
    adb__counter_add(connection_figure(worker), -1);
    adb__counter_add(&db->figures.closed[reason], 1);
    adb__log(&db->log, ADB__LOG_INFO, "disconnected from %s", adb_url_redacted(worker->pool->server->url));
    if (worker->ear != NULL)
        return;
    if (adb__counter_add_get(&worker->pool->n_open, -1) == 0)
        adb__pool_alert(worker->pool); /* those that have left the lanes to this one */
    connection_want_back(worker, reason);
}

bool adb__worker_is_replaceable(const struct adb__worker *worker)
{
    return worker->is_open && !worker->base_open && !worker->pool->server->layout.keep_open;
}

bool adb__worker_is_suspect(const struct adb__worker *worker)
{
    return adb__worker_is_replaceable(worker) && worker->epoch < adb__counter_get(&worker->pool->server->epoch);
}

static bool connection_is_distrusted(const struct adb__worker *worker)
{
    return adb__worker_is_replaceable(worker) && worker->epoch < adb__counter_get(&worker->pool->server->discard);
}

void adb__worker_learn(struct adb__worker *worker, const adb_error *error)
{
    struct adb__server *server = worker->pool->server;
    if ((error->flags & ADB_ERROR_WRONG_ROLE) != 0 && !server->read_only)
        adb__server_distrust(server, worker->epoch);
    if ((error->flags & ADB_ERROR_CONNECTION_LOST) == 0)
        return;
    worker->is_broken = true;
    adb__server_suspect(server, worker->epoch);
}

static adb_status connection_check(struct adb__worker *worker, enum adb__check_how how, adb_error *error)
{
    bool guarded = adb__guard_call(worker);
    adb_status status = worker->db->driver->check(worker->conn, how, error);
    if (guarded)
        adb__guard_clear(worker);
    return status;
}

void adb__worker_reset(struct adb__worker *worker)
{
    if (worker->is_open && !worker->is_broken && connection_check(worker, ADB__CHECK_RESET, NULL) != ADB_OK)
        worker->is_broken = true;
}

/* Is it still there? If not, it is closed. */
static void connection_probe(struct adb__worker *worker)
{
    struct adb__server *server = worker->pool->server;
    adb_error error = {0};
    int64_t epoch = adb__counter_get(&server->epoch);
    bool guarded =
        adb__worker_is_suspect(worker) && adb__guard_set(worker, adb__clock_now() + worker->db->guards.probe_ns);
    adb_status status = connection_check(worker, ADB__CHECK_PING, &error);
    if (guarded)
        adb__guard_clear(worker);
    if (status == ADB_OK) {
        worker->epoch = epoch;
        return;
    }
    adb__worker_mask(worker, error.message);
    adb__log(&worker->db->log, ADB__LOG_WARN, "an idle connection was lost: %s", error.message);
    adb__server_suspect(server, worker->epoch);
    adb__worker_disconnect(worker, ADB__CLOSED_LOST);
}

void adb__worker_refresh(struct adb__worker *worker, int64_t now)
{
    struct adb_database *db = worker->db;
    if (!adb__worker_is_replaceable(worker))
        return;
    if (connection_is_distrusted(worker))
        adb__worker_disconnect(worker, ADB__CLOSED_ROLE);
    else if (now >= worker->expires_at)
        adb__worker_disconnect(worker, ADB__CLOSED_LIFETIME);
    else if (adb__worker_is_suspect(worker) || now >= adb__deadline_in(worker->used_at, db->options.check_after_ms))
        connection_probe(worker);
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
    worker->is_clean = true;
    if (worker->is_broken) {
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
        return;
    }
    enum adb__txn_state state = worker->db->driver->transaction_state(worker->conn);
    if (connection_is_distrusted(worker))
        adb__worker_disconnect(worker, ADB__CLOSED_ROLE);
    else if (state == ADB__TXN_UNKNOWN)
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    else if (worker->base_open && state == ADB__TXN_NONE)
        connection_restore_base(worker);
    else if (!worker->base_open && state != ADB__TXN_NONE)
        connection_roll_back(worker);
}

/* A hook of a checkout: it leaves no transaction open, and a connection that it refuses is closed. */
static adb_status connection_hook(struct adb__worker *worker, adb_connect_cb hook, void *user_data, adb_error *error)
{
    adb_error detail = {0};
    adb_status status = adb__session_hook(worker, hook, user_data, &detail);
    if (status == ADB_OK && !worker->is_broken &&
        (worker->base_open || worker->db->driver->transaction_state(worker->conn) == ADB__TXN_NONE))
        return ADB_OK;
    if (status == ADB_OK) {
        adb__worker_clean(worker);
        if (worker->is_open)
            return ADB_OK;
        status = adb__error_native(&detail, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST, 0, "08006",
                                   "the connection was lost in a hook");
    }
    adb__worker_disconnect(worker, worker->is_broken ? ADB__CLOSED_LOST : ADB__CLOSED_DIRTY);
    if (error != NULL)
        *error = detail;
    return status;
}

adb_status adb__worker_check_out(struct adb__worker *worker, adb_error *error)
{
    const adb_options *options = &worker->db->options;
    adb_status status = ADB_OK;
    if (worker->is_checked_out || !adb__database_has_checkouts(worker->db))
        return ADB_OK;
    if (options->on_acquire != NULL)
        status = connection_hook(worker, options->on_acquire, options->on_acquire_data, error);
    worker->is_checked_out = status == ADB_OK;
    return status;
}

void adb__worker_check_in(struct adb__worker *worker)
{
    const adb_options *options = &worker->db->options;
    adb_error error;
    if (!worker->is_checked_out)
        return;
    worker->is_checked_out = false;
    adb__error_clear(&error);
    if (options->on_release != NULL &&
        connection_hook(worker, options->on_release, options->on_release_data, &error) != ADB_OK)
        adb__log(&worker->db->log, ADB__LOG_WARN, "on_release has refused a connection: %s", error.message);
}
