/* SPDX-License-Identifier: BSD-3-Clause */
/* Databases: open, start, connect, free. How they close is in core/close.c. */
#include "core/database.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/condition.h"
#include "core/context.h"
#include "core/options.h"
#include "core/process.h"
#include "drivers/registry.h"
#include "model/error.h"

#include <stdio.h>
#include <string.h>

/* Numbers databases, for their anchors and for the tags in their jobs' ids. */
static struct adb__counter database_number;

void adb__database_ref(adb_database *db)
{
    adb__ref_take(&db->ref);
}

static void database_dispose(adb_database *db)
{
    for (size_t i = 0; i < db->n_servers; i++)
        adb__server_fini(&db->servers[i]);
    adb__free_lines(db->servers);
    adb__templates_fini(&db->templates);
    adb__jobs_fini(&db->jobs);
    adb__watchdog_fini(&db->watchdog);
    adb__listening_fini(&db->listening);
    adb__guards_fini(&db->guards);
    pthread_cond_destroy(&db->changed);
    pthread_mutex_destroy(&db->lock);
    adb_url_free(db->url);
    adb__arena_reset(&db->arena);
    adb__free_lines(db);
}

void adb__database_unref(adb_database *db)
{
    if (!adb__ref_drop(&db->ref))
        return;
    if (adb__database_is_forked(db))
        return; /* locks and queues are as the parent's threads left them: better not to touch them */
    adb__process_remove(&db->process_link);
    database_dispose(db);
}

/* While closing: one job, or one outcome, less. */
static void database_changed(void *owner)
{
    adb_database *db = owner;
    pthread_mutex_lock(&db->lock);
    pthread_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

static void log_to_stderr(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)user_data;
    fprintf(stderr, "asyncdb: %s\n", line);
}

/* The sink of base/log.h has plain ints, so that base need not know the public face. */
static void database_log(int level, const char *line, void *user_data)
{
    const adb_options *options = user_data;
    options->log((adb_log_level)level, line, options->log_data);
}

