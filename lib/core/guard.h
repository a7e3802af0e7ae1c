/* SPDX-License-Identifier: BSD-3-Clause */
/* Guards: a call to a driver that no job's deadline covers (a check, a roll back, a connect, a hook) must not hang for
 * ever on a silent network. The worker sets a guard around it; when its time is up the watchdog breaks the connection
 * under the call, so that it returns.
 *
 * One small lock per database, held while the driver's cancel() severs: so the guard cannot be cleared, and the
 * connection not be closed, under it. Severing does not block (drivers/driver.h). Servers only: what has no network has
 * no silence, and SQLite is not to be interrupted in the middle of a roll back. */
#ifndef ADB_CORE_GUARD_H
#define ADB_CORE_GUARD_H

#include "base/list.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct adb_database;
struct adb__worker;

/* Of one worker. */
struct adb__guard {
    struct adb__list link;          /* in db->guards.list while a call is guarded; lock */
    int64_t deadline;               /* lock */
    int64_t severed_at;             /* the last time; lock */
};

/* Of one database. */
struct adb__guards {
    pthread_mutex_t lock;           /* all that follows, and the guards in the list */
    struct adb__list list;
    int64_t limit;                  /* none lasts longer: the database closes; ADB__NEVER: it does not */

    /* What they are given; set before any is, shorter in tests */
    int64_t call_ns;                /* a check, a roll back, a statement of a hook */
    int64_t probe_ns;               /* the check of a connection whose siblings were lost: it probably is, and a job waits */
    int64_t spare_ns;               /* an attempt to connect, beyond the time that the driver was told */
};

bool adb__guards_init(struct adb__guards *guards);
void adb__guards_fini(struct adb__guards *guards);

/* The worker's own thread. False: nothing was set, because a guard around this one is, or none is needed; else
 * adb__guard_clear() when the call has returned. */
bool adb__guard_set(struct adb__worker *worker, int64_t deadline);
/* The same, for call_ns. */
bool adb__guard_call(struct adb__worker *worker);
void adb__guard_clear(struct adb__worker *worker);
/* For the driver's stop_fn: has the time of the guarded call passed? */
bool adb__guard_has_passed(struct adb__worker *worker);

/* The watchdog's: sever what is due. Returns when to look again. */
int64_t adb__guards_enforce(struct adb_database *db, int64_t now);
/* Closing: no guarded call lasts longer than that. ADB__NEVER: open again. */
void adb__guards_limit(struct adb_database *db, int64_t deadline);

#endif
