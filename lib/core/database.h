/* SPDX-License-Identifier: BSD-3-Clause */
/* A database owns everything else: options, servers with their pools, jobs, contexts, and the watchdog. */
#ifndef ADB_CORE_DATABASE_H
#define ADB_CORE_DATABASE_H

#include "base/log.h"
#include "core/guard.h"
#include "core/job.h"
#include "core/listen.h"
#include "core/process.h"
#include "core/server.h"
#include "core/templates.h"
#include "core/watchdog.h"
#include "core/worker.h"
#include "queue/snapshots.h"

#include <asyncdb/database.h>

enum adb__phase { ADB__OPEN, ADB__CLOSING, ADB__CLOSED };

/* What adb_database_stats() adds up. */
struct adb__figures {
    struct adb__counter accepted; /* of contexts that are no more; the others have their own */
    struct adb__counter refused, failed, cancelled, timed_out; /* what ends well, its worker counts */
    struct adb__counter dirty_returns, retries, opened, open_failures, group_commits, pipelined;
    struct adb__counter connections, listening, contexts;
    struct adb__counter closed[ADB__N_CLOSE_REASONS];
};

struct adb_database {
    struct adb__ref ref;            /* the handle, its contexts, its threads */
    adb_options options;            /* merged; texts in the arena */
    struct adb__arena arena;
    adb_url *url;                   /* merged */
    const struct adb__driver *driver;
    struct adb__log log;
    char anchor[32];                /* unique in the process */
    unsigned generation;            /* of the process that made it */
    struct adb__counter muted;      /* no callback may run: the process exits */

    pthread_mutex_t lock;           /* phase, started, contexts; see lib/README.md for the order of locks */
    pthread_cond_t changed;         /* a job or an outcome less, while closing; lock */
    enum adb__phase phase;
    struct adb__counter started;    /* the watchdog runs; written under lock */
    struct adb__list contexts;
    struct adb__list process_link;

    struct adb__jobs jobs;
    struct adb__snapshots snapshots; /* that selects share */
    struct adb__templates templates;
    struct adb__server *servers;    /* the primary, then the replicas */
    size_t n_servers;
    struct adb__watchdog watchdog;
    struct adb__guards guards;
    struct adb__listening listening;
    struct adb__figures figures;
};

void adb__database_ref(adb_database *db);
void adb__database_unref(adb_database *db);
static inline bool adb__database_is_muted(const adb_database *db)
{
    return adb__counter_get(&db->muted) != 0;
}
/* Is something to be done whenever a lane gets a connection or gives it back? */
static inline bool adb__database_has_checkouts(const adb_database *db)
{
    return db->options.on_acquire != NULL || db->options.on_release != NULL;
}
static inline bool adb__database_is_forked(const adb_database *db)
{
    return db->generation != adb__process_generation();
}
/* Start the watchdog, which starts the workers. Idempotent. */
adb_status adb__database_start(adb_database *db, adb_error *error);
/* A job has failed so. */
void adb__database_count_failure(adb_database *db, adb_status status);
/* Close at exit of the process: nothing is delivered. */
void adb__database_quit(adb_database *db);

#endif