static adb_status database_init_log(adb_database *db, adb_error *error)
{
    const char *password = adb__server_password(db->url);
    if (db->options.log == NULL)
        db->options.log = log_to_stderr;
    db->log.write = database_log;
    db->log.user_data = &db->options;
    db->log.level = (int)db->options.log_level;
    db->log.secret = password == NULL ? NULL : adb__arena_strdup(&db->arena, password);
    if (password != NULL && db->log.secret == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a password");
    return ADB_OK;
}

/* The primary and the replicas. */
static adb_status database_init_servers(adb_database *db, adb_error *error)
{
    db->servers = adb__alloc_lines(1 + db->options.n_replicas, sizeof(*db->servers));
    if (db->servers == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the servers");
    db->n_servers = 1;
    adb_status status = adb__server_init(&db->servers[0], db, db->url, db->options.read_only, error);
    for (size_t i = 0; i < db->options.n_replicas && status == ADB_OK; i++) {
        const struct adb__driver *driver = NULL;
        adb_url *url = NULL;
        status = adb_url_parse(db->options.replicas[i], &url, error);
        if (status == ADB_OK)
            status = adb__registry_find(url, &driver, error);
        if (status == ADB_OK && driver != db->driver)
            status = adb__error_set(error, ADB_E_OPTION, "replica %zu is of another kind of database", i);
        if (status == ADB_OK)
            status = adb__server_init(&db->servers[db->n_servers++], db, url, true, error);
        adb_url_free(url);
    }
    return status;
}

static bool database_init_locks(adb_database *db)
{
    if (pthread_mutex_init(&db->lock, NULL) != 0)
        return false;
    if (!adb__condition_init(&db->changed)) {
        pthread_mutex_destroy(&db->lock);
        return false;
    }
    if (!adb__listening_init(&db->listening))
        goto no_listening;
    if (!adb__guards_init(&db->guards))
        goto no_guards;
    if (adb__watchdog_init(&db->watchdog, db))
        return true;
    adb__guards_fini(&db->guards);
no_guards:
    adb__listening_fini(&db->listening);
no_listening:
    pthread_cond_destroy(&db->changed);
    pthread_mutex_destroy(&db->lock);
    return false;
}

static adb_database *database_new(void)
{
    adb_database *db = adb__alloc_lines(1, sizeof(*db));
    if (db == NULL)
        return NULL;
    if (!database_init_locks(db)) {
        adb__free_lines(db);
        return NULL;
    }
    adb__ref_init(&db->ref, 1);
    adb__arena_init(&db->arena, NULL, 0);
    adb__list_init(&db->contexts);
    adb__list_init(&db->process_link);
    adb__process_begin();
    db->generation = adb__process_generation();
    return db;
}

/* Everything of a new database that can be refused. */
static adb_status database_init(adb_database *db, const char *url, const adb_options *options, adb_error *error)
{
    int64_t number = adb__counter_add_get(&database_number, 1);
    snprintf(db->anchor, sizeof(db->anchor), "adb-%lld", (long long)number);
    adb_status status = adb_url_parse(url, &db->url, error);
    if (status == ADB_OK)
        status = adb__registry_find(db->url, &db->driver, error);
    if (status == ADB_OK)
        status = adb__options_merge(&db->arena, db->driver, db->url, options, &db->options, error);
    if (status == ADB_OK)
        status = database_init_log(db, error);
    if (status == ADB_OK && !adb__jobs_init(&db->jobs, db->options.queue_capacity, (uint32_t)number))
        status = adb__error_set(error, ADB_E_NOMEM, "no memory for a queue of %u jobs", db->options.queue_capacity);
    if (status != ADB_OK)
        return status;
    db->jobs.drained_fn = database_changed;
    db->jobs.owner = db;
    adb__templates_init(&db->templates, &db->driver->dialect, &db->jobs);
    return database_init_servers(db, error);
}

adb_status adb_database_open(const char *url, const adb_options *options, adb_database **db_out, adb_error *error)
{
    if (url == NULL || db_out == NULL)
        return adb__error_set(error, ADB_E_INVAL, "url or db_out is NULL");
    adb__error_clear(error);
    adb_database *db = database_new();
    if (db == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a database");
    adb_status status = database_init(db, url, options, error);
    if (status != ADB_OK) {
        adb__database_unref(db);
        return status;
    }
    adb__process_add(&db->process_link);
    *db_out = db;
    return ADB_OK;
}

adb_status adb__database_start(adb_database *db, adb_error *error)
{
    if (adb__counter_get(&db->started) != 0)
        return ADB_OK;
    int refusal = 0;
    pthread_mutex_lock(&db->lock);
    bool may = db->phase == ADB__OPEN;
    if (may && adb__counter_get(&db->started) == 0) {
        refusal = adb__watchdog_start(&db->watchdog);
        adb__counter_set(&db->started, refusal == 0);
    }
    pthread_mutex_unlock(&db->lock);
    if (!may)
        return adb__error_set(error, ADB_E_CLOSED, "the database is closed");
    if (refusal != 0)
        return adb__error_set(error, ADB_E_NOMEM, "no thread for the watchdog: %s", strerror(refusal));
    return ADB_OK;
}

/* A closed database starts anew. */
static adb_status database_reopen(adb_database *db, adb_error *error)
{
    adb_status status = ADB_OK;
    pthread_mutex_lock(&db->lock);
    if (db->phase == ADB__CLOSING) {
        status = adb__error_set(error, ADB_E_STATE, "the database is closing");
    } else if (db->phase == ADB__CLOSED && (db->watchdog.away || !adb__helpers_return(&db->watchdog.helpers))) {
        status = adb__error_set(error, ADB_E_STATE, "a cancel from before the close has not come back yet");
    } else if (db->phase == ADB__CLOSED) {
        for (size_t i = 0; i < db->n_servers; i++) {
            for (unsigned role = 0; role < ADB__N_ROLES; role++)
                adb__counter_set(&db->servers[i].pools[role].stopping, 0);
        }
        adb__guards_limit(db, ADB__NEVER);
        db->phase = ADB__OPEN;
        atomic_store_explicit(&db->jobs.open, true, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&db->lock);
    return status;
}

adb_status adb_database_connect(adb_database *db, int timeout_ms, adb_error *error)
{
    if (db == NULL)
        return adb__error_set(error, ADB_E_INVAL, "the database is NULL");
    adb__error_clear(error);
    if (adb__database_is_forked(db))
        return adb__error_set(error, ADB_E_FORKED, "this handle was made by a parent process");
    if (adb__process_is_worker())
        return adb__error_set(error, ADB_E_DEADLOCK, "a worker cannot wait for a connection");
    adb_status status = database_reopen(db, error);
    if (status != ADB_OK)
        return status;
    adb_context *ctx = adb_context_new(db, NULL, 0);
    if (ctx == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory or descriptor to connect with");
    adb_job job = adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_CONNECT, .timeout_ms = timeout_ms));
    adb_result *result = adb_wait(ctx, job, -1);
    status = adb_result_status(result);
    if (status != ADB_OK && error != NULL)
        *error = *adb_result_error(result);
    adb_result_unref(result);
    adb_context_free(ctx);
    if (status != ADB_OK)
        return status;
    for (size_t i = 0; i < db->n_servers; i++)
        adb__server_want_least(&db->servers[i]);
    return ADB_OK;
}

bool adb_database_is_connected(const adb_database *db)
{
    return db != NULL && !adb__database_is_forked(db) &&
           atomic_load_explicit(&db->jobs.open, memory_order_acquire) &&
           adb__counter_get(&db->figures.connections) > 0;
}

void adb_database_free(adb_database *db)
{
    if (db == NULL)
        return;
    adb_database_close(db, 0);
    adb__database_unref(db);
}

const adb_url *adb_database_url(const adb_database *db)
{
    return db == NULL ? NULL : db->url;
}

const adb_options *adb_database_options(const adb_database *db)
{
    return db == NULL ? NULL : &db->options;
}

const char *adb_database_driver(const adb_database *db)
{
    return db == NULL ? NULL : db->driver->scheme;
}
