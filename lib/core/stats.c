/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures of a database: counted where things happen, added up here. */
#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"

#include <string.h>

void adb__database_count_failure(adb_database *db, adb_status status)
{
    struct adb__figures *figures = &db->figures;
    struct adb__counter *counter = status == ADB_E_CANCELLED ? &figures->cancelled
                                   : status == ADB_E_TIMEOUT ? &figures->timed_out
                                                             : &figures->failed;
    adb__counter_add(counter, 1);
}

static void stats_workers(const adb_database *db, adb_stats *stats)
{
    unsigned n[ADB__N_WORKER_STATES] = {0};
    int64_t completed = 0;
    for (size_t i = 0; i < db->n_servers; i++) {
        for (unsigned role = 0; role < ADB__N_ROLES; role++) {
            adb__pool_count(&db->servers[i].pools[role], n);
            completed += adb__pool_completed(&db->servers[i].pools[role]);
        }
    }
    stats->idle = n[ADB__WORKER_IDLE];
    stats->busy = n[ADB__WORKER_BUSY];
    stats->held = n[ADB__WORKER_HELD];
    stats->connecting = n[ADB__WORKER_CONNECTING];
    stats->workers = stats->idle + stats->busy + stats->held + stats->connecting;
    stats->completed = (uint64_t)completed;
}

static void stats_jobs(const adb_database *db, adb_stats *stats)
{
    const struct adb__census census = adb__jobs_count(&db->jobs, adb__clock_now());
    stats->jobs_waiting = census.waiting;
    stats->jobs_running = census.running;
    stats->jobs_undelivered = census.undelivered;
    stats->oldest_wait_ms = census.oldest_ms;
}

/* By the contexts that are about, and those that were. */
static uint64_t stats_accepted(const adb_database *db)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&db->lock; /* const to the caller */
    pthread_mutex_lock(lock);
    int64_t accepted = adb__counter_get(&db->figures.accepted);
    ADB__LIST_FOR_EACH(link, &db->contexts)
        accepted += adb__counter_get(&ADB__CONTAINER_OF(link, adb_context, link)->accepted);
    pthread_mutex_unlock(lock);
    return (uint64_t)accepted;
}

static void stats_counters(const adb_database *db, adb_stats *stats)
{
    const struct adb__figures *figures = &db->figures;
    stats->connections = (unsigned)adb__counter_get(&figures->connections);
    stats->listening = (unsigned)adb__counter_get(&figures->listening);
    stats->contexts = (size_t)adb__counter_get(&figures->contexts);
    stats->accepted = stats_accepted(db);
    stats->refused = (uint64_t)adb__counter_get(&figures->refused);
    stats->failed = (uint64_t)adb__counter_get(&figures->failed);
    stats->cancelled = (uint64_t)adb__counter_get(&figures->cancelled);
    stats->timed_out = (uint64_t)adb__counter_get(&figures->timed_out);
    stats->dirty_returns = (uint64_t)adb__counter_get(&figures->dirty_returns);
    stats->retries = (uint64_t)adb__counter_get(&figures->retries);
    stats->opened = (uint64_t)adb__counter_get(&figures->opened);
    stats->open_failures = (uint64_t)adb__counter_get(&figures->open_failures);
    stats->closed_idle = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_IDLE]);
    stats->closed_lifetime = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_LIFETIME]);
    stats->closed_lost = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_LOST]);
    stats->closed_dirty = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_DIRTY]);
    stats->closed_unpooled = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_UNPOOLED]);
    stats->closed_close = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_CLOSE]);
    stats->closed_role = (uint64_t)adb__counter_get(&figures->closed[ADB__CLOSED_ROLE]);
    stats->pipelined = (uint64_t)adb__counter_get(&figures->pipelined);
    stats->group_commits = (uint64_t)adb__counter_get(&figures->group_commits);
}

adb_status adb_database_stats(const adb_database *db, adb_stats *stats_out)
{
    adb_stats stats = {.size = sizeof(stats)};
    if (db == NULL || stats_out == NULL || stats_out->size < sizeof(size_t) || stats_out->size > sizeof(stats))
        return ADB_E_INVAL;
    if (adb__database_is_forked(db))
        return ADB_E_FORKED;
    stats_workers(db, &stats);
    stats_jobs(db, &stats);
    stats_counters(db, &stats);
    size_t size = stats_out->size;
    memcpy(stats_out, &stats, size);
    stats_out->size = size;
    return ADB_OK;
}
